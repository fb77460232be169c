"""The host side of every op: parameter structs, shape checks, extensions, the Python package.

records -> host/<op>_params.h   what kernels receive
           host/<op>_host.*     the op's tables, read by backends/host_runtime
           cuda/, dlpack/, mlx/ the extension modules `_cuda`, `_cpu` and `_metal`
           python/sgl_kernel/   the package, its stubs and docstrings
           docs/                a reference page for each op
           build.json           what is compiled, and as what
"""

from __future__ import annotations

from collections.abc import Sequence

from codegen.host.build_list import build_list
from codegen.host.native import module_files, op_files
from codegen.host.package import package_files
from codegen.host.pages import page_files
from codegen.record import OpRecord


def generate_host(records: Sequence[OpRecord]) -> dict[str, bytes]:
    """Path under `generated/` to content, for every host file of `records`; their order does not matter."""
    ordered = sorted(records, key=lambda record: record.name)
    files = {path: content for record in ordered for path, content in op_files(record).items()}
    files |= module_files(ordered) | package_files(ordered) | page_files(ordered)
    return files | {"build.json": build_list(ordered)}

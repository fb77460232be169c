"""The package of the ops in `host_ops.py`, built once and kept between runs."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import host_ops

from backends.build_generated import BuildOptions, build
from codegen.host import generate_host
from codegen.settings import Settings

NAME = "host_ops_kernel"
ROOT = Path(__file__).parent.parent
_FOLDER = ROOT / "build" / "host_ops"
_KERNELS = Path(__file__).parent / "cpp" / "host_kernels.cpp"
_NO_LAUNCHES = """
#include "metal/host/op_launches.h"
namespace sgl::ops {{
extern constinit const metal::OpLaunches {name}_launches = {{}};
}}
"""


@functools.cache
def generated() -> Mapping[str, bytes]:
    """The generated tree: the host files, and the hand-written kernels in the place of emitted ones."""
    kernels = {"cpu/scaled_add.cpp": _KERNELS.read_bytes()}
    others = {f"cpu/{name}.cpp": b"" for name in ("pick_heads", "sum_and_difference")}
    launches = {
        f"metal/{record.name}_launches.cpp": _NO_LAUNCHES.format(name=record.name).encode()
        for record in host_ops.records()
    }
    return {**generate_host(host_ops.records()), **kernels, **others, **launches}


@functools.cache
def package_folder() -> Path:
    """The folder to import `NAME` from; builds what has changed since the last run."""
    tree = _FOLDER / "generated"
    for path, content in generated().items():
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_bytes() != content:
            file.write_bytes(content)
    settings = Settings(package=NAME, cuda_compiler=("no-such-nvcc",))
    return build(BuildOptions(tree, _FOLDER / "build"), settings)


def load(module: str) -> ModuleType:
    """A module of the built package: `cpu`, `metal`, ..."""
    folder = str(package_folder())
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(f"{NAME}.{module}")

"""`build.json`: every translation unit, and what it is compiled as."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from codegen.record import OpRecord


@dataclass(frozen=True, slots=True)
class RuntimeUnit:
    """A hand-written source below `backends/`."""

    path: str
    target: str


RUNTIME_UNITS = (
    RuntimeUnit("host_runtime/isa.cpp", "host"),
    RuntimeUnit("host_runtime/memory.cpp", "host"),
    RuntimeUnit("host_runtime/messages.cpp", "host"),
    RuntimeUnit("host_runtime/python_arguments.cpp", "host"),
    RuntimeUnit("host_runtime/resolve.cpp", "host"),
    RuntimeUnit("host_runtime/dlpack_call.cpp", "dlpack"),
    RuntimeUnit("host_runtime/python_arrays.cpp", "dlpack"),
    RuntimeUnit("host_runtime/mlx_call.cpp", "mlx"),
    RuntimeUnit("host_runtime/mlx_primitive.cpp", "mlx"),
)


def build_list(records: Sequence[OpRecord]) -> bytes:
    """The build list as JSON. Paths are relative to `generated/`, or to `backends/` where `runtime` is set."""
    generated: list[tuple[str, str, str | None]] = [("dlpack/module.cpp", "dlpack", None), ("mlx/module.cpp", "mlx", None)]
    for record in records:
        generated.append((f"cpu/{record.name}.cpp", "cpu-kernel", record.name))
        generated.append((f"host/{record.name}_host.cpp", "host", record.name))
    units = [
        *({"op": op, "path": path, "runtime": False, "target": target} for path, target, op in sorted(generated)),
        *({"op": None, "path": unit.path, "runtime": True, "target": unit.target} for unit in RUNTIME_UNITS),
    ]
    return (json.dumps({"edition": 1, "units": units}, indent=1) + "\n").encode()

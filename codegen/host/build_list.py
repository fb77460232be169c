"""`build.json`: every translation unit, and what it is compiled as."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from codegen.record import OpRecord


@dataclass(frozen=True, slots=True)
class Unit:
    """A source and the target it is compiled for; `runtime` ones are hand-written, below `backends/`."""

    op: str | None
    path: str
    target: str
    runtime: bool = False


_MODULES = (
    Unit(None, "cuda/module.cpp", "cuda-host"),
    Unit(None, "dlpack/module.cpp", "dlpack"),
    Unit(None, "mlx/module.cpp", "mlx"),
)

_RUNTIME = (
    Unit(None, "gpu_host/choose.cpp", "gpu-host", True),
    Unit(None, "host_runtime/isa.cpp", "host", True),
    Unit(None, "host_runtime/memory.cpp", "host", True),
    Unit(None, "host_runtime/messages.cpp", "host", True),
    Unit(None, "host_runtime/python_arguments.cpp", "host", True),
    Unit(None, "host_runtime/resolve.cpp", "host", True),
    Unit(None, "host_runtime/direct_call.cpp", "arrays", True),
    Unit(None, "host_runtime/dlpack_call.cpp", "dlpack", True),
    Unit(None, "host_runtime/python_arrays.cpp", "arrays", True),
    Unit(None, "host_runtime/python_call.cpp", "arrays", True),
    Unit(None, "host_runtime/mlx_call.cpp", "mlx", True),
    Unit(None, "host_runtime/mlx_primitive.cpp", "mlx", True),
    Unit(None, "metal/host/eval_gpu.cpp", "mlx", True),
    Unit(None, "metal/host/recording.cpp", "mlx", True),
    Unit(None, "metal/host/library.cpp", "metal-host", True),
    Unit(None, "metal/host/pipeline_key.cpp", "metal-host", True),
    Unit(None, "metal/host/strided_shape.cpp", "metal-host", True),
    Unit(None, "metal/runtime/_strided.metal", "metal", True),
    Unit(None, "cuda/host/cuda_call.cpp", "cuda-host", True),
    Unit(None, "cuda/host/device.cpp", "cuda-host", True),
    Unit(None, "cuda/host/launch.cpp", "cuda-host", True),
    Unit(None, "cuda/host/seen_calls.cpp", "cuda-host", True),
    Unit(None, "cuda/host/strided.cu", "cuda", True),
)


def build_list(records: Sequence[OpRecord]) -> bytes:
    """The build list as JSON. Paths start at `generated/`, or at `backends/` where `runtime` is true."""
    units = [*_MODULES, *(unit for record in records for unit in _op_units(record)), *_RUNTIME]
    rows = [asdict(unit) for unit in units]
    return (json.dumps({"edition": 1, "units": rows}, indent=1) + "\n").encode()


def _op_units(record: OpRecord) -> tuple[Unit, ...]:
    return (
        Unit(record.name, f"cpu/{record.name}.cpp", "cpu-kernel"),
        Unit(record.name, f"cuda/{record.name}.cu", "cuda"),
        Unit(record.name, f"cuda/{record.name}_launches.cpp", "cuda-host"),
        Unit(record.name, f"host/{record.name}_host.cpp", "host"),
        Unit(record.name, f"metal/{record.name}.metal", "metal"),
        Unit(record.name, f"metal/{record.name}_launches.cpp", "metal-host"),
    )

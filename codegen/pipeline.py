"""From spec files to the generated tree: the pass list, and the walk over specs and targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen import lowered as low
from codegen.lowering.lower import lower
from codegen.passes.eager import make_eager
from codegen.passes.guard_accesses import guard_accesses
from codegen.record import OpRecord, make_record
from kernel_ir import nodes as ir
from kernel_ir.load import LoadedSpec, load_file
from kernel_ir.typecheck.check import check_spec


@dataclass(frozen=True, slots=True)
class Pass:
    """A step over the typed IR, and why it stands where it does."""

    run: Callable[[ir.Kernel], ir.Kernel]
    reason: str


PASSES: tuple[Pass, ...] = (
    Pass(guard_accesses, "first, since every later pass may then rely on loads being in range"),
    Pass(make_eager, "before lowering, which computes reductions ahead of the branch that uses them"),
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A spec on its way through the compiler."""

    loaded: LoadedSpec
    kernel: ir.Kernel
    record: OpRecord
    program: low.Program


def compile_spec(loaded: LoadedSpec) -> Compiled:
    """Check and lower one spec. Raises SpecError, or TargetError where a construct cannot be lowered."""
    kernel = check_spec(loaded)
    resolved = kernel
    for item in PASSES:
        resolved = item.run(resolved)
    return Compiled(loaded, kernel, make_record(loaded, kernel), lower(resolved))

"""The tables from which host code launches an op's kernels: `backends/gpu_host/launch_table.h`, filled in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from codegen.expressions import Call
from codegen.gpu.record import KernelRecord, LaunchRecord, ScratchRecord
from codegen.host.sizes import SIZES, Arithmetic, SizeFunction, size_function
from codegen.record import OpRecord
from codegen.render import render
from kernel_ir import nodes as ir
from kernel_ir.errors import TargetError
from kernel_ir.printer import print_expression
from kernel_ir.traverse import walk

TEMPLATES = Path(__file__).parent / "templates"

# The fixed storage of `gpu_host/launch_table.h`.
_MOST_SCRATCH = 32

# Sizes multiply to more than any integer type holds; beyond 2^120 all count as equal.
_MORE_OPS = {"i64": Call("host::Saturated"), "abs": Call("host::absolute"), "select": Call("host::select")}
_SATURATED = Arithmetic("Saturated", replace(SIZES, ops={**SIZES.ops, **_MORE_OPS}))

_ELEMENT_BYTES = {"f32": 4, "i32": 4, "u32": 4, "i64": 8, "bool": 1}


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """A function of the call's sizes, and the expression that it computes."""

    text: str
    function: SizeFunction


@dataclass(frozen=True, slots=True)
class Array:
    """A constant array of C++: `items` are initialisers."""

    type: str
    name: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaunchInitialiser:
    """One initialiser of `LaunchRow`: `arrays` are defined before it, `members` in the struct's order."""

    arrays: tuple[Array, ...]
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a target puts round its tables: the headers, what it declares outside of namespaces, arrays of its
    own, and its type `shown` of an op's launches with the members.
    """

    target: str
    headers: tuple[str, ...]
    namespace: str
    shown: str
    members: tuple[str, ...]
    declarations: tuple[str, ...] = ()
    arrays: tuple[Array, ...] = ()


@dataclass(frozen=True, slots=True)
class LaunchSource:
    """Everything in `<target>/<op>_launches.cpp`."""

    spec_path: str
    name: str
    frame: Frame
    tensors: tuple[str, ...]
    scalars: tuple[str, ...]
    sizes: tuple[str, ...]
    measures: tuple[MeasureRow, ...]
    launches: tuple[LaunchInitialiser, ...]


def write_launches(launches: tuple[LaunchRecord, ...], record: OpRecord, frame: Frame) -> str:
    """The C++ that says how an op is launched. Raises TargetError where the host cannot compute or hold
    something.
    """
    source = launch_source(launches, record, frame)
    return render(TEMPLATES, "launches.cpp.j2", {"source": source})


def launch_source(launches: tuple[LaunchRecord, ...], record: OpRecord, frame: Frame) -> LaunchSource:
    """The tables as the template wants them."""
    writer = _Writer(record, frame.target)
    rows = tuple(writer.launch(item) for item in launches)
    kernel = record.kernel
    return LaunchSource(
        spec_path=record.spec_path,
        name=record.name,
        frame=frame,
        tensors=tuple(kernel.tensors()),
        scalars=tuple(item.name for item in kernel.arguments if isinstance(item, ir.ScalarType)),
        sizes=kernel.sizes,
        measures=tuple(writer.measures.values()),
        launches=rows,
    )


def measure_body(expr: ir.Expr) -> str:
    """The statements of the function that computes `expr`, as one line."""
    function = size_function("", "Saturated", expr, _SATURATED)
    values = (f"const {item.type} {item.name} = {item.source};" for item in function.locals)
    return " ".join((*values, f"return {function.expression};"))


@dataclass(slots=True)
class _Writer:
    """Writes launches; equal expressions share a function, and equal names of scratch a buffer."""

    record: OpRecord
    target: str
    measures: dict[ir.Expr, MeasureRow] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)

    def launch(self, launch: LaunchRecord) -> LaunchInitialiser:
        if len(launch.scratch) > _MOST_SCRATCH:
            construct = f"{len(launch.scratch)} buffers of scratch"
            reason = f"at most {_MOST_SCRATCH} are supported"
            raise TargetError(self.target, construct, self.record.name, reason)
        arrays = (
            self._measures(launch, "grid", launch.grid),
            Array("TeamRow", f"teams_{launch.number}", _teams(launch)),
            _tensors(launch, "tensors", launch.tensors),
            _tensors(launch, "given", launch.given),
            Array("ScratchRow", f"scratch_{launch.number}", tuple(map(self._scratch, launch.scratch))),
            self._measures(launch, "bounds", launch.bounds),
            _tensors(launch, "moved", launch.moved),
            self._measures(launch, "multiples", launch.multiples),
            self._measures(launch, "dealt", launch.dealt),
            self._measures(launch, "alike", launch.alike),
            Array("KernelRow", f"kernels_{launch.number}", self._kernels(launch)),
        )
        kept = tuple(array for array in arrays if array.items)
        spans = {array.name.rpartition("_")[0]: array.name if array.items else "{}" for array in arrays}
        return LaunchInitialiser(kept, self._members(launch, spans))

    def _members(self, launch: LaunchRecord, spans: dict[str, str]) -> tuple[tuple[str, str], ...]:
        schedule = launch.schedule
        return (
            ("name", f'"{launch.name}"'),
            ("grid", spans["grid"]),
            ("tiled", "nullptr" if launch.tiled is None else self._measure(launch.tiled)),
            ("longest", self._measure(launch.longest)),
            ("teams", spans["teams"]),
            ("tile_turns", str(schedule.tile_turns)),
            ("teams_per_group", str(schedule.teams_per_group)),
            ("part_lanes", str(schedule.part_lanes)),
            *((name, spans[name]) for name in ("tensors", "given", "scratch", "bounds", "moved")),
            *((name, spans[name]) for name in ("multiples", "dealt", "alike", "kernels")),
        )

    def _measures(self, launch: LaunchRecord, name: str, exprs: Iterable[ir.Expr]) -> Array:
        return Array("Measure", f"{name}_{launch.number}", tuple(map(self._measure, exprs)))

    def _measure(self, expr: ir.Expr) -> str:
        """The name of the function that computes `expr`."""
        if expr not in self.measures:
            _require_computable(expr, self.record, self.target)
            name = f"measure_{len(self.measures)}"
            function = size_function(name, "Saturated", expr, _SATURATED)
            self.measures[expr] = MeasureRow(print_expression(expr), function)
        return self.measures[expr].function.name

    def _scratch(self, row: ScratchRecord) -> str:
        is_kept = row.owner == "program"
        slot = self.slots.setdefault(row.name, len(self.slots)) if is_kept else -1
        bytes_ = _ELEMENT_BYTES[row.type.name]
        unless = str(row.unless_turns).lower()
        return f"{{{self._measure(row.extent)}, {bytes_}, Owner::{row.owner}, {slot}, {unless}}}"

    def _kernels(self, launch: LaunchRecord) -> tuple[str, ...]:
        entries = [entry.suffix for entry in self.record.entries]
        return tuple(_kernel(row, entries.index(row.entry)) for row in launch.kernels)


def _kernel(row: KernelRecord, entry: int) -> str:
    variant = row.variant
    flags = (str(flag).lower() for flag in (variant.is_wide, variant.is_aligned, variant.is_full))
    fields = (row.position, entry, row.chunk, variant.turns, *flags, variant.points)
    return f"{{{', '.join(map(str, fields))}}}"


def _teams(launch: LaunchRecord) -> tuple[str, ...]:
    rows = launch.schedule.teams
    return tuple(f"{{{'kHoweverLong' if row.longest is None else row.longest}, {row.lanes}}}" for row in rows)


def _tensors(launch: LaunchRecord, name: str, tensors: Iterable[str]) -> Array:
    return Array("int16_t", f"{name}_{launch.number}", tuple(f"tensor_{item}" for item in tensors))


def _require_computable(expr: ir.Expr, record: OpRecord, target: str) -> None:
    for item in walk(expr):
        if isinstance(item, ir.Apply) and item.op not in _SATURATED.dialect.ops:
            construct = f"the size `{print_expression(expr)}`"
            raise TargetError(target, construct, record.name, f"host code has no {item.op}")

"""A program as launches that a GPU can run: every decision made, nothing written yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from codegen import lowered as low
from codegen.build_ir import ZERO, op
from codegen.gpu.barriers import place_barriers
from codegen.gpu.chunks import ChunkedLoop, find_chunks
from codegen.gpu.lift import lift
from codegen.gpu.record import KernelRecord, LaunchRecord, ScratchRecord, Variant
from codegen.gpu.rows import RowPlace, loops_of_row, place_rows
from codegen.gpu.schedule import Schedule, choose_schedule, longest_loop
from codegen.gpu.split import Kept, split
from codegen.gpu.widths import Widths
from codegen.record import Entry, OpRecord
from codegen.work import tiled_loop
from kernel_ir import nodes as ir
from kernel_ir.traverse import walk

WIDEST_ACCESS = 16  # bytes that a lane moves at once
LONGEST_CHUNK = 8  # elements; more would leave lanes without work on rows of a few hundred


@dataclass(frozen=True, slots=True)
class Target:
    """What a GPU target allows. `most_buffers` counts what a kernel may be bound to."""

    name: str
    most_buffers: int


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """A launch with barriers placed, its rows, its loops dealt in chunks, and its record."""

    launch: low.Launch
    record: LaunchRecord
    rows: Mapping[str, RowPlace]
    chunked: Mapping[str, ChunkedLoop]
    widths: Widths
    turning: frozenset[str]  # variables of loops over rows that may stay in registers

    @property
    def tiled(self) -> low.Loop | None:
        return tiled_loop(self.launch)


def plan(program: low.Program, record: OpRecord, target: Target) -> tuple[LaunchPlan, ...]:
    """Every launch of a program. Raises TargetError where the target cannot run one."""
    program, kept = split(program)
    plans: list[LaunchPlan] = []
    for number, launch in enumerate(program.launches):
        first = sum(len(item.record.kernels) for item in plans)
        first_constant = sum(len(item.record.constants) for item in plans)
        name = record.name if len(program.launches) == 1 else f"{record.name}_{number}"
        made = _plan_launch(launch, name, number, first, kept, record, target)
        plans.append(replace(made, record=replace(made.record, first_constant=first_constant)))
    return tuple(plans)


def _plan_launch(
    launch: low.Launch, name: str, number: int, first: int, kept: tuple[Kept, ...],
    record: OpRecord, target: Target,
) -> LaunchPlan:  # fmt: skip
    kernel = record.kernel
    launch = replace(launch, body=lift(launch.body))
    widths = Widths.of_launch(launch, {})
    rows = place_rows(launch, kept, widths, target.name, record.name)
    chunked = _spread_chunks(launch, rows, find_chunks(launch, kernel))
    schedule = choose_schedule(launch, record.schedule.get(target.name, {}), target.name, record.name)
    written = {item.tensor for item in low.walk(launch.body) if isinstance(item, ir.Store)}
    reached = {row for row, place in rows.items() if place.placement == "memory" and place.owner != "lane"}
    body = place_barriers(launch.body, frozenset(written | reached), frozenset(chunked))
    dealt = [place for place in rows.values() if place.placement == "dealt"]
    turning = frozenset(var for place in dealt for var in loops_of_row(launch, place.row))
    made = _launch_record(launch, name, number, first, rows, chunked, widths, schedule, record)
    return LaunchPlan(replace(launch, body=body), made, rows, chunked, widths, turning)


def _spread_chunks(
    launch: low.Launch, rows: Mapping[str, RowPlace], chunked: dict[str, ChunkedLoop]
) -> dict[str, ChunkedLoop]:
    """All loops over one dealt row are dealt alike: in chunks where one of them is."""
    groups = [loops_of_row(launch, row) for row, place in rows.items() if place.placement == "dealt"]
    while True:
        missing = {var for group in groups if group & chunked.keys() for var in group - chunked.keys()}
        if not missing:
            return chunked
        chunked = chunked | {var: ChunkedLoop((), ()) for var in sorted(missing)}


def _launch_record(
    launch: low.Launch, name: str, number: int, first: int, rows: Mapping[str, RowPlace],
    chunked: Mapping[str, ChunkedLoop], widths: Widths, schedule: Schedule, record: OpRecord,
) -> LaunchRecord:  # fmt: skip
    kernel, used, tiled = record.kernel, used_names(launch), tiled_loop(launch)
    chunks = [chunk for loop in chunked.values() for chunk in loop.chunks]
    moved = {chunk.tensor for chunk in chunks}
    dealt = tuple(dict.fromkeys(place.extent for place in rows.values() if place.placement == "dealt"))
    return LaunchRecord(
        name=name,
        number=number,
        grid=tuple(extent_of(axis.low, axis.high) for axis in launch.grid),
        tiled=None if tiled is None else extent_of(tiled.low, tiled.high),
        longest=longest_loop(launch),
        schedule=schedule,
        tensors=tuple(tensor for tensor in kernel.tensors() if tensor in used),
        given=tuple(item for item in kernel.tensors() if f"given {item}" in used),
        scratch=tuple(_scratch(place) for place in rows.values() if place.placement != "private"),
        constants=_constants(launch, kernel, tiled),
        first_constant=0,
        bounds=tuple(widths.bounds),
        moved=tuple(item for item in kernel.tensors() if item in moved),
        multiples=tuple(dict.fromkeys(item for loop in chunked.values() for item in loop.multiples)),
        dealt=dealt,
        kernels=_kernels(name, first, bool(moved), schedule.register_turns if dealt else (0,), moved, record),
    )


def extent_of(first: ir.Expr, end: ir.Expr) -> ir.Expr:
    """The length of a range; negative where it is empty."""
    return end if first == ZERO else op("subtract", end, first)


def used_names(launch: low.Launch) -> set[str]:
    """The names of the signature that a launch uses; `given x` where it asks whether x was passed."""
    exprs = [bound for axis in launch.grid for bound in (axis.low, axis.high)]
    used: set[str] = set()
    for statement in low.walk(launch.body):
        exprs += low.expressions(statement)
        if isinstance(statement, ir.Store):
            used.add(statement.tensor)
    for item in (item for expr in exprs for item in walk(expr)):
        match item:
            case ir.Size(name) | ir.Param(name) | ir.Load(name):
                used.add(name)
            case ir.Given(name):
                used.add(f"given {name}")
            case _:
                pass
    return used


def _scratch(place: RowPlace) -> ScratchRecord:
    return ScratchRecord(place.row, place.type, place.extent, place.owner, place.placement == "dealt")


def _constants(launch: low.Launch, kernel: ir.Kernel, tiled: low.Loop | None) -> tuple[str, ...]:
    """Sizes that shape inner loops. Sizes that differ from call to call would each cost a compilation."""
    varies = {item.leading for item in kernel.tensors().values()}
    varies |= {item.name for axis in launch.grid for item in walk(axis.high) if isinstance(item, ir.Size)}
    inner: set[str] = set()
    for statement in low.walk(launch.body):
        if isinstance(statement, (low.Loop, low.Fold)) and statement != tiled:
            bounds = (*walk(statement.low), *walk(statement.high))
            inner |= {item.name for item in bounds if isinstance(item, ir.Size)}
    return tuple(name for name in kernel.sizes if name in inner - varies)


def _kernels(
    name: str, first: int, has_chunks: bool, turns: tuple[int, ...], moved: set[str], record: OpRecord
) -> tuple[KernelRecord, ...]:
    """Every instantiation, entry by entry; the most general variant of an entry comes first."""
    found: list[KernelRecord] = []
    for entry in record.entries:
        chunk = _chunk(entry, moved, record.kernel)
        for is_wide in (True, False):
            for is_aligned in (False, True) if has_chunks else (False,):
                for count in turns:
                    variant = Variant(is_wide, is_aligned, count)
                    made = f"{name}_{entry.suffix}{variant.suffix}"
                    found.append(KernelRecord(made, first + len(found), entry.suffix, variant, chunk))
    return tuple(found)


def _chunk(entry: Entry, moved: set[str], kernel: ir.Kernel) -> int:
    """Elements of a chunk: the widest access of the smallest dtype moved."""
    sizes = [entry.resolve(kernel.tensors()[tensor].dtype).bytes for tensor in moved]
    return min(WIDEST_ACCESS // min(sizes), LONGEST_CHUNK) if sizes else 1

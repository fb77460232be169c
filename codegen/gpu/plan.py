"""A program as launches that a GPU can run: every decision made, nothing written yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from codegen import lowered as low
from codegen.build_ir import extent_of, op
from codegen.gpu.barriers import place_barriers
from codegen.gpu.chunks import Chunk, ChunkedLoop, deal_without_chunks, find_chunks
from codegen.gpu.holds import Holding
from codegen.gpu.jam import POINTS, Jammed, jam
from codegen.gpu.lift import lift
from codegen.gpu.nests import find_nests
from codegen.gpu.parts import PART_COUNTS, deal_parts
from codegen.gpu.record import KernelRecord, LaunchRecord, ScratchRecord, Variant
from codegen.gpu.rows import RowPlace, loops_of_rounds, loops_of_row, place_rows
from codegen.gpu.schedule import Schedule, Target, choose_schedule, longest_loop
from codegen.gpu.split import Kept, split
from codegen.gpu.widths import Widths
from codegen.record import Entry, OpRecord
from codegen.work import tiled_loop
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.traverse import walk

WIDEST_ACCESS = 16  # bytes that a lane moves at once
LONGEST_CHUNK = 8  # elements; more would leave lanes without work on rows of a few hundred


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """A launch with barriers placed, its rows, its loops dealt in chunks, and its record.

    `points`: of the grid, that a team works on; `jammed`: the same launch with several, if there is one.
    `originals`: for a row of one of several points, the row whose memory it has.
    """

    launch: low.Launch
    record: LaunchRecord
    rows: Mapping[str, RowPlace]
    chunked: Mapping[str, ChunkedLoop]
    widths: Widths
    holding: Holding
    turning: frozenset[str]  # variables of loops whose elements may stay in registers
    shared_out: frozenset[str]  # variables of loops that parts of the team share
    points: int = 1
    jammed: tuple[LaunchPlan, ...] = ()
    originals: Mapping[str, str] = field(default_factory=dict)

    @property
    def loops(self) -> Mapping[str, low.Loop | low.Fold]:
        return loops_of(self.launch)

    @property
    def tiled(self) -> low.Loop | None:
        return tiled_loop(self.launch)

    @property
    def has_parts(self) -> bool:
        return self.record.schedule.part_lanes > 0


def plan(program: low.Program, record: OpRecord, target: Target) -> tuple[LaunchPlan, ...]:
    """Every launch of a program. Raises TargetError where the target cannot run one."""
    program, kept = split(program)
    plans: list[LaunchPlan] = []
    for number, launch in enumerate(program.launches):
        first = sum(len(item.record.kernels) for item in plans)
        first_constant = sum(len(item.record.constants) for item in plans)
        name = record.name if len(program.launches) == 1 else f"{record.name}_{number}"
        made = _plan_launch(launch, name, number, first, kept, record, target)
        plans.append(_with_record(made, replace(made.record, first_constant=first_constant)))
    return tuple(plans)


def _with_record(made: LaunchPlan, record: LaunchRecord) -> LaunchPlan:
    jammed = tuple(replace(item, record=record) for item in made.jammed)
    return replace(made, record=record, jammed=jammed)


def loops_of(launch: low.Launch) -> dict[str, low.Loop | low.Fold]:
    """The loops of a launch by their variables."""
    inside = low.walk(launch.body)
    return {item.var: item for item in inside if isinstance(item, (low.Loop, low.Fold))}


def _plan_launch(
    launch: low.Launch, name: str, number: int, first: int, kept: tuple[Kept, ...],
    record: OpRecord, target: Target,
) -> LaunchPlan:  # fmt: skip
    inputs = frozenset(item.name for item in record.kernel.tensors().values() if item.role == "input")
    parted = deal_parts(launch)
    if parted is not None:
        launch = parted
    launch = replace(launch, body=lift(launch.body, inputs))
    found = _Found.of_launch(launch, kept, record, target)
    rows, chunked = found.rows, found.chunked
    nests = find_nests(launch.body, frozenset(chunked)) if parted is None else frozenset()
    overrides = record.schedule.get(target.name, {})
    body = place_barriers(launch.body, found.shared(launch), frozenset(chunked), nests)
    placed = replace(launch, body=body)
    schedule = choose_schedule(placed, nests, overrides, target, record.name, parted is not None)
    made = _launch_record(
        launch, name, number, first, rows, chunked, found.widths, schedule, found.registers, nests, record
    )
    planned = found.plan(placed, made, nests)
    jammed = jam(launch) if schedule.jammed_bytes else None
    return planned if jammed is None else _join_points(planned, jammed, kept, record, target)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a launch's own text decides, whatever its schedule."""

    widths: Widths
    rows: Mapping[str, RowPlace]
    chunked: Mapping[str, ChunkedLoop]
    holding: Holding
    registers: Registers

    @staticmethod
    def of_launch(launch: low.Launch, kept: tuple[Kept, ...], record: OpRecord, target: Target) -> _Found:
        widths = Widths.of_launch(launch, PART_COUNTS)
        rows = place_rows(launch, kept, widths, target.name, record.name)
        chunked = _deal_in_chunks(launch, rows, record.kernel)
        holding = Holding.of_launch(launch, record.kernel, chunked)
        registers = Registers.of_launch(launch, rows, holding, frozenset(chunked))
        return _Found(widths, rows, chunked, holding, registers)

    def shared(self, launch: low.Launch) -> frozenset[str]:
        """What lanes may exchange data through: tensors that the launch writes, and rows that all reach."""
        written = {item.tensor for item in low.walk(launch.body) if isinstance(item, ir.Store)}
        rows = self.rows.items()
        return frozenset(written) | {
            row for row, place in rows if place.placement == "memory" and place.owner != "lane"
        }

    def plan(self, launch: low.Launch, record: LaunchRecord, nests: frozenset[str]) -> LaunchPlan:
        turning = self.registers.turning
        return LaunchPlan(launch, record, self.rows, self.chunked, self.widths, self.holding, turning, nests)


def _join_points(
    plain: LaunchPlan, jammed: Jammed, kept: tuple[Kept, ...], record: OpRecord, target: Target
) -> LaunchPlan:
    """The plan with variants whose teams work on several points, where lanes have registers for those."""
    launch, old = jammed.launch, plain.record
    found = _Found.of_launch(launch, kept, record, target)
    schedule = replace(old.schedule, register_bytes=old.schedule.jammed_bytes)
    variants = _Variants({*old.moved}, old.multiples, False, schedule, found.registers, record)
    first = old.kernels[0].position + len(old.kernels)
    kernels = variants.of_points(old.name, first)
    if not kernels or not _fits(found, old):
        return plain
    bounds = tuple(dict.fromkeys((*old.bounds, *found.widths.bounds)))
    made = replace(old, bounds=bounds, alike=jammed.alike, kernels=(*old.kernels, *kernels))
    body = place_barriers(launch.body, found.shared(launch), frozenset(found.chunked), frozenset())
    joined = found.plan(replace(launch, body=body), made, frozenset())
    joined = replace(joined, points=POINTS, originals=jammed.originals)
    return replace(plain, record=made, jammed=(joined,))


def _fits(found: _Found, old: LaunchRecord) -> bool:
    """Whether a launch over fewer points asks host code for nothing else, and keeps all its rows."""
    moved = {chunk.tensor for loop in found.chunked.values() for chunk in loop.chunks}
    multiples = {item for loop in found.chunked.values() for item in loop.multiples}
    is_same = moved == {*old.moved} and multiples == {*old.multiples}
    return is_same and {*found.registers.extents} == {*old.dealt} and bool(found.registers.turning)


@dataclass(frozen=True, slots=True)
class Registers:
    """What lanes keep between dealt loops: rows of scratch, and `held` chunks of arguments."""

    rows: tuple[RowPlace, ...]
    held: tuple[Chunk, ...]
    extents: tuple[ir.Expr, ...]
    turning: frozenset[str]
    single: frozenset[str]  # rows without chunks

    @staticmethod
    def of_launch(
        launch: low.Launch, rows: Mapping[str, RowPlace], holding: Holding, chunked: frozenset[str]
    ) -> Registers:
        dealt = tuple(place for place in rows.values() if place.placement == "dealt")
        holds = tuple(holding.all(launch.body))
        single = {item.row for item in dealt if not loops_of_row(launch, item.row) & chunked}
        extents = [_room(item.extent, item.row in single and bool(chunked)) for item in dealt]
        extents += [extent_of(item.low, item.high) for item in holds]
        turning = {var for place in dealt for var in loops_of_row(launch, place.row)}
        turning |= holding.loops(launch.body)
        held = tuple(chunk for item in holds for chunk in item.chunks)
        return Registers(dealt, held, tuple(dict.fromkeys(extents)), frozenset(turning), frozenset(single))

    def kept_chunks(self, is_tiled: bool) -> int:
        """About how many chunks a lane keeps in a turn. Tiles are taken to need twice the room."""
        return (len(self.held) + 2 * (len(self.rows) - len(self.single))) * (2 if is_tiled else 1)

    def bytes_of_turn(self, chunk: int, entry: Entry, kernel: ir.Kernel) -> int:
        """What a lane keeps of each of its turns."""
        tensors = kernel.tensors()
        stored = (entry.resolve(tensors[item.tensor].dtype).bytes for item in self.held)
        runs = (1 if item.row in self.single else chunk for item in self.rows)
        kept = (run * max(item.type.bytes, 4) for run, item in zip(runs, self.rows, strict=True))
        return chunk * sum(stored) + sum(kept)


def _room(extent: ir.Expr, is_single: bool) -> ir.Expr:
    """How many elements a row takes the room of; a single one takes that of the longest chunk."""
    return op("multiply", extent, ir.Const(LONGEST_CHUNK, I64)) if is_single else extent


def _deal_in_chunks(
    launch: low.Launch, rows: Mapping[str, RowPlace], kernel: ir.Kernel
) -> dict[str, ChunkedLoop]:
    """The loops dealt in chunks: all over dealt rows where any loop of the launch is, but for rows of rounds.

    So one number says for a whole launch how many elements a lane keeps of each row in a turn.
    """
    loops, single = loops_of(launch), loops_of_rounds(launch, rows)
    chunked = {var: loop for var, loop in find_chunks(launch, kernel).items() if var not in single}
    if not chunked:
        return chunked
    dealt = (row for row, place in rows.items() if place.placement == "dealt")
    missing = {var for row in dealt for var in loops_of_row(launch, row)} - chunked.keys() - single
    return chunked | {var: deal_without_chunks(loops[var]) for var in sorted(missing)}


def _launch_record(
    launch: low.Launch, name: str, number: int, first: int, rows: Mapping[str, RowPlace],
    chunked: Mapping[str, ChunkedLoop], widths: Widths, schedule: Schedule, registers: Registers,
    nests: frozenset[str], record: OpRecord,
) -> LaunchRecord:  # fmt: skip
    kernel, used, tiled = record.kernel, used_names(launch), tiled_loop(launch)
    chunks = [chunk for loop in chunked.values() for chunk in loop.chunks]
    moved = {chunk.tensor for chunk in chunks}
    multiples = tuple(dict.fromkeys(item for loop in chunked.values() for item in loop.multiples))
    variants = _Variants(moved, multiples, tiled is not None, schedule, registers, record)
    return LaunchRecord(
        name=name,
        number=number,
        grid=tuple(extent_of(axis.low, axis.high) for axis in launch.grid),
        tiled=None if tiled is None else extent_of(tiled.low, tiled.high),
        longest=longest_loop(launch, nests),
        schedule=schedule,
        tensors=tuple(tensor for tensor in kernel.tensors() if tensor in used),
        given=tuple(item for item in kernel.tensors() if f"given {item}" in used),
        scratch=tuple(_scratch(place) for place in rows.values() if place.placement != "private"),
        constants=_constants(launch, kernel, tiled),
        first_constant=0,
        bounds=tuple(widths.bounds),
        moved=tuple(item for item in kernel.tensors() if item in moved),
        multiples=multiples,
        dealt=() if tiled is not None else registers.extents,
        has_turns=bool(registers.turning),
        kept=registers.kept_chunks(tiled is not None),
        kernels=variants.kernels(name, first),
    )


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


@dataclass(frozen=True, slots=True)
class _Variants:
    """What decides which instantiations a launch has."""

    moved: set[str]
    multiples: tuple[ir.Expr, ...]
    is_tiled: bool
    schedule: Schedule
    registers: Registers
    record: OpRecord

    def kernels(self, name: str, first: int) -> tuple[KernelRecord, ...]:
        """Every instantiation, entry by entry; the most general variant of an entry comes first."""
        found: list[KernelRecord] = []
        for entry in self.record.entries:
            chunk = _chunk(entry, self.moved, self.record.kernel)
            for variant in self._of_entry(entry, chunk):
                made = f"{name}_{entry.suffix}{variant.suffix}"
                found.append(KernelRecord(made, first + len(found), entry.suffix, variant, chunk))
        return tuple(found)

    def of_points(self, name: str, first: int) -> tuple[KernelRecord, ...]:
        """The instantiations whose teams work on several points: the usual ones, with rows in registers."""
        found: list[KernelRecord] = []
        for entry in self.record.entries:
            chunk = _chunk(entry, self.moved, self.record.kernel)
            for variant in self._of_entry(entry, chunk):
                if variant.turns and variant.is_aligned and not variant.is_wide:
                    made = replace(variant, points=POINTS)
                    symbol = f"{name}_{entry.suffix}{made.suffix}"
                    found.append(KernelRecord(symbol, first + len(found), entry.suffix, made, chunk))
        return tuple(found)

    def _of_entry(self, entry: Entry, chunk: int) -> Iterator[Variant]:
        held = self.registers.bytes_of_turn(chunk, entry, self.record.kernel)
        for is_wide in (True, False):
            for is_aligned in (False, True) if self._may_align(chunk) else (False,):
                for turns in self._turns(held, is_wide, is_aligned or not self.moved):
                    yield Variant(is_wide, is_aligned, turns)
                    if self.schedule.part_lanes and turns and is_aligned and not is_wide:
                        yield Variant(is_wide, is_aligned, turns, is_full=True)

    def _may_align(self, chunk: int) -> bool:
        """Whether chunks can move as one access at any size."""
        lengths = (item.value for item in self.multiples if isinstance(item, ir.Const))
        return bool(self.moved) and all(int(length) % chunk == 0 for length in lengths)

    def _turns(self, held: int, is_wide: bool, is_usual: bool) -> tuple[int, ...]:
        """The usual kernels have a variant for each number of turns; the others, for the most only."""
        if not self.registers.turning:
            return (0,)
        if self.is_tiled:
            return (self.schedule.tile_turns,)
        is_parted = self.schedule.part_lanes > 0  # rows in memory leave one part, and sum in another order
        if is_wide and not is_usual and not is_parted:
            return (0,)
        most = self.schedule.register_bytes
        if not is_usual and not is_parted:  # single elements take more code
            most = max(most // 2, min(held, most))
        counts = tuple(item for item in self.schedule.register_turns if item * held <= most)
        return (0, *(counts if is_usual and not is_wide else counts[-1:]))


def _chunk(entry: Entry, moved: set[str], kernel: ir.Kernel) -> int:
    """Elements of a chunk: the widest access of the smallest dtype moved."""
    sizes = [entry.resolve(kernel.tensors()[tensor].dtype).bytes for tensor in moved]
    return min(WIDEST_ACCESS // min(sizes), LONGEST_CHUNK) if sizes else 1

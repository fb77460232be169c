"""Dealt loops and reductions as text for a GPU.

A dealt loop gives lane i the iterations i, i + lanes, ...; a chunked one, runs of `chunk` iterations,
whose loads and stores move together. What one chunk's iterations compute stands in loops over `step`;
values that pass from one of those to another are arrays. A loop whose elements stay in registers
counts its rounds in `turn`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from codegen import lowered as low
from codegen.build_ir import extent_of
from codegen.gpu.chunks import Block, Chunk, ChunkedLoop, accumulated
from codegen.gpu.holds import PLACE, Hold, Place, at_place
from codegen.gpu.split import names_in
from codegen.gpu.taking import Taking
from codegen.gpu.text import GpuText, Lanes
from codegen.names import author_name
from kernel_ir import nodes as ir
from kernel_ir.dtypes import F32, I64
from kernel_ir.traverse import substitute


@dataclass(frozen=True, slots=True)
class Run:
    """The chunk being written: the loop's variable, the chunk's first element and the loop's end."""

    var: str
    base: str
    end: str


@dataclass(frozen=True, slots=True)
class Folding:
    """A fold whose values are added at the end of the block being written, and its states."""

    fold: low.Fold
    states: tuple[str, ...]
    index: str


class DealtWriter(GpuText):
    """Text of loops that a team shares, and of reductions."""

    run: Run
    held: dict[Place, str]
    arrays: frozenset[str] = frozenset()
    late: tuple[Hold, ...] = ()  # to load when the reduction being written has its values
    widens_anew = False  # whether lanes keep what they hold as it is stored
    has_exchanged = False  # whether lanes may still read what they exchanged before

    # -- what is held ---------------------------------------------------------------------------

    def statements(self, body: Block) -> None:
        """The statements of a block; in a block of the team, with what its dealt loops hold."""
        if self.lanes is not None:
            super().statements(body)
            return
        outer, self.held = self.held, dict(self.held)
        holds = self.plan.holding.place(body)
        for position, statement in enumerate(body):
            here = holds.get(position, ())
            late = tuple(item for item in here if item.is_late and not self.spellings.starts_early)
            for hold in (item for item in here if item not in late):
                self.hold(hold, self.operand(hold.low), self.operand(hold.high))
            self.late = late
            self.statement(statement)
            if isinstance(statement, low.Fold) and self.spellings.starts_early:
                self._widen_anew(self.plan.holding.read_again(body, statement))
        self.held = outer

    def _widen_anew(self, again: tuple[Place, ...]) -> None:
        """Keep what is read again as it is stored. Several at once are likely kept as one value of theirs."""
        if len(again) == 1 and again[0] in self.held:
            self.line(f"{self.held[again[0]]}.widen_anew();")
            self.widens_anew = True

    def hold(self, hold: Hold, first: str, end: str) -> None:
        """Load what the dealt loops over one range hold."""
        chunks = [item for item in hold.chunks if (hold.low, hold.high, item) not in self.held]
        if not chunks:
            return
        for chunk in chunks:
            self.declare_held(hold, chunk)
        self.load_held(hold, chunks, first, end)

    def declare_held(self, hold: Hold, chunk: Chunk, count: str = "", place: str = "") -> None:
        """Declare what is held of a tensor; `count` of them, of which the one at `place` is meant."""
        name = self.namer.invent(f"{chunk.tensor}_held")
        self.held[hold.low, hold.high, chunk] = f"{name}{place}"
        self.line(f"sgl::Held<{self.storage_of(chunk.tensor)}, chunk, is_aligned, turns> {name}{count};")

    def load_held(self, hold: Hold, chunks: Sequence[Chunk], first: str, end: str) -> None:
        def load(chunk: Chunk, test: str | None, place: str, left: str) -> str:
            call = "load" if test is None else "load_if"
            name = self.held[hold.low, hold.high, chunk]
            return f"{name}.{call}({'' if test is None else f'{test}, '}turn, {place}, {left});"

        self.each_turn(hold, chunks, first, end, load)

    def each_turn(
        self, hold: Hold, chunks: Sequence[Chunk], first: str, end: str,
        write: Callable[[Chunk, str | None, str, str], str],
    ) -> None:  # fmt: skip
        """In each turn, what `write` gives for a chunk, its condition, its place and the elements left."""
        self.namer.push()
        base = self.namer.invent(f"{author_name(hold.var)}_base")
        self.line("SGL_UNROLL")
        self.line("for (int turn = 0; turn < turns; ++turn) {")
        self.depth += 1
        self._turn(hold.var, base, first, end, " * chunk")
        for chunk in chunks:
            test = None if chunk.condition is None else self.expr(chunk.condition)
            place = self._chunk_place(chunk, PLACE, hold.var, base)
            self.line(write(chunk, test, place, f"{end} - {base}"))
        self.depth -= 1
        self.line("}")
        self.namer.pop()

    # -- dealt loops ----------------------------------------------------------------------------

    def lanes_loop(self, loop: low.Loop) -> None:
        self.deal(loop, self.operand(loop.low), self.operand(loop.high))

    def deal(self, loop: low.Loop | low.Fold, first: str, end: str, states: tuple[str, ...] = ()) -> None:
        """The iterations of a lane from `first` to `end`."""
        if self.who == "team" and self._nested_in(loop.body):
            with self._parts(loop, first, end):
                self.deal(loop, first, end, states)
            return
        chunked = self.plan.chunked.get(loop.var)
        outer, self.lanes = self.lanes, Lanes(chunked, {})
        self.namer.push()
        with self._rounds(loop.var, first, end, chunked is not None) as (name, base):
            folding = Folding(loop, states, name) if isinstance(loop, low.Fold) else None
            if chunked is None:
                self.statements(loop.body)
                self._add(folding)
            else:
                self.run = Run(loop.var, base, end)
                self._together(loop.body, folding)
        self.namer.pop()
        self.lanes = outer

    # -- parts of a team ------------------------------------------------------------------------

    def serial_loop(self, loop: low.Loop) -> None:
        """A loop in order, or one whose iterations go to parts of the team."""
        taking = Taking.of(loop, self.plan) if self.spellings.sorts_ranks else None
        if taking is not None:
            self._take(loop, taking)
        elif loop.var not in self.plan.shared_out:
            super().serial_loop(loop)
        elif self.who != "team":
            self._share_out(loop, lambda: self.statements(loop.body))
        else:
            inner = self._dealt_in(loop.body)
            with self._parts(inner, self.operand(inner.low), self.operand(inner.high)):
                self._share_out(loop, lambda: self.statements(loop.body))

    def _take(self, loop: low.Loop, taking: Taking) -> None:
        """Rounds that each take the greatest word of a row, which is put in order before."""
        (accumulator,) = taking.fold.accumulators
        words = self.namer.invent(f"{author_name(taking.row)}_words")
        self.line(f"sgl::RankedWords<chunk, turns> {words}({self.namer[taking.row]});")
        with self.scope(self.for_header(loop.var, loop.low, loop.high)):
            taken = self.namer.invent(f"{author_name(accumulator.names[0])}_taken")
            self.line(f"const auto {taken} = {words}.take(team, {self._count_of(taking.fold)});")
            for name, member, type_ in self.results(accumulator):
                shown = self._type_of_name(name, type_)
                self.line(f"const {shown} {self.namer.declare(name)} = {taken}.{member}();")
            self.has_exchanged = True
            self.statements(taking.rest)

    def _count_of(self, fold: low.Fold) -> str:
        """The end of a fold's range, as the type in which its indices are counted."""
        return f"{self._type_of_lane(fold.var)}({self.expr(fold.high)})"

    def _share_out(self, loop: low.Loop, write: Callable[[], None]) -> None:
        first, end = self.operand(loop.low), self.operand(loop.high)
        start, type_ = self._start(loop.var, first), self._type_of_lane(loop.var)
        step = f"{{name}} += {self.who}.count"
        header = f"for ({type_} {{name}} = {start}{self.who}.number; {{name}} < {end}; {step}) {{{{"
        with self.scope((loop.var, header)):
            write()

    @contextmanager
    def _parts(self, inner: low.Loop | low.Fold, first: str, end: str) -> Iterator[None]:
        """A block in which the team falls into parts that each suffice for a dealt loop."""
        self.line("{")
        self.namer.push()
        self.depth += 1
        held, self.held = self.held, {}
        who, self.who = self.who, self.namer.invent("share")
        extent = end if first == "0" else f"{end} - {first}"
        run = "chunk" if inner.var in self.plan.chunked else "1"
        self.line(f"const sgl::Share {self.who} = sgl::split_team(team, {extent}, {run});")
        yield
        self.who, self.held = who, held
        self.depth -= 1
        self.namer.pop()
        self.line("}")

    def _nested_in(self, block: Block) -> bool:
        return any(isinstance(item, low.Loop) and item.var in self.plan.shared_out for item in block)

    def _dealt_in(self, block: Block) -> low.Loop:
        """The first dealt loop of a block that parts share."""
        loops = (item for item in low.walk(block) if isinstance(item, low.Loop))
        return next(item for item in loops if item.kind == "lanes")

    @contextmanager
    def _rounds(self, var: str, first: str, end: str, is_chunked: bool) -> Iterator[tuple[str, str]]:
        """A lane's rounds; yields the identifiers of the variable and of a round's first element."""
        name = base = "" if is_chunked else self.namer.declare(var)
        if is_chunked:
            base = self.namer.invent(f"{author_name(var)}_base")
        run = " * chunk" if is_chunked else ""
        if var in self.plan.turning:
            self.line("SGL_UNROLL")
            self.line(f"for (int turn = 0; turns == 0 || turn < {self.turns(is_chunked)}; ++turn) {{")
            self.depth += 1
            self._turn(var, base, first, end, run)
        else:
            start = self._start(var, first)
            step = f"{base} += {self.who}.lanes{run}"
            type_ = self._type_of_lane(var)
            self.line(f"for ({type_} {base} = {start}{self.who}.lane{run}; {base} < {end}; {step}) {{")
            self.depth += 1
        yield name, base
        self.depth -= 1
        self.line("}")

    def _start(self, var: str, first: str) -> str:
        """What a lane's place is added to, in the type of the loop's variable."""
        type_ = self._type_of_lane(var)
        start = first if type_ == self.index_type else f"{type_}({first})"
        return "" if first == "0" else f"{start} + "

    def _turn(self, var: str, base: str, first: str, end: str, run: str) -> None:
        """The first lines of a turn: where it starts, and whether it is past the end."""
        start = self._start(var, first)
        place = f"index_t(turn) * {self.who}.lanes + {self.who}.lane"
        place = f"({place}){run}" if run else place
        self.line(f"const {self._type_of_lane(var)} {base} = {start}{place};")
        partial = "!is_full && " if self.plan.has_parts else ""
        self.line(f"if ({partial}{base} >= {end}) break;")

    # -- the iterations of a chunk --------------------------------------------------------------

    def _together(self, block: Block, folding: Folding | None) -> None:
        """A block that the iterations of a chunk go through together: its loads, steps and stores."""
        assert self.lanes is not None and self.lanes.loop is not None
        outer, loop = self.lanes, self.lanes.loop
        chunks = loop.of_block(block, accumulated(folding.fold) if folding else ())
        names = {item: self.namer.invent(f"{item.tensor}_chunk") for item in chunks}
        self.lanes = replace(outer, moving={**outer.moving, **names})
        loads = (item for item in chunks if not item.is_store)
        waiting = sorted(loads, key=lambda item: item.condition is not None)  # which may have to wait
        pending = {name for item in block if loop.is_shared(item) for name in low.bound_names(item)}
        self._load_ready(waiting, pending)
        for chunk in (item for item in chunks if item.is_store):
            self.line(f"sgl::Chunk<{self.storage_of(chunk.tensor)}, chunk> {names[chunk]};")
        parts = split_parts(block, loop, folding is not None)
        for position, part in enumerate(parts):
            later = _names_used(parts[position + 1 :], folding)
            if part and loop.is_shared(part[0]):
                self._shared(part[0])
                pending -= set(low.bound_names(part[0]))
                self._load_ready(waiting, pending)
            else:
                self._steps(part, later, folding if position == len(parts) - 1 else None)
        for chunk in (item for item in chunks if item.is_store):
            place = self._chunk_place(chunk, self.run.var, self.run.var, self.run.base)
            left = f"{self.run.end} - {self.run.base}"
            self.line(f"sgl::store_chunk<is_aligned>({place}, {left}, {names[chunk]});")
        self.lanes = outer

    def _load_ready(self, waiting: list[Chunk], pending: set[str]) -> None:
        """Load the chunks whose place is known by now."""
        for chunk in tuple(waiting):
            if not chunk.names & pending:
                waiting.remove(chunk)
                self._load_chunk(chunk)

    def _load_chunk(self, chunk: Chunk) -> None:
        assert self.lanes is not None
        identifier, run = self.lanes.moving[chunk], self.run
        place = f"{self._chunk_place(chunk, run.var, run.var, run.base)}, {run.end} - {run.base}"
        held = self._held(chunk)
        test = "" if chunk.condition is None else f"{self.expr(chunk.condition)}, "
        if held is not None:
            call = f"{held}.get{'_if' if test else ''}({test}turn, {place})"
        else:
            call = f"sgl::load_chunk{'_if' if test else ''}<chunk, is_aligned>({test}{place})"
        self.line(f"const auto {identifier} = {call};")

    def _held(self, chunk: Chunk) -> str | None:
        """The identifier under which a chunk's loop holds it, if it counts its rounds."""
        if self.run.var not in self.plan.turning:
            return None
        loop, placed = self.plan.loops[self.run.var], at_place(chunk, self.run.var)
        either = (placed, replace(placed, condition=None))
        found = (self.held.get((loop.low, loop.high, item)) for item in either)
        return next((item for item in found if item is not None), None)

    def _chunk_place(self, chunk: Chunk, placed: str, var: str, base: str) -> str:
        """`tensor, offset` of a chunk's first element; `placed` stands for it in the chunk's index."""
        first = f"first of {var}"
        self.namer.fix(first, base)
        self.plan.widths.magnitudes[first] = self.plan.widths.magnitudes.get(var)
        index = tuple(substitute(part, {placed: ir.Var(first, I64)}) for part in chunk.index)
        return self.place(chunk.tensor, index)

    def _shared(self, statement: low.Stmt) -> None:
        """A statement that the chunk's iterations go through once."""
        match statement:
            case low.If(condition, then, orelse):
                self.line(f"if ({self.expr(condition)}) {{")
                with self.indented():
                    self._together(then, None)
                if orelse:
                    self.line("} else {")
                    with self.indented():
                        self._together(orelse, None)
                self.line("}")
            case low.Loop(var) if var in self.plan.shared_out and self.who != "team":
                self._share_out(statement, lambda: self._together(statement.body, None))
            case low.Loop(var, first, end, _, body):
                self.unroll(statement)
                with self.scope(self.for_header(var, first, end)):
                    self._together(body, None)
            case low.Fold():
                self._shared_fold(statement)
            case _:
                self.statement(statement)

    def _shared_fold(self, fold: low.Fold) -> None:
        """A fold that each of the chunk's iterations makes, with a state for each."""
        states = [self._declare_state(item, fold.var, "[chunk]") for item in fold.accumulators]
        if self.spellings.unrolled:
            self.line(self.spellings.unrolled)
        with self.scope(self.for_header(fold.var, fold.low, fold.high)) as index:
            self._together(fold.body, Folding(fold, tuple(f"{item}[step]" for item in states), index))
        for item, state in zip(fold.accumulators, states, strict=True):
            for name, member, type_ in self.results(item):
                self.namer.fix(name, f"{self._type_of_name(name, type_)}({state}[step].{member}())")

    def _steps(self, part: Block, later: set[str], folding: Folding | None) -> None:
        """The iterations of a chunk one by one; what `later` needs of them is kept."""
        lets = [item for item in part if isinstance(item, ir.Let) and item.name in later]
        for item in lets:
            name = self.namer.invent(author_name(item.name))
            type_ = self._type_of_name(item.name, item.value.type)
            self.line(f"{type_} {name}[chunk];")
            self.namer.fix(item.name, f"{name}[step]")
        outer, self.arrays = self.arrays, self.arrays | {item.name for item in lets}
        run = self.run
        self.line("SGL_UNROLL")
        with self.scope((run.var, "for (int step = 0; step < chunk; ++step) {{")) as name:
            self.line(f"const {self._type_of_lane(run.var)} {name} = {run.base} + step;")
            self.line(f"if ({'!is_aligned && ' * self._is_whole(run.var)}{name} >= {run.end}) break;")
            super().statements(part)
            self._add(folding if folding is None else replace(folding, index=self._index(folding, name)))
        self.arrays = outer

    def _is_whole(self, var: str) -> bool:
        """Whether a loop has whole chunks only where chunks are aligned."""
        loop = self.plan.loops[var]
        return extent_of(loop.low, loop.high) in self.plan.record.multiples

    def _index(self, folding: Folding, name: str) -> str:
        return name if folding.fold.var == self.run.var else folding.index

    def let(self, statement: ir.Let) -> None:
        if statement.name in self.arrays:
            self.line(f"{self.namer[statement.name]} = {self.expr(statement.value)};")
        else:
            super().let(statement)

    # -- reductions -----------------------------------------------------------------------------

    def fold(self, fold: low.Fold) -> None:
        states = tuple(self._declare_state(item, fold.var) for item in fold.accumulators)
        if fold.kind == "lanes":
            self.deal(fold, self.operand(fold.low), self.operand(fold.high), states)
            for hold in self.late:
                self.hold(hold, self.operand(hold.low), self.operand(hold.high))
            for state in states:
                if self.has_exchanged or self.depth > 1:
                    self.line("team.wait();")
                self.line(f"{state}.combine(team);")
                self.has_exchanged = True
        else:
            with self.scope(self.for_header(fold.var, fold.low, fold.high)) as index:
                self.statements(fold.body)
                self._add(Folding(fold, states, index))
        for item, state in zip(fold.accumulators, states, strict=True):
            for name, member, type_ in self.results(item):
                shown = self._type_of_name(name, type_)
                self.line(f"const {shown} {self.namer.declare(name)} = {state}.{member}();")

    def _add(self, folding: Folding | None) -> None:
        """Fold the values of one iteration."""
        if folding is None:
            return
        for item, state in zip(folding.fold.accumulators, folding.states, strict=True):
            added = self._added(item, state, folding.index)
            if item.where is None:
                self.line(added)
                continue
            self.line(f"if ({self.expr(item.where)}) {{")
            with self.indented():
                self.line(added)
            self.line("}")

    def _added(self, item: low.Accumulator, state: str, index: str) -> str:
        """The statement that folds a value, of a product in one step if the target can."""
        match item.value:
            case ir.Apply("multiply", (left, right), type) if (
                self.spellings.fuses and item.monoid == "sum" and type == F32
            ):
                return f"{state}.add_product({index}, {self.expr(left)}, {self.expr(right)});"
            case _:
                return f"{state}.add({index}, {self.expr(item.value)});"

    def _declare_state(self, item: low.Accumulator, var: str, count: str = "") -> str:
        name = self.namer.invent(f"{author_name(item.names[0])}_state")
        monoid = self.spellings.monoids[item.monoid]
        index = f", {self._type_of_lane(var)}" if item.monoid in ("argmax", "argmin", "best", "top") else ""
        self.line(f"sgl::Accumulator<{monoid}<{self.types[item.type.name]}{index}>> {name}{count};")
        return name


def split_parts(block: Block, loop: ChunkedLoop, has_end: bool) -> tuple[Block, ...]:
    """A block's statements: one by one where the chunk shares them, in runs between; last, what ends it."""
    parts: list[Block] = []
    for statement in block:
        if loop.is_shared(statement) or not parts or loop.is_shared(parts[-1][0]):
            parts.append((statement,))
        else:
            parts[-1] = (*parts[-1], statement)
    if has_end and (not parts or loop.is_shared(parts[-1][0])):
        parts.append(())
    return tuple(parts)


def _names_used(parts: tuple[Block, ...], folding: Folding | None) -> set[str]:
    """The names that parts of a block read or change, and the values that end the block if parts do."""
    used: set[str] = set()
    for statement in (item for part in parts for item in low.walk(part)):
        used |= {name for expr in low.expressions(statement) for name in names_in(expr)}
        used |= {statement.name} if isinstance(statement, ir.Update) else set()
    if parts and folding is not None:
        used |= {name for expr in accumulated(folding.fold) for name in names_in(expr)}
    return used

"""A launch as text for a GPU: its coordinates in the grid, then its body."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from codegen import lowered as low
from codegen.build_ir import ZERO, compare, extent_of
from codegen.gpu.chunks import Chunk
from codegen.gpu.dealt import DealtWriter
from codegen.gpu.holds import PLACE, Hold
from codegen.gpu.parts import PART, PARTS, TERMS, Round
from codegen.gpu.plan import LaunchPlan
from codegen.gpu.split import names_in
from codegen.gpu.text import Spellings, memory_of
from codegen.lowering.online import BLOCK
from codegen.names import author_name
from kernel_ir import nodes as ir

AHEAD_BYTES = 46 * 1024  # of shared memory, that a group may have for what it copies ahead
PLACE_BYTES = 16


class GpuWriter(DealtWriter):
    """Text of one launch."""

    ahead: str | None = None  # what copies ahead of the stream being written

    def __init__(self, kernel: ir.Kernel, plan: LaunchPlan, spellings: Spellings) -> None:
        super().__init__(kernel, plan, spellings)
        self.held = {}

    # -- the parts of a team --------------------------------------------------------------------

    def serial_loop(self, loop: low.Loop) -> None:
        pieces = Round.of(loop)
        if pieces is not None:
            with self.scope(self.for_header(loop.var, loop.low, loop.high)):
                self._round(loop, pieces)
            return
        is_parted = bool(loop.online) and self.plan.has_parts
        if is_parted:
            self._start_copies(loop)
        super().serial_loop(loop)
        if is_parted:
            for online in loop.online:
                self._join_parts(online)
            self.line("if (team.part != 0) return;")

    def _round(self, loop: low.Loop, pieces: Round) -> None:
        """One round: the loads of all of its terms first, so that they are under way together."""
        outer, self.held = self.held, dict(self.held)
        self.statements(pieces.rows)
        first, loading = self._holds(pieces)
        for hold in first:
            self.hold(hold, self.operand(hold.low), self.operand(hold.high))
        count, term = f"[{TERMS}]", "[term]"
        for let in pieces.lets:
            name = self.namer.invent(author_name(let.name))
            self.line(f"{self._type_of_name(let.name, let.value.type)} {name}{count};")
            self.namer.fix(let.name, f"{name}{term}")
        for hold in loading:
            for chunk in hold.chunks:
                self.declare_held(hold, chunk, count, term)
        if self.ahead is not None:
            self.line(f"{self.ahead}.wait();")
        with self._terms(pieces.scored):
            for let in pieces.lets:
                self.line(f"{self.namer[let.name]} = {self.expr(let.value)};")
            self._load_terms(loading)
        if self.ahead is not None:
            self._copy_next(loop, pieces, loading)
        with self._terms(pieces.scored):
            self._plain(pieces.rest)
        self.statements(pieces.weighed)
        with self._terms(pieces.added):
            self._plain(pieces.added.body)
        self.held = outer

    def _holds(self, pieces: Round) -> tuple[tuple[Hold, ...], tuple[Hold, ...]]:
        """What a round loads once, and for each of its terms."""
        holds = self.plan.holding.place((*pieces.lets, *pieces.rest, *pieces.added.body))
        return holds.pop(0, ()), tuple(item for position in sorted(holds) for item in holds[position])

    def _load_terms(self, loading: tuple[Hold, ...]) -> None:
        if self.ahead is None:
            for hold in loading:
                self.load_held(hold, hold.chunks, self.operand(hold.low), self.operand(hold.high))
            return

        names = {chunk: self.held[hold.low, hold.high, chunk] for hold in loading for chunk in hold.chunks}

        def take(chunk: Chunk, test: str | None, place: str, left: str) -> str:
            copied = f"{self.ahead}, {self._place_of(chunk, loading)}"
            arguments = f"{test or 'true'}, turn, {place}, {left}"
            return f"sgl::take_or_load({copied}, {names[chunk]}, {arguments});"

        for hold in loading:
            self.each_turn(hold, hold.chunks, self.operand(hold.low), self.operand(hold.high), take)

    # -- copies ahead of a stream ---------------------------------------------------------------

    def _start_copies(self, blocks: low.Loop) -> None:
        """Declare what copies ahead of a loop over blocks, and copy what its first round reads."""
        found = ((item, Round.of(item)) for item in blocks.body if isinstance(item, low.Loop))
        rounds, pieces = next((item, pieces) for item, pieces in found if pieces is not None)
        loading = self._holds(pieces)[1]
        chunks = [chunk for hold in loading for chunk in hold.chunks]
        threads = self.plan.record.schedule.most_threads
        places = len(chunks) * TERMS * threads
        if not self.spellings.copies_ahead or not chunks or places * PLACE_BYTES > AHEAD_BYTES:
            return
        self.ahead, memory = self.namer.invent("ahead"), self.namer.invent("ahead_memory")
        stored = dict.fromkeys(self.storage_of(chunk.tensor) for chunk in chunks)
        sizes = "".join(f" && sizeof({item}) * chunk <= {PLACE_BYTES}" for item in stored)
        self.line(f"using Ahead = sgl::Ahead<is_aligned && turns == 1{sizes}, {threads}>;")
        self.line(f"__shared__ uint4 {memory}[Ahead::is_on ? {places} : 1];")
        self.line(f"const Ahead {self.ahead}({memory});")
        self.line(f"if (Ahead::is_on && {self.expr(compare('less', ZERO, blocks.high))}) {{")
        with self.indented():
            self.namer.fix(blocks.var, "int64_t(0)")
            self.namer.fix(rounds.var, "index_t(0)")
            for item in blocks.body[: blocks.body.index(rounds)]:
                if isinstance(item, ir.Let) and not item.is_mutable:
                    self.let(item)
            self._copy(pieces, loading, "term")
        self.line("}")

    def _copy_next(self, loop: low.Loop, pieces: Round, loading: tuple[Hold, ...]) -> None:
        """Copy what the next round reads: the next of this block, or the first of the part's next block."""
        last = BLOCK // TERMS - 1
        self.line("if (Ahead::is_on) {")
        with self.indented():
            step = self.namer.invent("step")
            next_block = f"{self.namer[PARTS.name]} * {BLOCK} - {last * TERMS}"
            self.line(f"const index_t {step} = {self.namer[loop.var]} < {last} ? {TERMS} : {next_block};")
            self._copy(pieces, loading, f"(term + {step})")
        self.line("}")

    def _copy(self, pieces: Round, loading: tuple[Hold, ...], term: str) -> None:
        def fetch(chunk: Chunk, test: str | None, place: str, left: str) -> str:
            number = self._place_of(chunk, loading)
            return f"{self.ahead}.template fetch<chunk>({number}, {test or 'true'}, {place});"

        names = {name for hold in loading for chunk in hold.chunks for name in chunk.names}
        with self._terms(pieces.scored, term):
            for let in pieces.lets_for(names):
                self.let(let)
            for hold in loading:
                self.each_turn(hold, hold.chunks, self.operand(hold.low), self.operand(hold.high), fetch)

    def _place_of(self, chunk: Chunk, loading: tuple[Hold, ...]) -> str:
        """The number of a term's chunk among those that are copied ahead."""
        chunks = [item for hold in loading for item in hold.chunks]
        number = chunks.index(chunk)
        return f"{number * TERMS} + term" if number else "term"

    @contextmanager
    def _terms(self, loop: low.Loop, place: str = "term") -> Iterator[None]:
        """A loop over the terms of a round, written out; `place` is its variable's."""
        self.line("SGL_UNROLL")
        self.line(f"for (int term = 0; term < {TERMS}; ++term) {{")
        self.depth += 1
        self.namer.push()
        self.namer.fix(loop.var, place)
        yield
        self.namer.pop()
        self.depth -= 1
        self.line("}")

    def _plain(self, body: tuple[low.Stmt, ...]) -> None:
        """Statements that hold what has been loaded, and nothing more."""
        for statement in body:
            self.statement(statement)

    def _join_parts(self, online: low.Online) -> None:
        """The sums of all parts as one, scaled to the greatest peak."""
        peak, total = self.namer[online.peak], self.namer[online.weights.total]
        top, share = self.namer.invent(f"{peak}_of_parts"), self.namer.invent(f"{peak}_share")
        self.line(f"const float {top} = sgl::over_parts<sgl::Max<float>>(team, {peak});")
        self.line(f"const float {share} = {peak} == {top} ? 1.0f : sgl::exp({peak} - {top});")
        self.line(f"{total} = sgl::over_parts<sgl::Sum<float>>(team, {total} * {share});")
        for row in online.rows:
            self.line(f"sgl::add_parts(team, {share}, {self.namer[row.total]});")

    # -- the launch -----------------------------------------------------------------------------

    def launch(self) -> list[str]:
        """The kernel's statements after its frame: coordinates, then the body."""
        launch, tiled = self.plan.launch, self.plan.tiled
        for place in self.plan.rows.values():
            if place.owner == "program":
                self.namer.fix(place.row, self.namer[memory_of(place.row)])
        self._coordinates(launch, tiled is not None)
        if tiled is not None:
            self._tile_bounds(tiled, bool(launch.grid))
        if self.spellings.starts_early:
            self._bring_near(launch)
            self.line("sgl::wait_for_inputs();")
        self.namer.fix(PART.name, "index_t(team.part)")
        self.namer.fix(PARTS.name, "index_t(team.parts)")
        self.statements(launch.body if tiled is None else launch.body[:-1])
        if tiled is not None:
            self._tile(tiled)
        return self.lines

    def _bring_near(self, launch: low.Launch) -> None:
        """Ask for what the team will hold, as far as its place in the grid says where that is."""
        known = {PLACE, *(axis.var for axis in launch.grid)}
        holds = (item for holds in self.plan.holding.place(launch.body).values() for item in holds)
        near = [replace(item, chunks=self._placed(item, known)) for item in holds]
        if not any(item.chunks for item in near):
            return
        tiled = self.plan.tiled
        self.line("if (team.is_among_first()) {")
        with self.indented():
            for hold in (item for item in near if item.chunks):
                is_tile = tiled is not None and hold.var == tiled.var
                first, end = self.operand(hold.low), self.operand(hold.high)
                bounds = ("tile_begin", "tile_end") if is_tile else (first, end)
                self.each_turn(hold, hold.chunks, *bounds, _bring_near)
        self.line("}")

    def _placed(self, hold: Hold, known: set[str]) -> tuple[Chunk, ...]:
        """The chunks of which nothing has to be read to say where they are, or whether they are there."""
        around = names_in(hold.low) | names_in(hold.high)
        return tuple(
            item for item in hold.chunks
            if item.condition is None and item.loaded == {item.tensor} and item.names | around <= known
        )  # fmt: skip

    def _coordinates(self, launch: low.Launch, is_tiled: bool) -> None:
        """The grid's variables out of the team's number, the last one fastest, tiles faster still."""
        rest = "index_t(team.item)"
        if is_tiled and launch.grid:
            self.line(f"const index_t tile = {rest} % index_t(launch.tiles);")
            rest = f"{rest} / index_t(launch.tiles)"
        parts: list[tuple[low.GridAxis, str]] = []
        for position, axis in reversed(tuple(enumerate(launch.grid))):
            count = self.operand(extent_of(axis.low, axis.high)) if position else ""
            parts.append((axis, f"{rest} % {count}" if position else rest))
            rest = f"{rest} / {count}"
        for axis, value in reversed(parts):
            start = "" if axis.low == ZERO else f"{self.expr(axis.low)} + "
            self.line(f"const index_t {self.namer.declare(axis.var)} = {start}{value};")

    def _tile_bounds(self, tiled: low.Loop, is_in_grid: bool) -> None:
        tile = "tile" if is_in_grid else "index_t(team.item)"
        start = "" if tiled.low == ZERO else f"{self.expr(tiled.low)} + "
        self.line(f"const index_t tile_begin = {start}{tile} * launch.tile;")
        end = f"sgl::minimum({self.expr(tiled.high)}, tile_begin + launch.tile)"
        self.line(f"const index_t tile_end = {end};")

    def _tile(self, tiled: low.Loop) -> None:
        for hold in self.plan.holding.place((tiled,)).get(0, ()):
            self.hold(hold, "tile_begin", "tile_end")
        self.deal(tiled, "tile_begin", "tile_end")


def _bring_near(chunk: Chunk, test: str | None, place: str, left: str) -> str:
    return f"sgl::bring_near<chunk>({place});"

"""Streams as text for a GPU: their rounds, what is copied ahead of them, and how parts become one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from codegen import lowered as low
from codegen.build_ir import ZERO, compare
from codegen.gpu.chunks import Chunk
from codegen.gpu.dealt import DealtWriter
from codegen.gpu.holds import Hold
from codegen.gpu.parts import PARTS, TERMS, Round, overwrites_terms
from codegen.lowering.online import BLOCK
from codegen.names import author_name
from kernel_ir import nodes as ir

AHEAD_BYTES = 46 * 1024  # of shared memory, that a group may have for what it copies ahead
PLACE_BYTES = 16


class StreamWriter(DealtWriter):
    """Text of streams that are dealt over the parts of a team."""

    ahead: str | None = None  # what copies ahead of the stream being written, and into which memory
    ahead_memory = ""

    @property
    def ahead_type(self) -> str:
        """What the type that copies ahead is called; no type variable of a spec has an underscore."""
        return "Ahead_2" if any(name == "Ahead" for name, _ in self.kernel.types) else "Ahead"

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
            self.join(loop)
            if overwrites_terms(self.plan.launch, loop):
                self.line("sgl::meet_parts(team);")
            self.line("if (team.part != 0) return;")

    def _round(self, loop: low.Loop, pieces: Round) -> None:
        """One round: the loads of all of its terms first, so that they are under way together."""
        outer, self.held = self.held, dict(self.held)
        self.declare_rows(pieces)
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
        with self.terms(pieces.scored):
            for let in pieces.lets:
                self.line(f"{self.namer[let.name]} = {self.expr(let.value)};")
            self._load_terms(loading)
        if self.ahead is not None:
            self._copy_next(loop, pieces, loading)
        self.compute(pieces)
        self.held = outer

    def declare_rows(self, pieces: Round) -> None:
        self.statements(pieces.rows)

    def compute(self, pieces: Round) -> None:
        """What a round does with what it has loaded."""
        with self.terms(pieces.scored):
            self.plain(pieces.rest)
        self.statements(pieces.weighed)
        with self.terms(pieces.added):
            self.plain(pieces.added.body)

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
        threads, places = self.plan.record.schedule.most_threads, len(chunks) * TERMS
        if not self.spellings.copies_ahead or not chunks or places * threads * PLACE_BYTES > AHEAD_BYTES:
            return
        self.ahead, memory = self.namer.invent("ahead"), self.namer.invent("ahead_memory")
        self.ahead_memory = memory
        stored = dict.fromkeys(self.storage_of(chunk.tensor) for chunk in chunks)
        sizes = "".join(f" && sizeof({item}) * chunk <= {PLACE_BYTES}" for item in stored)
        type_ = self.ahead_type
        self.line(f"using {type_} = sgl::Ahead<is_aligned && turns == 1{sizes}, {threads}, {places}>;")
        self.line(f"__shared__ uint4 {memory}[{type_}::count];")
        self.line(f"const {type_} {self.ahead}({memory});")
        self.line(f"if ({type_}::is_on && {self.expr(compare('less', ZERO, blocks.high))}) {{")
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
        self.line(f"if ({self.ahead_type}::is_on) {{")
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
        with self.terms(pieces.scored, term):
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
    def terms(self, loop: low.Loop, place: str = "term") -> Iterator[None]:
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

    def plain(self, body: tuple[low.Stmt, ...]) -> None:
        """Statements that hold what has been loaded, and nothing more."""
        for statement in body:
            self.statement(statement)

    # -- parts that become one ------------------------------------------------------------------

    def join(self, loop: low.Loop) -> None:
        """The sums of all parts as one, scaled to the greatest peak."""
        for online in loop.online:
            self.scale_rows(online, self.join_weights(online))
        self.add_rows(loop)

    def scale_rows(self, online: low.Online, share: str) -> None:
        for row in online.rows:
            self.line(f"sgl::scale_part(team, {share}, {self.namer[row.total]});")

    def add_rows(self, loop: low.Loop) -> None:
        """Add up the rows of all parts, all together where there is memory for them."""
        rows = [self.namer[row.total] for online in loop.online for row in online.rows]
        if self.ahead is not None:
            self.line(f"sgl::add_parts(team, {self.ahead}, {self.ahead_memory}, {', '.join(rows)});")
            return
        for row in rows:
            self.line(f"sgl::add_parts(team, {row});")

    def join_weights(self, online: low.Online) -> str:
        """The sum of all parts' weights; the identifier of what this part's sums are scaled by."""
        peak, total = self.namer[online.peak], self.namer[online.weights.total]
        top, share = self.namer.invent(f"{peak}_of_parts"), self.namer.invent(f"{peak}_share")
        self.line(f"const float {top} = sgl::over_parts<sgl::Max<float>>(team, {peak});")
        self.line(f"const float {share} = {peak} == {top} ? 1.0f : sgl::exp({peak} - {top});")
        self.line(f"{total} = sgl::over_parts<sgl::Sum<float>>(team, {total} * {share});")
        return share

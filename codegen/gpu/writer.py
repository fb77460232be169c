"""A launch as text for a GPU: its coordinates in the grid, then its body."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from codegen import lowered as low
from codegen.build_ir import ZERO, extent_of
from codegen.gpu.dealt import DealtWriter
from codegen.gpu.parts import PART, PARTS, TERMS, Round
from codegen.gpu.plan import LaunchPlan
from codegen.gpu.text import Spellings, memory_of
from codegen.names import author_name
from kernel_ir import nodes as ir


class GpuWriter(DealtWriter):
    """Text of one launch."""

    def __init__(self, kernel: ir.Kernel, plan: LaunchPlan, spellings: Spellings) -> None:
        super().__init__(kernel, plan, spellings)
        self.held = {}

    # -- the parts of a team --------------------------------------------------------------------

    def serial_loop(self, loop: low.Loop) -> None:
        pieces = Round.of(loop)
        if pieces is None:
            super().serial_loop(loop)
        else:
            with self.scope(self.for_header(loop.var, loop.low, loop.high)):
                self._round(pieces)
        if loop.online and self.plan.has_parts:
            for online in loop.online:
                self._join_parts(online)
            self.line("if (team.part != 0) return;")

    def _round(self, pieces: Round) -> None:
        """One round: the loads of all of its terms first, so that they are under way together."""
        outer, self.held = self.held, dict(self.held)
        self.statements(pieces.rows)
        added = pieces.added.body
        holds = self.plan.holding.place((*pieces.lets, *pieces.rest, *added))
        for hold in holds.pop(0, ()):
            self.hold(hold, self.operand(hold.low), self.operand(hold.high))
        loading = [item for position in sorted(holds) for item in holds[position]]
        count, term = f"[{TERMS}]", "[term]"
        for let in pieces.lets:
            name = self.namer.invent(author_name(let.name))
            self.line(f"{self._type_of_name(let.name, let.value.type)} {name}{count};")
            self.namer.fix(let.name, f"{name}{term}")
        for hold in loading:
            for chunk in hold.chunks:
                self.declare_held(hold, chunk, count, term)
        with self._terms(pieces.scored):
            for let in pieces.lets:
                self.line(f"{self.namer[let.name]} = {self.expr(let.value)};")
            for hold in loading:
                self.load_held(hold, hold.chunks, self.operand(hold.low), self.operand(hold.high))
        with self._terms(pieces.scored):
            self._plain(pieces.rest)
        self.statements(pieces.weighed)
        with self._terms(pieces.added):
            self._plain(added)
        self.held = outer

    @contextmanager
    def _terms(self, loop: low.Loop) -> Iterator[None]:
        """A loop over the terms of a round, written out."""
        self.line("SGL_UNROLL")
        self.line(f"for (int term = 0; term < {TERMS}; ++term) {{")
        self.depth += 1
        self.namer.push()
        self.namer.fix(loop.var, "term")
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
        self.namer.fix(PART.name, "index_t(team.part)")
        self.namer.fix(PARTS.name, "index_t(team.parts)")
        self.statements(launch.body if tiled is None else launch.body[:-1])
        if tiled is not None:
            self._tile(tiled, bool(launch.grid))
        return self.lines

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

    def _tile(self, tiled: low.Loop, is_in_grid: bool) -> None:
        tile = "tile" if is_in_grid else "index_t(team.item)"
        start = "" if tiled.low == ZERO else f"{self.expr(tiled.low)} + "
        self.line(f"const index_t tile_begin = {start}{tile} * launch.tile;")
        end = f"sgl::minimum({self.expr(tiled.high)}, tile_begin + launch.tile)"
        self.line(f"const index_t tile_end = {end};")
        for hold in self.plan.holding.place((tiled,)).get(0, ()):
            self.hold(hold, "tile_begin", "tile_end")
        self.deal(tiled, "tile_begin", "tile_end")

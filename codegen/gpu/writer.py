"""A launch as text for a GPU: its coordinates in the grid, then its body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from codegen import lowered as low
from codegen.build_ir import ZERO, extent_of, op
from codegen.gpu.chunks import Chunk, accumulated
from codegen.gpu.holds import PLACE, Hold
from codegen.gpu.parts import PART, PARTS
from codegen.gpu.plan import LaunchPlan
from codegen.gpu.points import PointsWriter
from codegen.gpu.split import names_in
from codegen.gpu.text import Spellings, memory_of
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64

MOST_TERMS = 16  # of a sum, that are asked for ahead of it

# A dealt loop, a loop in order inside it, and what is loaded in each of its rounds.
Term: TypeAlias = "tuple[low.Loop, low.Fold, tuple[Chunk, ...]]"


class GpuWriter(PointsWriter):
    """Text of one launch."""

    def __init__(self, kernel: ir.Kernel, plan: LaunchPlan, spellings: Spellings) -> None:
        super().__init__(kernel, plan, spellings)
        self.held = {}

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
        """Ask for what the team will load, as far as its place in the grid says where that is."""
        known = {PLACE, *(axis.var for axis in launch.grid)}
        holds = (item for holds in self.plan.holding.place(launch.body).values() for item in holds)
        near = [replace(item, chunks=_placed(item, item.chunks, known)) for item in holds]
        near = [item for item in near if item.chunks]
        terms = [] if near else [*self._terms_near(launch, known)]
        if near:
            self.line("if (team.is_among_first()) {")
            with self.indented():
                for hold in near:
                    self.each_turn(hold, hold.chunks, *self._bounds(hold), _near)
            self.line("}")
        for outer, inner, chunks in terms:
            self._bring_terms_near(outer, inner, chunks)

    def _bounds(self, loop: Hold | low.Loop) -> tuple[str, str]:
        """The range of a dealt loop of the launch's, which may be the one that is cut over teams."""
        tiled = self.plan.tiled
        if tiled is not None and loop.var == tiled.var:
            return "tile_begin", "tile_end"
        return self.operand(loop.low), self.operand(loop.high)

    def _terms_near(self, launch: low.Launch, known: set[str]) -> Iterator[Term]:
        """What dealt loops load in each round of a loop in order inside them, for every lane anew."""
        for outer in (item for item in launch.body if isinstance(item, low.Loop)):
            chunked = self.plan.chunked.get(outer.var)
            if chunked is None or not names_in(outer.low) | names_in(outer.high) <= known:
                continue
            for inner in (item for item in outer.body if isinstance(item, low.Fold)):
                loads = chunked.of_block(inner.body, accumulated(inner))
                arguments = tuple(item for item in loads if item.loaded <= self.plan.holding.arguments)
                chunks = _placed(inner, arguments, known | {outer.var, inner.var})
                if chunks and inner.low == ZERO and chunked.is_shared(inner):
                    yield outer, inner, chunks

    def _bring_terms_near(self, outer: low.Loop, inner: low.Fold, chunks: tuple[Chunk, ...]) -> None:
        terms = self.namer.invent("terms")
        count = self.expr(op("minimum", inner.high, ir.Const(MOST_TERMS, I64)))
        self.line(f"const int {terms} = int({count});")
        self.line(f"if (team.is_among_first({terms})) {{")
        self.namer.push()
        header = f"for (int {{name}} = 0; {{name}} < {terms}; ++{{name}}) {{{{"
        with (
            self.indented(),
            self._rounds(outer.var, *self._bounds(outer), True) as (_, base),
            self.scope((inner.var, header)),
        ):
            for chunk in chunks:
                self.line(_near(chunk, None, self._chunk_place(chunk, outer.var, outer.var, base), ""))
        self.namer.pop()
        self.line("}")

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


def _placed(loop: Hold | low.Fold, chunks: tuple[Chunk, ...], known: set[str]) -> tuple[Chunk, ...]:
    """The loads of a loop of which nothing has to be read to say where they are, and whether they are."""
    if not names_in(loop.low) | names_in(loop.high) <= known:
        return ()
    loads = (item for item in chunks if not item.is_store and item.condition is None)
    return tuple(item for item in loads if item.loaded == {item.tensor} and item.names <= known)


def _near(chunk: Chunk, test: str | None, place: str, left: str) -> str:
    return f"sgl::bring_near<chunk>({place});"

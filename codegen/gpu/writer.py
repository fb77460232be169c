"""A launch as text for a GPU: its coordinates in the grid, then its body."""

from __future__ import annotations

from dataclasses import replace

from codegen import lowered as low
from codegen.build_ir import ZERO, extent_of
from codegen.gpu.chunks import Chunk
from codegen.gpu.holds import PLACE, Hold
from codegen.gpu.parts import PART, PARTS
from codegen.gpu.plan import LaunchPlan
from codegen.gpu.points import PointsWriter
from codegen.gpu.split import names_in
from codegen.gpu.text import Spellings, memory_of
from kernel_ir import nodes as ir


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

"""A launch as text for a GPU: its coordinates in the grid, then its body."""

from __future__ import annotations

from codegen import lowered as low
from codegen.build_ir import ZERO
from codegen.gpu.dealt import DealtWriter
from codegen.gpu.plan import LaunchPlan, extent_of
from codegen.gpu.text import Spellings
from kernel_ir import nodes as ir


class GpuWriter(DealtWriter):
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
                self.namer.fix(place.row, self.namer[self.memory_of(place.row)])
        self._coordinates(launch, tiled is not None)
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

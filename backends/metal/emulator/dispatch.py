"""Which instantiation a launch record gives for some sizes, and on how many threads."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from codegen.gpu.record import FEW_TEAMS, KernelRecord, LaunchRecord, ScratchRecord, constant_positions
from codegen.gpu.schedule import SIMD_LANES
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import evaluate_size

Values = Mapping[str, Any]  # of sizes and scalars

MOST_GROUPS = 1 << 30  # of a row of the grid, as host code has it


class LaunchStruct(ctypes.Structure):
    """`sgl::Launch`."""

    _fields_ = (
        ("teams", ctypes.c_int64),
        ("tiles", ctypes.c_int64),
        ("lanes", ctypes.c_int32),
        ("tile", ctypes.c_int32),
        ("teams_per_group", ctypes.c_int32),
        ("given", ctypes.c_uint32),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """Which variants are taken where they serve, and what else no result may depend on.

    With `has_turns`, the most turns are taken; with `is_tight` beside it the kernel that host code would
    take: the least turns that serve, and those filled. `has_points`: teams work on several points, however
    few there are. `has_long_tiles`: tiles are not made smaller where teams are few. `most_groups`: of a row
    of the grid.
    """

    is_wide: bool = False
    is_aligned: bool = False
    has_turns: bool = False
    is_tight: bool = False
    has_points: bool = False
    has_long_tiles: bool = False
    most_groups: int = MOST_GROUPS


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One launch: `kernel` on `groups` threadgroups of `teams_per_group` teams of `lanes` threads.

    `tile` is the iterations of a tile, `tiles` how many the tiled loop has. Nothing runs where `teams` is 0.
    """

    kernel: KernelRecord
    teams: int
    tiles: int
    tile: int
    lanes: int
    teams_per_group: int
    most_groups: int = MOST_GROUPS

    @property
    def groups(self) -> int:
        return -(-self.teams // self.teams_per_group)

    @property
    def grid(self) -> tuple[int, int]:
        """Groups of a row, and rows, of which the last may have more groups than there is work for."""
        across = min(self.groups, self.most_groups)
        return across, -(-self.groups // across)

    @property
    def threads(self) -> int:
        """Of one threadgroup."""
        return self.lanes * self.teams_per_group

    def struct(self, given: int) -> LaunchStruct:
        """What the shader is told; bit n of `given` is set where optional tensor n is passed."""
        return LaunchStruct(self.teams, self.tiles, self.lanes, self.tile, self.teams_per_group, given)

    def touches(self, scratch: ScratchRecord) -> bool:
        """Whether the kernel uses a scratch buffer; it is given nothing in place of another."""
        return not (scratch.unless_turns and self.kernel.variant.turns)

    def constants(self, record: LaunchRecord, values: Values) -> dict[int, int]:
        """The function constants by their number; wide kernels read sizes from the parameters."""
        is_wide = self.kernel.variant.is_wide
        return {n: 0 if is_wide else values[name] for n, name in constant_positions(record)}

    def elements(self, scratch: ScratchRecord, values: Values) -> int:
        """Elements of a scratch buffer, and one more: a buffer is never empty."""
        owners = {"program": 1, "team": self.teams, "lane": self.teams * self.lanes}[scratch.owner]
        return max(evaluate(scratch.extent, values), 0) * owners + 1


def plan(record: LaunchRecord, entry: str, values: Values, choice: Choice) -> Dispatch:
    """As `codegen.gpu.record` says; `entry` is the suffix of the dtypes' entry."""
    lanes = team_lanes(record, values)
    kernel = choose_kernel(record, entry, lanes, values, choice)
    for turns in (record.schedule.tile_turns, 1):
        tile = lanes * kernel.chunk * turns
        tiles = 1 if record.tiled is None else -(-max(evaluate(record.tiled, values), 0) // tile)
        teams = prod(max(evaluate(extent, values), 0) for extent in record.grid) * tiles
        if teams >= FEW_TEAMS or choice.has_long_tiles:
            break
    shared = record.schedule.teams_per_group * SIMD_LANES // lanes if lanes <= SIMD_LANES else 1
    teams //= kernel.variant.points
    return Dispatch(kernel, teams, tiles, tile, lanes, shared, choice.most_groups)


def choose_kernel(
    record: LaunchRecord, entry: str, lanes: int, values: Values, choice: Choice
) -> KernelRecord:
    """The instantiation for the choice, as far as its variants serve for these sizes."""
    mine = [item for item in record.kernels if item.entry == entry]
    chunk = mine[0].chunk
    is_aligned = all(evaluate(item, values) % chunk == 0 for item in record.multiples)
    moves_whole = choice.is_aligned and record.has_chunks and is_aligned
    serving = [
        item
        for item in mine
        if (item.variant.is_wide, item.variant.is_aligned) == (choice.is_wide, moves_whole)
        and _holds(record, (record.schedule.part_lanes or lanes) * chunk, item, values)
        and (item.variant.points == 1 or (choice.has_points and _is_whole(record, item, values)))
    ]
    if choice.has_turns and choice.is_tight:
        return max(serving, key=_rank)
    return (max if choice.has_turns else min)(
        serving, key=lambda item: (item.variant.turns, item.variant.is_full)
    )


def _rank(kernel: KernelRecord) -> tuple[int, bool, int, bool]:
    """What makes a kernel the better one of two that serve, to host code."""
    variant = kernel.variant
    return variant.points, variant.turns != 0, -variant.turns, variant.is_full


def _is_whole(record: LaunchRecord, kernel: KernelRecord, values: Values) -> bool:
    return all(evaluate(extent, values) % kernel.variant.points == 0 for extent in record.alike)


def team_lanes(record: LaunchRecord, values: Values) -> int:
    """The lanes of a launch's teams."""
    longest = evaluate(record.longest, values)
    rows = record.schedule.teams
    return next(row.lanes for row in rows if row.longest is None or longest <= row.longest)


def evaluate(expr: ir.Expr, values: Values) -> int:
    """A size expression's value, all of whose names `values` has."""
    found = evaluate_size(expr, values)
    if found is None:
        raise KeyError(f"{expr} asks for more than {sorted(values)}")
    return found


def _holds(record: LaunchRecord, run: int, kernel: KernelRecord, values: Values) -> bool:
    turns, extents = kernel.variant.turns, [evaluate(extent, values) for extent in record.dealt]
    if kernel.variant.is_full:
        return all(extent == run * turns for extent in extents)
    return turns == 0 or all(extent <= run * turns for extent in extents)

"""Which instantiation a launch record gives for some sizes, and on how many threads."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from codegen.gpu.record import FEW_TEAMS, KernelRecord, LaunchRecord, ScratchRecord
from codegen.gpu.schedule import SIMD_LANES
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import evaluate_size

Values = Mapping[str, Any]  # of sizes and scalars


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
    """Which variants are taken where they serve."""

    is_wide: bool = False
    is_aligned: bool = False
    has_turns: bool = False


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

    @property
    def groups(self) -> int:
        return -(-self.teams // self.teams_per_group)

    @property
    def threads(self) -> int:
        """Of one threadgroup."""
        return self.lanes * self.teams_per_group

    def struct(self, given: int) -> LaunchStruct:
        """What the shader is told; bit n of `given` is set where optional tensor n is passed."""
        return LaunchStruct(self.teams, self.tiles, self.lanes, self.tile, self.teams_per_group, given)

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
        if teams >= FEW_TEAMS:
            break
    shared = record.schedule.teams_per_group * SIMD_LANES // lanes if lanes <= SIMD_LANES else 1
    return Dispatch(kernel, teams, tiles, tile, lanes, shared)


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
    ]
    return (max if choice.has_turns else min)(
        serving, key=lambda item: (item.variant.turns, item.variant.is_full)
    )


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

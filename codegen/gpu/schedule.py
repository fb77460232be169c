"""How many lanes work on one point of a grid, and how much each does: small tables, and nothing else.

A team's size follows from the extents of its loops alone, never from the grid, so that a row's bits
do not depend on how many rows stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from codegen import lowered as low
from codegen.build_ir import ZERO, op
from codegen.work import is_host_known, tiled_loop
from kernel_ir import nodes as ir
from kernel_ir.errors import TargetError

SIMD_LANES = 32  # lanes that run together, on every GPU this compiles for
MOST_LANES = 512  # of one team; more would leave a lane too few registers


@dataclass(frozen=True, slots=True)
class TeamSize:
    """`lanes` a team where no loop is longer than `longest`; None: however long."""

    longest: int | None
    lanes: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a launch is dealt out.

    `teams`: the first row that holds decides, longest last. `teams_per_group`: how many teams of one
    simdgroup share a threadgroup. `tile_turns`: how often a lane goes round in one tile of a loop that
    is cut over teams. `register_turns`: for how many rounds a lane keeps elements of dealt loops in
    registers, each a kernel variant while they take no more than `register_bytes` of a lane's 512.
    `part_lanes`: the lanes of a part, where teams have parts that work apart and share a row each; 0
    where they have none.
    """

    teams: tuple[TeamSize, ...]
    teams_per_group: int = 4
    tile_turns: int = 2
    register_turns: tuple[int, ...] = (1, 2, 4, 8)
    register_bytes: int = 256
    part_lanes: int = 0


# Rows that are reduced once: a lane should have a few chunks of its own.
_ONCE = Schedule((TeamSize(512, 32), TeamSize(2048, 128), TeamSize(8192, 256), TeamSize(None, 512)))
# Reduced again and again inside a loop: waiting across a threadgroup would cost more than it gains.
_AGAIN = Schedule((TeamSize(2048, 32), TeamSize(None, 128)), register_bytes=192)
# Nothing exchanged: as many lanes as there is work for in a tile.
_TILED = Schedule((TeamSize(512, 32), TeamSize(None, 256)))

_OVERRIDES = ("team", "teams_per_group", "tile_turns")


def choose_schedule(
    launch: low.Launch, overrides: Mapping[str, int], target: str, spec: str, parted: Schedule | None = None
) -> Schedule:
    """The schedule of a launch; `parted` if its teams have parts. Raises TargetError where an override
    cannot be followed.
    """
    if parted is not None:
        chosen = parted
    elif tiled_loop(launch) is not None:
        chosen = _TILED
    elif any(_exchanges(item) for item in low.walk(launch.body) if isinstance(item, low.Loop)):
        chosen = _AGAIN
    else:
        chosen = _ONCE
    for name, value in overrides.items():
        chosen = _override(chosen, name, value, target, spec)
    return chosen


def _override(schedule: Schedule, name: str, value: int, target: str, spec: str) -> Schedule:
    if name not in _OVERRIDES:
        raise TargetError(target, f"schedule {name!r}", spec, f"expected one of {', '.join(_OVERRIDES)}")
    if name != "team":
        _require(1 <= value <= 16, name, "a number from 1 to 16", target, spec)
        return (
            replace(schedule, teams_per_group=value)
            if name == "teams_per_group"
            else replace(schedule, tile_turns=value)
        )
    is_whole = value % SIMD_LANES == 0 and SIMD_LANES <= value <= MOST_LANES
    _require(is_whole, name, f"a multiple of {SIMD_LANES} up to {MOST_LANES}", target, spec)
    return replace(schedule, teams=(TeamSize(None, value),))


def _require(holds: bool, name: str, expected: str, target: str, spec: str) -> None:
    if not holds:
        raise TargetError(target, f"schedule {name!r}", spec, f"expected {expected}")


def longest_loop(launch: low.Launch) -> ir.Expr:
    """The greatest extent of the dealt loops whose extents host code knows; 0 where there is none."""
    found: dict[ir.Expr, None] = {}
    for statement in low.walk(launch.body):
        if isinstance(statement, (low.Loop, low.Fold)) and statement.kind == "lanes":
            first, end = statement.low, statement.high
            extent = end if first == ZERO else op("subtract", end, first)
            if is_host_known(extent):
                found[extent] = None
    longest: ir.Expr = ZERO
    for extent in found:
        longest = extent if longest == ZERO else op("maximum", longest, extent)
    return longest


def _exchanges(loop: low.Loop) -> bool:
    """Whether a loop of the team reduces over lanes in every iteration."""
    if loop.kind != "serial":
        return False
    return any(isinstance(item, low.Fold) and item.kind == "lanes" for item in low.walk(loop.body))

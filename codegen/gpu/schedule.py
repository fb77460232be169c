"""How many lanes work on one point of a grid, and how much each does: small tables, and nothing else.

A team's size follows from the extents of its loops alone, never from the grid, so that a row's bits
do not depend on how many rows stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from codegen import lowered as low
from codegen.build_ir import ONE, ZERO, extent_of, op
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
    where they have none. `jammed_bytes`: the same as `register_bytes` where teams work on several points of
    the grid; 0 where they never do.
    """

    teams: tuple[TeamSize, ...]
    teams_per_group: int = 4
    tile_turns: int = 2
    register_turns: tuple[int, ...] = (1, 2, 4, 8)
    register_bytes: int = 192
    part_lanes: int = 0
    jammed_bytes: int = 0

    @property
    def most_threads(self) -> int:
        """The most threads that a threadgroup has: one great team, or several that share it."""
        shared = SIMD_LANES * self.teams_per_group
        return max(row.lanes if row.lanes > SIMD_LANES else shared for row in self.teams)


# Rows that are reduced once: a lane should have a few chunks of its own.
_SMALL = (TeamSize(32, 4), TeamSize(64, 8))
_LONG = (TeamSize(512, 32), TeamSize(2048, 128), TeamSize(4096, 256), TeamSize(None, 512))
ONCE = Schedule((*_SMALL, TeamSize(128, 8), *_LONG), teams_per_group=8)
# Several loops, and nothing reduced: one chunk is enough.
APART = Schedule((*_SMALL, TeamSize(128, 16), *_LONG))
# Reduced again and again inside a loop: waiting across a threadgroup would cost more than it gains.
AGAIN = Schedule((*_SMALL, TeamSize(128, 16), TeamSize(2048, 32), TeamSize(None, 128)))
# Shared out over parts of the team: as many lanes as there are chunks of work.
SHARED_OUT = Schedule((TeamSize(256, 32), TeamSize(512, 64), TeamSize(None, 128)), register_bytes=64)
# Nothing exchanged: as many lanes as there is work for in a tile.
TILED = Schedule((TeamSize(512, 32), TeamSize(None, 128)))


@dataclass(frozen=True, slots=True)
class Schedules:
    """How a target deals launches out, by the shape of their work; `parted` where teams have parts."""

    parted: Schedule
    once: Schedule = ONCE
    apart: Schedule = APART
    again: Schedule = AGAIN
    shared_out: Schedule = SHARED_OUT
    tiled: Schedule = TILED


@dataclass(frozen=True, slots=True)
class Target:
    """What a GPU target allows, and how it deals launches out.

    `most_buffers` counts what a kernel may be bound to. `least_lanes`: of a team; teams that share a
    simdgroup must go through a kernel together.
    """

    name: str
    most_buffers: int
    schedules: Schedules
    least_lanes: int = SIMD_LANES


_OVERRIDES = ("team", "teams_per_group", "tile_turns")


def choose_schedule(
    launch: low.Launch,
    nests: frozenset[str],
    overrides: Mapping[str, int],
    target: Target,
    spec: str,
    has_parts: bool = False,
) -> Schedule:
    """The schedule of a launch with its barriers, whose teams may have parts. Raises TargetError where an
    override cannot be followed.
    """
    is_folded, of = any(_is_fold_over_lanes(item) for item in low.walk(launch.body)), target.schedules
    if has_parts:
        chosen = of.parted
    elif nests and not is_folded:
        chosen = of.shared_out
    elif tiled_loop(launch) is not None:
        chosen = of.tiled
    elif any(_exchanges(item) for item in low.walk(launch.body) if isinstance(item, low.Loop)):
        chosen = of.again
    else:
        chosen = of.once if is_folded else of.apart
    for name, value in overrides.items():
        chosen = _override(chosen, name, value, target.name, spec)
    least = target.least_lanes if _goes_straight(launch.body) else SIMD_LANES
    return replace(chosen, teams=tuple(row for row in chosen.teams if row.lanes >= least))


def _goes_straight(body: tuple[low.Stmt, ...]) -> bool:
    """Whether all teams take the same way through a block, as far as lanes meet on it: at a barrier, or to
    exchange data.

    The lanes of teams that share a simdgroup meet all at once. If one team waited once more than another,
    they would stand in different places from there on whenever they meet.
    """
    for statement in body:
        match statement:
            case low.Loop(kind="lanes") | low.Fold(kind="lanes"):
                continue
            case low.Loop(_, first, end) | low.Fold(_, _, first, end):
                is_known = is_host_known(first) and is_host_known(end)
            case low.If(condition):
                is_known = is_host_known(condition)
            case _:
                continue
        meets = any(map(_is_meeting, low.walk((statement,))))
        if (meets and not is_known) or not all(map(_goes_straight, low.blocks(statement))):
            return False
    return True


def _is_meeting(statement: low.Stmt) -> bool:
    return isinstance(statement, low.Barrier) or _is_fold_over_lanes(statement)


def _is_fold_over_lanes(statement: low.Stmt) -> bool:
    return isinstance(statement, low.Fold) and statement.kind == "lanes"


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


def longest_loop(launch: low.Launch, nests: frozenset[str]) -> ir.Expr:
    """The most iterations of a dealt loop, with those of a nest, as far as host code knows; 0 of none."""
    longest: ir.Expr = ZERO
    for extent in dict.fromkeys(_extents(launch.body, nests, ONE)):
        longest = extent if longest == ZERO else op("maximum", longest, extent)
    return longest


def _extents(body: tuple[low.Stmt, ...], nests: frozenset[str], times: ir.Expr) -> Iterator[ir.Expr]:
    """The iterations of the dealt loops of a block that is run `times` times at once."""
    for statement in body:
        if not isinstance(statement, (low.Loop, low.Fold)):
            for block in low.blocks(statement):
                yield from _extents(block, nests, times)
            continue
        extent = _extent(statement)
        inner = times
        if extent is not None and (statement.kind == "lanes" or statement.var in nests):
            inner = extent if times == ONE else op("multiply", times, extent)
        if extent is not None and statement.kind == "lanes":
            yield inner
        if statement.kind != "lanes":
            yield from _extents(statement.body, nests, inner)
            continue
        for item in statement.body:
            found = _extent(item) if isinstance(item, low.Loop) and item.var in nests else None
            if found is not None:
                yield op("multiply", inner, found)


def _extent(loop: low.Loop | low.Fold) -> ir.Expr | None:
    extent = extent_of(loop.low, loop.high)
    return extent if is_host_known(extent) else None


def _exchanges(loop: low.Loop) -> bool:
    """Whether a loop of the team reduces over lanes in every iteration."""
    if loop.kind != "serial":
        return False
    return any(isinstance(item, low.Fold) and item.kind == "lanes" for item in low.walk(loop.body))

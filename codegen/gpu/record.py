"""What host code must know to launch a kernel: stated once, and rendered into host code and shader.

To launch: compute `lanes` and the variant from the sizes, make the scratch, bind the buffers in order,
and start `groups` threadgroups. Size expressions are over the op's sizes and scalars; where a product
could leave 64 bits, evaluate it in double, whose rounding never decides.

    extent   = the greatest of `longest`
    lanes    = `schedule.teams`: that of the first row whose `longest` is None or >= extent
    chunk    = the entry's, 1 where nothing moves in chunks
    tile     = lanes * chunk * schedule.tile_turns, or without the last where that gives fewer teams than
               `FEW_TEAMS`
    teams    = product of `grid`, times ceil(`tiled` / tile) where `tiled` is not None; a negative
               extent counts as 0; with no teams there is nothing to launch. Divided by the variant's
               `points`.
    groups   = ceil(teams / teams in a group); a group has schedule.teams_per_group simdgroups of teams
               where lanes is at most 32, else one team. Groups beyond 2^30 go on along y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from codegen.gpu.schedule import Schedule
from kernel_ir import nodes as ir
from kernel_ir.dtypes import DType

# Teams that leave a GPU room for more, whose tiles are then made smaller.
FEW_TEAMS = 512

# Points that keep a GPU busier if each has a team of its own than if several share one.
FEW_POINTS = 256

# Words of 4 bytes through which teams of several simdgroups exchange partial results: one for each lane
# of a threadgroup, which is enough for a state of at most 16 bytes a simdgroup too.
EXCHANGE_WORDS = 512


@dataclass(frozen=True, slots=True)
class Variant:
    """How a kernel is specialised beside its dtypes.

    `is_wide`: indices have 64 bits. `is_aligned`: chunks move as one access. `turns`: rounds of a dealt
    loop whose elements are kept in registers; 0 leaves them in memory. `is_full`: every lane has elements
    in every one of those rounds. `points`: of the grid, that a team works on.
    """

    is_wide: bool = False
    is_aligned: bool = False
    turns: int = 0
    is_full: bool = False
    points: int = 1

    @property
    def suffix(self) -> str:
        """What the variant adds to a kernel's name."""
        flags = (("_full", self.is_full), ("_wide", self.is_wide))
        parts = (
            f"_points{self.points}" if self.points > 1 else "",
            "_aligned" if self.is_aligned else "",
            f"_turns{self.turns}" if self.turns else "",
        )
        return "".join((*parts, *(text for text, holds in flags if holds)))


@dataclass(frozen=True, slots=True)
class KernelRecord:
    """One instantiation. `name` is the Metal function's; `position` its place in the CUDA table."""

    name: str
    position: int
    entry: str
    variant: Variant
    chunk: int


@dataclass(frozen=True, slots=True)
class ScratchRecord:
    """A buffer of `extent` elements of `type`, times what `owner` says: one for the program, for each
    team, or for each lane of each team. One of the program keeps its content between launches.

    `unless_turns`: variants with `turns` do not touch it.
    """

    name: str
    type: DType
    extent: ir.Expr
    owner: Literal["program", "team", "lane"]
    unless_turns: bool = False


@dataclass(frozen=True, slots=True)
class LaunchRecord:
    """One launch of an op.

    Buffers are bound in this order: `tensors`, `scratch`, the parameters after their pointers
    (`OpRecord.fields` without kind pointer, as one struct), then `sgl::Launch`. On CUDA the arguments
    are the op's parameter struct, `sgl::Launch`, then `scratch`.

    `given`: optional tensors whose presence the kernel asks for, bit n of `Launch.given` each.
    `constants`: sizes that Metal takes as function constants in kernels that are not wide, numbered from
    `first_constant` on; no two launches of an op share a number. Wide kernels are given 0 for each.

    The narrow variants serve where every size, every offset inside one of `tensors`, every product of
    the grid and every one of `bounds` is below `LIMIT` of `codegen.gpu.widths`, lanes times extents of
    scratch included. The aligned ones serve where each of `multiples` is a multiple of the entry's
    chunk and so is every stride of a tensor in `moved`, whose data is aligned to the lesser of 16 bytes
    and a chunk. A variant with turns serves where every one of `dealt` is at most lanes * chunk * turns,
    with the lanes of a part where teams have parts; the least that serves is taken. A variant of several
    points serves where there are `FEW_POINTS` teams without it, and each of `alike` is a multiple of its
    points; it gives the bits that others give, and goes before them. `kept`: about how many chunks of 16
    bytes a lane keeps in each of its turns.
    """

    name: str
    number: int
    grid: tuple[ir.Expr, ...]
    tiled: ir.Expr | None
    longest: ir.Expr
    schedule: Schedule
    tensors: tuple[str, ...]
    given: tuple[str, ...]
    scratch: tuple[ScratchRecord, ...]
    constants: tuple[str, ...]
    first_constant: int
    bounds: tuple[ir.Expr, ...]
    moved: tuple[str, ...]
    multiples: tuple[ir.Expr, ...]
    dealt: tuple[ir.Expr, ...]
    has_turns: bool
    kept: int
    kernels: tuple[KernelRecord, ...]
    alike: tuple[ir.Expr, ...] = ()

    def function(self, points: int) -> str:
        """The name of the kernels' text; those whose teams work on several points have one of their own."""
        return self.name if points == 1 else f"{self.name}_points"

    @property
    def has_chunks(self) -> bool:
        return bool(self.moved)


def constant_positions(launch: LaunchRecord) -> tuple[tuple[int, str], ...]:
    """The number of each function constant of a launch, and the size that it holds."""
    return tuple(enumerate(launch.constants, launch.first_constant))

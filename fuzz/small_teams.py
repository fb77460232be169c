"""Shaders with teams as small as those of CUDA, on the emulator with every check on.

How many lanes a team has is no part of a shader's text. On Metal, a team is a simdgroup or more; on CUDA,
where rows are short, teams of 4, 8 and 16 lanes share a warp, all of which meets at a barrier. The text that
ships is launched here as CUDA's is. Where one team of a simdgroup comes to a barrier and another does not, or
where they add up each other's values, the emulator shows it; in a shader's own launches it cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backends.cuda.emit import TARGET as CUDA
from backends.metal.emit import TARGET as METAL
from backends.metal.emit import launch_records
from backends.metal.emulator import Shader
from backends.metal.emulator.dispatch import MOST_GROUPS
from codegen.gpu.schedule import SIMD_LANES
from codegen.pipeline import Compiled
from fuzz.inputs import Call
from fuzz.memory import Memory
from fuzz.run_metal import How, MetalSource, dispatches, metal_source, run_metal

SMALL_TEAMS_SHARE = 15  # one program in so many runs on it
TARGET = replace(METAL, least_lanes=CUDA.least_lanes)


def small_teams_source(
    compiled: Compiled, calls: Sequence[Call], hows: Sequence[How], shipped: MetalSource | None
) -> MetalSource | None:
    """The shader's text with the instantiations that calls with small teams need; None where none has any.

    `shipped`: what was written for Metal. The groups of a launch make one row, which ends with the last team.
    """
    launches = launch_records(compiled.program, compiled.record, TARGET)
    whole = shipped or metal_source(compiled, (), ())
    in_a_row = tuple(replace(how, choice=replace(how.choice, most_groups=MOST_GROUPS)) for how in hows)
    whole = replace(whole, launches=launches, hows=in_a_row)
    chosen = [number for number, call in enumerate(calls) if _is_small(whole, call, number)]
    if not chosen:
        return None
    wanted = [calls[number] for number in chosen], tuple(in_a_row[number] for number in chosen)
    return replace(metal_source(compiled, *wanted, whole), hows=in_a_row)


def run_small_teams(
    shader: Shader, source: MetalSource, call: Call, number: int
) -> tuple[Memory, tuple[str, ...]] | None:
    """As `run_metal`; None where teams are as large as on Metal."""
    return run_metal(shader, source, call, number) if _is_small(source, call, number) else None


def _is_small(source: MetalSource, call: Call, number: int) -> bool:
    """Whether some of a call's teams share a simdgroup."""
    alone = replace(source, hows=source.hows[number : number + 1])
    return any(dispatch.lanes < SIMD_LANES for _, dispatch, _ in dispatches(alone, [call]))

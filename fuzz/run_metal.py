"""Metal kernels of many programs in one shader, run on the emulator with every check on."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from backends.metal.emit import RUNTIME, TARGET, emit_planned
from backends.metal.emulator import EmulatorUnavailable, Launch, Shader, load
from backends.metal.emulator.compile import require
from backends.metal.emulator.dispatch import MOST_GROUPS, Choice, Dispatch, plan
from backends.metal.emulator.shader import ORDERS, REDUCTIONS
from codegen.failures import Failure
from codegen.gpu.plan import plan as plan_launches
from codegen.gpu.record import EXCHANGE_WORDS, LaunchRecord, ScratchRecord
from codegen.gpu.schedule import SIMD_LANES, Target
from codegen.pipeline import Compiled
from fuzz.inputs import Call
from fuzz.memory import Memory, entry_of, lay_out, numbers_of, params_of, place_of
from kernel_ir.rounding import Array, storage_dtype

if TYPE_CHECKING:
    from fuzz.run_cuda import CudaSource

# Of one launch, of each of its threads, and of each of these for an iteration of the longest loop, in which
# lanes may meet again and again to choose one more of the `topk`: far beyond what any call needs.
MOST_ACCESSES = 1 << 27
MOST_ACCESSES_A_THREAD = 1 << 14
MOST_ACCESSES_A_ROUND = 1 << 9
_NOTHING = np.empty(0, np.uint8)  # what a tensor is that was not passed
_NOTHING.flags.writeable = False
_INSTANCE = re.compile(r'^SGL_KERNEL\("(\w+)", .*\)\n', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class How:
    """The variants that a call takes where they serve, in which order lanes run and are added up, and whether
    kernels may start ahead of what they read, where a target has that.
    """

    choice: Choice
    order: str
    reduction: str
    starts_early: bool = True
    seed: int = 1  # of the random order

    def with_turns_of(self, other: How) -> How:
        """The same, but that rows are kept in registers where `other` keeps them."""
        return replace(self, choice=replace(self.choice, has_turns=other.choice.has_turns))


@dataclass(frozen=True, slots=True)
class MetalSource:
    """What one program adds to a shader: its text, its launches, and how each call is run.

    `shipped` is the text with all of its instantiations, `text` that with those that are needed.
    """

    compiled: Compiled
    shipped: str
    text: str
    launches: tuple[LaunchRecord, ...]
    hows: tuple[How, ...]


def metal_source(
    compiled: Compiled, calls: Sequence[Call], hows: tuple[How, ...], other: MetalSource | None = None,
    target: Target = TARGET,
) -> MetalSource:  # fmt: skip
    """The shader's text as it ships, with the instantiations that the calls need, each run as one of `hows`.

    `other`: what was written for other calls of the program.
    """
    launches, shipped = _written(compiled, target) if other is None else (other.launches, other.shipped)
    wanted = {
        plan_of(launch, compiled, call, how).kernel.name
        for call, how in zip(calls, hows, strict=True)
        for launch in launches
    }
    text = _INSTANCE.sub(lambda found: found[0] if found[1] in wanted else "", shipped)
    return MetalSource(compiled, shipped, text.replace('#include "sgl_metal.h"\n', ""), launches, hows)


def _written(compiled: Compiled, target: Target) -> tuple[tuple[LaunchRecord, ...], str]:
    record = compiled.record
    plans = plan_launches(compiled.program, record, target)
    shipped = emit_planned(plans, record, target)[f"metal/{record.name}.metal"]
    return tuple(item.record for item in plans), shipped


def draw_how(seed: str) -> How:
    """Any variants, in any order."""
    draw = random.Random(seed)
    choice = Choice(draw.random() < 0.3, draw.random() < 0.7, draw.random() < 0.6)
    return How(choice, draw.choice(ORDERS), draw.choice(REDUCTIONS), seed=draw.randrange(1, 1 << 32))


def draw_shipped(seed: str) -> How:
    """For the most part what host code would choose, were there many teams."""
    draw, other = random.Random(seed), draw_how(f"how {seed}")
    is_tight, has_points = draw.random() < 0.95, draw.random() < 0.95
    choice = Choice(draw.random() < 0.05, draw.random() < 0.95, draw.random() < 0.95, is_tight, has_points)
    return replace(other, choice=choice)


def draw_another(seed: str, how: How) -> How:
    """Another launch of the same call, which must give the same bits: all is drawn but whether rows stay in
    registers.
    """
    draw, other = random.Random(seed), draw_how(f"how {seed}")
    is_tight, has_points, has_long_tiles, is_early = (
        draw.random() < share for share in (0.75, 0.75, 0.5, 0.5)
    )
    choice = replace(
        other.choice, is_tight=is_tight, has_points=has_points, has_long_tiles=has_long_tiles,
        most_groups=draw.choice((MOST_GROUPS, 1, 2, 3, 5)),
    )  # fmt: skip
    return replace(other, choice=choice, starts_early=is_early).with_turns_of(how)


def require_metal() -> None:
    """Raises Failure where the emulator cannot run."""
    try:
        require()
    except EmulatorUnavailable as missing:
        raise Failure(f"the Metal emulator cannot run: {missing}") from None


def build_metal(sources: Sequence[MetalSource], name: str) -> Shader:
    """One shader of many programs. Raises ShaderError."""
    text = '#include "sgl_metal.h"\n' + "".join(source.text for source in sources)
    return load(text, f"{name}.metal", RUNTIME, is_quick=True)


def run_metal(shader: Shader, source: MetalSource, call: Call, number: int) -> tuple[Memory, tuple[str, ...]]:
    """One call, launch by launch; memory of its own, and what the emulator found."""
    record = source.compiled.record
    memory = lay_out(source.compiled.kernel, entry_of(record, call.types), call, goes_back=False)
    scratch: dict[str, Array] = {}
    found: list[str] = []
    for launch in source.launches:
        dispatch = plan_of(launch, source.compiled, call, source.hows[number])
        if dispatch.teams > 0:
            found += _launch(shader, source, launch, dispatch, memory, scratch, source.hows[number])
    return memory, tuple(found)


def metal_ways(source: MetalSource, calls: Sequence[Call]) -> set[str]:
    """How the calls' launches run, as `fuzz.coverage` names it."""
    return {way for launch, dispatch, _ in dispatches(source, calls) for way in _ways(launch, dispatch)}


def dispatches(
    source: MetalSource | CudaSource, calls: Sequence[Call]
) -> Iterator[tuple[LaunchRecord, Dispatch, How]]:
    """The launches of the calls that have work."""
    for call, how in zip(calls, source.hows, strict=True):
        for launch in source.launches:
            dispatch = plan_of(launch, source.compiled, call, how)
            if dispatch.teams > 0:
                yield launch, dispatch, how


def _ways(launch: LaunchRecord, dispatch: Dispatch) -> Iterator[str]:
    variant = dispatch.kernel.variant
    yield "wide" if variant.is_wide else "narrow"
    yield "turns" if variant.turns else "memory"
    yield "simdgroup" if dispatch.lanes == SIMD_LANES else "threadgroup"
    if variant.is_aligned:
        yield "aligned"
    if launch.tiled is not None:
        yield "tiled"
    if any(map(dispatch.touches, launch.scratch)):
        yield "scratch"
    yield from ways_to_launch(launch, dispatch)


def ways_to_launch(launch: LaunchRecord, dispatch: Dispatch) -> Iterator[str]:
    """What of a launch is hidden from what it computes."""
    variant = dispatch.kernel.variant
    most = max(item.variant.turns for item in launch.kernels)
    if not all(map(dispatch.touches, launch.scratch)):
        yield "no scratch"
    if launch.tiled is None and 0 < variant.turns < most:
        yield "few turns"
    if variant.is_full:
        yield "full turns"
    if variant.points > 1:
        yield "points"
    if launch.tiled is not None and dispatch.tile > dispatch.lanes * dispatch.kernel.chunk:
        yield "long tiles"
    if dispatch.grid[1] > 1:
        yield "rows of groups"


def plan_of(launch: LaunchRecord, compiled: Compiled, call: Call, how: How) -> Dispatch:
    """Which instantiation a call takes, on how many threads."""
    entry = entry_of(compiled.record, call.types)
    choice = replace(how.choice, is_aligned=how.choice.is_aligned and _is_aligned(launch, compiled, call))
    return plan(launch, entry.suffix, values_of(compiled, call), choice)


def _is_aligned(launch: LaunchRecord, compiled: Compiled, call: Call) -> bool:
    """Whether each chunk may move as one access, as `backends/gpu_host/choose.cpp` asks it."""
    entry = entry_of(compiled.record, call.types)
    chunk = next(item.chunk for item in launch.kernels if item.entry == entry.suffix)
    moved = (place_of(compiled.kernel, entry, call, name, goes_back=False) for name in launch.moved)
    return all(item.is_aligned(chunk) for item in moved if item is not None)


def values_of(compiled: Compiled, call: Call) -> dict[str, int]:
    """Sizes and scalars."""
    return {**call.sizes, **numbers_of(compiled.kernel, call)}


def _launch(
    shader: Shader, source: MetalSource, launch: LaunchRecord, dispatch: Dispatch, memory: Memory,
    scratch: dict[str, Array], how: How,
) -> list[str]:  # fmt: skip
    values = values_of(source.compiled, memory.call)
    tensors = [_from_first(memory, name) for name in launch.tensors]
    blank = unwritten(source, launch, scratch)
    rows = [_scratch(item, dispatch, values, scratch) for item in launch.scratch]
    given = sum((name in memory.placed) << bit for bit, name in enumerate(launch.given))
    params = np.frombuffer(_without_pointers(source, memory), np.uint8)
    bound = [*tensors, *rows, params, np.frombuffer(bytes(dispatch.struct(given)), np.uint8)]
    buffers = {n: _NOTHING if item is None else item for n, item in enumerate(bound)}
    outcome = shader.run(
        Launch(
            dispatch.kernel.name, buffers, grid=dispatch.grid, threadgroup=dispatch.threads,
            threads=_threads(dispatch), constants=dispatch.constants(launch, values),
            memory={0: 4 * EXCHANGE_WORDS}, blank=blank, offsets=_offsets(launch, memory),
        ), how.order, how.reduction, seed=how.seed,
        most_accesses=most_accesses(dispatch, memory.call.sizes),
    )  # fmt: skip
    for n, item in buffers.items():
        if item.flags.writeable:
            item[...] = outcome.buffers[n].reshape(item.shape)
    return [str(finding) for finding in outcome.findings]


def _threads(dispatch: Dispatch) -> int | None:
    """Of the grid, where teams share a simdgroup: those of teams alone. A thread without a team ends at once,
    and would be missed wherever the others meet.
    """
    return dispatch.teams * dispatch.lanes if dispatch.lanes < SIMD_LANES else None


def most_accesses(dispatch: Dispatch, sizes: Mapping[str, int]) -> int:
    """How many accesses a launch may make, and waits for 16 of them each, before it counts as endless."""
    of_a_thread = MOST_ACCESSES_A_THREAD + MOST_ACCESSES_A_ROUND * max(sizes.values(), default=0)
    return MOST_ACCESSES + of_a_thread * dispatch.groups * dispatch.threads


def _without_pointers(source: MetalSource, memory: Memory) -> bytes:
    pointers = sum(field.kind == "pointer" for field in source.compiled.record.fields)
    return bytes(params_of(source.compiled.record, memory))[8 * pointers :]


def _from_first(memory: Memory, name: str) -> Array | None:
    """A tensor's memory from its first element to its last, as a buffer bound at an offset."""
    item = memory.placed.get(name)
    if item is None:
        return None
    if 0 in item.shape:
        return item.memory[:0]
    last = sum((extent - 1) * step for extent, step in zip(item.shape, item.strides, strict=True))
    return item.memory[item.offset : item.offset + last + 1]


def _offsets(launch: LaunchRecord, memory: Memory) -> dict[int, int]:
    """How many bytes behind a place where any access may begin each buffer does."""
    placed = ((n, memory.placed.get(name)) for n, name in enumerate(launch.tensors))
    return {n: item.byte for n, item in placed if item is not None and item.byte}


def _scratch(
    item: ScratchRecord, dispatch: Dispatch, values: Mapping[str, int], kept: dict[str, Array]
) -> Array:
    if not dispatch.touches(item):
        return _NOTHING
    if item.name in kept:
        return kept[item.name]
    made = np.zeros(dispatch.elements(item, values), storage_dtype(item.type))
    if item.owner == "program":
        kept[item.name] = made
    return made


def unwritten(source: MetalSource, launch: LaunchRecord, kept: Mapping[str, Array]) -> set[int]:
    """Results hold nothing yet for the first launch, nor does scratch for the first that has it."""
    kernel, first = source.compiled.kernel, len(launch.tensors)
    results = set() if launch.number > 0 else {item.name for item in kernel.results} - kernel.zero_filled
    of_results = {n for n, name in enumerate(launch.tensors) if name in results}
    return of_results | {first + n for n, item in enumerate(launch.scratch) if item.name not in kept}

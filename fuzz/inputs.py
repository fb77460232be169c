"""Calls of a random program: sizes, values in several modes, and places in memory."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fuzz.program import Program
from fuzz.streams import MOST_STREAM_WORK, STREAM_CALLS, STREAM_EXTENTS
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import evaluate_size, keeps_requirements
from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.load import LoadedSpec
from kernel_ir.rounding import Array, encode, storage_dtype

AWKWARD = (0, 1, 2, 3, 4, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000)
SMALL = (1, 2, 3, 4, 5)
UNEVEN = (0, 1, 1, 1, 1, 2, 2, 3, 17, 33, 40, 48)  # for one long range among short ones, or an empty one
LONG_SHARE = 0.35  # of the sizes for which there is room for one of the longest extents
ONE_SHARE = 0.1  # of the sizes for which there is room for more than 1
EMPTY_SHARE = 0.08  # of the calls
# Each point around an inner loop may take a team of hundreds of lanes on the emulator, however short it is.
MOST_POINTS, MANY_SHARE = 130, 0.2  # and the share of the calls that may have more
MODES = {
    "whole": ("whole", "whole", "sparse", "special"),
    "real": ("normal", "wide", "cancelling", "sparse", "special"),
}
SEPARATE = ("padded", "spaced", "reversed", "swapped")  # of what each element has a place of its own
LAYOUTS = ("packed", "packed", "packed", *SEPARATE, "broadcast", "repeated")
WRITTEN = (*("packed",) * 5, *SEPARATE)  # for results and what is updated
PLAIN_SHARE = 0.5  # of the calls: packed results, and no shifts
SHIFTS = (*(0,) * 20, *range(1, 16))  # elements by which a tensor begins behind a place that suits any access
WIDEST = 16  # bytes of one access
GUARD = 64  # elements around each array that no kernel may touch


@dataclass(frozen=True, slots=True)
class Placed:
    """A tensor in memory: `memory` is flat storage, `offset` and `strides` count elements."""

    memory: Array
    offset: int
    strides: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """The strides that host code tells a kernel: 0 for a dimension of one element."""
        return tuple(
            0 if extent == 1 else step for extent, step in zip(self.shape, self.strides, strict=True)
        )

    @property
    def byte(self) -> int:
        """How many bytes, less than 16, the first element lies behind a place where any access may begin."""
        return self.offset * self.memory.itemsize % WIDEST

    def is_aligned(self, chunk: int) -> bool:
        """Whether every chunk of every row may move as one access, as host code asks it."""
        access = min(WIDEST, chunk * self.memory.itemsize)
        return self.byte % access == 0 and all(step % chunk == 0 for step in self.steps[:-1])

    def view(self, memory: Array | None = None) -> Array:
        """The tensor's elements, in its own memory or in a copy of it."""
        memory = self.memory if memory is None else memory
        steps = tuple(step * memory.itemsize for step in self.strides)
        return np.lib.stride_tricks.as_strided(memory[self.offset :], self.shape, steps)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: where each tensor lies (None: not passed), numbers, dtypes of type variables, sizes.

    `results`: the layout and the shift of results; those that are not there lie packed.
    """

    tensors: Mapping[str, Placed | None]
    numbers: Mapping[str, Any]
    types: Mapping[str, str]
    sizes: Mapping[str, int]
    mode: str
    results: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """As the interpreter takes them."""
        arrays = {name: None if item is None else item.view() for name, item in self.tensors.items()}
        return {**arrays, **self.numbers}


def make_calls(
    program: Program,
    loaded: LoadedSpec,
    kernel: ir.Kernel,
    count: int,
    extents: tuple[int, ...],
    most_work: int,
) -> Iterator[Call]:
    """Calls that the spec accepts, the same ones each time; fewer than `count` where few sizes suit."""
    for number in range(count):
        draw = random.Random(f"call {program.drawn_from} {number} {most_work}")
        sizes = _draw_sizes(draw, program, loaded, kernel, extents, most_work)
        if sizes is None:
            continue
        types = {name: draw.choice(choices).name for name, choices in kernel.types}
        mode = draw.choice(MODES[program.style])
        is_whole, is_plain = program.style == "whole", draw.random() < PLAIN_SHARE
        call = _Filler(draw, loaded, kernel, sizes, types, mode, is_whole, is_plain).call()
        if keeps_requirements(kernel, {**sizes, **call.numbers}):
            yield call


def make_stream_calls(program: Program, loaded: LoadedSpec, kernel: ir.Kernel) -> Iterator[Call]:
    """Calls of a stream (`fuzz/streams.py`), all but the first with tensors that lie packed."""
    made = make_calls(program, loaded, kernel, STREAM_CALLS, STREAM_EXTENTS, MOST_STREAM_WORK)
    for number, call in enumerate(made):
        yield call if number == 0 else replace(call, tensors=_packed(call), results={})


def _packed(call: Call) -> dict[str, Placed | None]:
    given = call.tensors.items()
    return {name: None if item is None else place(item.view().copy(), "packed") for name, item in given}


def _draw_sizes(
    draw: random.Random,
    program: Program,
    loaded: LoadedSpec,
    kernel: ir.Kernel,
    extents: tuple[int, ...],
    most_work: int,
) -> dict[str, int] | None:
    """Small sizes, of which one after another becomes any extent that the work then left allows.

    So one is long where there is room for it, and the others are short but seldom 1 or 0: a loop or two are
    empty in a call of ten, and in those that are too large otherwise.
    """
    most_points = most_work if draw.random() < MANY_SHARE else MOST_POINTS

    def suits(sizes: Mapping[str, int]) -> bool:
        return (
            _has_room(loaded, kernel, sizes)
            and all(_holds(item, sizes) for item in kernel.requires)
            and work_of(program, sizes) <= most_work
            and _points(program, sizes) <= most_points
            and _elements(kernel, sizes) <= 4 * most_work
        )

    sizes = next(filter(suits, _small_sizes(draw, kernel, extents)), None)
    if sizes is None:
        return None
    for name in draw.sample(kernel.sizes, len(kernel.sizes)):
        if sizes[name] > 0:
            possible = [extent for extent in extents if extent > 0 and suits({**sizes, name: extent})]
            sizes[name] = _choose(draw, possible, max(extents))
    if draw.random() < EMPTY_SHARE and 0 in extents:
        fewer = [{**sizes, name: 0} for name in draw.sample(kernel.sizes, len(kernel.sizes))]
        sizes = next(filter(suits, fewer), sizes)
    return sizes


def _choose(draw: random.Random, possible: Sequence[int], longest: int) -> int:
    """One of the extents that suit: now and then one of the longest, and seldom 1."""
    long = [extent for extent in possible if extent > longest // 4]
    if long and draw.random() < LONG_SHARE:
        return draw.choice((max(long), *long))
    more = [extent for extent in possible if extent > 1]
    return draw.choice(more if more and draw.random() >= ONE_SHARE else possible)


def _small_sizes(
    draw: random.Random, kernel: ir.Kernel, extents: tuple[int, ...]
) -> Iterator[dict[str, int]]:
    """Sizes to begin with, the smaller the longer nothing suits."""
    for limit in draw.choice(((4, 3, 2, 1, 0), (2, 1, 0))):
        small = [extent for extent in extents if min(2, limit) <= extent <= limit] or [min(extents)]
        yield from ({name: draw.choice(small) for name in kernel.sizes} for _ in range(12))


def _holds(condition: ir.Expr, sizes: Mapping[str, int]) -> bool:
    """Whether sizes keep a requirement, or leave it to the scalars."""
    return evaluate_size(condition, sizes) != 0


def _has_room(loaded: LoadedSpec, kernel: ir.Kernel, sizes: Mapping[str, int]) -> bool:
    """Whether indices that are trusted can be in range."""
    for name, policy in loaded.spec.in_range.items():
        item = kernel.tensors().get(name)
        filled = loaded.spec.arguments[name].values
        if policy == "trust" and item is not None and filled is not None and filled.uniform is not None:
            is_empty = sizes.get(str(filled.uniform[1]), 0) == 0
            if is_empty and math.prod(shape_of(item, sizes)) > 0:
                return False
    return True


def work_of(program: Program, sizes: Mapping[str, int]) -> int:
    """Iterations of all loops: an upper bound. Of searches through nothing there are as many as of others."""
    return max(_iterations(program.paths, sizes), _iterations(program.rounds, sizes))


def _iterations(paths: Iterable[tuple[str, ...]], sizes: Mapping[str, int]) -> int:
    return sum(math.prod(sizes.get(name, 1) for name in path) for path in paths)


def _points(program: Program, sizes: Mapping[str, int]) -> int:
    """The most iterations of loops around another one."""
    return max((math.prod(sizes.get(name, 1) for name in path[:-1]) for path in program.paths), default=0)


def _elements(kernel: ir.Kernel, sizes: Mapping[str, int]) -> int:
    return sum(math.prod(shape_of(item, sizes)) for item in kernel.tensors().values())


def shape_of(item: ir.TensorType, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape that a kernel sees."""
    shape = tuple(evaluate_size(extent, sizes) for extent in item.shape)
    return tuple(extent for extent in shape if extent is not None)


@dataclass(slots=True)
class _Filler:
    """Draws the arguments of one call."""

    draw: random.Random
    loaded: LoadedSpec
    kernel: ir.Kernel
    sizes: Mapping[str, int]
    types: Mapping[str, str]
    mode: str
    is_whole: bool
    is_plain: bool  # what is written lies packed, and everything where any access may begin

    def call(self) -> Call:
        arguments = self.kernel.arguments
        tensors = {item.name: self._tensor(item) for item in arguments if isinstance(item, ir.TensorType)}
        numbers = {item.name: self._number(item) for item in arguments if isinstance(item, ir.ScalarType)}
        given = {item.name: self.sizes[item.name] for item in arguments if isinstance(item, ir.SizeType)}
        numbers = {name: value for name, value in numbers.items() if value is not None}
        results = {} if self.is_plain else self._results()
        return Call(tensors, numbers | given, self.types, self.sizes, self.mode, results)

    def _results(self) -> dict[str, tuple[str, int]]:
        return {item.name: draw_layout(self.draw, WRITTEN) for item in self.kernel.results}

    def _number(self, item: ir.ScalarType) -> Any:
        """A value, or None to leave the default."""
        if item.default is not None and self.draw.random() < 0.3:
            return None
        match item.dtype.name:
            case "f32":
                return self.draw.choice(_WHOLE_NUMBERS if self.is_whole else _REAL_NUMBERS)
            case "bool":
                return self.draw.random() < 0.5
            case "u32":
                return self.draw.choice((0, 1, 9, 2**32 - 1))
            case "i64":
                return self.draw.choice((0, 1, -5, 2**40 + 3))
            case _:
                return self.draw.choice((-2, 0, 1, 2, 3, 40))

    def _tensor(self, item: ir.TensorType) -> Placed | None:
        if item.is_optional and self.draw.random() < 0.5:
            return None
        dtype = DTYPES[self.types.get(item.dtype, item.dtype)]
        shape = shape_of(item, self.sizes)
        rng = np.random.default_rng(self.draw.getrandbits(64))
        values = self._values(rng, item, dtype, shape)
        layouts = LAYOUTS if item.role == "input" and self._is_free(item) else WRITTEN
        layout, shift = draw_layout(self.draw, layouts)
        if self.is_plain:
            layout, shift = layout if layouts is LAYOUTS else "packed", 0
        return place(np.asarray(encode(values, dtype)), layout, shift)

    def _is_free(self, item: ir.TensorType) -> bool:
        """Whether any element may stand in for any other."""
        return item.name not in self.loaded.spec.unique

    def _values(
        self, rng: np.random.Generator, item: ir.TensorType, dtype: DType, shape: tuple[int, ...]
    ) -> Array:
        filled = self.loaded.spec.arguments[item.name].values
        if dtype.is_float:
            return _FLOATS[self.mode](rng, shape)
        if dtype.kind == "bool":
            return rng.integers(0, 2, shape)
        if filled is None:
            return _integers(rng, dtype, shape)
        if filled.uniform is not None:
            end = self.sizes.get(str(filled.uniform[1]), 0)
            is_trusted = self.loaded.spec.in_range.get(item.name) == "trust"
            return rng.integers(0, max(end, 1), shape) if is_trusted else rng.integers(-2, end + 2, shape)
        if filled.distinct is not None:
            end = self.sizes.get(str(filled.distinct[1]), 0)
            drawn = rng.permutation(np.arange(-2, max(end, math.prod(shape)) + 1))
            return drawn[: math.prod(shape)].reshape(shape)
        total = self.sizes.get(str(filled.offsets), 0)
        starts = rng.integers(-1, total + 2, shape)
        may_leave = self.loaded.spec.in_range.get(item.name) == "nan"  # which then shows in the results
        return starts if rng.random() < (0.6 if may_leave else 0.2) else np.clip(np.sort(starts), 0, total)


_WHOLE_NUMBERS = (1.0, -2.0, 3.0, 1.0, -2.0, 3.0, 8.0, -7.0, 0.0, -0.0)
_REAL_NUMBERS = (0.37, -1.5, 2.0, 0.37, -1.5, 2.0, 7.9375, -8.0, 1.0e-3, -0.0)


def _whole(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.integers(-8, 9, shape).astype(np.float64)


def _sparse(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.where(rng.random(shape) < 0.1, _whole(rng, shape), 0.0)


def _special(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    spots = rng.random(shape) < rng.choice((0.02, 0.3))
    return np.where(spots, rng.choice([np.nan, np.inf, -np.inf, -0.0], shape), _whole(rng, shape))


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.normal(size=shape)


def _wide(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.normal(size=shape) * 10.0 ** rng.uniform(-4, 3.5, shape)


def _cancelling(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers of either sign and nearly one size, so that sums lose most of their digits."""
    return rng.choice([-1000.0, 1000.0], shape) + rng.normal(size=shape)


_FLOATS = {
    "whole": _whole, "sparse": _sparse, "special": _special, "normal": _normal, "wide": _wide,
    "cancelling": _cancelling,
}  # fmt: skip


def _integers(rng: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> Array:
    """Small ones for the most part, and sometimes any that the dtype holds, its ends among them."""
    low, high = int(dtype.lowest), int(dtype.highest)
    if rng.random() < 0.3:
        found = rng.integers(low, high, shape, dtype=np.int64, endpoint=True)
        ends = rng.choice([low, high], shape)
        return np.where((rng.random(shape) < 0.1) & (dtype.bytes < 8), ends, found)  # no range ends at 2^63
    return rng.integers(max(low, -4), 12, shape)


# ---- layouts -----------------------------------------------------------------------------------


def draw_layout(draw: random.Random, layouts: Sequence[str]) -> tuple[str, int]:
    """A layout, and by how many elements the tensor is shifted."""
    return draw.choice(layouts), draw.choice(SHIFTS)


def place(values: Array, layout: str, shift: int = 0) -> Placed:
    """Storage values in memory of their own. Where a layout does not suit the shape, they lie packed.

    `padded`: rows apart from each other. `spaced`: apart by a multiple of 16 elements. `broadcast`: the first
    row again and again (other values than were given); `repeated`: so for the dimension before the last.
    `reversed`: rows from the last to the first. `swapped`: the two outer dimensions exchanged. The last
    dimension lies together always, since host code copies what does not. `shift`: how many elements lie
    between a place that suits any access and the tensor's memory.
    """
    if values.ndim < 2 + (layout in ("swapped", "repeated")) or values.size == 0:
        layout = "packed"
    match layout:
        case "broadcast" | "repeated":
            axis = 0 if layout == "broadcast" else values.ndim - 2
            packed = place(np.take(values, [0], axis), "packed", shift)
            strides = tuple(0 if n == axis else step for n, step in enumerate(packed.strides))
            return replace(packed, strides=strides, shape=values.shape)
        case "padded" | "spaced":
            before, behind = (2, 1) if layout == "padded" else (0, 16 + -values.shape[-1] % 16)
            apart = np.pad(values, (*((0, 0),) * (values.ndim - 1), (before, behind)))
            packed = place(apart, "packed", shift)
            return replace(packed, offset=packed.offset + before, shape=values.shape)
        case "reversed":
            packed = place(values[::-1].copy(), "packed", shift)
            step = packed.strides[0]
            last = packed.offset + (values.shape[0] - 1) * step
            return replace(packed, offset=last, strides=(-step, *packed.strides[1:]))
        case "swapped":
            packed = place(np.swapaxes(values, 0, 1).copy(), "packed", shift)
            strides = (packed.strides[1], packed.strides[0], *packed.strides[2:])
            return replace(packed, strides=strides, shape=values.shape)
    memory = np.zeros(values.size + 2 * GUARD + shift, values.dtype)
    memory[GUARD + shift : GUARD + shift + values.size] = values.ravel()
    strides = tuple(math.prod(values.shape[axis + 1 :]) for axis in range(values.ndim))
    return Placed(memory, GUARD + shift, strides, values.shape)


def blank(
    dtype: DType, shape: tuple[int, ...], is_zero: bool, layout: str = "packed", shift: int = 0
) -> Placed:
    """Memory for a result: zeros where the kernel counts on them, else what nobody should read."""
    made = place(np.zeros(shape, storage_dtype(dtype)), layout, shift)
    if not is_zero:
        made.memory.view(np.uint8)[...] = 0xA5
    return made

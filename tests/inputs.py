"""Small and odd calls of any spec: sizes that its conditions allow, and arguments drawn for them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from draw_arguments import draw_arguments

from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import bind_arguments, evaluate_size, keeps_requirements
from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.load import LoadedSpec
from kernel_ir.rounding import Array, decode, encode
from kernel_ir.shape_types import parse_size

Sizes = dict[str, Any]

SMALL = (1, 2, 3, 4, 5, 6, 8, 9)
_SPOILT_SHARE = 0.2
_MOST_WORK = 120  # product of all sizes of a small call


@dataclass(frozen=True)
class Call:
    """Arguments for one call, and the dtype's name of each type variable."""

    arguments: Mapping[str, Any]
    types: Mapping[str, str]
    sizes: Mapping[str, Any]


def small_calls(
    loaded: LoadedSpec,
    kernel: ir.Kernel,
    count: int,
    seed: int = 0,
    pool: Sequence[int] = SMALL,
    most_work: int = _MOST_WORK,
) -> Iterator[Call]:
    """Calls of a few elements; dtypes and optional arguments take turns.

    Every other call is spoilt, and every third has a dimension of length 0 where the spec accepts one.
    """
    combinations = itertools.cycle(type_choices(kernel))
    for number, types in zip(range(count), combinations, strict=False):
        empty = kernel.sizes[number % len(kernel.sizes)] if number % 3 == 2 else ""
        sizes = _sizes(loaded, kernel, pool, seed + number, most_work, empty)
        turn = number // len(type_choices(kernel)) + number
        absent = {item.name: None for item in _optional(kernel)} if turn % 2 else {}
        call = Call(draw_arguments(loaded, {**sizes, **absent}, types, seed + number), types, sizes)
        yield spoilt(loaded, call, seed + number) if number % 2 else call


def _sizes(
    loaded: LoadedSpec, kernel: ir.Kernel, pool: Sequence[int], seed: int, most_work: int, empty: str
) -> Sizes:
    """Allowed sizes; that of `empty` is 0 where that is allowed."""
    if empty and "trust" not in loaded.spec.in_range.values():
        try:
            sizes = allowed_sizes(loaded, kernel, pool, seed, {empty: 0}, most_work, tries=200)
            types = type_choices(kernel)[0]
            bind_arguments(kernel, draw_arguments(loaded, sizes, types), types)
        except (LookupError, ValueError):  # refused: no such sizes, or another does not follow from them
            pass
        else:
            return sizes
    return allowed_sizes(loaded, kernel, pool, seed, most_work=most_work)


def spoilt(loaded: LoadedSpec, call: Call, seed: int) -> Call:
    """The call with some floats NaN, infinite or -0.0, and some indices out of range (trusted ones stay)."""
    rng = np.random.default_rng(seed)
    arguments = dict(call.arguments)
    for item in loaded.arguments():
        if not isinstance(item, ir.TensorType) or arguments.get(item.name) is None:
            continue
        dtype = DTYPES[call.types.get(item.dtype, item.dtype)]
        if loaded.spec.in_range.get(item.name) != "trust":
            arguments[item.name] = spoil(rng, arguments[item.name], dtype)
    return Call(arguments, call.types, call.sizes)


def spoil(rng: np.random.Generator, storage: Array, dtype: DType) -> Array:
    """A storage array with some of its values made hostile: not finite, tiny, or out of range."""
    values = decode(storage, dtype)
    spots = rng.random(values.shape) < _SPOILT_SHARE
    return encode(np.where(spots, _hostile(rng, values, dtype), values), dtype)


def _hostile(rng: np.random.Generator, values: Array, dtype: DType) -> Array:
    """Hostile values in the shape of `values`; integers are all different, so that unique ones stay so."""
    if dtype.is_float:
        return rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-40], values.shape)
    places = np.arange(values.size).reshape(values.shape)
    return (
        values
        if dtype.kind == "bool"
        else np.where(places % 2, -1 - places, values.max(initial=0) + 1 + places)
    )


def type_choices(kernel: ir.Kernel) -> list[dict[str, str]]:
    """Every way to bind the type variables."""
    names = [name for name, _ in kernel.types]
    found = itertools.product(*(choices for _, choices in kernel.types))
    return [dict(zip(names, (dtype.name for dtype in chosen), strict=True)) for chosen in found]


def allowed_sizes(
    loaded: LoadedSpec,
    kernel: ir.Kernel,
    pool: Sequence[int],
    seed: int,
    fixed: Mapping[str, int] | None = None,
    most_work: float = math.inf,
    tries: int = 5000,
) -> Sizes:
    """Random sizes from `pool` that the spec accepts, with scalars from its examples.

    `fixed` ones stay; the product of all is at most `most_work`. Raises LookupError where none are found.
    """
    rng = np.random.default_rng(seed)
    examples = loaded.spec.examples or ({},)
    example = examples[seed % len(examples)]
    scalars = {name: value for name, value in example.items() if name not in kernel.sizes}
    for _ in range(tries):
        sizes = {name: int(rng.choice(pool)) for name in kernel.sizes} | dict(fixed or {})
        if math.prod(sizes.values()) <= most_work and _accepts(loaded, kernel, {**scalars, **sizes}):
            return {**scalars, **sizes}
    raise LookupError(f"no sizes out of {pool} suit {kernel.name}")


def _accepts(loaded: LoadedSpec, kernel: ir.Kernel, known: Sizes) -> bool:
    tensors = [item for item in loaded.arguments() if isinstance(item, ir.TensorType)]
    return keeps_requirements(kernel, known) and all(_has_room(loaded, item, known) for item in tensors)


def _has_room(loaded: LoadedSpec, item: ir.TensorType, known: Sizes) -> bool:
    """Whether the values a tensor is filled with can be drawn: as many distinct ones as elements."""
    values = loaded.spec.arguments[item.name].values
    if values is None or values.distinct is None:
        return True
    first, end = (evaluate_size(parse_size(str(bound)), known) for bound in values.distinct)
    elements = int(np.prod([evaluate_size(extent, known) for extent in item.shape]))
    return first is not None and end is not None and elements <= end - first


def _optional(kernel: ir.Kernel) -> list[ir.TensorType]:
    return [item for item in kernel.arguments if isinstance(item, ir.TensorType) and item.is_optional]

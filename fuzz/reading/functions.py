"""What a body calls: reductions, rows, functions of numbers, casts."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from fuzz.reading.arrays import Row, Terms
from fuzz.reading.values import BITS, Integer, cast, end_of, joined, made, real, real_literal, type_of, zero
from kernel_ir.dtypes import DTYPES
from kernel_ir.rounding import round_to


def _extreme(of_floats: Callable[[Any, Any], Any], of_integers: Callable[[int, int], int], start: str) -> Any:
    """`min` or `max`: of two and more values, or of terms, which begin with the `start` of their type."""

    def two(a: Any, b: Any) -> Any:
        if isinstance(a, Integer) and isinstance(b, Integer):
            return made(of_integers(a.value, b.value), joined(a.type, b.type), a, b)
        return np.float64(of_floats(real(a), real(b)))

    def apply(*values: Any) -> Any:
        if isinstance(values[0], Terms):
            values = (end_of(values[0].kind(), start), *values[0].values())
        *_, last = accumulate(values, two)
        return last

    return apply


def _sum(terms: Terms) -> Any:
    total = zero(type_of(terms.kind()))
    for item in terms.values():
        total = total + item
    return total


def _rank(value: Any) -> tuple[bool, Any]:
    """The order of choices: NaN above every number."""
    if isinstance(value, Integer):
        return False, value.value
    return (True, 0.0) if math.isnan(value) else (False, value)


def _choice(first: Callable[..., Any]) -> Callable[[Terms], Integer]:
    """`argmin` or `argmax`: where the `first` of the least or greatest stands; -1 over nothing."""
    return lambda terms: Integer(
        first(terms.used(), key=lambda term: _rank(term[1]), default=(-1, None))[0], "i64"
    )


def _topk(terms: Terms, count: Integer) -> tuple[Row, Row]:
    kind = terms.kind()
    order = sorted(terms.used(), key=lambda term: _rank(term[1]), reverse=True)[: count.value]
    missing = max(0, count.value - len(order))
    values = [item if isinstance(item, Integer) else item + 0.0 for _, item in order]  # 0 for either zero
    values += [end_of(kind, "lowest")] * missing
    indices = [Integer(index, "i64") for index in [*(index for index, _ in order), *[-1] * missing]]
    return Row(0, values, kind, terms.sketch), Row(0, indices, Integer(0, "i64"), terms.sketch)


def _softmax(terms: Terms) -> Row:
    items = [item for _, item in terms]
    peak = np.max([-np.inf, *(item for item in items if item is not None)])
    weights = [0.0 if item is None or peak == -np.inf else np.exp(item - peak) for item in items]
    total = np.sum(weights) if peak > -np.inf or np.isnan(peak) else 1.0
    used = [item is not None for item in items]
    shares = [weight / total if is_used else 0.0 for weight, is_used in zip(weights, used, strict=True)]
    return terms.row([np.float64(share) for share in shares], np.float64(0.0))


def _cumsum(terms: Terms) -> Row:
    total = zero(type_of(kind := terms.kind()))
    sums = [total := total if item is None else total + item for _, item in terms]
    return terms.row(sums, kind)


def _each(terms: Terms) -> Row:
    return terms.row([item for _, item in terms], terms.kind())


def _of_float(of: Callable[[Any], Any]) -> Callable[[Any], np.float64]:
    return lambda value: np.float64(of(real(value)))


_OF_NUMPY = ("exp", "exp2", "log", "log2", "sqrt", "sin", "cos", "tanh", "floor", "ceil", "trunc")


def _rounds_to(dtype: str) -> Callable[[Any], Any]:
    return lambda value: round_to(value, DTYPES[dtype])


FUNCTIONS: dict[str, Any] = {
    **{name: _of_float(getattr(np, name)) for name in _OF_NUMPY},
    "round": _of_float(np.rint), "erf": _of_float(math.erf), "rsqrt": _of_float(lambda x: 1.0 / np.sqrt(x)),
    "isnan": lambda x: bool(np.isnan(real(x))), "isinf": lambda x: bool(np.isinf(real(x))), "abs": abs,
    "f32": real, **{name: cast(name) for name in BITS},
    **{name: _of_float(_rounds_to(name)) for name in ("f16", "bf16", "f8e4m3")},
    "bits_to_f32": lambda x: np.float64(np.uint32(x.value).view(np.float32)),
    "f32_to_bits": lambda x: Integer(int(np.float32(x).view(np.uint32)), "u32"),
    "inf": np.float64(np.inf), "nan": np.float64(np.nan), "pi": real_literal(math.pi),
    "sum": _sum, "max": _extreme(np.maximum, max, "lowest"), "min": _extreme(np.minimum, min, "highest"),
    "argmax": _choice(max), "argmin": _choice(min),
    "any": lambda terms: any(terms.values()), "all": lambda terms: all(terms.values()),
    "count": lambda terms: Integer(sum(map(bool, terms.values())), "i64"),
    "softmax": _softmax, "cumsum": _cumsum, "topk": _topk, "_each": _each,
    "given": lambda tensor: tensor.entry is not None,
    "_integer": Integer, "_real": real_literal,
    "_divide": lambda a, b: real(a) / real(b), "_power": lambda a, b: real(a) ** real(b),
}  # fmt: skip

"""Reductions and row operations over the first axis of an array, for the grid interpreter.

NaN, ties and empty ranges as `kernel_ir/nodes.py` states them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernel_ir.dtypes import DType
from kernel_ir.error_bound import Bound, of_cumsum, of_softmax, of_sum
from kernel_ir.nodes import ReduceKind, RowKind
from kernel_ir.rounding import Array


@dataclass(frozen=True, slots=True)
class Terms:
    """Values on the first axis, one lane a place on the others.

    `used` marks the values that take part, `index` is the loop variable (broadcastable), `lost`
    marks used values that come from a lost index (None where there is none), `bound` is the error
    bound of each used value and 0 elsewhere (None where all are exact).
    """

    data: Array
    used: Array
    index: Array
    lost: Array | None = None
    bound: Bound = None

    def lost_in_top(self, count: int) -> Array | None:
        lost = self.any_lost()
        return None if lost is None else np.broadcast_to(lost, (count, *lost.shape))

    def bound_in_top(self, count: int) -> Bound:
        bound = self.greatest_bound()
        return None if bound is None else np.broadcast_to(bound, (count, *bound.shape))

    def greatest_bound(self) -> Bound:
        return None if self.bound is None else np.asarray(self.bound.max(axis=0, initial=0.0))

    def any_lost(self) -> Array | None:
        return None if self.lost is None else np.asarray(self.lost.any(axis=0))

    def any_lost_throughout(self) -> Array | None:
        lost = self.any_lost()
        return None if lost is None else np.broadcast_to(lost, self.data.shape)

    def lost_so_far(self) -> Array | None:
        return None if self.lost is None else np.logical_or.accumulate(self.lost, axis=0)


_SMALLEST, _GREATEST = "lowest", "highest"

# kind -> the numpy reduction and the value that stands for a term that takes no part
_REDUCTIONS: dict[str, tuple[Any, Any]] = {
    "sum": (np.add, 0),
    "max": (np.maximum, _SMALLEST),
    "min": (np.minimum, _GREATEST),
    "any": (np.logical_or, False),
    "all": (np.logical_and, True),
}


def reduce_terms(kind: ReduceKind, terms: Terms, dtype: DType) -> Array:
    """The reduction of the used values in each lane; `max` and `min` propagate NaN."""
    if kind == "count":
        return np.asarray(np.count_nonzero(terms.data.astype(bool) & terms.used, axis=0))
    ufunc, neutral = _REDUCTIONS[kind]
    start = terms.data.dtype.type(_end_of(dtype, neutral) if isinstance(neutral, str) else neutral)
    masked = np.where(terms.used, terms.data, start)
    return np.asarray(ufunc.reduce(masked, axis=0, dtype=masked.dtype, initial=start))


def arg_extreme(terms: Terms, is_max: bool) -> Array:
    """The lowest index of the greatest (least) used value, NaN above every number; -1 if none."""
    is_nan = _is_nan(terms.data) & terms.used
    numbers = terms.used & ~is_nan
    bound = _end_of_kept(terms.data.dtype, _SMALLEST if is_max else _GREATEST)
    ufunc = np.maximum if is_max else np.minimum
    extreme = ufunc.reduce(np.where(numbers, terms.data, bound), axis=0, initial=bound)
    best = numbers & (terms.data == extreme)
    beats = is_nan.any(axis=0) if is_max else ~numbers.any(axis=0)
    chosen = np.where(beats, is_nan, best)
    if chosen.shape[0] == 0:
        return np.full(chosen.shape[1:], -1, np.int64)
    first = np.argmax(chosen, axis=0)
    index = np.take_along_axis(np.broadcast_to(terms.index, chosen.shape), first[None], axis=0)[0]
    return np.where(chosen.any(axis=0), index, -1)


def softmax(terms: Terms) -> Array:
    """Terms of -inf weigh nothing; where every term does, all are 0, as in an empty row."""
    masked = np.where(terms.used, terms.data, -np.inf)
    greatest = masked.max(axis=0, initial=-np.inf)
    weights = np.where(masked == -np.inf, 0.0, np.exp(masked - greatest))
    total = weights.sum(axis=0)
    shares = np.where(greatest == -np.inf, 0.0, weights / total)
    return np.where(terms.used, shares, 0.0)


def cumsum(terms: Terms) -> Array:
    """Inclusive running sums; an unused term adds nothing."""
    masked = _masked_by_zero(terms)
    return np.asarray(np.cumsum(masked, axis=0, dtype=masked.dtype) + masked.dtype.type(0))  # never -0


def top(terms: Terms, count: int, dtype: DType) -> tuple[Array, Array]:
    """The `count` greatest values, descending, ties to the lowest index, and their indices."""
    is_nan = _is_nan(terms.data)
    descending = np.where(is_nan, 0.0, -terms.data) if dtype.is_float else ~terms.data
    keys = (descending, ~is_nan, ~terms.used)  # np.lexsort sorts by the last key first
    order = np.lexsort(tuple(np.moveaxis(key, 0, -1) for key in keys))
    order = np.moveaxis(order, -1, 0)[:count]
    used = np.take_along_axis(terms.used, order, axis=0)
    values = np.take_along_axis(terms.data, order, axis=0) + terms.data.dtype.type(0)  # -0 comes back as 0
    index = np.take_along_axis(np.broadcast_to(terms.index, terms.data.shape), order, axis=0)
    values = np.where(used, values, _end_of(dtype, _SMALLEST))
    padding = [(0, count - len(order))] + [(0, 0)] * (order.ndim - 1)
    filled = np.pad(values, padding, constant_values=_end_of(dtype, _SMALLEST))
    return filled, np.pad(np.where(used, index, -1), padding, constant_values=-1)


def bound_of_reduction(kind: ReduceKind, terms: Terms) -> Bound:
    """The error bound of a reduction: rounding gathers in a sum, and passes through a max or min."""
    if kind == "sum":
        return of_sum(_masked_by_zero(terms), terms.bound)
    return terms.greatest_bound() if kind in ("max", "min") else None


def bound_of_row(kind: RowKind, terms: Terms, values: Array) -> Bound:
    """The error bound of each element of a row of `values`."""
    match kind:
        case "softmax":
            return of_softmax(values, terms.bound)
        case "cumsum":
            return of_cumsum(_masked_by_zero(terms), terms.bound)
        case _:
            return terms.bound


def _masked_by_zero(terms: Terms) -> Array:
    return np.where(terms.used, terms.data, terms.data.dtype.type(0))


def _end_of(dtype: DType, end: str) -> Any:
    if dtype.is_float:
        return -np.inf if end == _SMALLEST else np.inf
    return getattr(dtype, end)


def _end_of_kept(kept: np.dtype, end: str) -> Any:
    if kept.kind == "f":
        return -np.inf if end == _SMALLEST else np.inf
    info = np.iinfo(kept)
    return kept.type(info.min if end == _SMALLEST else info.max)


def _is_nan(data: Array) -> Array:
    return np.isnan(data) if data.dtype.kind == "f" else np.zeros(data.shape, bool)

"""How far f32 arithmetic may land from the exact value: the bounds that numeric checks derive from.

A bound is absolute, float64, one for each value; None stands for exact. It is carried through a
computation: an operation moves by as much as its value moves when its operands move by their
bounds, and adds its own rounding, of one unit in the last place. A sum of n terms is taken to round
1 + log2 n times. A condition is taken to be decided: a comparison that rounding could turn, and an
index that follows from it, carry no bound. A zero whose sign hangs on what was rounded, as that of
a difference of nearly equal numbers times 0, has the bound `OPEN_SIGN`, and may be 0 or -0.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from kernel_ir.dtypes import F32, DType
from kernel_ir.ops import Op
from kernel_ir.rounding import Array, round_to, ulp

Bound: TypeAlias = "Array | None"

OPEN_SIGN = 2.0**-140  # more than what functions of exact operands may be off at 0
_ROUNDING = 2.0**-23  # of one operation, relative: one unit in the last place at worst
_SMALLEST = 2.0**-149
_EXACT_INTEGERS = 2.0**24


def of_operation(op: Op, operands: list[tuple[Array, Bound]], result: Array) -> Bound:
    """The bound of `op` applied to operands with bounds; bool results carry none."""
    if result.dtype.kind == "b":
        return None
    moved = _greatest_move(op, operands, result)
    if result.dtype.kind != "f":
        return moved
    rounding = np.where(np.isfinite(result), np.abs(result) * _ROUNDING + _SMALLEST, 0.0)
    is_settled = np.asarray(True) if moved is None else moved == 0
    if op.rule in ("arithmetic", "cast"):  # correctly rounded everywhere, so exact where f32 holds the result
        rounding = np.where(is_settled & (round_to(result, F32) == result), 0.0, rounding)
    if moved is None:
        return rounding
    return np.where(_has_open_sign(op, operands, result), np.maximum(moved, OPEN_SIGN), moved + rounding)


def of_sum(terms: Array, bounds: Bound) -> Bound:
    """The bound of a sum over the first axis, for any order of terms; integers are exact."""
    if terms.dtype.kind != "f" or len(terms) == 0:
        return None if bounds is None else bounds.sum(axis=0)
    total = np.abs(terms).sum(axis=0)
    is_exact = (terms == np.rint(terms)).all(axis=0) & (total <= _EXACT_INTEGERS)
    rounding = np.where(is_exact | ~np.isfinite(total), 0.0, total * _per_term(len(terms)))
    return rounding if bounds is None else rounding + bounds.sum(axis=0)


def of_cumsum(terms: Array, bounds: Bound) -> Bound:
    """The bound of running sums along the first axis; integers are exact."""
    if terms.dtype.kind != "f" or len(terms) == 0:
        return None if bounds is None else np.cumsum(bounds, axis=0)
    total = np.cumsum(np.abs(terms), axis=0)
    is_whole = np.logical_and.accumulate(terms == np.rint(terms), axis=0)
    is_exact = is_whole & (total <= _EXACT_INTEGERS)
    rounding = np.where(is_exact | ~np.isfinite(total), 0.0, total * _per_term(len(terms)))
    return rounding if bounds is None else rounding + np.cumsum(bounds, axis=0)


def of_softmax(shares: Array, bounds: Bound) -> Bound:
    """The bound of softmax shares along the first axis, given the bounds of the exponents."""
    rounding = shares * (4 * _ROUNDING + _per_term(max(1, len(shares))))
    if bounds is None:
        return rounding
    common = np.where(shares > 0, shares * bounds, 0.0).sum(axis=0)
    return np.asarray(rounding + shares * np.expm1(bounds + common))


def of_stored(values: Array, bounds: Array, dtype: DType) -> Array:
    """The bound of values read back from storage: what is not exact may round to the next value."""
    return np.where(bounds > 0, bounds + ulp(values, dtype), 0.0)


def _greatest_move(op: Op, operands: list[tuple[Array, Bound]], result: Array) -> Bound:
    if all(bound is None for _, bound in operands):
        return None
    greatest: Any = 0.0
    for value in _corners(op, operands):
        greatest = np.fmax(greatest, np.abs(value.astype(np.float64) - result.astype(np.float64)))
    return np.asarray(np.nan_to_num(greatest, nan=0.0, posinf=np.inf))


def _has_open_sign(op: Op, operands: list[tuple[Array, Bound]], result: Array) -> Array:
    """Where the result is 0, and one of the other sign if operands move by their bounds."""
    is_open, is_zero = np.zeros(result.shape, bool), result == 0
    far = [
        (data, None if bound is None else np.where(bound < OPEN_SIGN, 0.0, bound)) for data, bound in operands
    ]
    if is_zero.any() and any(bound is not None and bound.any() for _, bound in far):
        for value in _corners(op, far):
            is_open = is_open | (is_zero & ~np.isnan(value) & (np.signbit(value) != np.signbit(result)))
    return is_open


def _corners(op: Op, operands: list[tuple[Array, Bound]]) -> Iterator[Array]:
    """The results where each operand that has a bound is moved by it, up or down."""
    moves = [(None,) if bound is None else (-bound, bound) for _, bound in operands]
    for corner in product(*moves):
        shifted = [_shift(data, move) for (data, _), move in zip(operands, corner, strict=True)]
        yield np.asarray(op.meaning(np, *shifted))


def _shift(data: Array, move: Bound) -> Array:
    if move is None:
        return data
    if data.dtype.kind == "f":
        is_sign = (data == 0) & (np.abs(move) == OPEN_SIGN)
        moved = np.where(is_sign, np.copysign(0.0, move), data + move)
        return np.where(move == 0, data, moved)  # so that -0 stays
    limits = np.iinfo(data.dtype)
    return np.asarray(np.clip(data + np.rint(move), limits.min, limits.max).astype(data.dtype))


def _per_term(count: int) -> float:
    return _ROUNDING * (1 + float(np.log2(count)))

"""Ranges from data that lead out of a tensor, cut down to what can be told apart.

before:  `p = softmax((k[j] if 0 <= j and j < n else nan) for j in range(a, b))`
after:   the same over a range that has, of the indices below 0 and of those from n on, one each at most

One NaN among its scores makes all shares of a softmax NaN, so that one index outside of the tensor tells as
much as all. However wrong the data, a range then takes no longer than the tensor has elements. An empty
range stays empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from codegen.build_ir import ONE, ZERO, compare, is_sizes_only, op, select
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, F32, I64

# Float functions that give NaN wherever an operand is NaN.
_STRICT = frozenset(
    "add subtract multiply divide negate abs exp exp2 log log2 sqrt rsqrt sin cos tanh erf".split()
)
_LAST_BELOW = ir.Const(-1, I64)
_EVERYTHING = ir.Const(2**62, I64)  # past any index

Names = Mapping[str, ir.Expr]


def extent_of_numbers(row: ir.Row, end: ir.Expr) -> ir.Expr | None:
    """An extent such that a row's value is NaN for every index outside of it; None where there is none, or
    no need: a range that ends where sizes say is short.
    """
    if row.where is not None or is_sizes_only(end):
        return None
    return next(_extents(row.value, row.var, {}), None)


def first_of(first: ir.Expr, end: ir.Expr) -> ir.Expr:
    """Where a range starts that leaves out all but the last of its indices below 0."""
    return op("maximum", first, op("minimum", _LAST_BELOW, op("subtract", end, ONE)))


def end_of(first: ir.Expr, end: ir.Expr, extent: ir.Expr) -> ir.Expr:
    """Where a range ends that leaves out all but the first of its indices from `extent` on."""
    return op("minimum", end, op("add", op("maximum", extent, first), ONE))


def _extents(expr: ir.Expr, var: str, names: Names) -> Iterator[ir.Expr]:
    """Extents such that an f32 expression is NaN wherever `0 <= var < extent` does not hold."""
    match expr:
        case ir.Apply(name, args) if name in _STRICT:
            for part in args:
                yield from _extents(part, var, names)
        case ir.Apply("select", (test, taken, ir.Const(value))) if expr.type == F32 and math.isnan(value):
            conditions = tuple(_all_of(test, names))
            if compare("less_equal", ZERO, ir.Var(var, I64)) in conditions:
                yield from (found for item in conditions if (found := _upper(item, var)) is not None)
            yield from _extents(taken, var, names)
        case ir.Bind(name, value, body):
            yield from _extents(body, var, {**names, name: value} if value.type == BOOL else names)
        case ir.Reduce("sum", _, low, high, None, value) if is_sizes_only(low) and is_sizes_only(high):
            for found in _extents(value, var, names):  # a sum of nothing is 0
                yield select(compare("less", low, high), found, _EVERYTHING)
        case _:
            return


def _all_of(condition: ir.Expr, names: Names) -> Iterator[ir.Expr]:
    """The conditions that all hold where one does."""
    match condition:
        case ir.Apply("logical_and", (left, right)):
            yield from _all_of(left, names)
            yield from _all_of(right, names)
        case ir.Var(name) if name in names:
            yield from _all_of(names[name], names)
        case _:
            yield condition


def _upper(condition: ir.Expr, var: str) -> ir.Expr | None:
    """The extent that a condition compares the variable with."""
    match condition:
        case ir.Apply("less", (ir.Var(name), extent)) if name == var and is_sizes_only(extent):
            return extent
        case _:
            return None

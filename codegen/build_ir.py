"""Small constructors for the expressions that passes make."""

from __future__ import annotations

from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, F32, I64, DType
from kernel_ir.traverse import walk

TRUE = ir.Const(True, BOOL)
FALSE = ir.Const(False, BOOL)
ZERO = ir.Const(0, I64)
ONE = ir.Const(1, I64)


def op(name: str, *args: ir.Expr, type: DType | None = None) -> ir.Apply:
    """An op whose operands have one type already; the result has it too unless `type` says."""
    return ir.Apply(name, args, type or args[-1].type)


def compare(name: str, left: ir.Expr, right: ir.Expr) -> ir.Apply:
    """A comparison of two operands of one type."""
    return ir.Apply(name, (left, right), BOOL)


def conjunction(*conditions: ir.Expr) -> ir.Expr:
    """All conditions; repeated and true ones are dropped, no conditions are true."""
    kept: list[ir.Expr] = []
    for condition in conditions:
        if condition != TRUE and condition not in kept:
            kept.append(condition)
    if not kept:
        return TRUE
    found = kept[0]
    for condition in kept[1:]:
        found = ir.Apply("logical_and", (found, condition), BOOL)
    return found


def offset(index: ir.Expr, start: ir.Expr) -> ir.Expr:
    """`index - start`, without the subtraction of a literal 0."""
    return index if start == ZERO else op("subtract", index, start)


def extent_of(first: ir.Expr, end: ir.Expr) -> ir.Expr:
    """The length of the range from `first` to `end`; negative where it is empty."""
    return offset(end, first)


def select(condition: ir.Expr, taken: ir.Expr, other: ir.Expr) -> ir.Expr:
    """`taken if condition else other`; without the test where the condition is known."""
    return taken if condition == TRUE else ir.Apply("select", (condition, taken, other), taken.type)


def zero(type: DType) -> ir.Const:
    """The zero (or false) of a compute type."""
    if type == BOOL:
        return FALSE
    return ir.Const(0.0 if type == F32 else 0, type)


def lowest(type: DType) -> ir.Const:
    """The identity of `max`: -inf, or the lowest integer."""
    return ir.Const(float("-inf"), F32) if type == F32 else ir.Const(int(type.lowest), type)


def is_sizes_only(expr: ir.Expr) -> bool:
    """Whether an expression reads nothing but sizes and literals."""
    return all(isinstance(item, (ir.Const, ir.Size, ir.Apply)) for item in walk(expr))

"""How operands convert and what type an op gives: one function a rule of the op table."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace

from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, DTYPES, F32, I64, DType, join_integers
from kernel_ir.errors import Span
from kernel_ir.ops import OPS, Op


class RuleError(Exception):
    """Operands do not fit an op. Carries the message and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def apply_op(name: str, args: tuple[ir.Expr, ...], span: Span) -> ir.Expr:
    """Apply an op of the table, converting its operands as its rule says. Raises RuleError."""
    op = OPS[name]
    operands, result = _RULES[op.rule](op, args)
    folded = _fold(name, operands)
    if folded is not None:
        return ir.Const(folded, result, span)
    return ir.Apply(name, operands, result, span)


def _fold(name: str, operands: tuple[ir.Expr, ...]) -> int | float | None:
    """The value of literal arithmetic, so that `-1` and `2 * 3` stay literals and adopt a type."""
    values = [item.value for item in operands if isinstance(item, ir.Const)]
    if len(values) != len(operands) or operands[0].type not in (F32, I64):
        return None
    if name == "negate":
        return -values[0]
    if operands[0].type != I64 or name not in _FOLDED:
        return None
    value = _FOLDED[name](*map(int, values))
    return value if I64.lowest <= value <= I64.highest else None


_FOLDED: dict[str, Callable[[int, int], int]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
}


def convert(expr: ir.Expr, to: DType) -> ir.Expr:
    """Widen `expr` to a compute type without losing values; anything else needs a written cast."""
    if expr.type == to:
        return expr
    if isinstance(expr, ir.Const) and expr.type == I64 and not isinstance(expr.value, bool):
        return _convert_literal(expr, to)
    if isinstance(expr, ir.Apply) and _is_literal(expr):
        condition, *branches = expr.args
        return replace(expr, args=(condition, *(convert(item, to) for item in branches)), type=to)
    if to == F32 and expr.type.is_integer:
        return ir.Apply("f32", (expr,), F32, expr.span)
    if to == I64 and expr.type.is_integer:
        return ir.Apply("i64", (expr,), I64, expr.span)
    raise RuleError(f"expected {to}, got {expr.type}", _cast_hint(expr.type, to))


def _convert_literal(expr: ir.Const, to: DType) -> ir.Const:
    if to == F32:
        return ir.Const(float(expr.value), F32, expr.span)
    if to.is_integer and to.lowest <= expr.value <= to.highest:
        return ir.Const(expr.value, to, expr.span)
    raise RuleError(f"the literal {expr.value} does not fit {to}", "cast the other operand, as in `i64(...)`")


def _cast_hint(given: DType, wanted: DType) -> str:
    if given == BOOL:
        one, zero = ("1.0", "0.0") if wanted == F32 else ("1", "0")
        return f"write `{one} if condition else {zero}`"
    if wanted == BOOL:
        return "compare the value with something, as in `x != 0`"
    return f"cast it with `{wanted}(...)`"


def join(args: tuple[ir.Expr, ...]) -> DType:
    """The compute type that all operands convert to; literals adopt the others' type."""
    strong = [arg.type for arg in args if not _is_literal(arg)] or [arg.type for arg in args]
    if any(arg.type == BOOL for arg in args):
        if all(arg.type == BOOL for arg in args):
            return BOOL
        raise RuleError("a bool cannot be mixed with a number", "write `1.0 if condition else 0.0`")
    if F32 in strong or any(arg.type == F32 for arg in args):
        return F32
    found = strong[0]
    for other in strong[1:]:
        joined = join_integers(found, other)
        if joined is None:
            raise RuleError(
                f"{found} and {other} have no common type", f"cast one side, as in `{found}(...)`"
            )
        found = joined
    return found


def _is_literal(expr: ir.Expr) -> bool:
    """Whether an integer is written out, in every branch of a choice."""
    match expr:
        case ir.Const():
            return expr.type == I64
        case ir.Apply("select", (_, taken, other)):
            return _is_literal(taken) and _is_literal(other)
        case _:
            return False


Typed = tuple[tuple[ir.Expr, ...], DType]


def _float(op: Op, args: tuple[ir.Expr, ...]) -> Typed:
    return tuple(convert(arg, F32) for arg in args), F32


def _arithmetic(op: Op, args: tuple[ir.Expr, ...]) -> Typed:
    common = join(args)
    if common == BOOL:
        raise RuleError(f"`{op.symbol or op.name}` needs numbers, got bool", _cast_hint(BOOL, F32))
    return tuple(convert(arg, common) for arg in args), common


def _integer(op: Op, args: tuple[ir.Expr, ...]) -> Typed:
    operands, common = _arithmetic(op, args)
    if common == F32:
        hint = "use `floor(a / b)`" if op.name == "floor_divide" else "cast with `i32(...)` or `u32(...)`"
        raise RuleError(f"`{op.symbol}` needs integers, got f32", hint)
    return operands, common


def _shift(op: Op, args: tuple[ir.Expr, ...]) -> Typed:
    value, count = args
    if not (value.type.is_integer and count.type.is_integer):
        raise RuleError(
            f"`{op.symbol}` needs integers, got {value.type} and {count.type}", "cast with `u32(...)`"
        )
    if value.type != count.type:
        count = _convert_literal(count, value.type) if isinstance(count, ir.Const) else count
    if value.type != count.type:
        count = ir.Apply(value.type.name, (count,), value.type, count.span)
    return (value, count), value.type


def _compare(op: Op, args: tuple[ir.Expr, ...]) -> Typed:
    common = join(args)
    if common == BOOL and op.name not in ("equal", "not_equal"):
        raise RuleError(f"`{op.symbol}` cannot order bools", "use `and`, `or`, `not`")
    return tuple(convert(arg, common) for arg in args), BOOL


def _logic(op: Op, args: tuple[ir.Expr, ...]) -> Typed:
    for arg in args:
        if arg.type != BOOL:
            raise RuleError(f"`{op.symbol}` needs bool, got {arg.type}", _cast_hint(arg.type, BOOL))
    return args, BOOL


def _select(op: Op, args: tuple[ir.Expr, ...]) -> Typed:
    condition, *branches = args
    if condition.type != BOOL:
        raise RuleError(f"a condition must be bool, got {condition.type}", _cast_hint(condition.type, BOOL))
    common = join(tuple(branches))
    return (condition, *(convert(arg, common) for arg in branches)), common


def _cast(op: Op, args: tuple[ir.Expr, ...]) -> Typed:
    operand = args[0]
    if op.name == "bits_to_f32":
        return (convert(operand, DTYPES["u32"]),), F32
    if operand.type == BOOL:
        raise RuleError(f"{op.name}(...) of a bool", "write `1.0 if condition else 0.0`")
    through_storage = op.name == "f32_to_bits" or op.name != op.result
    return ((convert(operand, F32) if through_storage else operand),), DTYPES[op.result]


def _classify(op: Op, args: tuple[ir.Expr, ...]) -> Typed:
    return (convert(args[0], F32),), BOOL


_RULES: dict[str, Callable[[Op, tuple[ir.Expr, ...]], Typed]] = {
    "float": _float,
    "arithmetic": _arithmetic,
    "integer": _integer,
    "shift": _shift,
    "compare": _compare,
    "logic": _logic,
    "select": _select,
    "cast": _cast,
    "classify": _classify,
}

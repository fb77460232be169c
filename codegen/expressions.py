"""The one expression printer of every C-like target.

A target is a `Dialect`: how each op is spelled, how constants and loads are written. Parentheses
follow C's precedences, and stand where a reader would want them (`&` beside `+`, say) even where
C would not need them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.errors import CompilerBug


@dataclass(frozen=True, slots=True)
class Infix:
    """`a symbol b`, binding as tightly as `level` says; higher binds tighter."""

    symbol: str
    level: int


@dataclass(frozen=True, slots=True)
class Prefix:
    """`symbol a`."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Call:
    """`name(a, b)`."""

    name: str


Spelling = Infix | Prefix | Call

ATOM, UNARY, _ORDER, _EQUAL, _AND = 100, 90, 60, 55, 35
_TESTS = (_ORDER, _EQUAL)

# C's own operators with C's precedences. Ops whose meaning here differs from the operator's in C
# (floor division, shifts by a large count, NaN-propagating minimum) are calls into the runtime.
C_OPERATORS: dict[str, Spelling] = {
    "multiply": Infix("*", 80),
    "divide": Infix("/", 80),
    "add": Infix("+", 70),
    "subtract": Infix("-", 70),
    "less": Infix("<", _ORDER),
    "less_equal": Infix("<=", _ORDER),
    "greater": Infix(">", _ORDER),
    "greater_equal": Infix(">=", _ORDER),
    "equal": Infix("==", _EQUAL),
    "not_equal": Infix("!=", _EQUAL),
    "bit_and": Infix("&", 50),
    "bit_xor": Infix("^", 45),
    "bit_or": Infix("|", 40),
    "logical_and": Infix("&&", _AND),
    "logical_or": Infix("||", 30),
    "negate": Prefix("-"),
    "logical_not": Prefix("!"),
    "bit_not": Prefix("~"),
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """A target's way to write expressions.

    `leaf` writes what is not an op: names, sizes, parameters, loads, row elements. `special` may
    write an op in its own way, with the level at which it binds, or decline with None.
    """

    ops: Mapping[str, Spelling]
    leaf: Callable[[ir.Expr], str]
    infinity: str
    nan: str
    wide_integer: str = "int64_t"
    special: Callable[[ir.Apply], tuple[str, int] | None] = lambda expr: None


def print_expression(expr: ir.Expr, dialect: Dialect) -> str:
    """`expr` as text that means it in the dialect's language."""
    return _print(expr, dialect)[0]


def _print(expr: ir.Expr, dialect: Dialect) -> tuple[str, int]:
    match expr:
        case ir.Const():
            return _constant(expr, dialect)
        case ir.Apply():
            return _apply(expr, dialect)
        case _:
            return dialect.leaf(expr), ATOM


_LEFT_DECIDES = frozenset({"shift_left", "shift_right"})


def with_width(expr: ir.Expr) -> ir.Expr:
    """An i64 op of literals alone, the first of them widened: C gives a literal 32 bits where it fits."""
    if not isinstance(expr, ir.Apply) or expr.op == "i64" or expr.type != I64:
        return expr
    deciding = expr.args[:1] if expr.op in _LEFT_DECIDES else [arg for arg in expr.args if arg.type == I64]
    if not deciding or not all(isinstance(arg, ir.Const) for arg in deciding):
        return expr
    place = expr.args.index(deciding[0])
    wide = ir.Apply("i64", (deciding[0],), I64)
    return replace(expr, args=(*expr.args[:place], wide, *expr.args[place + 1 :]))


def _apply(expr: ir.Apply, dialect: Dialect) -> tuple[str, int]:
    if expr.op == "i64" and isinstance(expr.args[0], ir.Const):
        return f"{dialect.wide_integer}({_print(expr.args[0], dialect)[0]})", ATOM
    special = dialect.special(expr)
    if special is not None:
        return special
    match dialect.ops.get(expr.op):
        case Infix() as infix:
            return print_infix(expr, infix, dialect)
        case Prefix(symbol):
            text, level = _print(expr.args[0], dialect)
            inner = f"({text})" if level < UNARY or text.startswith(symbol) else text
            return symbol + inner, UNARY
        case Call(name):
            return f"{name}({', '.join(_print(arg, dialect)[0] for arg in expr.args)})", ATOM
        case _:
            raise CompilerBug(f"op {expr.op} has no spelling")


def print_infix(expr: ir.Apply, infix: Infix, dialect: Dialect) -> tuple[str, int]:
    """Two operands around a symbol, and the level at which the text binds."""
    left, right = (_print(arg, dialect) for arg in expr.args)
    symbol, level = infix.symbol, infix.level
    return f"{_wrap(left, symbol, level)} {symbol} {_wrap(right, symbol, level + 1)}", level


def _wrap(printed: tuple[str, int], symbol: str, least: int) -> str:
    text, level = printed
    mixes_bits = symbol in ("&", "|", "^") and level < UNARY and level not in (least, least - 1)
    mixes_logic = symbol == "||" and level == _AND  # C compilers warn of `a && b || c`
    mixes_tests = level in _TESTS and least in (_EQUAL, _EQUAL + 1)  # and of `a < b == c`
    return f"({text})" if level < least or mixes_bits or mixes_logic or mixes_tests else text


def _constant(expr: ir.Const, dialect: Dialect) -> tuple[str, int]:
    text = _constant_text(expr, dialect)
    return text, (UNARY if text.startswith("-") else ATOM)


def _constant_text(expr: ir.Const, dialect: Dialect) -> str:
    value = expr.value
    match expr.type.name:
        case "bool":
            return "true" if value else "false"
        case "f32":
            return _float_text(float(value), dialect)
        case "u32":
            return f"{value}u"
        case "i32" if value == -(2**31):
            return "(-2147483647 - 1)"
        case "i64" if value == -(2**63):
            return "(-9223372036854775807 - 1)"
        case _:
            return str(value)


def _float_text(value: float, dialect: Dialect) -> str:
    if math.isnan(value):
        return dialect.nan
    if math.isinf(value):
        return dialect.infinity if value > 0 else f"-{dialect.infinity}"
    text = repr(value)
    return f"{text}f" if ("." in text or "e" in text) else f"{text}.0f"


def size_dialect(floor_divide: str, modulo: str, minimum: str, maximum: str) -> Dialect:
    """A dialect for host code: size expressions by their plain names."""
    ops: dict[str, Spelling] = dict(C_OPERATORS)
    ops |= {"floor_divide": Call(floor_divide), "modulo": Call(modulo)}
    ops |= {"minimum": Call(minimum), "maximum": Call(maximum)}
    return Dialect(ops, _size_leaf, "INFINITY", "NAN")


def _size_leaf(expr: ir.Expr) -> str:
    match expr:
        case ir.Size(name) | ir.Param(name) | ir.Given(name):
            return name
        case _:
            raise CompilerBug(f"{type(expr).__name__} cannot stand in a size expression")

"""The op table: every operation of the language, one row each.

A row states how the op is written in a body, how its operands and result are typed, and what it
means (a numpy expression that the interpreter evaluates). A back end adds one spelling a row and
nothing else. `RULES` in `kernel_ir/typecheck` gives each typing rule its code.

Integer meanings are total: division and remainder by zero give 0, shift counts are taken modulo
the width, float-to-integer casts saturate and send NaN to 0, integer arithmetic wraps. `minimum`,
`maximum` and the reductions built on them propagate NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from kernel_ir.dtypes import DTYPES

Rule = Literal[
    "float",  # every operand converts to f32, the result is f32
    "arithmetic",  # operands join; f32 where one is f32, else the joined integer type
    "integer",  # integer operands join; floats are refused
    "shift",  # the result has the left operand's integer type
    "compare",  # operands join, the result is bool
    "logic",  # bool operands and result
    "select",  # (bool, a, b): a and b join
    "cast",  # the result type stands in the row
    "classify",  # f32 operand, bool result
]

Meaning = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Op:
    """One operation.

    `symbol` is its Python operator in a body, or "" where it is called by `name`. `meaning`
    receives the numpy module and the operands, which are numpy scalars or arrays of the compute
    type (float64 stands in for f32). `result` is set for casts only.
    """

    name: str
    arity: int
    rule: Rule
    meaning: Meaning
    symbol: str = ""
    result: str = ""
    doc: str = ""


def _floor_divide(np: Any, a: Any, b: Any) -> Any:
    safe = np.where(b == 0, np.ones_like(b), b)
    return np.where(b == 0, np.zeros_like(a), np.floor_divide(a, safe))


def _modulo(np: Any, a: Any, b: Any) -> Any:
    safe = np.where(b == 0, np.ones_like(b), b)
    return np.where(b == 0, np.zeros_like(a), np.mod(a, safe))


def _power(np: Any, a: Any, b: Any) -> Any:
    """Element by element: where one exponent of 0.5 serves all, numpy takes the root, which differs from a
    power at -infinity and at -0.
    """
    a, b = np.broadcast_arrays(a, b)
    return np.power(a.ravel(), b.ravel()).reshape(a.shape)


def _shift_count(np: Any, a: Any, b: Any) -> Any:
    bits = np.asarray(a).dtype.itemsize * 8
    return np.mod(b, bits).astype(np.asarray(a).dtype)


def _saturate(np: Any, a: Any, dtype: str) -> Any:
    a = np.asarray(a)
    if a.dtype.kind != "f":
        return a.astype(dtype)
    info = np.iinfo(dtype)
    whole = np.trunc(np.where(np.isnan(a), 0.0, a))
    inside = np.clip(whole, float(info.min), float(info.max))
    at_top = whole >= float(info.max)
    return np.where(at_top, info.max, np.where(at_top, 0.0, inside).astype(dtype)).astype(dtype)


def _erf(np: Any, a: Any) -> Any:
    import math

    return np.vectorize(math.erf, otypes=[np.float64])(a)


def _rounded_to(dtype: str) -> Meaning:
    """Round to a storage dtype and widen again. Numpy is needed only where meanings are evaluated."""

    def meaning(np: Any, a: Any) -> Any:
        from kernel_ir.rounding import round_to

        return round_to(a, DTYPES[dtype])

    return meaning


def _bits_to_f32(np: Any, a: Any) -> Any:
    return np.asarray(a, dtype=np.uint32).view(np.float32).astype(np.float64)


def _f32_to_bits(np: Any, a: Any) -> Any:
    return np.asarray(a).astype(np.float32).view(np.uint32)


_ROWS: tuple[Op, ...] = (
    # arithmetic
    Op("add", 2, "arithmetic", lambda np, a, b: np.add(a, b), "+"),
    Op("subtract", 2, "arithmetic", lambda np, a, b: np.subtract(a, b), "-"),
    Op("multiply", 2, "arithmetic", lambda np, a, b: np.multiply(a, b), "*"),
    Op("divide", 2, "float", lambda np, a, b: np.divide(a, b), "/"),
    Op("floor_divide", 2, "integer", _floor_divide, "//"),
    Op("modulo", 2, "integer", _modulo, "%"),
    Op("negate", 1, "arithmetic", lambda np, a: np.negative(a), "-"),
    Op("minimum", 2, "arithmetic", lambda np, a, b: np.minimum(a, b), doc="min(a, b); NaN if either is"),
    Op("maximum", 2, "arithmetic", lambda np, a, b: np.maximum(a, b), doc="max(a, b); NaN if either is"),
    Op("abs", 1, "arithmetic", lambda np, a: np.abs(a)),
    # float functions
    Op("power", 2, "float", _power, "**"),
    Op("exp", 1, "float", lambda np, a: np.exp(a)),
    Op("exp2", 1, "float", lambda np, a: np.exp2(a)),
    Op("log", 1, "float", lambda np, a: np.log(a)),
    Op("log2", 1, "float", lambda np, a: np.log2(a)),
    Op("sqrt", 1, "float", lambda np, a: np.sqrt(a)),
    Op("rsqrt", 1, "float", lambda np, a: np.divide(1.0, np.sqrt(a))),
    Op("sin", 1, "float", lambda np, a: np.sin(a)),
    Op("cos", 1, "float", lambda np, a: np.cos(a)),
    Op("tanh", 1, "float", lambda np, a: np.tanh(a)),
    Op("erf", 1, "float", _erf),
    Op("floor", 1, "float", lambda np, a: np.floor(a)),
    Op("ceil", 1, "float", lambda np, a: np.ceil(a)),
    Op("round", 1, "float", lambda np, a: np.rint(a), doc="to the nearest integer, ties to even"),
    Op("trunc", 1, "float", lambda np, a: np.trunc(a)),
    Op("isnan", 1, "classify", lambda np, a: np.isnan(a)),
    Op("isinf", 1, "classify", lambda np, a: np.isinf(a)),
    # bits
    Op("bit_and", 2, "integer", lambda np, a, b: np.bitwise_and(a, b), "&"),
    Op("bit_or", 2, "integer", lambda np, a, b: np.bitwise_or(a, b), "|"),
    Op("bit_xor", 2, "integer", lambda np, a, b: np.bitwise_xor(a, b), "^"),
    Op("bit_not", 1, "integer", lambda np, a: np.invert(a), "~"),
    Op("shift_left", 2, "shift", lambda np, a, b: np.left_shift(a, _shift_count(np, a, b)), "<<"),
    Op("shift_right", 2, "shift", lambda np, a, b: np.right_shift(a, _shift_count(np, a, b)), ">>"),
    # comparison and logic
    Op("less", 2, "compare", lambda np, a, b: np.less(a, b), "<"),
    Op("less_equal", 2, "compare", lambda np, a, b: np.less_equal(a, b), "<="),
    Op("greater", 2, "compare", lambda np, a, b: np.greater(a, b), ">"),
    Op("greater_equal", 2, "compare", lambda np, a, b: np.greater_equal(a, b), ">="),
    Op("equal", 2, "compare", lambda np, a, b: np.equal(a, b), "=="),
    Op("not_equal", 2, "compare", lambda np, a, b: np.not_equal(a, b), "!="),
    Op("logical_and", 2, "logic", lambda np, a, b: np.logical_and(a, b), "and"),
    Op("logical_or", 2, "logic", lambda np, a, b: np.logical_or(a, b), "or"),
    Op("logical_not", 1, "logic", lambda np, a: np.logical_not(a), "not"),
    Op("select", 3, "select", lambda np, c, a, b: np.where(c, a, b), doc="a if condition else b"),
    # casts: to a compute type, or through a storage type and back ("rounds on purpose")
    Op("f32", 1, "cast", lambda np, a: np.asarray(a).astype(np.float64), result="f32"),
    Op("i32", 1, "cast", lambda np, a: _saturate(np, a, "int32"), result="i32"),
    Op("u32", 1, "cast", lambda np, a: _saturate(np, a, "uint32"), result="u32"),
    Op("i64", 1, "cast", lambda np, a: _saturate(np, a, "int64"), result="i64"),
    Op("f16", 1, "cast", _rounded_to("f16"), result="f32", doc="round to f16 and widen again"),
    Op("bf16", 1, "cast", _rounded_to("bf16"), result="f32", doc="round to bf16 and widen again"),
    Op("f8e4m3", 1, "cast", _rounded_to("f8e4m3"), result="f32", doc="round to f8e4m3, saturate and widen"),
    Op("bits_to_f32", 1, "cast", _bits_to_f32, result="f32", doc="reinterpret u32 bits as f32"),
    Op("f32_to_bits", 1, "cast", _f32_to_bits, result="u32", doc="reinterpret f32 as u32 bits"),
)

OPS: dict[str, Op] = {row.name: row for row in _ROWS}

BINARY_SYMBOLS: dict[str, Op] = {row.symbol: row for row in _ROWS if row.symbol and row.arity == 2}
UNARY_SYMBOLS: dict[str, Op] = {row.symbol: row for row in _ROWS if row.symbol and row.arity == 1}

# What a body may call by name; operators are written with their symbol only.
CALLABLE: dict[str, Op] = {
    row.name: row for row in _ROWS if not row.symbol and row.name not in ("select", "minimum", "maximum")
}

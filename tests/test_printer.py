"""The printer prints what it means: its text, read by Python, has the tree's value."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_ir.dtypes import BOOL, DTYPES, F32, I32, I64, DType
from kernel_ir.interpret import interpret
from kernel_ir.nodes import (
    Apply,
    At,
    Bind,
    Const,
    Expr,
    For,
    Given,
    If,
    Kernel,
    Let,
    Load,
    Param,
    Reduce,
    Row,
    ScalarType,
    Size,
    SizeType,
    Store,
    TensorType,
    Update,
    Var,
)
from kernel_ir.ops import BINARY_SYMBOLS, OPS, UNARY_SYMBOLS
from kernel_ir.printer import print_expression, print_kernel

# ---- golden text ---------------------------------------------------------------------------------


def integer(value: int) -> Const:
    return Const(value, I64)


def x(name: str) -> Var:
    return Var(name, I32)


def op(name: str, *args: Expr) -> Apply:
    return Apply(name, args, args[-1].type)


a, b, d = x("a"), x("b"), x("d")
less = Apply("less", (a, b), BOOL)


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (op("multiply", integer(5), op("modulo", a, integer(2))), "5 * (a % 2)"),
        (op("subtract", a, op("subtract", b, d)), "a - (b - d)"),
        (op("subtract", op("subtract", a, b), d), "a - b - d"),
        (op("power", op("negate", a), b), "(-a) ** b"),
        (op("negate", op("power", a, b)), "-a ** b"),
        (op("power", a, op("negate", b)), "a ** -b"),
        (op("power", op("power", a, b), d), "(a ** b) ** d"),
        (op("power", Const(-2, I32), b), "(-2) ** b"),
        (op("bit_and", op("shift_left", a, b), op("bit_or", a, d)), "a << b & (a | d)"),
        (Apply("equal", (less, less), BOOL), "(a < b) == (a < b)"),
        (Apply("logical_not", (Apply("logical_and", (less, less), BOOL),), BOOL), "not (a < b and a < b)"),
        (
            Apply("select", (less, a, Apply("select", (less, b, d), I32)), I32),
            "a if a < b else b if a < b else d",
        ),
        (
            Apply("select", (less, Apply("select", (less, b, d), I32), a), I32),
            "(b if a < b else d) if a < b else a",
        ),
        (op("add", Apply("select", (less, a, b), I32), d), "(a if a < b else b) + d"),
        (op("minimum", a, Apply("i32", (b,), I32)), "min(a, i32(b))"),
        (Const(1e-6, F32), "1e-06"),
        (Const(2, F32), "2.0"),
        (Load("x", (a, op("add", b, d)), F32, "nan"), "x[a, b + d]!nan"),
        (Reduce("sum", "k", integer(0), a, less, x("k"), I32), "sum(k for k in range(a) if a < b)"),
        (Reduce("max", "k", a, b, None, At("p", x("k"), F32), F32), "max(p[k] for k in range(a, b))"),
        (Bind("y", a, op("add", x("y"), b), I32), "let(y := a, y + b)"),
    ],
)
def test_expressions(tree: Expr, text: str) -> None:
    assert print_expression(tree) == text


def every_statement() -> Kernel:
    width, rows = Size("width", I64), Size("rows", I64)
    r, c, t = Var("r", I64), Var("c", I64), Var("t", I64)
    value = Load("x", (r, c), F32)
    ranked = Row(
        ("best", "ids"), "topk", "k", integer(0), width, None, Load("x", (r, Var("k", I64)), F32), integer(2)
    )
    shares = Row(("p",), "softmax", "j", integer(1), width, None, Load("x", (r, Var("j", I64)), F32))
    copy = Row(("held",), "each", "i", integer(0), width, None, Load("x", (r, Var("i", I64)), F32))
    step = (Update("state", Apply("add", (Var("state", F32), Load("x", (r, t), F32)), F32)),)
    guarded = If(
        Given("bias", BOOL),
        (Store("pool", (Load("slots", (r,), I64), c), At("p", c, F32), "skip"),),
        (Store("out", (r, c), value),),
    )
    body = (
        Let("state", Const(0.0, F32), True),
        For("t", integer(0), width, step, is_ordered=True),
        ranked,
        shares,
        copy,
        For("c", integer(1), width, (guarded,)),
    )
    shape = (rows, width)
    arguments = (
        TensorType("x", "T", shape, "input", "rows"),
        TensorType("bias", "f32", (width,), "input", is_optional=True),
        TensorType("slots", "i64", (rows,), "input"),
        TensorType("pool", "T", (Size("capacity", I64), width), "mutated"),
        ScalarType("eps", F32, 1e-6),
        SizeType("width"),
    )
    results = (TensorType("out", "T", shape, "result", "rows"),)
    even = Apply("equal", (Apply("modulo", (width, integer(2)), I64), integer(0)), BOOL)
    types = (("T", (DTYPES["f32"], DTYPES["bf16"])),)
    sizes = ("rows", "width", "capacity")
    return Kernel("probe", types, arguments, results, sizes, (even,), (For("r", integer(0), rows, body),))


GOLDEN = """\
T = f32 | bf16
def probe(
    x: T[*rows, width],
    bias: f32[width] = None,
    slots: i64[rows],
    mutates pool: T[capacity, width],
    eps: f32 = 1e-06,
    width: size,
) -> (out: T[*rows, width]):
    require width % 2 == 0
    for r in range(rows):
        state: f32 = 0.0
        for t in sequential(width):
            state = state + x[r, t]
        best, ids = topk((x[r, k] for k in range(width)), 2)
        p = softmax(x[r, j] for j in range(1, width))
        held = [x[r, i] for i in range(width)]
        for c in range(1, width):
            if given(bias):
                pool[slots[r], c]!skip = p[c]
            else:
                out[r, c] = x[r, c]
"""


def test_a_kernel() -> None:
    assert print_kernel(every_statement()) == GOLDEN


# ---- the text means the tree ---------------------------------------------------------------------

INPUTS: dict[str, tuple[DType, Any]] = {
    "i": (I32, 7),
    "j": (I32, -3),
    "u": (F32, 2.5),
    "v": (F32, -0.75),
    "w": (F32, float("inf")),
}


def leaves(dtype: DType) -> st.SearchStrategy[Expr]:
    if dtype == BOOL:
        return st.booleans().map(lambda value: Const(value, BOOL))
    names = [Param(name, dtype) for name, (kind, _) in INPUTS.items() if kind == dtype]
    number = st.integers(-4, 40) if dtype == I32 else st.sampled_from([0.0, -1.5, 1e-6, 3e38, float("nan")])
    return st.sampled_from(names) | number.map(lambda value: Const(value, dtype))


FLOAT_ONLY = ("divide", "power")
INTEGER_ONLY = ("floor_divide", "modulo", "bit_and", "bit_or", "bit_xor", "shift_left", "shift_right")
ARITHMETIC = ("add", "subtract", "multiply", "minimum", "maximum")
COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")


@st.composite
def trees(draw: st.DrawFn, dtype: DType, depth: int) -> Expr:
    """A random well-typed tree over i32, f32 and bool."""
    if depth == 0:
        return draw(leaves(dtype))

    def inner(kind: DType) -> Expr:
        return draw(trees(kind, draw(st.integers(0, depth - 1))))

    if draw(st.integers(0, 4)) == 0:
        return Apply("select", (inner(BOOL), inner(dtype), inner(dtype)), dtype)
    if dtype == BOOL:
        kind = draw(st.sampled_from([I32, F32, BOOL]))
        if kind == BOOL:
            name = draw(st.sampled_from(["logical_and", "logical_or", "logical_not"]))
        else:
            name = draw(st.sampled_from(COMPARISONS))
        return Apply(name, tuple(inner(kind) for _ in range(OPS[name].arity)), BOOL)
    more = FLOAT_ONLY if dtype == F32 else (*INTEGER_ONLY, "bit_not")
    name = draw(st.sampled_from([*ARITHMETIC, "negate", "abs", *more]))
    return Apply(name, tuple(inner(dtype) for _ in range(OPS[name].arity)), dtype)


_BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.And: "and", ast.Or: "or",
}  # fmt: skip
_UNARY = {ast.USub: "-", ast.Invert: "~", ast.Not: "not"}
_NAMES = {"nan": np.float64("nan"), "inf": np.float64("inf")} | {
    name: np.float64(value) if dtype == F32 else np.int32(value) for name, (dtype, value) in INPUTS.items()
}


def evaluate(node: ast.expr) -> Any:
    """What Python's grammar makes of the text, with the meanings of the op table."""
    match node:
        case ast.Constant(bool(value)):
            return np.bool_(value)
        case ast.Constant(int(value)):
            return np.int32(value)
        case ast.Constant(value):
            return np.float64(np.float32(value))
        case ast.Name(name):
            return _NAMES[name]
        case ast.IfExp(test, body, orelse):
            return evaluate(body if evaluate(test) else orelse)
        case ast.UnaryOp(kind, operand):
            return call(UNARY_SYMBOLS[_UNARY[type(kind)]].name, evaluate(operand))
        case ast.BinOp(left, kind, right):
            return call(BINARY_SYMBOLS[_BINARY[type(kind)]].name, evaluate(left), evaluate(right))
        case ast.Compare(left, [kind], [right]):
            return call(BINARY_SYMBOLS[_BINARY[type(kind)]].name, evaluate(left), evaluate(right))
        case ast.BoolOp(kind, values):
            results = [bool(evaluate(value)) for value in values]
            return np.bool_(all(results) if isinstance(kind, ast.And) else any(results))
        case ast.Call(ast.Name(name), args):
            return call({"min": "minimum", "max": "maximum"}.get(name, name), *map(evaluate, args))
    raise AssertionError(f"the text holds {ast.dump(node)}")


def call(name: str, *operands: Any) -> Any:
    return np.asarray(OPS[name].meaning(np, *operands))[()]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([I32, F32, BOOL]).flatmap(lambda dtype: trees(dtype, 4)))
def test_text_read_by_python_has_the_value_of_the_tree(tree: Expr) -> None:
    text = print_expression(tree)
    with np.errstate(all="ignore"):
        parsed = evaluate(ast.parse(text, mode="eval").body)
        stored = np.asarray(parsed).astype(np.float32 if tree.type == F32 else np.asarray(parsed).dtype)
    np.testing.assert_array_equal(value_of(tree), stored)


def value_of(tree: Expr) -> np.ndarray:
    out = TensorType("out", tree.type.name, (integer(1),), "result")
    scalars = tuple(ScalarType(name, dtype) for name, (dtype, _) in INPUTS.items())
    probe = Kernel("probe", (), scalars, (out,), (), (), (Store("out", (integer(0),), tree),))
    return interpret(probe, {name: value for name, (_, value) in INPUTS.items()}, {})["out"][0]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([I32, F32, BOOL]).flatmap(lambda dtype: trees(dtype, 4)))
def test_no_parentheses_can_be_left_out(tree: Expr) -> None:
    text = print_expression(tree)
    whole = ast.dump(ast.parse(text, mode="eval"))
    for first, last in wrapped(text):
        without = text[:first] + " " + text[first + 1 : last] + " " + text[last + 1 :]
        assert parse(without) != whole, f"{text} needs no parentheses at {first}"


def wrapped(text: str) -> list[tuple[int, int]]:
    """The places of matching parentheses that are not a call's."""
    opened: list[int] = []
    pairs = []
    for place, letter in enumerate(text):
        if letter == "(":
            opened.append(place)
        elif letter == ")":
            first = opened.pop()
            is_call = first > 0 and text[first - 1].isalnum()
            pairs += [] if is_call else [(first, place)]
    return pairs


def parse(text: str) -> str | None:
    try:
        return ast.dump(ast.parse(text.strip(), mode="eval"))
    except SyntaxError:
        return None

"""Simplifying an expression keeps its value, for every value of its names, and is done after one go."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.passes.simplify import simplify_expression
from fuzz.lowered_interpreter import LoweredInterpreter, forward
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, COMPUTE_TYPES, DTYPES, F32, I32, I64, U32, DType
from kernel_ir.ops import OPS, Op
from kernel_ir.printer import print_expression
from kernel_ir.verify import misfit

NUMBERS = (F32, I32, U32, I64)
INTEGERS = (I32, U32, I64)
FLOATS = (0.0, -0.0, 1.0, -1.0, 2.5, math.inf, -math.inf, math.nan, 1e-45, 3.4028234663852886e38)
VALUES: dict[str, tuple[Any, ...]] = {
    "f32": FLOATS,
    "i32": (0, 1, -1, 7, 33, 2**31 - 1, -(2**31)),
    "u32": (0, 1, 7, 33, 2**31, 2**32 - 1),
    "i64": (0, 1, -1, 7, 65, 2**63 - 1, -(2**63)),
    "bool": (False, True),
}
Form = tuple[str, tuple[DType, ...]]  # an op and its operands' types


def forms(op: Op) -> Iterator[tuple[DType, tuple[DType, ...]]]:
    """Every result type of an op, with the operand types that give it."""
    match op.rule:
        case "float":
            yield F32, (F32,) * op.arity
        case "arithmetic":
            yield from ((type_, (type_,) * op.arity) for type_ in NUMBERS)
        case "integer" | "shift":
            yield from ((type_, (type_,) * op.arity) for type_ in INTEGERS)
        case "compare":
            yield from ((BOOL, (type_, type_)) for type_ in NUMBERS)
        case "logic":
            yield BOOL, (BOOL,) * op.arity
        case "select":
            yield from ((type_, (BOOL, type_, type_)) for type_ in COMPUTE_TYPES)
        case "classify":
            yield BOOL, (F32,)
        case "cast":
            sources = {"bits_to_f32": (U32,)} | dict.fromkeys(
                ("f32_to_bits", "f16", "bf16", "f8e4m3"), (F32,)
            )
            yield from ((DTYPES[op.result], (type_,)) for type_ in sources.get(op.name, NUMBERS))


FORMS: dict[DType, list[Form]] = {type_: [] for type_ in COMPUTE_TYPES}
for _op in OPS.values():
    for _result, _operands in forms(_op):
        FORMS[_result].append((_op.name, _operands))


@st.composite
def expressions(draw: st.DrawFn, type_: DType, depth: int) -> ir.Expr:
    """A well-typed expression; literals are often those that identities look for."""
    kind = draw(st.sampled_from(["literal", "name", "op", "op", "op"] if depth else ["literal", "name"]))
    if kind == "literal":
        return ir.Const(draw(st.sampled_from(VALUES[type_.name])), type_)
    if kind == "name":
        return ir.Var(f"{type_}_{draw(st.integers(0, 1))}", type_)
    name, operands = draw(st.sampled_from(FORMS[type_]))
    args: list[ir.Expr] = []
    for operand in operands:
        repeats = bool(args) and args[-1].type == operand and draw(st.booleans())
        args.append(args[-1] if repeats else draw(expressions(operand, depth - 1)))
    return ir.Apply(name, tuple(args), type_)


any_expression = st.sampled_from(COMPUTE_TYPES).flatmap(lambda type_: expressions(type_, 4))
NAMES = [(f"{type_}_{number}", type_) for type_ in COMPUTE_TYPES for number in range(2)]
any_values = st.fixed_dictionaries({name: st.sampled_from(VALUES[type_.name]) for name, type_ in NAMES})


@settings(max_examples=300)
@given(any_expression, st.lists(any_values, min_size=3, max_size=3))
def test_value_is_kept(expr: ir.Expr, environments: list[dict[str, Any]]) -> None:
    simple = simplify_expression(expr)
    for values in environments:
        wanted, got = evaluate(expr, values), evaluate(simple, values)
        same = f"{print_expression(expr)} became {print_expression(simple)} with {values}"
        assert is_same(wanted, got), f"{same}: {wanted} became {got}"


@given(any_expression)
def test_simplified_expression_is_well_typed_and_final(expr: ir.Expr) -> None:
    simple = simplify_expression(expr)
    assert simple.type == expr.type
    assert simplify_expression(simple) == simple
    assert not any(isinstance(item, ir.Apply) and misfit(item) for item in (simple, *operands_of(simple)))


def test_identities_do_something() -> None:
    x, flag = ir.Var("i64_0", I64), ir.Var("bool_0", BOOL)
    zero, one = ir.Const(0, I64), ir.Const(1, I64)
    forms = {
        ir.Apply("add", (x, zero), I64): x,
        ir.Apply("multiply", (one, x), I64): x,
        ir.Apply("floor_divide", (x, one), I64): x,
        ir.Apply("logical_and", (flag, flag), BOOL): flag,
        ir.Apply("logical_and", (flag, ir.Const(False, BOOL)), BOOL): ir.Const(False, BOOL),
        ir.Apply("select", (flag, x, x), I64): x,
        ir.Apply("logical_not", (ir.Apply("logical_not", (flag,), BOOL),), BOOL): flag,
    }
    for expr, wanted in forms.items():
        assert simplify_expression(expr) == wanted


def test_zeros_of_either_sign_stay_apart() -> None:
    plus, minus = ir.Const(0.0, F32), ir.Const(-0.0, F32)
    for one, two in itertools.permutations((plus, minus)):
        expr = ir.Apply("select", (ir.Var("bool_0", BOOL), one, two), F32)
        for flag in (True, False):
            values = {"bool_0": flag}
            assert is_same(evaluate(simplify_expression(expr), values), evaluate(expr, values))


def operands_of(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    return expr.args if isinstance(expr, ir.Apply) else ()


def evaluate(expr: ir.Expr, values: dict[str, Any]) -> Any:
    interpreter = LoweredInterpreter(None, forward)  # type: ignore[arg-type]  # no tensor is read
    types = dict(NAMES)
    for name, value in values.items():
        interpreter.names[name] = interpreter.value(ir.Const(value, types[name]))
    with np.errstate(all="ignore"):
        return interpreter.value(expr)


def is_same(wanted: Any, got: Any) -> bool:
    """Equal, the sign of zeros and of infinities included; one NaN is as good as another."""
    if wanted.dtype != got.dtype:
        return False
    if wanted.dtype.kind != "f":
        return bool(wanted == got)
    if np.isnan(wanted):
        return bool(np.isnan(got))
    return bool(wanted == got and np.signbit(wanted) == np.signbit(got))

"""Size expressions as host C++, and how a size follows from a dimension."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from codegen.expressions import Dialect, print_expression, size_dialect
from codegen.namer import Namer
from codegen.record import OpRecord
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.errors import CompilerBug
from kernel_ir.signature import Signature
from kernel_ir.solve_sizes import SizeOrigin, solve_sizes

_NOTHING, _ONE = ir.Const(0, I64), ir.Const(1, I64)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How host code computes: the C++ type of its integers, and how its operations are written."""

    integer: str
    dialect: Dialect


SIZES = size_dialect("host::floor_divide", "host::modulo", "host::minimum", "host::maximum")
EXACT = Arithmetic("Wide", SIZES)


@dataclass(frozen=True, slots=True)
class Local:
    """A name that an expression uses, and where its value is: `const type name = source;`."""

    type: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class SizeFunction:
    """A C++ function of the call's values."""

    name: str
    result: str
    locals: tuple[Local, ...]
    expression: str


def size_function(name: str, result: str, expr: ir.Expr, arithmetic: Arithmetic = EXACT) -> SizeFunction:
    """`expr` over sizes, scalars and `given(...)` as a function; `result` is its C++ type."""
    used = {item.name: item for item in mentioned(expr)}
    sources = {name: _source(item) for name, item in used.items()}
    namer = Namer(frozenset(re.findall(r"\w+", " ".join(sources.values()))))
    values = tuple(
        Local(_type(item, arithmetic.integer), namer.declare(name), sources[name])
        for name, item in used.items()
    )
    dialect = replace(arithmetic.dialect, leaf=lambda leaf: namer[_named(leaf)])
    return SizeFunction(name, result, values, print_expression(expr, dialect))


def mentioned(expr: ir.Expr) -> tuple[ir.Size | ir.Param | ir.Given, ...]:
    """The names that a size expression uses, in order of appearance."""
    match expr:
        case ir.Size() | ir.Param() | ir.Given():
            return (expr,)
        case ir.Apply(args=args):
            return tuple(dict.fromkeys(item for arg in args for item in mentioned(arg)))
        case ir.Const():
            return ()
        case _:
            raise CompilerBug(f"{type(expr).__name__} cannot stand in a size expression")


def solutions(record: OpRecord) -> tuple[SizeOrigin, ...]:
    """The sizes that follow from more than a plain name, in the order in which they can be solved."""
    kernel = record.kernel
    origins = solve_sizes(Signature(kernel.arguments, kernel.results, kernel.sizes))
    return tuple(
        item for item in origins if item.axis is not None and not isinstance(item.dimension, ir.Size)
    )


def linear_form(expr: ir.Expr, size: str) -> tuple[ir.Expr, ir.Expr]:
    """(a, b) with `expr == a * size + b`, where `size` stands in `expr` once under +, - and *."""
    match expr:
        case ir.Size(name) if name == size:
            return _ONE, _NOTHING
        case _ if size not in {item.name for item in mentioned(expr)}:
            return _NOTHING, expr
        case ir.Apply("add" | "subtract" as op, (left, right)):
            (a, b), (c, d) = linear_form(left, size), linear_form(right, size)
            return _apply(op, a, c), _apply(op, b, d)
        case ir.Apply("multiply", (left, right)):
            (a, b), (c, d) = linear_form(left, size), linear_form(right, size)
            other, (slope, rest) = (d, (a, b)) if c == _NOTHING else (b, (c, d))
            return _apply("multiply", other, slope), _apply("multiply", other, rest)
        case _:
            raise CompilerBug(f"{size} does not follow from its dimension")


def _apply(op: str, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    """An integer operation, with the ones and zeros of `linear_form` folded away."""
    match op, left, right:
        case "multiply", _, ir.Const(0):
            return _NOTHING
        case "multiply", _, ir.Const(1):
            return left
        case "add" | "subtract", _, ir.Const(0):
            return left
        case "add", ir.Const(0), _:
            return right
        case _:
            return ir.Apply(op, (left, right), I64)


def _named(leaf: ir.Expr) -> str:
    assert isinstance(leaf, (ir.Size, ir.Param, ir.Given))
    return leaf.name


def _type(item: ir.Size | ir.Param | ir.Given, integer: str) -> str:
    match item:
        case ir.Given():
            return "bool"
        case ir.Param(type=dtype) if dtype.is_float:
            return "double"
        case _:
            return integer


def _source(item: ir.Size | ir.Param | ir.Given) -> str:
    """Where a call's values hold it."""
    match item:
        case ir.Size(name):
            return f"V.sizes[size_{name}]"
        case ir.Given(name):
            return f"V.given[tensor_{name}]"
        case ir.Param(name, type=dtype):
            return f"V.scalars[scalar_{name}].{'real' if dtype.is_float else 'integer'}"

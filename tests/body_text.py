"""Typed expressions and bodies from Python syntax, with no checks: what the analyses are tested on.

Sizes, scalars and tensors are known by the names below; every other name is an i64 variable.
"""

from __future__ import annotations

import ast

from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, I32, I64, U32, DType
from kernel_ir.errors import Span

SIZES = ("width", "half", "group", "heads", "kv_heads", "pages", "tokens", "taps")
SCALARS = {"window": I32, "mask": U32, "offset": I64}
WIDE_TENSORS = ("wide",)

_OPS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "modulo",
    ast.BitAnd: "bit_and",
    ast.BitXor: "bit_xor",
    ast.RShift: "shift_right",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.And: "logical_and",
    ast.Or: "logical_or",
}


def read(text: str) -> ir.Expr:
    """A typed expression. 32-bit arithmetic with itself or a literal stays 32 bits wide."""
    return read_node(ast.parse(text, mode="eval").body)


def read_node(node: ast.expr) -> ir.Expr:
    """A typed expression from its syntax."""
    match node:
        case ast.Constant(value):
            return ir.Const(value, I64)
        case ast.Name(name) if name in SIZES:
            return ir.Size(name, I64)
        case ast.Name(name) if name in SCALARS:
            return ir.Param(name, SCALARS[name])
        case ast.Name(name):
            return ir.Var(name, I64)
        case ast.Subscript(ast.Name(name), index) if name.endswith("_row"):
            return ir.At(name, read_node(index), I64, _span(node))
        case ast.Subscript(ast.Name(name), index):
            return ir.Load(name, _index(index), I64 if name in WIDE_TENSORS else I32, span=_span(node))
        case ast.UnaryOp(ast.USub(), operand):
            return ir.Apply("negate", (read_node(operand),), I64)
        case ast.UnaryOp(ast.Not(), operand):
            return ir.Apply("logical_not", (read_node(operand),), BOOL)
        case ast.BinOp(left, op, right):
            return _binary(_OPS[type(op)], read_node(left), read_node(right))
        case ast.BoolOp(op, [left, right]):
            return ir.Apply(_OPS[type(op)], (read_node(left), read_node(right)), BOOL)
        case ast.Compare(left, ops, rights):
            pairs = zip([left, *rights], ops, rights, strict=False)
            links = [ir.Apply(_OPS[type(op)], (read_node(a), read_node(b)), BOOL) for a, op, b in pairs]
            return links[0] if len(links) == 1 else ir.Apply("logical_and", tuple(links), BOOL)
        case ast.IfExp(test, then, otherwise):
            return ir.Apply("select", tuple(read_node(item) for item in (test, then, otherwise)), I64)
        case ast.Call(ast.Lambda(ast.arguments(args=[ast.arg(name)]), body), [value]):
            return ir.Bind(name, read_node(value), read_node(body), I64)
        case ast.Call(ast.Name(name), args):
            return _call(name, args)
    raise AssertionError(ast.dump(node))


def _call(name: str, args: list[ast.expr]) -> ir.Expr:
    match name, args:
        case "i64", [operand]:
            return ir.Apply("i64", (read_node(operand),), I64)
        case "abs", [operand]:
            value = read_node(operand)
            return ir.Apply("abs", (value,), value.type)
        case "given", [ast.Name(tensor)]:
            return ir.Given(tensor, BOOL)
        case "sum", [ast.GeneratorExp(element, [loop])]:
            low, high = _bounds(loop.iter)
            where = read_node(loop.ifs[0]) if loop.ifs else None
            return ir.Reduce("sum", loop.target.id, low, high, where, read_node(element), I64)
        case _, [left, right]:
            return _binary({"min": "minimum", "max": "maximum"}[name], read_node(left), read_node(right))
    raise AssertionError(name)


def _binary(op: str, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    if isinstance(right, ir.Const) and left.type != I64:
        right = ir.Const(right.value, left.type)
    type_: DType = left.type if left.type == right.type else I64
    return ir.Apply(op, tuple(_cast(item, type_) for item in (left, right)), type_)


def _cast(expr: ir.Expr, type_: DType) -> ir.Expr:
    return expr if expr.type == type_ else ir.Apply(type_.name, (expr,), type_)


def _index(node: ast.expr) -> tuple[ir.Expr, ...]:
    return tuple(read_node(item) for item in (node.elts if isinstance(node, ast.Tuple) else [node]))


def _bounds(call: ast.expr) -> tuple[ir.Expr, ir.Expr]:
    first, *rest = (read_node(item) for item in call.args)
    return (first, rest[0]) if rest else (ir.Const(0, I64), first)


def _span(node: ast.AST) -> Span:
    return Span(node.lineno, node.col_offset + 1, node.end_lineno or 0, (node.end_col_offset or 0) + 1)


def read_body(text: str) -> tuple[ir.Stmt, ...]:
    """Statements: `for` over `range` or `sequential`, `if`, assignments to names and elements.

    A name that is bound with a type, as in `state: i64 = 0`, is mutable. A list names a row of values;
    rows have names that end in `_row`. `(lambda name: body)(value)` binds a name inside an expression.
    """
    return _block(ast.parse(text).body)


def _block(statements: list[ast.stmt]) -> tuple[ir.Stmt, ...]:
    return tuple(_statement(node) for node in statements)


def _statement(node: ast.stmt) -> ir.Stmt:
    match node:
        case ast.For(ast.Name(var), ast.Call(ast.Name(kind)) as call, body):
            low, high = _bounds(call)
            return ir.For(var, low, high, _block(body), kind == "sequential", _span(node))
        case ast.If(test, body, orelse):
            return ir.If(read_node(test), _block(body), _block(orelse), _span(node))
        case ast.Assign([ast.Subscript(ast.Name(name), index)], value):
            return ir.Store(name, _index(index), read_node(value), span=_span(node))
        case ast.Assign([ast.Name(name)], ast.ListComp(element, [loop])):
            row = (loop.target.id, *_bounds(loop.iter), None, read_node(element))
            return ir.Row((name,), "each", *row, span=_span(node))
        case ast.Assign([ast.Name(name)], value):
            return ir.Let(name, read_node(value), span=_span(node))
        case ast.AnnAssign(ast.Name(name), _, value):
            return ir.Let(name, read_node(value), is_mutable=True, span=_span(node))
        case ast.AugAssign(ast.Name(name), op, value):
            return ir.Update(name, _binary(_OPS[type(op)], ir.Var(name, I64), read_node(value)), _span(node))
    raise AssertionError(ast.dump(node))

"""The one traversal of the typed IR: children, walks and rebuilding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from typing_extensions import assert_never

from kernel_ir import nodes as ir

_LEAVES = frozenset((ir.Const, ir.Size, ir.Param, ir.Given, ir.Var))


def children(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    """The direct operands of an expression, in evaluation order."""
    match expr:
        case ir.Apply():
            return expr.args
        case ir.Const() | ir.Size() | ir.Param() | ir.Given() | ir.Var():
            return ()
        case ir.Load():
            return expr.index
        case ir.Reduce(_, _, low, high, where, value):
            return (low, high, *((where,) if where is not None else ()), value)
        case ir.At(_, index):
            return (index,)
        case ir.Bind(_, value, body):
            return (value, body)
        case _:
            assert_never(expr)


def map_children(expr: ir.Expr, change: Callable[[ir.Expr], ir.Expr]) -> ir.Expr:
    """`expr` with `change` applied to each direct operand; the same object where nothing changed."""
    match expr:
        case ir.Const() | ir.Size() | ir.Param() | ir.Given() | ir.Var():
            return expr
        case ir.Apply(_, args):
            changed = tuple(change(arg) for arg in args)
            return expr if changed == args else replace(expr, args=changed)
        case ir.Load(_, index):
            changed = tuple(change(part) for part in index)
            return expr if changed == index else replace(expr, index=changed)
        case ir.Reduce(_, _, low, high, where, value):
            filtered = None if where is None else change(where)
            return replace(expr, low=change(low), high=change(high), where=filtered, value=change(value))
        case ir.At(_, index):
            return replace(expr, index=change(index))
        case ir.Bind(_, value, body):
            return replace(expr, value=change(value), body=change(body))
        case _:
            assert_never(expr)


def walk(expr: ir.Expr) -> Iterator[ir.Expr]:
    """`expr` and everything in it, parents first."""
    waiting = [expr]
    while waiting:
        item = waiting.pop()
        yield item
        if type(item) not in _LEAVES:
            waiting += reversed(children(item))


def substitute(expr: ir.Expr, names: dict[str, ir.Expr]) -> ir.Expr:
    """`expr` with variables replaced. Names are unique in a kernel, so nothing is captured."""
    if isinstance(expr, ir.Var):
        return names.get(expr.name, expr)
    return map_children(expr, lambda child: substitute(child, names))


def walk_statements(body: tuple[ir.Stmt, ...]) -> Iterator[ir.Stmt]:
    """Every statement of a body, in program order, parents first."""
    for statement in body:
        yield statement
        match statement:
            case ir.For():
                yield from walk_statements(statement.body)
            case ir.If(_, then, orelse):
                yield from walk_statements(then)
                yield from walk_statements(orelse)
            case _:
                pass


def statement_expressions(statement: ir.Stmt) -> tuple[tuple[ir.Expr, bool], ...]:
    """The expressions that stand directly in a statement, each with whether it is a store's index."""
    match statement:
        case ir.Let(_, value) | ir.Update(_, value):
            return ((value, False),)
        case ir.Row(_, _, _, low, high, where, value, count):
            parts = (low, high, where, value, count)
            return tuple((part, False) for part in parts if part is not None)
        case ir.Store(_, index, value):
            return (*((part, True) for part in index), (value, False))
        case ir.For(_, low, high):
            return ((low, False), (high, False))
        case ir.If(condition):
            return ((condition, False),)
        case _:
            assert_never(statement)


def walk_expressions(body: tuple[ir.Stmt, ...], *more: ir.Expr) -> Iterator[ir.Expr]:
    """Every expression in a body, and in `more`."""
    for statement in walk_statements(body):
        for expr, _ in statement_expressions(statement):
            yield from walk(expr)
    for expr in more:
        yield from walk(expr)


def map_expressions(statement: ir.Stmt, change: Callable[[ir.Expr], ir.Expr]) -> ir.Stmt:
    """The statement with `change` applied to each expression in it, those of nested blocks included."""

    def block(body: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...]:
        return tuple(map_expressions(item, change) for item in body)

    match statement:
        case ir.Let(_, value) | ir.Update(_, value):
            return replace(statement, value=change(value))
        case ir.Row(_, _, _, low, high, where, value, count):
            return replace(
                statement,
                low=change(low),
                high=change(high),
                where=None if where is None else change(where),
                value=change(value),
                count=None if count is None else change(count),
            )
        case ir.Store(_, index, value):
            return replace(statement, index=tuple(map(change, index)), value=change(value))
        case ir.For(_, low, high, body):
            return replace(statement, low=change(low), high=change(high), body=block(body))
        case ir.If(condition, then, orelse):
            return replace(statement, condition=change(condition), then=block(then), orelse=block(orelse))
        case _:
            assert_never(statement)

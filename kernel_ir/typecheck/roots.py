"""Which data decide the value of an expression: what range policies are looked up by."""

from __future__ import annotations

from collections.abc import Mapping

from typing_extensions import assert_never

from kernel_ir import nodes as ir
from kernel_ir.typecheck.scope import Scope


def roots_of(expr: ir.Expr, scope: Scope) -> frozenset[str]:
    """Names of the tensors, scalars and carried values that `expr` depends on; empty for pure sizes."""
    return _roots(expr, scope, {})


def _roots(expr: ir.Expr, scope: Scope, inside: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """`inside` holds the roots of names that are bound within the expression."""
    match expr:
        case ir.Const() | ir.Size() | ir.Given():
            return frozenset()
        case ir.Param(name):
            return frozenset({name})
        case ir.Var(name):
            return inside[name] if name in inside else _roots_of_name(name, scope)
        case ir.Load(tensor):
            return frozenset({tensor})
        case ir.At(row):
            return _roots_of_name(row, scope)
        case ir.Apply(_, args):
            return frozenset().union(*(_roots(arg, scope, inside) for arg in args))
        case ir.Reduce(kind, _, low, high, _, value):
            return frozenset({kind}).union(*(_roots(part, scope, inside) for part in (low, high, value)))
        case ir.Bind(name, value, body):
            return _roots(body, scope, {**inside, name: _roots(value, scope, inside)})
        case _:
            assert_never(expr)


def _roots_of_name(unique: str, scope: Scope) -> frozenset[str]:
    """The roots of a name bound in a body; none for a variable of a reduction that has ended."""
    binding = scope.names.get(unique.partition(".")[0])
    return binding.roots if binding is not None and binding.unique == unique else frozenset()

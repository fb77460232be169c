"""Which data decide the value of an expression: what range policies are looked up by."""

from __future__ import annotations

from kernel_ir import nodes as ir
from kernel_ir.typecheck.scope import Scope


def roots_of(expr: ir.Expr, scope: Scope) -> frozenset[str]:
    """Names of the tensors, scalars and carried values that `expr` depends on; empty for pure sizes."""
    by_unique = {binding.unique: binding for binding in scope.names.values()}
    return _roots(expr, {name: binding.roots for name, binding in by_unique.items()})


def _roots(expr: ir.Expr, known: dict[str, frozenset[str]]) -> frozenset[str]:
    match expr:
        case ir.Const() | ir.Size() | ir.Given():
            return frozenset()
        case ir.Param(name):
            return frozenset({name})
        case ir.Var(name):
            return known.get(name, frozenset())
        case ir.Load(tensor):
            return frozenset({tensor})
        case ir.At(row):
            return frozenset({row})
        case ir.Apply(_, args):
            return frozenset().union(*(_roots(arg, known) for arg in args))
        case ir.Reduce(kind, _, low, high, _, value):
            parts = [_roots(part, known) for part in (low, high, value)]
            return frozenset({kind}).union(*parts)
        case ir.Bind(name, value, body):
            return _roots(body, {**known, name: _roots(value, known)})

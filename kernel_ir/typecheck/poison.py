"""An integer read out of range under `nan` has no value: it may only decide where floats are read.

`table[i]` with an out-of-range `i` marks every index computed from it as out of range. Anywhere
else (a stored value, a condition, a loop bound) it would silently stand for some number, so such
a body is refused.
"""

from __future__ import annotations

from kernel_ir import nodes as ir
from kernel_ir.errors import Diagnostic
from kernel_ir.traverse import children, statement_expressions, walk_statements


def check_poison(kernel: ir.Kernel) -> list[Diagnostic]:
    """A diagnostic for each unguarded integer load that reaches something other than an index."""
    poisoned: dict[str, ir.Load] = {}
    found: list[Diagnostic] = []
    for statement in walk_statements(kernel.body):
        match statement:
            case ir.Let(name, value) if value.type.is_integer:
                source = _source(value, poisoned)
                if source is not None:
                    poisoned[name] = source
                else:
                    _check(value, poisoned, found)
            case _:
                for expr, is_index in statement_expressions(statement):
                    if is_index:
                        _check_index(expr, poisoned, found)
                    else:
                        _check(expr, poisoned, found)
    return found


def _source(expr: ir.Expr, poisoned: dict[str, ir.Load]) -> ir.Load | None:
    """The load whose validity an integer expression inherits through plain arithmetic."""
    match expr:
        case ir.Load(policy="nan") if expr.type.is_integer:
            return expr
        case ir.Load(_, index) if expr.type.is_integer:
            return next((hit for part in index if (hit := _source(part, poisoned))), None)
        case ir.Var(name):
            return poisoned.get(name)
        case ir.Apply(_, args) if expr.type.is_integer:
            return next((hit for arg in args if (hit := _source(arg, poisoned))), None)
        case ir.Bind(_, value, body) if expr.type.is_integer:
            return _source(value, poisoned) or _source(body, poisoned)
        case _:
            return None


def _check(expr: ir.Expr, poisoned: dict[str, ir.Load], found: list[Diagnostic]) -> None:
    source = _source(expr, poisoned)
    if source is not None:
        found.append(_diagnostic(source))
        return
    match expr:
        case ir.Load(_, index):
            for part in index:
                _check_index(part, poisoned, found)
        case ir.Bind(name, value, body):
            inner = dict(poisoned)
            if (hit := _source(value, poisoned)) is not None:
                inner[name] = hit
            else:
                _check(value, poisoned, found)
            _check(body, inner, found)
        case _:
            for child in children(expr):
                _check(child, poisoned, found)


def _check_index(expr: ir.Expr, poisoned: dict[str, ir.Load], found: list[Diagnostic]) -> None:
    match expr:
        case ir.Load(_, index):
            for part in index:
                _check_index(part, poisoned, found)
        case ir.Apply(_, args) if all(arg.type.is_integer for arg in args):
            for arg in args:
                _check_index(arg, poisoned, found)
        case ir.Var():
            pass
        case _:
            _check(expr, poisoned, found)


def _diagnostic(source: ir.Load) -> Diagnostic:
    message = f"this read of `{source.tensor}` may be out of range and its value is used as a number"
    hint = "give the index's source a policy under `in_range`: `clamp`, or `trust` where the caller vouches"
    return Diagnostic("poisoned-value", message, source.span, hint)

"""The conditions under `requires`: integer arithmetic over sizes and scalars, for the host to check."""

from __future__ import annotations

import ast

from kernel_ir import nodes as ir
from kernel_ir.dtypes import F32
from kernel_ir.errors import Diagnostic
from kernel_ir.load import LoadedSpec
from kernel_ir.prove import Facts
from kernel_ir.traverse import map_children, walk
from kernel_ir.typecheck.expressions import ExpressionChecker
from kernel_ir.typecheck.parse import parse_python
from kernel_ir.typecheck.scope import Problem, Scope, Session, Signature

_OPS = frozenset(
    {
        "add",
        "subtract",
        "multiply",
        "floor_divide",
        "modulo",
        "negate",
        "minimum",
        "maximum",
        "i64",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "equal",
        "not_equal",
        "logical_and",
        "logical_or",
        "logical_not",
    }
)
_HINT = "use sizes, integer and bool arguments, + - * // %, min, max, comparisons, and, or, not"


def check_requirements(loaded: LoadedSpec, signature: Signature, session: Session) -> tuple[ir.Expr, ...]:
    """Every requirement that is well formed; the others are reported to `session`."""
    visible = Signature({}, {}, signature.scalars, signature.sizes, {})
    scope = Scope({}, Facts.for_sizes(sorted(signature.sizes)))
    found = []
    for position, text in enumerate(loaded.spec.requires):
        local = _session_of(loaded, position, visible)
        try:
            node = parse_python(text.strip(), "eval").body
            found.append(_condition(node, local, scope))
        except Problem as problem:
            session.report(problem)
        except (SyntaxError, RecursionError, MemoryError, ValueError):
            span = loaded.source.span("requires", position)
            message = "a requirement is one Python condition"
            session.report(Problem(Diagnostic("syntax", message, span, 'such as "head_dim % 2 == 0"')))
    return tuple(found)


def _session_of(loaded: LoadedSpec, position: int, signature: Signature) -> Session:
    keys = ("requires", position)
    start = len(loaded.spec.requires[position]) - len(loaded.spec.requires[position].lstrip())
    return Session(
        signature,
        lambda node: loaded.source.type_span(
            keys, start + getattr(node, "col_offset", 0), start + getattr(node, "end_col_offset", 1)
        ),
    )


def _condition(node: ast.expr, session: Session, scope: Scope) -> ir.Expr:
    condition = ExpressionChecker(session).condition(node, scope)
    for item in walk(condition):
        if not _is_for_the_host(item):
            raise session.problem("bad-condition", node, "the host cannot check this condition", _HINT)
    return _exact(condition)


def _is_for_the_host(expr: ir.Expr) -> bool:
    match expr:
        case ir.Apply(op):
            return op in _OPS and expr.type != F32
        case ir.Const() | ir.Size() | ir.Param():
            return expr.type != F32
        case _:
            return False


def _exact(expr: ir.Expr) -> ir.Expr:
    """The condition over exact integers, as the host computes: without widening casts."""
    match expr:
        case ir.Apply("i64", (value,)):
            return _exact(value)
        case _:
            return map_children(expr, _exact)

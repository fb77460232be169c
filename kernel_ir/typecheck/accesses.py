"""Elements of tensors and rows: every index proven in range, or covered by a policy."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kernel_ir import nodes as ir
from kernel_ir.printer import print_expression
from kernel_ir.typecheck.roots import roots_of
from kernel_ir.typecheck.scope import Binding, Problem, Scope
from kernel_ir.wording import counted

if TYPE_CHECKING:
    from kernel_ir.typecheck.expressions import ExpressionChecker


def read_element(checker: ExpressionChecker, node: ast.Subscript, scope: Scope) -> ir.Expr:
    """`x[i, j]` of a tensor, or `row[i]` of a named row."""
    if not isinstance(node.value, ast.Name):
        is_nested = isinstance(node.value, ast.Subscript)
        hint = "write all indices in one bracket: `x[i, j]`" if is_nested else "name it as a row first"
        message = "only a tensor or a named row can be indexed"
        raise checker.session.problem("unsupported-syntax", node, message, hint)
    name = node.value.id
    if name in scope.names:
        return _row_element(checker, node, scope.names[name], scope)
    tensor = accessible(checker, node.value, scope)
    index, policy = check_index(checker, node, tensor, scope, is_store=False)
    compute = checker.session.signature.compute.get(name)
    if compute is None:
        message = f"`{name}` holds floats or integers, as the caller chooses, and cannot be read"
        raise checker.session.problem("type-mismatch", node, message, "name the value that is stored there")
    return ir.Load(name, index, compute, policy, checker.session.span_of(node))


def accessible(checker: ExpressionChecker, node: ast.Name, scope: Scope) -> ir.TensorType:
    """The tensor a name stands for, where it may be accessed."""
    tensor = checker.session.signature.tensors.get(node.id)
    if tensor is None:
        if node.id in checker.session.signature.scalars or node.id in checker.session.signature.sizes:
            raise checker.session.problem(
                "not-a-tensor", node, f"`{node.id}` is a scalar and has no elements"
            )
        raise checker.unknown(node, node.id, scope)
    if tensor.is_optional and node.id not in scope.given:
        raise checker.session.problem(
            "optional-unguarded",
            node,
            f"`{node.id}` is optional and may be absent here",
            f"guard the access with `given({node.id})`",
        )
    return tensor


def _row_element(checker: ExpressionChecker, node: ast.Subscript, row: Binding, scope: Scope) -> ir.Expr:
    if row.kind == "broken":
        raise Problem()
    if row.kind != "row":
        message = f"`{ast.unparse(node.value)}` is a single value and has no elements"
        raise checker.session.problem("not-a-tensor", node, message)
    if isinstance(node.slice, (ast.Tuple, ast.Slice)):
        raise checker.session.problem("rank-mismatch", node, "a row takes one index")
    index = checker.integer(node.slice, scope, "an index")
    assert row.low is not None and row.high is not None and row.type is not None
    facts = scope.facts
    if not (facts.proves_less_equal(row.low, index) and facts.proves_less(index, row.high)):
        wanted = f"{print_expression(row.low)} <= {_operand(node.slice)} < {print_expression(row.high)}"
        raise checker.session.problem(
            "index-range",
            node.slice,
            f"cannot prove {wanted} (the range of `{ast.unparse(node.value)}`)",
            "index the row with a loop variable over the same range, or guard the read",
        )
    return ir.At(row.unique, index, row.type, checker.session.span_of(node))


def check_index(
    checker: ExpressionChecker, node: ast.Subscript, tensor: ir.TensorType, scope: Scope, *, is_store: bool
) -> tuple[tuple[ir.Expr, ...], ir.Policy | None]:
    """Indices of an access, each proven in range or covered by a policy."""
    items = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if len(items) != len(tensor.shape):
        got = "1 index" if len(items) == 1 else f"{len(items)} indices"
        message = f"`{tensor.name}` has {counted(len(tensor.shape), 'dimension')}, got {got}"
        raise checker.session.problem("rank-mismatch", node, message)
    for item in items:
        if isinstance(item, (ast.Slice, ast.Starred)):
            raise checker.unsupported(item)
    index = tuple(checker.integer(item, scope, "an index") for item in items)
    unproven: set[str] = set()
    for item, value, extent in zip(items, index, tensor.shape, strict=True):
        if scope.facts.proves_in_range(value, extent):
            continue
        roots = roots_of(value, scope)
        if not roots:
            raise _out_of_range(checker, item, tensor, items.index(item), extent)
        unproven |= roots
    return index, _policy(checker, node, unproven, is_store) if unproven else None


def _out_of_range(
    checker: ExpressionChecker, item: ast.expr, tensor: ir.TensorType, axis: int, extent: ir.Expr
) -> Problem:
    wanted = f"0 <= {_operand(item)} < {print_expression(extent)}"
    return checker.session.problem(
        "index-range",
        item,
        f"cannot prove {wanted} (dimension {axis} of `{tensor.name}`)",
        "correct the index, guard it with a condition, or state what holds under `requires`",
    )


def _operand(node: ast.expr) -> str:
    """An index as it may stand in a comparison."""
    text = ast.unparse(node)
    return f"({text})" if isinstance(node, ast.IfExp) else text


def _policy(checker: ExpressionChecker, node: ast.AST, roots: set[str], is_store: bool) -> ir.Policy:
    policies = checker.session.signature.policies
    stated = {policies[root] for root in roots if root in policies}
    if len(stated) > 1:
        names = ", ".join(sorted(f"{root}: {policies[root]}" for root in roots if root in policies))
        raise checker.session.problem(
            "policy-conflict",
            node,
            f"one access under two policies ({names})",
            "give the tensors one policy under `in_range`",
        )
    policy = stated.pop() if stated else "skip"
    if policy in ("skip", "nan"):
        return "skip" if is_store else "nan"
    return policy

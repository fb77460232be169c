"""Weighted sums under a softmax that need only one pass over the range: which they are.

    `p = softmax(score(j) for j in R)`
    `for d in range(n): out[d] = f(sum(p[j] * w(j, d) for j in R))`

Any score and any number of such sums serve, filtered or not, as long as the row is used in nothing else.
`codegen/lowering/online.py` lowers them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from codegen.teams import is_dealt
from kernel_ir import nodes as ir
from kernel_ir.dtypes import F32, I64
from kernel_ir.traverse import statement_expressions, substitute, walk, walk_statements

UNIT = ir.Const(1.0, F32)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum weighted by the row, in one of the loops after it: its node, and the other factor."""

    node: ir.Reduce
    factor: ir.Expr


@dataclass(frozen=True, slots=True)
class Stream:
    """A softmax row and the loops that use it up; `taken` counts the statements."""

    row: ir.Row
    loops: tuple[tuple[ir.For, tuple[Sum, ...]], ...]
    taken: int

    @property
    def is_filtered_alike(self) -> bool:
        """Whether every sum has the row's filter, or none where the row has none."""
        nodes = [item.node for _, sums in self.loops for item in sums]
        return all(_filter_of(node, self.row.var) == self.row.where for node in nodes)


def find_stream(kernel: ir.Kernel, body: tuple[ir.Stmt, ...]) -> Stream | None:
    """The stream that starts at the first statement of a block, if one does."""
    row = body[0]
    if not isinstance(row, ir.Row) or row.kind != "softmax":
        return None
    loops = []
    taken = 1
    for statement in body[1:]:
        if not isinstance(statement, ir.For) or not _uses(statement, row.names[0]):
            break
        sums = _sums_in(statement, row)
        if sums is None:
            return None
        loops.append((statement, sums))
        taken += 1
    if not loops or any(_uses(item, row.names[0]) for item in body[taken:]):
        return None
    if not all(_may_run_early(kernel, loop, sums) for loop, sums in loops):
        return None
    return Stream(row, tuple(loops), taken)


def _uses(statement: ir.Stmt, row: str) -> int:
    """How often a row is read in a statement."""
    exprs = [expr for inner in walk_statements((statement,)) for expr, _ in statement_expressions(inner)]
    return sum(1 for expr in exprs for item in walk(expr) if isinstance(item, ir.At) and item.row == row)


def _sums_in(loop: ir.For, row: ir.Row) -> tuple[Sum, ...] | None:
    """The weighted sums in a loop, or None where it uses the row in another way."""
    if loop.is_ordered or not is_dealt(loop) or _mentions_loops(loop):
        return None
    found: list[Sum] = []
    for statement in walk_statements(loop.body):
        for expr, _ in statement_expressions(statement):
            for item in walk(expr):
                if isinstance(item, ir.Reduce) and (sum_ := _as_sum(item, row)) is not None:
                    found.append(sum_)
    bound_inside = {item.name for item in walk_statements(loop.body) if isinstance(item, ir.Let)}
    for sum_ in found:
        if any(isinstance(item, ir.Var) and item.name in bound_inside for item in _parts(sum_)):
            return None
    return tuple(found) if len(found) == _uses(loop, row.names[0]) else None


def _may_run_early(kernel: ir.Kernel, loop: ir.For, sums: tuple[Sum, ...]) -> bool:
    """Whether a loop's range and its sums' factors are the same before the loops in front of it ran."""
    results = {item.name for item in kernel.results}
    plain = (ir.Const, ir.Size, ir.Var, ir.Apply)
    if not all(isinstance(item, plain) for bound in (loop.low, loop.high) for item in walk(bound)):
        return False
    factors = (item for sum_ in sums for item in _parts(sum_))
    return not any(isinstance(item, ir.Load) and item.tensor in results for item in factors)


def _parts(sum_: Sum) -> Iterator[ir.Expr]:
    """Everything that a sum reads beside the row."""
    yield from walk(sum_.factor)
    if sum_.node.where is not None:
        yield from walk(sum_.node.where)


def _mentions_loops(loop: ir.For) -> bool:
    return any(isinstance(item, (ir.For, ir.Row)) for item in walk_statements(loop.body))


def _as_sum(node: ir.Reduce, row: ir.Row) -> Sum | None:
    if node.kind != "sum" or node.low != row.low or node.high != row.high:
        return None
    factor = _without(node.value, ir.At(row.names[0], ir.Var(node.var, I64), F32))
    others = (item for part in (factor, node.where) if part is not None for item in walk(part))
    if factor is None or any(isinstance(item, ir.At) and item.row == row.names[0] for item in others):
        return None
    # Another filter may leave nothing of the sum, which a NaN among the shares must not reach.
    is_whole = node.where is None or _filter_of(node, row.var) == row.where
    return Sum(node, factor) if is_whole else None


def _filter_of(node: ir.Reduce, var: str) -> ir.Expr | None:
    """A sum's filter as one of another variable of the same range."""
    return None if node.where is None else substitute(node.where, {node.var: ir.Var(var, I64)})


def _without(product: ir.Expr, term: ir.At) -> ir.Expr | None:
    """`product` divided by `term`, where `term` is one of its factors."""
    if product == term:
        return UNIT
    if isinstance(product, ir.Bind):
        rest = _without(product.body, term)
        return None if rest is None else replace(product, body=rest)
    if not isinstance(product, ir.Apply) or product.op != "multiply":
        return None
    left, right = product.args
    if (rest := _without(left, term)) is not None:
        return right if rest == UNIT else replace(product, args=(rest, right))
    if (rest := _without(right, term)) is not None:
        return left if rest == UNIT else replace(product, args=(left, rest))
    return None

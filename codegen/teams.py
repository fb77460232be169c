"""Which loop of a nest is dealt over the lanes of a team: the one that walks memory in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernel_ir import nodes as ir
from kernel_ir.traverse import children, statement_expressions, walk

# An access inside one more loop is taken to happen this many times as often.
TYPICAL_TRIPS = 8


def is_dealt(node: ir.For | ir.Reduce | ir.Row) -> bool:
    """Whether a team deals this loop over its lanes, rather than running it in order.

    It does unless a parallel loop or reduction inside makes more steps from one element to its
    neighbour than this one: then the whole team runs this loop and deals the inner one.
    """
    steps = _Steps()
    steps.enter(node, 1)
    own = steps.of.pop(node.var)
    return own >= max(steps.of.values(), default=0)


@dataclass(slots=True)
class _Steps:
    """For each parallel loop variable of a nest, how often it steps to a neighbouring element."""

    of: dict[str, int] = field(default_factory=dict)

    def enter(self, node: ir.For | ir.Reduce | ir.Row, weight: int) -> None:
        """Count a loop: its variable, and the accesses under it."""
        if not (isinstance(node, ir.For) and node.is_ordered):
            self.of[node.var] = 0
        inner = weight * TYPICAL_TRIPS
        match node:
            case ir.For(_, _, _, body):
                self.block(body, inner)
            case ir.Reduce(_, _, _, _, where, value) | ir.Row(_, _, _, _, _, where, value):
                for part in (where, value):
                    if part is not None:
                        self.expr(part, inner)

    def block(self, body: tuple[ir.Stmt, ...], weight: int) -> None:
        for statement in body:
            match statement:
                case ir.For(_, low, high) | ir.Row(_, _, _, low, high):
                    self.expr(low, weight)
                    self.expr(high, weight)
                    self.enter(statement, weight)
                case ir.If(condition, then, orelse):
                    self.expr(condition, weight)
                    self.block(then, weight)
                    self.block(orelse, weight)
                case ir.Store(_, index):
                    self.access(index, weight)
                    self.plain(statement, weight)
                case _:
                    self.plain(statement, weight)

    def plain(self, statement: ir.Stmt, weight: int) -> None:
        for expr, _ in statement_expressions(statement):
            self.expr(expr, weight)

    def expr(self, expr: ir.Expr, weight: int) -> None:
        match expr:
            case ir.Reduce(_, _, low, high):
                self.expr(low, weight)
                self.expr(high, weight)
                self.enter(expr, weight)
            case ir.Load(_, index):
                self.access(index, weight)
                for part in index:
                    self.expr(part, weight)
            case _:
                for child in children(expr):
                    self.expr(child, weight)

    def access(self, index: tuple[ir.Expr, ...], weight: int) -> None:
        for var in self.of:
            if steps_by_one(index[-1], var):
                self.of[var] += weight


def steps_by_one(index: ir.Expr, var: str) -> bool:
    """Whether `index` is `var` plus something that does not depend on it."""
    match index:
        case ir.Var(name):
            return name == var
        case ir.Apply("add", (left, right)):
            return (steps_by_one(left, var) and not _depends(right, var)) or (
                steps_by_one(right, var) and not _depends(left, var)
            )
        case ir.Apply("subtract", (left, right)):
            return steps_by_one(left, var) and not _depends(right, var)
        case _:
            return False


def _depends(expr: ir.Expr, var: str) -> bool:
    return any(isinstance(item, ir.Var) and item.name == var for item in walk(expr))

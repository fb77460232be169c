"""Which loop of a nest is dealt over the lanes of a team: the one that walks memory in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernel_ir import nodes as ir
from kernel_ir.traverse import children, statement_expressions, walk

# An access inside one more loop is taken to happen this many times as often.
TYPICAL_TRIPS = 8


def is_dealt(node: ir.For | ir.Reduce | ir.Row) -> bool:
    """Whether a team deals this loop over its lanes, rather than running it in order.

    It does unless a parallel loop or reduction inside steps at least as often from one element to
    its neighbour: then the whole team runs this loop and deals the inner one.
    """
    steps = _Steps()
    steps.enter(node, ())
    own = steps.of.pop(node.var)
    best = max(steps.of.values(), default=0)
    return own > best or best == 0


@dataclass(slots=True)
class _Steps:
    """For each parallel loop variable of a nest, how often it steps to a neighbouring element.

    An access counts as often as the loops run that its index depends on; what does not depend on an
    inner loop is moved in front of it. `loops` are the enclosing variables, outermost first, and
    `depends` says for each bound name which of them it follows.
    """

    of: dict[str, int] = field(default_factory=dict)
    depends: dict[str, frozenset[str]] = field(default_factory=dict)

    def enter(self, node: ir.For | ir.Reduce | ir.Row, loops: tuple[str, ...]) -> None:
        """Count a loop: its variable, and the accesses under it."""
        if not (isinstance(node, ir.For) and node.is_ordered):
            self.of[node.var] = 0
        self.depends[node.var] = frozenset({node.var}) | self.names(node.low) | self.names(node.high)
        inner = (*loops, node.var)
        match node:
            case ir.For(_, _, _, body):
                self.block(body, inner)
            case ir.Reduce(_, _, _, _, where, value) | ir.Row(_, _, _, _, _, where, value):
                for part in (where, value):
                    if part is not None:
                        self.expr(part, inner)

    def block(self, body: tuple[ir.Stmt, ...], loops: tuple[str, ...]) -> None:
        for statement in body:
            match statement:
                case ir.For(_, low, high) | ir.Row(_, _, _, low, high):
                    self.expr(low, loops)
                    self.expr(high, loops)
                    self.enter(statement, loops)
                case ir.If(condition, then, orelse):
                    self.expr(condition, loops)
                    self.block(then, loops)
                    self.block(orelse, loops)
                case ir.Store(_, index):
                    self.access(index, loops)
                    self.plain(statement, loops)
                case ir.Let(name, value):
                    self.depends[name] = self.names(value)
                    self.plain(statement, loops)
                case _:
                    self.plain(statement, loops)

    def plain(self, statement: ir.Stmt, loops: tuple[str, ...]) -> None:
        for expr, _ in statement_expressions(statement):
            self.expr(expr, loops)

    def expr(self, expr: ir.Expr, loops: tuple[str, ...]) -> None:
        match expr:
            case ir.Reduce(_, _, low, high):
                self.expr(low, loops)
                self.expr(high, loops)
                self.enter(expr, loops)
            case ir.Bind(name, value, body):
                self.depends[name] = self.names(value)
                self.expr(value, loops)
                self.expr(body, loops)
            case ir.Load(_, index):
                self.access(index, loops)
                for part in index:
                    self.expr(part, loops)
            case _:
                for child in children(expr):
                    self.expr(child, loops)

    def names(self, expr: ir.Expr) -> frozenset[str]:
        """The loop variables that an expression's value follows, as far as they are known."""
        variables = (item.name for item in walk(expr) if isinstance(item, ir.Var))
        return frozenset().union(*(self.depends.get(name, frozenset()) for name in variables))

    def access(self, index: tuple[ir.Expr, ...], loops: tuple[str, ...]) -> None:
        followed = frozenset().union(*(self.names(part) for part in index))
        depth = max((position for position, var in enumerate(loops, 1) if var in followed), default=0)
        for var in self.of:
            if steps_by_one(index[-1], var):
                self.of[var] += TYPICAL_TRIPS**depth


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

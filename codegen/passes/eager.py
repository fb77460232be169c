"""Make every branch safe to evaluate: loads that only one branch may perform get its condition.

before:  `(x[i - 1] * 2.0) if i > 0 else 0.0`
after:   `((x[i - 1] if i > 0 else 0.0) * 2.0) if i > 0 else 0.0`

After this pass a `select` may evaluate both branches, and `and` and `or` both sides, unless the
taken branch is itself a load: that one form stays lazy and is what targets print as a guarded load.
A filter of a reduction guards the loads of its value in the same way. Elements of rows are treated
as loads are, but for those whose index runs over the row's own range. A condition that reads memory gets a
name where several reads need it, so that choices inside choices do not copy one another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from codegen.build_ir import ZERO, conjunction, op, select, zero
from codegen.names import Names
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL
from kernel_ir.traverse import map_children, substitute, walk, walk_statements

Range = tuple[ir.Expr, ir.Expr]
Path = tuple[ir.Expr, ...]  # conditions under which an expression counts, each safe to evaluate itself


def make_eager(kernel: ir.Kernel) -> ir.Kernel:
    """The kernel with every conditional load guarded by its own condition."""
    changing = frozenset(item.name for item in walk_statements(kernel.body) if isinstance(item, ir.Update))
    return replace(kernel, body=_Eager(Names(kernel), changing).block(kernel.body))


def guard_reads(expr: ir.Expr, condition: ir.Expr, names: Names) -> ir.Expr:
    """`expr` with its loads and row elements read only where `condition` holds."""
    return _Eager(names).expr(expr, (condition,))


@dataclass(frozen=True, slots=True)
class _Eager:
    """The walk. `ranges` holds those of loop variables and rows, `changing` the names that are updated."""

    names: Names
    changing: frozenset[str] = frozenset()
    ranges: dict[str, Range] = field(default_factory=dict)

    def block(self, body: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...]:
        return tuple(self.statement(statement) for statement in body)

    def statement(self, statement: ir.Stmt) -> ir.Stmt:
        match statement:
            case ir.Let(_, value) | ir.Update(_, value):
                return replace(statement, value=self.expr(value, ()))
            case ir.Row():
                return self.row(statement)
            case ir.Store(_, index, value):
                return replace(
                    statement, index=tuple(self.expr(part, ()) for part in index), value=self.expr(value, ())
                )
            case ir.For(var, low, high, body):
                self.ranges[var] = low, high
                return replace(
                    statement, low=self.expr(low, ()), high=self.expr(high, ()), body=self.block(body)
                )
            case ir.If(condition, then, orelse):
                return ir.If(self.expr(condition, ()), self.block(then), self.block(orelse), statement.span)

    def row(self, row: ir.Row) -> ir.Row:
        self.ranges[row.var] = row.low, row.high
        own = (row.low, row.high) if row.count is None else (ZERO, row.count)
        self.ranges.update(dict.fromkeys(row.names, own))
        low, high, test, value = self.range(row.low, row.high, row.where, row.value, ())
        return replace(row, low=low, high=high, where=test, value=value)

    def is_inside_always(self, at: ir.At) -> bool:
        """Whether the index of a row element runs over the row's own range, whatever the condition."""
        if not isinstance(at.index, ir.Var) or at.row not in self.ranges:
            return False
        row = self.ranges[at.row]
        names = {item.name for bound in row for item in walk(bound) if isinstance(item, ir.Var)}
        return self.ranges.get(at.index.name) == row and not names & self.changing

    def expr(self, expr: ir.Expr, path: Path) -> ir.Expr:
        """`expr` with its loads performed only where all conditions of `path` hold."""
        match expr:
            case ir.Load(_, index):
                load = replace(expr, index=tuple(self.expr(part, path) for part in index))
                return select(self.holds(path), load, zero(expr.type))
            case ir.At(_, index) if not self.is_inside_always(expr):
                at = replace(expr, index=self.expr(index, path))
                return select(self.holds(path), at, zero(expr.type))
            case ir.Apply("select", (condition, taken, other)):
                return self.select(expr, condition, taken, other, path)
            case ir.Apply("logical_and" | "logical_or" as name, (left, right)):
                left = self.expr(left, path)
                return self.named(left, lambda known: self.both(name, known, right, path))
            case ir.Reduce(_, var, low, high, where, value):
                self.ranges[var] = low, high
                low, high, test, value = self.range(low, high, where, value, path)
                return replace(expr, low=low, high=high, where=test, value=value)
            case _:
                return map_children(expr, lambda child: self.expr(child, path))

    def range(
        self, low: ir.Expr, high: ir.Expr, where: ir.Expr | None, value: ir.Expr, path: Path
    ) -> tuple[ir.Expr, ir.Expr, ir.Expr | None, ir.Expr]:
        """The parts of a filtered range; the filter guards the value."""
        low, high = self.expr(low, path), self.expr(high, path)
        if where is None:
            return low, high, None, self.expr(value, path)
        test = self.expr(where, path)
        own = self.names.refresh(test)
        return low, high, test, self.named(own, lambda known: self.expr(value, self.under(path, known)))

    def both(self, name: str, left: ir.Expr, right: ir.Expr, path: Path) -> ir.Expr:
        """`left and right`, or `left or right`, where the right side is only needed after the left."""
        known = left if name == "logical_and" else op("logical_not", left)
        return ir.Apply(name, (left, self.expr(right, self.under(path, known))), BOOL)

    def named(self, test: ir.Expr, build: Callable[[ir.Expr], ir.Expr]) -> ir.Expr:
        """What `build` makes of a condition; under a name where that needs it again and it reads memory."""
        if not any(isinstance(item, (ir.Load, ir.At, ir.Reduce)) for item in walk(test)):
            return build(test)
        name = self.names.fresh("holds")
        built = build(ir.Var(name, BOOL))
        if sum(isinstance(item, ir.Var) and item.name == name for item in walk(built)) > 1:
            return ir.Bind(name, test, built, built.type)
        return substitute(built, {name: test})

    def under(self, path: Path, condition: ir.Expr) -> Path:
        return (*path, condition)

    def holds(self, path: Path) -> ir.Expr:
        """All conditions of a path at once, binding names of their own wherever they stand."""
        return conjunction(*(self.names.refresh(condition) for condition in path))

    def select(self, whole: ir.Apply, test: ir.Expr, taken: ir.Expr, other: ir.Expr, path: Path) -> ir.Expr:
        return self.named(self.expr(test, path), lambda known: self.choice(whole, known, taken, other, path))

    def choice(self, whole: ir.Apply, test: ir.Expr, taken: ir.Expr, other: ir.Expr, path: Path) -> ir.Apply:
        inside = self.under(path, test)
        otherwise = self.expr(other, self.under(path, ir.Apply("logical_not", (test,), BOOL)))
        if isinstance(taken, (ir.Load, ir.At)) and not path:
            read = map_children(taken, lambda part: self.expr(part, inside))
            return replace(whole, args=(test, read, otherwise))
        return replace(whole, args=(test, self.expr(taken, inside), otherwise))

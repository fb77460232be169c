"""Make every branch safe to evaluate: loads that only one branch may perform get its condition.

before:  `(x[i - 1] * 2.0) if i > 0 else 0.0`
after:   `((x[i - 1] if i > 0 else 0.0) * 2.0) if i > 0 else 0.0`

After this pass a `select` may evaluate both branches, and `and` and `or` both sides, unless the
taken branch is itself a load: that one form stays lazy and is what targets print as a guarded load.
A filter of a reduction guards the loads of its value in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.build_ir import conjunction, op, select, zero
from codegen.names import Names
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL
from kernel_ir.traverse import map_children

Path = tuple[ir.Expr, ...]  # conditions under which an expression counts, each safe to evaluate itself


def make_eager(kernel: ir.Kernel) -> ir.Kernel:
    """The kernel with every conditional load guarded by its own condition."""
    return replace(kernel, body=_Eager(Names(kernel)).block(kernel.body))


@dataclass(frozen=True, slots=True)
class _Eager:
    names: Names

    def block(self, body: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...]:
        return tuple(self.statement(statement) for statement in body)

    def statement(self, statement: ir.Stmt) -> ir.Stmt:
        match statement:
            case ir.Let(_, value) | ir.Update(_, value):
                return replace(statement, value=self.expr(value, ()))
            case ir.Row(_, _, _, low, high, where, value):
                low, high, test, value = self.range(low, high, where, value, ())
                return replace(statement, low=low, high=high, where=test, value=value)
            case ir.Store(_, index, value):
                return replace(
                    statement, index=tuple(self.expr(part, ()) for part in index), value=self.expr(value, ())
                )
            case ir.For(_, low, high, body):
                return replace(
                    statement, low=self.expr(low, ()), high=self.expr(high, ()), body=self.block(body)
                )
            case ir.If(condition, then, orelse):
                return ir.If(self.expr(condition, ()), self.block(then), self.block(orelse), statement.span)

    def expr(self, expr: ir.Expr, path: Path) -> ir.Expr:
        """`expr` with its loads performed only where all conditions of `path` hold."""
        match expr:
            case ir.Load(_, index):
                load = replace(expr, index=tuple(self.expr(part, path) for part in index))
                return select(conjunction(*path), load, zero(expr.type))
            case ir.Apply("select", (condition, taken, other)):
                return self.select(expr, condition, taken, other, path)
            case ir.Apply("logical_and" | "logical_or" as name, (left, right)):
                left = self.expr(left, path)
                known = left if name == "logical_and" else op("logical_not", left)
                return replace(expr, args=(left, self.expr(right, self.under(path, known))))
            case ir.Reduce(_, _, low, high, where, value):
                low, high, test, value = self.range(low, high, where, value, path)
                return replace(expr, low=low, high=high, where=test, value=value)
            case _:
                return map_children(expr, lambda child: self.expr(child, path))

    def range(
        self, low: ir.Expr, high: ir.Expr, where: ir.Expr | None, value: ir.Expr, path: Path
    ) -> tuple[ir.Expr, ir.Expr, ir.Expr | None, ir.Expr]:
        """The parts of a filtered range; the filter guards the value."""
        test = None if where is None else self.expr(where, path)
        inner = path if test is None else self.under(path, test)
        return self.expr(low, path), self.expr(high, path), test, self.expr(value, inner)

    def under(self, path: Path, condition: ir.Expr) -> Path:
        return (*path, self.names.refresh(condition))

    def select(self, whole: ir.Apply, test: ir.Expr, taken: ir.Expr, other: ir.Expr, path: Path) -> ir.Expr:
        test = self.expr(test, path)
        inside = self.under(path, test)
        otherwise = self.expr(other, self.under(path, ir.Apply("logical_not", (test,), BOOL)))
        if isinstance(taken, ir.Load) and not path:
            load = replace(taken, index=tuple(self.expr(part, inside) for part in taken.index))
            return replace(whole, args=(test, load, otherwise))
        return replace(whole, args=(test, self.expr(taken, inside), otherwise))

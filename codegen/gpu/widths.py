"""Which 64-bit integers fit 32 bits, and under which sizes.

Every integer of type i64 is either *narrow*, with a bound of its magnitude that host code can
compute from sizes and scalars, or *wide*. Narrow values are written in the kernel's index type,
which is 32 bits wide wherever all their bounds are below `LIMIT`; wide ones always take 64 bits.
A 32-bit value that is only widened is narrow without a bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from codegen import lowered as low
from codegen.build_ir import ONE, ZERO, op
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, I32, I64
from kernel_ir.traverse import children

# Room for a loop variable to step once past its end.
LIMIT = 2**31 - 2**20

ANY_I32 = ir.Const(2**31 - 1, I64)  # the magnitude of a 32-bit value that nothing else is known of

Magnitude = ir.Expr | None


@dataclass(slots=True)
class Widths:
    """Magnitudes of a launch's names, filled in by `enter`; `bounds` collects what must stay narrow."""

    magnitudes: dict[str, Magnitude] = field(default_factory=dict)
    bounds: dict[ir.Expr, None] = field(default_factory=dict)

    @staticmethod
    def of_launch(launch: low.Launch, known: Mapping[str, Magnitude]) -> Widths:
        """The widths in a launch; `known` holds names that other launches bound."""
        widths = Widths(dict(known))
        for axis in launch.grid:
            widths.enter(axis.var, axis.low, axis.high)
        widths.block(launch.body)
        for statement in low.walk(launch.body):
            for expr in low.expressions(statement):
                widths.collect(expr)
        return widths

    def enter(self, var: str, first: ir.Expr, end: ir.Expr) -> None:
        """A loop: its variable lies between its bounds."""
        self.magnitudes[var] = self._greater(self.magnitude(first), self.magnitude(end))
        self.collect(first)
        self.collect(end)

    def block(self, body: tuple[low.Stmt, ...]) -> None:
        for statement in body:
            match statement:
                case ir.Let(name, value, is_mutable):
                    self.magnitudes[name] = None if is_mutable else self.magnitude(value)
                case low.Loop(var, first, end):
                    self.enter(var, first, end)
                case low.Fold(accumulators, var, first, end):
                    self.enter(var, first, end)
                    for item in accumulators:
                        ends = self.magnitude(first), self.magnitude(end)
                        self.magnitudes.update(dict.fromkeys(item.names))
                        self.magnitudes[item.names[0]] = self._sum(*ends) if item.is_indexed else None
                case _:
                    pass
            for inner in low.blocks(statement):
                self.block(inner)

    def is_wide(self, expr: ir.Expr) -> bool:
        """Whether an i64 needs 64 bits whatever the sizes are."""
        return expr.type == I64 and self.magnitude(expr) is None

    def collect(self, expr: ir.Expr) -> None:
        """Note the bounds of every narrow integer in an expression."""
        if expr.type == I64:
            found = self.magnitude(expr)
            if found is not None and not isinstance(found, ir.Const):
                self.bounds[found] = None
        for child in children(expr):
            self.collect(child)

    def magnitude(self, expr: ir.Expr) -> Magnitude:
        """A bound of |expr| over sizes and scalars; ANY_I32 for widened data; None where there is none."""
        match expr:
            case ir.Const(value) if expr.type == I64:
                return ir.Const(abs(int(value)), I64) if abs(int(value)) < LIMIT else None
            case ir.Size():
                return expr
            case ir.Param() if expr.type in (I32, I64):
                return ANY_I32 if expr.type == I32 else None
            case ir.Var(name) if expr.type == I64:
                return self.magnitudes.get(name)
            case ir.Apply(name, args) if expr.type == I64:
                return self._apply(name, args)
            case _:
                return None

    def _apply(self, name: str, args: tuple[ir.Expr, ...]) -> Magnitude:
        match name, args:
            case "i64", (inner,):
                return {I32: ANY_I32, BOOL: ONE, I64: self.magnitude(inner)}.get(inner.type)
            case "add" | "subtract", (left, right):
                return self._sum(self.magnitude(left), self.magnitude(right))
            case "multiply", (left, right):
                return self._product(self.magnitude(left), self.magnitude(right))
            case (("negate" | "abs"), (inner,)):
                return _unless_any(self.magnitude(inner))
            case "floor_divide", (left, right):
                found = self.magnitude(left) if self.magnitude(right) is not None else None
                return found if isinstance(right, (ir.Const, ir.Size)) else _unless_any(found)
            case "modulo", (left, right):
                return self.magnitude(right) if self.magnitude(left) is not None else None
            case (("minimum" | "maximum"), (left, right)):
                return self._greater(self.magnitude(left), self.magnitude(right))
            case "select", (_, left, right):
                return self._greater(self.magnitude(left), self.magnitude(right))
            case _:
                return None

    @staticmethod
    def _sum(left: Magnitude, right: Magnitude) -> Magnitude:
        if left == ZERO or right == ZERO:
            return right if left == ZERO else left
        return _exactly(left, right, "add")

    @staticmethod
    def _product(left: Magnitude, right: Magnitude) -> Magnitude:
        if left == ONE or right == ONE:
            return right if left == ONE else left
        return _exactly(left, right, "multiply")

    @staticmethod
    def _greater(left: Magnitude, right: Magnitude) -> Magnitude:
        if left is None or right is None:
            return None
        if left == right or ANY_I32 in (left, right):
            return left if right == ZERO or left == right else ANY_I32
        if ZERO in (left, right):
            return right if left == ZERO else left
        if isinstance(left, ir.Const) and isinstance(right, ir.Const):
            return max(left, right, key=lambda bound: bound.value)
        return op("maximum", left, right)


def _unless_any(found: Magnitude) -> Magnitude:
    """The lowest 32-bit integer has no negative of its own width."""
    return None if found == ANY_I32 else found


def _exactly(left: Magnitude, right: Magnitude, name: str) -> Magnitude:
    """The bound of a sum or product; None where one operand may be any 32-bit value."""
    if left is None or right is None or ANY_I32 in (left, right):
        return None
    if isinstance(left, ir.Const) and isinstance(right, ir.Const):
        a, b = int(left.value), int(right.value)
        total = a + b if name == "add" else a * b
        return ir.Const(total, I64) if total < LIMIT else None
    return op(name, left, right)

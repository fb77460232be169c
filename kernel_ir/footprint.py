"""How many lanes one iteration of a parallel loop opens, for the grid interpreter's chunks.

Only memory depends on this, never a result: where a range depends on data or on other loops, the
kernel's greatest size stands in for its extent.
"""

from __future__ import annotations

from kernel_ir.bind_arguments import Frame, evaluate_size
from kernel_ir.nodes import Expr, For, If, Kernel, Reduce, Row, Stmt
from kernel_ir.traverse import children, statement_expressions


class Footprints:
    """Estimates for the loops of one kernel at the sizes of one frame."""

    def __init__(self, kernel: Kernel, frame: Frame) -> None:
        self._known = frame.sizes | {name: value.item() for name, value in frame.scalars.items()}
        arrays = (*frame.entry.values(), *frame.live.values())
        self._stand_in = max([1, *(extent for array in arrays for extent in array.shape)])
        self._of_loop: dict[int, int] = {}
        self._of_block(kernel.body)

    def of(self, loop: For) -> int:
        """The greatest number of lanes open at once in one iteration of `loop`; at least 1."""
        return self._of_loop[id(loop)]

    def _of_block(self, statements: tuple[Stmt, ...]) -> int:
        return max([1, *map(self._of_statement, statements)])

    def _of_statement(self, stmt: Stmt) -> int:
        inside = max([1, *(self._of_expression(expr) for expr, _ in statement_expressions(stmt))])
        match stmt:
            case For():
                self._of_loop[id(stmt)] = body = self._of_block(stmt.body)
                return max(inside, body if stmt.is_ordered else body * self._extent(stmt.low, stmt.high))
            case If():
                return max(inside, self._of_block(stmt.then), self._of_block(stmt.orelse))
            case Row():
                return inside * self._extent(stmt.low, stmt.high)
            case _:
                return inside

    def _of_expression(self, expr: Expr) -> int:
        inside = max([1, *map(self._of_expression, children(expr))])
        return inside * self._extent(expr.low, expr.high) if isinstance(expr, Reduce) else inside

    def _extent(self, low: Expr, high: Expr) -> int:
        first, last = evaluate_size(low, self._known), evaluate_size(high, self._known)
        return self._stand_in if first is None or last is None else max(1, last - first)

"""Loops that take words from a row, the greatest first.

    `for turn in range(k):`
    `    fold top over lanes: at = where row is greatest`
    `    ...`
    `    if 0 <= at: row[at] = 0`

A lane whose few words are in order knows its greatest at once, and what it takes moves the others up: that is
less work in a round than to look at all of them and to clear one.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen import lowered as low
from codegen.build_ir import ZERO, compare
from codegen.gpu.plan import LaunchPlan
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64, U32
from kernel_ir.traverse import walk


@dataclass(frozen=True, slots=True)
class Taking:
    """A loop that takes words of `row`: the fold that finds one, and what a round does with it."""

    row: str
    fold: low.Fold
    rest: tuple[low.Stmt, ...]

    @staticmethod
    def of(loop: low.Loop, plan: LaunchPlan) -> Taking | None:
        """The parts of such a loop, over a row that lanes keep in chunks and nothing else reads; or None."""
        match loop.body:
            case (low.Fold(kind="lanes", body=()) as fold, *rest, low.If() as clearing) if fold.low == ZERO:
                row = _row_of(fold)
            case _:
                return None
        if row is None or fold.var not in plan.chunked or fold.var not in plan.turning:
            return None
        found = ir.Var(fold.accumulators[0].names[0], I64)
        cleared = low.Put(row, found, ir.Const(0, U32))
        if clearing != low.If(compare("less_equal", ZERO, found), (cleared,)) or not _is_alone(row, plan):
            return None
        return Taking(row, fold, tuple(rest))


def _row_of(fold: low.Fold) -> str | None:
    """The row whose greatest word a fold finds, and nothing more."""
    match fold.accumulators:
        case (low.Accumulator(_, "top", _, None, ir.At(row, ir.Var(var))),) if var == fold.var:
            return row
        case _:
            return None


def _is_alone(row: str, plan: LaunchPlan) -> bool:
    """Whether one statement reads a row, and one puts single words there."""
    inside = tuple(low.walk(plan.launch.body))
    reads = [
        item
        for statement in inside
        for expr in low.expressions(statement)
        for item in walk(expr)
        if isinstance(item, ir.At) and item.row == row
    ]
    puts = [item for item in inside if isinstance(item, low.Put) and item.row == row]
    return plan.rows[row].placement == "dealt" and len(reads) == 1 and len(puts) == 2

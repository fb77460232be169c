"""Weighted sums under a softmax, in one pass over the range: the online form.

before:  `p = softmax(score(j) for j in R)`
         `for d in range(n): out[d] = f(sum(p[j] * w(j, d) for j in R))`
after:   for j in R, in order, on the whole team:
             s = score(j); the running maximum, sum and row `acc` are rescaled and s is added:
             for d over lanes: acc[d] = acc[d] * keep + weight * w(j, d)
         for d over lanes: out[d] = f(acc[d] / sum)

Everything under `w` and `score` is then read once. It applies to any score and any number of such
sums, as long as the row is used in nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codegen import lowered as low
from codegen.build_ir import compare, op, select, zero
from codegen.lowering.rows import extent_of, offset
from codegen.teams import is_dealt
from kernel_ir import nodes as ir
from kernel_ir.dtypes import F32, I64
from kernel_ir.traverse import (
    map_children,
    map_expressions,
    statement_expressions,
    substitute,
    walk,
    walk_statements,
)

if TYPE_CHECKING:
    from codegen.lowering.lower import Lowering

LOWEST = ir.Const(-math.inf, F32)
UNIT = ir.Const(1.0, F32)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum weighted by the row, in one of the loops after it: its node and the other factor."""

    node: ir.Reduce
    factor: ir.Expr


@dataclass(frozen=True, slots=True)
class Stream:
    """A softmax row and the loops that use it up; `taken` counts the statements."""

    row: ir.Row
    loops: tuple[tuple[ir.For, tuple[Sum, ...]], ...]
    taken: int


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
        if any(isinstance(item, ir.Var) and item.name in bound_inside for item in walk(sum_.factor)):
            return None
    return tuple(found) if len(found) == _uses(loop, row.names[0]) else None


def _may_run_early(kernel: ir.Kernel, loop: ir.For, sums: tuple[Sum, ...]) -> bool:
    """Whether a loop's range and its sums' factors are the same before the loops in front of it ran."""
    results = {item.name for item in kernel.results}
    plain = (ir.Const, ir.Size, ir.Var, ir.Apply)
    if not all(isinstance(item, plain) for bound in (loop.low, loop.high) for item in walk(bound)):
        return False
    factors = (item for sum_ in sums for item in walk(sum_.factor))
    return not any(isinstance(item, ir.Load) and item.tensor in results for item in factors)


def _mentions_loops(loop: ir.For) -> bool:
    return any(isinstance(item, (ir.For, ir.Row)) for item in walk_statements(loop.body))


def _as_sum(node: ir.Reduce, row: ir.Row) -> Sum | None:
    same_range = node.low == row.low and node.high == row.high and node.where is None
    if node.kind != "sum" or not same_range:
        return None
    factor = _without(node.value, ir.At(row.names[0], ir.Var(node.var, I64), F32))
    if factor is None or any(isinstance(item, ir.At) and item.row == row.names[0] for item in walk(factor)):
        return None
    return Sum(node, factor)


def _without(product: ir.Expr, term: ir.At) -> ir.Expr | None:
    """`product` divided by `term`, where `term` is one of its factors."""
    if product == term:
        return UNIT
    if not isinstance(product, ir.Apply) or product.op != "multiply":
        return None
    left, right = product.args
    if (rest := _without(left, term)) is not None:
        return right if rest == UNIT else replace(product, args=(rest, right))
    if (rest := _without(right, term)) is not None:
        return left if rest == UNIT else replace(product, args=(left, rest))
    return None


def lower_stream(lowering: Lowering, stream: Stream, out: list[low.Stmt]) -> int:
    """Append the one pass and the loops that finish it; how many statements it took."""
    row, names = stream.row, lowering.names
    name = row.names[0]
    peak, total = names.fresh(f"{name}_max"), names.fresh(f"{name}_sum")
    rows = {id(sum_): names.fresh(f"{name}_acc") for _, sums in stream.loops for sum_ in sums}
    for loop, sums in stream.loops:
        for sum_ in sums:
            _start(lowering, loop, rows[id(sum_)], out)
    out += [ir.Let(peak, LOWEST, True), ir.Let(total, zero(F32), True)]
    first, end = lowering.bounds(row, "team", out)
    body = _step(lowering, stream, peak, total, rows)
    out.append(low.Loop(row.var, first, end, "serial", body))
    scale = names.fresh(f"{name}_scale")
    out.append(ir.Let(scale, _final_scale(ir.Var(total, F32))))
    for loop, sums in stream.loops:
        finished = {sum_.node: _finish(loop, rows[id(sum_)], ir.Var(scale, F32)) for sum_ in sums}
        lowering.loop(_replace_in(loop, finished), "team", out)
    return stream.taken


def _start(lowering: Lowering, loop: ir.For, acc: str, out: list[low.Stmt]) -> None:
    """A row of zeros over the loop's range."""
    from codegen.lowering.rows import RowPlan

    var = lowering.names.fresh(loop.var)
    out.append(low.Allocate(acc, F32, extent_of(loop)))
    put = low.Put(acc, offset(ir.Var(var, I64), loop.low), zero(F32))
    out.append(low.Loop(var, loop.low, loop.high, "lanes", (put,)))
    lowering.rows[acc] = RowPlan(acc, F32, loop.low, is_repeatable=False)


def _step(
    lowering: Lowering, stream: Stream, peak: str, total: str, rows: dict[int, str]
) -> tuple[low.Stmt, ...]:
    """One element of the range: rescale what has been summed, and add it."""
    row, fresh = stream.row, lowering.names.fresh
    body: list[low.Stmt] = []
    names = {part: fresh(f"{row.names[0]}_{part}") for part in ("score", "top", "keep", "weight")}
    score, top, keep, weight = (ir.Var(names[part], F32) for part in ("score", "top", "keep", "weight"))
    m, z = ir.Var(peak, F32), ir.Var(total, F32)
    body.append(ir.Let(score.name, lowering.expr(row.value, "team", body)))
    body.append(ir.Let(top.name, op("maximum", m, score)))
    rescale = op("exp", op("subtract", m, top))
    body.append(ir.Let(keep.name, select(compare("equal", m, top), UNIT, rescale)))
    fresh_weight = op("exp", op("subtract", score, top))
    body.append(ir.Let(weight.name, select(compare("equal", top, LOWEST), zero(F32), fresh_weight)))
    body.append(ir.Update(total, op("add", op("multiply", z, keep), weight)))
    body.append(ir.Update(peak, top))
    for loop, sums in stream.loops:
        for sum_ in sums:
            body.append(_accumulate(lowering, stream.row, loop, sum_, rows[id(sum_)], keep, weight))
    if row.where is None:
        return tuple(body)
    before: list[low.Stmt] = []
    test = lowering.expr(row.where, "team", before)
    return (*before, low.If(test, tuple(body)))


def _accumulate(
    lowering: Lowering, row: ir.Row, loop: ir.For, sum_: Sum, acc: str, keep: ir.Expr, weight: ir.Expr
) -> low.Loop:
    var = lowering.names.fresh(loop.var)
    here: dict[str, ir.Expr] = {loop.var: ir.Var(var, I64), sum_.node.var: ir.Var(row.var, I64)}
    body: list[low.Stmt] = []
    factor = lowering.expr(lowering.names.refresh(substitute(sum_.factor, here)), "lane", body)
    place = offset(ir.Var(var, I64), loop.low)
    added = op("add", op("multiply", ir.At(acc, place, F32), keep), op("multiply", weight, factor))
    return low.Loop(var, loop.low, loop.high, "lanes", (*body, low.Put(acc, place, added)))


def _final_scale(total: ir.Expr) -> ir.Expr:
    """1 / sum; 0 where there was no term, or none above -inf."""
    nothing = compare("equal", total, zero(F32))
    return select(nothing, zero(F32), op("divide", UNIT, total))


def _finish(loop: ir.For, acc: str, scale: ir.Expr) -> ir.Expr:
    return op("multiply", ir.At(acc, ir.Var(loop.var, I64), F32), scale)


def _replace_in(loop: ir.For, finished: dict[ir.Reduce, ir.Expr]) -> ir.For:
    def change(expr: ir.Expr) -> ir.Expr:
        if isinstance(expr, ir.Reduce) and expr in finished:
            return finished[expr]
        return map_children(expr, change)

    return replace(loop, body=tuple(map_expressions(item, change) for item in loop.body))

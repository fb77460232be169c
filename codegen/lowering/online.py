"""Lower a stream: one pass over its range, with a running peak and running sums.

before:  `p = softmax(score(j) for j in R)`
         `for d in range(n): out[d] = f(sum(p[j] * w(j, d) for j in R))`
after:   for each block of R, in order, on the whole team:
             for j in the block:
                 s = score(j); where it tops `peak` by far, all that was summed is scaled to it
                 for d over lanes: part[d] = part[d] + exp(s - peak) * w(j, d)
             for d over lanes: acc[d] = acc[d] + part[d]
         for d over lanes: out[d] = f(acc[d] / sum)

However long the range, a sum rounds about as often as that of one block: inside a block terms are added
in order, and what adding a block rounds away is taken off the next (Kahan's compensation). Scaling costs
no more: it happens only where the peak rises by `RISE`, so that what was rounded before it shrinks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codegen import lowered as low
from codegen.build_ir import ZERO, compare, extent_of, offset, op, select, zero
from codegen.lowering.clip import end_of, extent_of_numbers, first_of
from codegen.lowering.rows import RowPlan, row_length
from codegen.lowering.streams import Stream, Sum
from kernel_ir import nodes as ir
from kernel_ir.dtypes import F32, I64
from kernel_ir.traverse import map_children, map_expressions, substitute

if TYPE_CHECKING:
    from codegen.lowering.lower import Lowering

LOWEST = ir.Const(-math.inf, F32)
HIGHEST = ir.Const(math.inf, F32)
UNIT = ir.Const(1.0, F32)
RISE = ir.Const(1.0, F32)  # how far a score may top the peak, so weights are at most e
BLOCK = 16  # terms that are added in order


def lower_stream(lowering: Lowering, stream: Stream, out: list[low.Stmt]) -> int:
    """Append the one pass and the loops that finish it; how many statements of the block they replace."""
    _Online.of(lowering, stream).append_to(out)
    return stream.taken


@dataclass(frozen=True, slots=True)
class _Online:
    """A stream being lowered: the names of its peak, of the sum of weights and of the weighted sums."""

    lowering: Lowering
    stream: Stream
    peak: str
    weights: low.Running
    rows: dict[int, low.Running]  # by the identity of each `Sum`

    @staticmethod
    def of(lowering: Lowering, stream: Stream) -> _Online:
        def fresh(part: str) -> str:
            return lowering.names.fresh(f"{stream.row.names[0]}_{part}")

        def running(name: str) -> low.Running:
            return low.Running(fresh(name), fresh(f"{name}_lost"), fresh(f"{name}_part"))

        sums = (item for _, sums in stream.loops for item in sums)
        peak, weights = fresh("max"), running("sum")
        return _Online(lowering, stream, peak, weights, {id(item): running("acc") for item in sums})

    def append_to(self, out: list[low.Stmt]) -> None:
        for loop, sums in self.stream.loops:
            out += self.start(loop, [self.rows[id(item)] for item in sums])
        out.append(ir.Let(self.peak, LOWEST, True))
        out += [ir.Let(name, zero(F32), True) for name in (self.weights.total, self.weights.lost)]
        out.append(self.blocks(*self.bounds(out)))
        scale = ir.Var(self.fresh("scale"), F32)
        out.append(ir.Let(scale.name, _final_scale(ir.Var(self.weights.total, F32))))
        for loop, sums in self.stream.loops:
            var = ir.Var(loop.var, I64)
            finished = {
                item.node: op("multiply", ir.At(self.rows[id(item)].total, var, F32), scale) for item in sums
            }
            self.lowering.loop(_replace_in(loop, finished), "team", out)

    def bounds(self, out: list[low.Stmt]) -> tuple[ir.Expr, ir.Expr]:
        """The range. Of indices that make everything NaN, it keeps one on either side."""
        row, names = self.stream.row, self.lowering.names
        first, end = self.lowering.bounds(row, "team", out)
        extent = extent_of_numbers(row, end)
        if extent is None:
            return first, end
        start, stop = (ir.Var(names.fresh(f"{row.var}_{part}"), I64) for part in ("first", "last"))
        out.append(ir.Let(start.name, first_of(first, end)))
        out.append(ir.Let(stop.name, end_of(start, end, extent)))
        return start, stop

    def fresh(self, part: str) -> str:
        return self.lowering.names.fresh(f"{self.stream.row.names[0]}_{part}")

    def start(self, loop: ir.For, rows: list[low.Running]) -> Iterator[low.Stmt]:
        """The scratch of a loop's sums, nothing summed yet."""
        for item in rows:
            for row in (item.total, item.lost, item.part):
                yield low.Allocate(row, F32, row_length(loop))
            self.lowering.rows[item.total] = RowPlan(item.total, F32, loop.low, is_repeatable=False)
        yield self.each(loop, [row for item in rows for row in (item.total, item.lost)], lambda _: zero(F32))

    def each(self, loop: ir.For, rows: list[str], value: Callable[[ir.At], ir.Expr]) -> low.Loop:
        """Over lanes, every element of rows over a loop's range as `value` makes it of what it is."""
        var = self.lowering.names.fresh(loop.var)
        place = offset(ir.Var(var, I64), loop.low)
        puts = tuple(low.Put(row, place, value(ir.At(row, place, F32))) for row in rows)
        return low.Loop(var, loop.low, loop.high, "lanes", puts)

    # -- blocks ---------------------------------------------------------------------------------

    def blocks(self, first: ir.Expr, end: ir.Expr) -> low.Loop:
        row, fresh = self.stream.row, self.lowering.names.fresh
        block, size = ir.Var(fresh(f"{row.var}_block"), I64), ir.Const(BLOCK, I64)
        start, stop = ir.Var(fresh(f"{row.var}_start"), I64), ir.Var(fresh(f"{row.var}_stop"), I64)
        count = op("floor_divide", op("add", extent_of(first, end), ir.Const(BLOCK - 1, I64)), size)
        skipped = op("multiply", block, size)
        body: list[low.Stmt] = [
            ir.Let(start.name, skipped if first == ZERO else op("add", first, skipped)),
            ir.Let(stop.name, op("minimum", op("add", start, size), end)),
            ir.Let(self.weights.part, zero(F32), True),
        ]
        for loop, sums in self.stream.loops:
            body.append(self.each(loop, [self.rows[id(item)].part for item in sums], lambda _: zero(F32)))
        body.append(low.Loop(row.var, start, stop, "serial", self.term()))
        body += self.add_block()
        online = low.Online(self.peak, self.weights, tuple(self.rows.values()))
        return low.Loop(block.name, ZERO, count, "serial", tuple(body), (online,))

    def add_block(self) -> Iterator[low.Stmt]:
        """The block's sums added to those before it."""
        weights = self.weights
        total, lost, part = (ir.Var(name, F32) for name in (weights.total, weights.lost, weights.part))
        corrected, grown = ir.Var(self.fresh("sum_added"), F32), ir.Var(self.fresh("sum_next"), F32)
        yield ir.Let(corrected.name, op("subtract", part, lost))
        yield ir.Let(grown.name, op("add", total, corrected))
        yield ir.Update(weights.lost, _rounded_up(total, corrected, grown))
        yield ir.Update(weights.total, grown)
        for loop, sums in self.stream.loops:
            yield self.add_rows(loop, [self.rows[id(item)] for item in sums])

    def add_rows(self, loop: ir.For, rows: list[low.Running]) -> low.Loop:
        var = self.lowering.names.fresh(loop.var)
        place = offset(ir.Var(var, I64), loop.low)
        body: list[low.Stmt] = []
        for item in rows:
            total, lost, part = (ir.At(row, place, F32) for row in (item.total, item.lost, item.part))
            corrected, grown = ir.Var(self.fresh("acc_added"), F32), ir.Var(self.fresh("acc_next"), F32)
            body.append(ir.Let(corrected.name, op("subtract", part, lost)))
            body.append(ir.Let(grown.name, op("add", total, corrected)))
            body.append(low.Put(item.lost, place, _rounded_up(total, corrected, grown)))
            body.append(low.Put(item.total, place, grown))
        return low.Loop(var, loop.low, loop.high, "lanes", tuple(body))

    # -- terms ----------------------------------------------------------------------------------

    def term(self) -> tuple[low.Stmt, ...]:
        """One element of the range: its score, its weight, and what it adds to the block's sums."""
        row, weight = self.stream.row, ir.Var(self.fresh("weight"), F32)
        body: list[low.Stmt] = []
        share = self.score(body)
        part = self.weights.part
        grown = ir.Update(part, op("add", ir.Var(part, F32), weight))
        if row.where is None or self.stream.is_filtered_alike:
            body += [ir.Let(weight.name, share), grown, *self.accumulate(weight)]
            return self.under(row.where, body)
        body += [ir.Update(weight.name, share), grown]
        nothing = ir.Let(weight.name, zero(F32), True)
        return (nothing, *self.under(row.where, body), *self.accumulate(weight))

    def under(self, condition: ir.Expr | None, body: list[low.Stmt]) -> tuple[low.Stmt, ...]:
        if condition is None:
            return tuple(body)
        before: list[low.Stmt] = []
        test = self.lowering.expr(condition, "team", before)
        return (*before, low.If(test, tuple(body)))

    def score(self, body: list[low.Stmt]) -> ir.Expr:
        """Append what computes the score and raises the peak; the weight that follows."""
        score, peak = ir.Var(self.fresh("score"), F32), ir.Var(self.peak, F32)
        body.append(ir.Let(score.name, self.lowering.expr(self.stream.row.value, "team", body)))
        is_near = compare("less_equal", score, op("add", peak, RISE))
        body.append(low.If(op("logical_not", is_near), self.rise(score)))
        shift = ir.Var(self.fresh("shift"), F32)
        body.append(ir.Let(shift.name, select(compare("equal", peak, LOWEST), zero(F32), peak)))
        return op("exp", op("subtract", score, shift))

    def rise(self, score: ir.Expr) -> tuple[low.Stmt, ...]:
        """Scale what has been summed to a new peak. A NaN, which is never near, then stays in the sums."""
        keep, weights = ir.Var(self.fresh("keep"), F32), self.weights
        body: list[low.Stmt] = [ir.Let(keep.name, op("exp", op("subtract", ir.Var(self.peak, F32), score)))]
        for name in (weights.total, weights.lost, weights.part):
            body.append(ir.Update(name, op("multiply", ir.Var(name, F32), keep)))
        for loop, sums in self.stream.loops:
            running = [self.rows[id(item)] for item in sums]
            rows = [row for item in running for row in (item.total, item.lost, item.part)]
            body.append(self.each(loop, rows, lambda at: op("multiply", at, keep)))
        return (*body, ir.Update(self.peak, score))

    def accumulate(self, weight: ir.Expr) -> Iterator[low.Stmt]:
        for loop, sums in self.stream.loops:
            for item in sums:
                yield self.add_weighted(loop, item, weight)

    def add_weighted(self, loop: ir.For, sum_: Sum, weight: ir.Expr) -> low.Loop:
        row, names = self.stream.row, self.lowering.names
        var = names.fresh(loop.var)
        here: dict[str, ir.Expr] = {loop.var: ir.Var(var, I64), sum_.node.var: ir.Var(row.var, I64)}
        body: list[low.Stmt] = []
        factor = self.lowering.expr(names.refresh(substitute(sum_.factor, here)), "lane", body)
        added: ir.Expr = op("multiply", weight, factor)
        if sum_.node.where is not None and not self.stream.is_filtered_alike:
            test = self.lowering.expr(names.refresh(substitute(sum_.node.where, here)), "lane", body)
            added = select(test, added, zero(F32))
        place, part = offset(ir.Var(var, I64), loop.low), self.rows[id(sum_)].part
        body.append(low.Put(part, place, op("add", ir.At(part, place, F32), added)))
        return low.Loop(var, loop.low, loop.high, "lanes", tuple(body))


def _rounded_up(total: ir.Expr, added: ir.Expr, grown: ir.Expr) -> ir.Expr:
    """By how much `total + added` came out too great as `grown`; 0 where that is not finite."""
    is_finite = compare("less", op("abs", grown), HIGHEST)
    return select(is_finite, op("subtract", op("subtract", grown, total), added), zero(F32))


def _final_scale(total: ir.Expr) -> ir.Expr:
    """1 / sum; 0 where there was no term, or none above -inf."""
    nothing = compare("equal", total, zero(F32))
    return select(nothing, zero(F32), op("divide", UNIT, total))


def _replace_in(loop: ir.For, finished: Mapping[ir.Reduce, ir.Expr]) -> ir.For:
    def change(expr: ir.Expr) -> ir.Expr:
        if isinstance(expr, ir.Reduce) and expr in finished:
            return finished[expr]
        return map_children(expr, change)

    return replace(loop, body=tuple(map_expressions(item, change) for item in loop.body))

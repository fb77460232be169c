"""Named rows: computed where they are read, or kept in a row of scratch.

A row is computed again at every read when that is cheap and nothing it reads can have changed.
Otherwise it is computed once, into scratch, in the order of the semantics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codegen import lowered as low
from codegen.build_ir import (
    TRUE,
    ZERO,
    compare,
    conjunction,
    extent_of,
    lowest,
    offset,
    op,
    select,
    zero,
)
from codegen.passes.eager import guard_reads
from codegen.passes.fixed import COSTLY
from codegen.teams import is_dealt
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, F32, I64, DType
from kernel_ir.traverse import substitute, walk

if TYPE_CHECKING:
    from codegen.lowering.lower import Level, Lowering

MINUS_ONE = ir.Const(-1, I64)


@dataclass(frozen=True, slots=True)
class RowPlan:
    """How a row is read: from scratch (`value` is None) at `index - low`, or by computing `value`."""

    name: str
    type: DType
    low: ir.Expr
    var: str = ""
    value: ir.Expr | None = None
    is_repeatable: bool = True


def read_row(
    lowering: Lowering, plan: RowPlan, index: ir.Expr, level: Level, out: list[low.Stmt],
    condition: ir.Expr = TRUE,
) -> ir.Expr:  # fmt: skip
    """The element of a row at `index`; what it is computed from is read only where `condition` holds."""
    if plan.value is None:
        return ir.At(plan.name, offset(lowering.expr(index, level, out), plan.low), plan.type)
    value = lowering.names.refresh(substitute(plan.value, {plan.var: index}))
    if condition != TRUE:
        value = guard_reads(value, lowering.names.refresh(condition), lowering.names)
    return lowering.expr(value, level, out)


def lower_row(lowering: Lowering, row: ir.Row, level: Level, out: list[low.Stmt]) -> None:
    """Append what computes a row, and note in `lowering.rows` how it is read."""
    first, end = lowering.bounds(row, level, out)
    row = ir.Row(row.names, row.kind, row.var, first, end, row.where, row.value, row.count, row.span)
    match row.kind:
        case "each":
            lowering.rows[row.names[0]] = _plan_values(lowering, row, row.names[0], level, out)
        case "softmax":
            _lower_softmax(lowering, row, level, out)
        case "cumsum":
            _lower_cumsum(lowering, row, level, out)
        case "topk":
            _lower_topk(lowering, row, level, out)


def _named(lowering: Lowering, name: str, value: ir.Expr, out: list[low.Stmt]) -> ir.Expr:
    if isinstance(value, (ir.Const, ir.Size)):
        return value
    if isinstance(value, ir.Var) and value.name not in lowering.mutable:
        return value
    name = lowering.names.fresh(name)
    out.append(ir.Let(name, value))
    return ir.Var(name, value.type)


def _plan_values(
    lowering: Lowering, row: ir.Row, name: str, level: Level, out: list[low.Stmt], rounds: bool = False
) -> RowPlan:
    """Plan the row's raw values: computed at each read where allowed, else put into scratch now.

    Where they are read in `rounds`, a team computes costly ones once.
    """
    type_ = row.value.type
    is_kept = rounds and level == "team" and _is_costly(lowering, row.value)
    if lowering.is_repeatable(row.value) and not is_kept:
        return RowPlan(name, type_, row.low, row.var, row.value)
    out.append(low.Allocate(name, type_, row_length(row)))
    dealt = level == "team" and is_dealt(row)
    body: list[low.Stmt] = []
    value = lowering.expr(row.value, "lane" if dealt else level, body)
    body.append(low.Put(name, offset(ir.Var(row.var, I64), row.low), value))
    out.append(low.Loop(row.var, row.low, row.high, "lanes" if dealt else "serial", tuple(body)))
    return RowPlan(name, type_, row.low)


def _is_costly(lowering: Lowering, expr: ir.Expr) -> bool:
    """Whether a value takes more than a few instructions, rows that it reads included."""
    inside = tuple(walk(expr))
    rows = (lowering.rows[item.row].value for item in inside if isinstance(item, ir.At))
    return any(isinstance(item, ir.Apply) and item.op in COSTLY for item in inside) or any(
        _is_costly(lowering, value) for value in rows if value is not None
    )


def row_length(node: ir.Row | ir.For) -> ir.Expr:
    """How many elements a range has: its extent, or 0."""
    extent = extent_of(node.low, node.high)
    return extent if isinstance(extent, ir.Size) else op("maximum", extent, ZERO)


def _fold_row(
    lowering: Lowering, row: ir.Row, plan: RowPlan, names: tuple[str, ...], monoid: low.Monoid,
    also: ir.Expr, level: Level, out: list[low.Stmt],
) -> None:  # fmt: skip
    """Fold a row's values, where its filter and `also` (over `row.var`) hold."""
    var = lowering.names.fresh(row.var)
    renamed: dict[str, ir.Expr] = {row.var: ir.Var(var, I64)}
    dealt = level == "team" and (plan.value is None or is_dealt(row))
    inner: Level = "lane" if dealt else level
    body: list[low.Stmt] = []
    value = read_row(lowering, plan, ir.Var(var, I64), inner, body)
    is_name = isinstance(value, ir.Var) or (isinstance(value, ir.At) and also == TRUE)
    if not is_name:  # `also` is lowered with the value in it, which is lowered already
        bound = lowering.names.fresh(f"{row.names[0]}_value")
        body.append(ir.Let(bound, value))
        value = ir.Var(bound, value.type)
    test = conjunction(row.where or TRUE, also)
    test = substitute(lowering.names.refresh(test), {**renamed, _VALUE: value})
    where = None if test == TRUE else lowering.expr(test, inner, body)
    folded = low.Accumulator(names, monoid, value.type, where, value)
    out.append(low.Fold((folded,), var, row.low, row.high, "lanes" if dealt else "serial", tuple(body)))


_VALUE = "the row's value"  # stands for the value in conditions handed to `_fold_row`


def _lower_softmax(lowering: Lowering, row: ir.Row, level: Level, out: list[low.Stmt]) -> None:
    name = row.names[0]
    plan = _plan_values(lowering, row, lowering.names.fresh(f"{name}_score"), level, out)
    peak, total = lowering.names.fresh(f"{name}_max"), lowering.names.fresh(f"{name}_sum")
    _fold_row(lowering, row, plan, (peak, total), "online_softmax", TRUE, level, out)
    score = plan.value if plan.value is not None else ir.At(plan.name, ir.Var(row.var, I64), F32)
    if plan.value is None:
        lowering.rows[plan.name] = plan
    quotient = op("divide", op("exp", op("subtract", score, ir.Var(peak, F32))), ir.Var(total, F32))
    counts = compare("not_equal", ir.Var(peak, F32), lowest(F32))  # a row of -inf has no shares
    value = select(conjunction(counts, row.where or TRUE), quotient, zero(F32))
    lowering.rows[name] = RowPlan(name, F32, row.low, row.var, value)


def _lower_cumsum(lowering: Lowering, row: ir.Row, level: Level, out: list[low.Stmt]) -> None:
    name, type_ = row.names[0], row.value.type
    running = lowering.names.fresh(f"{name}_running")
    out += [low.Allocate(name, type_, row_length(row)), ir.Let(running, zero(type_), True)]
    total = ir.Var(running, type_)
    body: list[low.Stmt] = []
    value = lowering.expr(row.value, level, body)
    if row.where is not None:
        value = select(lowering.expr(row.where, level, body), value, zero(type_))
    body.append(ir.Update(running, op("add", total, value)))
    body.append(low.Put(name, offset(ir.Var(row.var, I64), row.low), total))
    out.append(low.Loop(row.var, row.low, row.high, "serial", tuple(body)))
    lowering.rows[name] = RowPlan(name, type_, row.low)


def _lower_topk(lowering: Lowering, row: ir.Row, level: Level, out: list[low.Stmt]) -> None:
    """`count` rounds, each the greatest value that comes after the one found before."""
    values, indices = row.names
    type_, base = row.value.type, row.low
    row = _from_zero(lowering, row)
    assert row.count is not None
    count = _named(lowering, f"{values}_count", lowering.expr(row.count, level, out), out)
    plan = _plan_values(lowering, row, lowering.names.fresh(f"{values}_candidate"), level, out, True)
    last, place = lowering.names.fresh(f"{values}_last"), lowering.names.fresh(f"{indices}_last")
    turn, best = lowering.names.fresh("turn"), lowering.names.fresh(f"{indices}_best")
    value = lowering.names.fresh(f"{values}_best")
    out += [low.Allocate(values, type_, _rounds(count)), low.Allocate(indices, I64, _rounds(count))]
    out += [ir.Let(last, lowest(type_), True), ir.Let(place, MINUS_ONE, True)]
    body: list[low.Stmt] = []
    also = op("logical_or", compare("equal", ir.Var(turn, I64), ZERO),
              _comes_after(row, ir.Var(last, type_), ir.Var(place, I64)), type=BOOL)  # fmt: skip
    _fold_row(lowering, row, plan, (best, value), "best", also, level, body)
    index: ir.Expr = ir.Var(best, I64)
    if base != ZERO:
        index = select(compare("less_equal", ZERO, index), op("add", index, base), MINUS_ONE)
    body += [
        ir.Update(last, ir.Var(value, type_)),
        ir.Update(place, ir.Var(best, I64)),
        low.Put(values, ir.Var(turn, I64), ir.Var(value, type_)),
        low.Put(indices, ir.Var(turn, I64), index),
    ]
    out.append(low.Loop(turn, ZERO, count, "serial", tuple(body)))
    lowering.rows[values] = RowPlan(values, type_, ZERO)
    lowering.rows[indices] = RowPlan(indices, I64, ZERO)


def _from_zero(lowering: Lowering, row: ir.Row) -> ir.Row:
    """The same row with its range moved to start at 0, where -1 can only mean that nothing was found."""
    if row.low == ZERO:
        return row
    var = lowering.names.fresh(row.var)
    moved: dict[str, ir.Expr] = {row.var: op("add", ir.Var(var, I64), row.low)}
    where = None if row.where is None else substitute(row.where, moved)
    value = substitute(row.value, moved)
    return replace(row, var=var, low=ZERO, high=extent_of(row.low, row.high), where=where, value=value)


def _rounds(count: ir.Expr) -> ir.Expr:
    return count if isinstance(count, (ir.Const, ir.Size)) else op("maximum", count, ZERO)


def _comes_after(row: ir.Row, last: ir.Expr, place: ir.Expr) -> ir.Expr:
    """Whether the value at `row.var` ranks below (last, place): NaN first, then descending, then by index."""
    value = ir.Var(_VALUE, row.value.type)
    later = compare("less", place, ir.Var(row.var, I64))
    started = compare("less_equal", ZERO, place)
    smaller = op("logical_or", compare("less", value, last),
                 conjunction(compare("equal", value, last), later), type=BOOL)  # fmt: skip
    if row.value.type != F32:
        return conjunction(started, smaller)
    is_nan, was_nan = ir.Apply("isnan", (value,), BOOL), ir.Apply("isnan", (last,), BOOL)
    among_nans = op("logical_or", op("logical_not", is_nan), later, type=BOOL)
    among_numbers = conjunction(op("logical_not", was_nan), op("logical_not", is_nan), smaller)
    ranked = op("logical_or", conjunction(was_nan, among_nans), among_numbers, type=BOOL)
    return conjunction(started, ranked)

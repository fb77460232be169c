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
    is_sizes_only,
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
from kernel_ir.dtypes import F32, I64, DType
from kernel_ir.traverse import substitute, walk

if TYPE_CHECKING:
    from codegen.lowering.lower import Level, Lowering


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
    """Append what computes a row that is no `topk`, and note in `lowering.rows` how it is read."""
    row = bounded(lowering, row, level, out)
    match row.kind:
        case "each":
            lowering.rows[row.names[0]] = plan_values(lowering, row, row.names[0], level, out)
        case "softmax":
            _lower_softmax(lowering, row, level, out)
        case "cumsum":
            _lower_cumsum(lowering, row, level, out)


def bounded(lowering: Lowering, row: ir.Row, level: Level, out: list[low.Stmt]) -> ir.Row:
    """The row with bounds that are computed once."""
    first, end = lowering.bounds(row, level, out)
    return replace(row, low=first, high=end)


def named(lowering: Lowering, name: str, value: ir.Expr, out: list[low.Stmt]) -> ir.Expr:
    """A value as what may be read often and does not change: a literal, a size or a name."""
    if isinstance(value, (ir.Const, ir.Size)):
        return value
    if isinstance(value, ir.Var) and value.name not in lowering.mutable:
        return value
    name = lowering.names.fresh(name)
    out.append(ir.Let(name, value))
    return ir.Var(name, value.type)


def plan_values(lowering: Lowering, row: ir.Row, name: str, level: Level, out: list[low.Stmt]) -> RowPlan:
    """Plan the row's raw values: computed at each read where allowed, else put into scratch now."""
    if lowering.is_repeatable(row.value):
        return RowPlan(name, row.value.type, row.low, row.var, row.value)
    return keep_values(lowering, row, name, level, out)


def keep_values(lowering: Lowering, row: ir.Row, name: str, level: Level, out: list[low.Stmt]) -> RowPlan:
    """Put the row's raw values into scratch."""
    type_ = row.value.type
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


def fold_row(
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
    test = substitute(lowering.names.refresh(test), {**renamed, THE_VALUE: value})
    where = None if test == TRUE else lowering.expr(test, inner, body)
    folded = low.Accumulator(names, monoid, value.type, where, value)
    out.append(low.Fold((folded,), var, row.low, row.high, "lanes" if dealt else "serial", tuple(body)))


THE_VALUE = "the row's value"  # stands for the value in conditions handed to `_fold_row`


def _lower_softmax(lowering: Lowering, row: ir.Row, level: Level, out: list[low.Stmt]) -> None:
    name = row.names[0]
    if level == "team" and _has_known_length(row) and _is_costly(lowering, row.value):
        _lower_kept_softmax(lowering, row, out)
        return
    plan = plan_values(lowering, row, lowering.names.fresh(f"{name}_score"), level, out)
    peak, total = lowering.names.fresh(f"{name}_max"), lowering.names.fresh(f"{name}_sum")
    fold_row(lowering, row, plan, (peak, total), "online_softmax", TRUE, level, out)
    score = plan.value if plan.value is not None else ir.At(plan.name, ir.Var(row.var, I64), F32)
    if plan.value is None:
        lowering.rows[plan.name] = plan
    quotient = op("divide", op("exp", op("subtract", score, ir.Var(peak, F32))), ir.Var(total, F32))
    counts = compare("not_equal", ir.Var(peak, F32), lowest(F32))  # a row of -inf has no shares
    value = select(conjunction(counts, row.where or TRUE), quotient, zero(F32))
    lowering.rows[name] = RowPlan(name, F32, row.low, row.var, value)


def _lower_kept_softmax(lowering: Lowering, row: ir.Row, out: list[low.Stmt]) -> None:
    """A softmax of scores that cost much: the team keeps them, then their exponentials in their place."""
    name, var = row.names[0], lowering.names.fresh(row.var)
    plan = keep_values(lowering, row, lowering.names.fresh(f"{name}_weight"), "team", out)
    lowering.rows[plan.name] = plan
    peak, total = lowering.names.fresh(f"{name}_max"), lowering.names.fresh(f"{name}_sum")
    fold_row(lowering, row, plan, (peak,), "max", TRUE, "team", out)
    is_nothing = compare("equal", ir.Var(peak, F32), lowest(F32))  # a row of -inf has no shares
    start = named(lowering, f"{name}_start", select(is_nothing, zero(F32), ir.Var(peak, F32)), out)
    place = offset(ir.Var(var, I64), row.low)
    weight = op("exp", op("subtract", ir.At(plan.name, place, F32), start))
    out.append(low.Loop(var, row.low, row.high, "lanes", (low.Put(plan.name, place, weight),)))
    fold_row(lowering, row, plan, (total,), "sum", TRUE, "team", out)
    whole = select(is_nothing, ir.Const(1.0, F32), ir.Var(total, F32))
    whole = named(lowering, f"{name}_whole", whole, out)
    share = op("divide", ir.At(plan.name, ir.Var(row.var, I64), F32), whole)
    value = select(row.where or TRUE, share, zero(F32))
    lowering.rows[name] = RowPlan(name, F32, row.low, row.var, value)


def _has_known_length(row: ir.Row) -> bool:
    """Whether host code knows how much memory a row takes."""
    return is_sizes_only(row.low) and is_sizes_only(row.high)


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

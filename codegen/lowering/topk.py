"""Top-k: in rounds, each of which finds one element.

before:  `best, ids = topk((x[r, e] for e in range(n)), k)`
after:   `for e over lanes: rank[e] = a word that rises with x[r, e]`
         `for turn in range(k):`
         `    fold top over lanes: at = where rank is greatest`
         `    ids[turn] = at`
         `    if 0 <= at: rank[at] = 0`
         `    chosen[turn] = the greatest rank`
         and `best[i]` is read as the value that has the rank `chosen[i]`

NaN comes first, then values in descending order; of equal ones, the first. Ranks take a row that host code
must know the length of. Where it does not, or words cannot hold the order, each round looks for what comes
after the element that the round before has found.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codegen import lowered as low
from codegen.build_ir import (
    TRUE,
    ZERO,
    compare,
    conjunction,
    is_sizes_only,
    lowest,
    op,
    select,
    zero,
)
from codegen.lowering.rows import (
    THE_VALUE,
    RowPlan,
    bounded,
    fold_row,
    named,
    plan_values,
    row_length,
)
from codegen.teams import is_dealt
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, F32, I64, U32
from kernel_ir.traverse import substitute

if TYPE_CHECKING:
    from codegen.lowering.lower import Level, Lowering

MINUS_ONE = ir.Const(-1, I64)
NO_RANK = ir.Const(0, U32)
SIGN = ir.Const(1 << 31, U32)


def lower_topk(lowering: Lowering, row: ir.Row, level: Level, out: list[low.Stmt]) -> None:
    """Append what finds the elements, and note in `lowering.rows` how values and indices are read."""
    row = bounded(lowering, row, level, out)
    assert row.count is not None
    count = named(lowering, f"{row.names[0]}_count", lowering.expr(row.count, level, out), out)
    row = replace(row, count=count)
    is_known = is_sizes_only(row.low) and is_sizes_only(row.high)
    if level == "team" and row.value.type == F32 and is_known:
        _lower_by_rank(lowering, row, out)
    else:
        _lower_by_successor(lowering, row, level, out)


def _from_zero(lowering: Lowering, row: ir.Row) -> ir.Row:
    """The same row with its range moved to start at 0, where -1 can only mean that nothing was found."""
    if row.low == ZERO:
        return row
    var = lowering.names.fresh(row.var)
    moved: dict[str, ir.Expr] = {row.var: op("add", ir.Var(var, I64), row.low)}
    where = None if row.where is None else substitute(row.where, moved)
    value = substitute(row.value, moved)
    return replace(row, var=var, low=ZERO, high=op("subtract", row.high, row.low), where=where, value=value)


def _with_one_zero(value: ir.Expr) -> ir.Expr:
    """A value, 0 where it is -0: zeros are equal, and which one is chosen cannot be told."""
    return op("add", value, zero(F32)) if value.type == F32 else value


def _rounds(count: ir.Expr) -> ir.Expr:
    return count if isinstance(count, (ir.Const, ir.Size)) else op("maximum", count, ZERO)


def _moved_back(index: ir.Expr, base: ir.Expr) -> ir.Expr:
    """An index found in a range from zero, in the range from `base`; -1 stays."""
    if base == ZERO:
        return index
    return select(compare("less_equal", ZERO, index), op("add", index, base), MINUS_ONE)


# ---- by ranks ----------------------------------------------------------------------------------


def _lower_by_rank(lowering: Lowering, row: ir.Row, out: list[low.Stmt]) -> None:
    """`count` rounds, each of which takes the greatest rank and clears it."""
    (values, indices), base = row.names, row.low
    row = _from_zero(lowering, row)
    assert row.count is not None
    ranks = _put_ranks(lowering, row, out)
    places = indices if base == ZERO else lowering.names.fresh(f"{indices}_place")
    chosen = lowering.names.fresh(f"{values}_chosen")
    turn, place = lowering.names.fresh("turn"), lowering.names.fresh(f"{indices}_best")
    var, greatest = lowering.names.fresh(row.var), lowering.names.fresh(f"{values}_best")
    top = low.Accumulator((place, greatest), "top", U32, None, ir.At(ranks, ir.Var(var, I64), U32))
    found = ir.Var(place, I64)
    rounds: tuple[low.Stmt, ...] = (
        low.Fold((top,), var, ZERO, row.high, "lanes", ()),
        low.Put(places, ir.Var(turn, I64), found),
        low.Put(chosen, ir.Var(turn, I64), ir.Var(greatest, U32)),
        low.If(compare("less_equal", ZERO, found), (low.Put(ranks, found, NO_RANK),)),
    )
    length = _rounds(row.count)
    out += [low.Allocate(places, I64, length), low.Allocate(chosen, U32, length)]
    out.append(low.Loop(turn, ZERO, row.count, "serial", rounds))
    lowering.rows[places] = RowPlan(places, I64, ZERO)
    lowering.rows[chosen] = RowPlan(chosen, U32, ZERO)
    at = lowering.names.fresh("choice")
    if base != ZERO:
        index = ir.At(places, ir.Var(at, I64), I64)
        lowering.rows[indices] = RowPlan(indices, I64, ZERO, at, _moved_back(index, base))
    value = _of_rank(lowering, ir.At(chosen, ir.Var(at, I64), U32))
    lowering.rows[values] = RowPlan(values, F32, ZERO, at, value)


def _put_ranks(lowering: Lowering, row: ir.Row, out: list[low.Stmt]) -> str:
    """Compute the row of ranks, and return its name."""
    ranks = lowering.names.fresh(f"{row.names[0]}_rank")
    level: Level = "lane" if is_dealt(row) else "team"
    body: list[low.Stmt] = []
    value = _let(lowering, f"{row.names[0]}_value", lowering.expr(row.value, level, body), body)
    where = TRUE if row.where is None else lowering.expr(row.where, level, body)
    whole = op("f32_to_bits", _with_one_zero(value), type=U32)
    bits = _let(lowering, f"{row.names[0]}_bits", whole, body)
    rank = select(where, _rank(value, bits), NO_RANK)
    body.append(low.Put(ranks, ir.Var(row.var, I64), rank))
    out.append(low.Allocate(ranks, U32, row_length(row)))
    out.append(low.Loop(row.var, ZERO, row.high, "lanes" if level == "lane" else "serial", tuple(body)))
    return ranks


def _let(lowering: Lowering, name: str, value: ir.Expr, out: list[low.Stmt]) -> ir.Expr:
    """A fresh name for a value."""
    name = lowering.names.fresh(name)
    out.append(ir.Let(name, value))
    return ir.Var(name, value.type)


def _rank(value: ir.Expr, bits: ir.Expr) -> ir.Expr:
    """A float as a word: the greater, the earlier it is chosen, and never 0. NaN has the greatest."""
    rising = select(compare("less", value, zero(F32)), op("bit_not", bits), op("bit_or", bits, SIGN))
    return select(ir.Apply("isnan", (value,), BOOL), ir.Const(2**32 - 1, U32), rising)


def _of_rank(lowering: Lowering, rank: ir.Expr) -> ir.Expr:
    """The float that has a rank, NaN of the greatest; the lowest where there is none."""
    word = ir.Var(lowering.names.fresh("rank"), U32)
    bits = select(compare("less", word, SIGN), op("bit_not", word), op("bit_xor", word, SIGN))
    value = select(compare("equal", word, NO_RANK), lowest(F32), op("bits_to_f32", bits, type=F32))
    return ir.Bind(word.name, rank, value, F32)


# ---- by what comes after -----------------------------------------------------------------------


def _lower_by_successor(lowering: Lowering, row: ir.Row, level: Level, out: list[low.Stmt]) -> None:
    """`count` rounds, each the greatest value that comes after the one found before."""
    (values, indices), type_, base = row.names, row.value.type, row.low
    row = _from_zero(lowering, row)
    assert row.count is not None
    plan = plan_values(lowering, row, lowering.names.fresh(f"{values}_candidate"), level, out)
    last, place = lowering.names.fresh(f"{values}_last"), lowering.names.fresh(f"{indices}_last")
    turn, best = lowering.names.fresh("turn"), lowering.names.fresh(f"{indices}_best")
    value = lowering.names.fresh(f"{values}_best")
    out += [low.Allocate(values, type_, _rounds(row.count)), low.Allocate(indices, I64, _rounds(row.count))]
    out += [ir.Let(last, lowest(type_), True), ir.Let(place, MINUS_ONE, True)]
    body: list[low.Stmt] = []
    also = op("logical_or", compare("equal", ir.Var(turn, I64), ZERO),
              _comes_after(row, ir.Var(last, type_), ir.Var(place, I64)), type=BOOL)  # fmt: skip
    fold_row(lowering, row, plan, (best, value), "best", also, level, body)
    body += [
        ir.Update(last, ir.Var(value, type_)),
        ir.Update(place, ir.Var(best, I64)),
        low.Put(values, ir.Var(turn, I64), _with_one_zero(ir.Var(value, type_))),
        low.Put(indices, ir.Var(turn, I64), _moved_back(ir.Var(best, I64), base)),
    ]
    out.append(low.Loop(turn, ZERO, row.count, "serial", tuple(body)))
    lowering.rows[values] = RowPlan(values, type_, ZERO)
    lowering.rows[indices] = RowPlan(indices, I64, ZERO)


def _comes_after(row: ir.Row, last: ir.Expr, place: ir.Expr) -> ir.Expr:
    """Whether the value at `row.var` ranks below (last, place): NaN first, then descending, then by index."""
    value = ir.Var(THE_VALUE, row.value.type)
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

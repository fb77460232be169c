"""Where each row of scratch lives.

`private`: every lane keeps the whole row. The row is short, its length a literal, and outside dealt
loops every lane writes it alike.
`dealt`: every access is by the lane that owns the element, so lanes keep their own elements only, in
registers where the launch has enough of them.
`memory`: device memory that host code allocates, for each program, team or lane.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from codegen import lowered as low
from codegen.build_ir import ZERO, op
from codegen.gpu.split import Kept
from codegen.gpu.widths import ANY_I32, Widths
from codegen.teams import steps_by_one
from codegen.work import is_host_known
from codegen.writer import is_nonnegative
from kernel_ir import nodes as ir
from kernel_ir.dtypes import U32, DType
from kernel_ir.errors import TargetError
from kernel_ir.traverse import substitute, walk

Placement = Literal["private", "dealt", "memory"]
Owner = Literal["program", "team", "lane"]

PRIVATE_LENGTH = 32  # more elements than this do not stay in a lane's registers


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A row's home. `extent` is known to host code and at least as long as the row ever is."""

    row: str
    type: DType
    extent: ir.Expr
    placement: Placement
    owner: Owner = "team"


@dataclass(frozen=True, slots=True)
class _Access:
    """One use of a row, and the dealt loop around it, if any."""

    index: ir.Expr
    is_put: bool
    loop: low.Loop | low.Fold | None


def place_rows(
    launch: low.Launch, kept: tuple[Kept, ...], widths: Widths, target: str, spec: str
) -> dict[str, RowPlace]:
    """Every row that a launch uses. Raises TargetError where host code cannot tell how long one is."""
    found = {item.row: _placed_for_program(item, widths, target, spec) for item in kept}
    found = {row: place for row, place in found.items() if any(_accesses(launch.body, row, None))}
    lets = _bindings(launch)
    for allocate, is_lanes_own in _allocations(launch.body, False):
        accesses = tuple(_accesses(launch.body, allocate.row, None))
        extent = _resolve(allocate.extent, lets)
        if _is_short(extent) and (is_lanes_own or _is_written_alike(accesses)):
            place = RowPlace(allocate.row, allocate.type, extent, "private")
        else:
            bound = _host_bound(allocate, extent, widths, target, spec)
            dealt = not is_lanes_own and is_host_known(extent) and _has_owners(accesses)
            owner: Owner = "lane" if is_lanes_own else "team"
            place = RowPlace(allocate.row, allocate.type, bound, "dealt" if dealt else "memory", owner)
        found[allocate.row] = place
    return found


def loops_of_row(launch: low.Launch, row: str) -> set[str]:
    """The variables of the dealt loops in which a row is used."""
    return {item.loop.var for item in _accesses(launch.body, row, None) if item.loop is not None}


def loops_of_rounds(launch: low.Launch, rows: Mapping[str, RowPlace]) -> set[str]:
    """The variables of the dealt loops over rows that the team fills with one element a round, and of those
    over rows that these loops reach too.

    Such rows are short: chunks would leave most lanes without an element.
    """
    dealt = {row for row, place in rows.items() if place.placement == "dealt"}
    loops = {row: loops_of_row(launch, row) for row in dealt}
    found: set[str] = set()
    for row in dealt:
        puts = [item for item in _accesses(launch.body, row, None) if item.is_put]
        if all(item.loop is None for item in puts):
            found |= loops[row]
    while any(item & found and item - found for item in loops.values()):
        found = found.union(*(item for item in loops.values() if item & found))
    return found


def _placed_for_program(item: Kept, widths: Widths, target: str, spec: str) -> RowPlace:
    allocate = low.Allocate(item.row, item.type, item.extent)
    bound = _host_bound(allocate, item.extent, widths, target, spec)
    return RowPlace(item.row, item.type, bound, "memory", "program")


def _allocations(body: tuple[low.Stmt, ...], in_lanes: bool) -> Iterator[tuple[low.Allocate, bool]]:
    """Every row of a block, with whether each lane has one of its own."""
    for statement in body:
        if isinstance(statement, low.Allocate):
            yield statement, in_lanes
        inner = in_lanes or (isinstance(statement, (low.Loop, low.Fold)) and statement.kind == "lanes")
        for block in low.blocks(statement):
            yield from _allocations(block, inner)


def _accesses(body: tuple[low.Stmt, ...], row: str, loop: low.Loop | low.Fold | None) -> Iterator[_Access]:
    for statement in body:
        is_dealt = isinstance(statement, (low.Loop, low.Fold)) and statement.kind == "lanes" and loop is None
        inner = statement if is_dealt else loop
        if isinstance(statement, low.Put) and statement.row == row:
            yield _Access(statement.index, True, loop)
        for expr in low.expressions(statement):
            for item in walk(expr):
                if isinstance(item, ir.At) and item.row == row:
                    yield _Access(item.index, False, inner)  # type: ignore[arg-type]
        for block in low.blocks(statement):
            yield from _accesses(block, row, inner)  # type: ignore[arg-type]


def _is_short(extent: ir.Expr) -> bool:
    return isinstance(extent, ir.Const) and int(extent.value) <= PRIVATE_LENGTH


def _is_written_alike(accesses: tuple[_Access, ...]) -> bool:
    return all(item.loop is None for item in accesses if item.is_put)


def _has_owners(accesses: tuple[_Access, ...]) -> bool:
    """Whether every access stands in a loop dealt over one range, at the loop's own element.

    Elements may also be put where all lanes have the same value: the owner takes it.
    """
    if any(item.loop is None and not item.is_put for item in accesses):
        return False
    pairs = [(item.index, item.loop) for item in accesses if item.loop is not None]
    ranges = {(loop.low, loop.high) for _, loop in pairs}
    return len(ranges) == 1 and all(_is_own(index, loop) for index, loop in pairs)


def _is_own(index: ir.Expr, loop: low.Loop | low.Fold) -> bool:
    """Whether an index is `var - low`."""
    if not steps_by_one(index, loop.var):
        return False
    if loop.low == ZERO:
        return index == ir.Var(loop.var, index.type)
    start = substitute(index, {loop.var: loop.low})
    return isinstance(start, ir.Apply) and start.op == "subtract" and start.args[0] == start.args[1]


def _bindings(launch: low.Launch) -> dict[str, ir.Expr]:
    """The values of names that never change."""
    lets = (item for item in low.walk(launch.body) if isinstance(item, ir.Let))
    return {item.name: item.value for item in lets if not item.is_mutable}


def _resolve(expr: ir.Expr, lets: Mapping[str, ir.Expr]) -> ir.Expr:
    """`expr` with names replaced by their values, names in those too."""
    found = {item.name for item in walk(expr) if isinstance(item, ir.Var)}
    names = {name: lets[name] for name in found & lets.keys()}
    return _resolve(substitute(expr, dict(names)), lets) if names else expr


def _host_bound(allocate: low.Allocate, extent: ir.Expr, widths: Widths, target: str, spec: str) -> ir.Expr:
    if is_host_known(extent):
        return extent
    bound = _greatest(extent, widths)
    if bound is None or bound == ANY_I32:
        construct = f"the row {allocate.row.partition('.')[0]!r}"
        reason = (
            "its length depends on data, and rows need their memory before the launch; "
            "bound its range by a size: `range(max(a, 0), min(b, size))`"
        )
        raise TargetError(target, construct, spec, reason)
    return bound


def _greatest(expr: ir.Expr, widths: Widths) -> ir.Expr | None:
    """The greatest value that an integer can have, as host code can compute it; None: it cannot."""
    match expr:
        case _ if is_host_known(expr):
            return expr
        case ir.Apply("minimum", (left, right)):
            bounds = (_greatest(left, widths), _greatest(right, widths))
            known = [bound for bound in bounds if bound is not None and bound != ANY_I32]
            return op("minimum", *known) if len(known) == 2 else next(iter(known), None)
        case ir.Apply("maximum", (left, right)):
            a, b = _greatest(left, widths), _greatest(right, widths)
            return None if a is None or b is None or ANY_I32 in (a, b) else op("maximum", a, b)
        case ir.Apply("subtract", (left, right)):
            a, b = _greatest(left, widths), ZERO if _is_natural(right) else widths.magnitude(right)
            if a is None or b is None or ANY_I32 in (a, b):
                return None
            return a if b == ZERO else op("add", a, b)
        case _:
            return widths.magnitude(expr)


def _is_natural(expr: ir.Expr) -> bool:
    """Whether an integer is never negative, as far as its form shows."""
    match expr:
        case ir.Apply("i64", (inner,)):
            return inner.type == U32 or _is_natural(inner)
        case ir.Apply("maximum", args):
            return any(map(_is_natural, args))
        case ir.Apply("minimum", args):
            return all(map(_is_natural, args))
        case _:
            return is_nonnegative(expr)

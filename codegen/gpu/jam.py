"""Let a team work on several points of the grid that read the same elements.

before:  `for h in the grid: g = h // 4`
             `for j in order: score = sum of q[h, d] * k[j, g, d] over d; ...`
after:   `for h_0, h_1, ... in the grid: g = h_0 // 4`
             `for j in order: score_0 = sum of q[h_0, d] * k[j, g, d] over d; score_1 = ...; ...`

(Unroll and jam.) What depends on `h` otherwise than by the quotient stands there once for every point, the
rest once; elements that all points read are loaded and widened once. Each point's values are computed by the
same operations in the same order as by a team of its own, so they have the same bits.

It is right where the number of points and the divisor are multiples of POINTS, which host code looks at
(`Jammed.alike`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from codegen import lowered as low
from codegen.build_ir import ZERO, op
from codegen.gpu.split import names_in
from codegen.names import author_name
from codegen.work import is_host_known
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.traverse import map_children, walk

POINTS = 4  # whose rows of sums a lane has registers for


@dataclass(frozen=True, slots=True)
class Jammed:
    """A launch whose teams work on POINTS points each, where all of `alike` are multiples of POINTS.

    `originals` names for each copy of a row the row that it is a copy of.
    """

    launch: low.Launch
    alike: tuple[ir.Expr, ...]
    originals: dict[str, str]


def jam(launch: low.Launch) -> Jammed | None:
    """The launch over fewer points; None where neighbouring points read nothing in common."""
    if not launch.grid or launch.grid[-1].low != ZERO:
        return None
    *outer, axis = launch.grid
    quotients = {item for item in _expressions(launch.body) if _is_quotient(item, axis.var)}
    if len(quotients) != 1:
        return None
    (quotient,) = quotients
    assert isinstance(quotient, ir.Apply)
    varying = _varying(launch.body, axis.var, quotient)
    if not _is_jammable(launch.body, varying, quotient):
        return None
    group = ir.Var(f"{author_name(axis.var)}_group.{axis.var} group", I64)
    copies = _Copies(varying, quotient)
    first = op("multiply", group, ir.Const(POINTS, I64))
    numbers = (first if n == 0 else op("add", first, ir.Const(n, I64)) for n in range(POINTS))
    lets = tuple(ir.Let(_name(axis.var, n), number) for n, number in enumerate(numbers))
    groups = low.GridAxis(group.name, ZERO, op("floor_divide", axis.high, ir.Const(POINTS, I64)))
    rows = (item.row for item in low.walk(launch.body) if isinstance(item, low.Allocate))
    originals = {_name(row, n): row for row in rows if row in varying for n in range(POINTS)}
    jammed = low.Launch((*outer, groups), (*lets, *copies.block(launch.body)))
    return Jammed(jammed, (axis.high, quotient.args[1]), originals)


def _name(name: str, point: int) -> str:
    """The name of a point's own copy. No other name has a word after its dot."""
    return f"{author_name(name)}_{point}.{name} of {point}"


def point_of(name: str) -> tuple[str, int] | None:
    """The name that `name` is a point's copy of, and the point; None for other names."""
    copied, _, point = name.rpartition(" of ")
    return (copied.partition(".")[2], int(point)) if copied and point.isdecimal() else None


def _is_quotient(expr: ir.Expr, var: str) -> bool:
    """Whether an expression is the variable divided by what host code knows."""
    match expr:
        case ir.Apply("floor_divide", (ir.Var(name), divisor)):
            return name == var and is_host_known(divisor)
        case _:
            return False


def _expressions(body: tuple[low.Stmt, ...]) -> set[ir.Expr]:
    return {item for part in low.walk(body) for expr in low.expressions(part) for item in walk(expr)}


def _varying(body: tuple[low.Stmt, ...], var: str, quotient: ir.Expr) -> frozenset[str]:
    """The names and rows whose values differ from point to point."""
    found: set[str] = set()
    grown = {var}
    while grown != found:
        found = grown
        grown = found | _spread(body, frozenset(found), quotient, False)
    return frozenset(found)


def _spread(
    body: tuple[low.Stmt, ...], varying: frozenset[str], quotient: ir.Expr, is_inside: bool
) -> set[str]:
    """What a block makes of values that vary; `is_inside`: the block stands under a condition that does."""
    found: set[str] = set()
    for statement in body:
        is_varying = is_inside or _varies(statement, varying, quotient)
        match statement:
            case ir.Let(name) | ir.Update(name) | low.Put(name) if is_varying:
                found.add(name)
            case low.Fold(accumulators) if is_inside:
                found |= {name for item in accumulators for name in item.names}
            case low.Fold(accumulators):
                folded = [item for item in accumulators if _differs(item, varying, quotient)]
                found |= {name for item in folded for name in item.names}
            case _:
                pass
        under = is_inside or (isinstance(statement, low.If) and is_varying)
        for block in low.blocks(statement):
            found |= _spread(block, varying, quotient, under)
    return found


def _varies(statement: low.Stmt, varying: frozenset[str], quotient: ir.Expr) -> bool:
    return any(_depends(expr, varying, quotient) for expr in low.expressions(statement))


def _differs(item: low.Accumulator, varying: frozenset[str], quotient: ir.Expr) -> bool:
    return any(_depends(part, varying, quotient) for part in (item.value, item.where) if part is not None)


def _depends(expr: ir.Expr, varying: frozenset[str], quotient: ir.Expr) -> bool:
    """Whether an expression has another value for another point."""
    match expr:
        case ir.Var(name):
            return name in varying
        case ir.At(row, index):
            return row in varying or _depends(index, varying, quotient)
        case _ if expr == quotient:
            return False
        case ir.Apply(_, parts) | ir.Load(_, parts):
            return any(_depends(part, varying, quotient) for part in parts)
        case _:
            return False


def _is_jammable(body: tuple[low.Stmt, ...], varying: frozenset[str], quotient: ir.Expr) -> bool:
    """Whether all points go round loops alike, and some load in a loop is the same for all of them."""
    loops = [item for item in low.walk(body) if isinstance(item, (low.Loop, low.Fold))]
    bounds = [bound for item in loops for bound in (item.low, item.high)]
    if any(_depends(bound, varying, quotient) for bound in bounds):
        return False
    shared = {item.name for item in low.walk(body) if isinstance(item, ir.Let) and item.value == quotient}
    loads = (item for item in _expressions(body) if isinstance(item, ir.Load))
    return any(
        not _depends(load, varying, quotient) and any(names_in(part) & shared for part in load.index)
        for load in loads
    )


@dataclass(frozen=True, slots=True)
class _Copies:
    """Makes each statement that varies as often as there are points."""

    varying: frozenset[str]
    quotient: ir.Expr

    def block(self, body: tuple[low.Stmt, ...]) -> tuple[low.Stmt, ...]:
        return tuple(made for statement in body for made in self.statement(statement))

    def statement(self, statement: low.Stmt) -> tuple[low.Stmt, ...]:
        match statement:
            case low.Fold(_, var, first, end, kind, body):
                first, end = self._expr(0)(first), self._expr(0)(end)
                return (low.Fold(self._accumulators(statement), var, first, end, kind, self.block(body)),)
            case low.Loop(_, first, end, _, body, online):
                first, end = self._expr(0)(first), self._expr(0)(end)
                copied = tuple(_renamed(item, n) for item in online for n in range(POINTS))
                return (replace(statement, low=first, high=end, body=self.block(body), online=copied),)
            case low.Allocate(row) if row not in self.varying:
                return (statement,)
            case low.If(condition) if not self._depends(condition):
                return (low.map_blocks(statement, self.block),)
            case low.If() | low.Allocate():
                return tuple(self._of_point(statement, n) for n in range(POINTS))
            case _ if self._is_copied(statement):
                return tuple(self._of_point(statement, n) for n in range(POINTS))
            case _:
                return (low.map_expressions(statement, self._expr(0)),)

    def _is_copied(self, statement: low.Stmt) -> bool:
        bound = {statement.name} if isinstance(statement, (ir.Let, ir.Update)) else set()
        bound |= {statement.row} if isinstance(statement, low.Put) else set()
        return bool(bound & self.varying) or any(map(self._depends, low.expressions(statement)))

    def _depends(self, expr: ir.Expr) -> bool:
        return _depends(expr, self.varying, self.quotient)

    def _accumulators(self, fold: low.Fold) -> tuple[low.Accumulator, ...]:
        made: list[low.Accumulator] = []
        for item in fold.accumulators:
            points = range(POINTS) if set(item.names) & self.varying else range(1)
            for n in points:
                names = tuple(self._bound(name, n) for name in item.names)
                where = None if item.where is None else self._expr(n)(item.where)
                made.append(replace(item, names=names, where=where, value=self._expr(n)(item.value)))
        return tuple(made)

    def _of_point(self, statement: low.Stmt, point: int) -> low.Stmt:
        """A statement, and all that is bound in it, for one point."""
        inside = {name for item in low.walk((statement,)) for name in low.bound_names(item)}
        own = _Copies(self.varying | inside, self.quotient)
        return own.rebind(low.map_expressions(statement, own._expr(point)), point)

    def rebind(self, statement: low.Stmt, point: int) -> low.Stmt:
        """The statement with the names that it binds or changes those of a point."""

        def block(body: tuple[low.Stmt, ...]) -> tuple[low.Stmt, ...]:
            return tuple(self.rebind(item, point) for item in body)

        statement = low.map_blocks(statement, block)
        match statement:
            case ir.Let(name) | ir.Update(name):
                return replace(statement, name=self._bound(name, point))
            case low.Put(row) | low.Allocate(row):
                return replace(statement, row=self._bound(row, point))
            case low.Loop(var):
                return replace(statement, var=self._bound(var, point))
            case low.Fold(accumulators, var):
                folded = tuple(
                    replace(item, names=tuple(self._bound(name, point) for name in item.names))
                    for item in accumulators
                )
                return replace(statement, var=self._bound(var, point), accumulators=folded)
            case _:
                return statement

    def _bound(self, name: str, point: int) -> str:
        return _name(name, point) if name in self.varying else name

    def _expr(self, point: int) -> Callable[[ir.Expr], ir.Expr]:
        """Turns an expression into that of a point; the quotient is the first point's for all of them."""

        def change(expr: ir.Expr) -> ir.Expr:
            match expr:
                case ir.Var(name) if name in self.varying:
                    return replace(expr, name=_name(name, point))
                case ir.At(row, index) if row in self.varying:
                    return replace(expr, row=_name(row, point), index=change(index))
                case _ if expr == self.quotient and point:
                    return self._expr(0)(expr)
                case _:
                    return map_children(expr, change)

        return change


def _renamed(online: low.Online, point: int) -> low.Online:
    def running(item: low.Running) -> low.Running:
        return low.Running(*(_name(name, point) for name in (item.total, item.lost, item.part)))

    return low.Online(_name(online.peak, point), running(online.weights), tuple(map(running, online.rows)))

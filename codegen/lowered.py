"""The lowered IR: a kernel as work for teams, still without a target.

A `Program` is a list of launches that run one after another. A `Launch` runs its body once for
every point of its grid, each by one *team*: a core on a CPU, a simdgroup or a threadgroup on a
GPU. The statements of a body are executed by the whole team together: every lane holds the same
values of its names and takes the same branches.

`Loop` and `Fold` of kind `lanes` deal their iterations over the team's lanes; what stands inside
runs on one lane. Loops of kind `serial` run their iterations in order, on the whole team or, inside
a `lanes` loop, on the lane that reached them. A store outside any `lanes` loop happens once.

A `Fold` runs its range once and folds a value into each accumulator; afterwards every lane holds
the results. An `Allocate` makes a row of scratch for the rest of the block: `Put` writes an element
(once, outside a `lanes` loop) and `At` reads it. `Barrier` makes the team's writes visible to all
its lanes.

Expressions are those of the typed IR without `Reduce` and `Bind`. A `select` whose taken branch
is a load or an element of a row reads it only where the condition holds; every other operand may be
evaluated always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from kernel_ir import nodes as ir
from kernel_ir import traverse
from kernel_ir.dtypes import I64, DType

LoopKind = Literal["serial", "lanes"]
Monoid = Literal[
    "sum", "max", "min", "any", "all", "count", "argmax", "argmin", "best", "top", "online_softmax"
]


@dataclass(frozen=True, slots=True)
class Accumulator:
    """`value` (where `where` holds) folded by `monoid`.

    `names` receive the results: one name; for `online_softmax` the maximum and the sum of exponentials;
    for `best` what `argmax` gives and the value there, the lowest of its type where there is none; for `top`
    the same of words, of which 0 counts as none. A last result that nothing reads may have no name.
    `type` is the value's compute type; `argmax` and `argmin` give the i64 loop index.
    """

    names: tuple[str, ...]
    monoid: Monoid
    type: DType
    where: ir.Expr | None
    value: ir.Expr

    @property
    def is_indexed(self) -> bool:
        """Whether a result is the index of a term, or counts them."""
        return self.monoid in ("argmax", "argmin", "best", "top", "count")

    @property
    def result_types(self) -> tuple[DType, ...]:
        """The types of `names`."""
        first = I64 if self.is_indexed else self.type
        return (first, *(self.type for _ in self.names[1:]))


@dataclass(frozen=True, slots=True)
class Fold:
    """Reductions over one range; `body` computes what their values share."""

    accumulators: tuple[Accumulator, ...]
    var: str
    low: ir.Expr
    high: ir.Expr
    kind: LoopKind
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """The names of a running sum, or of a row of them.

    `total`: of all blocks before. `lost`: what adding them has rounded up. `part`: of this block.
    """

    total: str
    lost: str
    part: str


@dataclass(frozen=True, slots=True)
class Online:
    """What a loop over blocks of a stream carries along: the greatest score, the sum of weights, and rows of
    weighted sums. Several such carry different blocks, and become one by scaling to the greatest peak.
    """

    peak: str
    weights: Running
    rows: tuple[Running, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`for var in range(low, high)`, dealt over lanes or in order; over the blocks of streams if `online`.

    Of a loop in order, `is_parallel` says that its iterations might as well run in any other.
    """

    var: str
    low: ir.Expr
    high: ir.Expr
    kind: LoopKind
    body: tuple[Stmt, ...]
    online: tuple[Online, ...] = ()
    is_parallel: bool = False


@dataclass(frozen=True, slots=True)
class If:
    """A guard; both branches are blocks of their own."""

    condition: ir.Expr
    then: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...] = ()


@dataclass(frozen=True, slots=True)
class Allocate:
    """A row of `extent` scratch elements for the rest of the block; contents start undefined."""

    row: str
    type: DType
    extent: ir.Expr


@dataclass(frozen=True, slots=True)
class Put:
    """Write an element of a row of scratch."""

    row: str
    index: ir.Expr
    value: ir.Expr


@dataclass(frozen=True, slots=True)
class Barrier:
    """Writes of the team before this point are seen by all its lanes after it."""


Stmt: TypeAlias = "ir.Let | ir.Update | ir.Store | If | Loop | Fold | Allocate | Put | Barrier"


@dataclass(frozen=True, slots=True)
class GridAxis:
    """One parallel loop of a grid; its bounds depend on sizes and scalars only."""

    var: str
    low: ir.Expr
    high: ir.Expr


@dataclass(frozen=True, slots=True)
class Launch:
    """A body run once for every point of a grid (once in all where the grid has no axis)."""

    grid: tuple[GridAxis, ...]
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A kernel, lowered. Names bound outside a grid are visible in later launches."""

    kernel: ir.Kernel
    launches: tuple[Launch, ...]


def blocks(statement: Stmt) -> tuple[tuple[Stmt, ...], ...]:
    """The blocks nested directly in a statement."""
    match statement:
        case Loop() | Fold():
            return (statement.body,)
        case If(_, then, orelse):
            return (then, orelse)
        case _:
            return ()


def expressions(statement: Stmt) -> tuple[ir.Expr, ...]:
    """The expressions that stand directly in a statement."""
    match statement:
        case ir.Let(_, value) | ir.Update(_, value):
            return (value,)
        case ir.Store(_, index, value):
            return (*index, value)
        case If(condition):
            return (condition,)
        case Loop(_, low, high):
            return (low, high)
        case Fold(accumulators, _, low, high):
            folded = [part for item in accumulators for part in (item.where, item.value) if part is not None]
            return (low, high, *folded)
        case Allocate(_, _, extent):
            return (extent,)
        case Put(_, index, value):
            return (index, value)
        case Barrier():
            return ()


def names_read(body: tuple[Stmt, ...]) -> frozenset[str]:
    """The variables that the expressions of a body read."""
    exprs = (expr for item in walk(body) for expr in expressions(item))
    return frozenset(part.name for expr in exprs for part in traverse.walk(expr) if isinstance(part, ir.Var))


def map_blocks(statement: Stmt, change: Callable[[tuple[Stmt, ...]], tuple[Stmt, ...]]) -> Stmt:
    """The statement with `change` applied to each block nested directly in it."""
    match statement:
        case Loop() | Fold():
            return replace(statement, body=change(statement.body))
        case If(_, then, orelse):
            return replace(statement, then=change(then), orelse=change(orelse))
        case _:
            return statement


def walk(body: tuple[Stmt, ...]) -> Iterator[Stmt]:
    """Every statement of a body, parents first."""
    for statement in body:
        yield statement
        for block in blocks(statement):
            yield from walk(block)


def map_expressions(statement: Stmt, change: Callable[[ir.Expr], ir.Expr]) -> Stmt:
    """The statement with `change` applied to each expression in it, those of nested blocks included."""

    def block(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        return tuple(map_expressions(item, change) for item in body)

    match statement:
        case ir.Let(_, value) | ir.Update(_, value):
            return replace(statement, value=change(value))
        case ir.Store(_, index, value):
            return replace(statement, index=tuple(map(change, index)), value=change(value))
        case If(condition, then, orelse):
            return replace(statement, condition=change(condition), then=block(then), orelse=block(orelse))
        case Loop(_, low, high, _, body):
            return replace(statement, low=change(low), high=change(high), body=block(body))
        case Fold(accumulators, _, low, high, _, body):
            folded = tuple(_map_accumulator(item, change) for item in accumulators)
            return replace(
                statement, accumulators=folded, low=change(low), high=change(high), body=block(body)
            )
        case Allocate(_, _, extent):
            return replace(statement, extent=change(extent))
        case Put(_, index, value):
            return replace(statement, index=change(index), value=change(value))
        case Barrier():
            return statement


def _map_accumulator(item: Accumulator, change: Callable[[ir.Expr], ir.Expr]) -> Accumulator:
    where = None if item.where is None else change(item.where)
    return replace(item, where=where, value=change(item.value))


def bound_names(statement: Stmt) -> tuple[str, ...]:
    """The names that a statement itself binds, in its block or for the one inside it."""
    match statement:
        case ir.Let(name):
            return (name,)
        case Loop(var):
            return (var,)
        case Fold(accumulators, var):
            return (var, *(name for item in accumulators for name in item.names))
        case Allocate(row):
            return (row,)
        case _:
            return ()

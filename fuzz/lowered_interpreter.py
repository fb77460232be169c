"""Run a lowered program one lane at a time, in any order: the meaning of `codegen/lowered.py`.

Stricter than any target. Operands that a target may evaluate always are evaluated always; an access out
of range and a read of scratch that nothing wrote are errors; a mutated argument is updated in place, so
that a load after a store sees what was stored.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from codegen import lowered as low
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import Frame, bind_arguments
from kernel_ir.dtypes import DType
from kernel_ir.interpret_scalar import highest, lowest
from kernel_ir.ops import OPS
from kernel_ir.rounding import Array, compute_dtype, round_to

Order = Callable[[Sequence[Any]], Sequence[Any]]


def forward(items: Sequence[Any]) -> Sequence[Any]:
    return items


def backward(items: Sequence[Any]) -> Sequence[Any]:
    return items[::-1]


def shuffled(items: Sequence[Any]) -> Sequence[Any]:
    return [items[i] for i in np.random.default_rng(len(items)).permutation(len(items))]


ORDERS: tuple[Order, ...] = (forward, backward, shuffled)


def run_program(
    program: low.Program, arguments: Mapping[str, Any], types: Mapping[str, str], order: Order = forward
) -> dict[str, Array]:
    """Results and mutated arguments as `interpret` gives them; `order` is that of lanes and grid points."""
    frame = bind_arguments(program.kernel, arguments, types)
    interpreter = LoweredInterpreter(frame, order)
    with np.errstate(all="ignore"):
        for launch in program.launches:
            interpreter.launch(launch)
    return frame.outputs()


@dataclass(slots=True)
class LoweredInterpreter:
    """Runs launches against a frame; `names` and `rows` hold what is bound."""

    frame: Frame
    order: Order
    names: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, list[Any]] = field(default_factory=dict)
    constants: dict[int, tuple[ir.Const, Any]] = field(default_factory=dict)  # by identity

    # -- statements -----------------------------------------------------------------------------

    def launch(self, launch: low.Launch) -> None:
        """Grid points see the names of gridless launches, and never those of one another."""
        if not launch.grid:
            self.block(launch.body)
            return
        spans = [self.range(axis.low, axis.high) for axis in launch.grid]
        names, rows = self.names, self.rows
        for point in self.order(list(itertools.product(*spans))):
            here = {axis.var: np.int64(i) for axis, i in zip(launch.grid, point, strict=True)}
            self.names, self.rows = {**names, **here}, dict(rows)
            self.block(launch.body)
        self.names, self.rows = names, rows

    def block(self, body: tuple[low.Stmt, ...]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, statement: low.Stmt) -> None:
        match statement:
            case ir.Let(name, value) | ir.Update(name, value):
                self.names[name] = self.value(value)
            case ir.Store(tensor, index, value):
                place = tuple(int(self.value(part)) for part in index)
                array = self.frame.writable(tensor)
                _check(tensor, place, array.shape)
                array[place] = round_to(self.value(value), self.frame.dtypes[tensor])
            case low.If(condition, then, orelse):
                self.block(then if self.value(condition) else orelse)
            case low.Loop(var, first, end, kind, body):
                for position in self.indices(first, end, kind):
                    self.names[var] = np.int64(position)
                    self.block(body)
            case low.Fold():
                self.fold(statement)
            case low.Allocate(row, _, extent):
                self.rows[row] = [None] * int(self.value(extent))
            case low.Put(row, index, value):
                at = int(self.value(index))
                _check(row, (at,), (len(self.rows[row]),))
                self.rows[row][at] = self.value(value)
            case low.Barrier():
                pass

    def range(self, first: ir.Expr, end: ir.Expr) -> range:
        return range(int(self.value(first)), int(self.value(end)))

    def indices(self, first: ir.Expr, end: ir.Expr, kind: low.LoopKind) -> Sequence[int]:
        return self.order(self.range(first, end)) if kind == "lanes" else self.range(first, end)

    def fold(self, fold: low.Fold) -> None:
        """Terms are gathered in the order of the lanes, and folded in that of the range."""
        terms: list[list[tuple[int, Any]]] = [[] for _ in fold.accumulators]
        for index in self.indices(fold.low, fold.high, fold.kind):
            self.names[fold.var] = np.int64(index)
            self.block(fold.body)
            for item, found in zip(fold.accumulators, terms, strict=True):
                counts = item.where is None or self.value(item.where)
                value = self.value(item.value)
                found += [(index, value)] if counts else []
        for item, found in zip(fold.accumulators, terms, strict=True):
            results = _folded(item, sorted(found, key=lambda term: term[0]))
            self.names |= zip(item.names, results, strict=False)  # some are never read

    # -- expressions ----------------------------------------------------------------------------

    def value(self, expr: ir.Expr) -> Any:
        if type(expr) not in _VALUES:
            raise AssertionError(f"{type(expr).__name__} has no place in a lowered program")
        return _VALUES[type(expr)](self, expr)

    def constant(self, expr: ir.Const) -> Any:
        if id(expr) not in self.constants:
            self.constants[id(expr)] = expr, _typed(round_to(expr.value, expr.type), expr.type)
        return self.constants[id(expr)][1]

    def apply(self, expr: ir.Apply) -> Any:
        if expr.op == "select" and isinstance(expr.args[1], (ir.Load, ir.At)):
            condition, read, other = expr.args
            otherwise = self.value(other)
            return self.value(read) if self.value(condition) else otherwise
        return _typed(OPS[expr.op].meaning(np, *map(self.value, expr.args)), expr.type)

    def load(self, expr: ir.Load) -> Any:
        array = self.memory(expr.tensor)
        place = tuple(int(self.value(part)) for part in expr.index)
        _check(expr.tensor, place, array.shape)
        return _typed(array[place], expr.type)

    def at(self, expr: ir.At) -> Any:
        row, at = self.rows[expr.row], int(self.value(expr.index))
        _check(expr.row, (at,), (len(row),))
        assert row[at] is not None, f"{expr.row}[{at}] is read before it is written"
        return row[at]

    def memory(self, tensor: str) -> Array:
        return self.frame.live[tensor] if tensor in self.frame.live else self.frame.readable(tensor)


_VALUES: dict[type, Callable[[LoweredInterpreter, Any], Any]] = {
    ir.Const: LoweredInterpreter.constant,
    ir.Size: lambda run, expr: np.int64(run.frame.sizes[expr.name]),
    ir.Param: lambda run, expr: _typed(run.frame.scalars[expr.name], expr.type),
    ir.Given: lambda run, expr: np.bool_(run.frame.is_given(expr.name)),
    ir.Var: lambda run, expr: run.names[expr.name],
    ir.Apply: LoweredInterpreter.apply,
    ir.Load: LoweredInterpreter.load,
    ir.At: LoweredInterpreter.at,
}


def _check(name: str, place: tuple[int, ...], shape: tuple[int, ...]) -> None:
    for i, extent in zip(place, shape, strict=True):
        assert 0 <= i < extent, f"{name}{list(place)} is outside {list(shape)}"


def _typed(value: Any, dtype: DType) -> Any:
    kept = compute_dtype(dtype)
    return value if type(value) is kept.type else np.asarray(value).astype(kept)[()]


def _folded(item: low.Accumulator, terms: list[tuple[int, Any]]) -> tuple[Any, ...]:
    """The results of an accumulator over (index, value) in the order of the range."""
    values = [value for _, value in terms]
    match item.monoid:
        case "sum":
            kept = compute_dtype(item.type)
            return (np.sum(np.array(values, kept), dtype=kept),)
        case "max":
            return (np.max([lowest(item.type), *values]),)
        case "min":
            return (np.min([highest(item.type), *values]),)
        case "any":
            return (np.bool_(any(values)),)
        case "all":
            return (np.bool_(all(values)),)
        case "count":
            return (np.int64(sum(map(bool, values))),)
        case "argmax" | "argmin" as monoid:
            return (_extreme(terms, -1 if monoid == "argmax" else 1),)
        case "best":
            place = _extreme(terms, -1)
            return place, dict(terms).get(int(place), lowest(item.type))
        case "top":
            place = _extreme([term for term in terms if term[1]], -1)
            return place, dict(terms).get(int(place), lowest(item.type))
        case "online_softmax":
            peak = np.max([-np.inf, *values])
            return peak, np.sum(np.array([0.0 if v == peak == -np.inf else np.exp(v - peak) for v in values]))


def _extreme(terms: list[tuple[int, Any]], sign: int) -> Any:
    """The first index of the greatest (-1) or least (1) value, NaN above every number; -1 if none."""

    def rank(term: tuple[int, Any]) -> tuple[int, Any]:
        is_nan = math.isnan(term[1])
        return sign * int(is_nan), 0 if is_nan else sign * term[1].item()

    return np.int64(min(terms, key=rank, default=(-1, 0))[0])

"""Run a body over whole loops at once: every parallel loop and reduction is an axis of an array.

A value is an array with one axis for each loop variable that it may depend on, the newest first:
numpy broadcasts by aligning last axes, so a value bound outside a loop needs no reshaping inside.
An axis on which a value does not depend has length 1 or, at the front, is missing. Lanes that a
guard or the end of a ragged range leaves idle are masked: they compute garbage that nobody reads.

Ordered loops step in Python. Parallel loops are cut into chunks that bound the memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from typing_extensions import assert_never

from kernel_ir import error_bound
from kernel_ir.bind_arguments import Frame
from kernel_ir.dtypes import DType
from kernel_ir.error_bound import Bound
from kernel_ir.errors import CompilerBug
from kernel_ir.footprint import Footprints
from kernel_ir.nodes import (
    Apply,
    At,
    Bind,
    Const,
    Expr,
    For,
    Given,
    If,
    Kernel,
    Let,
    Load,
    Param,
    Reduce,
    ReduceKind,
    Row,
    Size,
    Stmt,
    Store,
    Update,
    Var,
)
from kernel_ir.ops import OPS, Op
from kernel_ir.reduce_axis import (
    Terms,
    arg_extreme,
    bound_of_reduction,
    bound_of_row,
    cumsum,
    reduce_terms,
    softmax,
    top,
)
from kernel_ir.rounding import Array, compute_dtype, round_to

_LANE_LIMIT = 1 << 22

Mask = Array  # bool, broadcastable to the lanes


@dataclass(frozen=True, slots=True)
class Value:
    """One value a lane.

    `lost` marks those from integer loads out of range under `nan`, None if none are. `bound` is
    how far f32 arithmetic may land from `data` (`kernel_ir/error_bound.py`), None if it is exact
    or not asked for.
    """

    data: Array
    lost: Mask | None = None
    bound: Bound = None


@dataclass(frozen=True, slots=True)
class Lanes:
    """The iterations that run together: the shape of their grid, and which of them are active."""

    shape: tuple[int, ...] = ()
    active: Mask | None = None

    def only(self, condition: Mask | None) -> Lanes:
        if condition is None:
            return self
        return Lanes(self.shape, condition if self.active is None else self.active & condition)

    def with_axis(self, extent: int) -> Lanes:
        return Lanes((extent, *self.shape), self.active)

    def are_idle(self) -> bool:
        return self.active is not None and not self.active.any()

    def include(self, condition: Mask) -> bool:
        """Whether the condition holds in an active lane."""
        return bool((condition if self.active is None else condition & self.active).any())


@dataclass(frozen=True, slots=True)
class Span:
    """A range: its first index and length in each lane, and the greatest length of an active lane."""

    low: Value
    extents: Array
    longest: int
    is_ragged: bool

    def variable(self, steps: Array) -> Value:
        return Value(self.low.data + steps, self.low.lost)

    def inside(self, steps: Array) -> Mask | None:
        return steps < self.extents if self.is_ragged else None


@dataclass(frozen=True, slots=True)
class Elements:
    """A row: its elements on the first axis, from index `low` on; `extents` in each lane."""

    values: Value
    low: Array
    extents: Array


@dataclass(slots=True, init=False)
class GridInterpreter:
    """Runs statements against a frame; `names` and `rows` hold what is bound.

    Where bounds are tracked, `bounds` holds the error bound of each element of each output, and `exact`
    its value as it was before the store rounded it; both are None elsewhere.
    """

    frame: Frame
    bounds: dict[str, Array] | None
    exact: dict[str, Array] | None
    names: dict[str, Value]
    rows: dict[str, Elements]
    footprints: Footprints

    def __init__(self, kernel: Kernel, frame: Frame, tracks_bounds: bool = False) -> None:
        self.frame = frame
        live = frame.live.items() if tracks_bounds else ()
        self.bounds = {name: np.zeros(array.shape) for name, array in live} if tracks_bounds else None
        self.exact = {name: array.astype(np.float64) for name, array in live} if tracks_bounds else None
        self.names = {}
        self.rows = {}
        self.footprints = Footprints(kernel, frame)

    # ---- statements ----------------------------------------------------------------------------

    def run(self, statements: tuple[Stmt, ...], lanes: Lanes = Lanes()) -> None:
        for stmt in statements:
            self._execute(stmt, lanes)

    def _execute(self, stmt: Stmt, lanes: Lanes) -> None:
        match stmt:
            case Let():
                self.names[stmt.name] = self._value(stmt.value, lanes)
            case Update():
                new, old = self._value(stmt.value, lanes), self.names[stmt.name]
                self.names[stmt.name] = new if lanes.active is None else _blend(lanes.active, new, old)
            case Row():
                self._bind_row(stmt, lanes)
            case Store():
                self._store(stmt, lanes)
            case For():
                for inner in self._iterate(stmt, lanes):
                    self.run(stmt.body, inner)
            case If():
                self._branch(stmt, lanes)
            case _:
                assert_never(stmt)

    def _branch(self, stmt: If, lanes: Lanes) -> None:
        condition = self._value(stmt.condition, lanes).data
        for block, side in ((stmt.then, condition), (stmt.orelse, ~condition)):
            inner = lanes if side.all() else lanes.only(side)
            if not inner.are_idle():
                self.run(block, inner)

    def _iterate(self, loop: For, lanes: Lanes) -> Iterator[Lanes]:
        """Bind the loop's variable, to one index or to a chunk of them at a time, and yield the lanes."""
        span = self._span(loop, lanes)
        chunk = 1 if loop.is_ordered else self._chunk(loop, lanes)
        for first in range(0, span.longest, chunk):
            last = min(first + chunk, span.longest)
            steps = np.int64(first) if loop.is_ordered else _new_axis(first, last, lanes)
            self.names[loop.var] = span.variable(steps)
            grown = lanes if loop.is_ordered else lanes.with_axis(last - first)
            inner = grown.only(span.inside(steps))
            if not inner.are_idle():
                yield inner

    def _chunk(self, loop: For, lanes: Lanes) -> int:
        return max(1, _LANE_LIMIT // (math.prod(lanes.shape) * self.footprints.of(loop)))

    def _span(self, loop: For | Reduce | Row, lanes: Lanes) -> Span:
        low, high = self._value(loop.low, lanes), self._value(loop.high, lanes)
        extents = np.maximum(high.data - low.data, 0)
        counted = extents if lanes.active is None else np.where(lanes.active, extents, 0)
        longest = int(counted.max(initial=0))
        return Span(low, extents, longest, is_ragged=bool((extents != longest).any()))

    def _store(self, stmt: Store, lanes: Lanes) -> None:
        value = self._value(stmt.value, lanes)
        tensor = self.frame.writable(stmt.tensor)
        index, inside = self._place(stmt, tensor.shape, lanes)
        if tensor.size == 0:
            return
        kept = inside if lanes.active is None else inside & lanes.active
        bound = np.asarray(0.0) if value.bound is None else value.bound
        *places, data, bound, kept = np.broadcast_arrays(*index, value.data, bound, kept)
        place = tuple(place[kept] for place in places)
        tensor[place] = self._kept(data[kept], self.frame.dtypes[stmt.tensor])
        if self.bounds is not None and self.exact is not None:
            self.bounds[stmt.tensor][place] = bound[kept]
            self.exact[stmt.tensor][place] = data[kept] if data.dtype.kind == "f" else tensor[place]
            self._note_store(data[kept], bound[kept], self.frame.dtypes[stmt.tensor])

    def _note_store(self, values: Array, bounds: Array, dtype: DType) -> None:
        """What is stored, before it is rounded, and how far off it may be."""

    def _kept(self, values: Array, dtype: DType) -> Array:
        """What a store to a dtype keeps of values."""
        return round_to(values, dtype)

    # ---- expressions ---------------------------------------------------------------------------

    def _value(self, expr: Expr, lanes: Lanes) -> Value:
        match expr:
            case Const():
                return Value(_typed(round_to(expr.value, expr.type), expr.type))
            case Size():
                return Value(np.asarray(self.frame.sizes[expr.name], np.int64))
            case Param():
                return Value(_typed(self.frame.scalars[expr.name], expr.type))
            case Given():
                return Value(np.asarray(self.frame.is_given(expr.name)))
            case Var():
                return self.names[expr.name]
            case Apply():
                return self._apply(expr, lanes)
            case Load():
                return self._load(expr, lanes)
            case Reduce():
                return self._reduce(expr, lanes)
            case At():
                return self._at(expr, lanes)
            case Bind():
                self.names[expr.name] = self._value(expr.value, lanes)
                return self._value(expr.body, lanes)
            case _:
                assert_never(expr)

    def _apply(self, expr: Apply, lanes: Lanes) -> Value:
        if expr.op in ("select", "logical_and", "logical_or"):
            return self._choose(expr, lanes)
        operands = [self._value(item, lanes) for item in expr.args]
        op, lost = OPS[expr.op], _either(*(item.lost for item in operands))
        data = _typed(self._operate(op, [item.data for item in operands]), expr.type)
        if self.bounds is None:
            return Value(data, lost)
        bound = error_bound.of_operation(op, [(item.data, item.bound) for item in operands], data)
        return Value(data, lost, bound)

    def _operate(self, op: Op, operands: list[Array]) -> Array:
        return np.asarray(op.meaning(np, *operands))

    def _choose(self, expr: Apply, lanes: Lanes) -> Value:
        """The ops that leave an operand alone: evaluate each side in the lanes that take it.

        Where no lane is active, a side is evaluated that some lane would take: the other may read what was
        not passed.
        """
        condition = self._value(expr.args[0], lanes)
        then, orelse = _SIDES[expr.op](expr)
        side_then = lanes.only(condition.data)
        side_else = lanes.only(~condition.data)
        if side_else.are_idle() and condition.data.any():
            taken = condition if then is None else self._value(then, lanes)
        elif side_then.are_idle():
            taken = condition if orelse is None else self._value(orelse, lanes)
        else:
            one = condition if then is None else self._value(then, side_then)
            two = condition if orelse is None else self._value(orelse, side_else)
            taken = _blend(condition.data, one, two)
        return Value(taken.data, _either(taken.lost, condition.lost), taken.bound)

    def _load(self, expr: Load, lanes: Lanes) -> Value:
        tensor = self.frame.readable(expr.tensor)
        index, inside = self._place(expr, tensor.shape, lanes)
        if tensor.size == 0:
            data = np.zeros(np.broadcast_shapes(inside.shape, *(i.shape for i in index)), tensor.dtype)
        else:
            data = np.asarray(tensor[tuple(index)])
        data = _typed(data, expr.type)
        if expr.policy != "nan" or inside.all():
            return Value(data, bound=self._stored_bound(expr.tensor, tuple(index)))
        if expr.type.is_float:
            return Value(np.where(inside, data, np.nan))
        return Value(np.where(inside, data, data.dtype.type(0)), ~inside)

    def _stored_bound(self, name: str, place: tuple[Array, ...]) -> Bound:
        """The bound of what is loaded: arguments are exact, results as computed and rounded."""
        if self.bounds is None or name not in self.frame.results or self.frame.live[name].size == 0:
            return None
        values, bounds = self.frame.live[name][place], self.bounds[name][place]
        return error_bound.of_stored(values, bounds, self.frame.dtypes[name])

    def _place(self, access: Load | Store, shape: tuple[int, ...], lanes: Lanes) -> tuple[list[Array], Mask]:
        """Indices that are safe to use in every lane, and the lanes in which they name an element."""
        index = [self._value(item, lanes) for item in access.index]
        at = [item.data for item in index]
        lost = _either(*(item.lost for item in index))
        inside = np.asarray(True) if lost is None else ~lost
        for i, extent in zip(at, shape, strict=True):
            inside = inside & (i >= 0) & (i < extent)
        if access.policy == "clamp" and 0 not in shape:
            return [np.clip(i, 0, extent - 1) for i, extent in zip(at, shape, strict=True)], np.asarray(True)
        if lanes.include(~inside):
            _refuse_unless_allowed(access, shape)
        return [np.where(inside, i, 0) for i in at], inside

    def _at(self, expr: At, lanes: Lanes) -> Value:
        row, index = self.rows[expr.row], self._value(expr.index, lanes)
        offset = index.data - row.low
        inside = (offset >= 0) & (offset < row.extents)
        if lanes.include(~inside):
            raise CompilerBug(f"{expr.row} is read outside its range")
        if row.values.data.size == 0:
            return Value(np.zeros(offset.shape, compute_dtype(expr.type)))
        offset = np.where(inside, offset, 0)
        lost = None if row.values.lost is None else _pick(row.values.lost, offset)
        bound = None if row.values.bound is None else _pick(row.values.bound, offset)
        return Value(_typed(_pick(row.values.data, offset), expr.type), _either(lost, index.lost), bound)

    # ---- reductions and rows -------------------------------------------------------------------

    def _terms(self, loop: Reduce | Row, lanes: Lanes) -> tuple[Terms, Span]:
        """The values of a range on a new first axis, with those that take part."""
        span = self._span(loop, lanes)
        kept = compute_dtype(loop.value.type)
        depth = len(lanes.shape)
        steps = _new_axis(0, span.longest, lanes)
        if span.longest == 0:
            nothing = np.zeros((0,) + (1,) * depth, kept)
            return Terms(nothing, nothing.astype(bool), steps), span
        self.names[loop.var] = span.variable(steps)
        inner = lanes.with_axis(span.longest).only(span.inside(steps))
        if loop.where is not None:
            inner = inner.only(self._value(loop.where, inner).data)
        value = self._value(loop.value, inner)
        used = np.asarray(True) if inner.active is None else inner.active
        shape = np.broadcast_shapes(value.data.shape, used.shape, steps.shape)
        lost = None if value.lost is None else np.broadcast_to(value.lost & used, shape)
        bound = None if value.bound is None else np.broadcast_to(np.where(used, value.bound, 0.0), shape)
        data, used = np.broadcast_to(value.data, shape), np.broadcast_to(used, shape)
        return Terms(data, used, span.variable(steps).data, lost, bound), span

    def _reduce(self, expr: Reduce, lanes: Lanes) -> Value:
        terms, _ = self._terms(expr, lanes)
        if expr.kind in ("argmax", "argmin"):
            data = arg_extreme(terms, is_max=expr.kind == "argmax")
        else:
            data = self._fold(expr.kind, terms, expr.value.type)
        bound = None if self.bounds is None else bound_of_reduction(expr.kind, terms)
        return Value(_typed(data, expr.type), terms.any_lost(), bound)

    def _fold(self, kind: ReduceKind, terms: Terms, dtype: DType) -> Array:
        return reduce_terms(kind, terms, dtype)

    def _bind_row(self, row: Row, lanes: Lanes) -> None:
        terms, span = self._terms(row, lanes)
        if row.count is not None:
            self._bind_topk(row, terms, self._value(row.count, lanes).data)
            return
        data, lost = _ROWS[row.kind](terms)
        bound = None if self.bounds is None else bound_of_row(row.kind, terms, data)
        self.rows[row.names[0]] = Elements(Value(data, lost, bound), span.low.data, span.extents)

    def _bind_topk(self, row: Row, terms: Terms, count: Array) -> None:
        length = int(count.max(initial=0))
        best, ids = top(terms, length, row.value.type)
        lost = terms.lost_in_top(length)
        values = (Value(best, lost, terms.bound_in_top(length)), Value(ids, lost))
        for name, value in zip(row.names, values, strict=True):
            self.rows[name] = Elements(value, np.asarray(0), count)


# op -> the expressions that give the value where the first operand is true, and where it is false;
# None stands for the first operand itself.
_SIDES: dict[str, Any] = {
    "select": lambda expr: (expr.args[1], expr.args[2]),
    "logical_and": lambda expr: (expr.args[1], None),
    "logical_or": lambda expr: (None, expr.args[1]),
}

_ROWS: dict[str, Any] = {
    "each": lambda terms: (np.where(terms.used, terms.data, terms.data.dtype.type(0)), terms.lost),
    "softmax": lambda terms: (softmax(terms), terms.any_lost_throughout()),
    "cumsum": lambda terms: (cumsum(terms), terms.lost_so_far()),
}


def _refuse_unless_allowed(access: Load | Store, shape: tuple[int, ...]) -> None:
    """An active lane is out of range: legal under `nan` for loads and `skip` for stores."""
    allowed = {"nan", "clamp"} if isinstance(access, Load) else {"skip", "clamp"}
    if access.policy in allowed:
        return
    if access.policy == "trust":
        raise ValueError(f"an index of {access.tensor} is outside {list(shape)}, which was trusted")
    raise CompilerBug(f"an index of {access.tensor} is outside {list(shape)}")


def _new_axis(first: int, last: int, lanes: Lanes) -> Array:
    """`first..last-1` along an axis in front of those of the lanes."""
    return np.arange(first, last, dtype=np.int64).reshape((last - first,) + (1,) * len(lanes.shape))


def _typed(data: Any, dtype: DType) -> Array:
    return np.asarray(data).astype(compute_dtype(dtype), copy=False)


def _either(*masks: Mask | None) -> Mask | None:
    """The union of masks, None standing for the empty one."""
    union = None
    for mask in masks:
        if mask is not None:
            union = mask if union is None else union | mask
    return union


def _blend(condition: Mask, one: Value, two: Value) -> Value:
    data = np.where(condition, one.data, two.data)
    lost = _blend_optional(condition, one.lost, two.lost, np.asarray(False))
    return Value(data, lost, _blend_optional(condition, one.bound, two.bound, np.asarray(0.0)))


def _blend_optional(condition: Mask, one: Array | None, two: Array | None, absent: Array) -> Array | None:
    if one is None and two is None:
        return None
    return np.where(condition, absent if one is None else one, absent if two is None else two)


def _pick(row: Array, offset: Array) -> Array:
    """`row[offset, lane]` in each lane; the row's axes after the first are the lanes' last ones."""
    axes = row.shape[1:]
    places = [
        np.arange(extent).reshape((extent,) + (1,) * (len(axes) - axis - 1)) if extent > 1 else 0
        for axis, extent in enumerate(axes)
    ]
    place = (offset, *places)
    return np.asarray(row[place])

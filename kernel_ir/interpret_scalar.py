"""Run a body one scalar at a time: the meaning of `kernel_ir/nodes.py`, as plainly as it can be put.

Slow, and the measure of `kernel_ir/interpret_grid.py`, which runs whole loops at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from typing_extensions import assert_never

from kernel_ir.bind_arguments import Frame
from kernel_ir.dtypes import DType
from kernel_ir.errors import CompilerBug
from kernel_ir.nodes import (
    Apply,
    At,
    Bind,
    Const,
    Expr,
    For,
    Given,
    If,
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
from kernel_ir.ops import OPS
from kernel_ir.rounding import compute_dtype, round_to


class Scalar(NamedTuple):
    """A value of a compute type. `is_lost` if it comes from an integer load out of range under `nan`."""

    value: Any
    is_lost: bool = False


@dataclass(frozen=True, slots=True)
class Elements:
    """A row: the elements from index `low` on."""

    low: int
    items: tuple[Scalar, ...]


@dataclass(slots=True)
class ScalarInterpreter:
    """Runs statements against a frame; `names` and `rows` hold what is bound."""

    frame: Frame
    names: dict[str, Scalar] = field(default_factory=dict)
    rows: dict[str, Elements] = field(default_factory=dict)
    constants: dict[int, tuple[Const, Scalar]] = field(default_factory=dict)  # by identity

    # ---- statements ----------------------------------------------------------------------------

    def run(self, statements: tuple[Stmt, ...]) -> None:
        for stmt in statements:
            self._execute(stmt)

    def _execute(self, stmt: Stmt) -> None:
        match stmt:
            case Let() | Update():
                self.names[stmt.name] = self._value(stmt.value)
            case Row():
                self._bind_row(stmt)
            case Store():
                self._store(stmt)
            case For():
                for _ in self._iterate(stmt):
                    self.run(stmt.body)
            case If():
                self.run(stmt.then if self._value(stmt.condition).value else stmt.orelse)
            case _:
                assert_never(stmt)

    def _iterate(self, loop: For | Reduce | Row) -> Any:
        """Bind the loop's variable to each index of its range in turn, and yield it."""
        low, high = self._value(loop.low), self._value(loop.high)
        for index in range(int(low.value), int(high.value)):
            self.names[loop.var] = Scalar(np.int64(index), low.is_lost)
            yield index

    def _store(self, stmt: Store) -> None:
        value = self._value(stmt.value)
        tensor = self.frame.writable(stmt.tensor)
        place = self._place(stmt, tensor.shape)
        if place is not None:
            tensor[place] = round_to(value.value, self.frame.dtypes[stmt.tensor])

    # ---- expressions ---------------------------------------------------------------------------

    def _value(self, expr: Expr) -> Scalar:
        match expr:
            case Const():
                return self._constant(expr)
            case Size():
                return Scalar(np.int64(self.frame.sizes[expr.name]))
            case Param():
                return Scalar(_typed(self.frame.scalars[expr.name], expr.type))
            case Given():
                return Scalar(np.bool_(self.frame.is_given(expr.name)))
            case Var():
                return self.names[expr.name]
            case Apply():
                return self._apply(expr)
            case Load():
                return self._load(expr)
            case Reduce():
                return self._reduce(expr)
            case At():
                return self._at(expr)
            case Bind():
                self.names[expr.name] = self._value(expr.value)
                return self._value(expr.body)
            case _:
                assert_never(expr)

    def _constant(self, expr: Const) -> Scalar:
        if id(expr) not in self.constants:
            self.constants[id(expr)] = expr, Scalar(_typed(round_to(expr.value, expr.type), expr.type))
        return self.constants[id(expr)][1]

    def _apply(self, expr: Apply) -> Scalar:
        if expr.op in ("select", "logical_and", "logical_or"):
            return self._choose(expr)
        operands = [self._value(item) for item in expr.args]
        result = OPS[expr.op].meaning(np, *[item.value for item in operands])
        return Scalar(_typed(result, expr.type), any(item.is_lost for item in operands))

    def _choose(self, expr: Apply) -> Scalar:
        """The ops that leave an operand alone."""
        first = self._value(expr.args[0])
        if expr.op == "select":
            taken = self._value(expr.args[1 if first.value else 2])
        elif bool(first.value) == (expr.op == "logical_or"):
            return first
        else:
            taken = self._value(expr.args[1])
        return Scalar(taken.value, taken.is_lost or first.is_lost)

    def _load(self, expr: Load) -> Scalar:
        tensor = self.frame.readable(expr.tensor)
        place = self._place(expr, tensor.shape)
        if place is not None:
            return Scalar(_typed(tensor[place], expr.type))
        if expr.policy == "nan" and expr.type.is_float:
            return Scalar(np.float64(np.nan))
        return Scalar(_typed(0, expr.type), is_lost=expr.policy == "nan")

    def _place(self, access: Load | Store, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """The index of an access, or None where its policy says that there is no element."""
        index = [self._value(item) for item in access.index]
        at = tuple(int(item.value) for item in index)
        is_inside = all(0 <= i < extent for i, extent in zip(at, shape, strict=True))
        if is_inside and not any(item.is_lost for item in index):
            return at
        match access.policy:
            case "nan" if isinstance(access, Load):
                return None
            case "skip" if isinstance(access, Store):
                return None
            case "clamp":
                nearest = tuple(max(0, min(i, extent - 1)) for i, extent in zip(at, shape, strict=True))
                return nearest if 0 not in shape else None
            case "trust":
                raise ValueError(f"{access.tensor}{list(at)} is outside {list(shape)}, which was trusted")
        raise CompilerBug(f"{access.tensor}{list(at)} is outside {list(shape)}")

    def _at(self, expr: At) -> Scalar:
        row, index = self.rows[expr.row], self._value(expr.index)
        offset = int(index.value) - row.low
        if not 0 <= offset < len(row.items):
            raise CompilerBug(f"{expr.row}[{index.value}] is outside its row")
        item = row.items[offset]
        return Scalar(_typed(item.value, expr.type), item.is_lost or index.is_lost)

    # ---- reductions and rows -------------------------------------------------------------------

    def _terms(self, loop: Reduce | Row) -> list[tuple[int, Scalar | None]]:
        """Each index of the range with its value, None where `where` leaves it out."""
        terms = []
        for index in self._iterate(loop):
            is_used = loop.where is None or self._value(loop.where).value
            terms.append((index, self._value(loop.value) if is_used else None))
        return terms

    def _reduce(self, expr: Reduce) -> Scalar:
        terms = [(index, item) for index, item in self._terms(expr) if item is not None]
        is_lost = any(item.is_lost for _, item in terms)
        values = [item.value for _, item in terms]
        result = _reduced(expr.kind, values, [index for index, _ in terms], expr.value.type)
        return Scalar(_typed(result, expr.type), is_lost)

    def _bind_row(self, row: Row) -> None:
        low = int(self._value(row.low).value)
        terms = self._terms(row)
        dtype = row.value.type
        if row.count is not None:
            self._bind_topk(row, terms, int(self._value(row.count).value))
            return
        items = [item for _, item in terms]
        if row.kind == "softmax":
            items = _softmax(items)
        elif row.kind == "cumsum":
            items = _cumsum(items, dtype)
        rest = Scalar(_typed(0, dtype))
        self.rows[row.names[0]] = Elements(low, tuple(rest if item is None else item for item in items))

    def _bind_topk(self, row: Row, terms: list[tuple[int, Scalar | None]], count: int) -> None:
        used = [(index, item) for index, item in terms if item is not None]
        is_lost = any(item.is_lost for _, item in used)
        order = sorted(used, key=lambda term: _rank(term[1].value), reverse=True)[:count]
        missing = count - len(order)
        values = [item.value + type(item.value)(0) for _, item in order]  # -0 comes back as 0
        values += [lowest(row.value.type)] * missing
        indices = [np.int64(index) for index, _ in order] + [np.int64(-1)] * missing
        for name, row_items in zip(row.names, (values, indices), strict=True):
            self.rows[name] = Elements(0, tuple(Scalar(value, is_lost) for value in row_items))


def lowest(dtype: DType) -> Any:
    """Where `max` starts: -inf, or the lowest integer."""
    return _typed(-np.inf if dtype.is_float else int(dtype.lowest), dtype)


def highest(dtype: DType) -> Any:
    """Where `min` starts: +inf, or the highest integer."""
    return _typed(np.inf if dtype.is_float else int(dtype.highest), dtype)


def _typed(value: Any, dtype: DType) -> Any:
    """A numpy scalar of the compute type; integers wrap."""
    kept = compute_dtype(dtype)
    return value if type(value) is kept.type else np.asarray(value).astype(kept)[()]


def _rank(value: Any) -> tuple[bool, Any]:
    """The order of `argmax` and `topk`: NaN above every number."""
    return (True, 0) if np.isnan(value) else (False, value)


def _reduced(kind: ReduceKind, values: list[Any], indices: list[int], dtype: DType) -> Any:
    match kind:
        case "sum":
            return np.sum(np.array(values, dtype=compute_dtype(dtype)), dtype=compute_dtype(dtype))
        case "count":
            return sum(1 for value in values if value)
        case "max":
            return np.max([lowest(dtype), *values])
        case "min":
            return np.min([highest(dtype), *values])
        case "any":
            return any(values)
        case "all":
            return all(values)
        case "argmax":
            return max(zip(indices, values, strict=True), key=lambda t: _rank(t[1]), default=(-1, 0))[0]
        case "argmin":
            return min(zip(indices, values, strict=True), key=lambda t: _rank(t[1]), default=(-1, 0))[0]
        case _:
            assert_never(kind)


def _softmax(items: list[Scalar | None]) -> list[Scalar | None]:
    """Terms of -inf weigh nothing; where every term does, all are 0, as in an empty row."""
    used = [item for item in items if item is not None]
    greatest = np.max([-np.inf, *(item.value for item in used)])
    if greatest == -np.inf:
        return [None for _ in items]
    is_lost = any(item.is_lost for item in used)
    weights = [None if item is None else np.exp(item.value - greatest) for item in items]
    total = np.sum([weight for weight in weights if weight is not None])
    return [None if weight is None else Scalar(weight / total, is_lost) for weight in weights]


def _cumsum(items: list[Scalar | None], dtype: DType) -> list[Scalar | None]:
    running = Scalar(_typed(0, dtype))
    sums: list[Scalar | None] = []
    for item in items:
        if item is not None:
            running = Scalar(running.value + item.value, running.is_lost or item.is_lost)
        sums.append(running)
    return sums

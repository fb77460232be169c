"""The interpreter in the ring: what a call's outputs are, to the bit."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from fuzz.compare import Difference, first_of
from fuzz.exact import ring
from fuzz.inputs import Call
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import Frame, bind_arguments
from kernel_ir.dtypes import F32, DType
from kernel_ir.interpret_grid import Elements, GridInterpreter, Lanes, Value
from kernel_ir.reduce_axis import Terms
from kernel_ir.rounding import Array


def expect_exactly(kernel: ir.Kernel, call: Call) -> dict[str, ExactlyExpected]:
    """What every output of a call must be."""
    frame = bind_exactly(kernel, call)
    with np.errstate(all="ignore"):
        RingInterpreter(kernel, frame).run(kernel.body)
    return {name: ExactlyExpected(frame.dtypes[name], item) for name, item in outputs_of(frame).items()}


def bind_exactly(kernel: ir.Kernel, call: Call) -> Frame:
    """The frame of a call in which floats are elements: the bits in memory, taken as words."""
    arguments = call.arguments()
    frame = bind_arguments(kernel, arguments, call.types)
    entry, scalars = dict(frame.entry), dict(frame.scalars)
    for name, values in frame.entry.items():
        dtype = frame.dtypes[name]
        if dtype.is_float:
            entry[name] = ring.decode(np.asarray(arguments[name]), dtype).reshape(values.shape)
    for item in kernel.arguments:
        if isinstance(item, ir.ScalarType) and item.dtype.is_float:
            scalars[item.name] = ring.decode(np.float32(frame.scalars[item.name]), F32)[()]
    live = {name: entry[name].copy() if name in entry else values for name, values in frame.live.items()}
    return dataclasses.replace(frame, entry=entry, scalars=scalars, live=live)


def outputs_of(frame: Frame) -> dict[str, Array]:
    """Storage arrays in the caller's shapes."""
    made = {}
    for name, values in frame.live.items():
        dtype = frame.dtypes[name]
        kept = ring.encode(values, dtype) if dtype.is_float else frame.outputs()[name]
        made[name] = kept.reshape(frame.shapes[name])
    return made


@dataclass(frozen=True, slots=True)
class ExactlyExpected:
    """One output, of which every bit is known."""

    dtype: DType
    storage: Array

    def difference(self, name: str, storage: Array) -> Difference | None:
        """The first element whose bits are not those that they should be."""
        wanted, got = (ring.bits_of(item, self.dtype) for item in (self.storage, storage))
        return first_of(name, wanted != got, got, wanted)

    @property
    def size(self) -> int:
        return self.storage.size

    def unstable(self) -> int:
        return 0


class RingInterpreter(GridInterpreter):
    """Runs a body with ring arithmetic wherever values are floats."""

    def _value(self, expr: ir.Expr, lanes: Lanes) -> Value:
        if isinstance(expr, ir.Const) and expr.type.is_float:
            return Value(ring.embed(expr.value))
        return super()._value(expr, lanes)

    def _apply(self, expr: ir.Apply, lanes: Lanes) -> Value:
        meaning = meaning_of(expr)
        if meaning is None:
            return super()._apply(expr, lanes)
        operands = [self._value(item, lanes) for item in expr.args]
        lost = [item.lost for item in operands if item.lost is not None]
        union = np.logical_or.reduce(np.broadcast_arrays(*lost)) if lost else None
        return Value(meaning(*(item.data for item in operands)), union)

    def _kept(self, values: Array, dtype: DType) -> Array:
        return ring.stored(values, dtype) if values.dtype.kind == "f" else super()._kept(values, dtype)

    def _reduce(self, expr: ir.Reduce, lanes: Lanes) -> Value:
        found = super()._reduce(expr, lanes)
        is_sum = expr.kind == "sum" and expr.type.is_float
        return Value(ring.wrapped(found.data), found.lost) if is_sum else found

    def _bind_row(self, row: ir.Row, lanes: Lanes) -> None:
        super()._bind_row(row, lanes)
        name = row.names[0]
        found = self.rows[name]
        if row.kind == "cumsum" and row.value.type.is_float:
            self.rows[name] = _with_values(found, ring.wrapped(found.values.data))
        if row.kind == "softmax":
            self.rows[name] = _with_values(found, softmax(self._terms(row, lanes)[0]))


def _with_values(row: Elements, data: Array) -> Elements:
    return dataclasses.replace(row, values=Value(data, row.values.lost))


def meaning_of(expr: ir.Apply) -> Any:
    """What an op does in the ring; None where it does what it always does."""
    takes_floats = any(item.type.is_float for item in expr.args)
    if expr.op == "f32":
        return np.asarray if takes_floats else ring.from_integer
    return ring.MEANINGS.get(expr.op) if takes_floats or expr.type.is_float else None


def softmax(terms: Terms) -> Array:
    """Terms of -inf weigh nothing; where every term does, all are 0."""
    masked = np.where(terms.used, terms.data, -np.inf)
    greatest = masked.max(axis=0, initial=-np.inf)
    weights = ring.MEANINGS["exp"](ring.wrapped(np.asarray(masked - greatest)))
    weights = np.where(masked == -np.inf, 0.0, weights)
    total = ring.wrapped(weights.sum(axis=0))
    shares = np.where(greatest == -np.inf, 0.0, ring.divide(weights, total))
    return np.where(terms.used, shares, 0.0)

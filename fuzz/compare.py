"""The oracle: what a call's outputs are, and how far a target may be from them.

The interpreter computes exactly and rounds at stores; the bound that f32 arithmetic allows comes with it, and
where the bound is 0 results are compared bit for bit, the sign of a zero included. It is left out where the
bound says that what was rounded decides it, and where `min` or `max` of zeros of either sign does, which may
give any: what looks wrong is asked for again with other choices of theirs. Where the program is so
ill-conditioned that rounding each operation to f32 moves a result beyond its bound (an overflow on the way, a
difference of nearly equal numbers under a steep function, a comparison that rounding turns), no target can be
held to the exact value: such elements are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fuzz.inputs import Call
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.dtypes import DTYPES, F32, DType
from kernel_ir.error_bound import OPEN_SIGN
from kernel_ir.interpret import Reference, interpret_with_bounds
from kernel_ir.interpret_grid import GridInterpreter, Lanes, Value
from kernel_ir.nodes import Apply, At, Expr, Reduce, ReduceKind
from kernel_ir.ops import Op
from kernel_ir.reduce_axis import Terms
from kernel_ir.rounding import Array, decode, round_to

SLACK = 4.0  # bounds are first order; what they leave out stays well below this
CHOICES = 8  # of zeros, where it matters which `min` and `max` give


@dataclass(frozen=True, slots=True)
class Expected:
    """One output: its value, the least and the greatest that a target may give, where it says anything, and
    where a zero's sign does. `choices` has more to say where the call met zeros of either sign.
    """

    dtype: DType
    values: Array
    lowest: Array
    highest: Array
    is_stable: Array
    has_sign: Array
    choices: Choices | None = None

    def difference(self, name: str, storage: Array) -> Difference | None:
        """The first element that is off, if any is."""
        got = decode(storage, self.dtype)
        is_right = agree(got, self.values, self.lowest, self.highest)
        if self.dtype.is_float:
            is_right &= ~(self.has_sign & (got == 0) & (np.signbit(got) != np.signbit(self.values)))
        wrong = ~is_right & self.is_stable
        if wrong.any() and self.choices is not None:
            wrong &= ~self.choices.bear_on(name, self.dtype)
        return first_of(name, wrong, got, self.values)

    @property
    def size(self) -> int:
        return self.values.size

    def is_exact(self) -> bool:
        """Whether a target may give nothing but the values."""
        return bool(np.all((self.lowest == self.highest) | np.isnan(self.values)))

    def made_exact(self) -> Expected:
        """The same, where a target may give nothing but the values."""
        return replace(self, lowest=self.values, highest=self.values)

    def unstable(self) -> int:
        """Elements that no target is held to."""
        return int((~self.is_stable).sum())


@dataclass(slots=True)
class Choices:
    """What a call gives with other zeros where `min` and `max` may give any; interpreted when asked for."""

    kernel: ir.Kernel
    call: Call
    drawn: list[dict[str, Array]] = field(default_factory=list)

    def bear_on(self, name: str, dtype: DType) -> Array:
        """The elements of an output that differ with the choices."""
        if not self.drawn:
            self.drawn = [
                DrawingInterpreter(self.kernel, self.call, number).outputs() for number in range(CHOICES)
            ]
        first, *others = (decode(outputs[name], dtype) for outputs in self.drawn)
        return np.asarray(np.any([_has_other_bits(first, other) for other in others], axis=0))


@dataclass(frozen=True, slots=True)
class Difference:
    """Where an output was not as it should be."""

    output: str
    place: tuple[int, ...]
    got: Any
    wanted: Any
    count: int

    def __str__(self) -> str:
        where = f"{self.output}[{', '.join(map(str, self.place))}]"
        return f"{where} is {self.got}, expected {self.wanted}; {self.count} elements differ"


def first_of(name: str, wrong: Array, got: Array, wanted: Array) -> Difference | None:
    """The first of the elements that are wrong."""
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return Difference(name, place, got[place], wanted[place], int(wrong.sum()))


def expect(kernel: ir.Kernel, call: Call) -> dict[str, Expected]:
    """What every output of a call must be."""
    interpreter = RoundingInterpreter(kernel, call)
    rounded = interpreter.outputs()
    choices = Choices(kernel, call) if interpreter.has_chosen else None
    return {
        name: _expected(item, decode(rounded[name], item.dtype), choices)
        for name, item in interpret_with_bounds(kernel, call.arguments(), call.types).items()
    }


def dtype_of(kernel: ir.Kernel, tensor: str, types: Mapping[str, str]) -> DType:
    written = kernel.tensors()[tensor].dtype
    return DTYPES[types.get(written, written)]


def _expected(item: Reference, shadow: Array, choices: Choices | None) -> Expected:
    """`shadow` is what the output is with each operation rounded."""
    values, bound = item.values, item.bound
    lowest, highest = item.limits(SLACK)
    is_sign = (values == 0) & (bound == OPEN_SIGN)  # all that is open
    lowest, highest = np.where(is_sign, values, lowest), np.where(is_sign, values, highest)
    is_stable = ~np.isinf(bound) & agree(shadow, values, lowest, highest)
    has_sign = (values == 0) & (bound < OPEN_SIGN) & item.dtype.is_float
    has_sign &= np.signbit(shadow) == np.signbit(values)
    return Expected(item.dtype, values, lowest, highest, is_stable, has_sign, choices)


def agree(got: Array, wanted: Array, lowest: Array, highest: Array) -> Array:
    """Where values are what is wanted, NaN included, or lie within the limits."""
    is_right = (got == wanted) | ((lowest <= got) & (got <= highest))
    if got.dtype.kind == "f":
        is_right |= np.isnan(got) & np.isnan(wanted)
    return np.asarray(is_right)


def _has_other_bits(one: Array, other: Array) -> Array:
    if one.dtype.kind != "f":
        return np.asarray(one != other)
    is_same = (one == other) & (np.signbit(one) == np.signbit(other))
    return np.asarray(~(is_same | (np.isnan(one) & np.isnan(other))))


class RoundingInterpreter(GridInterpreter):
    """The interpreter with operations, reductions and elements of rows rounded to f32, as targets do it.

    Of zeros of either sign, `min` and `max` give any: here they give the one that the other interpreter does
    not, so that what a sign decides differs, unless another such choice turns it back.
    """

    has_chosen = False  # between such zeros

    def __init__(self, kernel: ir.Kernel, call: Call) -> None:
        super().__init__(kernel, bind_arguments(kernel, call.arguments(), call.types))
        self.body = kernel.body

    def outputs(self) -> dict[str, Array]:
        """What the call gives."""
        with np.errstate(all="ignore"):
            self.run(self.body)
        return self.frame.outputs()

    def _apply(self, expr: Apply, lanes: Lanes) -> Value:
        return _in_f32(expr, super()._apply(expr, lanes))

    def _operate(self, op: Op, operands: list[Array]) -> Array:
        found = super()._operate(op, operands)
        if op.name not in ("minimum", "maximum"):
            return found
        return self._take_any(found, np.stack(np.broadcast_arrays(*operands)))

    def _fold(self, kind: ReduceKind, terms: Terms, dtype: DType) -> Array:
        found = super()._fold(kind, terms, dtype)
        if kind not in ("min", "max"):
            return found
        return self._take_any(found, np.where(terms.used, terms.data, terms.data.dtype.type(1)))

    def _reduce(self, expr: Reduce, lanes: Lanes) -> Value:
        return _in_f32(expr, super()._reduce(expr, lanes))

    def _at(self, expr: At, lanes: Lanes) -> Value:
        return _in_f32(expr, super()._at(expr, lanes))

    def _take_any(self, found: Array, values: Array) -> Array:
        """Another zero where the values, on the first axis, hold both."""
        if found.dtype.kind != "f" or not len(values):
            return found
        is_zero, is_negative = values == 0, np.signbit(values)
        has_both = (is_zero & is_negative).any(axis=0) & (is_zero & ~is_negative).any(axis=0)
        is_open = (found == 0) & has_both
        self.has_chosen |= bool(is_open.any())
        return np.where(is_open, self._any_zeros(found), found)

    def _any_zeros(self, found: Array) -> Array:
        return -found


class DrawingInterpreter(RoundingInterpreter):
    """The same with zeros that are drawn: number 0 takes 0 everywhere, and the last of CHOICES takes -0."""

    def __init__(self, kernel: ir.Kernel, call: Call, number: int) -> None:
        super().__init__(kernel, call)
        self.draw = np.random.default_rng(number)
        self.share = number / (CHOICES - 1)

    def _any_zeros(self, found: Array) -> Array:
        return np.where(self.draw.random(found.shape) < self.share, -0.0, 0.0)


def _in_f32(expr: Expr, value: Value) -> Value:
    if expr.type.name != "f32":
        return value
    return Value(np.asarray(round_to(value.data, F32)), value.lost, value.bound)

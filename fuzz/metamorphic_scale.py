"""Scaling by powers of two, where a program is homogeneous: results scale with the same bits.

Every float value has a degree, the power of two by which it changes when inputs change by theirs: sums need
terms of one degree, products add degrees, whatever is not homogeneous needs degree 0. These are linear
equations over the degrees of the tensors, and any solution of theirs that is not 0 is a scaling.

Bits stay the same as long as nothing leaves the normal numbers of its type on the way. That is seen by
interpreting the call: where a value comes near to an end of its type, there is nothing to compare.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from fuzz.compare import dtype_of
from fuzz.inputs import Call, Placed
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.interpret_grid import GridInterpreter, Lanes, Value
from kernel_ir.ops import OPS
from kernel_ir.rounding import Array, decode, encode

Degree: TypeAlias = "dict[str, Fraction] | None"  # over the unknown degrees; None: of any degree, as 0 is

MOST_STEPS = 12  # powers of two by which anything may change
_WIDEST = 2.0**80  # of what lies between loads and stores
_SAME = ("negate", "abs", "f32", "f16", "bf16", "f8e4m3")
_ALIKE = ("add", "subtract", "minimum", "maximum")
_ROUNDED = ("f16", "bf16", "f8e4m3")
_ROOTS = {"sqrt": Fraction(1, 2), "rsqrt": Fraction(-1, 2)}


@dataclass(frozen=True, slots=True)
class Scaling:
    """By which power of two each float tensor and number changes; `rounds` holds it for roundings inside."""

    steps: Mapping[str, int]
    rounds: Mapping[int, int]
    kernel: ir.Kernel
    types: Mapping[str, str]

    def outputs(self, given: Mapping[str, Array]) -> dict[str, Array]:
        """A call's outputs, scaled."""
        return {name: self.tensor(name, values) for name, values in given.items()}

    def tensor(self, name: str, values: Array) -> Array:
        """Storage of a tensor, scaled."""
        dtype, step = dtype_of(self.kernel, name, self.types), self.steps.get(name, 0)
        return np.asarray(encode(np.ldexp(decode(values, dtype), step), dtype)) if step else values


def draw_scaling(draw: random.Random, kernel: ir.Kernel, call: Call) -> Scaling | None:
    """A scaling of a call under which its outputs must scale, if there is one."""
    equations = Degrees(kernel)
    equations.block(kernel.body)
    given = _given(kernel, call)
    free = null_space(equations.zero, [name for name in equations.unknown if name in given])
    if not free:
        return None
    solution: dict[str, Fraction] = {}
    for vector in draw.sample(free, min(len(free), draw.choice((1, 2)))):
        sign = draw.choice((-1, 1))
        solution = _sum(solution, _times(vector, Fraction(sign)), 1)
    forms = (*equations.whole, *({name: Fraction(1)} for name in equations.unknown))
    whole = math.lcm(*(_at(form, solution).denominator for form in forms))
    whole *= draw.choice((1, 1, 2, 3))
    steps = {name: int(whole * _at({name: Fraction(1)}, solution)) for name in equations.unknown}
    rounds = {key: int(whole * _at(form, solution)) for key, form in equations.rounds.items()}
    made = Scaling(steps, rounds, kernel, call.types)
    is_small = all(abs(step) <= MOST_STEPS for step in (*steps.values(), *rounds.values()))
    return made if is_small and any(steps[name] for name in given & steps.keys()) else None


def with_scaling(call: Call, scaling: Scaling) -> Call | None:
    """The call with scaled inputs; None where these or anything on the way leave the normal numbers."""
    tensors: dict[str, Placed | None] = {}
    for name, item in call.tensors.items():
        dtype, step = dtype_of(scaling.kernel, name, call.types), scaling.steps.get(name, 0)
        if item is not None and step and not _is_normal(decode(item.memory, dtype), dtype, step):
            return None
        tensors[name] = None if item is None else replace(item, memory=scaling.tensor(name, item.memory))
    if not _Watching.holds(call, scaling):
        return None
    arguments = {item.name: item for item in scaling.kernel.arguments if isinstance(item, ir.ScalarType)}
    numbers = dict(call.numbers)
    for name, step in scaling.steps.items():
        if name in arguments and step:
            numbers[name] = math.ldexp(float(call.numbers.get(name, arguments[name].default)), step)
    return replace(call, tensors=tensors, numbers=numbers)


def _given(kernel: ir.Kernel, call: Call) -> set[str]:
    """The inputs of a call that can be scaled."""
    numbers = {item.name for item in kernel.arguments if isinstance(item, ir.ScalarType)}
    return numbers | {name for name, item in call.tensors.items() if item is not None}


# ---- degrees -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Degrees:
    """The degree of every float in a kernel, as equations over those of its tensors, numbers and states.

    `zero` holds what must be 0, `whole` what must be whole numbers, `rounds` the degree at each rounding
    inside an expression, by the node's id.
    """

    kernel: ir.Kernel
    names: dict[str, Degree] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    zero: list[dict[str, Fraction]] = field(default_factory=list)
    whole: list[dict[str, Fraction]] = field(default_factory=list)
    rounds: dict[int, dict[str, Fraction]] = field(default_factory=dict)

    def block(self, body: Iterable[ir.Stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, statement: ir.Stmt) -> None:
        match statement:
            case ir.Let(name, value, is_mutable):
                degree = self.of(value)
                if is_mutable and value.type.is_float:
                    self.names[name] = self.symbol(name)
                    self.alike(self.names[name], degree)
                else:
                    self.names[name] = degree
            case ir.Update(name, value):
                self.alike(self.names[name], self.of(value))
            case ir.Row():
                self.row(statement)
            case ir.Store(tensor, index, value):
                self.each(index)
                self.alike(self.tensor(tensor), self.of(value))
            case ir.For(_, low, high, body):
                self.each((low, high))
                self.block(body)
            case ir.If(condition, then, orelse):
                self.of(condition)
                self.block(then)
                self.block(orelse)

    def row(self, row: ir.Row) -> None:
        self.each(item for item in (row.low, row.high, row.where, row.count) if item is not None)
        degree = self.of(row.value)
        if row.kind == "softmax":
            self.alike(degree, {})
            degree = {}
        self.names[row.names[0]] = degree
        self.names.update({name: {} for name in row.names[1:]})

    def each(self, exprs: Iterable[ir.Expr]) -> list[Degree]:
        return [self.of(item) for item in exprs]

    def of(self, expr: ir.Expr) -> Degree:
        """The degree of a value; 0 of what is no float."""
        match expr:
            case ir.Const(value, type_):
                is_any = type_.is_float and (value == 0 or not math.isfinite(value))
                return None if is_any else {}
            case ir.Param(name, type_):
                return self.symbol(name) if type_.is_float else {}
            case ir.Var(name, type_):
                return self.names[name] if type_.is_float else {}
            case ir.Load(tensor, index):
                self.each(index)
                return self.tensor(tensor)
            case ir.At(row, index):
                self.of(index)
                return self.names[row]
            case ir.Bind(name, value, body):
                self.names[name] = self.of(value)
                return self.of(body)
            case ir.Reduce():
                self.each(item for item in (expr.low, expr.high, expr.where) if item is not None)
                degree = self.of(expr.value)
                return degree if expr.type.is_float else {}
            case ir.Apply():
                return self.operation(expr, self.each(expr.args))
            case _:
                return {}

    def operation(self, expr: ir.Apply, args: list[Degree]) -> Degree:
        """The degree of an operation's result, from those of its operands."""
        if not any(item.type.is_float for item in expr.args):
            return {}
        match expr.op:
            case "select":
                return self.alike(*args[1:])
            case "multiply":
                return None if None in args else _sum(args[0], args[1], 1)
            case "divide":
                return None if None in args else _sum(args[0], args[1], -1)
            case "power" if expr.args[1] == ir.Const(2.0, expr.type):
                return _times(args[0], Fraction(2))
            case name if OPS[name].rule in ("compare", "classify"):
                self.alike(*args)
                return {}
            case name if name in _ALIKE:
                return self.alike(*args)
            case name if name in _ROOTS:
                made = _times(args[0], _ROOTS[name])
                self.whole += [] if made is None else [made]
                return made
            case name if name in _SAME:
                if name in _ROUNDED:
                    self.rounds[id(expr)] = args[0] or {}
                return args[0]
        self.alike(*args, {})
        return {}

    def alike(self, *degrees: Degree) -> Degree:
        """Ask for one degree."""
        known = [item for item in degrees if item is not None]
        self.zero += [_sum(item, known[0], -1) for item in known[1:]]
        return known[0] if known else None

    def tensor(self, name: str) -> Degree:
        is_float = self.kernel.dtype_choices(self.kernel.tensors()[name].dtype)[0].is_float
        return self.symbol(name) if is_float else {}

    def symbol(self, name: str) -> Degree:
        if name not in self.unknown:
            self.unknown.append(name)
        return {name: Fraction(1)}


def _sum(one: Degree, two: Degree, sign: int) -> dict[str, Fraction]:
    one, two = one or {}, two or {}
    made = {name: one.get(name, Fraction(0)) + sign * two.get(name, 0) for name in one | two}
    return {name: value for name, value in made.items() if value}


def _times(degree: Degree, factor: Fraction) -> Degree:
    return None if degree is None else {name: value * factor for name, value in degree.items()}


def _at(form: Mapping[str, Fraction], solution: Mapping[str, Fraction]) -> Fraction:
    return sum((value * solution.get(name, 0) for name, value in form.items()), Fraction(0))


def null_space(zero: Iterable[Mapping[str, Fraction]], free: Iterable[str]) -> list[dict[str, Fraction]]:
    """Solutions that span all: for each unknown that no equation decides, that one 1 and the others by it.

    Unknowns in `free` are decided last.
    """
    solved: dict[str, dict[str, Fraction]] = {}
    last = list(free)
    for equation in zero:
        rest: dict[str, Fraction] = {}
        for name, value in equation.items():
            rest = _sum(rest, _times(solved.get(name, {name: Fraction(1)}), value), 1)
        if not rest:
            continue
        chosen = max(rest, key=lambda name: (name not in last, name))
        one = {name: -value / rest[chosen] for name, value in rest.items() if name != chosen}
        solved = {
            name: _sum({key: value for key, value in form.items() if key != chosen},
                       _times(one, form.get(chosen, Fraction(0))), 1)
            for name, form in solved.items()
        } | {chosen: one}  # fmt: skip
    return [
        {name: Fraction(1)} | {other: form[name] for other, form in solved.items() if name in form}
        for name in last
        if name not in solved
    ]


# ---- ranges ------------------------------------------------------------------------------------


def _is_normal(values: Array, dtype: DType, step: int) -> bool:
    """Whether values are zero or normal numbers of a dtype, also when they are scaled."""
    if not dtype.is_float:
        return True
    if dtype.saturates and np.isinf(values).any():
        return False
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    smallest = 2.0 * _LEAST[dtype.name]
    return bool(
        sizes.size == 0
        or (
            sizes.min() * min(1.0, 2.0**step) >= smallest
            and sizes.max() * max(1.0, 2.0**step) <= dtype.highest / 2
        )
    )


_LEAST = {"f32": 2.0**-126, "f16": 2.0**-14, "bf16": 2.0**-126, "f8e4m3": 2.0**-6}


class _Watching(GridInterpreter):
    """The interpreter, which sees whether everything stays among the normal numbers, also when scaled."""

    scaling: Scaling
    is_normal: bool

    @staticmethod
    def holds(call: Call, scaling: Scaling) -> bool:
        frame = bind_arguments(scaling.kernel, call.arguments(), call.types)
        with np.errstate(all="ignore"):
            made = _Watching(scaling.kernel, frame)
            made.scaling, made.is_normal = scaling, True
            made.run(scaling.kernel.body)
        return made.is_normal

    def _value(self, expr: ir.Expr, lanes: Lanes) -> Value:
        value = super()._value(expr, lanes)
        if expr.type.is_float and self.is_normal:
            sizes = np.abs(value.data[np.isfinite(value.data) & (value.data != 0)])
            self.is_normal = sizes.size == 0 or bool(sizes.min() > 1 / _WIDEST and sizes.max() < _WIDEST)
        return value

    def _apply(self, expr: ir.Apply, lanes: Lanes) -> Value:
        if expr.op in _ROUNDED:
            self._watch(self._value(expr.args[0], lanes), DTYPES[expr.op], self.scaling.rounds[id(expr)])
        return super()._apply(expr, lanes)

    def _store(self, stmt: ir.Store, lanes: Lanes) -> None:
        dtype = self.frame.dtypes[stmt.tensor]
        self._watch(self._value(stmt.value, lanes), dtype, self.scaling.steps.get(stmt.tensor, 0))
        super()._store(stmt, lanes)

    def _watch(self, value: Value, dtype: DType, step: int) -> None:
        if step:
            self.is_normal = self.is_normal and _is_normal(value.data, dtype, step)

"""Numbers as a body means them: float64 for floats, Python's bool, and integers that wrap."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kernel_ir.dtypes import DTYPES, F32
from kernel_ir.rounding import round_to

BITS = {"i32": 32, "u32": 32, "i64": 64}
LITERAL = ""  # the type of an integer literal: that of what stands beside it


@dataclass(frozen=True, slots=True, eq=False)
class Integer:
    """An integer of a type. `origins`: what it was read from; `is_lost`: out of range, so without a value."""

    value: int
    type: str = LITERAL
    origins: frozenset[str] = frozenset()
    is_lost: bool = False

    __array_ufunc__ = None  # numpy's floats leave operators to this class

    def __float__(self) -> float:
        return float(self.value)

    def __neg__(self) -> Integer:
        return made(-self.value, self.type, self)

    def __abs__(self) -> Integer:
        return made(abs(self.value), self.type, self)

    def __invert__(self) -> Integer:
        return made(~self.value, self.type, self)


def made(value: int, type_: str, *operands: Integer) -> Integer:
    """What an operation gives: wrapped, and from wherever its operands are."""
    if bits := BITS.get(type_):
        value %= 1 << bits
        if type_ != "u32" and value >> (bits - 1):
            value -= 1 << bits
    origins = frozenset[str]().union(*(item.origins for item in operands))
    return Integer(value, type_, origins, any(item.is_lost for item in operands))


def joined(one: str, other: str) -> str:
    """The type of two integers together."""
    if one == other or other == LITERAL:
        return one
    return other if one == LITERAL else "i64"


def real(value: Any) -> Any:
    """A value beside a float; a literal is one itself there, an f32."""
    if not isinstance(value, Integer):
        return np.float64(value)
    return real_literal(value.value) if value.type == LITERAL else np.float64(value.value)


def real_literal(value: float) -> Any:
    return np.float64(round_to(value, F32))


def type_of(value: Any) -> str:
    if isinstance(value, Integer):
        return value.type
    return "bool" if isinstance(value, (bool, np.bool_)) else "f32"


def zero(type_: str) -> Any:
    """The value of a type that stands for it where no other is known."""
    if type_ == "f32":
        return np.float64(0.0)
    return False if type_ == "bool" else Integer(0, type_)


def end_of(kind: Any, end: str) -> Any:
    """The `lowest` or `highest` value of what has the type of `kind`."""
    if isinstance(kind, Integer):
        return Integer(int(getattr(DTYPES[kind.type], end)), kind.type)
    return np.float64(-np.inf if end == "lowest" else np.inf)


def alike(value: Any, other: Any) -> Any:
    """A value in the type that it has beside another, from wherever either may be."""
    if not isinstance(value, Integer):
        return value
    if not isinstance(other, Integer):
        return real(value)
    return made(value.value, joined(value.type, other.type), value, replace(other, is_lost=False))


def cast(type_: str) -> Callable[[Any], Integer]:
    """To an integer: integers wrap; floats lose their fraction and saturate, and NaN gives 0."""
    low, high = int(DTYPES[type_].lowest), int(DTYPES[type_].highest)

    def apply(value: Any) -> Integer:
        if isinstance(value, Integer):
            return made(value.value, type_, value)
        if math.isnan(value):
            return Integer(0, type_)
        return Integer(low if value <= low else high if value >= high else int(value), type_)

    return apply


def _arithmetic(of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(a: Any, b: Any) -> Any:
        if isinstance(a, Integer) and isinstance(b, Integer):
            return made(of(a.value, b.value), joined(a.type, b.type), a, b)
        return of(real(a), real(b))

    return apply


def _shift(of: Callable[[int, int], int]) -> Callable[[Integer, Integer], Integer]:
    """By a count modulo the width of the left operand, whose type the result has."""

    def apply(a: Integer, b: Integer) -> Integer:
        type_ = a.type or b.type or "i64"
        return made(of(a.value, b.value % BITS[type_]), type_, a, b)

    return apply


def _comparison(of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    def apply(a: Any, b: Any) -> bool:
        is_whole = isinstance(a, Integer) and isinstance(b, Integer)
        return bool(of(a.value, b.value) if is_whole else of(real(a), real(b)))

    return apply


_PLAIN = ("add", "sub", "mul", "and", "or", "xor")
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    **{name: _arithmetic(getattr(operator, f"__{name}__")) for name in _PLAIN},
    "floordiv": _arithmetic(lambda a, b: a // b if b else 0),
    "mod": _arithmetic(lambda a, b: a % b if b else 0),
    "lshift": _shift(operator.lshift),
    "rshift": _shift(operator.rshift),
}


def _reflected(of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: of(other, self)


for _name, _of in _OPERATORS.items():
    setattr(Integer, f"__{_name}__", _of)
    setattr(Integer, f"__r{_name}__", _reflected(_of))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Integer, f"__{_name}__", _comparison(getattr(operator, _name)))

"""Element types: one row each.

A tensor stores a dtype; arithmetic happens in that dtype's *compute* type. Values are widened when
they are loaded and rounded (floats: to nearest, ties to even) when they are stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["float", "int", "uint", "bool"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DType:
    """One element type; there is one object for each, so that they are compared in no time.

    `bits` is the storage size of an element, `compute` names the dtype its values load to,
    `precision` counts significand bits (floats, hidden bit included), `saturates` says that a
    store clamps to the representable range instead of wrapping or overflowing.
    """

    name: str
    kind: Kind
    bits: int
    compute: str
    precision: int = 0
    saturates: bool = False
    lowest: float = 0.0
    highest: float = 0.0

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int", "uint")

    @property
    def bytes(self) -> int:
        return self.bits // 8

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[[str], DType], tuple[str]]:
        """Copies and pickles of a type are that type."""
        return _called, (self.name,)


def _called(name: str) -> DType:
    return DTYPES[name]


def _integer(name: str, kind: Kind, bits: int, compute: str, saturates: bool = False) -> DType:
    signed = kind == "int"
    low = -(1 << (bits - 1)) if signed else 0
    high = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    return DType(name, kind, bits, compute, 0, saturates, low, high)


_ROWS = (
    DType("f32", "float", 32, "f32", 24, False, -3.4028234663852886e38, 3.4028234663852886e38),
    DType("f16", "float", 16, "f32", 11, False, -65504.0, 65504.0),
    DType("bf16", "float", 16, "f32", 8, False, -3.3895313892515355e38, 3.3895313892515355e38),
    DType("f8e4m3", "float", 8, "f32", 4, True, -448.0, 448.0),
    _integer("i8", "int", 8, "i32", saturates=True),
    _integer("u8", "uint", 8, "i32", saturates=True),
    _integer("i32", "int", 32, "i32"),
    _integer("u32", "uint", 32, "u32"),
    _integer("i64", "int", 64, "i64"),
    DType("bool", "bool", 8, "bool"),
)

DTYPES: dict[str, DType] = {row.name: row for row in _ROWS}

F32 = DTYPES["f32"]
I32 = DTYPES["i32"]
U32 = DTYPES["u32"]
I64 = DTYPES["i64"]
BOOL = DTYPES["bool"]

COMPUTE_TYPES: tuple[DType, ...] = (F32, I32, U32, I64, BOOL)


def join_integers(left: DType, right: DType) -> DType | None:
    """The integer compute type that holds both operands, or None where only a cast can say.

    i32 with i64 and u32 with i64 give i64; i32 with u32 has no type that a C-like target and a
    reader would agree on, so it is refused.
    """
    if left == right:
        return left
    if I64 in (left, right):
        return I64
    return None

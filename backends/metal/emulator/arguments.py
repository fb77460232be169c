"""Whether what a launch brings fits the kernel: its buffers, threadgroup memory and function constants.

Each check raises LaunchError, which names what was expected and what came.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from backends.metal.emulator.native import CONSTANT_KINDS, ConstantDeclared, Slot

WIDEST = 16  # bytes of one access
BYTES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4)}  # of an element, by kind of dtype


class LaunchError(ValueError):
    """The launch does not fit the kernel: what was expected, and what came."""


def copy_of(index: int, given: object) -> np.ndarray:
    """A buffer's array as a launch may change it."""
    array = np.array(given, order="C", ndmin=1)
    dtype = array.dtype
    is_raw = dtype.kind == "V" and not dtype.hasobject
    if not is_raw and dtype.itemsize not in BYTES.get(dtype.kind, ()):
        raise LaunchError(f"buffer {index} holds {dtype}, which Metal does not have")
    if not dtype.isnative:
        raise LaunchError(f"buffer {index} holds {dtype}, whose bytes are in the order of another machine")
    return array


def require_known(what: str, kernel: str, given: Iterable[int], known: Iterable[int]) -> None:
    """`what` is how the shader calls the things; `known` are the indices that there are."""
    there = sorted(set(known))
    if unknown := sorted(set(given) - set(there)):
        has = f"it has {', '.join(map(str, there))}" if there else "it has none"
        raise LaunchError(f"kernel {kernel} has no {what} {unknown[0]}; {has}")


def require_buffers(kernel: str, missing: Sequence[Slot]) -> None:
    """Every parameter is given a buffer."""
    if missing:
        said = [f"{slot.name.decode()} [[buffer({slot.index})]]" for slot in missing]
        raise LaunchError(f"kernel {kernel} is launched without a buffer for {', '.join(said)}")


def require_offsets(kernel: str, offsets: Mapping[int, int], buffers: Iterable[int]) -> None:
    """Each offset is one of a buffer that is given, and below what every access is aligned to."""
    there = set(buffers)
    for index, offset in offsets.items():
        if index not in there:
            raise LaunchError(f"kernel {kernel} is launched with an offset of buffer {index}, and without it")
        if not 0 <= offset < WIDEST:
            raise LaunchError(f"buffer {index} begins at byte {offset}; expected 0 to {WIDEST - 1}")


def require_memory(kernel: str, wanted: Iterable[Slot], given: Mapping[int, int]) -> None:
    """Every threadgroup argument has its bytes."""
    for slot in wanted:
        place = f"{slot.name.decode()} [[threadgroup({slot.index})]]"
        if slot.index not in given:
            raise LaunchError(f"kernel {kernel} needs the bytes of {place}")
        if given[slot.index] < 1:
            raise LaunchError(f"{given[slot.index]} bytes of {place} in kernel {kernel}; expected 1 or more")


def require_constants(declared: Mapping[int, ConstantDeclared], given: Mapping[int, float]) -> None:
    """Every function constant is one of the shader's, and holds the value."""
    names = ", ".join(f"{index} ({row.name.decode()})" for index, row in sorted(declared.items()))
    for index, value in given.items():
        if index not in declared:
            has = f"it has {names}" if names else "it has none"
            raise LaunchError(f"the shader has no function constant {index}; {has}")
        if reason := _misfit(declared[index], value):
            name = declared[index].name.decode()
            raise LaunchError(f"function constant {index} ({name}) cannot be {value}: {reason}")


def _misfit(declared: ConstantDeclared, value: float) -> str:
    """What the constant holds instead; empty where it holds the value."""
    bits = 8 * declared.size
    match CONSTANT_KINDS[declared.kind]:
        case "bool":
            low, high, what = 0, 1, "it is true or false"
        case "signed":
            low, high, what = -(1 << bits - 1), (1 << bits - 1) - 1, f"it is an integer of {bits} bits"
        case "unsigned":
            low, high, what = 0, (1 << bits) - 1, f"it is an integer of {bits} bits from 0 on"
        case _:
            return ""
    is_whole = math.isfinite(value) and value == int(value)
    return "" if is_whole and low <= value <= high else what

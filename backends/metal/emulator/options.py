"""The values of the emulator's command line: each function reads one, or says what was expected."""

from __future__ import annotations

from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from backends.metal.emulator.arguments import LaunchError, copy_of

Option = TypeVar("Option")

DTYPES = {
    "float": np.float32, "half": np.float16, "bfloat": np.uint16, "bool": np.bool_, "char": np.int8,
    "uchar": np.uint8, "short": np.int16, "ushort": np.uint16, "int": np.int32, "uint": np.uint32,
    "long": np.int64, "ulong": np.uint64,
}  # fmt: skip
MOST_BYTES = 1 << 30  # of a buffer
_DIGITS = 20  # of an integer, at most


@dataclass(frozen=True, slots=True)
class Given:
    """A buffer's array, and whether it holds no values yet."""

    array: np.ndarray
    is_blank: bool


def _wrong(text: str, expected: str) -> ArgumentTypeError:
    return ArgumentTypeError(f"{text!r}: expected {expected}")


def count(text: str) -> int:
    """An integer of at least 0."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise _wrong(text, "a number, 0 or more")
    return int(text)


def positive(text: str) -> int:
    """An integer of at least 1 that 64 bits hold."""
    number = count(text)
    if not 1 <= number < 1 << 64:
        raise _wrong(text, "a number from 1 to 2^64 - 1")
    return number


def seed(text: str) -> int:
    """An integer that 64 bits hold."""
    number = count(text)
    if number >= 1 << 64:
        raise _wrong(text, "a number below 2^64")
    return number


def extent(text: str) -> tuple[int, ...]:
    """One to three numbers with commas between."""
    parts = text.split(",")
    try:
        numbers = tuple(map(count, parts))
    except ArgumentTypeError:
        numbers = ()
    if not 1 <= len(numbers) <= 3:
        raise _wrong(text, "one to three numbers with commas between")
    return numbers


def _pair(text: str) -> tuple[int, str]:
    index, equals, value = text.partition("=")
    if not (equals and index.isascii() and index.isdecimal() and len(index) < 6):
        raise _wrong(text, "N=..., N a number")
    return int(index), value


def _number(text: str, expected: str) -> float:
    """An integer as it is, anything else as a float."""
    try:
        value = float(text)
    except ValueError:
        raise _wrong(text, expected) from None
    if len(text) <= _DIGITS + 1 and text.lstrip("+-").isdecimal() and -(1 << 63) <= int(text) < 1 << 64:
        return int(text)
    return value


def constant(text: str) -> tuple[int, float]:
    """A function constant's index and value."""
    index, value = _pair(text)
    if value in ("true", "false"):
        return index, value == "true"
    return index, _number(value, "a number, true or false")


def memory(text: str) -> tuple[int, int]:
    """A threadgroup argument's index and its bytes."""
    index, value = _pair(text)
    try:
        return index, count(value)
    except ArgumentTypeError:
        raise _wrong(value, "a number of bytes") from None


def buffer(text: str) -> tuple[int, Given]:
    """A buffer's index and what it holds."""
    index, given = _pair(text)
    if given.endswith(".npy"):
        return index, Given(_load(index, Path(given)), False)
    parts = given.split(":")
    if parts[0] not in DTYPES:
        raise ArgumentTypeError(
            f"{parts[0]!r} is no type; expected one of {', '.join(DTYPES)}, or a file that ends in .npy"
        )
    if not 2 <= len(parts) <= 3 or not (parts[1].isascii() and parts[1].isdecimal()):
        raise _wrong(given, "TYPE:COUNT[:FILL], COUNT a number")
    kind, length, fill = parts[0], parts[1], "".join(parts[2:]) or "zeros"
    each = np.dtype(DTYPES[kind]).itemsize
    if len(length) > _DIGITS or int(length) * each > MOST_BYTES:
        raise _wrong(given, f"at most {MOST_BYTES // each} elements, which are {MOST_BYTES >> 30} GiB")
    return index, Given(_fill(kind, int(length), fill), fill == "blank")


def _load(index: int, path: Path) -> np.ndarray:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _wrong(str(path), f"at most {MOST_BYTES >> 30} GiB")
        with path.open("rb") as file:
            array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        return copy_of(index, array)
    except OSError as error:
        raise ArgumentTypeError(f"{path}: {error.strerror or error}") from None
    except LaunchError as error:
        raise ArgumentTypeError(f"{path}: {error}") from None
    except (ValueError, EOFError, MemoryError, OverflowError, TypeError) as error:
        reason = str(error).split("\n")[0]
        raise ArgumentTypeError(f"{path}: expected an array that numpy.save wrote: {reason}") from None


def _fill(kind: str, length: int, fill: str) -> np.ndarray:
    values: np.ndarray
    match fill:
        case "zeros" | "blank":
            values = np.zeros(length, DTYPES[kind])
        case "range":
            values = _held(kind, np.arange(length), fill)
        case "normal":
            values = _held(kind, np.random.default_rng(0).normal(size=length), fill)
        case _:
            number = _number(fill, "FILL to be a number, zeros, range, normal or blank")
            values = np.repeat(_held(kind, np.array([number]), fill), length)
    return values


def _held(kind: str, values: np.ndarray, fill: str) -> np.ndarray:
    """The values in the type. Raises ArgumentTypeError where it cannot hold them."""
    if kind == "bfloat":
        return _to_bfloat(_held("float", values, fill))
    with np.errstate(all="ignore"):
        made: np.ndarray = values.astype(DTYPES[kind])
    is_real = np.issubdtype(made.dtype, np.floating)
    fits = np.isfinite(made) | ~np.isfinite(values) if is_real else made == values
    if fill != "normal" and not fits.all():
        raise _wrong(fill, f"values that {kind} holds")
    return made


def _to_bfloat(values: np.ndarray) -> np.ndarray:
    """The upper half of floats."""
    made: np.ndarray = (values.view(np.uint32) >> 16).astype(np.uint16)
    return made

"""Exact storage: what a tensor of each dtype keeps of a value, and the bits it keeps it in.

Values are float64 arrays for float dtypes and integer arrays for the others. Rounding goes from
float64 to the dtype in one step; going through f32 on the way to a 16-bit format would round twice.

Storage arrays are float32 (f32), float16 (f16), uint16 bit patterns (bf16), uint8 bit patterns
(f8e4m3, the OCP "fn" format: no infinities, one NaN for each sign), bool, or the integer itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernel_ir.dtypes import DType

Array: TypeAlias = NDArray[Any]

# Exponent of the smallest positive (subnormal) value: the spacing near zero.
_SMALLEST_EXPONENT = {"f32": -149, "f16": -24, "bf16": -133, "f8e4m3": -9}

_STORAGE = {
    "f32": np.float32,
    "f16": np.float16,
    "bf16": np.uint16,
    "f8e4m3": np.uint8,
    "i8": np.int8,
    "u8": np.uint8,
    "i32": np.int32,
    "u32": np.uint32,
    "i64": np.int64,
    "bool": np.bool_,
}

# Formats of IEEE 754 that numpy converts float64 to in one rounding.
_CONVERTED = frozenset({"f32", "f16"})

_COMPUTE: dict[str, np.dtype[Any]] = {
    "f32": np.dtype(np.float64), "i32": np.dtype(np.int32), "u32": np.dtype(np.uint32),
    "i64": np.dtype(np.int64), "bool": np.dtype(np.bool_),
}  # fmt: skip

_BF16_NAN = 0x7FC0
_F8_NAN = 0x7F


def storage_dtype(dtype: DType) -> np.dtype[Any]:
    """The numpy dtype that holds a tensor of `dtype`; bit patterns where numpy has no such type."""
    return np.dtype(_STORAGE[dtype.name])


def compute_dtype(dtype: DType) -> np.dtype[Any]:
    """The numpy dtype of a value loaded from `dtype`; float64 stands in for f32."""
    return _COMPUTE[dtype.compute]


def round_to(values: ArrayLike, dtype: DType) -> Array:
    """The values that a store to `dtype` keeps, in the dtype's compute type.

    Floats round to nearest, ties to even, and overflow to infinity or, where the dtype saturates,
    to its largest magnitude; NaN stays NaN. Integers take floats rounded to nearest even and
    clamped (NaN gives 0), and integers clamped where the dtype saturates, else wrapped.
    """
    array = np.asarray(values)
    if dtype.is_float:
        return _round_float(array.astype(np.float64), dtype)
    if dtype.is_integer:
        return _round_integer(array, dtype)
    return array.astype(np.bool_)


def encode(values: ArrayLike, dtype: DType) -> Array:
    """Round `values` and return their storage array, of the same shape."""
    rounded = round_to(values, dtype)
    if dtype.name == "bf16":
        return _encode_bf16(rounded)
    if dtype.name == "f8e4m3":
        return _encode_f8(rounded)
    return rounded.astype(storage_dtype(dtype))


def decode(storage: ArrayLike, dtype: DType) -> Array:
    """The values of a storage array, in the dtype's compute type; exact."""
    array = np.asarray(storage, dtype=storage_dtype(dtype))
    if dtype.name == "bf16":
        return _widen((array.astype(np.uint32) << np.uint32(16)).view(np.float32))
    if dtype.name == "f8e4m3":
        return np.asarray(_f8_values()[array])
    return _widen(array) if dtype.is_float else array.astype(compute_dtype(dtype))


def ulp(values: ArrayLike, dtype: DType) -> Array:
    """The spacing of `dtype` at |values|, as float64; 1 for integers.

    At and above the largest finite value, infinities included, it is the spacing there; at NaN
    it is NaN.
    """
    magnitude = np.abs(np.asarray(values, dtype=np.float64))
    if not dtype.is_float:
        return np.ones_like(magnitude)
    spacing = np.ldexp(1.0, _spacing_exponent(np.minimum(magnitude, dtype.highest), dtype))
    return np.where(np.isnan(magnitude), np.nan, spacing)


def _widen(array: Array) -> Array:
    with np.errstate(invalid="ignore"):  # raised by signalling NaNs
        return np.asarray(array, dtype=np.float64)


def _spacing_exponent(magnitude: Array, dtype: DType) -> Array:
    _, exponent = np.frexp(magnitude)
    exponent = np.where(magnitude == 0, np.iinfo(np.int32).min // 2, exponent)
    return np.asarray(np.maximum(exponent - dtype.precision, _SMALLEST_EXPONENT[dtype.name]))


def _round_float(array: Array, dtype: DType) -> Array:
    if dtype.name in _CONVERTED:
        with np.errstate(all="ignore"):
            return np.asarray(array.astype(_STORAGE[dtype.name]).astype(np.float64))
    exponent = _spacing_exponent(np.abs(array), dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.rint(np.ldexp(array, -exponent))
        rounded = np.copysign(np.ldexp(steps, exponent), array)
    limit = dtype.highest if dtype.saturates else np.inf
    overflown = np.copysign(limit, array)
    return np.where(np.abs(rounded) > dtype.highest, overflown, rounded)


def _round_integer(array: Array, dtype: DType) -> Array:
    kept = compute_dtype(dtype)
    if array.dtype.kind == "f":
        return _saturate_float(np.rint(array), dtype).astype(kept)
    if dtype.saturates:
        return np.clip(array.astype(np.int64), dtype.lowest, dtype.highest).astype(kept)
    return array.astype(storage_dtype(dtype)).astype(kept)


def _saturate_float(whole: Array, dtype: DType) -> Array:
    """Clamp integral floats. 2^63 is a float64 and no i64, so the top is placed as an integer."""
    low, high = int(dtype.lowest), int(dtype.highest)
    is_inside = (whole >= float(low)) & (whole < float(high))
    inside = np.where(is_inside, whole, 0.0).astype(np.int64)
    at_low = np.where(whole < float(low), np.int64(low), inside)
    return np.where(whole >= float(high), np.int64(high), at_low)


def _encode_bf16(rounded: Array) -> Array:
    bits = (rounded.astype(np.float32).view(np.uint32) >> np.uint32(16)).astype(np.uint16)
    return np.asarray(np.where(np.isnan(rounded), np.uint16(_BF16_NAN), bits))


def _encode_f8(rounded: Array) -> Array:
    is_nan = np.isnan(rounded)
    magnitudes = _f8_values()[:_F8_NAN]
    code = np.searchsorted(magnitudes, np.where(is_nan, 0.0, np.abs(rounded))).astype(np.uint8)
    sign = (np.signbit(rounded) & ~is_nan).astype(np.uint8) << np.uint8(7)
    return np.asarray(np.where(is_nan, np.uint8(_F8_NAN), code | sign))


@lru_cache(maxsize=1)
def _f8_values() -> Array:
    """The value of each of the 256 bit patterns of f8e4m3: 1 sign, 4 exponent, 3 fraction bits."""
    code = np.arange(256)
    exponent, fraction = (code >> 3) & 15, (code & 7) / 8.0
    magnitude = np.where(exponent == 0, np.ldexp(fraction, -6), np.ldexp(1 + fraction, exponent - 7))
    magnitude[code & 0x7F == _F8_NAN] = np.nan
    return np.where(code & 0x80, -magnitude, magnitude)

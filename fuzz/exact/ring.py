"""The ring that stands in for f32: what each operation is there, in numpy. `ring.h` is the same in C++.

An element is a word: an integer modulo 2^32, in [-2^31, 2^31). Three words are set apart, and behave as
infinity, -infinity and NaN do. `+`, `-` and `*` wrap, so that any order and any blocking of a sum gives the
same bits. `exp` is a homomorphism to the units, `exp(a - b) = exp(a) * exp(b)^-1`, and division multiplies by
an inverse that is multiplicative: rescaling a running softmax is exact, whatever the maximum was. All other
functions scramble their operand, each in its own way.

Arrays are float64 that hold words, infinities and NaN, so that whatever compares, chooses or adds up float64
does so for words too; only what rounds has to be replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from kernel_ir.dtypes import DType
from kernel_ir.rounding import Array, storage_dtype

INFINITY, NAN = 0x5BD1E995, 0x9E3779B1  # the words set apart; that of -infinity is minus that of infinity
_NEGATIVE_INFINITY = (1 << 32) - INFINITY
_SIGN = 1 << 31
_AT_NAN, _AT_LOWEST, _AT_INFINITY = (word ^ _SIGN for word in (NAN, _NEGATIVE_INFINITY, INFINITY))
_SPECIAL = ((INFINITY, np.inf), (_NEGATIVE_INFINITY, -np.inf), (NAN, np.nan))

# What each function scrambles with; `ring.h` has the same list in the same order.
_SCRAMBLED = (
    "literal", "log", "log2", "sqrt", "rsqrt", "sin", "cos", "tanh", "erf", "floor", "ceil", "round", "trunc",
    "power", "f16", "bf16", "f8e4m3",
)  # fmt: skip
_KEYS = {name: (number + 1) * 0x6C8E9CF5 & 0xFFFFFFFF for number, name in enumerate(_SCRAMBLED)}
_BASES = {"exp": 0x2C1B3C6D, "exp2": 0x297A2D3D}  # each 5 modulo 8, so of the greatest order there is
_FACTORS = {"f16": 0x7FEB352D, "bf16": 0x846CA68B, "f8e4m3": 0x9D39247F}
_BITS = {"f16": 16, "bf16": 16, "f8e4m3": 8}


# ---- words -------------------------------------------------------------------------------------


def to_words(values: Any) -> Array:
    """The words of elements, as uint32."""
    values = np.asarray(values, np.float64)
    words = np.where(np.isfinite(values), values, 0.0).astype(np.int64).astype(np.uint32)
    if np.isfinite(values).all():
        return words
    words = np.where(np.isnan(values), np.uint32(NAN), words)
    words = np.where(values == np.inf, np.uint32(INFINITY), words)
    return np.asarray(np.where(values == -np.inf, np.uint32(_NEGATIVE_INFINITY), words))


def from_words(words: Any) -> Array:
    """Elements of words, which are taken modulo 2^32."""
    words = np.asarray(words).astype(np.uint32)
    values = words.view(np.int32).astype(np.float64)
    for word, special in _SPECIAL:
        if (words == np.uint32(word)).any():
            values = np.asarray(np.where(words == np.uint32(word), special, values))
    return np.asarray(values)


def to_bits(values: Any) -> Array:
    """Bits as uint32 that order elements as those of floats order floats: by size under a sign.

    The words set apart are no elements, so that their places serve the infinities and NaN. The greatest word
    shares its place with infinity.
    """
    values = np.asarray(values, np.float64)
    rising = to_words(values) ^ np.uint32(_SIGN)
    place = rising + (rising < _AT_LOWEST) + (rising < _AT_NAN) - (rising > _AT_INFINITY)
    place = np.where(np.isnan(values), 0xFFFFFFFF, place)
    place = np.where(np.isinf(values), np.where(values > 0, 0xFFFFFFFE, 1), place).astype(np.uint32)
    return np.asarray(np.where(place < _SIGN, ~place, place ^ np.uint32(_SIGN)))


def from_bits(bits: Any) -> Array:
    """The elements that `to_bits` gives these bits; NaN where there is none."""
    bits = np.asarray(bits).astype(np.uint32)
    place = np.where(bits < _SIGN, bits ^ np.uint32(_SIGN), ~bits).astype(np.int64)
    rising = place - (place <= _AT_LOWEST) - (place <= _AT_NAN + 1) + (place >= _AT_INFINITY)
    values = from_words(rising.astype(np.uint32) ^ np.uint32(_SIGN))
    values = np.where(place == 0xFFFFFFFE, np.inf, np.where(place == 1, -np.inf, values))
    return np.asarray(np.where((place == 0) | (place == 0xFFFFFFFF), np.nan, values))


def wrapped(values: Any) -> Array:
    """Sums or differences of elements, whole numbers below 2^53, as elements."""
    values = np.asarray(values, np.float64)
    kept = from_words(np.where(np.isfinite(values), values, 0.0).astype(np.int64))
    return np.where(np.isfinite(values), kept, values)


def embed(value: Any) -> Array:
    """A literal: 0 and 1 are themselves. Others lie in their order, 8 halfway: limits leave many words be."""
    value = np.asarray(value, np.float64)
    size = np.abs(value)
    with np.errstate(over="ignore", invalid="ignore"):
        low = scramble(size.astype(np.float32).view(np.uint32), "literal") & np.uint32(255)
        spread = np.floor(2.0**23 * np.where(size < 2.0**31, size / (size + 8.0), 0.0))
    words = np.where(size == np.trunc(size), np.minimum(size, 2.0), 2.0)
    words = np.where(words < 2.0, words, 256.0 * spread + low)
    found = np.where(
        size < 2.0**31, from_words(words.astype(np.int64)), np.where(np.isnan(size), np.nan, np.inf)
    )
    return np.asarray(np.where(value < 0, negate(found), found))


def scramble(words: Array, key: str) -> Array:
    """A bijection of uint32, another one for each key."""
    h = words.astype(np.uint32) ^ np.uint32(_KEYS[key])
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return np.asarray(h ^ (h >> np.uint32(16)))


# ---- operations --------------------------------------------------------------------------------


def negate(a: Array) -> Array:
    return wrapped(-np.asarray(a))


def multiply(a: Array, b: Array) -> Array:
    """Words wrap. What is set apart gives NaN, but times 1."""
    a, b = np.broadcast_arrays(a, b)
    found = from_words(to_words(a) * to_words(b))
    special = np.where(a == 1, b, np.where(b == 1, a, np.nan))
    return np.where(np.isfinite(a) & np.isfinite(b), found, special)


def inverse(a: Array) -> Array:
    """Of 2^k * u, u odd, it is 2^k / u: multiplicative, and its own inverse. 0 for 0."""
    words = to_words(a)
    step = words & (~words + np.uint32(1))
    unit = words // np.where(step == 0, np.uint32(1), step)
    found = unit
    for _ in range(5):
        found = found * (np.uint32(2) - unit * found)
    return np.where(np.isfinite(a), from_words(found * step), np.nan)


def divide(a: Array, b: Array) -> Array:
    return multiply(a, inverse(b))


def power(a: Array, b: Array) -> Array:
    """Squares are products; all else is scrambled."""
    words = scramble(scramble(to_words(a), "power") + to_words(b), "power")
    return np.where(b == embed(2.0), multiply(a, a), from_words(words))


def _exponential(name: str) -> Callable[[Array], Array]:
    def meaning(a: Array) -> Array:
        words = to_words(a)
        found = np.ones(words.shape, np.uint32)
        for place, table in enumerate(_powers(_BASES[name])):
            found = found * table[(words >> np.uint32(8 * place)) & np.uint32(255)]
        special = np.where(a == -np.inf, 0.0, a)
        return np.where(np.isfinite(a), from_words(found), special)

    return meaning


@lru_cache(maxsize=2)
def _powers(base: int) -> tuple[Array, ...]:
    """base^n, base^(256 n), ... for n from 0 to 255."""
    modulus = 1 << 32
    steps = (pow(base, 256**place, modulus) for place in range(4))
    return tuple(np.array([pow(step, n, modulus) for n in range(256)], np.uint32) for step in steps)


def _scrambled(name: str) -> Callable[[Array], Array]:
    return lambda a: from_words(scramble(to_words(a), name))


def _stored(name: str) -> Callable[[Array], Array]:
    return lambda a: widen(narrow(to_words(a), name), name)


def _to_integer(dtype: str) -> Callable[[Array], Array]:
    """Words that are signed integers; what does not fit is the nearest that does, NaN is 0."""

    def meaning(a: Array) -> Array:
        info = np.iinfo(dtype)
        inside = np.clip(np.where(np.isfinite(a), a, 0.0), float(info.min), 2.0**31).astype(dtype)
        found = np.where(a == np.inf, info.max, np.where(a == -np.inf, info.min, inside))
        return np.asarray(found.astype(dtype))

    return meaning


def from_integer(a: Array) -> Array:
    return from_words(np.asarray(a).astype(np.int64).astype(np.uint32))


# Every op of the table that takes or gives f32 and does not merely compare or choose.
MEANINGS: dict[str, Callable[..., Array]] = {
    "add": lambda a, b: wrapped(np.add(a, b)),
    "subtract": lambda a, b: wrapped(np.subtract(a, b)),
    "multiply": multiply,
    "divide": divide,
    "negate": negate,
    "abs": lambda a: wrapped(np.abs(a)),
    "power": power,
    "exp": _exponential("exp"),
    "exp2": _exponential("exp2"),
    **{name: _scrambled(name) for name in _SCRAMBLED[1:13]},
    **{name: _stored(name) for name in _BITS},
    "i32": _to_integer("int32"),
    "u32": _to_integer("uint32"),
    "i64": _to_integer("int64"),
    "bits_to_f32": from_bits,
    "f32_to_bits": to_bits,
}


# ---- storage -----------------------------------------------------------------------------------


def narrow(words: Array, dtype: str) -> Array:
    """The bits that a small float keeps of a word, as uint32: the top ones of a product, so all count."""
    return np.asarray((words * np.uint32(_FACTORS[dtype])) >> np.uint32(32 - _BITS[dtype]))


def widen(bits: Array, dtype: str) -> Array:
    """An element that `narrow` takes to these bits; 0 for 0."""
    bits = np.asarray(bits).astype(np.uint32)
    unit = np.uint32(pow(_FACTORS[dtype], -1, 1 << 32))
    low = scramble(bits, dtype) >> np.uint32(_BITS[dtype])
    words = (bits << np.uint32(32 - _BITS[dtype]) | low) * unit
    return from_words(np.where(bits == 0, np.uint32(0), words))


def bits_of(storage: Array, dtype: DType) -> Array:
    """A storage array as unsigned integers."""
    return np.ascontiguousarray(storage).view(f"u{dtype.bytes}").reshape(storage.shape)


def decode(storage: Array, dtype: DType) -> Array:
    """The elements that a storage array of a float dtype holds."""
    bits = bits_of(storage, dtype)
    return from_words(bits) if dtype.name == "f32" else widen(bits, dtype.name)


def encode(values: Array, dtype: DType) -> Array:
    """The storage array of elements, for a float dtype."""
    words = to_words(values)
    bits = words if dtype.name == "f32" else narrow(words, dtype.name)
    return np.asarray(bits.astype(f"u{dtype.bytes}").view(storage_dtype(dtype)).reshape(words.shape))


def stored(values: Array, dtype: DType) -> Array:
    """What a store of elements to any dtype keeps, in its compute type."""
    if dtype.is_float:
        return np.asarray(values) if dtype.name == "f32" else MEANINGS[dtype.name](values)
    whole = MEANINGS[dtype.compute](MEANINGS["round"](values))
    return np.clip(whole, int(dtype.lowest), int(dtype.highest)).astype(whole.dtype)

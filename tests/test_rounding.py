"""Storage is exact: one rounding to nearest even, and bits that decode to the same value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.ops import OPS
from kernel_ir.rounding import decode, encode, round_to, storage_dtype, ulp

FLOATS = [dtype for dtype in DTYPES.values() if dtype.is_float]
SMALL_FLOATS = [dtype for dtype in FLOATS if dtype.bits < 32]


def every_value(dtype: DType) -> np.ndarray:
    """All finite values of a small float dtype, ascending, each once (+0 and -0 count as one)."""
    codes = np.arange(1 << dtype.bits).astype(f"uint{dtype.bits}").view(storage_dtype(dtype))
    values = decode(codes, dtype)
    return np.unique(values[np.isfinite(values)])


@pytest.mark.parametrize("dtype", SMALL_FLOATS, ids=str)
def test_every_bit_pattern_survives_a_round_trip(dtype: DType) -> None:
    codes = np.arange(1 << dtype.bits).astype(f"uint{dtype.bits}").view(storage_dtype(dtype))
    values = decode(codes, dtype)
    again = encode(values, dtype)
    np.testing.assert_array_equal(again[~np.isnan(values)], codes[~np.isnan(values)])
    assert np.isnan(decode(again[np.isnan(values)], dtype)).all()


@pytest.mark.parametrize("dtype", SMALL_FLOATS, ids=str)
def test_values_between_two_neighbours_round_to_the_nearer_and_ties_to_even(dtype: DType) -> None:
    values = every_value(dtype)
    below, above = values[:-1], values[1:]
    middle = (below + above) / 2
    np.testing.assert_array_equal(round_to(np.nextafter(middle, below), dtype), below)
    np.testing.assert_array_equal(round_to(np.nextafter(middle, above), dtype), above)
    chosen = encode(middle, dtype).view(f"uint{dtype.bits}")
    assert (chosen % 2 == 0).all()


@given(st.floats(width=64))
def test_f32_and_f16_agree_with_numpy(value: float) -> None:
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(round_to(value, DTYPES["f32"]), np.float32(value))
        np.testing.assert_array_equal(round_to(value, DTYPES["f16"]), np.float16(value))


@given(st.floats(width=32, allow_nan=False))
def test_bf16_agrees_with_integer_rounding_of_f32_bits(value: float) -> None:
    bits = int(np.float32(value).view(np.uint32))
    expected = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 if np.isfinite(value) else bits >> 16
    assert int(encode(value, DTYPES["bf16"])) == expected


def test_rounding_to_bf16_happens_once() -> None:
    # Through f32 this falls on a tie of bf16 and rounds down to 1.
    just_above_a_tie = 1 + 2.0**-8 + 2.0**-40
    assert float(round_to(just_above_a_tie, DTYPES["bf16"])) == 1 + 2.0**-7


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        ("f16", 65519.9, 65504.0),
        ("f16", 65520.0, np.inf),
        ("bf16", -3.4e38, -np.inf),
        ("f32", 1e300, np.inf),
        ("f32", 1e-46, 0.0),
        ("f8e4m3", 1e9, 448.0),
        ("f8e4m3", -np.inf, -448.0),
        ("f8e4m3", 0.0009765625, 0.0),
        ("f8e4m3", np.nan, np.nan),
        ("i8", 300.0, 127),
        ("i8", -2.5, -2),
        ("i8", np.nan, 0),
        ("i8", np.int64(-(1 << 40)), -128),
        ("u8", -0.6, 0),
        ("u8", 254.5, 254),
        ("i32", np.int64((1 << 32) + 5), 5),
        ("i32", 1e20, (1 << 31) - 1),
        ("i64", 1e20, (1 << 63) - 1),
        ("i64", -1e20, -(1 << 63)),
        ("u32", -1.0, 0),
        ("bool", True, True),
    ],
)
def test_extremes(dtype: str, value: float, expected: float) -> None:
    np.testing.assert_array_equal(round_to(value, DTYPES[dtype]), expected)


def test_the_sign_of_zero_is_kept() -> None:
    for dtype in FLOATS:
        assert np.signbit(decode(encode([-0.0, -1e-300], dtype), dtype)).all()


@pytest.mark.parametrize("dtype", SMALL_FLOATS, ids=str)
def test_ulp_is_the_distance_to_the_next_value(dtype: DType) -> None:
    values = every_value(dtype)
    values = values[values >= 0]
    np.testing.assert_array_equal(ulp(values[:-1], dtype), np.diff(values))
    np.testing.assert_array_equal(ulp(-values[:-1], dtype), np.diff(values))
    assert ulp(np.inf, dtype) == ulp(dtype.highest, dtype) == values[-1] - values[-2]


def test_ulp_of_f32_and_of_integers() -> None:
    values = np.array([0.0, 1e-45, 1.0, 3.0, 1e30], dtype=np.float32)
    np.testing.assert_array_equal(ulp(values, DTYPES["f32"]), np.spacing(values).astype(np.float64))
    assert ulp(1000, DTYPES["i8"]) == 1.0
    assert np.isnan(ulp(np.nan, DTYPES["f16"]))


def test_casts_that_round_on_purpose() -> None:
    assert OPS["f16"].meaning(np, 1 / 3) == np.float64(np.float16(1 / 3))
    assert OPS["bf16"].meaning(np, 1 + 2.0**-9) == 1.0
    assert OPS["f8e4m3"].meaning(np, 1000.0) == 448.0


def test_bits_of_a_float_and_back() -> None:
    assert int(OPS["f32_to_bits"].meaning(np, 1.0)) == 0x3F800000
    assert float(OPS["bits_to_f32"].meaning(np, np.uint32(0xC0000000))) == -2.0
    assert int(OPS["f32_to_bits"].meaning(np, 1 + 2.0**-30)) == 0x3F800000


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("i32", np.int64((1 << 31) + 1), -(1 << 31) + 1),
        ("u32", np.int32(-1), (1 << 32) - 1),
        ("i64", np.uint32((1 << 32) - 1), (1 << 32) - 1),
        ("i32", 3.99, 3),
        ("i32", -3.99, -3),
        ("i32", np.inf, (1 << 31) - 1),
        ("i64", 1e19, (1 << 63) - 1),
        ("u32", -5.0, 0),
        ("i32", np.nan, 0),
    ],
)
def test_integer_casts_wrap_integers_and_saturate_floats(op: str, value: float, expected: int) -> None:
    assert int(OPS[op].meaning(np, value)) == expected

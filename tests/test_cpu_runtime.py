"""The ops of the CPU runtime against numpy in float64, and the same bits everywhere.

Scalars, packs and all instruction sets must agree bit for bit; the first is compared with numpy.
"""

from __future__ import annotations

import numpy as np
import pytest
from cpu_programs import Build, build_all
from numpy.typing import NDArray

from kernel_ir.dtypes import DTYPES
from kernel_ir.ops import OPS
from kernel_ir.rounding import decode, encode, storage_dtype, ulp


@pytest.fixture(scope="module")
def ops(pytestconfig: pytest.Config) -> list[Build]:
    return build_all("runtime_ops", pytestconfig.cache.mkdir("cpu_runtime"))


# ---- inputs ----------------------------------------------------------------------------------------

_SPECIAL = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -0.5, -1.5, 2.0, 3.0, -3.0, 4.0, 1e-45, -1e-45, 1e-38, 1e-40),
    *(3.4028235e38, -3.4028235e38, np.inf, -np.inf, np.nan, 2.0**23, 2.0**24, 2.0**31, -(2.0**31)),
    *(2.0**32, 2.0**63, -(2.0**63), 2147483520.0, 4294967040.0, 65504.0, 65519.99, 65520.0, 448.0),
    *(463.99, 464.0, 480.0, 2.0**-9, 2.0**-10, 1.5 * 2.0**-10, 2.0**-24, 2.0**-25, 6.1e-5, 88.722839),
    *(88.7229, -103.97, -103.98, 127.5, 128.0, -126.0, -149.0, -150.0, -151.0, 1e6, 1e22, 0.70710677),
    *(0.70710683, 3.9, 4.1),
)


def _floats(seed: int) -> NDArray[np.float32]:
    """Special values, random bit patterns, and numbers of everyday size."""
    rng = np.random.default_rng(seed)
    patterns = rng.integers(0, 2**32, 20000, np.uint32).view(np.float32)
    everyday = rng.uniform(-10, 10, 20000).astype(np.float32)
    near_one = (1 + rng.normal(0, 1e-3, 5000)).astype(np.float32)
    large = rng.uniform(-110, 110, 5000).astype(np.float32)
    values = np.concatenate([np.array(_SPECIAL, np.float32), patterns, everyday, near_one, large])
    return values[: len(values) // 16 * 16].copy()


def _integers(dtype: type, seed: int) -> NDArray:
    rng = np.random.default_rng(seed)
    info = np.iinfo(dtype)
    ends = (info.max, info.max - 1, info.min, info.min + 1)
    edges = np.array([0, 1, 2, 3, 7, 16, 31, 33, 64, 65, *ends], dtype)
    small = rng.integers(-20 if info.min else 0, 20, 2000).astype(dtype)
    wide = rng.integers(info.min, info.max, 2034, dtype, endpoint=True)
    values = np.concatenate([edges, small, wide])
    return rng.permutation(values)[:4032].copy()


def _run(builds: list[Build], function: str, out: np.dtype | type, *inputs: NDArray) -> NDArray:
    """The result of `function`, after checking that scalars, packs and instruction sets agree."""
    results = []
    for build in builds:
        for packed in (False, True):
            result = np.zeros(len(inputs[0]), out)
            build.call(function, packed, len(result), *inputs, result)
            results.append((f"{build.name} {'pack' if packed else 'scalar'}", result))
    first = results[0][1]
    for name, result in results[1:]:
        different = (_bits(result) != _bits(first)).nonzero()[0]
        few = different[:4]
        where = [array[few] for array in inputs]
        assert not len(few), f"{function}: {name} gives {result[few]} at {where}, not {first[few]}"
    return first


def _bits(values: NDArray) -> NDArray:
    """The bits of each value, with one pattern for all NaNs of f32."""
    if values.dtype == np.float32:
        return np.where(np.isnan(values), np.uint32(0x7FC00000), values.view(np.uint32))
    return values.view(np.uint16) if values.dtype == np.float16 else values


def _ulps(result: NDArray[np.float32], exact: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance of `result` from `exact` in units of its last place; at most 0.5 where rounded right."""
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = exact.astype(np.float32)
        same = (result == rounded) | (np.isnan(result) & np.isnan(exact))
        distance = np.abs(result.astype(np.float64) - exact) / ulp(exact, DTYPES["f32"])
        finite = np.where(np.isfinite(rounded) & np.isfinite(result), distance, np.inf)
    return np.where(same, np.minimum(finite, 0.5), finite)


# ---- float functions -------------------------------------------------------------------------------

INEXACT = ("exp", "exp2", "log", "log2", "rsqrt", "sin", "cos", "tanh", "erf")
EXACT = ("sqrt", "floor", "ceil", "round", "trunc", "abs", "negate")


def _meaning(op: str, *inputs: NDArray) -> NDArray:
    with np.errstate(all="ignore"):
        return np.asarray(OPS[op].meaning(np, *(_widened(array) for array in inputs)))


def _widened(array: NDArray) -> NDArray:
    return array.astype(np.float64) if array.dtype == np.float32 else array


@pytest.mark.parametrize("op", INEXACT)
def test_inexact_functions_are_within_51_hundredths_of_an_ulp(ops: list[Build], op: str) -> None:
    x = _floats(1)
    result = _run(ops, f"{op}_f32", np.float32, x)
    error = _ulps(result, _meaning(op, x))
    worst = int(np.argmax(error))
    assert error[worst] < 0.51, f"{op}({x[worst]!r}) = {result[worst]!r}, {error[worst]} ulp off"


@pytest.mark.parametrize("op", EXACT)
def test_exact_functions_round_correctly_and_keep_the_sign_of_zero(ops: list[Build], op: str) -> None:
    x = _floats(2)
    result = _run(ops, f"{op}_f32", np.float32, x)
    expected = _meaning(op, x).astype(np.float32)
    np.testing.assert_array_equal(_bits(result), _bits(expected))


_BASES = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 2.0**24, 1e-40)


def test_power(ops: list[Build]) -> None:
    rng = np.random.default_rng(3)
    bases, exponents = np.array(np.meshgrid(_BASES, _BASES)).reshape(2, -1)
    x = np.concatenate([bases, rng.uniform(0, 50, 20000), rng.uniform(0.9, 1.1, 20015)]).astype(np.float32)
    y = np.concatenate([exponents, rng.uniform(-25, 25, 20000), rng.uniform(-900, 900, 20015)])
    y = y.astype(np.float32)
    result = _run(ops, "power_f32", np.float32, x, y)
    exact = _meaning("power", x, y)
    error = _ulps(result, exact)
    worst = int(np.argmax(error))
    assert error[worst] < 0.51, f"{x[worst]!r} ** {y[worst]!r} = {result[worst]!r}, {error[worst]} ulp off"
    zeros = exact == 0
    np.testing.assert_array_equal(np.signbit(result[zeros]), np.signbit(exact[zeros]))


@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "divide", "minimum", "maximum"])
def test_float_arithmetic(ops: list[Build], op: str) -> None:
    rng = np.random.default_rng(4)
    x = _floats(4)
    y = rng.permutation(x)
    result = _run(ops, f"{op}_f32", np.float32, x, y)
    with np.errstate(all="ignore"):
        expected = OPS[op].meaning(np, x, y)
    zeros = (result == 0) & (expected == 0)  # minimum(-0, 0) may be either zero
    np.testing.assert_array_equal(_bits(result)[~zeros], _bits(expected)[~zeros])


# ---- integers, comparisons, selection --------------------------------------------------------------

COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
INTEGER_OPS = (
    *("add", "subtract", "multiply", "minimum", "maximum", "floor_divide", "modulo"),
    *("bit_and", "bit_or", "bit_xor", "shift_left", "shift_right"),
)
KINDS = {"f32": np.float32, "i32": np.int32, "u32": np.uint32, "i64": np.int64}


@pytest.mark.parametrize("kind", ["i32", "u32", "i64"])
@pytest.mark.parametrize("op", [*INTEGER_OPS, "bit_not", "negate", "abs"])
def test_integer_ops(ops: list[Build], op: str, kind: str) -> None:
    inputs = [_integers(KINDS[kind], seed) for seed in (5, 6)][: OPS[op].arity]
    result = _run(ops, f"{op}_{kind}", KINDS[kind], *inputs)
    np.testing.assert_array_equal(result, _meaning(op, *inputs).astype(KINDS[kind]))


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("op", COMPARISONS)
def test_comparisons(ops: list[Build], op: str, kind: str) -> None:
    x = _floats(7) if kind == "f32" else _integers(KINDS[kind], 7)
    y = np.random.default_rng(8).permutation(x)
    y[::3] = x[::3]
    np.testing.assert_array_equal(_run(ops, f"{op}_{kind}", np.bool_, x, y), _meaning(op, x, y))


@pytest.mark.parametrize("kind", list(KINDS))
def test_select(ops: list[Build], kind: str) -> None:
    x = _floats(9) if kind == "f32" else _integers(KINDS[kind], 9)
    y = np.random.default_rng(10).permutation(x)
    expected = np.where(x < y, x, y) if kind == "f32" else np.where(x < y, y, x)
    np.testing.assert_array_equal(_run(ops, f"select_{kind}", KINDS[kind], x, y), expected)


def test_logic_reads_every_nonzero_byte_as_true(ops: list[Build]) -> None:
    x = np.tile(np.array([0, 1, 2, 255, 0, 128], np.uint8), 16)
    y = np.repeat(np.array([0, 1, 0, 7, 1, 0], np.uint8), 16)
    a, b = x != 0, y != 0
    np.testing.assert_array_equal(_run(ops, "logical_and_bool", np.bool_, x, y), a & b)
    np.testing.assert_array_equal(_run(ops, "logical_or_bool", np.bool_, x, y), a | b)
    np.testing.assert_array_equal(_run(ops, "equal_bool", np.bool_, x, y), a == b)
    np.testing.assert_array_equal(_run(ops, "not_bool", np.bool_, x), ~a)
    np.testing.assert_array_equal(_run(ops, "to_f32_bool", np.float32, x), a.astype(np.float32))
    np.testing.assert_array_equal(_run(ops, "to_i64_bool", np.int64, x), a.astype(np.int64))


@pytest.mark.parametrize("divisor", [0, 1, 2, 7, 15, 16, 17, 128, -1, -3, -128, 2**62])
def test_index_arithmetic(ops: list[Build], divisor: int) -> None:
    n = 320
    x, y = np.arange(n), np.int64(divisor)
    expected = {
        "index_divide": _meaning("floor_divide", x - 40, y),
        "index_modulo": _meaning("modulo", x - 40, y),
        "index_mixed": (y - x) * 3 + (2 + x) * y + np.where(x < y, x, y),
        "index_to_f32": (x + y).astype(np.float32).astype(np.int64),
        "index_to_i32": (x + y).astype(np.int32).astype(np.int64),
    }
    for function, values in expected.items():
        for build in ops:
            for packed in (False, True):
                out = np.zeros(n, np.int64)
                build.call(function, packed, n, divisor, out)
                np.testing.assert_array_equal(out, values, err_msg=f"{function} {build.name} {packed}")


# ---- conversion ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["i32", "u32", "i64"])
def test_floats_to_integers_saturate(ops: list[Build], kind: str) -> None:
    x = _floats(11)
    result = _run(ops, f"to_{kind}_f32", KINDS[kind], x)
    np.testing.assert_array_equal(result, _meaning(kind, x))


_CONVERSIONS = ("f32_i32", "f32_u32", "f32_i64", "i32_i64", "i64_i32", "i64_u32", "u32_i32")


@pytest.mark.parametrize("conversion", _CONVERSIONS)
def test_integers_convert_as_in_c(ops: list[Build], conversion: str) -> None:
    to, source = conversion.split("_")
    x = _integers(KINDS[source], 12)
    np.testing.assert_array_equal(_run(ops, f"to_{conversion}", KINDS[to], x), x.astype(KINDS[to]))


def test_bits_and_classes(ops: list[Build]) -> None:
    x = _floats(13)
    np.testing.assert_array_equal(_run(ops, "isnan_f32", np.bool_, x), np.isnan(x))
    np.testing.assert_array_equal(_run(ops, "isinf_f32", np.bool_, x), np.isinf(x))
    np.testing.assert_array_equal(_run(ops, "f32_to_bits_f32", np.uint32, x), x.view(np.uint32))
    back = _run(ops, "bits_to_f32_u32", np.float32, x.view(np.uint32))
    np.testing.assert_array_equal(back.view(np.uint32), x.view(np.uint32))


@pytest.mark.parametrize("name", ["f16", "bf16", "f8e4m3"])
def test_narrow_floats(ops: list[Build], name: str) -> None:
    dtype = DTYPES[name]
    x = np.concatenate([_floats(14), _ties(name)])
    expected = _encoded(x, name)
    narrow = _run(ops, f"narrow_{name}", expected.dtype, x)
    np.testing.assert_array_equal(decode(narrow, dtype), decode(expected, dtype))
    np.testing.assert_array_equal(_run(ops, f"round_to_{name}", np.float32, x), decode(narrow, dtype))
    every = np.arange(1 << dtype.bits).astype(np.uint8 if dtype.bits == 8 else np.uint16).view(narrow.dtype)
    np.testing.assert_array_equal(_run(ops, f"widen_{name}", np.float32, every), decode(every, dtype))


def _encoded(x: NDArray, name: str) -> NDArray:
    with np.errstate(invalid="ignore"):  # raised by signalling NaNs
        return encode(_widened(x), DTYPES[name])


def _ties(name: str) -> NDArray[np.float32]:
    """The middle between each two neighbours of a type, and the floats next to it."""
    dtype = DTYPES[name]
    stored = storage_dtype(dtype)
    codes = np.arange(1 << (dtype.bits - 1)).astype(np.uint8 if dtype.bits == 8 else np.uint16)
    values = decode(codes.view(stored), dtype)
    values = values[np.isfinite(values)]
    middle = ((values[:-1] + values[1:]) / 2).astype(np.float32)
    below, above = (np.nextafter(middle, np.float32(end)) for end in (0, np.inf))
    near = np.concatenate([middle, below, above])
    both = np.concatenate([near, -near])
    return both[: len(both) // 16 * 16]


@pytest.mark.parametrize("name", ["i8", "u8"])
def test_small_integers_saturate(ops: list[Build], name: str) -> None:
    for function, x in ((f"narrow_{name}", _floats(15)), (f"narrow_{name}_i32", _integers(np.int32, 16))):
        expected = _encoded(x, name)
        np.testing.assert_array_equal(_run(ops, function, expected.dtype, x), expected)

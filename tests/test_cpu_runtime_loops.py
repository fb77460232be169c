"""Loops, memory and reductions of the CPU runtime against numpy, with the same bits everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from cpu_programs import Build, build_all
from numpy.typing import NDArray

from kernel_ir.dtypes import DTYPES
from kernel_ir.rounding import encode


@pytest.fixture(scope="module")
def loops(pytestconfig: pytest.Config) -> list[Build]:
    return build_all("runtime_loops", pytestconfig.cache.mkdir("cpu_runtime"))


# ---- reductions ------------------------------------------------------------------------------------

LENGTHS = (0, 1, 2, 15, 16, 17, 31, 32, 33, 100, 1000)

Reference = Callable[[NDArray, NDArray], object]


def _arg(best: Callable[[NDArray], int], x: NDArray, kept: NDArray) -> int:
    indices = kept.nonzero()[0]
    return int(indices[best(x[kept])]) if len(indices) else -1


# function -> type of the values, type of the result, reference over (values, which take part)
REDUCTIONS: dict[str, tuple[type, type, Reference]] = {
    "sum_f32": (np.float32, np.float32, lambda x, kept: x[kept].astype(np.float64).sum()),
    "max_f32": (np.float32, np.float32, lambda x, kept: x[kept].max(initial=-np.inf)),
    "min_f32": (np.float32, np.float32, lambda x, kept: x[kept].min(initial=np.inf)),
    "argmax_f32": (np.float32, np.int64, lambda x, kept: _arg(np.argmax, x, kept)),
    "argmin_f32": (np.float32, np.int64, lambda x, kept: _arg(np.argmin, x, kept)),
    "max_i32": (np.int32, np.int32, lambda x, kept: x[kept].max(initial=-(2**31))),
    "sum_i64": (np.int64, np.int64, lambda x, kept: x[kept].sum()),
    "max_u32": (np.uint32, np.uint32, lambda x, kept: x[kept].max(initial=0)),
    "top_u32": (np.uint32, np.int64, lambda x, kept: _arg(np.argmax, x, kept & (x != 0))),
    "min_i64": (np.int64, np.int64, lambda x, kept: x[kept].min(initial=2**63 - 1)),
    "any_bool": (np.uint8, np.bool_, lambda x, kept: x[kept].any()),
    "all_bool": (np.uint8, np.bool_, lambda x, kept: x[kept].all()),
    "count_bool": (np.uint8, np.int64, lambda x, kept: np.count_nonzero(x[kept])),
}


def _values(dtype: type, n: int, seed: int) -> NDArray:
    rng = np.random.default_rng(seed)
    if dtype is np.float32:
        return np.round(rng.normal(0, 3, n) * 4).astype(np.float32) / 4  # ties are common
    if dtype is np.uint8:
        return (rng.random(n) < rng.choice([0.0, 0.5, 1.0])).astype(np.uint8)
    return rng.integers(0, 50, n).astype(dtype) - dtype(25 if dtype is not np.uint32 else 0)


@pytest.mark.parametrize("function", list(REDUCTIONS))
def test_reductions(loops: list[Build], function: str) -> None:
    dtype, out_type, reference = REDUCTIONS[function]
    for n in LENGTHS:
        x = _values(dtype, n, n)
        where = np.random.default_rng(n + 1).random(n) < 0.5
        for low in {0, n // 3}:
            inside = np.arange(n) >= low
            _check_reduction(loops, function, (low, n, x), out_type, reference(x, inside))
            masked = (low, n, x, where.astype(np.uint8))
            _check_reduction(loops, f"{function}_if", masked, out_type, reference(x, inside & where))


def _check_reduction(
    loops: list[Build], function: str, arguments: tuple, out_type: type, expected: object
) -> None:
    results = []
    for build in loops:
        out = np.zeros(3, out_type)
        build.call(function, *arguments, out)
        assert out[0] == out[1], f"{function} {build.name}: packs and single elements differ"
        results.append(out)
    assert all((out == results[0]).all() for out in results)
    # quarters of small integers add up without rounding, in any order
    assert (results[0] == np.asarray(expected).astype(out_type)).all(), function


def test_sums_have_the_same_bits_on_every_instruction_set(loops: list[Build]) -> None:
    x = np.random.default_rng(20).normal(0, 1, 5003).astype(np.float32)
    sums = []
    for build in loops:
        out = np.zeros(3, np.float32)
        build.call("sum_f32", 0, len(x), x, out)
        assert out[0] == out[1]
        sums.append(out[0])
    assert len(set(sums)) == 1
    assert abs(float(sums[0]) - math.fsum(x)) < 1e-4


@pytest.mark.parametrize("position", [0, 5, 40, 43])
def test_nan_in_reductions(loops: list[Build], position: int) -> None:
    x = np.arange(45, dtype=np.float32)
    x[position] = np.nan
    x[44] = np.nan
    for build in loops:
        out, best = np.zeros(3, np.float32), np.zeros(3, np.int64)
        for function in ("sum_f32", "max_f32", "min_f32"):
            build.call(function, 0, 45, x, out)
            assert np.isnan(out).all(), function
        build.call("argmax_f32", 0, 45, x, best)
        assert (best == position).all()
        build.call("argmin_f32", 0, 45, x, best)
        assert (best == (1 if position == 0 else 0)).all()


@pytest.mark.parametrize("n", [1, 15, 16, 33, 1000])
def test_softmax(loops: list[Build], n: int) -> None:
    x = np.random.default_rng(n).normal(0, 20, n).astype(np.float32)
    x[n // 2] = -np.inf if n > 1 else 0
    exponent = np.maximum(x.astype(np.float64) - x.max(), -200)
    exact = np.exp(exponent) / np.exp(exponent).sum()
    # The exponent's rounding counts as often as it is large; the sum's are few.
    tolerance = 2.0**-24 * (np.abs(exponent) + 16) * exact + 2.0**-148
    results = [_softmax(build, x) for build in loops]
    for result in results:
        assert (result == results[0]).all()
        assert (np.abs(result - exact) <= tolerance).all()


def _softmax(build: Build, x: NDArray[np.float32]) -> NDArray[np.float32]:
    out = np.zeros((2, len(x)), np.float32)
    build.call("softmax", len(x), x, out)
    return out


@pytest.mark.parametrize(
    ("value", "expected"), [(-np.inf, 0.0), (np.inf, np.nan), (np.nan, np.nan), (3.4e38, 1 / 20)]
)
def test_softmax_of_equal_special_values(loops: list[Build], value: float, expected: float) -> None:
    for build in loops:
        np.testing.assert_allclose(_softmax(build, np.full(20, value, np.float32)), expected, rtol=1e-6)


def test_softmax_next_to_infinity(loops: list[Build]) -> None:
    x = np.zeros(20, np.float32)
    x[3] = np.inf
    for build in loops:
        assert np.isnan(_softmax(build, x)).all()


def test_a_serial_loop_inside_lanes(loops: list[Build]) -> None:
    rows, width = 9, 37
    x = np.random.default_rng(21).integers(-8, 8, (rows, width)).astype(np.float32)
    for build in loops:
        sums, best = np.zeros(width, np.float32), np.zeros(width, np.int64)
        build.call("columns", rows, width, encode(x, DTYPES["bf16"]), sums, best)
        np.testing.assert_array_equal(sums, x.sum(axis=0))
        np.testing.assert_array_equal(best, x.argmax(axis=0))


# ---- memory ----------------------------------------------------------------------------------------


def test_gather_leaves_masked_lanes_alone(loops: list[Build]) -> None:
    n, limit = 50, 23
    x = np.arange(limit).astype(np.float16)
    far = 2**40  # reading there would fault
    table = np.random.default_rng(22).choice([*range(limit), -1, -far, far], n).astype(np.int64)
    table[:16] = far  # no lane at all
    table[16:32] = np.arange(16)  # all lanes
    kept = (table >= 0) & (table < limit)
    expected = np.where(kept, x[np.where(kept, table, 0)].astype(np.float32), -1)
    for build in loops:
        out = np.zeros(n, np.float32)
        build.call("gather", n, limit, x, table, out)
        np.testing.assert_array_equal(out, expected)


def test_scatter_leaves_masked_lanes_alone(loops: list[Build]) -> None:
    n, limit = 50, 40
    table = np.random.default_rng(23).permutation(60)[:n].astype(np.int64)
    table[table >= limit] += 2**40
    x = np.random.default_rng(24).normal(0, 1, n).astype(np.float32)
    expected = np.zeros(limit, np.uint16)
    expected[table[table < limit]] = encode(x, DTYPES["bf16"])[table < limit]
    for build in loops:
        out = np.zeros(limit, np.uint16)
        build.call("scatter", n, limit, x, table, out)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("limit", [0, 1, 16, 20, 32, 40, 64])
def test_contiguous_access_under_a_mask(loops: list[Build], limit: int) -> None:
    x = np.arange(1, 65, dtype=np.float32)
    for build in loops:
        out = np.full(64, 7, np.float32)
        build.call("copy_below", 64, limit, x, out)
        np.testing.assert_array_equal(out, np.where(np.arange(64) < limit, x, 7))


def test_computed_and_uniform_indices(loops: list[Build]) -> None:
    x = np.random.default_rng(25).integers(0, 1000, 100).astype(np.int32)
    for build in loops:
        out = np.zeros(50, np.int32)
        build.call("strided", 50, x, out)
        np.testing.assert_array_equal(out, x[1::2] + x[0])


@pytest.mark.parametrize(("rows", "width"), [(3, 5), (400, 300), (2, 100000)])
def test_threads_and_scratch(loops: list[Build], rows: int, width: int) -> None:
    x = np.random.default_rng(26).integers(0, 4, (rows, width)).astype(np.float32)
    for build in loops:
        out = np.zeros(rows, np.float32)
        build.call("row_sums", rows, width, x, out)
        np.testing.assert_array_equal(out, x.sum(axis=1))

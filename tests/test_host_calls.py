"""Calls of the CPU extension: results, frameworks, strides, in-place updates, `out=`."""

from __future__ import annotations

import threading
from types import ModuleType

import host_package
import numpy as np
import pytest


@pytest.fixture(scope="module")
def cpu() -> ModuleType:
    return host_package.load("cpu")


def floats(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("shape", [(8,), (3, 8), (2, 3, 8), (1, 2, 1, 3, 8), (0, 8), (3, 0), (0,), (1,)])
def test_leading_dimensions_come_back_as_they_were_given(cpu: ModuleType, shape: tuple[int, ...]) -> None:
    x, y = floats(*shape), floats(*shape, seed=1)
    out = cpu.scaled_add(x, y, 2.0)
    assert out.shape == shape
    np.testing.assert_array_equal(out, x + np.float32(2) * y)


VIEWS = {
    "every other row": lambda a: a[::2],
    "rows reversed": lambda a: a[::-1],
    "part of each row": lambda a: a[..., 2:7],
    "every other column": lambda a: a[..., ::2],
    "columns reversed": lambda a: a[..., ::-1],
    "leading dimensions swapped": lambda a: a.transpose(1, 0, 2),
    "rows and columns swapped": lambda a: a.transpose(0, 2, 1),
    "one row for all": lambda a: np.broadcast_to(a[:1, :1], a.shape),
    "one element for all": lambda a: np.broadcast_to(a[:1, :1, :1], a.shape),
    "extents of one": lambda a: a[:1, :, None, :1][:, ::3],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_inputs_may_be_any_view(cpu: ModuleType, view) -> None:
    x, y = view(floats(4, 6, 8)), view(floats(4, 6, 8, seed=1))
    np.testing.assert_array_equal(cpu.scaled_add(x, y, 0.5), x + np.float32(0.5) * y)


def test_unaligned_input_is_copied(cpu: ModuleType) -> None:
    raw = np.zeros(4 * 8 + 1, np.uint8)
    x = raw[1:].view(np.float32)
    x[:] = np.arange(8)
    np.testing.assert_array_equal(cpu.scaled_add(x, x), 2 * np.arange(8, dtype=np.float32))


def test_float16_and_mixed_frameworks(cpu: ModuleType) -> None:
    x, y = floats(3, 8).astype(np.float16), floats(3, 8, seed=1).astype(np.float16)
    out = cpu.scaled_add(x, y, 1.0)
    assert out.dtype == np.float16
    np.testing.assert_array_equal(out, (x.astype(np.float32) + y.astype(np.float32)).astype(np.float16))


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_arguments_are_updated_in_place(cpu: ModuleType, dtype: type) -> None:
    a, b = np.full((2, 3), 5, dtype), np.full((2, 3), 2, dtype)
    assert cpu.sum_and_difference(a, b) is None
    assert (a == 7).all()
    assert (b == 3).all()


def test_updated_arguments_come_back_as_themselves(cpu: ModuleType) -> None:
    a, b = np.ones((2, 3), np.int32), np.ones((2, 3), np.int32)
    first, second = cpu.sum_and_difference_pair(a, b)
    assert first is b
    assert second is a


def test_views_side_by_side_in_one_buffer_are_updated(cpu: ModuleType) -> None:
    both = np.arange(24, dtype=np.int32).reshape(3, 8)
    before = both.copy()
    cpu.sum_and_difference(both[:, :4], both[:, 4:])
    np.testing.assert_array_equal(both[:, :4], before[:, :4] + before[:, 4:])
    np.testing.assert_array_equal(both[:, 4:], before[:, :4] - before[:, 4:])


def test_out_is_written_and_returned(cpu: ModuleType) -> None:
    x, y = floats(3, 8), floats(3, 8, seed=1)
    wide = np.full((3, 16), np.nan, np.float32)
    out = wide[:, 4:12]
    assert cpu.scaled_add(x, y, out=out) is out
    np.testing.assert_array_equal(out, x + y)
    assert np.isnan(wide[:, :4]).all()
    assert np.isnan(wide[:, 12:]).all()


def test_sizes_indices_and_optional_arrays(cpu: ModuleType) -> None:
    table = np.arange(40, dtype=np.float32).reshape(5, 8)
    slots = np.array([4, -1, 0], np.int64)
    bias = np.array([0.5, 0.25], np.float32)
    out, marks = cpu.pick_heads(table, slots, bias, head_dim=2)
    assert out.shape == (3, 4, 2)
    np.testing.assert_array_equal(out[0], table[4].reshape(4, 2) + bias)
    np.testing.assert_array_equal(out[1], 0)
    np.testing.assert_array_equal(marks, [[1, 0], [0, 0], [1, 0]])
    assert marks.dtype == np.int32


def test_scalars_reach_the_kernel(cpu: ModuleType) -> None:
    table, slots = np.ones((5, 4), np.float32), np.arange(5, dtype=np.int32)
    marks = {
        limit: cpu.pick_heads(table, slots, limit=limit, head_dim=2)[1][:, 0].sum() for limit in (-1, 1, 9)
    }
    assert marks == {-1: 0, 1: 2, 9: 5}
    assert cpu.pick_heads(table, slots, flag=True, head_dim=2)[1].sum() == 0
    assert (
        cpu.pick_heads(table, slots, limit=np.int16(1), flag=np.bool_(False), head_dim=np.int64(2))[1].sum()
        == 2
    )


def test_every_isa_level_is_reached(cpu: ModuleType) -> None:
    native = cpu._cpu
    chosen = native.isa_level()
    assert chosen == native.isa_levels()[-1]
    zero, seen = np.zeros(1, np.float32), []
    try:
        for level in native.isa_levels():
            native.set_isa_level(level)
            assert native.isa_level() == level
            seen.append(cpu.scaled_add(zero, zero, float("nan"))[0])
    finally:
        native.set_isa_level(chosen)
    assert seen == list(range(len(seen)))
    with pytest.raises(ValueError, match="not an ISA level"):
        native.set_isa_level("avx1024")


def test_threads_may_call_at_once(cpu: ModuleType) -> None:
    results: dict[int, np.ndarray] = {}

    def work(index: int) -> None:
        x = np.full((64, 256), index, np.float32)
        for _ in range(50):
            results[index] = cpu.scaled_add(x, x)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((results[index] == 2 * index).all() for index in range(4))


def test_calls_leave_no_references_behind(cpu: ModuleType) -> None:
    import sys

    x, y, out = floats(3, 8), floats(3, 8), floats(3, 8)
    before = [sys.getrefcount(item) for item in (x, y, out)]
    for _ in range(100):
        cpu.scaled_add(x, y, 1.0, out)
        with pytest.raises(ValueError, match="shape"):
            cpu.scaled_add(x, y[:2])
    assert [sys.getrefcount(item) for item in (x, y, out)] == before


class Exported:
    """An array of a framework that has only `__dlpack__`, with or without the arguments of DLPack 1.0."""

    def __init__(self, array: np.ndarray, takes_version: bool) -> None:
        self.array, self.takes_version = array, takes_version

    def __dlpack__(self, **keywords: object) -> object:
        if keywords and not self.takes_version:
            raise TypeError("unexpected keyword argument")
        return self.array.__dlpack__(**keywords)


@pytest.mark.parametrize("takes_version", [True, False])
def test_any_exporter_of_dlpack_serves(cpu: ModuleType, takes_version: bool) -> None:
    x = floats(3, 8)
    out = cpu.scaled_add(Exported(x, takes_version), Exported(x, takes_version))
    np.testing.assert_array_equal(out, 2 * x)


def test_bfloat16_in_numpy_needs_its_package(cpu: ModuleType) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="numpy has no bfloat16 without ml_dtypes")
    x = floats(3, 8).astype(ml_dtypes.bfloat16)
    out = cpu.scaled_add(x, x)
    assert out.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(out.astype(np.float32), 2 * x.astype(np.float32))

"""The MLX extension: lazy, typed, in streams, under transforms."""

from __future__ import annotations

import threading
from types import ModuleType

import host_package
import numpy as np
import pytest

mx = pytest.importorskip("mlx.core", reason="MLX is not installed")


@pytest.fixture(scope="module")
def metal() -> ModuleType:
    module = host_package.load("metal")
    module._require_metal()
    return module


def random(*shape: int) -> object:
    return mx.random.normal(shape)


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
def test_results(metal: ModuleType, dtype: object) -> None:
    x, y = random(2, 3, 8).astype(dtype), random(2, 3, 8).astype(dtype)
    out = metal.scaled_add(x, y, 2.0)
    assert out.dtype == dtype
    expected = (x.astype(mx.float32) + 2 * y.astype(mx.float32)).astype(dtype)
    assert mx.array_equal(out, expected)


def test_strided_inputs(metal: ModuleType) -> None:
    x = random(4, 6, 8)
    for view in (x[::2], x[::-1], x.transpose(1, 0, 2), x.transpose(0, 2, 1), x[..., ::2], x[..., 1:5]):
        assert mx.array_equal(metal.scaled_add(view, view), 2 * view)
    wide = mx.broadcast_to(x[:1], x.shape)
    assert mx.array_equal(metal.scaled_add(wide, x), wide + x)


@pytest.mark.parametrize("shape", [(0,), (0, 8), (3, 0), (1,), (2, 0, 3)])
def test_zero_sizes(metal: ModuleType, shape: tuple[int, ...]) -> None:
    out = metal.scaled_add(mx.zeros(shape), mx.zeros(shape))
    mx.eval(out)
    assert out.shape == shape


def test_nothing_is_evaluated_by_a_call(metal: ModuleType) -> None:
    x = mx.zeros((2, 8))
    lazy = x + 1
    metal.scaled_add(lazy, lazy)
    table = mx.zeros((4, 4)).astype(mx.float32)
    out, marks = metal.pick_heads(table + 1, mx.array([1, 2]), head_dim=2)
    out = metal.scaled_add(out, out)
    np.testing.assert_array_equal(np.array(out), np.full((2, 2, 2), 2, np.float32))
    np.testing.assert_array_equal(np.array(marks), [[1, 0], [1, 0]])


def test_a_call_on_enormous_lazy_arrays_costs_no_memory(metal: ModuleType) -> None:
    x = mx.zeros((1 << 20, 1 << 20))
    out = metal.scaled_add(x, x)
    assert out.shape == x.shape


def test_updates_land_in_the_buffer_given(metal: ModuleType) -> None:
    a, b = mx.full((2, 3), 5, mx.int32), mx.full((2, 3), 2, mx.int32)
    mx.eval(a, b)
    new_a, new_b = metal.sum_and_difference(a, b)
    assert (a.tolist(), b.tolist()) == ([[5] * 3] * 2, [[2] * 3] * 2)
    mx.eval(new_a, new_b)
    assert new_a.tolist() == a.tolist() == [[7] * 3] * 2
    assert new_b.tolist() == b.tolist() == [[3] * 3] * 2


def test_out_is_written(metal: ModuleType) -> None:
    x, out = random(2, 8), mx.zeros((2, 8))
    mx.eval(x, out)
    result = metal.scaled_add(x, x, out=out)
    mx.eval(result)
    assert mx.array_equal(out, 2 * x)


def test_written_arrays_that_no_kernel_takes_are_refused_at_the_call(metal: ModuleType) -> None:
    a, b = mx.zeros((2, 3), mx.int32), mx.broadcast_to(mx.zeros(3, mx.int32), (2, 3))
    mx.eval(a, b)
    with pytest.raises(ValueError, match="'b' is written to, but some of its elements share memory"):
        metal.sum_and_difference(a, b)
    with pytest.raises(ValueError, match="'a' is written to, but shares memory with 'b'"):
        metal.sum_and_difference(a, a)


def test_written_arrays_that_no_kernel_takes_are_refused_when_evaluated(metal: ModuleType) -> None:
    a = mx.zeros((2, 3), mx.int32)
    lazy = mx.broadcast_to(mx.zeros(3, mx.int32), (2, 3))
    results = metal.sum_and_difference(a, lazy)
    with pytest.raises(ValueError, match="'b' is written to, but some of its elements share memory"):
        mx.eval(results)


def test_compile(metal: ModuleType) -> None:
    compiled = mx.compile(lambda x, y: metal.scaled_add(x, y, 3.0) + metal.scaled_add(x, y, 3.0))
    for rows in (2, 5):
        x, y = random(rows, 8), random(rows, 8)
        assert mx.array_equal(compiled(x, y), 2 * (x + 3 * y))


def test_scalars_that_differ_in_one_bit_are_different_calls(metal: ModuleType) -> None:
    scale = float(np.nextafter(np.float32(1), np.float32(2)))
    zero = mx.zeros((8,))
    compiled = mx.compile(lambda x: metal.scaled_add(zero, x, scale) - metal.scaled_add(zero, x, 1.0))
    assert compiled(mx.ones((8,)))[0].item() == scale - 1


@pytest.mark.parametrize(
    "transform", [lambda f: mx.grad(lambda x: f(x).sum()), mx.vmap], ids=["grad", "vmap"]
)
def test_transforms_say_that_they_are_not_implemented(metal: ModuleType, transform: object) -> None:
    with pytest.raises(ValueError, match="Not implemented for scaled_add"):
        mx.eval(transform(lambda x: metal.scaled_add(x, x))(mx.zeros((2, 8))))


def test_streams(metal: ModuleType) -> None:
    x = random(2, 8)
    for stream in (None, mx.cpu, mx.Device(mx.cpu), mx.new_stream(mx.cpu), mx.default_stream(mx.cpu)):
        assert mx.array_equal(metal.scaled_add(x, x, stream=stream), 2 * x)
    with pytest.raises(TypeError, match=r"argument 'stream' must be an mlx.core.Stream or Device, got int"):
        metal.scaled_add(x, x, stream=3)


class Spoofed:
    @property
    def __class__(self) -> type:
        return mx.array


OBJECTS = [
    None,
    1,
    1.5,
    True,
    "x",
    [],
    (),
    {},
    object(),
    object,
    mx.array,
    np.zeros((2, 8), np.float32),
    np.float32(1),
    Spoofed(),
    mx.float32,
    mx.cpu,
    mx.default_stream(mx.cpu),
    int,
]


@pytest.mark.parametrize("item", OBJECTS, ids=[type(item).__name__ for item in OBJECTS])
def test_only_arrays_are_arrays(metal: ModuleType, item: object) -> None:
    with pytest.raises(TypeError, match=r"scaled_add: argument 'y' must be an mlx.core.array, got "):
        metal.scaled_add(mx.zeros((2, 8)), item)


@pytest.mark.filterwarnings("ignore:nanobind")
def test_an_array_without_a_value_is_refused(metal: ModuleType) -> None:
    with pytest.raises(TypeError, match=r"scaled_add: argument 'y' must be an mlx.core.array"):
        metal.scaled_add(mx.zeros((2, 8)), mx.array.__new__(mx.array))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda m, x: m.scaled_add(x, x[:1]),
            "argument 'y' has shape (1, 8), expected (*rows, width) = (2, 8) because 'x' has shape (2, 8)",
        ),
        (
            lambda m, x: m.scaled_add(x, x.astype(mx.float16)),
            "argument 'y' has dtype float16, expected float32, the dtype of 'x'",
        ),
        (
            lambda m, x: m.scaled_add(x.astype(mx.complex64), x),
            "argument 'x' has dtype complex64, expected float32, float16 or bfloat16",
        ),
        (
            lambda m, x: m.scaled_add(x[0, 0], x),
            "argument 'x' has 0 dimensions, shape (), expected at least 1: (*rows, width)",
        ),
    ],
)
def test_shapes_and_dtypes_are_checked_at_the_call(metal: ModuleType, call: object, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        call(metal, mx.zeros((2, 8)))
    assert str(caught.value) == f"scaled_add: {text}"


def test_other_threads(metal: ModuleType) -> None:
    results: dict[int, list[float]] = {}

    def work(index: int) -> None:
        x = mx.full((4, 8), float(index))
        for _ in range(20):
            results[index] = metal.scaled_add(x, x, stream=mx.new_stream(mx.cpu)).tolist()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(results[index] == [[2.0 * index] * 8] * 4 for index in range(3))

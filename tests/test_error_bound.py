"""The bounds hold for f32 arithmetic, are tight enough to catch a wrong constant, and 0 where it is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hand_built import (
    apply,
    kernel,
    linear_recurrence,
    load,
    loop,
    r,
    ragged_softmax,
    real,
    reduction,
    result,
    row_norm,
    size,
    tensor,
    top_two,
)

from kernel_ir.dtypes import DTYPES, F32
from kernel_ir.interpret import error_bounds, interpret
from kernel_ir.nodes import Store
from kernel_ir.rounding import ulp


def in_f32(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The row norm as f32 arithmetic does it, summing one term after another."""
    squares = np.cumsum(x * x, axis=-1, dtype=np.float32)[..., -1:]
    scale = np.float32(1) / np.sqrt(squares / np.float32(x.shape[-1]) + np.float32(1e-6))
    return x * scale * weight


@pytest.mark.parametrize("width", [3, 64, 1000])
def test_bounds_hold_for_f32_and_catch_a_wrong_epsilon(width: int) -> None:
    x = np.random.default_rng(5).normal(size=(20, width), scale=0.01).astype(np.float32)
    weight = np.linspace(0.5, 2, width).astype(np.float32)
    arguments = {"x": x, "weight": weight}
    exact = interpret(row_norm(), arguments, {"T": "f32"})["out"].astype(np.float64)
    limit = error_bounds(row_norm(), arguments, {"T": "f32"})["out"] + ulp(exact, F32)
    assert (np.abs(in_f32(x, weight) - exact) <= limit).all()
    wrong = interpret(row_norm(), {**arguments, "eps": 1.1e-6}, {"T": "f32"})["out"]
    assert (np.abs(wrong - exact) > limit).any()


def test_bounds_are_zero_where_f32_is_exact() -> None:
    arguments = {"x": np.arange(12.0).reshape(3, 4)}
    assert not error_bounds(reduction("sum", "f32", of="f32"), arguments, {})["out"].any()
    assert error_bounds(reduction("sum", "f32", of="f32"), {"x": [[0.1, 0.2]]}, {})["out"].all()


def test_bounds_grow_where_terms_cancel() -> None:
    small = {"x": np.array([[1.5, 2.25]]) + 2.0**-20}
    large = {"x": np.array([[1e6 + 0.125, -1e6, 3.75]])}
    bounds = [error_bounds(reduction("sum", "f32", of="f32"), x, {})["out"][0] for x in (small, large)]
    assert bounds[0] < 1e-5 < bounds[1]


def test_bounds_of_recurrences_and_rows() -> None:
    recurrence = error_bounds(linear_recurrence(), {"x": np.full((1, 3), 0.1), "decay": 0.3}, {"T": "f32"})[
        "out"
    ]
    assert (np.diff(recurrence[0]) > 0).all()
    indptr = np.array([0, 3, 3], np.int32)
    shares = error_bounds(ragged_softmax(), {"x": np.arange(3.0), "indptr": indptr}, {"T": "f32"})["out"]
    assert (shares > 0).all() and (shares < 2e-6).all()
    ranked = error_bounds(top_two(), {"x": [[3.0, 1.0, 2.0]]}, {"T": "f32"})
    assert not ranked["values"].any() and not ranked["chosen"].any()


def test_a_result_read_back_may_have_rounded_the_other_way() -> None:
    third = apply("divide", load("x", r), real(3.0))
    again = Store("again", (r,), load("kept", r))
    probe = kernel(
        [tensor("x", "f32", "n")],
        [result("kept", "bf16", "n"), result("again", "f32", "n")],
        loop("r", size("n"), Store("kept", (r,), third), again),
    )
    bounds = error_bounds(probe, {"x": [1.0]}, {})
    assert bounds["kept"][0] < 1e-6
    assert bounds["again"][0] > ulp(1 / 3, DTYPES["bf16"])

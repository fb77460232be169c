"""The interpreter against hand-written numpy, and its two engines against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_built import (
    apply,
    c,
    compare,
    gather,
    integer,
    kernel,
    linear_recurrence,
    load,
    loop,
    pool_write,
    r,
    ragged_softmax,
    real,
    reduction,
    result,
    row,
    row_norm,
    run,
    running_sum,
    size,
    tensor,
    top_two,
    var,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_ir import interpret_grid
from kernel_ir.dtypes import BOOL, DTYPES, F32, I32, I64
from kernel_ir.errors import CompilerBug
from kernel_ir.interpret import interpret
from kernel_ir.nodes import At, Bind, Given, If, Kernel, Let, SizeType, Store, Update
from kernel_ir.rounding import decode, encode

ENGINES = pytest.mark.parametrize("vectorise", [True, False], ids=["grid", "scalar"])

# ---- elementwise, types and shapes ---------------------------------------------------------------


@ENGINES
@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16"])
def test_row_norm_is_correctly_rounded(vectorise: bool, dtype: str) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 17))
    stored = encode(x, DTYPES[dtype])
    weight = np.linspace(0.5, 2, 17)
    out = interpret(row_norm(), {"x": stored, "weight": weight}, {"T": dtype}, vectorise=vectorise)["out"]
    exact = decode(stored, DTYPES[dtype])
    mean = np.sum(exact * exact, axis=-1, keepdims=True) / 17
    expected = exact / np.sqrt(mean + np.float32(1e-6)) * decode(encode(weight, DTYPES[dtype]), DTYPES[dtype])
    np.testing.assert_array_equal(out, encode(expected, DTYPES[dtype]))
    assert out.shape == (2, 3, 17)


@ENGINES
@pytest.mark.parametrize("shape", [(4,), (0, 4), (3, 0), (1, 1, 1, 4)])
def test_leading_dimensions_open_again(vectorise: bool, shape: tuple[int, ...]) -> None:
    out = run(row_norm(), vectorise, x=np.ones(shape), weight=np.ones(shape[-1]), eps=0.0)
    np.testing.assert_array_equal(out, np.ones(shape))


def test_chunks_do_not_change_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {"x": np.random.default_rng(2).normal(size=(9, 5)), "weight": np.ones(5)}
    whole = run(row_norm(), **arguments)
    monkeypatch.setattr(interpret_grid, "_LANE_LIMIT", 16)
    np.testing.assert_array_equal(run(row_norm(), **arguments), whole)


def test_large_arrays_are_run_at_once() -> None:
    x = np.random.default_rng(3).normal(size=(512, 512))
    out = run(row_norm(), x=x, weight=np.ones(512))
    np.testing.assert_allclose(np.mean(out * out, axis=1), 1.0, rtol=1e-5)


# ---- sizes -----------------------------------------------------------------------------------------


def halves() -> Kernel:
    wide = apply("multiply", integer(2), size("half"))
    store = Store(
        "out", (r, c), apply("multiply", load("x", r, c), load("x", r, apply("add", c, size("half"))))
    )
    return kernel(
        [tensor("x", "T", "rows", wide), SizeType("half", is_keyword_only=True, default=None)],
        [result("out", "T", "rows", "half")],
        loop("r", size("rows"), loop("c", size("half"), store)),
        requires=(compare("equal", apply("modulo", size("half"), integer(2)), integer(0)),),
    )


@ENGINES
def test_a_size_is_found_by_exact_division(vectorise: bool) -> None:
    np.testing.assert_array_equal(run(halves(), vectorise, x=[[1, 2, 3, 4]]), [[3, 8]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.ones((1, 5))}, "x dimension 1 is 5, which cannot be 2 * half"),
        ({"x": np.ones((1, 6))}, "requires half % 2 == 0"),
        (
            {"x": np.ones((1, 4)), "half": 4},
            "x dimension 1 is 4, expected 2 * half = 8 (half = 4 from the argument half)",
        ),
        ({"x": np.ones(4)}, "x has shape (4,), expected 2 dimensions: T[rows, 2 * half]"),
        ({"y": 1}, "unknown argument y"),
        ({}, "argument x is missing"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        interpret(halves(), arguments, {"T": "f32"})
    assert message in str(caught.value)


def test_conflicting_sizes_name_both_arguments() -> None:
    with pytest.raises(ValueError, match=r"weight dimension 0 is 3, expected width = 4 \(.*x dimension 1\)"):
        run(row_norm(), x=np.ones((2, 4)), weight=np.ones(3))


def test_type_variables_take_their_own_dtypes_only() -> None:
    with pytest.raises(ValueError, match="T cannot be i8"):
        run(row_norm(), types={"T": "i8"}, x=np.ones((1, 1)), weight=np.ones(1))


# ---- optional tensors, guards and lazy operands ------------------------------------------------


@ENGINES
def test_an_absent_tensor_is_not_read(vectorise: bool) -> None:
    bias = apply("select", Given("bias", BOOL), load("bias", r), real(10.0))
    probe = kernel(
        [tensor("x", "T", "n"), tensor("bias", "T", "n", is_optional=True)],
        [result("out", "T", "n")],
        loop("r", size("n"), Store("out", (r,), apply("add", load("x", r), bias))),
    )
    np.testing.assert_array_equal(run(probe, vectorise, x=[1, 2]), [11, 12])
    np.testing.assert_array_equal(run(probe, vectorise, x=[1, 2], bias=[3, 4]), [4, 6])


@ENGINES
def test_branches_not_taken_load_nothing(vectorise: bool) -> None:
    is_first = compare("equal", r, integer(0))
    previous = load("x", apply("subtract", r, integer(1)))
    is_falling = compare("less", load("x", r), previous)
    lazy_or = compare("logical_or", is_first, is_falling)
    lazy_and = compare("logical_and", apply("logical_not", is_first), is_falling)
    value = apply("select", lazy_and, previous, apply("select", lazy_or, real(-1.0), previous))
    probe = kernel(
        [tensor("x", "T", "n")],
        [result("out", "T", "n")],
        loop("r", size("n"), If(compare("greater", r, integer(-1)), (Store("out", (r,), value),))),
    )
    np.testing.assert_array_equal(run(probe, vectorise, x=[5, 3, 4]), [-1, 5, 3])


@ENGINES
def test_each_lane_runs_one_side_of_an_if(vectorise: bool) -> None:
    is_even = compare("equal", apply("modulo", r, integer(2)), integer(0))
    fork = If(is_even, (Update("n", r), Store("out", (r,), var("n"))), (Update("n", integer(-1)),))
    probe = kernel(
        [tensor("x", "T", "n")],
        [result("out", "i64", "n"), result("last", "i64", "n")],
        loop("r", size("n"), Let("n", integer(7), True), fork, Store("last", (r,), var("n"))),
    )
    out = run(probe, vectorise, x=np.zeros(4))
    np.testing.assert_array_equal(out["out"], [0, 0, 2, 0])
    np.testing.assert_array_equal(out["last"], [0, -1, 2, -1])


@ENGINES
def test_a_result_reads_back_rounded_and_an_argument_as_it_was(vectorise: bool) -> None:
    rounded = Store("out", (r,), load("x", r))
    again = Store("x", (r,), apply("multiply", load("out", r), real(3.0)))
    difference = Store("gap", (r,), apply("subtract", load("x", r), load("out", r)))
    probe = kernel(
        [tensor("x", "f32", "n", role="mutated")],
        [result("out", "bf16", "n"), result("gap", "f32", "n")],
        loop("r", size("n"), rounded, again, difference),
    )
    x = np.array([1.0, 1 + 2.0**-9], np.float32)
    out = run(probe, vectorise, x=x)
    np.testing.assert_array_equal(out["out"], [1, 1])
    np.testing.assert_array_equal(out["x"], [3, 3])
    np.testing.assert_array_equal(out["gap"], [0, 2.0**-9])
    np.testing.assert_array_equal(x, np.array([1.0, 1 + 2.0**-9], np.float32))


@ENGINES
def test_an_unguarded_access_out_of_range_is_a_bug(vectorise: bool) -> None:
    store = Store("out", (r,), load("x", apply("add", r, integer(1))))
    probe = kernel([tensor("x", "T", "n")], [result("out", "T", "n")], loop("r", size("n"), store))
    with pytest.raises(CompilerBug, match=r"x.* outside"):
        run(probe, vectorise, x=[1, 2])


@ENGINES
def test_bound_names_inside_an_expression(vectorise: bool) -> None:
    square = Bind(
        "y", apply("add", load("x", r), real(1.0)), apply("multiply", var("y", F32), var("y", F32)), F32
    )
    probe = kernel(
        [tensor("x", "T", "n")], [result("out", "T", "n")], loop("r", size("n"), Store("out", (r,), square))
    )
    np.testing.assert_array_equal(run(probe, vectorise, x=[1, 2]), [4, 9])


# ---- reductions ----------------------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")


@ENGINES
@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("argmax", [1, 3, 3, 2], 1),
        ("argmax", [1, NAN, 9, NAN], 1),
        ("argmax", [-INF, -INF], 0),
        ("argmax", [], -1),
        ("argmin", [2, 1, 1], 1),
        ("argmin", [NAN, INF, INF], 1),
        ("argmin", [NAN, NAN], 0),
        ("argmin", [], -1),
    ],
)
def test_arg_reductions_break_ties_low_and_put_nan_on_top(
    vectorise: bool, kind: str, values: list[float], expected: int
) -> None:
    x = np.array([values], dtype=np.float32)
    np.testing.assert_array_equal(run(reduction(kind, "f32"), vectorise, x=x), [expected])


@ENGINES
@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("sum", [1, 2, 4], 7),
        ("sum", [], 0),
        ("max", [1, NAN, 4], NAN),
        ("max", [], -INF),
        ("min", [3, 2, 4], 2),
        ("min", [], INF),
    ],
)
def test_float_reductions(vectorise: bool, kind: str, values: list[float], expected: float) -> None:
    x = np.array([values], dtype=np.float32)
    np.testing.assert_array_equal(run(reduction(kind, "f32", of="f32"), vectorise, x=x), [expected])


@ENGINES
@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("sum", [2**31 - 1, 1], -(2**31)),
        ("max", [], -(2**31)),
        ("min", [], 2**31 - 1),
        ("argmax", [-(2**31), -(2**31)], 0),
        ("argmin", [2**31 - 1], 0),
    ],
)
def test_integer_reductions_wrap_and_start_at_their_bounds(
    vectorise: bool, kind: str, values: list[int], expected: int
) -> None:
    x = np.array([values], dtype=np.int32)
    np.testing.assert_array_equal(run(reduction(kind, "i32", of="i32"), vectorise, x=x), [expected])


@ENGINES
@pytest.mark.parametrize(
    ("kind", "of", "expected"), [("count", "i64", 2), ("any", "bool", True), ("all", "bool", False)]
)
def test_boolean_reductions(vectorise: bool, kind: str, of: str, expected: Any) -> None:
    np.testing.assert_array_equal(
        run(reduction(kind, "bool", of=of), vectorise, x=[[True, False, True]]), [expected]
    )
    empty = run(reduction(kind, "bool", of=of), vectorise, x=np.zeros((1, 0), bool))
    np.testing.assert_array_equal(empty, [{"count": 0, "any": False, "all": True}[kind]])


@ENGINES
@pytest.mark.parametrize(("kind", "expected"), [("sum", 8), ("max", 5), ("argmax", 3), ("argmin", 1)])
def test_where_leaves_terms_out(vectorise: bool, kind: str, expected: int) -> None:
    is_odd = compare("equal", apply("modulo", var("k"), integer(2)), integer(1))
    probe = reduction(kind, "i32", where=is_odd, of="i32")
    np.testing.assert_array_equal(run(probe, vectorise, x=np.array([[9, 3, 0, 5]], np.int32)), [expected])


# ---- rows ----------------------------------------------------------------------------------------


@ENGINES
def test_ragged_softmax(vectorise: bool) -> None:
    x = np.array([1.0, 2.0, -INF, -INF, 0.0, 0.0, INF, 7.0])
    indptr = np.array([0, 3, 3, 4, 6, 7], np.int32)
    out = run(ragged_softmax(), vectorise, x=x, indptr=indptr)
    e = np.exp([-1.0, 0.0])
    expected = [*np.float32(e / e.sum()), 0, 0, 0.5, 0.5, NAN, 0]
    np.testing.assert_array_equal(out, expected)


@ENGINES
def test_top_two(vectorise: bool) -> None:
    x = [[1, 3, 3, 2], [NAN, 5, NAN, 6], [-INF, 0, -INF, -INF]]
    out = run(top_two(), vectorise, x=x)
    np.testing.assert_array_equal(out["values"], [[3, 3], [NAN, NAN], [0, -INF]])
    np.testing.assert_array_equal(out["chosen"], [[1, 2], [0, 2], [1, 0]])


@ENGINES
def test_top_two_of_one_and_of_none_fill_up(vectorise: bool) -> None:
    one = run(top_two(), vectorise, x=[[7.0]])
    np.testing.assert_array_equal(one["values"], [[7, -INF]])
    np.testing.assert_array_equal(one["chosen"], [[0, -1]])
    np.testing.assert_array_equal(run(top_two(), vectorise, x=np.zeros((2, 0)))["chosen"], -np.ones((2, 2)))


@ENGINES
def test_running_sums_wrap_and_pass_over_what_is_left_out(vectorise: bool) -> None:
    x = np.array([[1, 2, 3], [2**31 - 1, 1, 5]], np.int32)
    np.testing.assert_array_equal(run(running_sum(), vectorise, x=x), np.cumsum(x, axis=1, dtype=np.int32))
    is_even = compare("equal", apply("modulo", var("k"), integer(2)), integer(0))
    np.testing.assert_array_equal(run(running_sum(is_even), vectorise, x=x)[0], [1, 1, 4])


@ENGINES
@pytest.mark.parametrize("exponent", [0.5, 1.5])
def test_powers_are_those_of_ieee(vectorise: bool, exponent: float) -> None:
    """Also where one exponent serves all elements: a square root gives NaN and -0 here."""
    x = np.array([-INF, -0.0, 4.0], np.float32)
    power = Store("out", (r,), apply("power", load("x", r), real(exponent)))
    probe = kernel([tensor("x", "f32", "n")], [result("out", "f32", "n")], loop("r", size("n"), power))
    out = run(probe, vectorise, x=x)
    np.testing.assert_array_equal(out, [INF, 0.0, 4.0**exponent])
    assert not np.signbit(out).any()


# ---- ordered loops ---------------------------------------------------------------------------------


@ENGINES
def test_a_recurrence_steps_in_order(vectorise: bool) -> None:
    out = run(linear_recurrence(), vectorise, x=[[1, 2, 3], [4, 0, 0]], decay=0.5)
    np.testing.assert_array_equal(out, [[1, 2.5, 4.25], [4, 2, 1]])


@ENGINES
def test_ragged_ordered_steps_stop_where_each_lane_ends(vectorise: bool) -> None:
    high = apply("i64", load("lengths", r, dtype=I32), dtype=I64)
    body = (
        Let("n", integer(0), True),
        loop(
            "t", high, Update("n", apply("add", var("n"), apply("add", var("t"), integer(1)))), ordered=True
        ),
        Store("out", (r,), var("n")),
    )
    probe = kernel(
        [tensor("lengths", "i32", "rows")], [result("out", "i64", "rows")], loop("r", size("rows"), *body)
    )
    out = run(probe, vectorise, lengths=np.array([3, 0, -4, 4], np.int32))
    np.testing.assert_array_equal(out, [6, 0, 0, 10])


# ---- policies ------------------------------------------------------------------------------------

SLOTS = np.array([2, -1, 9, 0], np.int32)


@ENGINES
def test_skip_drops_stores_out_of_range(vectorise: bool) -> None:
    x = np.arange(8.0).reshape(4, 2)
    pool = run(pool_write("skip"), vectorise, pool=-np.ones((3, 2)), x=x, slots=SLOTS)
    np.testing.assert_array_equal(pool, [[6, 7], [-1, -1], [0, 1]])


@ENGINES
def test_clamp_moves_to_the_nearest(vectorise: bool) -> None:
    table, at = np.arange(3, dtype=np.int32), np.zeros(4, np.int32)
    table[0] = 7
    out = run(gather("clamp"), vectorise, x=[10, 20, 30], table=table, at=at)
    np.testing.assert_array_equal(out, [30, 30, 30, 30])
    nowhere = run(gather("clamp"), vectorise, x=np.zeros(0), table=table, at=at)
    np.testing.assert_array_equal(nowhere, [0, 0, 0, 0])


@ENGINES
def test_a_trust_that_is_broken_is_reported(vectorise: bool) -> None:
    with pytest.raises(ValueError, match=r"pool.*trusted"):
        run(pool_write("trust"), vectorise, pool=np.ones((3, 2)), x=np.ones((4, 2)), slots=SLOTS)


@ENGINES
def test_what_follows_from_a_lost_index_is_lost(vectorise: bool) -> None:
    at = np.array([0, 1, 2, -1], np.int32)
    table = np.array([1, 5], np.int32)
    out = run(gather("nan", table_policy="nan"), vectorise, x=[10.0, 20.0], table=table, at=at)
    np.testing.assert_array_equal(out, [20, NAN, NAN, NAN])


@ENGINES
def test_a_lost_index_stays_lost_through_names_rows_and_arithmetic(vectorise: bool) -> None:
    page = load("table", apply("i64", load("at", r, dtype=I32), dtype=I64), dtype=I32, policy="nan")
    pages = row("pages", "each", "k", integer(1), apply("i64", page, dtype=I64))
    place = apply("modulo", apply("add", At("pages", integer(0), I64), integer(1)), size("pool"))
    probe = kernel(
        [tensor("x", "T", "pool"), tensor("table", "i32", "pages"), tensor("at", "i32", "rows")],
        [result("out", "T", "rows")],
        loop(
            "r",
            size("rows"),
            pages,
            Let("place", place),
            Store("out", (r,), load("x", var("place"), policy="nan")),
        ),
    )
    out = run(probe, vectorise, x=[10.0, 20.0], table=[1], at=np.array([0, 1], np.int32))
    np.testing.assert_array_equal(out, [10, NAN])


# ---- both engines on random data ---------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_engines_agree_on_ragged_rows(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=5))
    indptr = np.cumsum([0, *lengths]).astype(np.int32)
    element = st.sampled_from([0.0, 1.0, -2.0, 3.5, INF, -INF, NAN])
    x = np.array(data.draw(st.lists(element, min_size=sum(lengths), max_size=sum(lengths))))
    grid, scalar = (run(ragged_softmax(), mode, x=x, indptr=indptr) for mode in (True, False))
    np.testing.assert_allclose(grid, scalar, rtol=2e-7)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["sum", "max", "min", "argmax", "argmin"]), st.integers(0, 5), st.data())
def test_engines_agree_on_filtered_reductions(kind: str, width: int, data: st.DataObject) -> None:
    element = st.sampled_from([0.0, 1.0, 2.0, -3.0, INF, -INF, NAN])
    x = np.array(
        data.draw(st.lists(st.lists(element, min_size=width, max_size=width), min_size=3, max_size=3))
    )
    small = compare("less", load("x", r, var("k")), real(2.0))
    of = "i64" if kind.startswith("arg") else "f32"
    probe = reduction(kind, "f32", where=small, of=of)
    x = x.reshape(3, width)
    np.testing.assert_array_equal(run(probe, True, x=x), run(probe, False, x=x))

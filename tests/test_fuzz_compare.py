"""What the fuzzer holds a target to: which differences count, and which elements are left out."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.pipeline import Stage, compile_stages
from fuzz.batch import MOST_WORK
from fuzz.check_passes import check_passes, expect_in_float64
from fuzz.compare import expect
from fuzz.inputs import Call, make_calls, place
from fuzz.program import make_program
from kernel_ir.dtypes import DTYPES
from kernel_ir.interpret import interpret
from kernel_ir.load import load_text
from kernel_ir.rounding import encode, ulp
from kernel_ir.typecheck.check import check_spec

SEEDS = range(5000, 5060)


def test_one_wrong_bit_is_a_difference() -> None:
    program = next(item for item in map(make_program, SEEDS) if item.style == "whole")
    loaded = load_text(program.text, f"{program.name}.yaml")
    kernel = check_spec(loaded)
    call = next(iter(make_calls(program, loaded, kernel, 1, (3,), MOST_WORK)))
    outputs = expect(kernel, call)
    for name, values in interpret(kernel, call.arguments(), call.types).items():
        assert outputs[name].difference(name, values) is None
        if outputs[name].is_exact() and values.dtype != bool:
            spoilt = values.copy()
            spoilt.view(np.uint8).reshape(-1)[0] ^= 1
            assert outputs[name].difference(name, spoilt) is not None


UNDERFLOWS = """\
edition: 1
name: underflows
summary: A share that f32 rounds to 0, times infinity.
arguments: {x: {type: "f32[n]"}, y: {type: "f32[n]"}}
results: {o: {type: "f32[1]"}}
body: |
  shares = softmax(x[i] for i in range(n))
  o[0] = sum(shares[i] * y[i] for i in range(n))
"""


@pytest.mark.parametrize(("apart", "is_held"), [(4.0, True), (400.0, False)])
def test_what_the_rounding_of_a_share_decides_is_left_out(apart: float, is_held: bool) -> None:
    kernel = check_spec(load_text(UNDERFLOWS, "underflows.yaml"))
    given = {"x": [0.0, apart], "y": [np.inf, 1.0]}
    tensors = {name: place(np.asarray(values, np.float32), "packed") for name, values in given.items()}
    outcome = expect(kernel, Call(tensors, {}, {}, {"n": 2}, "special"))["o"]
    assert outcome.values[0] == np.inf
    assert outcome.is_stable[0] == is_held


TURNS = """\
edition: 1
name: turns
summary: Whether 3 plus the last bit of 1 is 3, which in f32 it is.
arguments: {x: {type: "f32[n]"}}
results: {o: {type: "f32[n]"}}
body: |
  for i in range(n):
      o[i] = 1.0 if x[i] + 2.0 <= 3.0 else 0.0
"""


@pytest.mark.parametrize(("x", "is_held"), [(1.0, True), (1.0 + 2.0**-22, True), (1.0 + 2.0**-23, False)])
def test_what_the_rounding_of_a_comparison_decides_is_left_out(x: float, is_held: bool) -> None:
    kernel = check_spec(load_text(TURNS, "turns.yaml"))
    tensors = {"x": place(np.asarray([x], np.float32), "packed")}
    outcome = expect(kernel, Call(tensors, {}, {}, {"n": 1}, "whole"))["o"]
    assert outcome.values[0] == (x == 1.0)
    assert outcome.is_stable[0] == is_held


SIGNS = """\
edition: 1
name: signs
summary: A zero with a sign, and one of which either sign will do.
arguments: {x: {type: "f32[n]"}}
results:
  held: {type: "f32[n]"}
  running: {type: "f32[n]"}
  free: {type: "f32[n]"}
  twice: {type: "f32[n]"}
  over: {type: "f32[n]"}
  also: {type: "f32[1]"}
body: |
  totals = cumsum(x[j] * 0.0 for j in range(n))
  also[0] = max(x[j] * 0.0 if j > 0 else -(x[j] * 0.0) for j in range(n))
  for i in range(n):
      held[i] = -(x[i] * 0.0)
      running[i] = totals[i]
      free[i] = min(x[i] * 0.0, -(x[i] * 0.0))
      twice[i] = max(max(x[i] * 0.0, -(x[i] * 0.0)), x[i] * 0.0)
      over[i] = 1.0 / max(max(x[i] * 0.0, -(x[i] * 0.0)), x[i] * 0.0)
"""


def test_a_zero_of_the_other_sign_is_a_difference() -> None:
    """But where `min` and `max` choose between zeros, be it twice."""
    kernel = check_spec(load_text(SIGNS, "signs.yaml"))
    tensors = {"x": place(np.asarray([-1.0, -1.0], np.float32), "packed")}
    outputs = expect(kernel, Call(tensors, {}, {}, {"n": 2}, "whole"))
    for name, value in {"held": 0.0, "running": 0.0, "free": 0.0, "twice": 0.0, "over": np.inf}.items():
        right = np.full(2, value, np.float32)
        assert outputs[name].difference(name, right) is None
        assert (outputs[name].difference(name, -right) is None) == (name not in ("held", "running"))
    for zero in (0.0, -0.0):
        assert outputs["also"].difference("also", np.asarray([zero], np.float32)) is None


NEAR = """\
edition: 1
name: near
summary: Zeros whose sign hangs on which of two products is rounded, and one that has its sign.
arguments: {x: {type: "f32[2]"}, y: {type: "f32[1]"}}
results: {open: {type: "f32[1]"}, over: {type: "f32[1]"}, held: {type: "f32[1]"}}
body: |
  apart = x[0] * y[0] - x[1] * y[0]
  open[0] = apart * 0.0
  over[0] = 1.0 / (-(apart * 0.0))
  held[0] = (apart - 1.0) * 0.0
"""


def test_a_zero_whose_sign_hangs_on_what_is_rounded_is_left_out() -> None:
    """Where a target takes a product and a difference for one operation, `apart` is not 0."""
    kernel = check_spec(load_text(NEAR, "near.yaml"))
    given = {name: np.asarray(values, np.float32) for name, values in {"x": [0.1, 0.1], "y": [0.3]}.items()}
    tensors = {name: place(values, "packed") for name, values in given.items()}
    outputs = expect(kernel, Call(tensors, {}, {}, {}, "normal"))
    for zero in (0.0, -0.0):
        got = np.asarray([zero], np.float32)
        assert outputs["open"].difference("open", got) is None
        assert (outputs["held"].difference("held", got) is None) == bool(np.signbit(zero))
    assert outputs["open"].difference("open", np.asarray([2.0**-149], np.float32)) is not None
    assert not outputs["over"].is_stable.any()


THIRDS = """\
edition: 1
name: thirds
summary: A third of each.
arguments: {x: {type: "f32[n]"}}
results: {o: {type: "f32[n]"}}
body: |
  for i in range(n):
      o[i] = x[i] / 3.0
"""


@pytest.mark.parametrize(("third", "is_same"), [("x[i] / 3.0 + 0.0", True), ("x[i] * 0.33333334", False)])
def test_a_pass_is_held_to_what_float64_gives(third: str, is_same: bool) -> None:
    """A step that moves a value by less than f32 rounds it by is found."""
    kernel, other = (
        check_spec(load_text(text, "thirds.yaml")) for text in (THIRDS, THIRDS.replace("x[i] / 3.0", third))
    )
    values = np.random.default_rng(1).normal(size=40)
    tensors = {"x": place(values.astype(np.float32), "packed")}
    call = Call(tensors, {}, {}, {"n": 40}, "normal")
    stages = (Stage("check", "", kernel), Stage("simplify", "", other))
    found = list(check_passes(1, stages, [(call, expect_in_float64(kernel, call))]))
    assert [item.executor for item in found] == ([] if is_same else ["pass simplify"])


CHOSEN = """\
edition: 1
name: chosen
summary: The greatest quotient, which a lowered program orders by its bits in f32.
arguments: {x: {type: "f32[n]"}}
results: {o: {type: "f32[1]"}}
body: |
  best, at = topk((x[i] / 3.0 for i in range(n)), 1)
  o[0] = best[0] - 1.0
"""


@pytest.mark.parametrize(("x", "is_same"), [(6.0, True), (4.0, False)])
def test_what_is_chosen_by_its_bits_may_be_rounded(x: float, is_same: bool) -> None:
    """What float64 gives is asked for only where f32 holds what `topk` takes."""
    loaded = load_text(CHOSEN, "chosen.yaml")
    stages = tuple(compile_stages(loaded))
    kernel = check_spec(loaded)
    call = Call({"x": place(np.asarray([x], np.float32), "packed")}, {}, {}, {"n": 1}, "normal")
    assert not list(check_passes(1, stages, [(call, expect_in_float64(kernel, call))]))
    assert expect_in_float64(kernel, call)["o"].is_exact() == is_same


KEPT = """\
edition: 1
name: kept
summary: A product, kept in fewer bits.
types: {T: [f32, f16, bf16, f8e4m3, i8]}
arguments: {x: {type: "f32[n]"}}
results: {o: {type: "T[n]"}}
body: |
  for i in range(n):
      o[i] = x[i] * 30.1
"""


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f8e4m3", "i8"])
def test_a_store_that_rounds_to_a_neighbour_is_a_difference(dtype: str) -> None:
    """What f32 arithmetic may be off is nothing beside a step of a narrow type, and allows for none."""
    kernel = check_spec(load_text(KEPT, "kept.yaml"))
    values = np.random.default_rng(1).uniform(0.5, 1.0, 40).astype(np.float32)
    call = Call({"x": place(values, "packed")}, {}, {"T": dtype}, {"n": 40}, "normal")
    outcome = expect(kernel, call)["o"]
    down = np.float64(values) * np.float32(30.1) - ulp(outcome.values, DTYPES[dtype]) / 2
    truncated, rounded = encode(down, DTYPES[dtype]), encode(outcome.values, DTYPES[dtype])
    assert outcome.difference("o", rounded) is None
    off = outcome.difference("o", truncated)
    assert off is not None and off.count == np.sum(truncated != rounded) > 10

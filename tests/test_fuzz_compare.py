"""What the fuzzer holds a target to: which differences count, and which elements are left out."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.pipeline import Stage
from fuzz.batch import MOST_WORK
from fuzz.check_passes import check_passes, expect_in_float64
from fuzz.compare import difference, expect
from fuzz.inputs import Call, make_calls, place
from fuzz.program import make_program
from kernel_ir.interpret import interpret
from kernel_ir.load import load_text
from kernel_ir.typecheck.check import check_spec

SEEDS = range(5000, 5060)


def test_one_wrong_bit_is_a_difference() -> None:
    program = next(item for item in map(make_program, SEEDS) if item.style == "whole")
    loaded = load_text(program.text, f"{program.name}.yaml")
    kernel = check_spec(loaded)
    call = next(iter(make_calls(program, loaded, kernel, 1, (3,), MOST_WORK)))
    outputs = expect(kernel, call)
    for name, values in interpret(kernel, call.arguments(), call.types).items():
        assert difference(name, outputs[name], values) is None
        if outputs[name].allowed.flat[0] == 0 and values.dtype != bool:
            spoilt = values.copy()
            spoilt.view(np.uint8).reshape(-1)[0] ^= 1
            assert difference(name, outputs[name], spoilt) is not None


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
        assert difference(name, outputs[name], right) is None
        assert (difference(name, outputs[name], -right) is None) == (name not in ("held", "running"))
    for zero in (0.0, -0.0):
        assert difference("also", outputs["also"], np.asarray([zero], np.float32)) is None


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

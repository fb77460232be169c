"""Long weighted sums under a softmax stay within the bound that is derived for any order of terms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from cpu_harness import CpuKernel, assert_agrees, compile_cpu
from every_spec import load
from metal_harness import compile_metal

from codegen.gpu.parts import deal_parts
from codegen.pipeline import compile_spec
from kernel_ir.load import load_text

SPEC = """\
edition: 1
name: weighted
summary: Rows weighed by the shares of their scores.
arguments:
  scores: {type: "f32[batch, entries]"}
  v: {type: "f32[entries, width]"}
results:
  out: {type: "f32[batch, width]"}
body: |
  for b in range(batch):
      p = softmax(scores[b, j] for j in range(entries))
      for d in range(width):
          out[b, d] = sum(p[j] * v[j, d] for j in range(entries))
"""

LENGTH = 30_000


def alike(position: np.ndarray) -> np.ndarray:
    """Terms that are nearly equal round to one side again and again where they are added in order."""
    return np.where(position % 7 == 0, 1e-3, 0.0)


def rising(position: np.ndarray) -> np.ndarray:
    """Each score tops the one before by so little that scaling to it would change nothing."""
    return position * 2e-9


def steep(position: np.ndarray) -> np.ndarray:
    """Every term outweighs all before it."""
    return position * 0.9


def falling(position: np.ndarray) -> np.ndarray:
    return position * -1e-4


def compile_shader(spec: str) -> CpuKernel:
    return compile_metal(load_text(spec, "weighted.yaml"))


@pytest.mark.parametrize("scores", [alike, rising, steep, falling])
@pytest.mark.parametrize("compile_", [compile_cpu, compile_shader])
def test_long_sums_stay_within_the_bound(compile_: Callable, scores: Callable) -> None:
    position = np.arange(LENGTH)
    columns = (np.full(LENGTH, 0.7), 1 / 3 + 1e-6 * (position % 5), np.cos(position), position / LENGTH)
    arguments = {"scores": scores(position)[None], "v": np.stack(columns, axis=1)}
    arguments = {name: values.astype(np.float32) for name, values in arguments.items()}
    assert_agrees(compile_(SPEC), arguments, {})


@pytest.mark.parametrize(
    ("name", "is_dealt"), [("attend_pages", True), ("attend_blocks", False), ("softmax", False)]
)
def test_a_team_deals_a_stream_without_filters_over_its_parts(name: str, is_dealt: bool) -> None:
    (launch,) = compile_spec(load(name)).program.launches
    assert (deal_parts(launch) is not None) == is_dealt

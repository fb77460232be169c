"""Long weighted sums under a softmax stay within the bound that is derived for any order of terms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
SPECS = Path(__file__).parent.parent / "specs"


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
    ("name", "is_dealt"), [("attend_pages", True), ("attend_blocks", True), ("softmax", False)]
)
def test_a_team_deals_a_stream_over_its_parts(name: str, is_dealt: bool) -> None:
    (launch,) = compile_spec(load(name)).program.launches
    assert (deal_parts(launch) is not None) == is_dealt


PAGES = {"k_pool": (5, 1, 3), "v_pool": (5, 1, 3), "q": (1, 1, 3)}


def attend(starts: list[int]) -> tuple[CpuKernel, dict[str, object]]:
    """Attention of one query over four pages, from a table that may lead anywhere."""
    draw = np.random.default_rng(0).normal
    arrays = {name: draw(size=shape).astype(np.float32) for name, shape in PAGES.items()}
    tables = {"kv_indptr": np.array(starts, np.int32), "kv_indices": np.array([4, 0, 2, 2], np.int32)}
    numbers = {"num_qo_heads": 1, "num_kv_heads": 1, "head_dim": 3, "sm_scale": 0.5}
    return compile_cpu(str(SPECS / "attention/paged_attention_decode.yaml")), arrays | tables | numbers


@pytest.mark.parametrize(
    "starts", [[0, 4], [-9, -3], [-9, 2], [-1, 4], [0, 5], [2, 9], [7, 9], [-3, 9], [3, 3], [7, 2], [-5, -5]]
)
def test_a_range_out_of_the_table_means_what_it_says(starts: list[int]) -> None:
    kernel, arguments = attend(starts)
    assert_agrees(kernel, arguments, {"T": "f32"})


@pytest.mark.parametrize("starts", [[0, 2**31 - 1], [-(2**31), 2**31 - 1], [-(2**31), -4], [9, 2**31 - 1]])
def test_a_range_of_billions_takes_no_longer_than_the_table(starts: list[int]) -> None:
    kernel, arguments = attend(starts)
    assert np.isnan(kernel.run(arguments, {"T": "f32"})["out"]).all()

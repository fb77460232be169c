"""A kernel is one spec and nothing else: texts that the compiler has not met run as they are meant.

Each is checked, lowered, compiled for the CPU and compared with the interpreter.
"""

from __future__ import annotations

import re

import pytest
from cpu_harness import assert_agrees, compile_cpu
from inputs import small_calls, type_choices

from codegen.record import make_record
from kernel_ir.load import load_text

L2_NORM = """
edition: 1
name: unit_rows
summary: Scale each row to length one, and keep its length.
types:
  T: [f32, f16, bf16]
arguments:
  x: {type: "T[*rows, width]"}
  eps: {type: f32, default: 1.0e-12}
results:
  out: {type: "T[*rows, width]"}
  length: {type: "f32[*rows]"}
body: |
  for r in range(rows):
      size = sqrt(sum(x[r, c] * x[r, c] for c in range(width)))
      length[r] = size
      for c in range(width):
          out[r, c] = x[r, c] / max(size, eps)
examples:
  - {rows: 3, width: 100}
"""

LOG_SOFTMAX = """
edition: 1
name: log_shares
summary: Logarithm of the softmax of each row, and its entropy.
types:
  T: [f32, f16]
arguments:
  x: {type: "T[rows, width]"}
results:
  out: {type: "f32[rows, width]"}
  entropy: {type: "f32[rows]"}
body: |
  for r in range(rows):
      peak = max(x[r, c] for c in range(width))
      total = log(sum(exp(x[r, c] - peak) for c in range(width)))
      p = softmax(x[r, c] for c in range(width))
      entropy[r] = -sum(p[c] * (x[r, c] - peak - total) for c in range(width))
      for c in range(width):
          out[r, c] = x[r, c] - peak - total
examples:
  - {rows: 3, width: 100}
"""

CACHED_ROTARY = """
edition: 1
name: turn_pairs
summary: Rotate neighbouring pairs by angles from a cache, in place, for the heads that are turned.
types:
  T: [f32, f16, bf16]
  I: [i32, i64]
arguments:
  q: {type: "T[tokens, heads, head_dim]"}
  cache: {type: "f32[positions, 2 * pairs]", values: {uniform: [-1, 1]}}
  at: {type: "I[tokens]", values: {uniform: [0, positions]}}
  scale: {type: "f32[heads]", optional: true}
  pairs: {type: size, keyword_only: true}
mutates: [q]
returns: [q]
in_range: {at: clamp}
requires:
  - "2 * pairs <= head_dim"
body: |
  for t in range(tokens):
      for h in range(heads):
          for i in range(pairs):
              c = cache[at[t], i]
              s = cache[at[t], pairs + i]
              k = scale[h] if given(scale) else 1.0
              even = q[t, h, 2 * i]
              odd = q[t, h, 2 * i + 1]
              q[t, h, 2 * i] = (even * c - odd * s) * k
              q[t, h, 2 * i + 1] = (odd * c + even * s) * k
examples:
  - {tokens: 3, heads: 2, head_dim: 40, positions: 17, pairs: 16}
"""

RUN_LENGTHS = """
edition: 1
name: differences
summary: Each running sum less the one before, with rows read only where there is one before.
types:
  T: [f32, f16]
arguments:
  x: {type: "T[rows, width]"}
results:
  out: {type: "f32[rows, width]"}
  doubled: {type: "f32[rows, width]"}
body: |
  for r in range(rows):
      s = cumsum(x[r, c] for c in range(width))
      y = [x[r, c] * 2.0 for c in range(width)]
      for c in range(width):
          out[r, c] = s[c] - (s[c - 1] if c > 0 else 0.0)
          if c > 1:
              doubled[r, c] = y[c - 2] + s[c - 2]
          else:
              doubled[r, c] = y[c] if c > 0 else -1.0
examples:
  - {rows: 3, width: 100}
"""

SPECS = {
    re.findall(r"^name: (\w+)$", text, re.M)[0]: text
    for text in (L2_NORM, LOG_SOFTMAX, CACHED_ROTARY, RUN_LENGTHS)
}


@pytest.mark.parametrize("name", SPECS)
def test_new_spec_runs(name: str) -> None:
    kernel = compile_cpu(SPECS[name], f"{name}.yaml")
    loaded = load_text(SPECS[name], f"{name}.yaml")
    count = 4 * len(type_choices(kernel.kernel))
    for call in small_calls(loaded, kernel.kernel, count):
        assert_agrees(kernel, call.arguments, call.types)
    for call in small_calls(
        loaded, kernel.kernel, 2 * count, seed=7, pool=(1, 15, 16, 17, 33), most_work=20_000
    ):
        assert_agrees(kernel, call.arguments, call.types)


@pytest.mark.parametrize("name", SPECS)
def test_new_spec_has_everything_that_a_record_holds(name: str) -> None:
    kernel = compile_cpu(SPECS[name], f"{name}.yaml")
    record = make_record(load_text(SPECS[name], f"{name}.yaml"), kernel.kernel)
    assert record.exports[0].name == name
    assert len(record.entries) == len(type_choices(kernel.kernel))

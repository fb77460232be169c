"""Choices inside choices grow with their number, not with its power."""

from __future__ import annotations

from codegen.lowering.lower import lower
from codegen.names import Names
from codegen.passes.eager import make_eager
from codegen.passes.guard_accesses import guard_accesses
from codegen.print_program import print_program
from kernel_ir.load import load_text
from kernel_ir.typecheck.check import check_spec

SPEC = """\
edition: 1
name: choices
summary: Choices inside choices.
arguments:
  x: {{type: "f32[rows, width]"}}
results:
  out: {{type: "f32[rows, width]"}}
requires: ["width >= 1"]
body: |
  for r in range(rows):
      for c in range(width):
          out[r, c] = {value}
"""


def lowered_length(depth: int) -> int:
    value = "0.0"
    for level in range(depth):
        test = f"sum(x[r, i] for i in range(width)) > {level} and x[r, 0] < {level}"
        value = f"({value} if {test} else x[r, c])"
    loaded = load_text(SPEC.format(value=value), "choices.yaml")
    kernel = make_eager(guard_accesses(check_spec(loaded)))
    return len(print_program(lower(kernel, Names(kernel))))


def test_nested_choices_grow_with_their_number() -> None:
    assert lowered_length(4) < 3 * lowered_length(2)

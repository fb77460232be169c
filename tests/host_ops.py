"""Three small ops for the host's tests, with kernels written by hand in `cpp/host_kernels.cpp`."""

from __future__ import annotations

from codegen.record import OpRecord, make_record
from kernel_ir import nodes as ir
from kernel_ir.dtypes import DTYPES, I64
from kernel_ir.load import load_text

SCALED_ADD = """
edition: 1
name: scaled_add
summary: Add a multiple of y to x.
reference: a page, "quoted"
types:
  T: [f32, f16, bf16]
arguments:
  x: {type: "T[*rows, width]", doc: "first summand"}
  y: {type: "T[*rows, width]", doc: "second summand"}
  alpha: {type: f32, default: 1.0, doc: "factor of y"}
results:
  out: {type: "T[*rows, width]", doc: "the sum"}
body: |
  for r in range(rows):
      for c in range(width):
          out[r, c] = x[r, c] + alpha * y[r, c]
exports:
  - name: add_scaled
    arguments: {input: x, other: y, factor: alpha}
    keyword_only: [factor]
    out: true
    ignored: {enable_pdl: null, mask: null, is_fused: false}
    unsupported: [mask, is_fused]
examples:
  - {rows: 2, width: 4}
"""

SUM_AND_DIFFERENCE = """
edition: 1
name: sum_and_difference
summary: Replace a and b by their sum and their difference.
types:
  N: [i32, i64]
arguments:
  a: {type: "N[*rows, width]"}
  b: {type: "N[*rows, width]"}
mutates: [a, b]
returns: none
body: |
  for r in range(rows):
      for c in range(width):
          total = a[r, c] + b[r, c]
          rest = a[r, c] - b[r, c]
          a[r, c] = total
          b[r, c] = rest
exports:
  - name: sum_and_difference_pair
    returns: [b, a]
examples:
  - {rows: 2, width: 4}
"""

PICK_HEADS = """
edition: 1
name: pick_heads
summary: Gather rows of a table, add a bias, and mark the slots in range.
types:
  T: [f32, f8e4m3]
  I: [i32, i64]
arguments:
  table: {type: "T[pool, heads * head_dim]", doc: "rows to pick from"}
  slots: {type: "I[tokens]", doc: "row of each token"}
  bias: {type: "f32[head_dim]", optional: true, doc: "added to each head"}
  limit: {type: i32, default: 7}
  flag: {type: bool, default: false}
  head_dim: {type: size, keyword_only: true}
results:
  out: {type: "T[tokens, heads, head_dim]"}
  marks: {type: "i32[tokens, 2]"}
requires:
  - "head_dim % 2 == 0"
body: |
  for t in range(tokens):
      marks[t, 0] = 1
examples:
  - {pool: 5, heads: 2, head_dim: 4, tokens: 3}
"""


def record_of(
    text: str, requires: tuple[ir.Expr, ...] = (), zero_filled: frozenset[str] = frozenset()
) -> OpRecord:
    """The record of a spec whose body stays unread."""
    loaded = load_text(text, "specs/test/op.yaml")
    types = tuple(
        (name, tuple(DTYPES[item] for item in choices)) for name, choices in loaded.spec.types.items()
    )
    kernel = ir.Kernel(
        loaded.spec.name,
        types,
        loaded.arguments(),
        loaded.results(),
        loaded.size_names(),
        requires,
        (),
        zero_filled,
    )
    return make_record(loaded, kernel)


def is_even(size: str) -> ir.Expr:
    """`size % 2 == 0`."""
    rest = ir.Apply("modulo", (ir.Size(size, I64), ir.Const(2, I64)), I64)
    return ir.Apply("equal", (rest, ir.Const(0, I64)), DTYPES["bool"])


def records() -> tuple[OpRecord, ...]:
    """The records of all three ops."""
    return (
        record_of(SCALED_ADD),
        record_of(SUM_AND_DIFFERENCE),
        record_of(PICK_HEADS, (is_even("head_dim"),), frozenset({"marks"})),
    )

"""Which results every element of is stored for sure, and which must be filled with zeros first."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from footprint_kernels import Case, facts_of, kernel_of

from kernel_ir.coverage import uncovered_results

COVERED = [
    Case("plain", "for c in range(width):\n    row[c] = 0"),
    Case("from one", "for c in range(1, width):\n    row[c] = 0", ("row",)),
    Case("to one short", "for c in range(width - 1):\n    row[c] = 0", ("row",)),
    Case("under a condition", "for c in range(width):\n    if x[c] > 0:\n        row[c] = 0", ("row",)),
    Case("in either branch", """
for c in range(width):
    if x[c] > 0:
        row[c] = 0
    else:
        row[c] = 1
"""),
    Case("in either branch, in loops of their own", """
for t in range(1):
    if given(bias):
        for c in range(width):
            row[c] = 0
    else:
        for d in range(width):
            row[d] = 1
"""),
    Case("in either branch, each its own side", """
for c in range(width):
    if x[c] > 0:
        row[c] = 0
    else:
        row[width - 1 - c] = 1
""", ("row",)),
    Case("in either branch, in loops of their own, each its own side", """
for t in range(1):
    if given(bias):
        for c in range(width - 1):
            row[c] = 0
    else:
        for d in range(width):
            row[d] = 1
""", ("row",)),
    Case("in two branches of different choices", """
for c in range(width):
    if x[c] > 0:
        row[c] = 0
    if x[c] > 1:
        row[c] = 2
    else:
        x[c] = 1
""", ("row",)),
    Case("two halves", """
for c in range(half):
    row[c] = 0
    row[c + half] = 1
""", requires=("width == 2 * half",)),
    Case("two halves of an odd width", """
for c in range(width // 2):
    row[c] = 0
    row[c + width // 2] = 1
""", ("row",)),
    Case("two halves of an even width", """
for c in range(width // 2):
    row[c] = 0
    row[c + width // 2] = 1
""", requires=("width % 2 == 0",)),
    Case("groups", """
for g in range(width // group):
    for i in range(group):
        row[g * group + i] = 0
""", requires=("group >= 1", "width % group == 0")),
    Case("groups that leave a rest", """
for g in range(width // group):
    for i in range(group):
        row[g * group + i] = 0
""", ("row",), requires=("group >= 1",)),
    Case("groups with a gap", """
for g in range(width // group):
    for i in range(group - 1):
        row[g * group + i] = 0
""", ("row",), requires=("group >= 1", "width % group == 0")),
    Case("one element", "row[0] = 1", requires=("width == 1",)),
    Case("one of many", "row[0] = 1", ("row",)),
    Case("inside a loop that may not run", """
for s in sequential(tokens):
    for c in range(width):
        row[c] = 0
""", ("row",)),
    Case("inside a loop that runs", """
for s in sequential(tokens):
    for c in range(width):
        row[c] = 0
""", requires=("tokens >= 1",)),
    Case("over data", "for j in range(starts[0], starts[1]):\n    row[j] = 0", ("row",)),
    Case("squares", "for c in range(width):\n    row[c * c] = 0", ("row",)),
    Case("twos", "for c in range(width):\n    row[c // 2] = 0", ("row",)),
]  # fmt: skip


@pytest.mark.parametrize("case", COVERED, ids=lambda case: case.name)
def test_results_that_are_not_stored_whole(case: Case) -> None:
    kernel = kernel_of(case.body, *case.requires)
    assert uncovered_results(kernel, facts_of(kernel)) == {*case.found, "out"}


def test_every_dimension_counts() -> None:
    body = "for t in range({}):\n    for c in range({}):\n        out[t, c] = 0"
    for rows, columns in itertools.product(("tokens", "half"), ("width", "half")):
        kernel = kernel_of(body.format(rows, columns))
        is_covered = "out" not in uncovered_results(kernel, facts_of(kernel))
        assert is_covered == ((rows, columns) == ("tokens", "width"))


def test_a_policy_that_skips_leaves_elements_unstored() -> None:
    kernel = kernel_of("for c in range(width):\n    row[c] = 0")
    (loop,) = kernel.body
    skipping = replace(loop, body=(replace(loop.body[0], policy="skip"),))
    assert "row" in uncovered_results(replace(kernel, body=(skipping,)), facts_of(kernel))

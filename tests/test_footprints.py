"""Races, stale reads and reads before a write: which bodies pass, which do not.

Tables of bodies, with what each check says of them, by code and line.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from footprint_kernels import Case, facts_of, kernel_of

from kernel_ir import nodes as ir
from kernel_ir.errors import Diagnostic
from kernel_ir.footprints import check_mutated, check_reads_of_results, check_writes


def diagnostics(kernel: ir.Kernel, unique: frozenset[str]) -> list[Diagnostic]:
    facts = facts_of(kernel)
    return [
        *check_writes(kernel, facts, unique),
        *check_reads_of_results(kernel, facts),
        *check_mutated(kernel, facts, unique),
    ]


WRITES = [
    Case("one element an iteration", """
for t in range(tokens):
    for c in range(width):
        out[t, c] = x[c]
"""),
    Case("a loop that the index leaves out", """
for t in range(tokens):
    for c in range(width):
        row[c] = x[c]
""", ("write-race 4",)),
    Case("the same, but in order", """
for t in sequential(tokens):
    for c in range(width):
        row[c] = x[c]
"""),
    Case("an ordered loop inside", """
for t in range(tokens):
    for s in sequential(width):
        out[t, 0] = x[s]
"""),
    Case("an ordered loop that shifts the index", """
for c in range(width):
    for s in sequential(width):
        row[c + s] = x[s]
""", ("write-race 4",)),
    Case("a loop of one iteration", """
for t in range(1):
    for c in range(width):
        row[c] = x[c]
"""),
    Case("groups of a width", """
for g in range(width // group):
    for i in range(group):
        row[g * group + i] = x[i]
"""),
    Case("groups that overlap by one", """
for g in range(width // group):
    for i in range(group + 1):
        row[g * group + i] = x[i]
""", ("write-race 4",)),
    Case("a stride and a reversed index", """
for c in range(half):
    row[2 * c] = x[c]
for d in range(width):
    out[0, width - 1 - d] = x[d]
"""),
    Case("a page and a slot in it", """
for c in range(width):
    pool[c // 8, c % 8] = x[c]
"""),
    Case("a page alone", """
for c in range(width):
    pool[c // 8, 0] = x[c]
""", ("write-race 3",)),
    Case("a triangle", """
for i in range(tokens):
    for j in range(i + 1):
        out[i, j] = 0
"""),
    Case("a triangle folded on itself", """
for i in range(tokens):
    for j in range(i + 1):
        row[i + j] = 0
""", ("write-race 4",)),
    Case("unique slots", """
for t in range(tokens):
    for c in range(width):
        if slots[t] >= 0:
            pool[slots[t], c] = x[c]
"""),
    Case("slots that nobody vouches for", """
for t in range(tokens):
    for c in range(width):
        pool[slots[t], c] = x[c]
""", ("write-race 4",), unique=frozenset()),
    Case("unique slots behind a name, split into page and offset", """
for t in range(tokens):
    s = slots[t]
    pool[s // 8, s % 8] = x[0]
"""),
    Case("a unique slot for two tokens", """
for t in range(tokens):
    pool[slots[t // 2], 0] = x[0]
""", ("write-race 3",)),
    Case("an index from a table shared by all", """
for t in range(tokens):
    for c in range(width):
        row[slots[0] + c] = x[c]
""", ("write-race 4",)),
    Case("two halves in one iteration", """
for c in range(width // 2):
    row[c] = x[c]
    row[c + width // 2] = x[c]
"""),
    Case("halves that meet", """
for c in range(width // 2 + 1):
    row[c] = x[c]
    row[c + width // 2] = x[c]
""", ("write-race 4",)),
    Case("two stores of one element in one iteration", """
for c in range(width):
    row[c] = 0
    if x[c] > 0:
        row[c] = x[c]
"""),
    Case("a neighbour's element", """
for c in range(width - 1):
    row[c] = 0
    row[c + 1] = x[c]
""", ("write-race 4",)),
    Case("branches of a condition on sizes, one for all iterations", """
for c in range(width - 1):
    if tokens > 3:
        row[c] = x[c]
    else:
        row[c + 1] = x[c]
"""),
    Case("branches of a condition that iterations differ in", """
for c in range(width - 1):
    if x[c] > 0:
        row[c] = x[c]
    else:
        row[c + 1] = x[c]
""", ("write-race 6",)),
    Case("one nest after another", """
for c in range(width):
    row[c] = 0
for d in range(width):
    row[width - 1 - d] = 1
"""),
    Case("ragged rows whose bounds are not known to grow", """
for t in range(tokens):
    for j in range(starts[t], starts[t + 1]):
        row[j] = 0
""", ("write-race 4",)),
    Case("branches of one iteration", """
for c in range(width):
    if c < half:
        row[c] = 0
    else:
        row[c] = 1
"""),
    Case("an index that changes", """
for c in range(width):
    k: int = 0
    row[c + k] = x[c]
""", ("write-race 4",)),
    Case("a page of a size that may be 0", """
for c in range(width):
    pool[c // group, c % group] = x[c]
""", ("write-race 3",)),
    Case("a page of a size that is not 0", """
for c in range(width):
    pool[c // group, c % group] = x[c]
""", requires=("group >= 1",)),
    Case("a window that an ordered loop moves", """
for s in sequential(tokens):
    for c in range(width):
        row[s + c] = x[c]
"""),
    Case("an index from a row of its own iteration", """
for c in range(width):
    shift_row = [x[c] for d in range(2)]
    row[c + shift_row[0]] = 1
""", ("write-race 4",)),
    Case("an index from a row that all share", """
shift_row = [x[d] for d in range(2)]
for c in range(width):
    row[c + shift_row[0]] = 1
"""),
    Case("an offset of 64 bits, which may wrap", """
for c in range(width):
    row[offset + c] = 1
"""),
    Case("a condition that leaves one iteration", """
for c in range(width):
    if c == 0:
        row[0] = 1
"""),
]  # fmt: skip

READS = [
    Case("what the statement before stored", """
for c in range(width):
    row[c] = x[c]
    out[0, c] = row[c]
"""),
    Case("before it is stored", """
for c in range(width):
    out[0, c] = row[c]
    row[c] = x[c]
""", ("read-before-write 3",)),
    Case("by the same statement", """
for c in range(width):
    row[c] = row[c] + 1
""", ("read-before-write 3",)),
    Case("a whole row, after the loop that stores it", """
for t in range(tokens):
    for c in range(width):
        out[t, c] = x[c]
    for d in range(width):
        line[d] = 0 * t + 1
    total = sum(out[t, e] for e in range(width))
""", ("write-race 6",)),
    Case("one element too many", """
for t in range(tokens):
    for c in range(width):
        out[t, c] = x[c]
    total = sum(out[t, e] for e in range(width + 1))
""", ("read-before-write 5",)),
    Case("all rows, after a whole nest", """
for t in range(tokens):
    for c in range(width):
        out[t, c] = x[c]
for d in range(width):
    row[d] = sum(out[u, d] for u in range(tokens))
"""),
    Case("another row of the same nest", """
for t in range(tokens):
    for c in range(width):
        out[t, c] = x[c]
    for d in range(width):
        pool[t, d] = out[0, d]
""", ("read-before-write 6",)),
    Case("what other iterations store now", """
for c in range(width):
    row[c] = x[c]
for d in range(width):
    row[d] = row[0] + 1
""", ("read-race 5",), requires=("width >= 1",)),
    Case("under a condition that the store had too", """
for c in range(width):
    if x[c] > 0:
        row[c] = 1
        out[0, c] = row[c]
"""),
    Case("where only one branch stored", """
for c in range(width):
    if x[c] > 0:
        row[c] = 1
    out[0, c] = row[c]
""", ("read-before-write 5",)),
    Case("where either branch stored", """
for c in range(width):
    if given(bias):
        row[c] = 1
    else:
        row[c] = 2
    out[0, c] = row[c]
"""),
    Case("where either branch stored, each its own side", """
for c in range(width):
    for d in range(width):
        if x[d] > 0:
            out[c, d] = 1
        else:
            out[c, width - 1 - d] = 2
    pool[c, 0] = out[c, 0]
""", ("write-race 7", "read-before-write 8")),
    Case("in the other branch", """
for c in range(width):
    if x[c] > 0:
        row[c] = 1
    else:
        out[0, c] = row[c]
""", ("read-before-write 6",)),
    Case("halves, each where it was stored", """
for c in range(width // 2):
    row[c] = x[c]
    row[c + width // 2] = x[c]
    out[0, c] = row[c + width // 2] - row[c]
"""),
    Case("the step before, in order", """
for t in range(tokens):
    for s in sequential(width):
        out[t, s] = x[s] + (out[t, s - 1] if s > 0 else 0)
"""),
    Case("the step after, in order", """
for t in range(tokens):
    for s in sequential(width):
        out[t, s] = x[s] + (out[t, s + 1] if s > 0 else 0)
""", ("read-before-write 4",)),
    Case("the step before, of another iteration", """
for t in range(tokens):
    for s in sequential(width):
        out[t, s] = x[s] + (out[0, s - 1] if s > 0 else 0)
""", ("read-before-write 4",)),
    Case("the step before, or none", """
for t in range(tokens):
    for s in sequential(width):
        out[t, s] = x[s] + (0 if s == 0 else out[t, s - 1])
"""),
    Case("the same step, in order", """
for t in range(tokens):
    for s in sequential(width):
        out[t, s] = out[t, s] + 1
""", ("read-before-write 4",)),
    Case("the step before, of a neighbour", """
for s in sequential(1, tokens):
    for c in range(width):
        out[s, c] = 1
        pool[s, c] = out[s - 1, c + 1] if s > 1 and c + 1 < width else 0
""", ("read-before-write 5",)),
    Case("with a filter that keeps it inside", """
for t in range(tokens):
    for c in range(width):
        out[t, c] = x[c]
    for d in range(1):
        pool[t, d] = sum(out[t, e] for e in range(width + 1) if e < width)
"""),
    Case("under a name inside the expression", """
for t in range(tokens):
    for c in range(width):
        out[t, c] = x[c]
    for d in range(width):
        pool[t, d] = (lambda e: out[t, e])(width - 1 - d)
"""),
    Case("groups under other names", """
for t in range(tokens):
    for g in range(width // group):
        for i in range(group):
            out[t, g * group + i] = 0
    for h in range(width // group):
        for j in range(group):
            pool[t, h * group + j] = out[t, h * group + j]
"""),
    Case("groups by one of two loops over their length", """
for t in range(tokens):
    for g in range(width // group):
        for i in range(group):
            out[t, g * group + i] = 0
    for k in sequential(group):
        for h in range(width // group):
            for j in range(group):
                pool[t, h * group + j] = out[t, h * group + j]
"""),
    Case("squares, rows and columns exchanged", """
for t in range(tokens):
    for g in range(group):
        for i in range(group):
            out[t, g * group + i] = 0
    for i in range(group):
        for g in range(group):
            pool[t, g * group + i] = out[t, g * group + i] + out[t, i * group + g]
"""),
    Case("the end of a range that was stored throughout", """
for t in range(tokens):
    for g in range(width // group):
        for i in range(group):
            out[t, g * group + i] = 0
    for h in range(1, width // group):
        for j in range(group):
            pool[t, h * group + j] = out[t, h * group + j]
"""),
    Case("groups of which one is too far", """
for t in range(tokens):
    for g in range(width // group):
        for i in range(group):
            out[t, g * group + i] = 0
    for h in range(1 + width // group):
        for j in range(group):
            pool[t, h * group + j] = out[t, h * group + j]
""", ("read-before-write 8",)),
    Case("by an unordered loop that may store nothing", """
for c in range(width):
    for s in sequential(half):
        row[c] = s
    out[0, c] = row[c]
""", ("read-before-write 5",)),
    Case("by an ordered loop that stores for sure", """
for c in range(width):
    for s in sequential(half):
        row[c] = s
    out[0, c] = row[c]
""", requires=("half >= 1",)),
]  # fmt: skip

MUTATED = [
    Case("each element by its own iteration", """
for c in range(width):
    line[c] = line[c] + 1
"""),
    Case("a row that is read whole before it is written", """
for t in range(pages):
    total = sum(pool[t, d] for d in range(width))
    for c in range(width):
        pool[t, c] = pool[t, c] - total
"""),
    Case("a row that is read whole while it is written", """
for t in range(pages):
    for c in range(width):
        pool[t, c] = pool[t, c] - sum(pool[t, d] for d in range(width))
""", ("stale-read 4",)),
    Case("a neighbour", """
for c in range(width - 1):
    line[c] = line[c + 1]
""", ("stale-read 3",)),
    Case("a neighbour, in order, ahead of the writes", """
for c in sequential(width - 1):
    line[c] = line[c + 1]
"""),
    Case("a neighbour, in order, behind the writes", """
for c in sequential(width - 1):
    line[c + 1] = line[c]
""", ("stale-read 3",)),
    Case("a diagonal that an earlier step stored from the right", """
for s in sequential(tokens):
    for c in range(width):
        out[s, c] = line[s + c] if c == 0 else 0
        line[s + c] = 1
""", ("stale-read 4",)),
    Case("after a statement that stored", """
for c in range(width):
    line[c] = 0
    row[c] = line[c]
""", ("stale-read 4",)),
    Case("before a statement that stores", """
for c in range(width):
    row[c] = line[c]
    line[c] = 0
"""),
    Case("the halves of a rotation, the second read too late", """
for c in range(width // 2):
    line[c] = line[c] - line[c + width // 2]
    line[c + width // 2] = line[c] + line[c + width // 2]
""", ("stale-read 4",)),
    Case("the halves of a rotation, read into names first", """
for c in range(width // 2):
    low = line[c]
    high = line[c + width // 2]
    line[c] = low - high
    line[c + width // 2] = low + high
"""),
    Case("in a nest after the one that stored", """
for c in range(width):
    line[c] = 0
for d in range(width):
    row[d] = line[d]
""", ("stale-read 5",)),
    Case("elsewhere, in a nest after", """
for c in range(half):
    line[c] = 0
for d in range(half):
    row[d] = line[d + half]
"""),
    Case("in the bound of a sum", """
for c in range(width):
    line[c] = 0
    row[c] = sum(x[e] for e in range(line[c], width))
""", ("stale-read 4",)),
    Case("in the bound of a row", """
for c in range(width):
    line[c] = 0
    ones_row = [1 for e in range(line[c])]
""", ("stale-read 4",)),
    Case("in the branch without the optional argument", """
for c in range(width):
    if given(bias):
        line[c] = 0
    else:
        row[c] = line[c]
"""),
    Case("in the branch that did not store", """
for c in range(width):
    if x[c] > 0:
        line[c] = 0
    else:
        row[c] = line[c]
"""),
    Case("a slot that is written, by its own iteration", """
for t in range(tokens):
    pool[slots[t], 0] = pool[slots[t], 0] + 1
"""),
    Case("a slot that another iteration writes", """
for t in range(tokens):
    out[t, 0] = pool[starts[t], 0]
    pool[slots[t], 0] = 1
""", ("stale-read 3",)),
]  # fmt: skip


@pytest.mark.parametrize("case", [*WRITES, *READS, *MUTATED], ids=lambda case: case.name)
def test_what_is_found(case: Case) -> None:
    found = diagnostics(kernel_of(case.body, *case.requires), case.unique)
    assert tuple(f"{item.code} {item.span.line}" for item in found) == case.found


def test_a_race_between_two_stores_names_both_lines() -> None:
    kernel = kernel_of("for c in range(width - 1):\n    row[c] = 0\n    row[c + 1] = x[c]\n")
    (found,) = check_writes(kernel, facts_of(kernel))
    assert "one on line 2 and one on line 3" in found.message
    assert "the `c` loop (line 1)" in found.message


def test_clamped_indices_meet_at_the_edge() -> None:
    kernel = kernel_of("for c in range(width):\n    row[c + half] = 0")
    assert check_writes(kernel, facts_of(kernel)) == []
    (loop,) = kernel.body
    clamped = replace(loop, body=(replace(loop.body[0], policy="clamp"),))
    found = check_writes(replace(kernel, body=(clamped,)), facts_of(kernel))
    assert [item.code for item in found] == ["write-race"]


def test_a_clamped_read_is_not_what_an_unclamped_store_wrote() -> None:
    kernel = kernel_of("for c in range(width):\n    row[c + half] = 0\n    out[0, c] = row[c + half]")
    assert check_reads_of_results(kernel, facts_of(kernel)) == []
    (loop,) = kernel.body
    store, reader = loop.body
    clamped = replace(reader, value=replace(reader.value, policy="clamp"))
    changed = replace(kernel, body=(replace(loop, body=(store, clamped)),))
    assert [item.code for item in check_reads_of_results(changed, facts_of(kernel))] == ["read-before-write"]


def test_too_many_accesses_are_refused_at_once() -> None:
    lines = "\n".join(f"    row[c + {step}] = 0" for step in range(100))
    kernel = kernel_of(f"for c in range(width):\n{lines}")
    assert [item.code for item in check_writes(kernel, facts_of(kernel))] == ["body-size"]

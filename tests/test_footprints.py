"""Races, stale reads, reads before a write and unwritten results: which bodies pass, which do not.

`CASES` is a table of bodies with what each check says of them, by code and line. Below it, random
bodies are run iteration by iteration, and whatever the checks accepted must have been harmless.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from body_text import SIZES, read, read_body
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_ir import nodes as ir
from kernel_ir.errors import Diagnostic
from kernel_ir.footprints import check_mutated, check_reads_of_results, check_writes, uncovered_results
from kernel_ir.prove import Facts

SHAPES = {
    "x": ("input", "width"),
    "slots": ("input", "tokens"),
    "starts": ("input", "tokens + 1"),
    "flags": ("input", "tokens"),
    "bias": ("input", "width"),
    "out": ("result", "tokens", "width"),
    "row": ("result", "width"),
    "pool": ("mutated", "pages", "width"),
    "line": ("mutated", "width"),
}


def kernel_of(body: str, *requires: str) -> ir.Kernel:
    """A kernel over the tensors of `SHAPES`."""
    tensors = [
        ir.TensorType(name, "i32", tuple(read(extent) for extent in shape), role, is_optional=name == "bias")
        for name, (role, *shape) in SHAPES.items()
    ]
    arguments = tuple(item for item in tensors if item.role != "result")
    results = tuple(item for item in tensors if item.role == "result")
    conditions = tuple(read(item) for item in requires)
    return ir.Kernel("kernel", (), arguments, results, SIZES, conditions, read_body(body))


def facts_of(kernel: ir.Kernel) -> Facts:
    facts = Facts.for_sizes(kernel.sizes, [item.name for item in kernel.results])
    for condition in kernel.requires:
        facts = facts.with_condition(condition)
    return facts


def diagnostics(kernel: ir.Kernel, unique: frozenset[str]) -> list[Diagnostic]:
    facts = facts_of(kernel)
    return [
        *check_writes(kernel, facts, unique),
        *check_reads_of_results(kernel, facts),
        *check_mutated(kernel, facts, unique),
    ]


@dataclass(frozen=True)
class Case:
    """A body, and what is found in it: `code line` each. `slots` is unique unless said otherwise."""

    name: str
    body: str
    found: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    unique: frozenset[str] = field(default=frozenset({"slots"}))


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


# ---- whatever is accepted is harmless ----------------------------------------------------------

Frame = tuple[int, int, bool]  # loop, iteration, whether it is parallel


@dataclass(frozen=True)
class Event:
    """One access of a run; `order` counts them as one thread would make them."""

    is_store: bool
    tensor: str
    index: tuple[int, ...]
    path: tuple[Frame, ...]
    order: int

    def is_concurrent_with(self, other: Event) -> bool:
        for one, two in zip(self.path, other.path, strict=False):
            if one[0] != two[0]:
                return False
            if one[1] != two[1]:
                return one[2]
        return False

    def meets(self, other: Event) -> bool:
        return (self.tensor, self.index) == (other.tensor, other.index)


class Run:
    """Runs a body one iteration at a time and records what it accesses. Values do not matter."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes
        self.events: list[Event] = []

    def block(self, body: tuple[ir.Stmt, ...], names: dict[str, int], path: tuple[Frame, ...]) -> None:
        for statement in body:
            match statement:
                case ir.For(var, low, high, inner, is_ordered):
                    bounds = self.value(low, names, path), self.value(high, names, path)
                    for step in range(*bounds):
                        frame = (id(statement), step, not is_ordered)
                        self.block(inner, {**names, var: step}, (*path, frame))
                case ir.If(condition, then, orelse):
                    self.block(then if self.value(condition, names, path) else orelse, names, path)
                case ir.Let(name, value):
                    names = {**names, name: self.value(value, names, path)}
                case ir.Store(tensor, index, value):
                    self.value(value, names, path)
                    self.record(True, tensor, index, names, path)

    def record(self, is_store: bool, tensor: str, index: tuple[ir.Expr, ...], *place: object) -> int:
        found = tuple(self.value(part, *place) for part in index)
        if SHAPES[tensor][0] != "input":
            self.events.append(Event(is_store, tensor, found, place[1], len(self.events)))
        data = {"slots": 5 * found[0] + 1, "starts": found[0] * found[0] % 4}
        return data.get(tensor, sum(found) % 3 - 1)

    def value(self, expr: ir.Expr, names: dict[str, int], path: tuple[Frame, ...]) -> int:
        match expr:
            case ir.Const(value):
                return int(value)
            case ir.Size(name):
                return self.sizes[name]
            case ir.Var(name):
                return names[name]
            case ir.Load(tensor, index):
                return self.record(False, tensor, index, names, path)
            case ir.Reduce("sum", var, low, high, _, value):
                steps = range(self.value(low, names, path), self.value(high, names, path))
                return sum(self.value(value, {**names, var: step}, path) for step in steps)
            case ir.Apply("select", (condition, then, otherwise)):
                taken = then if self.value(condition, names, path) else otherwise
                return self.value(taken, names, path)
            case ir.Apply(op, args):
                return _MEANINGS[op](*(self.value(arg, names, path) for arg in args))
        raise AssertionError(expr)


_MEANINGS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "floor_divide": lambda a, b: a // b if b else 0,
    "modulo": lambda a, b: a % b if b else 0,
    "minimum": min,
    "less": lambda a, b: a < b,
    "equal": lambda a, b: a == b,
    "greater": lambda a, b: a > b,
    "i64": lambda a: a,
    "negate": lambda a: -a,
}

_EXTENTS = ("width", "half", "group", "2", "1", "width // 2", "width // group", "width - 1", "starts[0]")
_FIXED = ("0", "half", "width - 1", "slots[0]")


@st.composite
def _index(draw: st.DrawFn, names: list[str]) -> str:
    one, other = (draw(st.sampled_from(names or ["0"])) for _ in range(2))
    forms = (
        "{0}", "{0}", "{0}", "{0} + half", "{0} + 1", "{0} - 1", "{0} * group + {1}", "{0} + {1}",
        "2 * {0}", "2 * {0} + 1", "width - 1 - {0}", "{0} // 2", "{0} % 2", "{0} + width // 2",
        "slots[{0}]", "slots[{0} // 2]", draw(st.sampled_from(_FIXED)),
    )  # fmt: skip
    return draw(st.sampled_from(forms)).format(one, other)


@st.composite
def _element(draw: st.DrawFn, tensor: str, names: list[str]) -> str:
    index = [draw(_index(names)) for _ in SHAPES[tensor][1:]]
    return f"{tensor}[{', '.join(index)}]"


@st.composite
def _value(draw: st.DrawFn, names: list[str], fresh: Iterator[int]) -> str:
    """A stored value: a constant, an element of something written, a sum over a row of it."""
    tensor = draw(st.sampled_from(["out", "row", "line", "pool"]))
    match draw(st.sampled_from(["constant", "element", "guarded", "sum"])):
        case "element":
            return draw(_element(tensor, names))
        case "guarded":
            name = draw(st.sampled_from(names or ["0"]))
            return f"({draw(_element(tensor, names))} if {name} > 0 else 0)"
        case "sum":
            var = f"e{next(fresh)}"
            return f"sum({draw(_element(tensor, [*names, var]))} for {var} in range(width))"
        case _:
            return "1"


@st.composite
def _block(draw: st.DrawFn, names: list[str], depth: int, fresh: Iterator[int]) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 2))):
        kinds = ["loop", "loop", "store", "if", "let"] if depth else ["store", "store", "let"]
        kind = draw(st.sampled_from(kinds))
        var = f"v{next(fresh)}"
        if kind == "let":
            lines.append(f"{var} = {draw(_index(names))}")
            names = [*names, var]
            continue
        if kind == "store":
            tensor = draw(st.sampled_from(["row", "out", "line", "pool"]))
            lines.append(f"{draw(_element(tensor, names))} = {draw(_value(names, fresh))}")
            continue
        inner = [*names, var] if kind == "loop" else names
        body = [f"    {line}" for line in draw(_block(inner, depth - 1, fresh))]
        if kind == "loop":
            call = draw(st.sampled_from(["range", "range", "sequential"]))
            extent = draw(st.sampled_from([*_EXTENTS, *(f"{name} + 1" for name in names)]))
            lines += [f"for {var} in {call}({extent}):", *body]
        else:
            name = draw(st.sampled_from(names or ["0"]))
            lines += [f"if {name} < half:", *body]
            if draw(st.booleans()):
                lines += ["else:", *(f"    {line}" for line in draw(_block(names, depth - 1, fresh)))]
    return lines or ["row[0] = 1"]


@st.composite
def _bodies(draw: st.DrawFn) -> str:
    return "\n".join(draw(_block([], 3, itertools.count())))


def _small_sizes() -> Iterator[dict[str, int]]:
    for width, group, tokens in itertools.product((0, 1, 2, 4, 5), (0, 2), (1, 3)):
        yield dict.fromkeys(SIZES, 2) | {"width": width, "group": group, "tokens": tokens, "half": 2}


@settings(max_examples=120, deadline=None)
@given(_bodies())
def test_whatever_is_accepted_is_harmless(body: str) -> None:
    kernel = kernel_of(body)
    facts, unique = facts_of(kernel), frozenset({"slots"})
    accepted = {
        "write": not check_writes(kernel, facts, unique),
        "read": not check_reads_of_results(kernel, facts),
        "mutated": not check_mutated(kernel, facts, unique),
    }
    covered = {"out", "row"} - uncovered_results(kernel, facts)
    for sizes in _small_sizes():
        run = Run(sizes)
        run.block(kernel.body, {}, ())
        stores = [event for event in run.events if event.is_store]
        for event in run.events:
            meeting = [store for store in stores if store is not event and store.meets(event)]
            concurrent = any(event.is_concurrent_with(store) for store in meeting)
            earlier = [store for store in meeting if store.order < event.order]
            before = any(not event.is_concurrent_with(store) for store in earlier)
            if event.is_store:
                assert not (accepted["write"] and concurrent), (event, sizes)
            elif SHAPES[event.tensor][0] == "result":
                assert not (accepted["read"] and (concurrent or not before)), (event, sizes)
            else:
                assert not (accepted["mutated"] and (concurrent or before)), (event, sizes)
        stored = {(event.tensor, event.index) for event in stores}
        for name in covered:
            extents = [range(sizes[extent]) for extent in SHAPES[name][1:]]
            assert all((name, index) in stored for index in itertools.product(*extents)), (name, sizes)

"""The integer prover: what it must prove, what it must refuse, and that it never claims too much."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator

import pytest
from body_text import SIZES, read, read_node
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, I64
from kernel_ir.prove import Facts


def facts_of(context: str) -> Facts:
    """Facts from `;`-separated steps: `v in a, b` (a loop), `name = e` (a let), or a condition."""
    facts = Facts.for_sizes(SIZES, unstable=("result",))
    for step in filter(None, (part.strip() for part in context.split(";"))):
        name, _, rest = step.partition(" ")
        if rest.startswith("in "):
            low, high = ast.parse(f"({rest[3:]})", mode="eval").body.elts
            facts = facts.with_range(name, read_node(low), read_node(high))
        elif rest.startswith("= "):
            facts = facts.with_let(name, read(rest[2:]))
        else:
            facts = facts.with_condition(read(step), True)
    return facts


def proves(context: str, claim: str) -> bool:
    """Whether a chain of `<`, `<=`, `==` is proven in the context."""
    facts, node = facts_of(context), ast.parse(claim, mode="eval").body
    operands = [read_node(item) for item in (node.left, *node.comparators)]
    methods = {ast.Lt: facts.proves_less, ast.LtE: facts.proves_less_equal, ast.Eq: facts.proves_equal}
    return all(methods[type(op)](a, b) for op, a, b in zip(node.ops, operands, operands[1:], strict=False))


GROUPED = "kv_heads >= 1; heads % kv_heads == 0; h in 0, heads"

PROVEN = [
    # a clamped index, beside much else that is known: each branch of the clamp comes to the same end
    ("width >= 1", "0 <= max(min(first, width - 1), 0) < width"),
    ("a in 0, pages; b in 0, taps; c in 0, half; width >= 1", "max(min(first, width - 1), 0) < width"),
    (
        "a in 0, pages; b in 0, half * taps; c in 0, (heads + 15) // 16; width >= 1",
        "max(min(first, width - 1), 0) < width",
    ),
    # a condition that says less than the range does leads nowhere, and away from what the range says
    ("i in 0, n; j in 0, min(max(first, 0), width); j <= width", "0 <= j < width"),
    # ranges from 64-bit data, cut off at sizes, hold variables that arithmetic is exact on
    ("j in max(wide[0], 0), min(wide[1], width)", "0 <= width - 1 - j < width"),
    ("j in max(wide[0], 0), min(wide[1], width); k in j, width", "0 <= width - 1 - k < width"),
    # the other half of a row, by a condition, a choice or a remainder
    ("c in 0, width; c < width // 2", "0 <= c + width // 2 < width"),
    ("c in 0, width; c >= width // 2", "0 <= c - width // 2 < width"),
    ("width % 2 == 0; c in 0, width", "0 <= c % (width // 2) + width // 2 < width"),
    # the other of a pair of neighbours
    ("width % 2 == 0; c in 0, width", "0 <= 2 * (c // 2) + 1 < width"),
    ("width % 2 == 0; c in 0, width", "0 <= c - c % 2 + 1 < width"),
    ("width % 2 == 0; c in 0, width; c % 2 == 0", "0 <= c + 1 < width"),
    ("width % 2 == 0; c in 0, width // 2", "0 <= 2 * c + 1 < width"),
    ("width % 4 == 0; c in 0, width", "0 <= 4 * (c // 4) + 3 < width"),
    # plain loops and their shifts
    ("c in 0, width", "0 <= c < width"),
    ("c in 0, width", "0 <= c + width < 2 * width"),
    ("c in 0, width", "0 <= width - 1 - c < width"),
    ("c in 1, width", "0 <= c - 1 < width"),
    ("c in 0, width - 1", "0 <= c + 1 < width"),
    ("i in 0, tokens; j in 0, i + 1", "0 <= j < tokens"),
    ("i in 0, tokens; j in i + 1, tokens", "0 <= j - i - 1 < tokens"),
    ("", "0 <= width * width"),
    # halves and groups
    ("i in 0, width // 2", "0 <= i + width // 2 < width"),
    ("i in 0, width // 2", "0 <= 2 * i + 1 < width"),
    ("i in 0, width // 2", "0 <= 2 * i < width"),
    ("g in 0, width // group; i in 0, group", "0 <= g * group + i < width"),
    ("p in 0, pages; b in 0, 8", "0 <= 8 * p + b < 8 * pages"),
    ("p in 0, pages; b in 0, 8", "(8 * p + b) // 8 == p"),
    ("n in 0, 8 * pages", "0 <= n // 8 < pages"),
    ("n in 0, width * pages", "0 <= n // width < pages"),
    ("n in 0, width * pages", "0 <= n % width < width"),
    ("width % 8 == 0; c in 0, width", "0 <= c // 8 < width // 8"),
    ("width % 8 == 0; c in 0, width // 2", "0 <= width // 2 + c < width"),
    ("width == 2 * half; c in 0, half", "0 <= c + half < width"),
    ("width == 2 * half", "width // 2 == half"),
    ("width % 2 == 0", "2 * (width // 2) == width"),
    ("width % 8 == 0", "4 * (width // 4) == width"),
    ("width % 2 == 0", "width // 2 + width // 2 == width"),
    (GROUPED, "0 <= h // (heads // kv_heads) < kv_heads"),
    ("slots[0] >= 0", "0 <= i64(slots[0]) * i64(slots[0])"),
    ("slots[0] >= 0", "0 <= i64(slots[0]) * width"),
    ("h in 0, kv_heads; r in 0, heads // kv_heads", "h * (heads // kv_heads) + r < heads"),
    # remainders
    ("i in 0, width", "0 <= i % width < width"),
    ("width >= 1", "0 <= tokens % width < width"),
    ("i in 0, 7; c in 0, width", "0 <= (c + i) % width < width"),
    ("width >= 1; x = slots[0]", "0 <= x % width < width"),
    # conditions
    ("t in 0, tokens; k in 0, taps; t - k >= 0", "0 <= t - k < tokens"),
    ("t in 0, tokens; k in 0, taps; not t < k", "0 <= t - k < tokens"),
    ("t in 0, tokens; k in 0, taps; t + taps - 1 - k < tokens", "0 <= t + taps - 1 - k < tokens"),
    ("t in 0, tokens; 0 <= slots[t] < pages", "0 <= slots[t] < pages"),
    ("t in 0, tokens; not (slots[t] < 0 or slots[t] >= pages)", "0 <= slots[t] < pages"),
    ("t in 0, tokens; s = slots[t]; s >= 0 and s // 8 < pages", "0 <= s // 8 < pages"),
    ("width != 0", "0 <= width - 1 < width"),
    ("width % 2 != 0", "0 < width"),
    # minimum, maximum, select
    ("j in starts[0], min(starts[1], width); starts[0] >= 0", "0 <= j < width"),
    ("j in max(starts[0], 0), min(starts[1], width)", "0 <= j < width"),
    ("i in 0, width", "0 <= max(i - 1, 0) < width"),
    ("i in 0, width", "0 <= min(i + 1, width - 1) < width"),
    ("width >= 1; x = slots[0]", "0 <= min(max(x, 0), width - 1) < width"),
    ("i in 0, width", "0 <= (i - 1 if i > 0 else 0) < width"),
    ("i in 0, width", "0 <= abs(i - 3)"),
    # ragged rows
    ("b in 0, tokens; j in starts[b], starts[b + 1]", "starts[b] <= j < starts[b + 1]"),
    ("i in 0, 8 * width; x = i & 7", "0 <= x < 8"),
    ("n in 0, 8 * pages", "0 <= n >> 3 < pages"),
    ("m = mask & 15", "0 <= m < 16"),
]

REFUSED = [
    ("c in 0, width", "c + 1 < width"),
    ("c in 0, width", "0 <= c - 1"),
    ("c in 0, width + 1", "c < width"),
    ("c in 0, width", "c + width < 2 * width - 1"),
    ("", "0 < width"),
    ("", "width <= width * width - 1"),
    ("", "0 <= width - half"),
    ("", "0 <= width * (half - 1)"),
    ("i in 0, width // 2", "i + width // 2 + 1 < width"),
    ("i in 0, width // 2 + 1", "i + width // 2 < width"),
    ("i in 0, width // 2", "2 * i + 2 < width"),
    ("c in 0, width", "2 * (c // 2) + 1 < width"),
    ("width % 3 == 0; c in 0, width", "2 * (c // 2) + 1 < width"),
    ("width % 2 == 0; c in 0, width; c % 2 == 1", "c + 1 < width"),
    ("width % group == 0", "width // group * group == width"),  # group may be 0
    ("", "2 * (width // 2) == width"),
    ("width % 4 == 0", "8 * (width // 8) == width"),
    ("width % 2 == 1", "2 * (width // 2) == width"),
    ("g in 0, width // group + 1; i in 0, group", "g * group + i < width"),
    ("g in 0, width // group; i in 0, group + 1", "g * group + i < width"),
    ("p in 0, pages; b in 0, 9", "8 * p + b < 8 * pages"),
    ("p in 0, pages; b in 0, 8", "8 * p + b < 8 * pages - 1"),
    ("n in 0, 8 * pages + 1", "n // 8 < pages"),
    ("c in 0, width", "c // 8 < width // 8"),
    ("kv_heads >= 1; h in 0, heads", "h // (heads // kv_heads) < kv_heads"),
    ("heads % kv_heads == 0; h in 0, heads", "h // (heads // kv_heads) < kv_heads"),  # no kv head at all
    (GROUPED, "h // (heads // kv_heads) < kv_heads - 1"),
    ("", "tokens % width < width"),  # width may be 0
    ("i in 0, tokens", "i % width < width"),
    ("width >= 1", "tokens // width * width == tokens"),
    ("", "tokens // width * width + tokens % width == tokens"),
    ("t in 0, tokens; k in 0, taps", "0 <= t - k"),
    ("t in 0, tokens; k in 0, taps; t - k >= -1", "0 <= t - k"),
    ("t in 0, tokens; slots[t] >= 0 or slots[t] < pages", "0 <= slots[t]"),
    ("t in 0, tokens; not (slots[t] < 0 and slots[t] >= pages)", "slots[t] < pages"),
    ("t in 0, tokens; 0 <= slots[t] < pages", "slots[t + 1] < pages"),
    ("t in 0, tokens; 0 <= result[t] < pages", "result[t] < pages"),  # it may be stored in between
    ("0 <= changing < pages", "changing < pages"),  # nothing says that it stays as it is
    ("j in starts[0], min(starts[1], width)", "0 <= j"),
    ("i in 0, width", "max(i + 1, 0) < width"),
    ("i in 0, width", "0 <= min(i - 1, 5)"),
    ("i in 0, width", "0 <= (i - 1 if i > 1 else i - 1)"),
    ("i in 0, tokens; j in 0, i + 2", "j < tokens"),
    # arithmetic that may wrap
    ("window >= 0", "0 <= window + 1"),
    ("slots[0] >= 0", "0 <= slots[0] * 2"),
    ("offset >= 0", "0 <= offset + 1"),
    ("wide[0] >= 0; wide[1] >= 0", "0 <= wide[0] + wide[1]"),
    ("slots[0] >= 0", "0 <= i64(slots[0]) * i64(slots[0]) * i64(slots[0])"),
    ("j in wide[0], min(wide[1], width)", "width - 1 - j < 2 * width - j"),
    ("j in 0, wide[0]", "0 <= j + 1"),
    ("j in 0, max(wide[0], width)", "0 <= j + 1"),
    ("j in min(wide[0], 0), width", "j - 1 < width"),
    ("", "0 <= mask - 1 < mask"),
    ("", "0 <= abs(window)"),
    # nothing is known of it at all
    ("", "0 <= window ^ 3"),
]


@pytest.mark.parametrize(("context", "claim"), PROVEN)
def test_proves(context: str, claim: str) -> None:
    assert proves(context, claim)


@pytest.mark.parametrize(("context", "claim"), REFUSED)
def test_refuses(context: str, claim: str) -> None:
    assert not proves(context, claim)


def test_arithmetic_on_bounded_32_bit_values_is_exact() -> None:
    assert proves("window >= 1; window <= 64", "0 <= window - 1 < 64")
    assert proves("t in 0, tokens; u = mask & 7", "2 * u + 1 < 16")


@pytest.mark.parametrize("text", ["window + 5", "window * 65536", "offset + 5", "offset * 4"])
def test_what_the_host_has_checked_says_nothing_of_what_wraps(text: str) -> None:
    """The host computes in integers that do not wrap, the body in those that it names."""
    value = read(text)
    condition = ir.Apply("greater_equal", (value, ir.Const(0, value.type)), BOOL)
    facts = Facts.for_sizes(SIZES)
    assert not facts.with_requirement(condition).proves_nonnegative(value)
    assert facts.with_condition(condition).proves_nonnegative(value)


def test_facts_are_immutable() -> None:
    before = facts_of("c in 0, width")
    before.with_condition(read("c >= 1"), True)
    assert not before.proves_less_equal(ir.Const(1, I64), read("c"))


# ---- never claim too much ----------------------------------------------------------------------

_LEAVES = ("width", "group", "i", "j", "0", "1", "2", "3")
_BINARY = ("({} + {})", "({} - {})", "({} * {})", "({} // {})", "({} % {})", "min({}, {})", "max({}, {})")


def _expressions(leaves: tuple[str, ...], leaf_count: int) -> st.SearchStrategy[str]:
    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.builds(str.format, st.sampled_from(_BINARY), inner, inner)

    return st.recursive(st.sampled_from(leaves), extend, max_leaves=leaf_count)


_CONDITIONS = st.builds(
    "{} {} {}".format,
    _expressions(_LEAVES, 3),
    st.sampled_from(["<", "<=", "==", "!=", ">", ">="]),
    _expressions(_LEAVES, 2),
)


class Total(int):
    """An integer whose division and remainder by zero are 0."""

    def __add__(self, other: int) -> Total:
        return Total(int(self) + int(other))

    def __sub__(self, other: int) -> Total:
        return Total(int(self) - int(other))

    def __mul__(self, other: int) -> Total:
        return Total(int(self) * int(other))

    def __floordiv__(self, other: int) -> Total:
        return Total(int(self) // int(other) if other else 0)

    def __mod__(self, other: int) -> Total:
        return Total(int(self) % int(other) if other else 0)


def _compile(text: str) -> Callable[[dict[str, Total]], Total]:
    code = compile(re.sub(r"(\d+)", r"Total(\1)", text), "<claim>", "eval")
    return lambda values: eval(code, {"min": min, "max": max, "Total": Total}, values)


def _worlds(loops: tuple[str, str, str], conditions: list[str]) -> Iterator[dict[str, Total]]:
    """Every small assignment of sizes and loop variables under which the conditions hold."""
    high, low2, high2 = map(_compile, loops)
    tests = [_compile(condition) for condition in conditions]
    for width, group in itertools.product(map(Total, range(5)), repeat=2):
        sizes = {"width": width, "group": group}
        for i in map(Total, range(high(sizes))):
            outer = {**sizes, "i": i}
            for j in map(Total, range(low2(outer), high2(outer))):
                values = {**outer, "j": j}
                if all(test(values) for test in tests):
                    yield values


@settings(max_examples=150, deadline=None)
@given(
    _expressions(("width", "group", "2", "3"), 3),
    _expressions(("width", "group", "i", "0"), 2),
    _expressions(("width", "group", "i", "2"), 3),
    st.lists(_CONDITIONS, max_size=2),
    st.lists(_expressions(_LEAVES, 4), min_size=2, max_size=4),
)
def test_whatever_is_proven_is_true(
    high: str, low2: str, high2: str, conditions: list[str], claims: list[str]
) -> None:
    facts = facts_of(";".join([f"i in 0, {high}", f"j in {low2}, {high2}", *conditions]))
    pairs = itertools.permutations(claims, 2)
    proven = [pair for pair in pairs if facts.proves_less_equal(read(pair[0]), read(pair[1]))]
    compiled = {claim: _compile(claim) for pair in proven for claim in pair}
    for values in _worlds((high, low2, high2), conditions) if proven else ():
        for a, b in proven:
            assert compiled[a](values) <= compiled[b](values), (a, b, values)

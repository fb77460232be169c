"""Whatever stands in a body, the checker accepts it or raises SpecError, and soon."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kernel_ir import nodes as ir
from kernel_ir.errors import SpecError
from kernel_ir.typecheck.check import check_text
from kernel_ir.typecheck.parse import MAX_BODY

HEADER = """\
edition: 1
name: sample
summary: A body of any kind.
arguments:
  x: {type: "f32[rows, width]"}
  ids: {type: "i32[rows]"}
  pool: {type: "f16[slots, width]"}
  eps: {type: f32}
  k: {type: size}
  bias: {type: "f32[width]", optional: true}
results:
  out: {type: "f32[rows, width]"}
  best: {type: "i32[rows, k]"}
mutates: [pool]
body: |
"""
BODY = """\
def square(v):
    w = v * v
    return w

for r in range(rows):
    total = 0.0
    for t in sequential(1, width):
        total += x[r, t] - x[r, t - 1]
    p = softmax(x[r, c] * eps for c in range(width) if c % 2 == 0)
    values, places = topk((p[c] for c in range(width)), k)
    steps = cumsum(count(ids[j] == c for j in range(rows)) for c in range(width))
    for i in range(k):
        best[r, i] = i32(places[i]) if places[i] >= 0 else -1
    for c in range(width):
        shift = bias[c] if given(bias) else 0.0
        out[r, c] = square(total) + p[c] + shift + steps[c] + (1 if 0 <= ids[r] < slots else 0)
        if r < slots and not c > 3:
            pool[r, c] = min(x[r, c], eps, inf)
"""
WORDS = sorted({
    *BODY.replace("(", " ").replace(")", " ").replace("[", " ").replace("]", " ").replace(",", " ").split(),
    *"( ) [ ] , : = == + - * / // % ** & | ^ ~ << >> < <= and or not if else for in range sequential".split(),
    *"lambda while return yield await async with class import None True False nan inf pi".split(),
    *"max min sum any all argmax f16 u32 i64 bits_to_f32 given softmax topk cumsum \n \t".split(" "),
    "\n    ",
    "\n        ", "0", "1.5", "1e400", "99999999999999999999", '"text"', "2j", "...",
})  # fmt: skip


def outcome(body: str) -> ir.Kernel | SpecError:
    """What checking a body gives. Anything but a kernel or a SpecError escapes."""
    indented = "".join(f"  {line}\n" for line in body.split("\n"))
    try:
        return check_text(HEADER + indented, "sample.yaml")
    except SpecError as error:
        assert all(item.span.line >= 1 for item in error.diagnostics)
        return error


@settings(max_examples=400)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.just("\n"), max_size=200))
@example("out[0, 0] = \U0001d7d9")
@example("for r in range(rows): out[r, 0] = é")
@example("\\")
@example("x = '''")
@example("\f\n x")
def test_any_text(body: str) -> None:
    outcome(body)


@settings(max_examples=400)
@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_any_words(words: list[str]) -> None:
    outcome(" ".join(words))


@settings(max_examples=400)
@given(st.data())
def test_a_body_with_pieces_moved_or_replaced(data: st.DataObject) -> None:
    pieces = BODY.split(" ")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(pieces) - 1))
        word = data.draw(st.sampled_from(WORDS) | st.sampled_from(pieces))
        pieces[place : place + data.draw(st.integers(0, 2))] = [word]
    outcome(" ".join(pieces))


def test_the_body_that_is_changed_is_a_kernel() -> None:
    found = outcome(BODY)
    assert isinstance(found, ir.Kernel), found


DEEP = 3000
HARD = {
    "parentheses": "out[0, 0] = " + "(" * DEEP + "1.0" + ")" * DEEP,
    "minus": "out[0, 0] = " + "-" * DEEP + "1.0",
    "sum": "out[0, 0] = " + "+".join(["1"] * DEEP),
    "comparisons": "v = " + " < ".join(["1.0"] * 1000),
    "conditions": "v = " + "1 if True else " * 900 + "2.0",
    "conjunction": "v = " + " and ".join(["True"] * 2000),
    "loops": "\n".join(f"{'  ' * i}for i{i} in range(2):" for i in range(100)) + f"\n{'  ' * 100}pass",
    "branches": "if eps > 0.0:\n    v = 1\n" + "elif eps > 1.0:\n    v = 1\n" * 200,
    "subscripts": "v = x" + "[0]" * DEEP,
    "calls": "v = " + "exp(" * DEEP + "1.0" + ")" * DEEP,
    "huge integer": "v = " + "9" * 5000,
    "huge power": "v = 9 ** 9 ** 9 ** 9",
    "huge shift": "v = 1 << 99999999999",
    "many names": "\n".join(f"v{i} = {i}" for i in range(1200)),
    "squares": "v0 = rows + width\n" + "\n".join(f"v{i + 1} = v{i} * v{i} + v{i}" for i in range(60)),
    "doubling functions": "def g0(v):\n    return v + v\n\n"
    + "".join(f"def g{i}(v):\n    return g{i - 1}(v) + g{i - 1}(v)\n\n" for i in range(1, 60))
    + "v = g59(1.0)",
    "chained functions": "def g0(v):\n    return v\n\n"
    + "".join(f"def g{i}(v):\n    return 1.0 if 0 < g{i - 1}(v) < 1 else 0.0\n\n" for i in range(1, 60))
    + "v = g59(1.0)",
    "constants": "v0 = 3\n" + "\n".join(f"v{i + 1} = v{i} * v{i}" for i in range(60)),
    "operands": "v = max(" + "eps, " * 1500 + "1.0)",
    "locals": "def g(v):\n" + "".join(f"    w{i} = v\n" for i in range(500)) + "    return v\n\nv = g(1.0)",
    "nested functions": "def g0(v):\n    return v\n\n"
    + "".join(f"def g{i}(v):\n    return {'-(' * 30}g{i - 1}(v){')' * 30}\n\n" for i in range(1, 60))
    + "v = g59(1.0)",
    "maxima": "v = " + "max(rows, " * 50 + "width" + ")" * 50 + "\nfor r in range(v):\n    out[r, 0] = 1.0",
    "quotients": "v = rows" + " // width % slots" * 25 + "\nfor r in range(v):\n    out[r, 0] = 1.0",
    "stores": "for r in range(rows):\n  for c in range(width):\n"
    + "".join(f"    out[r, (c + {i}) % width] = x[r, c]\n" for i in range(100)),
    "too long": "v = 1\n" * MAX_BODY,
}


@pytest.mark.parametrize("body", HARD.values(), ids=HARD)
def test_hard_bodies_are_refused(body: str) -> None:
    assert isinstance(outcome(body), SpecError)


def test_a_body_at_the_limit_is_checked() -> None:
    """A timed assertion would fail on a slow machine; this one only has to end."""
    rows = "\n".join(f"        v{i} = x[r, c] * {i} + eps" for i in range(220))
    found = outcome(f"for r in range(rows):\n    for c in range(width):\n{rows}\n        out[r, c] = v1")
    assert isinstance(found, SpecError)  # `best` is never stored
    assert {item.code for item in found.diagnostics} == {"never-stored", "never-used"}

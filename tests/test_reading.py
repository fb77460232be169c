"""Python's reading of a body agrees with the compiler's, and sees where the compiler's is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fuzz.check_passes import expect_in_float64
from fuzz.inputs import SMALL, Call, make_calls, place
from fuzz.program import Program
from fuzz.reading.arrays import ReadingError
from fuzz.reading.body import check_reading, read_outputs
from kernel_ir import nodes as ir
from kernel_ir.load import load_text
from kernel_ir.typecheck.check import check_spec

ROOT = Path(__file__).resolve().parent.parent
SPECS = sorted([*(ROOT / "specs").rglob("*.yaml"), *(ROOT / "tests" / "regressions").glob("*.yaml")])
MOST_ELEMENTS = 400


def calls_of(text: str, count: int = 3) -> tuple[ir.Kernel, list[Call]]:
    loaded = load_text(text, "read.yaml")
    kernel = check_spec(loaded)
    program = Program(1, "read", "real", text, ())
    return kernel, list(make_calls(program, loaded, kernel, count, (*SMALL, 8), MOST_ELEMENTS))


def read_alike(text: str, kernel: ir.Kernel, call: Call) -> str:
    return check_reading(text, call, expect_in_float64(kernel, call))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_are_read_alike(path: Path) -> None:
    text = path.read_text()
    kernel, calls = calls_of(text, 6)
    assert calls, "no sizes that the spec accepts"
    assert [read_alike(text, kernel, call) for call in calls] == [""] * len(calls)


def spec(body: str, type_: str = "i64", given: str = "i32") -> str:
    arguments = {name: dtype for name, dtype in (("a", given), ("x", "f32")) if f"{name}[" in body}
    lines = "".join(f"  {line}\n" for line in body.splitlines())
    return (
        "edition: 1\nname: read\nsummary: What a line means.\narguments:\n"
        + "".join(
            f"  {name}: {{type: '{dtype}[n]'}}\n" for name, dtype in arguments.items() if f"{name}[" in body
        )
        + f"results:\n  out: {{type: '{type_}[n]'}}\nbody: |\n{lines}"
    )


def run(body: str, a: list[int], x: list[float], type_: str = "i64", given: str = "i32") -> list[float]:
    """What Python makes of a body, once the interpreter was seen to agree."""
    text = spec(body, type_, given)
    kernel, _ = calls_of(text, 0)
    dtypes = {"i32": np.int32, "i64": np.int64, "u32": np.uint32, "u8": np.uint8}
    tensors = {
        "a": place(np.array(a, dtypes[given]), "packed"),
        "x": place(np.array(x, np.float32), "packed"),
    }
    tensors = {name: tensors[name] for name in kernel.tensors() if name in tensors}
    call = Call(tensors, {}, {}, {"n": len(a)}, "whole")
    assert read_alike(text, kernel, call) == ""
    return read_outputs(text, call)["out"].tolist()


LINES = {
    "a chain is all of its links": ("1 if 0 < a[i] < 3 else 0", [-1, 1, 3], [0, 1, 0]),
    "a sign binds less than a power": ("i64(-x[i] ** 2)", [0, 0, 0], [-4, -1, 0]),
    "not binds less than a comparison": ("1 if not a[i] == 2 and a[i] < 9 else 0", [2, 3, 9], [0, 1, 0]),
    "or binds less than and": ("1 if a[i] == 1 or a[i] > 1 and x[i] > 0.5 else 0", [1, 2, 2], [1, 1, 0]),
    "a shift binds less than a sum": ("a[i] << 1 + 1", [1, 2, -1], [4, 8, -4]),
    "quotients round down": ("a[i] // 2 * 10 + a[i] % 3", [-3, 3, -1], [-20, 10, -8]),
    "a division by zero gives zero": ("a[i] // (a[i] - a[i]) + 7 % (a[i] - a[i])", [1, 2, 3], [0, 0, 0]),
    "sums wrap": ("a[i] + 1", [2**31 - 1, 0, -1], [-(2**31), 1, 0]),
    "a shift's count is taken modulo the width": ("a[i] << 33", [1, 2, 3], [2, 4, 6]),
    "casts saturate": ("i32(x[i] * 1e12)", [0, 0, 0], [2**31 - 1, 2**31 - 1, 0]),
    "a choice has one type": ("(a[i] if x[i] > 1.5 else 1) * 65536 * 65536", [1, 2, 3], [0, 0, 0]),
    "the first of equals": ("argmax(a[j] * 0 for j in range(n))", [5, 9, 1], [0, 0, 0]),
    "a filter": ("sum(a[j] for j in range(n) if a[j] > i)", [0, 1, 2], [3, 2, 0]),
    "nothing has a lowest value": ("max(a[j] for j in range(n) if a[j] > 99)", [0, 1, 2], [-(2**31)] * 3),
}


@pytest.mark.parametrize(("value", "a", "wanted"), LINES.values(), ids=LINES)
def test_what_a_line_means(value: str, a: list[int], wanted: list[int]) -> None:
    assert run(f"for i in range(n):\n    out[i] = {value}\n", a, [2.0, 1.0, 0.0]) == wanted


def test_unsigned_numbers_wrap_at_zero() -> None:
    body = "for i in range(n):\n    out[i] = (a[i] - 1) >> 1\n"
    assert run(body, [0, 1, 2], [0.0] * 3, given="u32") == [2**31 - 1, 0, 0]


def test_a_choice_makes_a_float_of_an_integer() -> None:
    body = "for i in range(n):\n    out[i] = (1 if a[i] > 0 else x[i]) / 2\n"
    assert run(body, [1, 0, 1], [3.0, 3.0, 3.0], "f32") == [0.5, 1.5, 0.5]


def test_an_integer_literal_beside_a_float_is_one() -> None:
    body = "for i in range(n):\n    out[i] = x[i] + 16777217 + (a[i] - a[i])\n"
    assert run(body, [0, 0, 0], [-16777216.0, 0.0, 2.0], "f32") == [0.0, 16777216.0, 16777218.0]


def test_names_that_are_words_of_yaml_are_names() -> None:
    text = spec("for i in range(n):\n    out[i] = x[i]\n", "f32")
    text = text.replace("out", "off").replace("x[", "no[").replace("x:", "no:")
    kernel, calls = calls_of(text, 2)
    assert [read_alike(text, kernel, call) for call in calls] == ["", ""]


def test_an_index_in_range_has_no_say_in_what_one_out_of_range_does() -> None:
    text = """\
edition: 1
name: read
summary: A column out of range, in rows from a number on that would be clamped.
arguments:
  x: {type: "f32[n, n]"}
  ids: {type: "i32[n]"}
  s: {type: i32}
results:
  out: {type: "f32[n]"}
in_range: {s: clamp, ids: nan}
body: |
  for i in range(max(s, 0), n):
      out[i] = x[i, ids[i]]
"""
    kernel, _ = calls_of(text, 0)
    arrays = {"x": np.ones((3, 3), np.float32), "ids": np.array([0, 3, 2], np.int32)}
    tensors = {name: place(array, "packed") for name, array in arrays.items()}
    call = Call(tensors, {"s": 1}, {}, {"n": 3}, "whole")
    assert read_alike(text, kernel, call) == ""
    assert [str(value) for value in read_outputs(text, call)["out"]] == ["0.0", "nan", "1.0"]


def test_a_wrong_reading_is_seen() -> None:
    text = spec("for i in range(n):\n    out[i] = 1 if 0 < a[i] < 3 else 0\n")
    wrong, calls = calls_of(text.replace("0 < a[i] < 3", "0 < a[i] or a[i] < 3"))
    assert any("expected" in read_alike(text, wrong, call) for call in calls)


def test_an_index_that_nothing_vouches_for_is_refused() -> None:
    text = spec("for i in range(n):\n    out[i] = a[i + 1]\n")
    call = Call({"a": place(np.zeros(2, np.int32), "packed"), "x": None}, {}, {}, {"n": 2}, "whole")
    with pytest.raises(ReadingError, match=r"a\[2\] is outside \[2\], and follows from no data"):
        read_outputs(text, call)

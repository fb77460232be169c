"""Every complete spec in docs/language.md: checked, interpreted, compiled, and compared with numpy."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cpu_harness import assert_agrees, compile_cpu
from draw_arguments import draw_arguments
from language_references import WORKED

from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.interpret import interpret
from kernel_ir.load import LoadedSpec, load_text
from kernel_ir.ops import OPS, Op
from kernel_ir.rounding import decode, encode, ulp
from kernel_ir.typecheck.check import check_spec

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "language.md"
BLOCKS = re.findall(r"^```yaml\n(edition: .*?)^```$", PAGE.read_text(encoding="ascii"), re.M | re.S)
SPECS = {re.findall(r"^name: (\w+)$", text, re.M)[0]: text for text in BLOCKS}


@cache
def load(name: str) -> tuple[LoadedSpec, ir.Kernel]:
    """A spec of the page, loaded and checked."""
    loaded = load_text(SPECS[name], f"{name}.yaml")
    return loaded, check_spec(loaded)


@dataclass(frozen=True)
class Call:
    """One call of a worked spec: chosen sizes and arguments, and the dtypes of its type variables."""

    spec: str
    number: int
    types: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "-".join([self.spec, str(self.number), *(dtype for _, dtype in self.types)])

    def arguments(self) -> dict[str, Any]:
        given = WORKED[self.spec].calls[self.number]
        return draw_arguments(load(self.spec)[0], given, dict(self.types), seed=self.number)

    def dtype(self, name: str) -> DType:
        written = load(self.spec)[1].tensors()[name].dtype
        return DTYPES[dict(self.types).get(written, written)]


def every_call() -> Iterator[Call]:
    for name, text in SPECS.items():
        types = load_text(text, name).spec.types
        for choice in itertools.product(*types.values()):
            for number in range(len(WORKED[name].calls)):
                yield Call(name, number, tuple(zip(types, choice, strict=True)))


CALLS = pytest.mark.parametrize("call", list(every_call()), ids=str)


def test_every_worked_spec_has_a_reference_and_the_other_way_round() -> None:
    assert sorted(SPECS) == sorted(WORKED)


@CALLS
def test_interpreter_gives_what_numpy_gives(call: Call) -> None:
    kernel = load(call.spec)[1]
    arguments = call.arguments()
    frame = bind_arguments(kernel, arguments, dict(call.types))
    plain = {**frame.entry, **{name: value.item() for name, value in frame.scalars.items()}}
    sizes = {item.name: frame.sizes[item.name] for item in kernel.arguments if isinstance(item, ir.SizeType)}
    with np.errstate(all="ignore"):
        wanted = WORKED[call.spec].reference(**plain, **sizes)
    got = interpret(kernel, arguments, dict(call.types))
    assert sorted(got) == sorted(wanted)
    for name, values in got.items():
        dtype = call.dtype(name)
        assert_within_an_ulp(name, values, encode(wanted[name], dtype).reshape(values.shape), dtype)


@CALLS
def test_both_interpreters_agree(call: Call) -> None:
    kernel, arguments = load(call.spec)[1], call.arguments()
    grid = interpret(kernel, arguments, dict(call.types))
    scalar = interpret(kernel, arguments, dict(call.types), vectorise=False)
    for name, values in grid.items():
        assert_within_an_ulp(name, values, scalar[name], call.dtype(name))


@CALLS
def test_compiled_kernel_agrees_with_the_interpreter(call: Call) -> None:
    assert_agrees(compile_cpu(SPECS[call.spec], f"{call.spec}.yaml"), call.arguments(), dict(call.types))


def assert_within_an_ulp(name: str, got: Any, wanted: Any, dtype: DType) -> None:
    """Two storage arrays: equal but for the last bit of floats, whose sums may differ in order."""
    got, wanted = decode(got, dtype), decode(wanted, dtype)
    allowed = ulp(np.where(np.isfinite(wanted), wanted, 0), dtype) if dtype.is_float else 0
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted), err_msg=name)
    same = (got == wanted) | np.isnan(wanted)
    off = np.abs(np.where(same, 0, got) - np.where(same, 0, wanted))
    assert np.all(off <= allowed), f"{name}: got {got}, wanted {wanted}"


# ---- the page itself ---------------------------------------------------------------------------

OPERANDS = {
    "float": ("f32", "f32"), "arithmetic": ("numbers", "their type"), "integer": ("integers", "their type"),
    "shift": ("integers", "the left one's type"), "compare": ("numbers", "bool"), "logic": ("bool", "bool"),
    "select": ("bool, then two alike", "their type"), "classify": ("f32", "bool"),
}  # fmt: skip


def op_table() -> str:
    """The op table as the page shows it."""
    lines = ["| written | operands | gives | note |", "| --- | --- | --- | --- |"]
    for op in OPS.values():
        operands, result = OPERANDS.get(op.rule) or (CAST_OPERANDS.get(op.name, "number"), op.result)
        lines.append(f"| `{written(op)}` | {operands} | {result} | {op.doc} |".replace("|  |", "| |"))
    return "\n".join(lines)


CAST_OPERANDS = {"f16": "f32", "bf16": "f32", "f8e4m3": "f32", "bits_to_f32": "u32", "f32_to_bits": "f32"}


def written(op: Op) -> str:
    names = ("a", "b", "c")[: op.arity]
    symbol = op.symbol.replace("|", "\\|")
    match op.name:
        case "minimum" | "maximum":
            return f"{op.name[:3]}(a, b)"
        case "select":
            return "a if condition else b"
        case "logical_not":
            return "not a"
        case _ if symbol:
            return f"a {symbol} b" if op.arity == 2 else f"{symbol}a"
        case _:
            return f"{op.name}({', '.join(names)})"


def test_op_table_shows_every_op(refresh: bool) -> None:
    page = PAGE.read_text(encoding="ascii")
    before, marker, rest = re.split(r"(<!-- ops:.*?-->\n)", page, maxsplit=1)
    _, end, after = rest.partition("<!-- end of ops -->")
    fresh = f"{before}{marker}\n{op_table()}\n\n{end}{after}"
    if refresh:
        PAGE.write_text(fresh, encoding="ascii", newline="\n")
        page = fresh
    assert page == fresh, "run pytest tests/test_language.py --refresh"


def test_page_explains_every_code_that_a_body_can_raise() -> None:
    sources = [*(ROOT / "kernel_ir" / "typecheck").glob("*.py"), ROOT / "kernel_ir" / "footprints.py"]
    pattern = r"""(?:problem|Diagnostic|_whole_body)\((?:\s*loaded,)?\s*"([a-z-]+)","""
    raised = {code for path in sources for code in re.findall(pattern, path.read_text())}
    table = PAGE.read_text(encoding="ascii").partition("## What is refused")[2].partition("## Limits")[0]
    explained = {
        code for row in re.findall(r"^\| (`.*?) \|", table, re.M) for code in re.findall(r"`([a-z-]+)`", row)
    }
    assert explained == raised

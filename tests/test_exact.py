"""The exact mode of the fuzzer: its ring is one, C++ and numpy agree on it, it sees what floats do not."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fresh_seed import fresh_seed

from backends.metal.emulator import EmulatorUnavailable
from backends.metal.emulator.compile import require
from codegen import lowered as low
from codegen.pipeline import Compiled, compile_stages
from codegen.record import make_record
from fuzz.batch import EXACT, Batch
from fuzz.compare import Expected, expect
from fuzz.exact import ring
from fuzz.exact.calls import with_any_bits
from fuzz.exact.headers import HERE, lay_over
from fuzz.exact.interpret import ExactlyExpected, expect_exactly
from fuzz.exact.run_cpu import build_exact_cpu
from fuzz.exact.run_metal import build_exact_metal
from fuzz.inputs import Call, place, shape_of
from fuzz.memory import Memory
from fuzz.run_cpu import build_cpu, compile_cpu, cpu_source, run_cpu
from fuzz.run_metal import build_metal, draw_how, metal_source, run_metal
from kernel_ir import nodes as ir
from kernel_ir.dtypes import DTYPES
from kernel_ir.load import load_text
from kernel_ir.ops import OPS
from kernel_ir.rounding import Array

RNG = np.random.default_rng(1)
WORDS = np.concatenate(
    [
        RNG.integers(0, 1 << 32, 300, np.uint32),
        RNG.integers(0, 5, 20, np.uint32),
        np.array(
            [ring.INFINITY, -ring.INFINITY % 2**32, ring.NAN, 1 << 31, (1 << 31) - 1, 2**32 - 1], np.uint32
        ),
    ]
)


def same(one: Array, two: Array) -> bool:
    return bool(np.array_equal(ring.to_words(one), ring.to_words(two)))


# ---- the ring -----------------------------------------------------------------------------------


def test_exponentials_turn_differences_into_quotients() -> None:
    """What rescaling relies on: of a running sum of exp(x - max), and of sums weighted by it."""
    a, b, c, d = (ring.from_words(RNG.integers(0, 1 << 32, 1000, np.uint32)) for _ in range(4))
    for name in ("exp", "exp2"):
        exp = ring.MEANINGS[name]
        one = ring.multiply(exp(ring.wrapped(a - b)), exp(ring.wrapped(b - c)))
        assert same(one, exp(ring.wrapped(a - c)))
        scaled = ring.divide(ring.multiply(d, exp(a)), ring.multiply(c, exp(a)))
        assert same(scaled, ring.divide(d, c))
        assert np.unique(exp(a)).size > 990


def test_inverses_are_multiplicative_and_their_own() -> None:
    a = ring.from_words(RNG.integers(0, 1 << 32, 1000, np.uint32))
    odd = ring.from_words(RNG.integers(0, 1 << 31, 1000, np.uint32) * 2 + 1)
    assert same(ring.inverse(ring.inverse(a)), a)
    assert same(ring.multiply(odd, ring.inverse(odd)), np.ones(1000))
    assert same(ring.inverse(ring.multiply(a, odd)), ring.multiply(ring.inverse(a), ring.inverse(odd)))
    assert same(ring.inverse(np.array([0.0, 1.0, -1.0])), np.array([0.0, 1.0, -1.0]))


def test_literals_differ_and_keep_their_order() -> None:
    assert same(ring.embed([0.0, -0.0, 1.0, -1.0]), np.array([0.0, 0.0, 1.0, -1.0]))
    others = ring.embed([1e-6, 0.1, 0.5, 2.0, 3.0, 3.5, 8.0, 64.0, 1e6])
    assert (np.diff(others) > 0).all() and 0.49 < others[6] / 2.0**31 < 0.51
    assert same(ring.embed([-0.5, -3.0]), ring.negate(others[[2, 4]]))
    assert np.array_equal(ring.embed([np.inf, -np.inf, 1e30]), [np.inf, -np.inf, np.inf])


def test_bits_order_elements_as_those_of_floats_do() -> None:
    edges = [
        (word + step) % 2**32
        for word in (0, 2**31, ring.NAN, ring.INFINITY, -ring.INFINITY)
        for step in (-1, 0, 1)
    ]
    words = np.concatenate(
        [np.array(edges, np.uint32), np.random.default_rng(3).integers(0, 2**32, 9999, np.uint32)]
    )
    values = np.sort(ring.from_words(words))  # NaN at the end
    bits = ring.to_bits(values)
    np.testing.assert_array_equal(ring.from_bits(bits)[values != 2.0**31 - 1], values[values != 2.0**31 - 1])
    ranks = np.where(values < 0, ~bits, bits ^ np.uint32(1 << 31)).astype(np.int64)
    is_greater = values[1:] > values[:-1]
    is_below_top = np.abs(values[:-1]) < 2.0**31 - 1
    assert (np.diff(ranks)[is_greater & is_below_top] > 0).all()


@pytest.mark.parametrize("name", ["f16", "bf16", "f8e4m3", "f32"])
def test_what_is_stored_stays_what_it_is(name: str) -> None:
    """Every bit pattern of a small float is that of an element, and no element stands for two of them."""
    dtype = DTYPES[name]
    kept = np.arange(1 << min(dtype.bits, 16)).astype(f"u{dtype.bytes}")
    storage = ring.encode(ring.from_words(kept), dtype) if name == "f32" else kept
    again = ring.encode(ring.decode(storage, dtype), dtype)
    assert np.array_equal(ring.bits_of(again, dtype), kept)
    wide = ring.from_words(WORDS)
    assert same(ring.stored(ring.stored(wide, dtype), dtype), ring.stored(wide, dtype))
    assert np.unique(ring.bits_of(ring.encode(wide, dtype), dtype)).size > min(200, 0.5 * 2**dtype.bits)


def test_every_op_on_floats_has_a_meaning() -> None:
    """The ring's own, or one that only compares, chooses or takes whole numbers."""
    as_always = {"minimum", "maximum", "isnan", "isinf", "select", "f32"}
    compared = {op.name for op in OPS.values() if op.rule in ("compare", "logic", "integer", "shift")}
    assert ring.MEANINGS.keys() | as_always | compared == OPS.keys()


def test_functions_differ() -> None:
    unary = [name for name, op in OPS.items() if op.arity == 1 and op.rule == "float" and name != "negate"]
    found = [tuple(ring.to_words(ring.MEANINGS[name](ring.from_words(WORDS)))) for name in unary]
    assert len(set(found)) == len(unary)


_UNARY = {
    "negate": "-a", "abs": "ring::absolute(a)", "exp": "ring::exp_of(a)", "exp2": "ring::exp2_of(a)",
    "f16": "ring::F16::widen(ring::F16::narrow(a))", "bf16": "ring::Bf16::widen(ring::Bf16::narrow(a))",
    "f8e4m3": "ring::F8e4m3::widen(ring::F8e4m3::narrow(a))",
    **{
        name: f"ring::scrambled(a, ring::k{name.title()})"
        for name in "log log2 sqrt rsqrt sin cos tanh erf floor ceil round trunc".split()
    },
}  # fmt: skip
_BINARY = {
    "add": "a + b",
    "subtract": "a - b",
    "multiply": "a * b",
    "divide": "a / b",
    "power": "ring::power_of(a, b)",
}
_COMPARED = {"less": "a < b", "less_equal": "a <= b", "greater": "a > b", "greater_equal": "a >= b",
             "equal": "a == b", "not_equal": "a != b"}  # fmt: skip
_CAST = {"i32": "int(a)", "u32": "unsigned(a)", "i64": "long(a)"}


def test_cpp_and_numpy_agree(tmp_path: Path) -> None:
    """On every operation, for words of all kinds with all others."""
    rows = [(name, "unsigned", f"({text}).word") for name, text in (_UNARY | _BINARY).items()]
    rows += [(name, "unsigned", text) for name, text in _COMPARED.items()]
    rows += [(name, "long", text) for name, text in _CAST.items()]
    body = "".join(
        f'extern "C" void of_{name}(long n, const unsigned* x, const unsigned* y, {made}* out) {{\n'
        "  for (long i = 0; i < n; ++i) {\n    const auto a = ring::of_word(x[i]);\n"
        f"    [[maybe_unused]] const auto b = ring::of_word(y[i]);\n    out[i] = {text};\n  }}\n}}\n"
        for name, made, text in rows
    )
    body += 'extern "C" void of_literal(long n, const double* x, unsigned* out) {\n'
    body += "  for (long i = 0; i < n; ++i) out[i] = ring::Element(x[i]).word;\n}\n"
    library = compile_cpu(f'#include "ring.h"\n{body}', tmp_path / "ring", HERE)
    x, y = (np.ascontiguousarray(item) for item in zip(*itertools.product(WORDS, WORDS), strict=True))
    a, b = ring.from_words(x), ring.from_words(y)
    with np.errstate(all="ignore"):
        for name, made, _ in rows:
            out = np.zeros(x.size, np.uint32 if made == "unsigned" else np.int64)
            getattr(library, f"of_{name}")(ctypes.c_long(x.size), *map(_pointer, (x, y, out)))
            meaning = ring.MEANINGS.get(name) or (lambda *args, name=name: OPS[name].meaning(np, *args))
            wanted = meaning(a, b) if name in _BINARY | _COMPARED else meaning(a)
            wanted = ring.to_words(wanted) if wanted.dtype == np.float64 else wanted.astype(out.dtype)
            assert np.array_equal(out, wanted), name
    values = np.array(
        [0.0, -0.0, 1.0, -3.0, 0.1, -0.1, 1e-6, 2.5, 2.0**31, -(2.0**31), 1e30, np.inf, -np.inf, np.nan]
    )
    out = np.zeros(values.size, np.uint32)
    library.of_literal(ctypes.c_long(values.size), _pointer(values), _pointer(out))
    assert np.array_equal(out, ring.to_words(ring.embed(values.astype(np.float32))))


def _pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


# ---- programs -----------------------------------------------------------------------------------


def executors() -> tuple[str, ...]:
    try:
        require()
    except EmulatorUnavailable as missing:
        print(f"without exact-metal: {missing}")
        return ("exact-cpu",)
    return tuple(EXACT)


@pytest.mark.parametrize("seed", [9000, fresh_seed()], ids=["fixed", "fresh"])
def test_programs_agree_to_the_bit(seed: int) -> None:
    print(f"programs from seed {seed}")
    said: list[dict[str, Any]] = []
    Batch(executors(), said.append).run(range(seed, seed + 8))
    assert not [message["finding"] for message in said if "finding" in message]
    assert sum(message["exact"] for message in said if "done" in message) >= 6


MEAN = """
edition: 1
name: mean
summary: The mean size of a row.
arguments:
  x: {type: "f32[rows, width]"}
results:
  out: {type: "bf16[rows]"}
body: |
  for r in range(rows):
    out[r] = sum(abs(x[r, c]) for c in range(width)) / f32(width)
"""
NORM = """
edition: 1
name: norm
summary: Rows of one size.
arguments:
  x: {type: "f32[rows, width]"}
results:
  out: {type: "f16[rows, width]"}
body: |
  for r in range(rows):
    size = rsqrt(sum(x[r, c] * x[r, c] for c in range(width)) / f32(width) + 1e-6)
    for c in range(width):
      out[r, c] = x[r, c] * size
"""
SHARES = """
edition: 1
name: shares
summary: A weighted sum, one pass over the weights.
arguments:
  x: {type: "f32[rows, width]"}
  w: {type: "f32[width, rows]"}
results:
  out: {type: "f16[rows, rows]"}
body: |
  for r in range(rows):
    p = softmax(10.0 * x[r, c] for c in range(width))
    for d in range(rows):
      out[r, d] = sum(p[c] * w[c, d] for c in range(width))
"""


@pytest.mark.parametrize(
    ("text", "right", "wrong", "width"),
    [
        pytest.param(
            MEAN, "for_lanes(0, width,", "for_lanes(0, width - 1,", 1000, id="an element is lost in a mean"
        ),
        pytest.param(NORM, " + 1e-06f", "", 257, id="a small term is forgotten"),
        pytest.param(
            NORM, "sgl::rsqrt(", "1.0f / sgl::sqrt(", 257, id="another function of nearly the same value"
        ),
        pytest.param(SHARES, "c_start + 16, width)", "c_start + 16, width - 1)", 1000, id="a weight is lost"),
    ],
)
def test_it_sees_what_floats_do_not(text: str, right: str, wrong: str, width: int, tmp_path: Path) -> None:
    """Each fault passes for rounding with floats, and changes bits in the ring, which has none without it."""
    compiled, call = _compile(text, width)
    exact = with_any_bits(compiled.kernel, call, "any")
    source = cpu_source(compiled, [call])
    assert source.text.count(right) == 1, source.text
    spoilt = replace(source, text=source.text.replace(right, wrong))
    floats, words = expect(compiled.kernel, call), expect_exactly(compiled.kernel, exact)
    for name, item, sees in (("right", source, False), ("spoilt", spoilt, True)):
        (tmp_path / name).mkdir()
        assert _is_right(floats, run_cpu(build_cpu([item], tmp_path / name, name), compiled, call)), name
        ran = run_cpu(build_exact_cpu([item], tmp_path / name, name), compiled, exact)
        assert _is_right(words, ran) != sees, name


@pytest.mark.skipif(len(executors()) == 1, reason="the Metal emulator cannot run here")
@pytest.mark.parametrize(
    ("text", "right", "wrong", "width"),
    [
        pytest.param(MEAN, "c >= width", "c >= width - 1", 1001, id="an element is lost in a mean"),
        pytest.param(NORM, " + 1e-06f", "", 999, id="a small term is forgotten"),
    ],
)
def test_it_sees_what_floats_do_not_on_metal(
    text: str, right: str, wrong: str, width: int, tmp_path: Path
) -> None:
    compiled, call = _compile(text, width)
    exact = with_any_bits(compiled.kernel, call, "any")
    source = metal_source(compiled, [call], (draw_how("any"),))
    assert right in source.text, source.text
    spoilt = replace(source, text=source.text.replace(right, wrong))
    floats, words = expect(compiled.kernel, call), expect_exactly(compiled.kernel, exact)
    for name, item, sees in (("right", source, False), ("spoilt", spoilt, True)):
        (tmp_path / name).mkdir()
        ran, found = run_metal(build_metal([item], name), item, call, 0)
        assert _is_right(floats, ran) and not found, name
        ran, found = run_metal(build_exact_metal([item], tmp_path / name, name), item, exact, 0)
        assert _is_right(words, ran) != sees and not found, name


def test_headers_that_no_longer_have_what_is_replaced_are_refused(tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "integers.h").write_text("namespace sgl {\n\n}  // namespace sgl\n")
    with pytest.raises(ValueError, match="abs"):
        lay_over((shipped,), HERE / "metal", tmp_path / "made")


def _compile(text: str, width: int) -> tuple[Compiled, Call]:
    """The program, and a call of three rows of numbers."""
    loaded = load_text(text, "program.yaml")
    stages = tuple(compile_stages(loaded))
    kernel, lowered = stages[0].form, stages[-1].form
    assert isinstance(kernel, ir.Kernel) and isinstance(lowered, low.Program)
    sizes = {"rows": 3, "width": width}
    tensors = [item for item in kernel.arguments if isinstance(item, ir.TensorType)]
    rng, placed = np.random.default_rng(7), {}
    for item in tensors:
        values = rng.normal(size=shape_of(item, sizes)).astype(np.float32)
        values[..., -1] = -1.0  # of little weight
        placed[item.name] = place(values, "packed")
    return Compiled(loaded, kernel, make_record(loaded, kernel), lowered), Call(
        placed, {}, {}, sizes, "normal"
    )


def _is_right(expected: Mapping[str, Expected | ExactlyExpected], memory: Memory) -> bool:
    return not any(expected[name].difference(name, values) for name, values in memory.outputs().items())

"""How bodies are typed: text in, text out. What is refused stands in `bad_specs`."""

from __future__ import annotations

import re

import pytest

from kernel_ir import nodes as ir
from kernel_ir.printer import print_expression, print_statements
from kernel_ir.traverse import walk_expressions, walk_statements
from kernel_ir.typecheck.check import check_text

ARGUMENTS = {
    "x": '{type: "f32[n]"}',
    "h": '{type: "f16[n]"}',
    "q": '{type: "f8e4m3[n]"}',
    "small": '{type: "i8[n]"}',
    "ids": '{type: "i32[n]"}',
    "wide": '{type: "i64[n]"}',
    "bits": '{type: "u32[n]"}',
    "on": '{type: "bool[n]"}',
    "eps": "{type: f32}",
    "block": "{type: i32}",
    "flag": "{type: bool}",
}


def check(body: str, *, result: str = "f32[n]", more: str = "") -> ir.Kernel:
    """The kernel of a body; the arguments that it mentions are declared as above."""
    names = [name for name in ARGUMENTS if re.search(rf"\b{name}\b", body)]
    arguments = "".join(f"  {name}: {ARGUMENTS[name]}\n" for name in ["n", *names] if name in ARGUMENTS)
    indented = "".join(f"  {line}\n" for line in body.strip().splitlines())
    text = (
        "edition: 1\nname: sample\nsummary: A body to type.\n"
        f"arguments:\n  n: {{type: size}}\n{arguments}"
        f'results:\n  out: {{type: "{result}"}}\n{more}body: |\n{indented}'
    )
    return check_text(text, "sample.yaml")


def typed(expression: str) -> str:
    """An expression as it is typed: the type, and the text with every conversion written out."""
    kernel = check(f"for i in range(n):\n    v = {expression}\n    out[i] = x[i]")
    let = next(item for item in walk_statements(kernel.body) if isinstance(item, ir.Let))
    return f"{let.value.type}: {print_expression(let.value)}"


def printed(body: str, **options: str) -> str:
    return print_statements(check(body, **options).body).strip()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x[i]", "f32: x[i]"),
        ("h[i]", "f32: h[i]"),
        ("q[i]", "f32: q[i]"),
        ("small[i]", "i32: small[i]"),
        ("ids[i]", "i32: ids[i]"),
        ("bits[i]", "u32: bits[i]"),
        ("on[i]", "bool: on[i]"),
        ("eps", "f32: eps"),
        ("block", "i32: block"),
        ("n", "i64: n"),
        ("i", "i64: i"),
        ("3", "i64: 3"),
        ("2.5", "f32: 2.5"),
        ("-inf", "f32: -inf"),
        ("True", "bool: True"),
    ],
)
def test_leaves_have_the_type_they_load_to(expression: str, expected: str) -> None:
    assert typed(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("2 * x[i]", "f32: 2.0 * x[i]"),
        ("ids[i] + 1", "i32: ids[i] + 1"),
        ("1 - bits[i]", "u32: 1 - bits[i]"),
        ("-2 * ids[i]", "i32: -2 * ids[i]"),
        ("(2 * 3 + 1) * ids[i]", "i32: 7 * ids[i]"),
        ("x[i] ** 2", "f32: x[i] ** 2.0"),
        ("ids[i] > 0", "bool: ids[i] > 0"),
        ("bits[i] >> 4", "u32: bits[i] >> 4"),
        ("max(ids[i], 0)", "i32: max(ids[i], 0)"),
        ("x[i] if flag else 0", "f32: x[i] if flag else 0.0"),
        ("1 / 2", "f32: 1.0 / 2.0"),
        ("7 // 2", "i64: 7 // 2"),
    ],
)
def test_integer_literals_take_the_type_beside_them(expression: str, expected: str) -> None:
    assert typed(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x[i] * ids[i]", "f32: x[i] * f32(ids[i])"),
        ("x[i] * i", "f32: x[i] * f32(i)"),
        ("ids[i] + i", "i64: i64(ids[i]) + i"),
        ("bits[i] + i", "i64: i64(bits[i]) + i"),
        ("ids[i] + wide[i]", "i64: i64(ids[i]) + wide[i]"),
        ("ids[i] / 2", "f32: f32(ids[i]) / 2.0"),
        ("ids[i] < n", "bool: i64(ids[i]) < n"),
        ("exp(ids[i])", "f32: exp(f32(ids[i]))"),
        ("abs(ids[i])", "i32: abs(ids[i])"),
        ("bits[i] << ids[i]", "u32: bits[i] << u32(ids[i])"),
        ("ids[i] if flag else x[i]", "f32: f32(ids[i]) if flag else x[i]"),
        ("flag == on[i]", "bool: flag == on[i]"),
        ("isnan(ids[i])", "bool: isnan(f32(ids[i]))"),
    ],
)
def test_operands_widen_and_join(expression: str, expected: str) -> None:
    assert typed(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("i32(x[i])", "i32: i32(x[i])"),
        ("u32(ids[i]) ^ bits[i]", "u32: u32(ids[i]) ^ bits[i]"),
        ("bf16(x[i]) + x[i]", "f32: bf16(x[i]) + x[i]"),
        ("f8e4m3(ids[i])", "f32: f8e4m3(f32(ids[i]))"),
        ("bits_to_f32(bits[i])", "f32: bits_to_f32(bits[i])"),
        ("f32_to_bits(x[i]) & 1", "u32: f32_to_bits(x[i]) & 1"),
        ("bits_to_f32(2139095040)", "f32: bits_to_f32(2139095040)"),
    ],
)
def test_casts_say_what_they_give(expression: str, expected: str) -> None:
    assert typed(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sum(ids[j] for j in range(i))", "i32: sum(ids[j] for j in range(i))"),
        ("count(ids[j] == 0 for j in range(n))", "i64: count(ids[j] == 0 for j in range(n))"),
        ("argmax(x[j] for j in range(n))", "i64: argmax(x[j] for j in range(n))"),
        ("any(on[j] for j in range(n) if j > i)", "bool: any(on[j] for j in range(n) if j > i)"),
        ("sum(x[j] for j in range(n)) / n", "f32: sum(x[j] for j in range(n)) / f32(n)"),
        ("max(x[j] for j in range(1, n))", "f32: max(x[j] for j in range(1, n))"),
    ],
)
def test_reductions_keep_the_type_of_their_terms(expression: str, expected: str) -> None:
    assert typed(expression) == expected


def test_a_chain_of_comparisons_is_its_links() -> None:
    assert typed("0 <= ids[i] < n") == "bool: 0 <= ids[i] and i64(ids[i]) < n"


# ---- stores ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "value", "expected"),
    [
        ("f16[n]", "x[i]", "x[i]"),
        ("f16[n]", "1", "1.0"),
        ("f32[n]", "ids[i]", "f32(ids[i])"),
        ("f8e4m3[n]", "x[i]", "x[i]"),
        ("i8[n]", "x[i]", "x[i]"),
        ("i8[n]", "ids[i]", "ids[i]"),
        ("i64[n]", "ids[i]", "i64(ids[i])"),
        ("bool[n]", "x[i] > 0.0", "x[i] > 0.0"),
    ],
)
def test_a_store_converts_to_what_its_dtype_rounds_from(result: str, value: str, expected: str) -> None:
    body = f"for i in range(n):\n    also = x[i]\n    out[i] = {value}"
    assert printed(body, result=result).splitlines()[-1] == f"    out[i] = {expected}"


# ---- indices -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "in_range", "policy"),
    [
        ("ids[i]", "", "nan"),
        ("ids[i]", "in_range: {ids: skip}\n", "nan"),
        ("ids[i]", "in_range: {ids: clamp}\n", "clamp"),
        ("ids[i] + 1", "in_range: {ids: trust}\n", "trust"),
        ("block", "in_range: {block: clamp}\n", "clamp"),
        ("i + block", "", "nan"),
        ("min(max(ids[i], 0), n - 1)", "in_range: {ids: clamp}\n", None),
        ("i", "", None),
        ("i // 2", "", None),
        ("n - 1 - i", "", None),
    ],
)
def test_a_read_has_a_policy_where_its_index_depends_on_data(
    index: str, in_range: str, policy: str | None
) -> None:
    kernel = check(f"for i in range(n):\n    out[i] = x[{index}]", more=in_range)
    loads = [
        item for item in walk_expressions(kernel.body) if isinstance(item, ir.Load) and item.tensor == "x"
    ]
    assert [item.policy for item in loads] == [policy]


def test_a_guard_proves_an_index() -> None:
    body = """
for i in range(n):
    if 0 <= ids[i] and ids[i] < n:
        out[i] = x[ids[i]]
"""
    loads = [
        item
        for item in walk_expressions(check(body).body)
        if isinstance(item, ir.Load) and item.tensor == "x"
    ]
    assert [item.policy for item in loads] == [None]


def test_indices_of_topk_lie_in_its_range() -> None:
    body = """
best, place = topk((x[j] for j in range(n)), 2)
for k in range(2):
    out[k] = x[place[k]] - best[k]
"""
    kernel = check(body, result="f32[2]", more='requires: ["n >= 2"]\n')
    loads = [item for item in walk_expressions(kernel.body) if isinstance(item, ir.Load)]
    assert [item.policy for item in loads] == [None, None]


# ---- names -------------------------------------------------------------------------------------


def test_names_are_unique_and_functions_leave_bindings() -> None:
    body = """
def square(v):
    w = v * v
    return w

for i in range(n):
    v = square(x[i])
    out[i] = square(v)
"""
    assert printed(body).splitlines() == [
        "for i in range(n):",
        "    v.2: f32 = let(v := x[i], let(w := v * v, w))",
        "    out[i] = let(v.3 := v.2, let(w.2 := v.3 * v.3, w.2))",
    ]


def test_a_name_assigned_again_is_mutable() -> None:
    body = """
for i in range(n):
    s = 0.0
    for t in sequential(i):
        s += x[t]
    out[i] = s
"""
    lets = [item for item in walk_statements(check(body).body) if isinstance(item, ir.Let)]
    assert [(item.name, item.is_mutable) for item in lets] == [("s", True)]


def test_what_is_not_stored_for_sure_is_zero_filled() -> None:
    guarded = check("for i in range(n):\n    if x[i] > 0.0:\n        out[i] = x[i]")
    assert guarded.zero_filled == {"out"}
    assert check("for i in range(n):\n    out[i] = x[i]").zero_filled == frozenset()

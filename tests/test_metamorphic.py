"""Metamorphic checks: each relation holds, applies where it should, and shows a violation planted for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from codegen import lowered as low
from codegen import pipeline
from codegen.passes.drop_unread import drop_unread
from codegen.pipeline import PASSES
from codegen.record import OpRecord
from fuzz import metamorphic, metamorphic_text
from fuzz.batch import TARGETS, Batch, Item
from fuzz.in_rows import ROWS, in_rows
from fuzz.inputs import Call
from fuzz.memory import Memory, entry_of, lay_out
from fuzz.metamorphic_rows import row_sizes
from fuzz.metamorphic_scale import draw_scaling
from fuzz.metamorphic_text import other_than_names
from fuzz.program import Program, make_program
from kernel_ir import nodes as ir
from kernel_ir.interpret import interpret
from kernel_ir.load import LoadedSpec, load_text
from kernel_ir.rounding import Array
from kernel_ir.typecheck.check import check_spec

SEEDS = range(5000, 5012)
TENSORS = {"x": "f32[n, m]", "y": "f32[m]", "z": "f32[n, k]"}
NORM = """for r in range(n):
    s = sqrt(sum(z[r, j] * z[r, j] for j in range(k)))
    for c in range(m):
        out[r, c] = x[r, c] * s + (x[r, c] * max(z[r, 0], 0.0) if k > 0 else 0.0)
"""


def spec(body: str) -> str:
    """A spec whose arguments are those that the body mentions."""
    used = {name: type_ for name, type_ in TENSORS.items() if f"{name}[" in body}
    if not used.keys() & {"x", "z"}:
        used["n"] = "size"
    arguments = "".join(f"  {name}: {{type: '{type_}'}}\n" for name, type_ in used.items())
    head = "edition: 1\nname: related\nsummary: A program with relations.\n"
    lines = "".join(f"  {line}\n" for line in body.splitlines())
    return f"{head}arguments:\n{arguments}results:\n  out: {{type: 'f32[n, m]'}}\nbody: |\n{lines}"


def checked(body: str) -> ir.Kernel:
    return check_spec(load_text(spec(body), "related.yaml"))


# ---- each relation against a target that breaks it ----------------------------------------------


def by_interpreter(spoil: Callable[[Call, dict[str, Array]], None]) -> Callable[..., Any]:
    """A target that gives what the interpreter gives, but for what `spoil` does to it."""

    def run(built: object, item: Item, call: Call, number: int) -> tuple[Memory, tuple[str, ...]]:
        kernel, record = item.compiled.kernel, item.compiled.record
        memory = lay_out(kernel, entry_of(record, call.types), call)
        given = interpret(kernel, call.arguments(), call.types)
        spoil(call, given)
        for name, values in memory.outputs().items():
            values[...] = given[name].reshape(values.shape)
        return memory, ()

    return run


def findings(monkeypatch: pytest.MonkeyPatch, relation: str, spoil: Callable[..., None]) -> list[str]:
    """What the calls' twins of one relation show on such a target; the relation applies at least once."""
    target = replace(
        TARGETS["cpu"], write=lambda item: item, build=lambda *given: None, ways=lambda *given: (),
        run=by_interpreter(spoil),
    )  # fmt: skip
    monkeypatch.setitem(TARGETS, "cpu", target)
    monkeypatch.setattr(metamorphic, "SHARES", {relation: 1.0})
    programs = [Program(n, "related", "real", spec(NORM), (("n", "m"), ("n", "k"))) for n in range(14)]
    said: list[dict[str, Any]] = []
    Batch(("cpu",), said.append).run_programs(programs)
    assert [message for message in said if "relation" in message]
    found = (message["finding"] for message in said if "finding" in message)
    return [item["message"] for item in found if item["kind"] == relation]


def by_rows(call: Call, outputs: dict[str, Array]) -> None:
    """Another rounding where there is an odd number of rows, or of columns, which count as rows too."""
    if (call.sizes["n"] + call.sizes["m"]) % 2:
        outputs["out"] *= np.float32(1 + 2.0**-22)


def by_neighbour(call: Call, outputs: dict[str, Array]) -> None:
    """The last row is off where it stands behind another."""
    if call.sizes["n"] > 1:
        outputs["out"][-1] += np.float32(0.25)


def by_strides(call: Call, outputs: dict[str, Array]) -> None:
    """Rows that lie apart are summed otherwise."""
    item = call.tensors["z"]
    if item is not None and item.strides[0] != item.shape[1]:
        outputs["out"] *= np.float32(1 + 2.0**-22)


def by_magnitude(call: Call, outputs: dict[str, Array]) -> None:
    """A little that does not scale."""
    outputs["out"] += np.float32(0.25)


@pytest.mark.parametrize(
    ("relation", "spoil"),
    [("rows", by_rows), ("rows", by_neighbour), ("layout", by_strides), ("scaling", by_magnitude)],
)
def test_a_target_that_breaks_a_relation_is_found(
    monkeypatch: pytest.MonkeyPatch, relation: str, spoil: Callable[..., None]
) -> None:
    assert findings(monkeypatch, relation, spoil)


@pytest.mark.parametrize("relation", ["rows", "layout", "scaling"])
def test_a_target_that_keeps_a_relation_is_not(monkeypatch: pytest.MonkeyPatch, relation: str) -> None:
    assert not findings(monkeypatch, relation, lambda call, outputs: None)


# ---- rewritten programs ------------------------------------------------------------------------


def rewritten(monkeypatch: pytest.MonkeyPatch, relation: str) -> list[str]:
    """What is wrong with some programs under one relation, as a batch tells it."""
    monkeypatch.setattr(metamorphic_text, "SHARES", {relation: 1.0})
    said: list[dict[str, Any]] = []
    Batch((), said.append).run_programs([make_program(seed) for seed in SEEDS[:3]])
    assert sum(message.get("relation") == relation for message in said) == 3
    found = [message["finding"] for message in said if "finding" in message]
    assert all((item["executor"], item["kind"]) == ("check", relation) for item in found)
    return [item["message"] for item in found]


def by_alphabet(program: low.Program, record: OpRecord) -> dict[str, str]:
    """Sources in which parameters stand in the order of their names, after their own."""
    names = list(record.kernel.tensors())
    return {"kernel": "".join(f"use({name});\n" for name in (*names, *sorted(names)))}


@pytest.mark.parametrize("relation", ["keys", "renaming", "dead code"])
def test_the_compiler_keeps(monkeypatch: pytest.MonkeyPatch, relation: str) -> None:
    assert not rewritten(monkeypatch, relation)


def test_an_order_of_names_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metamorphic_text, "EMITTERS", {"cpu": by_alphabet})
    assert rewritten(monkeypatch, "renaming")


def test_what_nothing_reads_is_found_where_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "PASSES", tuple(item for item in PASSES if item.run != drop_unread))
    assert rewritten(monkeypatch, "dead code")


def test_an_order_of_keys_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loader that believes whatever stands last."""

    def load(text: str, path: str) -> LoadedSpec:
        loaded = load_text(text, path)
        schedule = {"metal": {"tile_turns": len(text[text.index("arguments") :])}}
        return replace(loaded, spec=loaded.spec.model_copy(update={"schedule": schedule}))

    monkeypatch.setattr(metamorphic_text, "load_text", load)
    assert rewritten(monkeypatch, "keys")


@pytest.mark.parametrize(
    ("one", "two", "is_renaming"),
    [
        ("float a = b + b;", "float c = d + d;", True),
        ("float a = b + c;", "float c = d + d;", False),
        ("float a = b + b;", "float c = d + e;", False),
        ("float a = params.a;", "float params_2 = params.params;", True),
        ("float a = b + 1.0f;", "float a = b + 2.0f;", False),
        ("a; b;", "a; b; c;", False),
    ],
)
def test_other_than_names(one: str, two: str, is_renaming: bool) -> None:
    assert (not other_than_names(one, two)) == is_renaming


@pytest.mark.parametrize("spoils", [True, False])
def test_another_schedule_has_the_same_bits(monkeypatch: pytest.MonkeyPatch, spoils: bool) -> None:
    """Where tiles have a turn more, a target that sums by tiles is off."""

    def run(built: object, item: Item, call: Call, number: int) -> tuple[Memory, tuple[str, ...]]:
        is_other = bool(item.compiled.record.schedule) and spoils
        spoil = by_magnitude if is_other else lambda call, outputs: None
        return by_interpreter(spoil)(built, item, call, number)  # type: ignore[no-any-return]

    target = replace(
        TARGETS["metal"], write=lambda item: item, build=lambda *given: None, ways=lambda *given: (), run=run
    )
    monkeypatch.setitem(TARGETS, "metal", target)
    monkeypatch.setattr(metamorphic, "SHARES", {})
    monkeypatch.setattr(metamorphic_text, "OTHER_SCHEDULE", 1.0)
    said: list[dict[str, Any]] = []
    Batch(("metal",), said.append).run_programs(
        [Program(1, "related", "real", spec(NORM), (("n", "m", "k"),))]
    )
    kinds = {message["finding"]["kind"] for message in said if "finding" in message}
    assert kinds == ({"schedule"} if spoils else set())
    assert {"relation": "schedule on metal", "seed": 1} in said


# ---- rows --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        (NORM, ["n", "m"]),
        ("for r in range(n):\n    for c in range(m):\n        out[r, c] = x[r, c] * y[c]\n", ["n", "m"]),
        ("for r in range(n):\n    for c in range(m):\n        out[r, c] = x[n - 1 - r, c]\n", ["m"]),
        ("for r in range(n):\n    for c in range(m):\n        out[r, c] = x[r, c] * r\n", ["m"]),
        ("for r in range(n):\n    for c in range(m):\n        out[r, c] = x[r, c] / n\n", ["m"]),
        (
            "for r in range(n):\n    for c in range(m):\n        out[r, c] = sum(y[i] for i in range(m))\n",
            ["n"],
        ),
        ("for r in range(n):\n    for c in sequential(m):\n        out[r, c] = x[r, c]\n", ["n"]),
        ("for r in range(n):\n    for c in range(1, m):\n        out[r, c] = x[r, c]\n", ["n"]),
        (
            "for r in range(n):\n    for c in range(m):\n        if c > 0:\n            out[r, c] = y[c]\n",
            ["n"],
        ),
    ],
)
def test_what_counts_rows(body: str, sizes: list[str]) -> None:
    assert row_sizes(checked(body)) == sizes


def test_any_program_can_stand_in_rows() -> None:
    for seed, text in ((seed, make_program(seed).text) for seed in SEEDS):
        kernel = check_spec(load_text(text if f"[{ROWS}, " in text else in_rows(text), "in_rows.yaml"))
        assert ROWS in row_sizes(kernel), seed


# ---- scaling -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "scaled"),
    [
        ("x[r, c] * y[c]", {"x", "y"}),
        ("x[r, c] + y[c]", {"x y"}),
        ("max(x[r, c], 0.0)", {"x"}),
        ("max(x[r, c], 1.0)", set()),
        ("exp(x[r, c]) * y[c]", {"y"}),
        ("x[r, c] if y[c] > 0.0 else 0.0", {"x", "y"}),
        ("x[r, c] if y[c] > 1.0 else 0.0", {"x"}),
        ("round(x[r, c])", set()),
        ("sqrt(x[r, c])", {"x"}),
        ("x[r, c] ** 2", {"x"}),
        ("x[r, c] ** 3", set()),
        ("f32(i32(x[r, c])) * y[c]", {"y"}),
    ],
)
def test_what_is_homogeneous(expression: str, scaled: set[str]) -> None:
    """The sets of inputs that scale together."""
    kernel = checked(f"for r in range(n):\n    for c in range(m):\n        out[r, c] = {expression}\n")
    call = Call({name: np.zeros(1) for name in "xyz"}, {}, {}, {}, "whole")  # type: ignore[misc]
    found = set()
    for seed in range(60):
        scaling = draw_scaling(random.Random(seed), kernel, call)
        if scaling is not None:
            found.add(" ".join(name for name in "xy" if scaling.steps.get(name, 0)))
    assert scaled <= found and all(set(item.split()) <= set(" ".join(scaled).split()) for item in found)


def test_what_goes_with_a_call_keeps_rows_where_the_call_keeps_them() -> None:
    """Else parts of a team are added up in another order, and f32 sums may be rounded in another way."""
    made = [Batch(["cpu"], lambda message: None).prepare(make_program(seed)) for seed in SEEDS]
    pairs = [
        (item.hows[twin.of], how)
        for item in made
        if item is not None
        for twin, how in zip(item.twins, item.hows[len(item.calls) :], strict=True)
    ]
    assert len(pairs) > 5
    assert all(how.choice.has_turns == of.choice.has_turns for of, how in pairs)
    assert any(how.order != of.order for of, how in pairs)

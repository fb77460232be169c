"""The shader of every spec compiles, and computes what the interpreter does, lane by lane."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from cpu_harness import assert_agrees
from draw_arguments import draw_arguments
from every_spec import NAMES, load
from language_references import WORKED
from metal_harness import Choice, compile_metal

CHOICES = {
    "plain": Choice(),
    "aligned": Choice(is_aligned=True, has_turns=True),
    "wide, lanes descending": Choice(is_wide=True, has_turns=True, is_descending=True),
    "descending": Choice(is_descending=True),
}
SMALL = 4096  # elements of the largest example that is run


def calls(name: str) -> list[dict[str, object]]:
    """The sizes that a spec is run with: its small examples, or the page's."""
    if name in WORKED:
        return list(WORKED[name].calls)
    examples = [dict(item) for item in load(name).spec.examples]
    return [item for item in examples if _elements(item) <= SMALL] or [_shrunk(examples[0])]


def _elements(sizes: dict[str, object]) -> int:
    total = 1
    for value in sizes.values():
        total *= value if isinstance(value, int) else 1
    return total


def _shrunk(sizes: dict[str, object]) -> dict[str, object]:
    return {name: min(value, 40) if isinstance(value, int) else value for name, value in sizes.items()}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())
@pytest.mark.parametrize("name", NAMES)
def test_shader_agrees_with_the_interpreter(name: str, choice: Choice) -> None:
    kernel = replace(compile_metal(load(name)), choice=choice)
    variables = load(name).spec.types
    for number, given in enumerate(calls(name)):
        for dtypes in itertools.product(*variables.values()):
            types = dict(zip(variables, dtypes, strict=True))
            assert_agrees(kernel, draw_arguments(load(name), given, types, seed=number), types)

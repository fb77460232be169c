"""Every shader that ships runs on the emulator, agrees with the interpreter, and nothing is found."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from cpu_harness import assert_agrees
from draw_arguments import draw_arguments
from every_spec import NAMES, load
from metal_harness import Choice

from backends.metal.emulator import EmulatorUnavailable
from backends.metal.emulator.compile import require

try:
    require()
except EmulatorUnavailable as missing:
    pytest.skip(f"the emulator cannot run: {missing}", allow_module_level=True)

from emulated_kernels import compile_emulated
from test_metal_text import calls

RUNS = {
    "plain, reverse": (Choice(), "reverse", "in order"),
    "aligned, random": (Choice(is_aligned=True, has_turns=True), "random", "pairwise"),
    "wide, forward": (Choice(is_wide=True, has_turns=True), "forward", "pairwise"),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
@pytest.mark.parametrize("name", NAMES)
def test_shader_is_clean_and_agrees_with_the_interpreter(name: str, run: tuple[Choice, str, str]) -> None:
    choice, order, reduction = run
    variables = load(name).spec.types
    for number, given in enumerate(calls(name)):
        for dtypes in itertools.product(*variables.values()):
            types = dict(zip(variables, dtypes, strict=True))
            kernel = replace(compile_emulated(name), choice=choice, order=order, reduction=reduction,
                             findings=[], written=[])  # fmt: skip
            arguments = draw_arguments(load(name), given, types, seed=number)
            assert_agrees(kernel, arguments, types)
            assert not kernel.findings, "\n".join(map(str, kernel.findings))

"""What each step of the compiler does to small kernels, in text: `passes/<step>/<case>.txt`.

A case is a title, a spec without its name, and the kernel's body before and after the step.
`pytest tests/test_passes.py --refresh` rewrites what stands after the spec.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from inputs import small_calls
from numeric_checks import assert_within_an_ulp, bits, dtype_of

from codegen import lowered as low
from codegen.lowering.lower import lower
from codegen.pipeline import LOWERED_PASSES, PASSES, Stage, compile_stages
from codegen.print_program import print_program
from fuzz.lowered_interpreter import ORDERS, run_program
from kernel_ir import nodes as ir
from kernel_ir.interpret import interpret
from kernel_ir.load import LoadedSpec, load_text
from kernel_ir.printer import print_statements

FOLDER = Path(__file__).parent / "passes"
STEPS = {item.run.__name__ for item in (*PASSES, *LOWERED_PASSES)} | {lower.__name__}
HEADER = "edition: 1\nname: probe\nsummary: A case.\n"
BEFORE, AFTER = "\n==== before\n", "\n==== after\n"


@dataclass(frozen=True)
class Case:
    """One file: the step it shows, its title and its spec."""

    path: Path

    @property
    def step(self) -> str:
        return self.path.parent.name

    @property
    def title(self) -> str:
        return self.path.read_text(encoding="ascii").partition("\n")[0]

    @property
    def spec(self) -> str:
        after_title = self.path.read_text(encoding="ascii").partition("\n")[2]
        return after_title.partition(BEFORE)[0].strip("\n") + "\n"

    def __str__(self) -> str:
        return f"{self.step}-{self.path.stem}"


CASES = [Case(path) for path in sorted(FOLDER.rglob("*.txt"))]
EACH = pytest.mark.parametrize("case", CASES, ids=str)


@cache
def compiled(case: Case) -> tuple[LoadedSpec, tuple[Stage, ...]]:
    loaded = load_text(HEADER + case.spec, f"{case}.yaml")
    return loaded, tuple(compile_stages(loaded))


@EACH
def test_step_gives_this_text(case: Case, refresh: bool) -> None:
    _, stages = compiled(case)
    position = next(i for i, stage in enumerate(stages) if stage.step == case.step)
    before, after = (text_of(stage) for stage in stages[position - 1 : position + 1])
    wanted = f"{case.title}\n\n{case.spec}{BEFORE}{before}{AFTER}{after}"
    if refresh:
        case.path.write_text(wanted, encoding="ascii", newline="\n")
    assert case.path.read_text(encoding="ascii") == wanted


@EACH
def test_case_keeps_its_meaning(case: Case) -> None:
    loaded, stages = compiled(case)
    kernel = stages[0].form
    assert isinstance(kernel, ir.Kernel)
    for call in small_calls(loaded, kernel, 4):
        wanted = interpret(kernel, call.arguments, call.types, vectorise=False)
        for stage in stages:
            if isinstance(stage.form, ir.Kernel):
                found = [interpret(stage.form, call.arguments, call.types, vectorise=False)]
            else:
                found = [run_program(stage.form, call.arguments, call.types, order) for order in ORDERS]
            for output in wanted:
                for values in found:
                    np.testing.assert_array_equal(bits(values[output]), bits(found[0][output]))
                assert_within_an_ulp(found[0][output], wanted[output], dtype_of(kernel, output, call.types))


@pytest.mark.parametrize("step", sorted(STEPS))
def test_every_step_has_cases(step: str) -> None:
    assert any(case.step == step for case in CASES)


def test_no_folder_is_left_over() -> None:
    assert {case.step for case in CASES} <= STEPS


def text_of(stage: Stage) -> str:
    form = stage.form
    return print_program(form) if isinstance(form, low.Program) else print_statements(form.body) + "\n"

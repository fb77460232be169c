"""Every step of the compiler keeps the meaning of every spec, whatever order lanes run in."""

from __future__ import annotations

import every_spec
import numpy as np
import pytest
from inputs import Call, small_calls
from numeric_checks import assert_within_an_ulp, bits, dtype_of

from codegen import lowered as low
from codegen.lowering.lower import lower
from codegen.pipeline import LOWERED_PASSES, Stage
from fuzz.lowered_interpreter import ORDERS, run_program
from kernel_ir import nodes as ir
from kernel_ir.interpret import interpret

CALLS = 5
# The steps after which lanes run in every order: moving code must not tie them to one.
ENDS = (lower.__name__, LOWERED_PASSES[-1].run.__name__)


@pytest.mark.parametrize("name", every_spec.NAMES)
def test_steps_over_the_typed_form_change_no_bit(name: str) -> None:
    first, *rest = typed(name)
    for number, call in enumerate(calls(name)):
        wanted = interpret(first.form, call.arguments, call.types)
        for stage in rest:
            got = interpret(stage.form, call.arguments, call.types)
            assert got.keys() == wanted.keys()
            for output in wanted:
                note = f"{output} after {stage.step}, call {number} with {call.sizes}"
                np.testing.assert_array_equal(bits(got[output]), bits(wanted[output]), err_msg=note)


@pytest.mark.parametrize("name", every_spec.NAMES)
def test_launches_give_what_the_kernel_means(name: str) -> None:
    kernel = typed(name)[0].form
    forward, *others = ORDERS
    for call in calls(name):
        wanted = interpret(kernel, call.arguments, call.types, vectorise=False)
        for stage in lowered(name):
            found = run_program(stage.form, call.arguments, call.types, forward)
            for output in wanted:
                assert_within_an_ulp(found[output], wanted[output], dtype_of(kernel, output, call.types))
            for order in others if stage.step in ENDS else ():
                again = run_program(stage.form, call.arguments, call.types, order)
                for output in wanted:
                    note = f"{output} after {stage.step}, {order.__name__}, {call.sizes}"
                    np.testing.assert_array_equal(bits(again[output]), bits(found[output]), err_msg=note)


def typed(name: str) -> list[Stage]:
    return [stage for stage in every_spec.stages(name) if isinstance(stage.form, ir.Kernel)]


def lowered(name: str) -> list[Stage]:
    return [stage for stage in every_spec.stages(name) if isinstance(stage.form, low.Program)]


def calls(name: str) -> list[Call]:
    return list(small_calls(every_spec.load(name), typed(name)[0].form, CALLS))

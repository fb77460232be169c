"""Every step of the compiler keeps the meaning of every spec, whatever order lanes run in."""

from __future__ import annotations

from typing import Any

import every_spec
import numpy as np
import pytest
from inputs import Call, small_calls
from lowered_interpreter import ORDERS, run_program

from codegen import lowered as low
from codegen.pipeline import Stage
from kernel_ir import nodes as ir
from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.interpret import interpret
from kernel_ir.rounding import decode, ulp

CALLS = 4


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
                assert_within_an_ulp(found[output], wanted[output], dtype_of(kernel, output, call))
            for order in others:
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


def dtype_of(kernel: ir.Kernel, tensor: str, call: Call) -> DType:
    written = kernel.tensors()[tensor].dtype
    return DTYPES[call.types.get(written, written)]


def bits(values: Any) -> Any:
    return values.view(f"u{values.itemsize}")


def assert_within_an_ulp(got: Any, wanted: Any, dtype: DType) -> None:
    """Equal but for the last bit of floats: an online softmax rescales what others sum once."""
    got, wanted = decode(got, dtype), decode(wanted, dtype)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    allowed = ulp(np.where(np.isfinite(wanted), wanted, 0), dtype) if dtype.is_float else 0
    same = (got == wanted) | np.isnan(wanted)
    with np.errstate(invalid="ignore"):
        close = np.abs(got - wanted) <= allowed
    assert np.all(same | close), f"got {got}, wanted {wanted}"

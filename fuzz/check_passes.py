"""Each step of the compiler keeps a program's meaning: the interpreter before it and after it.

Both sides compute in float64, so what a step may change is the order of a sum: results are the same to the
bit unless a value lies so near to where its rounding turns that float64 does not decide it, or `topk` takes
numbers that f32 does not hold, which a lowered program orders by the bits that they have there. Only then
are they held to what f32 allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from codegen import lowered as low
from codegen.pipeline import Stage
from fuzz.compare import SLACK, Expected, expect
from fuzz.finding import Finding
from fuzz.inputs import Call
from fuzz.lowered_interpreter import ORDERS, Order, run_program
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.dtypes import F32, DType
from kernel_ir.interpret import interpret
from kernel_ir.interpret_grid import GridInterpreter
from kernel_ir.reduce_axis import Terms
from kernel_ir.rounding import Array, round_to

FINER = 2.0**-29  # a rounding of float64 by one of f32


def check_passes(
    seed: int, stages: Sequence[Stage], calls: Sequence[tuple[Call, Mapping[str, Expected]]]
) -> Iterator[Finding]:
    """The steps after which a program gives something else. The first of them is to blame.

    Each call comes with what it must give. The last step is run in every order for the first of them.
    """
    for number, (call, wanted) in enumerate(calls):
        before = None
        for position, stage in enumerate(stages):
            is_last = position == len(stages) - 1
            if stage.form == before and not is_last:
                continue
            before = stage.form
            orders = ORDERS if is_last and number == 0 else ORDERS[:1]
            message = _first_difference(stage.form, call, wanted, orders)
            if message:
                yield Finding(seed, f"pass {stage.step}", "mismatch", message, number)
                break


def expect_in_float64(kernel: ir.Kernel, call: Call) -> dict[str, Expected]:
    """What every output of a call must be where it is computed in float64."""
    wanted = expect(kernel, call)
    if all(item.is_exact() for item in wanted.values()) or _is_undecided(kernel, call):
        return wanted
    return {name: item.made_exact() for name, item in wanted.items()}


def _is_undecided(kernel: ir.Kernel, call: Call) -> bool:
    """Whether float64 leaves open to which side some store rounds, or some `topk` rounds at all."""
    frame = bind_arguments(kernel, call.arguments(), call.types)
    interpreter = _UndecidedInterpreter(kernel, frame, tracks_bounds=True)
    interpreter.is_undecided = False
    with np.errstate(all="ignore"):
        interpreter.run(kernel.body)
    return interpreter.is_undecided


class _UndecidedInterpreter(GridInterpreter):
    """The interpreter, which notes whether a store lies where its rounding turns, or `topk` rounds."""

    is_undecided: bool

    def _note_store(self, values: Array, bounds: Array, dtype: DType) -> None:
        if values.dtype.kind != "f":
            return
        off = SLACK * FINER * np.where(np.isfinite(bounds), bounds, 0.0)
        one, two = round_to(values - off, dtype), round_to(values + off, dtype)
        self.is_undecided |= bool(((one != two) & ~np.isnan(values)).any())

    def _bind_topk(self, row: ir.Row, terms: Terms, count: Array) -> None:
        super()._bind_topk(row, terms, count)
        if row.value.type.is_float:
            is_rounded = (round_to(terms.data, F32) != terms.data) & ~np.isnan(terms.data)
            self.is_undecided |= bool((is_rounded & terms.used).any())


def _first_difference(
    form: ir.Kernel | low.Program, call: Call, wanted: Mapping[str, Expected], orders: Sequence[Order]
) -> str:
    """What is off, or nothing. A lowered program is run in each of the orders of lanes and grid points."""
    arguments = call.arguments()
    if isinstance(form, ir.Kernel):
        runs = [interpret(form, arguments, call.types, vectorise=False)]
    else:
        runs = [run_program(form, arguments, call.types, order) for order in orders]
    found = (item.difference(name, run[name]) for run in runs for name, item in wanted.items())
    return next((str(item) for item in found if item is not None), "")

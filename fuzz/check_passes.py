"""Each step of the compiler keeps a program's meaning: the interpreter before it and after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from codegen import lowered as low
from codegen.pipeline import Stage
from fuzz.compare import Expected, difference, expect
from fuzz.finding import Finding
from fuzz.inputs import Call
from fuzz.lowered_interpreter import ORDERS, run_program
from kernel_ir import nodes as ir
from kernel_ir.interpret import interpret


def check_passes(seed: int, stages: Sequence[Stage], calls: Sequence[Call]) -> Iterator[Finding]:
    """The steps after which a program gives something else. The first of them is to blame."""
    kernel = stages[0].form
    assert isinstance(kernel, ir.Kernel)
    for number, call in enumerate(calls):
        wanted = expect(kernel, call)
        before = None
        for position, stage in enumerate(stages):
            orders = len(ORDERS) if position == len(stages) - 1 else 1
            if stage.form == before and orders == 1:
                continue
            before = stage.form
            message = _first_difference(stage.form, call, wanted, orders)
            if message:
                yield Finding(seed, f"pass {stage.step}", "mismatch", message, number)
                break


def _first_difference(
    form: ir.Kernel | low.Program, call: Call, wanted: dict[str, Expected], orders: int
) -> str:
    """What is off, or nothing. The last step is run in several orders of lanes and grid points."""
    arguments = call.arguments()
    if isinstance(form, ir.Kernel):
        runs = [interpret(form, arguments, call.types, vectorise=False)]
    else:
        runs = [run_program(form, arguments, call.types, order) for order in ORDERS[:orders]]
    found = (difference(name, item, run[name]) for run in runs for name, item in wanted.items())
    return next((str(item) for item in found if item is not None), "")

"""The reference interpreter: what a kernel means, in numpy.

Float arithmetic is done in float64 and rounded exactly where a value is stored, so a result is
the correctly rounded one, but for rare double rounding and for the order of a long reduction.
Integer arithmetic is exact and wraps. It runs any typed IR, before and after a pass, and shares
no code with lowering.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.interpret_grid import GridInterpreter
from kernel_ir.interpret_scalar import ScalarInterpreter
from kernel_ir.nodes import Kernel
from kernel_ir.rounding import Array


def interpret(
    kernel: Kernel,
    arguments: Mapping[str, Any],
    types: Mapping[str, str],
    *,
    vectorise: bool = True,
) -> dict[str, Array]:
    """Run `kernel` and return its results and mutated arguments by name.

    `arguments` holds arrays (storage arrays, see `kernel_ir/rounding.py`, or any numeric array),
    numbers, and None for an optional tensor not passed; defaults apply. `types` gives the dtype's
    name for each type variable. The arguments are left as they are.

    What comes back are storage arrays in the caller's shapes (`*rows` opened again). Raises
    ValueError for arguments that the signature refuses or that break a `trust`, CompilerBug for
    a body that breaks the rules of the IR.
    """
    frame = bind_arguments(kernel, arguments, types)
    with np.errstate(all="ignore"):
        interpreter = GridInterpreter(kernel, frame) if vectorise else ScalarInterpreter(frame)
        interpreter.run(kernel.body)
    return frame.outputs()


def error_bounds(kernel: Kernel, arguments: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Array]:
    """How far f32 arithmetic may land from the exact value of each output element, by output.

    Absolute, float64, in the shapes of `interpret`'s outputs, before the rounding of the store: a
    result y of dtype D agrees with the exact value v where `|y - v| <= ulp(v, D) / 2 + bound`.
    Where f32 arithmetic is exact, as on small integers, the bound is 0.
    """
    return interpret_with_bounds(kernel, arguments, types)[1]


def interpret_with_bounds(
    kernel: Kernel, arguments: Mapping[str, Any], types: Mapping[str, str]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """What `interpret` and `error_bounds` give, in one run."""
    frame = bind_arguments(kernel, arguments, types)
    with np.errstate(all="ignore"):
        interpreter = GridInterpreter(kernel, frame, tracks_bounds=True)
        interpreter.run(kernel.body)
    bounds = interpreter.bounds or {}
    return frame.outputs(), {name: bound.reshape(frame.shapes[name]) for name, bound in bounds.items()}

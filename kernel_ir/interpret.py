"""The reference interpreter: what a kernel means, in numpy.

Float arithmetic is done in float64 and rounded exactly where a value is stored, so a result is
the correctly rounded one, but for rare double rounding and for the order of a long reduction.
Integer arithmetic is exact and wraps. It runs any typed IR, before and after a pass, and shares
no code with lowering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.dtypes import DType
from kernel_ir.interpret_grid import GridInterpreter
from kernel_ir.interpret_scalar import ScalarInterpreter
from kernel_ir.nodes import Kernel
from kernel_ir.rounding import Array, round_to


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


@dataclass(frozen=True, slots=True)
class Reference:
    """One output, in the caller's shape: what it is, and how far off f32 arithmetic may be.

    `values` are rounded as the store rounds them, in the dtype's compute type, and `exact` is what they
    were before (float64; integers as they are stored). `bound` is absolute, and of f32 arithmetic alone,
    without the rounding of the store; it is 0 where f32 arithmetic is exact, as on small integers.
    """

    dtype: DType
    values: Array
    exact: Array
    bound: Array

    def limits(self, slack: float = 1.0) -> tuple[Array, Array]:
        """The least and the greatest value that a store keeps of what is within `slack` bounds.

        Rounding keeps order, so these are the exact value moved down and up, and then rounded.
        """
        off = slack * np.nan_to_num(self.bound, posinf=np.inf)
        with np.errstate(all="ignore"):
            low, high = (round_to(self.exact + move, self.dtype) for move in (-off, off))
        return np.where(off > 0, low, self.values), np.where(off > 0, high, self.values)


def error_bounds(kernel: Kernel, arguments: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Array]:
    """How far f32 arithmetic may land from the exact value of each output element, by output.

    Absolute, float64, in the shapes of `interpret`'s outputs, before the rounding of the store: a
    result y of dtype D agrees with the exact value v where `|y - v| <= ulp(v, D) / 2 + bound`.
    Where f32 arithmetic is exact, as on small integers, the bound is 0.
    """
    return {name: item.bound for name, item in interpret_with_bounds(kernel, arguments, types).items()}


def interpret_with_bounds(
    kernel: Kernel, arguments: Mapping[str, Any], types: Mapping[str, str]
) -> dict[str, Reference]:
    """What `interpret` gives, decoded, with the values before rounding and their error bounds."""
    frame = bind_arguments(kernel, arguments, types)
    with np.errstate(all="ignore"):
        interpreter = GridInterpreter(kernel, frame, tracks_bounds=True)
        interpreter.run(kernel.body)
    bounds, exact = interpreter.bounds or {}, interpreter.exact or {}
    return {
        name: Reference(
            frame.dtypes[name],
            *(item[name].reshape(frame.shapes[name]) for item in (frame.live, exact, bounds)),
        )
        for name in frame.live
    }

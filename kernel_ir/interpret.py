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
from numpy.typing import NDArray

from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.interpret_grid import GridInterpreter
from kernel_ir.interpret_scalar import ScalarInterpreter
from kernel_ir.nodes import Kernel


def interpret(
    kernel: Kernel,
    arguments: Mapping[str, Any],
    types: Mapping[str, str],
    *,
    vectorise: bool = True,
) -> dict[str, NDArray]:
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

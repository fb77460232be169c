"""How far a call's results lie from the interpreter's, and whether the rounding of f32 accounts for it.

The interpreter gives the correctly rounded value. A kernel computes in f32, which may move the exact value
by the bound of `error_bounds` before it is rounded; where the bound is 0, the results are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from codegen.record import Entry, OpRecord
from kernel_ir.dtypes import DType
from kernel_ir.interpret import error_bounds, interpret
from kernel_ir.rounding import Array, decode, ulp


@dataclass(frozen=True, slots=True)
class Reference:
    """What the interpreter gives for one call: storage arrays, and absolute bounds, by output."""

    outputs: Mapping[str, Array]
    bounds: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The greatest error over all outputs, in units in the last place and as a share of what is allowed.

    Where terms cancel, many ulps may be allowed. The share is at most 1 where the results agree.
    """

    worst_ulp: float
    worst_share: float

    @property
    def is_allowed(self) -> bool:
        return self.worst_share <= 1


def make_reference(record: OpRecord, entry: Entry, arguments: Mapping[str, Any]) -> Reference:
    """Interpret a call. Raises ValueError for arguments that the signature refuses."""
    types = {name: dtype.name for name, dtype in entry.dtypes}
    outputs = interpret(record.kernel, arguments, types)
    return Reference(outputs, error_bounds(record.kernel, arguments, types))


def compare(record: OpRecord, entry: Entry, got: Mapping[str, Array], want: Reference) -> Agreement:
    """Outputs of a call beside the reference's; a missing output or another shape is not allowed."""
    if set(got) != set(want.outputs) or any(got[name].shape != want.outputs[name].shape for name in got):
        return Agreement(np.inf, np.inf)
    worst_ulp = worst_share = 0.0
    for name in got:
        dtype = entry.resolve(record.kernel.tensors()[name].dtype)
        error, allowed = _errors(got[name], want.outputs[name], want.bounds.get(name), dtype)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(error == 0, 0.0, error / allowed)
        worst_ulp = max(worst_ulp, float(np.max(error, initial=0.0)))
        worst_share = max(worst_share, float(np.max(share, initial=0.0)))
    return Agreement(worst_ulp, worst_share)


def _errors(got: Array, want: Array, bound: Array | None, dtype: DType) -> tuple[Array, Array]:
    """Error and allowed error of every element, in ulps; NaN against a number counts as infinite."""
    values, exact = (decode(item, dtype).astype(np.float64) for item in (got, want))
    unit = np.nan_to_num(ulp(exact, dtype), nan=1.0)
    with np.errstate(invalid="ignore"):
        error = np.abs(values - exact) / unit
    is_same = (values == exact) | (np.isnan(values) & np.isnan(exact))
    error = np.where(is_same, 0.0, np.nan_to_num(error, nan=np.inf, posinf=np.inf))
    moved = np.zeros(exact.shape) if bound is None else np.nan_to_num(bound, nan=0.0)
    return error, np.where(moved > 0, 1 + moved / unit, 0.0)

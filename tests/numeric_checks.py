"""How tests compare the outputs of two executors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kernel_ir import nodes as ir
from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.rounding import decode, ulp


def dtype_of(kernel: ir.Kernel, tensor: str, types: Mapping[str, str]) -> DType:
    """The dtype of a tensor, given that of each type variable."""
    written = kernel.tensors()[tensor].dtype
    return DTYPES[types.get(written, written)]


def bits(values: Any) -> Any:
    """The bit patterns of a storage array."""
    return np.ascontiguousarray(values).view(f"u{values.itemsize}")


def assert_within_an_ulp(got: Any, wanted: Any, dtype: DType) -> None:
    """Equal but for the last bit of floats: an online softmax rescales what others sum once."""
    got, wanted = decode(got, dtype), decode(wanted, dtype)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    allowed = ulp(np.where(np.isfinite(wanted), wanted, 0), dtype) if dtype.is_float else 0
    same = (got == wanted) | np.isnan(wanted)
    with np.errstate(invalid="ignore"):
        close = np.abs(got - wanted) <= allowed
    assert np.all(same | close), f"got {got}, wanted {wanted}"

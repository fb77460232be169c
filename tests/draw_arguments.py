"""Random arguments for a spec, drawn as its `values` say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import evaluate_size
from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.load import LoadedSpec
from kernel_ir.rounding import encode
from kernel_ir.shape_types import parse_size
from kernel_ir.spec import Values


def draw_arguments(
    loaded: LoadedSpec, given: Mapping[str, Any], types: Mapping[str, str], seed: int = 0
) -> dict[str, Any]:
    """Storage arrays and numbers for every argument.

    `given` holds the sizes, and the value of any argument that is not to be drawn: a number, an
    array, or None for an optional tensor. Floats without `values` are normal, integers 0 to 9.
    """
    rng = np.random.default_rng(seed)
    sizes = {name: given[name] for name in loaded.size_names()}
    arguments: dict[str, Any] = {}
    for item in loaded.arguments():
        if isinstance(item, ir.TensorType):
            dtype = DTYPES[types.get(item.dtype, item.dtype)]
            values = given[item.name] if item.name in given else _draw(rng, item, loaded, sizes, dtype)
            arguments[item.name] = None if values is None else encode(values, dtype)
        elif item.name in given:
            arguments[item.name] = given[item.name]
    return arguments


def _draw(
    rng: np.random.Generator, item: ir.TensorType, loaded: LoadedSpec, sizes: Mapping[str, int], dtype: DType
) -> Any:
    shape = tuple(evaluate_size(extent, sizes) for extent in item.shape)
    values = loaded.spec.arguments[item.name].values or _default(dtype)

    def bound(written: int | float | str) -> int | float:
        if not isinstance(written, str):
            return written
        size = evaluate_size(parse_size(written), sizes)
        assert size is not None
        return size

    match values:
        case Values(uniform=(low, high)) if dtype.is_float:
            return rng.uniform(bound(low), bound(high), shape)
        case Values(uniform=(low, high)):
            return rng.integers(bound(low), max(bound(high), bound(low) + 1), shape)
        case Values(distinct=(low, high)):
            drawn = rng.permutation(np.arange(bound(low), bound(high)))
            return drawn[: int(np.prod(shape))].reshape(shape)
        case Values(offsets=total) if total is not None:
            inner = np.sort(rng.integers(0, bound(total) + 1, shape[0] - 2)) if shape[0] > 1 else []
            return np.array([0, *inner, bound(total)][: shape[0]])
        case _:
            return rng.normal(0, values.normal or 1.0, shape)


def _default(dtype: DType) -> Values:
    return Values(normal=1.0) if dtype.is_float else Values(uniform=(0, 2 if dtype.kind == "bool" else 10))

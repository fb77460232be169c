"""Arguments for a call, drawn as the spec's `examples` and `values` say.

An example gives every size and those scalars that have no default. A tensor's `values` say how it is
filled; floats without them are normal with deviation 1, integers uniform in [0, 10), bools even.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from codegen.failures import Failure
from codegen.record import Entry, OpRecord
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import evaluate_size
from kernel_ir.dtypes import DType
from kernel_ir.rounding import Array, encode
from kernel_ir.shape_types import parse_size
from kernel_ir.wording import counted

Example = Mapping[str, int | float | bool]

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "float": {"normal": 1.0},
    "int": {"uniform": (0, 10)},
    "uint": {"uniform": (0, 10)},
    "bool": {"uniform": (0, 2)},
}


class InputError(Failure):
    """An example and the `values` of an argument contradict each other."""


def make_arguments(record: OpRecord, example: Example, entry: Entry, seed: int = 0) -> dict[str, Any]:
    """A storage array or a number for each argument that `example` gives a size or a value for.

    Optional tensors are passed. Scalars that the example leaves out keep their default. The same seed
    draws the same arguments. Raises KeyError naming a size that the example lacks, InputError where
    `values` cannot fill a tensor of the example's size.
    """
    require_enough_values(record, example)
    rng = np.random.default_rng(seed)
    arguments: dict[str, Any] = {}
    for item in record.kernel.arguments:
        if isinstance(item, ir.TensorType):
            dtype = entry.resolve(item.dtype)
            values = record.values.get(item.name) or _DEFAULTS[dtype.kind]
            shape = shape_of(item, example)
            drawn = _draw(rng, values, shape, dtype, example)
            arguments[item.name] = encode(drawn, dtype)
        elif item.name in example:
            arguments[item.name] = example[item.name]
    return arguments


def element_count(record: OpRecord, example: Example) -> int:
    """Elements of all tensors of a call with the example's sizes."""
    return sum(math.prod(shape_of(item, example)) for item in record.kernel.tensors().values())


def shape_of(item: ir.TensorType, example: Example) -> tuple[int, ...]:
    """The shape of a tensor whose sizes the example gives. Raises KeyError where it lacks one."""
    return tuple(_evaluate(extent, example) for extent in item.shape)


def require_enough_values(record: OpRecord, example: Example) -> None:
    """Raises InputError where a tensor of the example is to hold more distinct values than there are."""
    for name, item in record.kernel.tensors().items():
        if "distinct" not in (values := record.values.get(name, {})):
            continue
        count = math.prod(shape_of(item, example))
        ends: Any = values["distinct"]  # a list of two, as the loader has seen to
        low, high = (_bound(end, example) for end in ends)
        if high - low < count:
            sizes = ", ".join(f"{size}: {value}" for size, value in example.items())
            raise InputError(
                f"{record.spec_path}: the example {{{sizes}}} gives {name!r} {counted(count, 'element')}, "
                f"and `distinct: [{low}, {high}]` only {counted(max(0, high - low), 'value')}"
            )


def _draw(
    rng: np.random.Generator,
    values: Mapping[str, Any],
    shape: tuple[int, ...],
    dtype: DType,
    example: Example,
) -> Array:
    """Values in any numeric dtype; `encode` rounds them to the tensor's."""
    ((kind, bounds),) = values.items()
    match kind:
        case "normal":
            return rng.normal(0.0, bounds, shape)
        case "uniform":
            low, high = (_bound(item, example) for item in bounds)
            is_float = dtype.is_float
            return rng.uniform(low, high, shape) if is_float else rng.integers(low, max(high, low + 1), shape)
        case "distinct":
            low, high = (_bound(item, example) for item in bounds)
            return np.asarray(low + rng.permutation(high - low)[: math.prod(shape)].reshape(shape))
        case "offsets":
            return _offsets(rng, _bound(bounds, example), shape)
        case _:
            raise ValueError(f"`values` knows no way to fill a tensor called {kind!r}")


def _offsets(rng: np.random.Generator, total: int, shape: tuple[int, ...]) -> Array:
    """Row starts of a compressed row list: 0, nondecreasing, `total` last."""
    inner = np.sort(rng.integers(0, total + 1, max(0, math.prod(shape) - 2)))
    return np.array([0, *inner, total])[: math.prod(shape)].reshape(shape)


def _bound(written: int | float | str, example: Example) -> Any:
    return _evaluate(parse_size(written), example) if isinstance(written, str) else written


def _evaluate(extent: ir.Expr, example: Example) -> int:
    value = evaluate_size(extent, example)
    if value is None:
        raise KeyError(f"the example {dict(example)} does not give every size of a shape")
    return value

"""Match a caller's arrays and numbers with a kernel's signature: sizes, dtypes, values.

The result is a `Frame`, the state in which an interpreter runs a body. Every fault of the caller's
is a `ValueError` that names the arguments concerned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kernel_ir.dtypes import I64, DType
from kernel_ir.errors import CompilerBug
from kernel_ir.nodes import Apply, Const, Expr, Kernel, ScalarType, Size, SizeType, TensorType
from kernel_ir.ops import OPS
from kernel_ir.printer import print_expression, print_shape
from kernel_ir.rounding import Array, compute_dtype, decode, encode, round_to, storage_dtype


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a kernel.

    `entry` holds the arguments' values on entry and `live` the results and the mutated arguments
    as they stand, all in compute types and in the shape that the body indexes. `scalars` holds
    numpy scalars of the compute types. An optional tensor that was not passed is in neither.
    """

    sizes: dict[str, int]
    scalars: dict[str, Any]
    dtypes: dict[str, DType]
    entry: dict[str, Array]
    live: dict[str, Array]
    shapes: dict[str, tuple[int, ...]]
    results: frozenset[str]

    def is_given(self, name: str) -> bool:
        return name in self.entry

    def readable(self, name: str) -> Array:
        """What loads of a tensor see: a result as it stands, an argument as it was at entry."""
        tensors = self.live if name in self.results else self.entry
        if name not in tensors:
            raise CompilerBug(f"load from {name}, which was not passed")
        return tensors[name]

    def writable(self, name: str) -> Array:
        if name not in self.live:
            raise CompilerBug(f"store to {name}, which is not a result or a mutated argument that was passed")
        return self.live[name]

    def outputs(self) -> dict[str, Array]:
        """The storage arrays of results and mutated arguments, in the caller's shapes."""
        return {
            name: encode(values, self.dtypes[name]).reshape(self.shapes[name])
            for name, values in self.live.items()
        }


def bind_arguments(kernel: Kernel, arguments: Mapping[str, Any], types: Mapping[str, str]) -> Frame:
    """Check `arguments` against the signature and build the frame of one call.

    Tensors are storage arrays of their dtype, or other numeric arrays, which are rounded to it.
    `types` binds each type variable to a dtype's name. An absent argument takes its default.
    """
    _refuse_unknown(kernel, arguments)
    tensors = kernel.tensors()
    dtypes = {name: _resolve_dtype(kernel, tensor, types) for name, tensor in tensors.items()}
    arrays = _take_arrays(kernel, arguments, dtypes)
    sizes = _infer_sizes(kernel, arguments, arrays)
    entry = {name: _collapse(tensors[name], array) for name, array in arrays.items()}
    live = {item.name: entry[item.name].copy() for item in _mutated(kernel) if item.name in entry}
    for item in kernel.results:
        live[item.name] = np.zeros(_shape(item, sizes), compute_dtype(dtypes[item.name]))
    frame = Frame(
        sizes=sizes,
        scalars=_take_scalars(kernel, arguments),
        dtypes=dtypes,
        entry=entry,
        live=live,
        shapes=_caller_shapes(kernel, arrays, sizes),
        results=frozenset(item.name for item in kernel.results),
    )
    _check_requirements(kernel, frame)
    return frame


def evaluate_size(expr: Expr, known: Mapping[str, Any]) -> int | None:
    """An integer or bool expression over sizes and integer scalars; None where `known` lacks a name."""
    if isinstance(expr, Const):
        return int(expr.value)
    if isinstance(expr, Apply):
        operands = [evaluate_size(item, known) for item in expr.args]
        if None in operands:
            return None
        return int(OPS[expr.op].meaning(np, *map(_exactly, operands)))
    name = getattr(expr, "name", None)
    return known.get(name) if name is not None else None


def _exactly(value: Any) -> Any:
    """An operand with which integers do not wrap, as the host computes: numpy's have 64 bits."""
    return value if abs(value) < 1 << 31 else np.array(value, dtype=object)


def keeps_requirements(kernel: Kernel, known: Mapping[str, Any]) -> bool:
    """Whether sizes and scalars keep the requirements; scalars that are left out have their defaults."""
    scalars = (item for item in kernel.arguments if isinstance(item, ScalarType))
    values = {item.name: item.default for item in scalars if item.default is not None} | dict(known)
    return all(evaluate_size(condition, values) for condition in kernel.requires)


def _refuse_unknown(kernel: Kernel, arguments: Mapping[str, Any]) -> None:
    known = {item.name for item in kernel.arguments}
    for name in arguments:
        if name not in known:
            raise ValueError(f"{kernel.name}: unknown argument {name}")


def _resolve_dtype(kernel: Kernel, tensor: TensorType, types: Mapping[str, str]) -> DType:
    choices = {dtype.name: dtype for dtype in kernel.dtype_choices(tensor.dtype)}
    if tensor.dtype not in types:
        if len(choices) == 1:
            return next(iter(choices.values()))
        raise ValueError(f"{kernel.name}: no dtype bound for {tensor.dtype}, the type of {tensor.name}")
    bound = types[tensor.dtype]
    if bound not in choices:
        known = ", ".join(choices)
        raise ValueError(f"{kernel.name}: {tensor.dtype} cannot be {bound}; it is one of {known}")
    return choices[bound]


# ---- tensors -----------------------------------------------------------------------------------


def _mutated(kernel: Kernel) -> list[TensorType]:
    return [item for item in kernel.arguments if isinstance(item, TensorType) and item.role == "mutated"]


def _take_arrays(
    kernel: Kernel, arguments: Mapping[str, Any], dtypes: Mapping[str, DType]
) -> dict[str, Array]:
    """The passed tensors as compute-type arrays in the caller's shape."""
    arrays = {}
    for item in kernel.arguments:
        if not isinstance(item, TensorType):
            continue
        given = arguments.get(item.name)
        if given is not None:
            arrays[item.name] = _check_rank(kernel, item, _values_of(given, dtypes[item.name]))
        elif not item.is_optional:
            raise ValueError(f"{kernel.name}: argument {item.name} is missing")
    return arrays


def _values_of(given: Any, dtype: DType) -> Array:
    array = np.asarray(given)
    if array.dtype == storage_dtype(dtype):
        return decode(array, dtype)
    return np.asarray(round_to(array, dtype))


def _check_rank(kernel: Kernel, item: TensorType, array: Array) -> Array:
    expected = len(item.shape) - (item.leading is not None)
    if array.ndim == expected or (item.leading is not None and array.ndim > expected):
        return array
    least = "at least " if item.leading is not None else ""
    raise ValueError(
        f"{kernel.name}: {item.name} has shape {array.shape}, expected {least}{expected} dimensions: "
        f"{print_shape(item)}"
    )


def _collapse(item: TensorType, array: Array) -> Array:
    if item.leading is None:
        return array
    kept = array.ndim - (len(item.shape) - 1)
    return array.reshape((math.prod(array.shape[:kept]), *array.shape[kept:]))


def _shape(item: TensorType, sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(_known_size(extent, sizes) for extent in item.shape)


def _known_size(extent: Expr, sizes: Mapping[str, int]) -> int:
    value = evaluate_size(extent, sizes)
    if value is None:
        raise CompilerBug(f"the dimension {print_expression(extent)} is not an expression over sizes")
    return value


def _caller_shapes(
    kernel: Kernel, arrays: Mapping[str, Array], sizes: Mapping[str, int]
) -> dict[str, tuple[int, ...]]:
    """The shape to hand each output back in: `*rows` opens into what the caller passed for it."""
    tensors = kernel.tensors()
    leading: dict[str | None, tuple[int, ...]] = {}
    for name, array in arrays.items():
        item = tensors[name]
        leading.setdefault(item.leading, array.shape[: array.ndim - len(item.shape) + 1])
    shapes = {item.name: arrays[item.name].shape for item in _mutated(kernel) if item.name in arrays}
    for item in kernel.results:
        shape = _shape(item, sizes)
        is_opened = item.leading is not None and item.leading in leading
        shapes[item.name] = leading[item.leading] + shape[1:] if is_opened else shape
    return shapes


# ---- sizes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Equation:
    """`extent` has the value `actual`, as `place` says."""

    extent: Expr
    actual: int
    place: str


def _infer_sizes(kernel: Kernel, arguments: Mapping[str, Any], arrays: Mapping[str, Array]) -> dict[str, int]:
    """Solve the shapes for the sizes, exactly, and check every dimension against the solution."""
    equations = _equations(kernel, arguments, arrays)
    sizes: dict[str, int] = {}
    origins: dict[str, str] = {}
    for _ in range(len(kernel.sizes) + 1):
        for equation in equations:
            for name, value in _solve(kernel, equation.extent, equation, equation.actual, sizes).items():
                sizes[name], origins[name] = value, equation.place
    for equation in equations:
        _check_equation(kernel, equation, sizes, origins)
    for name in kernel.sizes:
        if name not in sizes and not _is_only_in_absent_tensors(kernel, name, arrays):
            raise ValueError(f"{kernel.name}: the size {name} does not follow from the arguments")
    return {name: sizes.get(name, 0) for name in kernel.sizes}


def _equations(kernel: Kernel, arguments: Mapping[str, Any], arrays: Mapping[str, Array]) -> list[_Equation]:
    """What the arguments say, plain names first: a product of 0 says nothing of its other factor."""
    found = []
    for item in kernel.arguments:
        if isinstance(item, SizeType):
            value = arguments.get(item.name, item.default)
            if value is not None:
                found.append(_Equation(Size(item.name, I64), int(value), f"the argument {item.name}"))
        elif item.name in arrays and isinstance(item, TensorType):
            shape = _collapse(item, arrays[item.name]).shape
            for axis, (extent, actual) in enumerate(zip(item.shape, shape, strict=True)):
                found.append(_Equation(extent, actual, f"{item.name} dimension {axis}"))
    return sorted(found, key=lambda equation: not isinstance(equation.extent, Size))


def _solve(
    kernel: Kernel, extent: Expr, equation: _Equation, actual: int, sizes: Mapping[str, int]
) -> dict[str, int]:
    """The size that `extent == actual` determines, where it holds exactly one unknown once."""
    if isinstance(extent, Size):
        return {} if extent.name in sizes else {extent.name: actual}
    if not (isinstance(extent, Apply) and extent.op in _INVERSES):
        return {}
    left, right = (evaluate_size(item, sizes) for item in extent.args)
    if (left is None) == (right is None):
        return {}
    inner = extent.args[0] if left is None else extent.args[1]
    known = right if left is None else left
    value = _INVERSES[extent.op](actual, known, left is None)
    if value is None:
        wanted = print_expression(equation.extent)
        raise ValueError(f"{kernel.name}: {equation.place} is {equation.actual}, which cannot be {wanted}")
    return _solve(kernel, inner, equation, value, sizes)


def _divide_exactly(actual: int, known: int, _: bool) -> int | None:
    """Any size would do of an extent of 0 that has the factor 0; it is taken as 0."""
    if known == 0:
        return 0 if actual == 0 else None
    return actual // known if actual % known == 0 else None


# (value of the whole, known operand, whether the unknown stands left) -> the unknown operand
_INVERSES: dict[str, Any] = {
    "add": lambda actual, known, _: actual - known,
    "subtract": lambda actual, known, is_left: actual + known if is_left else known - actual,
    "multiply": _divide_exactly,
}


def _check_equation(
    kernel: Kernel, equation: _Equation, sizes: Mapping[str, int], origins: Mapping[str, str]
) -> None:
    expected = evaluate_size(equation.extent, sizes)
    if expected == equation.actual and expected >= 0:
        return
    wanted = print_expression(equation.extent)
    if expected is None:
        raise ValueError(f"{kernel.name}: {equation.place} does not determine {wanted}")
    names = [name for name in sizes if name in _names_in(equation.extent)]
    sources = ", ".join(f"{name} = {sizes[name]} from {origins[name]}" for name in names)
    raise ValueError(
        f"{kernel.name}: {equation.place} is {equation.actual}, expected {wanted} = {expected} ({sources})"
    )


def _names_in(extent: Expr) -> set[str]:
    if isinstance(extent, Apply):
        return set().union(*(_names_in(item) for item in extent.args))
    return {extent.name} if isinstance(extent, Size) else set()


def _is_only_in_absent_tensors(kernel: Kernel, size: str, arrays: Mapping[str, Array]) -> bool:
    users = [item for item in kernel.arguments if isinstance(item, TensorType)]
    users = [item for item in users if any(size in _names_in(extent) for extent in item.shape)]
    return bool(users) and all(item.name not in arrays for item in users)


# ---- scalars -----------------------------------------------------------------------------------


def _take_scalars(kernel: Kernel, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Scalars as the kernel receives them: floats rounded to f32, integers in range."""
    scalars = {}
    for item in kernel.arguments:
        if not isinstance(item, ScalarType):
            continue
        value = arguments.get(item.name, item.default)
        if value is None:
            raise ValueError(f"{kernel.name}: argument {item.name} is missing")
        if item.dtype.is_integer and not item.dtype.lowest <= value <= item.dtype.highest:
            raise ValueError(f"{kernel.name}: {item.name} is {value}, which is no {item.dtype}")
        scalars[item.name] = round_to(value, item.dtype)[()]
    return scalars


def _check_requirements(kernel: Kernel, frame: Frame) -> None:
    known = frame.sizes | {name: value.item() for name, value in frame.scalars.items()}
    for condition in kernel.requires:
        if not evaluate_size(condition, known):
            raise ValueError(f"{kernel.name}: requires {print_expression(condition)}")

"""Type annotations of the public functions."""

from __future__ import annotations

from codegen.host.parameters import Ignored, Parameter
from codegen.host.targets import PackageTarget
from codegen.record import OpRecord
from kernel_ir import nodes as ir

_SCALARS = {"float": "float", "bool": "bool", "int": "int", "uint": "int"}


def stub_parameters(everything: tuple[Parameter | Ignored, ...], target: PackageTarget) -> tuple[str, ...]:
    """The annotated parameters, in the order of the function's definition."""
    first = _first_array(tuple(item for item in everything if isinstance(item, Parameter)))
    positional = [_annotated(item, first, target) for item in everything if not item.is_keyword_only]
    by_name = [_annotated(item, first, target) for item in everything if item.is_keyword_only]
    by_name += ["stream: mx.Stream | mx.Device | mx.DeviceType | None = ..."] if target.has_stream else []
    return (*positional, *(["*", *by_name] if by_name else []))


def stub_result(
    record: OpRecord, taken: tuple[Parameter, ...], returned: tuple[str, ...], target: PackageTarget
) -> str:
    """The annotation of what a call gives back."""
    tensors = record.kernel.tensors()
    types = [_result(tensors[name], _first_array(taken), target) for name in returned]
    if not types:
        return "None"
    return types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]"


def _first_array(taken: tuple[Parameter, ...]) -> ir.TensorType | None:
    """The array that says which framework a call works in."""
    found = (item.item for item in taken if item.kind == "tensor")
    return next((item for item in found if isinstance(item, ir.TensorType) and not item.is_optional), None)


def _annotated(item: Parameter | Ignored, first: ir.TensorType | None, target: PackageTarget) -> str:
    return f"{item.name}: Any = ..." if isinstance(item, Ignored) else _parameter(item, first, target)


def _parameter(item: Parameter, first: ir.TensorType | None, target: PackageTarget) -> str:
    kind = _kind(item, first, target)
    if item.default == "None" or (isinstance(item.item, ir.TensorType) and item.item.is_optional):
        kind += " | None"
    return f"{item.name}: {kind}{' = ...' if item.default else ''}"


def _kind(item: Parameter, first: ir.TensorType | None, target: PackageTarget) -> str:
    match item.item:
        case ir.TensorType() as tensor:
            is_alike = first is not None and tensor.dtype == first.dtype and item.kind == "destination"
            return target.array_type if tensor is first or is_alike else target.other_array_type
        case ir.ScalarType(dtype=dtype):
            return _SCALARS[dtype.kind]
        case ir.SizeType():
            return "int"


def _result(tensor: ir.TensorType, first: ir.TensorType | None, target: PackageTarget) -> str:
    """Results of the first array's dtype have its very type; of others only the framework is known."""
    is_alike = first is not None and tensor.dtype == first.dtype
    return target.array_type if is_alike or target.has_stream else "Any"

"""The results of a call, without values, as Python text over the arguments of a torch operator.

    x: T[*rows, 2 * width] -> out: T[*rows, width]
        x.new_empty((*x.shape[:-1], x.shape[-1] // 2), dtype=x.dtype)
"""

from __future__ import annotations

from collections.abc import Mapping

from codegen.host.parameters import parameters
from codegen.host.sizes import linear_form
from codegen.record import Export, OpRecord
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64, DType
from kernel_ir.errors import CompilerBug
from kernel_ir.printer import print_expression
from kernel_ir.signature import Signature
from kernel_ir.solve_sizes import SizeOrigin, solve_sizes

_TORCH_NAMES = {
    "f32": "float32",
    "f16": "float16",
    "bf16": "bfloat16",
    "f8e4m3": "float8_e4m3fn",
    "i8": "int8",
    "u8": "uint8",
    "i32": "int32",
    "u32": "uint32",
    "i64": "int64",
    "bool": "bool",
}


def result_text(record: OpRecord, export: Export, result: str) -> str:
    """The Python expression that makes `result` empty, where a call of `export` has to make it."""
    public = {item.item.name: item.name for item in parameters(record, export)}
    tensor = record.kernel.tensors()[result]
    first = _first_tensor(record)
    sizes = _sizes(record, public)
    shape = [_extent(tensor, axis, sizes, record, public) for axis in range(len(tensor.shape))]
    dtype = _dtype(tensor.dtype, record, public)
    text = f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(shape)})"
    return f"{public[first.name]}.new_empty({text}, dtype={dtype})"


def _first_tensor(record: OpRecord) -> ir.TensorType:
    """The argument that says on which device a call runs."""
    found = [item for item in record.kernel.arguments if isinstance(item, ir.TensorType)]
    required = [item for item in found if not item.is_optional]
    return (*required, *found)[0]


def _sizes(record: OpRecord, public: Mapping[str, str]) -> dict[str, ir.Expr]:
    """Each size as an expression over shapes and size arguments; text stands in it as a name."""
    kernel = record.kernel
    found: dict[str, ir.Expr] = {}
    for origin in solve_sizes(Signature(kernel.arguments, kernel.results, kernel.sizes)):
        found[origin.size] = _solved(origin, found, record, public)
    return found


def _solved(
    origin: SizeOrigin, sizes: Mapping[str, ir.Expr], record: OpRecord, public: Mapping[str, str]
) -> ir.Expr:
    if origin.axis is None:
        return _text(public[origin.argument])
    tensor = record.kernel.tensors()[origin.argument]
    extent = _text(_extent_of(tensor, origin.axis, public))
    if isinstance(origin.dimension, ir.Size):
        return extent
    slope, rest = (_replace(part, sizes) for part in linear_form(origin.dimension, origin.size))
    difference = extent if rest == ir.Const(0, I64) else ir.Apply("subtract", (extent, rest), I64)
    return ir.Apply("floor_divide", (difference, slope), I64)


def _text(text: str) -> ir.Expr:
    return ir.Size(text, I64)


def _extent_of(tensor: ir.TensorType, axis: int, public: Mapping[str, str]) -> str:
    """The extent of an argument along an axis of its declaration."""
    shape = f"{public[tensor.name]}.shape"
    if tensor.leading is None:
        return f"{shape}[{axis}]"
    return f"{shape}[{axis - len(tensor.shape)}]" if axis else f"_product({_leading(tensor, public)})"


def _leading(tensor: ir.TensorType, public: Mapping[str, str]) -> str:
    """The extents for which the first dimension of an argument stands."""
    rank = len(tensor.shape)
    return f"{public[tensor.name]}.shape" + (f"[:{1 - rank}]" if rank > 1 else "")


def _extent(
    tensor: ir.TensorType,
    axis: int,
    sizes: Mapping[str, ir.Expr],
    record: OpRecord,
    public: Mapping[str, str],
) -> str:
    """An extent of a result; several, where it stands for those that lead another array."""
    dimension = tensor.shape[axis]
    if axis == 0 and tensor.leading is not None:
        source = next((item for item in _arguments(record) if item.leading == tensor.leading), None)
        if source is not None:
            return f"*{_leading(source, public)}"
    return print_expression(_replace(dimension, sizes))


def _arguments(record: OpRecord) -> list[ir.TensorType]:
    """The array arguments, with those that are always given first."""
    found = [item for item in record.kernel.arguments if isinstance(item, ir.TensorType)]
    return sorted(found, key=lambda item: item.is_optional)


def _replace(expr: ir.Expr, sizes: Mapping[str, ir.Expr]) -> ir.Expr:
    match expr:
        case ir.Size(name):
            return sizes[name]
        case ir.Apply(op, args, type_):
            return ir.Apply(op, tuple(_replace(arg, sizes) for arg in args), type_)
        case ir.Const():
            return expr
        case _:
            raise CompilerBug(f"{type(expr).__name__} cannot stand in the shape of a result")


def _dtype(name: str, record: OpRecord, public: Mapping[str, str]) -> str:
    """A dtype; of a type variable, that of the argument which decides it."""
    choices = record.kernel.dtype_choices(name)
    decider = next((item for item in _arguments(record) if item.dtype == name and not item.is_optional), None)
    if len(choices) == 1 or decider is None:
        return f"_torch.{_TORCH_NAMES[choices[0].name]}"
    text = f"{public[decider.name]}.dtype"
    return f"_float8({text})" if _may_come_as_bits(choices) else text


def _may_come_as_bits(choices: tuple[DType, ...]) -> bool:
    """Whether an array of uint8 holds 8-bit floats."""
    names = {item.name for item in choices}
    return "f8e4m3" in names and "u8" not in names

"""How the signature of an op reads in docstrings: dtypes, shapes, roles."""

from __future__ import annotations

from kernel_ir import nodes as ir
from kernel_ir.dtypes import DType
from kernel_ir.printer import print_shape

# What callers call the dtypes.
_CALLER_NAMES = {
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


def dtype_text(choices: tuple[DType, ...]) -> str:
    """`float32, float16 or bfloat16`."""
    names = [_CALLER_NAMES[item.name] for item in choices]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def shape_text(tensor: ir.TensorType) -> str:
    """`[*rows, width]`."""
    return print_shape(tensor).removeprefix(tensor.dtype)


def tensor_text(kernel: ir.Kernel, tensor: ir.TensorType) -> str:
    """`T[*rows, width]`, or `float32[width]` where the dtype is fixed."""
    is_variable = any(name == tensor.dtype for name, _ in kernel.types)
    dtype = tensor.dtype if is_variable else dtype_text(kernel.dtype_choices(tensor.dtype))
    return dtype + shape_text(tensor)


def scalar_text(dtype: DType) -> str:
    """A scalar's type with its width: `float`, `int (int32)`, `bool`."""
    match dtype.kind:
        case "float":
            return "float"
        case "bool":
            return "bool"
        case _:
            return f"int ({_CALLER_NAMES[dtype.name]})"

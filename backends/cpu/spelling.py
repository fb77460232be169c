"""How the CPU target spells dtypes, ops and reductions: tables, and nothing else."""

from __future__ import annotations

from codegen.expressions import C_OPERATORS, Call, Spelling

# Storage types, by dtype.
STORAGE = {
    "f32": "float",
    "f16": "sgl::f16",
    "bf16": "sgl::bf16",
    "f8e4m3": "sgl::f8e4m3",
    "i8": "int8_t",
    "u8": "uint8_t",
    "i32": "int32_t",
    "u32": "uint32_t",
    "i64": "int64_t",
    "bool": "sgl::boolean",
}

# Compute types.
TYPES = {"f32": "float", "i32": "int32_t", "u32": "uint32_t", "i64": "int64_t", "bool": "bool"}

_FUNCTIONS = (
    "power exp exp2 log log2 sqrt rsqrt sin cos tanh erf floor ceil round trunc abs isnan isinf "
    "minimum maximum floor_divide modulo shift_left shift_right select bits_to_f32 f32_to_bits"
).split()

OPS: dict[str, Spelling] = {
    **C_OPERATORS,
    **{name: Call(f"sgl::{name}") for name in _FUNCTIONS},
    "f32": Call("sgl::to_f32"),
    "i32": Call("sgl::to_i32"),
    "u32": Call("sgl::to_u32"),
    "i64": Call("sgl::to_i64"),
    "f16": Call("sgl::round_to<sgl::f16>"),
    "bf16": Call("sgl::round_to<sgl::bf16>"),
    "f8e4m3": Call("sgl::round_to<sgl::f8e4m3>"),
}

MONOIDS = {
    "sum": "sgl::Sum",
    "max": "sgl::Max",
    "min": "sgl::Min",
    "any": "sgl::Any",
    "all": "sgl::All",
    "count": "sgl::Count",
    "argmax": "sgl::ArgMax",
    "best": "sgl::Best",
    "top": "sgl::Top",
    "argmin": "sgl::ArgMin",
    "online_softmax": "sgl::OnlineSoftmax",
}

# Reductions whose result says where, and so take the index with the value.
INDEXED = frozenset({"argmax", "argmin", "best", "top"})

RESERVED_HERE = frozenset({"sgl", "params", "item", "tile", "tiles"})

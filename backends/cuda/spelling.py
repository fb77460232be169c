"""How CUDA spells dtypes, ops and reductions: tables, and nothing else."""

from __future__ import annotations

from codegen.expressions import C_OPERATORS, Call, Spelling
from codegen.gpu.ops import FUNCTIONS, MONOIDS
from codegen.gpu.text import Spellings
from kernel_ir.names import RESERVED

# Storage types, by dtype.
STORAGE = {
    "f32": "float",
    "f16": "__half",
    "bf16": "__nv_bfloat16",
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

OPS: dict[str, Spelling] = {
    **C_OPERATORS,
    **FUNCTIONS,
    "divide": Call("sgl::divide"),
    "f16": Call("sgl::round_to<__half>"),
    "bf16": Call("sgl::round_to<__nv_bfloat16>"),
    "f8e4m3": Call("sgl::round_to<sgl::f8e4m3>"),
}

# Of integers, in words that ptxas takes as they are.
COMPARISONS = {
    "equal": "sgl::is_equal",
    "not_equal": "!sgl::is_equal",
    "less": "sgl::is_less",
    "less_equal": "!sgl::is_greater",
    "greater": "sgl::is_greater",
    "greater_equal": "!sgl::is_less",
}

SPELLINGS = Spellings(
    types=TYPES,
    storage=STORAGE,
    ops=OPS,
    monoids=MONOIDS,
    device="",
    infinity="CUDART_INF_F",
    nan="CUDART_NAN_F",
    reserved=RESERVED,
    fuses=True,
    copies_ahead=True,
    at_least_zero="sgl::at_least_zero",
    comparisons=COMPARISONS,
    starts_early=True,
    sorts_ranks=True,
    unrolled='_Pragma("unroll 4")',
)

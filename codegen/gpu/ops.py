"""Ops and reductions that every GPU runtime offers under the same names."""

from __future__ import annotations

from codegen.expressions import Call, Spelling

_NAMES = """
power exp exp2 log log2 sqrt rsqrt sin cos tanh erf floor ceil round trunc abs isnan isinf
minimum maximum floor_divide modulo shift_left shift_right bits_to_f32 f32_to_bits
wrapping_add wrapping_subtract wrapping_multiply wrapping_negate
""".split()

FUNCTIONS: dict[str, Spelling] = {
    **{name: Call(f"sgl::{name}") for name in _NAMES},
    "f32": Call("float"),
    "i32": Call("sgl::to_i32"),
    "u32": Call("sgl::to_u32"),
    "i64": Call("sgl::to_i64"),
    "index": Call("index_t"),  # widening to i64 that stays inside the index type
}

MONOIDS = {
    "sum": "sgl::Sum",
    "max": "sgl::Max",
    "min": "sgl::Min",
    "any": "sgl::Any",
    "all": "sgl::All",
    "count": "sgl::Count",
    "argmax": "sgl::ArgMax",
    "argmin": "sgl::ArgMin",
    "best": "sgl::Best",
    "top": "sgl::Top",
    "online_softmax": "sgl::OnlineSoftmax",
}

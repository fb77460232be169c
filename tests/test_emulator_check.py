"""Address spaces are kept apart before a shader runs: what Metal refuses is refused, and nothing else."""

from __future__ import annotations

import needs_emulator  # noqa: F401
import pytest

from backends.metal.emulator import ShaderError, load

HEADER = "#include <metal_stdlib>\nusing namespace metal;\n"
KERNEL = "kernel void k(device float* x [[buffer(0)]], constant float* c [[buffer(1)]],\n" \
         "              threadgroup float* t [[threadgroup(0)]]) {{ {} }}\n"  # fmt: skip

REFUSED = {
    "x = t;": "assigning 'threadgroup float *' to 'device float *' changes address space",
    "thread float* y = x;": "cannot initialize a variable of type 'float *'",
    "device const float* y = c;": "cannot initialize a variable of type 'const device float *'",
    "threadgroup float local[4]; x = local;": "incompatible type 'threadgroup float[4]'",
    "c[0] = 1;": "read-only variable is not assignable",
    "set(x[0]);": "no matching function for call to 'set'",
    "fill(t);": "no matching function for call to 'fill'",
    "device float4* y = reinterpret_cast<device float4*>(t);": "reinterpret_cast from 'threadgroup float *'",
    "device const float* y = table;": "with an lvalue of type 'const constant float[2]'",
    "atomic_exchange_explicit(x, 1.0f, memory_order_relaxed);": "no matching function for call to 'atomic_ex",
    "x[0] = sincos(1.0f, x[1]);": "no matching function for call to 'sincos'",
    "x[0] = reinterpret_cast<device One*>(x)->get();": "with an expression of type 'device One'",
}  # fmt: skip
BEFORE = """
constant float table[2] = {1, 2};
struct One { float v; float get() const { return v; } };
inline void set(thread float& y) { y = 1; }
template <class T> void fill(device T* y) { y[0] = 1; }
"""


@pytest.mark.parametrize("statement", REFUSED)
def test_mixed_address_spaces_are_refused_at_their_line(statement: str) -> None:
    with pytest.raises(ShaderError) as refused:
        load(HEADER + BEFORE + KERNEL.format("\n" + statement))
    first = str(refused.value).split("\n")[0]
    assert first.startswith("shader.metal:10:") and REFUSED[statement] in first


ACCEPTED = {
    "objects are copied between spaces": (
        "struct S { float v[4]; };",
        "device S* s = reinterpret_cast<device S*>(x); constant S& p = *reinterpret_cast<constant S*>(c);"
        "S a = p; S b = s[1]; s[0] = a; thread const S& r = b; a = r; S d(p); d = p; x[0] = d.v[0] + a.v[0];",
    ),
    "objects live in threadgroup memory": (
        "struct S { float v[4]; atomic_uint n; };",
        "threadgroup S s; threadgroup S more[2]; s.v[0] = more[1].v[1];"
        "atomic_fetch_add_explicit(&s.n, 1u, memory_order_relaxed);",
    ),
    "constants are worked out from constants": (
        "constant int a [[function_constant(0)]]; constant bool has = is_function_constant_defined(a);"
        "constant int b = has ? a * 2 : 7; constant constexpr float pi = 3.0f;",
        "x[0] = b * pi;",
    ),
    "auto stands for any space": (
        "",
        "device auto* p = x + 1; auto q = x; const device auto& r = x[0]; threadgroup auto& s = t[0];"
        "s = r; *p = *q + s; thread auto v = s; x[1] = v;",
    ),
    "methods of thread objects": (
        "struct F { float v; METAL_FUNC float get() thread const { return v; } };",
        "F f; f.v = 1; x[0] = f.get();",
    ),
    "methods and functions for each space": (
        "struct F { float v; float get() const device { return v; } float get() const thread { return v; } };"
        "inline float of(device const F& f) { return f.v; }"
        "inline float of(thread const F& f) { return f.v; }",
        "device F& from = *reinterpret_cast<device F*>(x); F own; own.v = 1;"
        "x[0] = from.get() + own.get() + of(from) + of(own);",
    ),
    "packed vectors": (
        "",
        "device packed_float3* o = reinterpret_cast<device packed_float3*>(x); float3 v = float3(o[1]);"
        "o[0] = packed_float3(v); o[2] = o[1] + v; o[0].x = 1; o[0][1] = 2;",
    ),
    "atomics of both spaces": (
        "",
        "auto u = reinterpret_cast<volatile device atomic_uint*>(x); uint e = 0;"
        "atomic_compare_exchange_weak_explicit(u, &e, 1u, memory_order_relaxed, memory_order_relaxed);"
        "auto w = reinterpret_cast<threadgroup atomic_int*>(t);"
        "atomic_store_explicit(w, 2, memory_order_relaxed);",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_correct_use_of_address_spaces_is_accepted(case: str) -> None:
    before, statements = ACCEPTED[case]
    assert load(f"{HEADER}{before}\n{KERNEL.format(statements)}").kernels == ("k",)

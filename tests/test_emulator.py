"""Shaders as people write them run on the emulator, and each builtin does what Metal says it does."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import replace

import needs_emulator  # noqa: F401
import numpy as np
import pytest
from emulated_shaders import LIBRARY_STYLE

from backends.metal.emulator import (
    CanaryError,
    Finding,
    Launch,
    LaunchError,
    Outcome,
    Shader,
    ShaderError,
    compile,
    load,
)

KERNEL = """
kernel void each{number}(device const {given}* x [[buffer(0)]], device {given}* out [[buffer(1)]],
    uint i [[thread_position_in_grid]], ushort lane [[thread_index_in_simdgroup]]) {{
  out[i] = {value};
}}
"""
HEADER = "#include <metal_stdlib>\nusing namespace metal;"
LANES = np.arange(32)
DTYPES = {"float": np.float32, "int": np.int32, "uint": np.uint32}


@functools.cache
def each_shader(values: tuple[str, ...], given: str) -> Shader:
    """A kernel for every value that x[i] gives one of for each lane."""
    kernels = [KERNEL.format(number=n, given=given, value=value) for n, value in enumerate(values)]
    return load(HEADER + "".join(kernels))


def each(value: str, values: Iterable[str], x: np.ndarray, given: str, **how: str) -> np.ndarray:
    """`value`, which is one of `values`, for the 32 elements of x."""
    known = tuple(values)
    blank = np.zeros(len(x), DTYPES[given])
    launch = Launch(f"each{known.index(value)}", {0: x, 1: blank}, threadgroup=len(x), blank={1})
    outcome = each_shader(known, given).run(launch, **how)
    assert not outcome.findings, "\n".join(map(str, outcome.findings))
    return outcome.buffers[1]


VALUES = np.array([-2.5, -1.0, -0.25, 0.0, 0.5, 1.5, 2.5, 3.75] * 4, np.float32)
WHOLE = np.array([1, 2, 3, 5, 8, 13, 0x80000000, 0xFFFFFFFF] * 4, np.uint32)

FUNCTIONS = {
    "exp(x[i])": np.exp(VALUES),
    "metal::precise::exp2(x[i])": np.exp2(VALUES),
    "fast::tanh(x[i])": np.tanh(VALUES),
    "rsqrt(abs(x[i]) + 1.0f)": 1 / np.sqrt(np.abs(VALUES) + 1),
    "rint(x[i])": np.rint(VALUES),
    "round(x[i])": np.trunc(VALUES + np.copysign(0.5, VALUES)),
    "fract(x[i])": VALUES - np.floor(VALUES),
    "sign(x[i])": np.sign(VALUES),
    "saturate(x[i])": np.clip(VALUES, 0, 1),
    "clamp(x[i], -1.0f, 2.0f)": np.clip(VALUES, -1, 2),
    "mix(1.0f, 3.0f, x[i])": 1 + 2 * VALUES,
    "fma(x[i], 2.0f, 1.0f)": VALUES * 2 + 1,
    "select(1.0f, 2.0f, x[i] > 0.0f)": np.where(VALUES > 0, 2, 1),
    "max(x[i], NAN)": VALUES,
    "float4(x[i], 1, 2, 3).wzyx.w": VALUES,
    "dot(float3(x[i], 1.0f, 0.0f), float3(2.0f))": 2 * (VALUES + 1),
    "0; packed_float3 p(x[i], 1, 2), q(3); out[i] = p.x + q.z": VALUES + 3,
    "((float4)int4(int(x[i]))).y": np.trunc(VALUES),
    "static_cast<float2>(half2(half(x[i]))).x": VALUES,
    "float(half(x[i]) * 2.0h)": VALUES * 2,
    "float(bfloat(x[i] * 1.001f))": VALUES,
    "as_type<float>(as_type<uint>(x[i]))": VALUES,
    "any(float2(x[i], 0.0f) > 1.0f) ? 1.0f : 0.0f": VALUES > 1,
    "all(isfinite(float2(x[i], INFINITY))) ? 1.0f : 0.0f": 0 * VALUES,
    "vec<float, 4>(x[i]).z": VALUES,
    "sinpi(x[i])": np.sin(np.pi * VALUES.astype(float)),
    "median3(x[i], 0.0f, 1.0f)": np.clip(VALUES, 0, 1),
    "max3(x[i], 0.0f, 1.0f)": np.maximum(VALUES, 1),
    "smoothstep(0.0f, 1.0f, x[i])": np.clip(VALUES, 0, 1) ** 2 * (3 - 2 * np.clip(VALUES, 0, 1)),
    "nextafter(x[i], 9.0f)": np.nextafter(VALUES, np.float32(9)),
    "ldexp(x[i], 3)": 8 * VALUES,
    "cross(float3(x[i], 0, 0), float3(0, 1, 0)).z": VALUES,
    "distance(float2(x[i], 0), float2(0))": np.abs(VALUES),
    "reflect(float2(x[i], 1), float2(0, 1)).y": -np.ones(32),
    "unpack_snorm4x8_to_float(pack_float_to_snorm4x8(float4(x[i]))).z":
        np.rint(np.clip(VALUES, -1, 1) * 127) / 127,
}  # fmt: skip


@pytest.mark.parametrize("value", FUNCTIONS)
def test_function(value: str) -> None:
    found = each(value, FUNCTIONS, VALUES, "float")
    np.testing.assert_allclose(found, FUNCTIONS[value], rtol=1e-6, atol=1e-15)


BITS = {
    "popcount(x[i])": [bin(n).count("1") for n in WHOLE],
    "clz(x[i])": [32 - int(n).bit_length() for n in WHOLE],
    "ctz(x[i])": [(int(n) & -int(n)).bit_length() - 1 for n in WHOLE],
    "reverse_bits(x[i])": [int(f"{n:032b}"[::-1], 2) for n in WHOLE],
    "mulhi(x[i], 3u)": [int(n) * 3 >> 32 for n in WHOLE],
    "extract_bits(x[i], 1u, 3u)": [int(n) >> 1 & 7 for n in WHOLE],
    "uint(uchar4(uint4(x[i])).x)": [n & 255 for n in WHOLE],
    "addsat(x[i], 9u)": [min(int(n) + 9, 0xFFFFFFFF) for n in WHOLE],
    "subsat(x[i], 9u)": [max(int(n) - 9, 0) for n in WHOLE],
    "absdiff(x[i], 9u)": [abs(int(n) - 9) for n in WHOLE],
    "hadd(x[i], 9u)": [(int(n) + 9) >> 1 for n in WHOLE],
    "rhadd(x[i], 8u)": [(int(n) + 9) >> 1 for n in WHOLE],
    "insert_bits(x[i], 5u, 4u, 3u)": [int(n) & ~0x70 | 0x50 for n in WHOLE],
}


@pytest.mark.parametrize("value", BITS)
def test_integer_function(value: str) -> None:
    np.testing.assert_array_equal(each(value, BITS, WHOLE, "uint"), BITS[value])


SIMD = {
    "simd_sum(x[i])": np.full(32, LANES.sum()),
    "simd_max(x[i])": np.full(32, 31),
    "simd_min(x[i])": np.full(32, 0),
    "simd_prefix_inclusive_sum(x[i])": np.cumsum(LANES),
    "simd_prefix_exclusive_sum(x[i])": np.cumsum(LANES) - LANES,
    "simd_shuffle(x[i], ushort(31 - lane))": 31 - LANES,
    "simd_shuffle_xor(x[i], 5)": LANES ^ 5,
    "simd_shuffle_down(x[i], 3)": np.where(LANES < 29, LANES + 3, LANES),
    "simd_shuffle_up(x[i], 3)": np.where(LANES >= 3, LANES - 3, LANES),
    "simd_shuffle_rotate_down(x[i], 3)": (LANES + 3) % 32,
    "simd_shuffle_and_fill_down(x[i], x[i] + 100, 3)": np.where(LANES < 29, LANES + 3, LANES - 29 + 100),
    "simd_shuffle_and_fill_up(x[i], 7, 3)": np.where(LANES >= 3, LANES - 3, 7),
    "simd_shuffle_and_fill_down(x[i], x[i] + 100, 3, 8)": np.where(LANES % 8 < 5, LANES + 3, LANES - 5 + 100),
    "simd_broadcast(x[i], 7)": np.full(32, 7),
    "simd_broadcast_first(x[i])": np.full(32, 0),
    "simd_all(x[i] >= 0) ? 1 : 0": np.full(32, 1),
    "simd_any(x[i] > 30) ? 1 : 0": np.full(32, 1),
    "int(ulong(simd_ballot(x[i] < 3)))": np.full(32, 7),
    "simd_or(x[i])": np.full(32, 31),
    "quad_sum(x[i])": LANES // 4 * 16 + 6,
    "quad_product(x[i] % 4 + 1)": np.full(32, 24),
    "quad_max(x[i])": LANES | 3,
    "quad_min(x[i])": LANES & ~3,
    "quad_xor(1 << x[i] % 31)": [15 << n // 4 * 4 if n < 28 else (7 << 28) ^ 1 for n in LANES],
    "quad_prefix_inclusive_sum(x[i] % 4)": [0, 1, 3, 6] * 8,
    "quad_prefix_exclusive_product(x[i] % 4 + 2)": [1, 2, 6, 24] * 8,
    "quad_shuffle(x[i], ushort(3 - lane % 4))": LANES ^ 3,
    "quad_shuffle_xor(x[i], 2)": LANES ^ 2,
    "quad_shuffle_down(x[i], 3)": np.where(LANES % 4 == 0, LANES + 3, LANES),
    "quad_shuffle_up(x[i], 1)": np.where(LANES % 4 == 0, LANES, LANES - 1),
    "quad_shuffle_rotate_down(x[i], 1)": LANES & ~3 | LANES + 1 & 3,
    "quad_shuffle_rotate_up(x[i], 1)": LANES & ~3 | LANES - 1 & 3,
    "quad_broadcast(x[i], 2)": LANES & ~3 | 2,
    "quad_broadcast_first(x[i])": LANES & ~3,
    "quad_all(x[i] < 6) ? 1 : 0": LANES < 4,
    "quad_any(x[i] == 6) ? 1 : 0": LANES // 4 == 1,
    "simd_max(x[i] < 8 ? quad_sum(x[i]) : 0) + quad_min(x[i])": 22 + (LANES & ~3),
    "simd_shuffle_xor(x[i], 1) * 100 + simd_shuffle_xor(x[i] + 1, 2)": (LANES ^ 1) * 100 + (LANES ^ 2) + 1,
}


@pytest.mark.parametrize("order", ["forward", "reverse", "random"])
@pytest.mark.parametrize("value", SIMD)
def test_simdgroup_operation(value: str, order: str) -> None:
    found = each(value, SIMD, LANES.astype(np.int32), "int", order=order)
    np.testing.assert_array_equal(found, SIMD[value])


def test_two_reduction_orders_round_differently() -> None:
    x = np.where(LANES % 2 == 0, 1, np.where(LANES % 4 == 1, 1e8, -1e8)).astype(np.float32)
    value = "simd_sum(x[i])"
    sums = {each(value, [value], x, "float", reduction=name)[0] for name in ("pairwise", "in order")}
    assert len(sums) == 2


@pytest.mark.parametrize(("name", "dtype"), [("norm_float", np.float32), ("norm_half", np.float16)])
@pytest.mark.parametrize("has_weight", [True, False])
def test_shader_in_the_style_of_a_library(name: str, dtype: type, has_weight: bool) -> None:
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(3, 128)).astype(dtype), rng.normal(size=128).astype(dtype)
    buffers = {0: x, 1: weight, 2: np.zeros_like(x), 3: np.float32(1e-5)}
    launch = Launch(name, buffers, grid=3, threadgroup=64, constants={20: has_weight, 21: 128}, blank={2})
    exact = x / np.sqrt(np.mean(x.astype(float) ** 2, axis=1, keepdims=True) + 1e-5)
    for outcome in load(LIBRARY_STYLE).check(launch):
        assert not outcome.findings, "\n".join(map(str, outcome.findings))
        want = exact * weight if has_weight else exact
        np.testing.assert_allclose(outcome.buffers[2], want, rtol=2e-3 if dtype == np.float16 else 1e-6)


def test_derived_constant_has_its_default() -> None:
    x = np.ones((1, 64), np.float32)
    buffers = {0: x, 2: np.zeros_like(x), 3: np.float32(0)}
    request = Launch("norm_float", buffers, threadgroup=32, blank={2}, constants={20: False})
    outcome = load(LIBRARY_STYLE).run(request)
    assert not outcome.findings
    np.testing.assert_array_equal(outcome.buffers[2], x)


POSITIONS = """
#include <metal_stdlib>
using namespace metal;
kernel void positions(device uint* out [[buffer(0)]], uint3 at [[thread_position_in_grid]],
                      uint3 size [[threads_per_grid]], ushort2 group [[threadgroup_position_in_grid]],
                      uint2 local [[thread_position_in_threadgroup]], uint2 each [[threads_per_threadgroup]],
                      threadgroup uint* seen [[threadgroup(1)]], uint t [[thread_index_in_threadgroup]]) {
  seen[t] = group.y * 10 + local.x;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[at.y * size.x + at.x] = seen[t] * 100 + each.x;
}
"""


# As libraries write for every address space, with vectors that are made by their declaration.
FOR_EACH_SPACE = f"""{HEADER}
struct pair {{
  float a, b;
  constexpr pair(float x, float y) thread : a(x), b(y) {{}}
  constexpr pair(float x, float y) threadgroup : a(x), b(y) {{}}
  float sum() const thread {{ return a + b; }}
  float sum() const device {{ return a + b; }}
  float sum() const constant {{ return a + b; }}
}};
template <typename T> thread T& operator+=(thread T& x, pair y) {{ x.a += y.a; return x; }}
template <typename T> device T& operator+=(device T& x, pair y) {{ x.a += y.a; return x; }}
kernel void sums(device pair* x [[buffer(0)]], constant pair& y [[buffer(1)]],
                 device float* out [[buffer(2)]]) {{
  pair own(1, 2);
  own += x[0];
  x[0] += own;
  float2 both(own.sum(), x[0].sum());
  out[0] = both.x + both.y + y.sum();
}}
"""


def test_functions_for_each_address_space_are_told_apart_by_their_text() -> None:
    pairs = {0: np.array([10, 20], np.float32), 1: np.array([100, 200], np.float32)}
    outcome = load(FOR_EACH_SPACE).run(Launch("sums", {**pairs, 2: np.zeros(1, np.float32)}, threadgroup=1))
    assert not outcome.findings
    assert outcome.buffers[2][0] == (11 + 2) + (21 + 20) + 300


def test_last_threadgroups_of_a_grid_may_be_partial() -> None:
    launch = Launch(
        "positions",
        {0: np.zeros(6 * 3, np.uint32)},
        threads=(6, 3),
        threadgroup=(4, 2),
        memory={1: 32},
        blank={0},
    )
    outcome = load(POSITIONS).run(launch)
    assert not outcome.findings
    want = [[(y // 2 * 10 + x % 4) * 100 + (4 if x < 4 else 2) for x in range(6)] for y in range(3)]
    np.testing.assert_array_equal(outcome.buffers[0].reshape(3, 6), want)


# Vectors of booleans, in which true is 1, and results that are exact.
A, B = "float4(1, 2, 3, 4)", "float4(1, 9, 9, 4)"
TRUTHS = {
    f"float4({A} < {B})": [0, 1, 1, 0],
    f"float4(uint4({A} != {B}))": [0, 1, 1, 0],
    f"(float4)({A} < {B})": [0, 1, 1, 0],
    f"float4(({A} < {B}).y, ({A} < {B})[2], ({A} < {B}).x, 7)": [1, 1, 0, 7],
    f"float4(dot(float4({A} < {B}), float4(1)))": [2, 2, 2, 2],
    f"float4({A} < {B} && {A} > 2.0f)": [0, 0, 1, 0],
    f"float4(({A} < {B}) & !({A} > 2.0f))": [0, 1, 0, 0],
    f"float4(!({A} < {B}))": [1, 0, 0, 1],
    "float4(half4(1, 2, 3, 4) < half4(2))": [1, 0, 0, 0],
    "float4(isnan(float4(0, NAN, 1, NAN)))": [0, 1, 0, 1],
    f"select({A}, {B}, {A} < {B})": [1, 9, 9, 4],
    f"float4(any({A} < {B}), all({A} < {B}), all({A} <= {B}), any({A} > {B}))": [1, 0, 1, 0],
    "float4(max(1.0f, 2.0f) > 1.0f, min<float>(1.0f, 2.0f) > 1.0f, 1.0f < 2.0f ? 3.0f : 4.0f, 0)":
        [1, 0, 3, 0],
    "float4(bool4(3, 0, -1, 0.5f))": [1, 0, 1, 1],
    "float4(bool4(int4(3, 0, -1, 2)))": [1, 0, 1, 1],
    "float4(float2(bool4(1, 0, 1, 1).xy), float2(bool4(1, 0, 1, 1).yz))": [1, 0, 0, 1],
    f"float4(vec<bool, 4>({A} < {B}))": [0, 1, 1, 0],
    "float4(float3(bool3(true)), float(bool2(3, 0).x))": [1, 1, 1, 1],
    "float4(sizeof(bool2), sizeof(bool3), sizeof(bool4), 0)": [2, 4, 4, 0],
    f"float4(held({A}, {B}))": [0, 1, 1, 0],
    f"float4(float2(of<2>({{{{5, 6}}}}) > 5.0f), {A}.x < {B}.y, {A}.x > {B}.y)": [0, 1, 1, 0],
    f"float4(kept({A}, {B}))": [0, 1, 1, 0],
    f"float4(through({A} < {B}, flags))": [0, 1, 1, 0],
    "float4(as_type<float>(rotate(int(0x80000000), 1) == 1 ? 1.0f : 0.0f))": [1, 1, 1, 1],
    "float4(rotate(uint4(1, 2, 0x80000000u, 4), uint4(1, 31, 1, 0)))": [2, 1, 1, 4],
    "float4(fract(-1e-10f), float(fract(-0.0001h)), float(fract(bfloat(-0.0001f))), fract(1.25f))":
        [1 - 2**-24, 1 - 2**-11, 1 - 2**-8, 0.25],
    "float4(sinpi(1.0f), sinpi(-1.5f), sinpi(1e6f), sinpi(0.5f))": [0, 1, 0, 1],
    "float4(cospi(0.5f), cospi(-1.0f), cospi(1.5f), cospi(1e6f))": [0, -1, 0, 1],
    "float4(float3(twice(packed_float3(1, 2, 3))), packed_float3(1, 2, 3).xy.y)": [2, 4, 6, 2],
    "float4(uint(ulong(simd_active_threads_mask()) & 255))": [1, 1, 1, 1],
}  # fmt: skip
HOLDERS = """
bool4 held(float4 a, float4 b) { bool4 c = a < b; bool4 d = c; d.x = d[3]; return d; }
float4 kept(float4 a, float4 b) { auto c = a < b; return float4(c); }
bool4 through(bool4 c, device bool4* flags) { flags[0] = c; flags[1] = flags[0]; return flags[1]; }
template <typename T, int n> struct alignas(8) Few { T items[n]; };
template <int n> float2 of(Few<float, n> from) { return float2(from.items[0], from.items[1]); }
packed_float3 twice(packed_float3 x) { x *= 2.0f; return x; }
"""


@functools.cache
def truths_shader() -> Shader:
    arguments = "device float4* out [[buffer(0)]], device bool4* flags [[buffer(1)]]"
    kernels = (f"kernel void k{n}({arguments}) {{ out[0] = {value}; }}\n" for n, value in enumerate(TRUTHS))
    return load(HEADER + HOLDERS + "".join(kernels))


@pytest.mark.parametrize("value", TRUTHS)
def test_vector_of_booleans_and_exact_results(value: str) -> None:
    buffers = {0: np.zeros(4, np.float32), 1: np.zeros(8, np.uint8)}
    outcome = truths_shader().run(Launch(f"k{[*TRUTHS].index(value)}", buffers, threadgroup=1))
    assert not outcome.findings, "\n".join(map(str, outcome.findings))
    np.testing.assert_array_equal(outcome.buffers[0], np.array(TRUTHS[value], np.float32))
    if "flags" in value:
        np.testing.assert_array_equal(outcome.buffers[1], TRUTHS[value] * 2)


REFUSED = {
    "frobnicate(x[i])": "frobnicate",
    "0; float4x4 m; out[i] = m[0][0]": "the emulator has no matrices, which float4x4 asks for",
    "0; texture2d<float> read": "the emulator has no textures",
    "max(x[i], 1)": "no matching function",
    "simd_frob(x[i])": "simd_frob",
    "exp(1)": "no matching function",
    "float2(1.0f, 2.0f, 3.0f).x": "number of components",
    "0; int4 m = float4(x[i]) < 0.0f; out[i] = m.x": "'bool4'",
    "0; int4 m; m = float4(x[i]) == float4(1); out[i] = m.x": "'bool4'",
    "0; int2 m = 0; m |= int2(1) < int2(i); out[i] = m.x": "'bool2'",
}


@pytest.mark.parametrize("value", REFUSED)
def test_what_is_unknown_is_refused_with_its_line(value: str) -> None:
    with pytest.raises(ShaderError, match=r"shader\.metal:5") as refused:
        each_shader((value,), "float")
    assert REFUSED[value] in str(refused.value)
    assert "Truths" not in str(refused.value)


WORKED_OUT = """#include <metal_stdlib>
using namespace metal;
struct Once { int x; Once(int n) : x(n) { while (x != 0) x += 1 + n; } ~Once() { while (true) {} } };
int nested(int n) { int* p = nullptr; return n > 0 ? nested(n - 1) : n < 0 ? nested(n - 1) : *p; }
float half_of(float x) { return x / 2; }
constant float4 vector = float4(1.0f, 2.0f, 3.0f, half_of(8.0f));
constant Once once(0);
kernel void use(device float* x [[buffer(0)]]) { x[0] = vector.w + once.x; }
"""
BAD_CONSTANTS = {
    "constant int k = nested(2);": "out of bounds.* at shader.metal:4$",
    "constant int k = nested(-1);": "calls nest too deep",
    "constant int k = 1 / 0; kernel void k_of(device int* x) { x[0] = k; }": "integer division by zero",
    "constant Once k(1);": "endless",
    "constant float k = simd_sum(1.0f);": "by one thread alone",
}


def test_constants_are_worked_out_by_functions() -> None:
    outcome = load(WORKED_OUT).run(Launch("use", {0: np.zeros(1, np.float32)}, threadgroup=1))
    assert outcome.buffers[0] == 4 and not outcome.findings


@pytest.mark.parametrize("constant", BAD_CONSTANTS)
def test_constant_that_cannot_be_worked_out_is_refused_at_its_line(constant: str) -> None:
    with pytest.raises(ShaderError, match=r"^shader\.metal:9: error: a constant's value.*") as refused:
        load(WORKED_OUT + constant, is_quick=True)
    assert re.search(BAD_CONSTANTS[constant], str(refused.value))


FOURS = """#include <metal_stdlib>
kernel void fours(device const float4* x [[buffer(0)]], device float* y [[buffer(1)]]) { y[0] = x[1].w; }
"""


@pytest.mark.parametrize("offset", [0, 4, 8])
def test_buffer_begins_at_its_offset(offset: int) -> None:
    """What fits a buffer that begins where any access may is misaligned elsewhere; values are the same."""
    buffers = {0: np.arange(8, dtype=np.float32), 1: np.zeros(1, np.float32)}
    outcome = load(FOURS).run(Launch("fours", buffers, threadgroup=1, offsets={0: offset, 1: 12}))
    assert [found.kind for found in outcome.findings] == ["misaligned"] * (offset != 0)
    assert outcome.buffers[1] == 7


def launch(**changes: object) -> Outcome:
    given = {"kernel": "positions", "buffers": {0: np.zeros(32, np.uint32)}, "memory": {1: 128}}
    return load(POSITIONS).run(Launch(**{**given, **changes}))  # type: ignore[arg-type]


WRONG_LAUNCHES = {
    "has positions": {"kernel": "elsewhere"},
    r"positions is launched without a buffer for out \[\[buffer\(0\)\]\]": {"buffers": {}},
    "buffer 0 holds float64, which Metal does not have": {"buffers": {0: np.zeros(32)}},
    "buffer 0 holds <U1": {"buffers": {0: np.array(["a"])}},
    "buffer 0 holds object": {"buffers": {0: np.array([None])}},
    "in the order of another machine": {"buffers": {0: np.zeros(32, ">u4")}},
    "no function constant 3; it has none": {"constants": {3: 1}},
    "no threadgroup argument 2; it has 1": {"memory": {1: 128, 2: 4}},
    "has no buffer 4": {"buffers": {4: np.zeros(1, np.int32)}},
    r"bytes of seen \[\[threadgroup\(1\)\]\]": {"memory": {}},
    "Metal has 1 to 1024": {"threadgroup": 2048},
    "Metal has 32768": {"memory": {1: 40000}},
    "threadgroups of the grid: expected one to three numbers": {"grid": (1, 1, 1, 1)},
    r"threadgroups of the grid: .* not \(0, 2\)": {"grid": (0, 2)},
    r"threads of a threadgroup: .* not \(-1, -1\)": {"threadgroup": (-1, -1)},
    r"threads of the grid: .* not \(-5,\)": {"threads": -5},
    r"\(137438953472, 1, 1\) threads; the emulator runs up to": {"grid": 1 << 32},
    r"\(65536, 65536, 1\) threads; the emulator runs up to": {"threads": (65536, 65536)},
    r"-8 bytes of seen": {"memory": {1: -8}},
    "an offset of buffer 2, and without it": {"offsets": {2: 4}},
    "begins at byte 16; expected 0 to 15": {"offsets": {0: 16}},
}


@pytest.mark.parametrize("message", WRONG_LAUNCHES)
def test_wrong_launch_is_refused(message: str) -> None:
    with pytest.raises(LaunchError, match=message):
        launch(**WRONG_LAUNCHES[message])


@pytest.mark.parametrize("wrong", [{"order": "ascending"}, {"reduction": "by halves"}])
def test_unknown_order_is_refused(wrong: dict[str, str]) -> None:
    request = Launch("positions", {0: np.zeros(32, np.uint32)}, threadgroup=32, memory={1: 128})
    with pytest.raises(LaunchError, match=f"expected one of .*, not '{next(iter(wrong.values()))}'"):
        load(POSITIONS).run(request, **wrong)  # type: ignore[arg-type]


def test_finding_names_kernel_line_threads_and_both_accesses() -> None:
    outcome = load(POSITIONS.replace("mem_flags::mem_threadgroup", "mem_flags::mem_none")).run(
        Launch("positions", {0: np.zeros(32, np.uint32)}, threadgroup=32, memory={1: 128}, blank={0})
    )
    assert not outcome.findings  # each thread reads its own word
    racy = POSITIONS.replace("mem_flags::mem_threadgroup", "mem_flags::mem_none").replace(
        "seen[t] *", "seen[31 - t] *"
    )
    (finding,) = (
        load(racy)
        .run(Launch("positions", {0: np.zeros(32, np.uint32)}, threadgroup=32, memory={1: 128}, blank={0}))
        .findings
    )
    assert str(finding) == (
        "positions: race: 4 bytes at byte 124 of threadgroup memory 1; "
        "read by thread 0 of threadgroup 0 at shader.metal:10; "
        "beside write by thread 31 of threadgroup 0 at shader.metal:8 (32 times)"
    )


RUNAWAYS = {
    "calls without an end": (
        "endless",
        "int deeper(int n, device int* out) { out[0] = n; return n + deeper(n + 1, out); }",
        "out[1] = deeper(0, out);",
    ),
    "a stack that is too small": ("crash", "", "int big[200000]; big[sizes[0]] = 1; out[0] = big[sizes[0]];"),
    "a jump to nowhere": ("crash", "typedef void (*Function)();", "((Function)sizes)();"),
}


@pytest.mark.parametrize("case", RUNAWAYS)
def test_runaway_kernel_is_a_finding_and_the_next_runs(case: str) -> None:
    kind, before, body = RUNAWAYS[case]
    arguments = "device int* out [[buffer(0)]], constant int* sizes [[buffer(1)]]"
    text = f"{HEADER}\n{before}\nkernel void runaway({arguments}) {{ {body} }}\n"
    buffers = {0: np.zeros(4, np.int32), 1: np.array([7], np.int32)}
    outcome = load(text).run(Launch("runaway", buffers, threadgroup=1))
    assert kind in {finding.kind for finding in outcome.findings}
    assert not launch(threadgroup=32).findings


def spin(body: str, most_accesses: int) -> Finding:
    text = f"{HEADER}\nkernel void spin(device int* out [[buffer(0)]]) {{\n  for (;;) {body}\n}}\n"
    request = Launch("spin", {0: np.zeros(1, np.int32)}, threadgroup=64)
    (finding,) = load(text).run(request, most_accesses=most_accesses).findings
    return finding


def test_loop_without_an_end_that_touches_nothing_is_a_finding() -> None:
    finding = spin("{}", 1 << 32)
    assert (finding.kind, finding.note) == ("endless", "a loop that neither ends nor touches memory")
    assert finding.now.lines == ("shader.metal:4",)
    assert not launch(threadgroup=32).findings


def test_kernel_that_does_not_end_is_not_run_again() -> None:
    text = f"{HEADER}\nkernel void spin(device int* out [[buffer(0)]]) {{ for (;;) out[0] += 1; }}\n"
    request = Launch("spin", {0: np.zeros(1, np.int32)}, threadgroup=1)
    outcomes = load(text).check(request, most_accesses=1 << 12)
    assert [[finding.kind for finding in item.findings] for item in outcomes] == [["endless"]]


@pytest.mark.parametrize("at", [4, -1])
def test_index_beyond_an_array_of_the_library_is_a_finding(at: int) -> None:
    text = (
        f"{HEADER}\nkernel void pick(device int* x [[buffer(0)]]) {{\n"
        "  array<int, 4> own;\n  for (int i = 0; i < 4; ++i) own[i] = i;\n  x[0] = own[x[0]];\n}\n"
    )

    def run(index: int) -> Outcome:
        return load(text).run(Launch("pick", {0: np.full(1, index, np.int32)}, threadgroup=1))

    assert run(3).buffers[0] == 3 and not run(3).findings
    (finding,) = run(at).findings
    assert (finding.kind, finding.now.lines[-1]) == ("out of bounds", "shader.metal:6")


DIVISIONS = {
    "int2 of zeros": "int2(5) / int2(x[0])",
    "what is left of int4": "int4(5) % int4(x[0])",
    "the least number": "(x[0] + (-2147483647 - 1)) / (x[0] - 1)",
    "the least numbers": "int2(x[0] + (-2147483647 - 1)) / int2(x[0] - 1)",
}


@pytest.mark.parametrize("division", DIVISIONS.values(), ids=DIVISIONS)
def test_division_without_a_result_is_a_finding_of_vectors_too(division: str) -> None:
    text = f"{HEADER}\nkernel void part(device int* x [[buffer(0)]]) {{\n  x[0] = int4({division}).x;\n}}\n"
    text = text.replace("int4(int2", "int2(int2")
    (finding,) = load(text).run(Launch("part", {0: np.zeros(1, np.int32)}, threadgroup=1)).findings
    assert (finding.kind, finding.now.lines[-1]) == ("arithmetic", "shader.metal:4")
    assert "division by zero, or of the least number by -1" in finding.note


WAITING = ("threadgroup_barrier(mem_flags::mem_none);", "if (simd_any(false)) break;")


@pytest.mark.parametrize("waiting", WAITING)
def test_loop_without_an_end_that_only_waits_is_a_finding(waiting: str) -> None:
    finding = spin(waiting, 1 << 20)
    assert (finding.kind, finding.now.lines) == ("endless", ("shader.metal:4",))


def test_shader_whose_accesses_are_not_seen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tuple(flag.replace("=thread,", "=") for flag in compile._SHADER_FLAGS)
    monkeypatch.setattr(compile, "_SHADER_FLAGS", silent)
    with pytest.raises(CanaryError, match="of what is planted here, "):
        load(POSITIONS)


DENORMALS = f"""{HEADER}
kernel void scale(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                  uint i [[thread_position_in_grid]]) {{
  out[i] = x[i] * 0.5f;
}}
"""


@pytest.mark.parametrize("is_flushing", [False, True])
def test_denormals_are_kept_or_count_as_zero(is_flushing: bool) -> None:
    x = np.array([2.0**-126, 2.0**-130, 1], np.float32)
    launch = Launch("scale", {0: x, 1: np.zeros_like(x)}, threadgroup=3, blank={1})
    outcome = load(DENORMALS).run(launch, is_flushing=is_flushing)
    np.testing.assert_array_equal(outcome.buffers[1], [0, 0, 0.5] if is_flushing else x / 2)
    assert np.float32(2.0**-126) / 2 > 0  # the mode of this process is as it was


NARROWED = f"""{HEADER}
kernel void narrow(device const float* x [[buffer(0)]], device bfloat* out [[buffer(1)]],
                   uint i [[thread_position_in_grid]]) {{
  out[i] = bfloat(x[i]);
}}
"""


def test_a_float_rounds_to_bfloat_alike_on_every_machine() -> None:
    x = np.array([1.0, 2.0**-130, 1.5 * 2.0**-133, -2.5 * 2.0**-133, np.inf, np.nan, 3.4e38], np.float32)
    launch = Launch("narrow", {0: x, 1: np.zeros(len(x), np.uint16)}, threadgroup=len(x), blank={1})
    bits = load(NARROWED).run(launch).buffers[1]
    assert list(map(hex, bits)) == ["0x3f80", "0x8", "0x2", "0x8002", "0x7f80", "0x7fc0", "0x7f80"]


TRAFFIC = f"""{HEADER}
kernel void traffic(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                    uint i [[thread_position_in_grid]], uint t [[thread_index_in_threadgroup]]) {{
  out[i] = x[t] + x[t / 2];
  if (t == 0) out[i] = 0;
}}
"""


def test_traffic_tells_bytes_apart() -> None:
    x = np.zeros(64, np.float32)
    launch = Launch("traffic", {0: x, 1: np.zeros(128, np.float32)}, grid=2, threadgroup=64, blank={1})
    outcome = load(TRAFFIC).run(launch, is_counted=True)
    given, made = outcome.traffic[0], outcome.traffic[1]
    assert (given.read, given.distinct_read, given.read_by_groups) == (1024, 256, 512)
    assert (given.written, made.read) == (0, 0)
    assert (made.written, made.distinct_written, made.written_by_groups) == (520, 512, 512)


CONSTANTS = f"""{HEADER}
constant int parts [[function_constant(0)]];
constant int each = 64 / parts;
constant int other [[function_constant(1)]];
constant int doubled = other * 2;
constant int with_default = is_function_constant_defined(other) ? other : 9;
struct Divided {{ int get() const {{ return each; }} }};
template <typename T> int through(T given) {{ return given.get(); }}
kernel void divide(device int* out [[buffer(0)]]) {{ out[0] = through(Divided()); }}
kernel void guarded(device int* out [[buffer(0)]]) {{
  out[0] = is_function_constant_defined(other) ? other : with_default;
}}
kernel void unguarded(device int* out [[buffer(0)]], constant bool& is_read [[buffer(1)]]) {{
  if (is_read) out[0] = doubled;
}}
"""


def run_constants(kernel: str, constants: dict[int, float], is_read: bool = False) -> Outcome:
    buffers = {0: np.zeros(1, np.int32), 1: np.array([is_read])}
    buffers = buffers if kernel == "unguarded" else {0: buffers[0]}
    return load(CONSTANTS).run(Launch(kernel, buffers, threadgroup=1, constants=constants))


def test_constant_that_a_kernel_reads_must_be_set() -> None:
    with pytest.raises(LaunchError, match="kernel divide reads function constant 0, parts, which"):
        run_constants("divide", {})
    assert run_constants("divide", {0: 4}).buffers[0][0] == 16
    (finding,) = run_constants("divide", {0: 0}).findings
    assert (finding.kind, finding.now.lines[0]) == ("arithmetic", "shader.metal:4")


def test_constant_that_a_kernel_asks_for_may_be_left_out() -> None:
    assert run_constants("guarded", {}).buffers[0][0] == 9
    assert run_constants("guarded", {1: 5}).buffers[0][0] == 5
    assert not run_constants("unguarded", {}).findings
    with pytest.raises(LaunchError, match=r"kernel unguarded, at shader\.metal:15: .* constant other, which"):
        run_constants("unguarded", {}, is_read=True)
    assert run_constants("unguarded", {1: 5}, is_read=True).buffers[0][0] == 10


LIMITS = f"""{HEADER}
constant constexpr int kFloats = 8192;
kernel void memory(device float* out [[buffer(0)]], threadgroup float* given [[threadgroup(0)]],
                   uint t [[thread_index_in_threadgroup]]) {{
  threadgroup float most[kFloats - 4];
  most[t] = given[t] = 1.0f;
  out[t] = most[t] + given[t];
}}
[[kernel, max_total_threads_per_threadgroup(kFloats / 256)]] void few(device float* out [[buffer(0)]]) {{
  out[0] = 1.0f;
}}
"""


def test_threadgroup_memory_of_variables_and_arguments_is_limited() -> None:
    request = Launch("memory", {0: np.zeros(4, np.float32)}, threadgroup=4, memory={0: 16}, blank={0})
    assert not load(LIMITS).run(request).findings
    with pytest.raises(LaunchError, match=r"shader\.metal:6: .* comes to 32784 bytes; Metal has 32768"):
        load(LIMITS).run(replace(request, memory={0: 32}))


def test_threads_that_a_kernel_declares_are_its_most() -> None:
    request = Launch("few", {0: np.zeros(1, np.float32)}, threadgroup=(8, 4))
    assert {item.kind for item in load(LIMITS).run(request).findings} == {"race"}
    with pytest.raises(LaunchError, match="few declares to have at most 32"):
        load(LIMITS).run(replace(request, threadgroup=(11, 3)))


def test_kernels_are_told_apart_by_their_namespaces() -> None:
    text = f"""{HEADER}
kernel void step(device int* out [[buffer(0)]]) {{ out[0] = 1; }}
namespace inner::most {{
[[host_name("other")]] kernel void step(device int* out [[buffer(0)]]) {{ out[0] = 2; }}
}}
namespace {{
kernel void third(device int* out [[buffer(0)]]) {{ out[0] = 3; }}
}}
"""
    for number, name in enumerate(("step", "other", "third"), 1):
        outcome = load(text).run(Launch(name, {0: np.zeros(1, np.int32)}, threadgroup=1))
        assert outcome.buffers[0][0] == number


def test_a_buffer_that_metal_does_not_have_is_refused() -> None:
    with pytest.raises(ShaderError, match=r"shader\.metal:2: error: .*50000000.*: indices are 0 to 30"):
        load("#include <metal_stdlib>\nkernel void f(device int* x [[buffer(50000000)]]) { x[0] = 1; }\n")

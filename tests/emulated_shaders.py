"""Shaders that several tests of the emulator run or break."""

from __future__ import annotations

# A norm in the manner of a library: macros, templates, host names, derived and optional constants.
LIBRARY_STYLE = """
#include <metal_common>
#include <metal_simdgroup>
using namespace metal;

#define SIMD_SIZE 32
#define instantiate_kernel(name, func, ...) \\
  template [[host_name(name)]] [[kernel]] decltype(func<__VA_ARGS__>) func<__VA_ARGS__>;

constant bool has_w [[function_constant(20)]];
constant int width_given [[function_constant(21)]];
constant int width = is_function_constant_defined(width_given) ? width_given : 64;
constant int vectors = width / 4;
static constant constexpr const int kReads = 4;

namespace detail {
template <typename U> struct Sum {
  static constexpr constant U init = U(0);
  METAL_FUNC U operator()(U a, U b) thread const { return a + b; }
};
template <typename T> inline float square(thread const T& x) { return float(x) * float(x); }
}  // namespace detail

template <typename T, int N = kReads>
[[kernel, max_total_threads_per_threadgroup(1024)]] void norm(
    const device T* x,
    const device T* w [[buffer(1), function_constant(has_w)]],
    device T* out,
    const constant float& eps,
    uint row [[threadgroup_position_in_grid]],
    uint lid [[thread_position_in_threadgroup]],
    uint3 size [[threads_per_threadgroup]],
    uint lane [[thread_index_in_simdgroup]],
    uint simd_id [[simdgroup_index_in_threadgroup]]) {
  threadgroup float partial[SIMD_SIZE];
  threadgroup float scale[1];
  detail::Sum<float> add;
  float acc = detail::Sum<float>::init;
  const device vec<T, 4>* rows = (const device vec<T, 4>*)(x + size_t(row) * width);
#pragma clang loop unroll(full)
  for (int v = int(lid); v < vectors; v += int(size.x)) {
    for (int n = 0; n < N; n++) acc = add(acc, detail::square(T(rows[v][n])));
  }
  acc = simd_sum(acc);
  if (simd_id == 0) partial[lane] = 0;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (lane == 0) partial[simd_id] = acc;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (simd_id == 0) {
    acc = simd_sum(partial[lane]);
    if (lane == 0) scale[0] = metal::precise::rsqrt(acc / width + eps);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  device auto* to = reinterpret_cast<device vec<T, 4>*>(out + size_t(row) * width);
  for (int v = int(lid); v < vectors; v += int(size.x)) {
    vec<float, 4> y = static_cast<float4>(rows[v]) * scale[0];
    if (has_w) y *= float4(reinterpret_cast<const device vec<T, 4>*>(w)[v]);
    to[v] = vec<T, 4>(y);
  }
}

instantiate_kernel("norm_float", norm, float)
template [[host_name("norm_half")]] [[kernel]] void norm<half, 4>(
    const device half*, const device half*, device half*, constant float&, uint, uint, uint3, uint, uint);
"""

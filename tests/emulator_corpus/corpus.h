// Every kernel of the corpus is launched alike: 2 threadgroups of 64 threads, `data` and `out` of 128 floats,
// of which `out` holds nothing yet, and `sizes` of 4 integers: 128, 64, 1, 0.
//
// Kernels come in pairs after a comment `// KIND: what is wrong`: `..._bug`, with a line marked `found` that a
// report of the kind must name, and `..._twin`, the nearest correct kernel, in which nothing may be found.
#pragma once

#include <metal_stdlib>
using namespace metal;

#define ARGUMENTS                                                                             \
  device float* data [[buffer(0)]], device float* out [[buffer(1)]],                          \
  constant int* sizes [[buffer(2)]], uint t [[thread_index_in_threadgroup]],                  \
  uint g [[threadgroup_position_in_grid]], uint i [[thread_position_in_grid]],                \
  uint lane [[thread_index_in_simdgroup]], uint simd [[simdgroup_index_in_threadgroup]]

constant constexpr int kThreads = 64;

inline void wait() {
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

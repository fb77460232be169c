// What every generated Metal kernel includes: teams, and the language's functions by their exact names.
//
// Infinities, NaN, the order of additions and every rounding are as written, whoever compiles the shader: the
// build with -fno-fast-math, or MLX at first use. Compilers older than the pragmas pass over them.
#pragma once

#include <metal_stdlib>

#pragma METAL fp math_mode(safe)
#pragma METAL fp contract(off)

#include "launch.h"

#define SGL_FN inline
#define SGL_DEVICE device
#define SGL_SHARED threadgroup
#define SGL_CONSTANT constant
#define SGL_THREAD thread
#define SGL_UNROLL _Pragma("unroll")

// An entry point: its name, and the instantiation behind it.
#define SGL_KERNEL(name, ...) \
  template [[host_name(name)]] [[kernel]] decltype(__VA_ARGS__) __VA_ARGS__;

namespace sgl {

constant constexpr int kSimdLanes = 32;
constant constexpr int kPartLanes = 32;

inline bool is_given(constant Launch& launch, int position) {
  return (launch.given >> position & 1u) != 0u;
}

// Writes of a simdgroup's lanes to device memory before are seen by all of its lanes after.
inline void simd_barrier() {
  metal::simdgroup_barrier(metal::mem_flags::mem_device);
}

// The lanes that work on one item together: those of a simdgroup, or a whole threadgroup.
struct Team {
  static constexpr constant int simd_lanes = kSimdLanes;
  static constexpr constant int part = 0;
  static constexpr constant int parts = 1;
  int64_t item;
  int lane;
  int lanes;
  threadgroup uint32_t* exchange;

  bool is_first() const {
    return lane == 0;
  }
  // Writes to device memory before are seen by all lanes after.
  void barrier() const {
    if (lanes <= kSimdLanes) {
      simd_barrier();
    } else {
      metal::threadgroup_barrier(metal::mem_flags::mem_device);
    }
  }
  // The same for threadgroup memory, which only teams of several simdgroups use.
  void wait() const {
    if (lanes > kSimdLanes) metal::threadgroup_barrier(metal::mem_flags::mem_threadgroup);
  }
};

inline Team make_team(
    constant Launch& launch, threadgroup uint32_t* exchange, uint3 group, uint3 groups, uint thread_index) {
  const int64_t number = int64_t(group.y) * groups.x + group.x;
  const int thread_number = int(thread_index);
  const int64_t item = number * launch.teams_per_group + thread_number / launch.lanes;
  return Team{item, thread_number % launch.lanes, launch.lanes, exchange};
}

// A size that narrow kernels have as a function constant.
template <class index_t>
inline index_t size(int fixed, int64_t passed) {
  return sizeof(index_t) == 4 ? index_t(fixed) : index_t(passed);
}

inline float bits_to_f32(uint32_t bits) {
  return as_type<float>(bits);
}
inline uint32_t f32_to_bits(float x) {
  return as_type<uint32_t>(x);
}
// Of all lanes of a simdgroup, which call these together.
inline uint32_t simd_max_word(uint32_t word) {
  return metal::simd_max(word);
}
inline uint32_t simd_min_word(uint32_t word) {
  return metal::simd_min(word);
}
inline uint32_t shuffle_word_xor(uint32_t word, int mask) {
  return metal::simd_shuffle_xor(word, ushort(mask));
}

}  // namespace sgl

#include "metal_math.h"
#include "parts.h"
#include "shares.h"

namespace sgl {

template <>
struct Codec<half> {
  using Value = float;
  static inline float widen(half x) {
    return float(x);
  }
  static inline half narrow(float x) {
    return half(x);
  }
};

template <>
struct Codec<bfloat> {
  using Value = float;
  static inline float widen(bfloat x) {
    return float(x);
  }
  static inline bfloat narrow(float x) {
    return bfloat(x);
  }
};

}  // namespace sgl

// What every generated CUDA kernel includes: teams, and the language's functions by their exact names.
//
// Compiled without contraction (--fmad=false) and without fast math: what is written is what is rounded.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <math_constants.h>
#include <stdint.h>

#include "launch.h"

#define SGL_FN __device__ __forceinline__
#define SGL_DEVICE
#define SGL_SHARED
#define SGL_CONSTANT
#define SGL_THREAD
#define SGL_UNROLL _Pragma("unroll")
#define SGL_FUSES
#define SGL_READS_QUADS  // of exchange memory, at once
#define SGL_FORGETS

namespace sgl {

// What a load reads in place of elements that are not there: as much as the widest chunk has.
__device__ const uint4 kZeros[8] = {};
#define SGL_ZEROS ::sgl::kZeros

constexpr int kSimdLanes = 32;
constexpr int kMostLanes = 512;
constexpr int kPartLanes = 16;
constexpr int kExchangeWords = 512;  // one for each lane of a group
constexpr int kFirstLanes = 1 << 16;  // fewer than a GPU runs at once

// How many blocks of the most lanes a multiprocessor should have room for, where a lane keeps so many chunks.
// Those that keep much need the registers, and so do the kernels that serve any size and keep nothing.
constexpr int least_blocks(int kept) {
  return kept == 0 || kept > 6 ? 1 : 2;
}
// The same where lanes keep what they hold as it is stored, and whether that is little.
constexpr int least_blocks(int kept, bool is_little) {
  return kept != 0 && is_little ? 3 : least_blocks(kept);
}
// The same of blocks that each have a tile of work, in one turn: many of them hide what they wait for. Every GPU
// has room for 1536 lanes and 16 blocks on a multiprocessor; ptxas does not take more than there is room for.
constexpr int least_tiles(int lanes, int kept) {
  if (kept == 0 || kept > 6) return 1;
  return lanes < 1536 / 16 ? 16 : 1536 / lanes;
}

// Makes the compiler take a value's words for new ones, so that it keeps nothing computed from the old.
template <class Value>
SGL_FN void forget(Value& value) {
  if constexpr (sizeof(Value) % sizeof(uint32_t) == 0) {
    uint32_t words[sizeof(Value) / sizeof(uint32_t)];
    memcpy(words, &value, sizeof value);
    SGL_UNROLL
    for (uint32_t& word : words) asm volatile("" : "+r"(word));
    memcpy(&value, words, sizeof value);
  }
}

SGL_FN bool is_given(const Launch& launch, int position) {
  return (launch.given >> position & 1u) != 0u;
}

// Writes of a warp's lanes before are seen by all of its lanes after.
SGL_FN void simd_barrier() {
  __syncwarp();
}

// The lanes that work on one item together: some of a warp, or a whole block. Teams that share a warp go
// through a kernel together.
struct Team {
  static constexpr int simd_lanes = kSimdLanes;
  static constexpr int part = 0;
  static constexpr int parts = 1;
  int64_t item;
  int lane;
  int lanes;
  uint32_t* exchange;

  SGL_FN bool is_first() const {
    return lane == 0;
  }
  // Whether the team is one of those that may find themselves waiting for the kernel ahead, and that do not
  // ask for more than there is room for under way: so many terms a chunk each.
  SGL_FN bool is_among_first(int terms = 1) const {
    return item * lanes * terms < kFirstLanes;
  }
  // Writes before are seen by all lanes after.
  SGL_FN void barrier() const {
    if (lanes <= kSimdLanes) {
      simd_barrier();
    } else {
      __syncthreads();
    }
  }
  // The same for shared memory, which only teams of several warps use.
  SGL_FN void wait() const {
    if (lanes > kSimdLanes) __syncthreads();
  }
};

// A block is `lanes` threads wide, and has a row of them for each of its teams.
SGL_FN Team make_team(const Launch& launch) {
  __shared__ alignas(16) uint32_t exchange[kExchangeWords];
  const int64_t number = int64_t(blockIdx.y) * gridDim.x + blockIdx.x;
  const int lanes = int(blockDim.x), lane = int(threadIdx.x), row = int(threadIdx.y);
  return Team{number * launch.teams_per_group + row, lane, lanes, exchange};
}

// Every kernel calls this ahead of its first access to memory. Launched by programmatic dependent launch, a
// kernel may start while the one before it on the stream is still at work; here it waits for that one's
// writes, and lets the next one start. Launched otherwise, it goes on at once.
SGL_FN void wait_for_inputs() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

// Asks for the line that a chunk starts, if it starts one, to be brought to the second-level cache. This may come
// before the wait: whatever is written goes through that cache, and so to the line that lies there.
template <int chunk, class T, class O>
SGL_FN void bring_near(const T* data, O offset) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  constexpr int kLine = 128;
  const T* const place = data + offset;
  if (reinterpret_cast<uintptr_t>(place) % kLine < sizeof(T) * chunk) {
    asm volatile("prefetch.global.L2 [%0];" ::"l"(place));
  }
#endif
}

SGL_FN float bits_to_f32(uint32_t bits) {
  return __uint_as_float(bits);
}
SGL_FN uint32_t f32_to_bits(float x) {
  return __float_as_uint(x);
}
// Of all lanes of a warp, which call these together.
SGL_FN uint32_t simd_max_word(uint32_t word) {
  return __reduce_max_sync(0xffffffffu, word);
}
SGL_FN uint32_t simd_min_word(uint32_t word) {
  return __reduce_min_sync(0xffffffffu, word);
}
SGL_FN uint32_t shuffle_word_xor(uint32_t word, int mask) {
  return __shfl_xor_sync(0xffffffffu, word, mask);
}

// ---- float functions: CUDA's, none further than 2 ulp from the exact value --------------------------

SGL_FN float exp(float x) {
  return ::expf(x);
}
SGL_FN float exp2(float x) {
  return ::exp2f(x);
}
SGL_FN float log(float x) {
  return ::logf(x);
}
SGL_FN float log2(float x) {
  return ::log2f(x);
}
SGL_FN float sqrt(float x) {
  return __fsqrt_rn(x);
}
SGL_FN float rsqrt(float x) {
  return ::rsqrtf(x);
}
// a * b + c, rounded once.
SGL_FN float multiply_add(float a, float b, float c) {
  return __fmaf_rn(a, b, c);
}
// Within 1 ulp, or 2 where a is subnormal, what is left of which is too small to refine by. It goes without the branch
// that the operator takes for operands of unusual size: those are scaled, and where the refined quotient is NaN (an
// operand or the quotient is 0, infinite or NaN), the plain one holds. The plain one's sign holds in any case: what
// refines -0 is 0, and they add up to 0.
SGL_FN float divide(float a, float b) {
  const float size = ::fabsf(b);
  const float scale = size > 0x1p100f ? 0x1p-64f : size < 0x1p-100f ? 0x1p64f : 1.0f;
  const float top = a * scale, bottom = b * scale;
  float inverse;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(inverse) : "f"(bottom));
  const float plain = top * inverse;
  const float refined = __fmaf_rn(__fmaf_rn(-bottom, plain, top), inverse, plain);
  return ::copysignf(refined != refined ? plain : refined, plain);
}
SGL_FN float tanh(float x) {
  return ::tanhf(x);
}
SGL_FN float erf(float x) {
  return ::erff(x);
}
SGL_FN float power(float x, float y) {
  return ::powf(x, y);
}
SGL_FN float floor(float x) {
  return ::floorf(x);
}
SGL_FN float ceil(float x) {
  return ::ceilf(x);
}
SGL_FN float trunc(float x) {
  return ::truncf(x);
}
SGL_FN float round(float x) {
  return ::rintf(x);
}
SGL_FN bool isnan(float x) {
  return x != x;
}
SGL_FN bool isinf(float x) {
  return (f32_to_bits(x) & 0x7fffffffu) == 0x7f800000u;
}

}  // namespace sgl

namespace sgl {

// NaN where either operand is; one instruction.
SGL_FN float minimum(float a, float b) {
  float least;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(least) : "f"(a), "f"(b));
  return least;
}
SGL_FN float maximum(float a, float b) {
  float most;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(most) : "f"(a), "f"(b));
  return most;
}

// On sm_90 and sm_100, ptxas 13.0 takes `max(min(x, n), 0) == n`, however it came to be, for the predicate of
// VIMNMX.RELU, which says `0 <= x <= n`. So integers of expressions are compared by what neither compiler looks into:
// a difference is found to be 0 by ptxas, and order is found by ptxas alone, of which nvcc cannot make equality.
template <class R>
struct Compared;
#define SGL_COMPARES(R, letter, type, bits)                                                        \
  template <>                                                                                      \
  struct Compared<R> {                                                                             \
    static SGL_FN bool is_equal(R a, R b) {                                                        \
      R difference;                                                                                \
      asm("xor.b" bits " %0, %1, %2;" : "=" letter(difference) : letter(a), letter(b));            \
      return difference == 0;                                                                      \
    }                                                                                              \
    static SGL_FN bool is_less(R a, R b) {                                                         \
      uint32_t holds;                                                                              \
      asm("{\n\t.reg .pred p;\n\tsetp.lt." type " p, %1, %2;\n\tselp.u32 %0, 1, 0, p;\n\t}"          \
          : "=r"(holds)                                                                            \
          : letter(a), letter(b));                                                                 \
      return holds != 0;                                                                           \
    }                                                                                              \
  };
SGL_COMPARES(int32_t, "r", "s32", "32")
SGL_COMPARES(uint32_t, "r", "u32", "32")
SGL_COMPARES(int64_t, "l", "s64", "64")
#undef SGL_COMPARES

template <class A, class B>
SGL_FN bool is_equal(A a, B b) {
  return Compared<decltype(a + b)>::is_equal(a, b);
}
template <class A, class B>
SGL_FN bool is_less(A a, B b) {
  return Compared<decltype(a + b)>::is_less(a, b);
}
template <class A, class B>
SGL_FN bool is_greater(A a, B b) {
  return Compared<decltype(a + b)>::is_less(b, a);
}

// A maximum with 0 that is none to ptxas.
SGL_FN int32_t at_least_zero(int32_t x) {
  int32_t least;
  asm("{\n\t.reg .s32 mask;\n\tshr.s32 mask, %1, 31;\n\tnot.b32 mask, mask;\n\tand.b32 %0, %1, mask;\n\t}"
      : "=r"(least)
      : "r"(x));
  return least;
}
SGL_FN int64_t at_least_zero(int64_t x) {
  int64_t least;
  asm("{\n\t.reg .s64 mask;\n\tshr.s64 mask, %1, 63;\n\tnot.b64 mask, mask;\n\tand.b64 %0, %1, mask;\n\t}"
      : "=l"(least)
      : "l"(x));
  return least;
}

// The nearest integer of T's range, ties to even, and 0 for NaN; one instruction.
#define SGL_SATURATES
template <class T>
SGL_FN T saturate_to(float x);
template <class T>
SGL_FN T saturate_to(int32_t x);
template <>
SGL_FN uint8_t saturate_to<uint8_t>(float x) {
  uint32_t nearest;
  asm("cvt.rni.sat.u8.f32 %0, %1;" : "=r"(nearest) : "f"(x));
  return uint8_t(nearest);
}
template <>
SGL_FN uint8_t saturate_to<uint8_t>(int32_t x) {
  uint32_t nearest;
  asm("cvt.sat.u8.s32 %0, %1;" : "=r"(nearest) : "r"(x));
  return uint8_t(nearest);
}
template <>
SGL_FN int8_t saturate_to<int8_t>(float x) {
  int32_t nearest;
  asm("cvt.rni.sat.s8.f32 %0, %1;" : "=r"(nearest) : "f"(x));
  return int8_t(nearest);
}
template <>
SGL_FN int8_t saturate_to<int8_t>(int32_t x) {
  int32_t nearest;
  asm("cvt.sat.s8.s32 %0, %1;" : "=r"(nearest) : "r"(x));
  return int8_t(nearest);
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
#define SGL_NARROW_F8E4M3(x) narrow_f8e4m3(x)
SGL_FN uint8_t narrow_f8e4m3(float x) {
  uint16_t pair;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(0.0f), "f"(x));
  return uint8_t(pair);
}
#endif

}  // namespace sgl

#include "ahead.cuh"
#include "angles.cuh"
#include "points.cuh"
#include "ranked.cuh"
#include "shares.h"

namespace sgl {


template <>
struct Codec<__half> {
  using Value = float;
  static SGL_FN float widen(__half x) {
    return __half2float(x);
  }
  static SGL_FN __half narrow(float x) {
    return __float2half_rn(x);
  }
};

template <>
struct Codec<__nv_bfloat16> {
  using Value = float;
  static SGL_FN float widen(__nv_bfloat16 x) {
    return __bfloat162float(x);
  }
  static SGL_FN __nv_bfloat16 narrow(float x) {
    return __float2bfloat16_rn(x);
  }
};

}  // namespace sgl

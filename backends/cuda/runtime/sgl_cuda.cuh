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

namespace sgl {

// What a load reads in place of elements that are not there: as much as the widest chunk has.
__device__ const uint4 kZeros[8] = {};
#define SGL_ZEROS ::sgl::kZeros

constexpr int kSimdLanes = 32;
constexpr int kMostLanes = 512;
constexpr int kPartLanes = 16;
constexpr int kExchangeWords = 512;  // one for each lane of a group

SGL_FN bool is_given(const Launch& launch, int position) {
  return (launch.given >> position & 1u) != 0u;
}

// The lanes that work on one item together: a warp, or a whole block.
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
  // Writes before are seen by all lanes after.
  SGL_FN void barrier() const {
    if (lanes == kSimdLanes) {
      __syncwarp();
    } else {
      __syncthreads();
    }
  }
  SGL_FN void wait() const {
    __syncthreads();
  }
};

SGL_FN Team make_team(const Launch& launch) {
  __shared__ uint32_t exchange[kExchangeWords];
  const int64_t number = int64_t(blockIdx.y) * gridDim.x + blockIdx.x;
  const int thread = int(threadIdx.x);
  return Team{number * launch.teams_per_group + thread / launch.lanes, thread % launch.lanes, launch.lanes, exchange};
}

// Every kernel calls this ahead of its first access to memory. Launched by programmatic dependent launch, a
// kernel may start while the one before it on the stream is still at work; here it waits for that one's
// writes. Launched otherwise, it goes on at once.
SGL_FN void wait_for_inputs() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

SGL_FN float bits_to_f32(uint32_t bits) {
  return __uint_as_float(bits);
}
SGL_FN uint32_t f32_to_bits(float x) {
  return __float_as_uint(x);
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
  return __frsqrt_rn(x);
}
SGL_FN float sin(float x) {
  return ::sinf(x);
}
SGL_FN float cos(float x) {
  return ::cosf(x);
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

#include "parts.h"

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

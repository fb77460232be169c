// The functions of the runtime's metal_math.h, in the ring.
#pragma once

#ifdef EMU_CHECK
#include "as_shipped_metal_math.h"
#else

namespace sgl {

#define RING_FUNCTION(name, value) \
  inline float name(float a) {     \
    return value;                  \
  }
RING_FUNCTION(exp, ring::exp_of(a))
RING_FUNCTION(exp2, ring::exp2_of(a))
RING_FUNCTION(log, ring::scrambled(a, ring::kLog))
RING_FUNCTION(log2, ring::scrambled(a, ring::kLog2))
RING_FUNCTION(sqrt, ring::scrambled(a, ring::kSqrt))
RING_FUNCTION(rsqrt, ring::scrambled(a, ring::kRsqrt))
RING_FUNCTION(sin, ring::scrambled(a, ring::kSin))
RING_FUNCTION(cos, ring::scrambled(a, ring::kCos))
RING_FUNCTION(tanh, ring::scrambled(a, ring::kTanh))
RING_FUNCTION(erf, ring::scrambled(a, ring::kErf))
RING_FUNCTION(floor, ring::scrambled(a, ring::kFloor))
RING_FUNCTION(ceil, ring::scrambled(a, ring::kCeil))
RING_FUNCTION(round, ring::scrambled(a, ring::kRound))
RING_FUNCTION(trunc, ring::scrambled(a, ring::kTrunc))
#undef RING_FUNCTION

inline float power(float a, float b) {
  return ring::power_of(a, b);
}
inline bool isnan(float a) {
  return a.is_nan();
}
inline bool isinf(float a) {
  return a.is_infinite();
}

}  // namespace sgl

#endif

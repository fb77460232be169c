// The functions of the runtime's elementary.h, in the ring.
#pragma once

#include "exact.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

#define RING_FUNCTION(name, value)                                                                       \
  template <Operand X>                                                                                   \
  auto name(X x) {                                                                                       \
    const auto of_one = [](ring::Element a) { return value; };                                           \
    return lift<ring::Element, ring::Element>([=](auto v) { return ring::each(of_one, v); }, x);         \
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
#undef RING_FUNCTION

template <Operand X, Operand Y>
auto power(X x, Y y) {
  const auto of_two = [](ring::Element a, ring::Element b) { return ring::power_of(a, b); };
  const auto lanes = [=](auto a, auto b) { return ring::each(of_two, a, b); };
  return lift<ring::Element, ring::Element>(lanes, x, y);
}

// Always in the ring, also where both operands are integers.
template <Operand A, Operand B>
auto divide(A a, B b) {
  return to_f32(a) / to_f32(b);
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

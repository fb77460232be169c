// Integers for sizes of launches: products that leave the range stay at its end, so comparisons hold.
#pragma once

#include <compare>

#include "host_runtime/op.h"

namespace sgl::host {

class Saturated {
 public:
  constexpr Saturated(Wide value) : value_(value > kMost ? kMost : value < -kMost ? -kMost : value) {}

  constexpr Wide value() const { return value_; }

  friend constexpr Saturated operator+(Saturated a, Saturated b) { return a.value_ + b.value_; }
  friend constexpr Saturated operator-(Saturated a, Saturated b) { return a.value_ - b.value_; }
  friend constexpr Saturated operator-(Saturated a) { return -a.value_; }
  friend constexpr Saturated operator*(Saturated a, Saturated b) {
    Wide product = 0;
    if (!__builtin_mul_overflow(a.value_, b.value_, &product)) return product;
    return (a.value_ < 0) == (b.value_ < 0) ? kMost : -kMost;
  }
  friend constexpr auto operator<=>(Saturated a, Saturated b) = default;

 private:
  static constexpr Wide kMost = Wide{1} << 120;  // the sum of two still fits

  Wide value_;
};

inline Saturated floor_divide(Saturated a, Saturated b) { return floor_divide(a.value(), b.value()); }
inline Saturated modulo(Saturated a, Saturated b) { return modulo(a.value(), b.value()); }
inline Saturated minimum(Saturated a, Saturated b) { return a < b ? a : b; }
inline Saturated maximum(Saturated a, Saturated b) { return a < b ? b : a; }
inline Saturated absolute(Saturated a) { return a < 0 ? -a : a; }
inline Saturated select(bool condition, Saturated a, Saturated b) { return condition ? a : b; }

}  // namespace sgl::host

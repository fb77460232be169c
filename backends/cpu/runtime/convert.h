// Conversions between compute types: sgl::cast<S>(x) and its short names to_f32, to_i32, to_u32, to_i64.
//
// Integers wrap; floats go toward zero, saturate, and send NaN to 0; truth values become 0 or 1.
#pragma once

#include "pack.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

// Floats to integers of the same size.
template <class To, class V>
SGL_INLINE Rebind<V, To> saturate(V x) {
  using F = Lane<V>;
  using R = Rebind<V, To>;
  constexpr F half = sizeof(To) == 8 ? F(9223372036854775808.0) : F(2147483648.0);
  if constexpr (std::is_signed_v<To>) {
    constexpr To lowest = To(1) << (sizeof(To) * 8 - 1);
    const R inside = convert<To>(pick<V>(both(x >= -half, x < half), x, V{}));
    const R high = pick<R>(x >= half, splat<R>(~lowest), inside);
    return pick<R>(x < -half, splat<R>(lowest), high);
  } else {
    // Unsigned conversion is not native everywhere: the upper half goes through the signed one.
    using Signed = std::make_signed_t<To>;
    const auto is_upper = x >= half;
    const V moved = pick<V>(is_upper, x - half, x);
    const R bits = bits_as<To>(convert<Signed>(pick<V>(both(moved >= 0, moved < half), moved, V{})));
    const R inside = pick<R>(is_upper, bits | (To(1) << (sizeof(To) * 8 - 1)), bits);
    return pick<R>(x >= 2 * half, splat<R>(~To(0)), inside);
  }
}

// One part to lanes of another size or type. Floats become integers of their own size only.
template <class To, class V>
SGL_INLINE Rebind<V, To> convert_lanes(V x) {
  using From = Lane<V>;
  if constexpr (std::is_same_v<From, To>) {
    return x;
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return saturate<To>(x);
  } else {
    return convert<To>(x);
  }
}

template <class To, class From>
SGL_INLINE Pack<To> resize(const Pack<From>& x) {
  using R = Pack<To>;
  using X = Pack<From>;
  R out;
  if constexpr (R::kParts == X::kParts) {
    unroll<R::kParts>([&](auto i) { out.part[i] = convert_lanes<To>(x.part[i]); });
  } else if constexpr (R::kParts > X::kParts) {
    unroll<X::kParts>([&](auto i) {
      out.part[2 * i] = convert_lanes<To>(low_half(x.part[i]));
      out.part[2 * i + 1] = convert_lanes<To>(high_half(x.part[i]));
    });
  } else {
    unroll<R::kParts>([&](auto i) {
      out.part[i] = join_halves(convert_lanes<To>(x.part[2 * i]), convert_lanes<To>(x.part[2 * i + 1]));
    });
  }
  return out;
}

SGL_INLINE Pack<int32_t> mask_bits(const Mask& mask) {
  return map_parts<int32_t>([](auto m) { return m; }, mask);
}

// A mask for lanes of S, from one for 32-bit lanes.
template <class S>
SGL_INLINE auto mask_for(const Mask& mask) {
  return resize<MaskLane<typename Pack<S>::Stored>>(mask_bits(mask));
}

// f, a comparison, on corresponding parts.
template <class S, class F>
SGL_INLINE Mask compare_parts(F f, const Pack<S>& a, const Pack<S>& b) {
  const auto bits = map_parts<MaskLane<typename Pack<S>::Stored>>(f, a, b);
  return map_parts<bool>([](auto m) { return m; }, resize<int32_t>(bits));
}

template <class To, class From>
SGL_INLINE Pack<To> cast_pack(const Pack<From>& x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (std::is_same_v<To, bool>) {
    return compare_parts([](auto a, auto b) { return a != b; }, x, Pack<From>(From(0)));
  } else if constexpr (std::is_same_v<From, bool>) {
    return resize<To>(map_parts<int32_t>([](auto m) { return m & 1; }, x));
  } else if constexpr (std::is_same_v<From, float> && sizeof(To) == 8 && std::is_integral_v<To>) {
    return resize<To>(resize<double>(x));
  } else {
    return resize<To>(x);
  }
}

template <class To, class From>
SGL_INLINE To cast_scalar(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Float = std::conditional_t<sizeof(To) == 8, double, float>;
    return saturate<To>(static_cast<Float>(x));
  } else {
    return static_cast<To>(x);
  }
}

SGL_INLINE Pack<int64_t> indices(Lanes lanes) {
  Pack<int64_t> out;
  using P = Pack<int64_t>;
  unroll<P::kParts>([&](auto i) { out.part[i] = iota<P::Part>() + (lanes.first + i * P::kWidth); });
  return out;
}

template <class S>
template <class L>
  requires(std::is_same_v<L, Lanes> && std::is_same_v<S, int64_t>)
SGL_INLINE Pack<S>::Pack(L lanes) : Pack(indices(lanes)) {}

SGL_INLINE Pack<int32_t> short_indices(Lanes lanes) {
  Pack<int32_t> out;
  using P = Pack<int32_t>;
  unroll<P::kParts>([&](auto i) {
    out.part[i] = iota<P::Part>() + static_cast<int32_t>(lanes.first + i * P::kWidth);
  });
  return out;
}

template <class S>
SGL_INLINE Pack<S> cast_lanes(Lanes lanes) {
  if constexpr (std::is_same_v<S, int64_t>) {
    return indices(lanes);
  } else if constexpr (std::is_integral_v<S>) {
    return cast_pack<S>(short_indices(lanes));
  } else {
    const bool is_short = lanes.first >= INT32_MIN && lanes.first <= INT32_MAX - kLanes;
    return is_short ? cast_pack<S>(short_indices(lanes)) : cast_pack<S>(indices(lanes));
  }
}

// x with elements of S: a scalar for a scalar, a Pack<S> for anything else.
template <class S, Operand X>
SGL_INLINE auto cast(X x) {
  if constexpr (std::is_same_v<X, Lanes>) {
    return cast_lanes<S>(x);
  } else if constexpr (is_pack<X>) {
    return cast_pack<S>(x);
  } else {
    return cast_scalar<S>(x);
  }
}

// x as a Pack<S>; a scalar stands in every lane.
template <class S, Operand X>
SGL_INLINE Pack<S> as_pack(X x) {
  return cast<S>(x);
}

template <Operand X>
SGL_INLINE auto to_f32(X x) {
  return cast<float>(x);
}
template <Operand X>
SGL_INLINE auto to_i32(X x) {
  return cast<int32_t>(x);
}
template <Operand X>
SGL_INLINE auto to_u32(X x) {
  return cast<uint32_t>(x);
}
template <Operand X>
SGL_INLINE auto to_i64(X x) {
  return cast<int64_t>(x);
}
// Indices are i64 already, and stay consecutive.
SGL_INLINE Lanes to_i64(Lanes x) {
  return x;
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

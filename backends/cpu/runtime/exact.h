// The exact functions: ordering, rounding to integers and to stored types, bits, classification.
#pragma once

#include "operators.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

// f, written for scalars and native vectors, on operands converted to S; the result has lanes of R.
template <class R, class S, class F, class... X>
SGL_INLINE auto lift(F f, X... x) {
  if constexpr ((is_pack<X> || ...)) {
    return map_parts<R>(f, as_pack<S>(x)...);
  } else {
    return f(cast<S>(x)...);
  }
}

// ---- ordering: NaN wins ---------------------------------------------------------------------------

template <class V>
SGL_INLINE MaskOf<V> nan_lanes(V x) {
  if constexpr (std::is_floating_point_v<Lane<V>>) {
    return x != x;
  } else {
    return MaskOf<V>{};
  }
}

// f(a, b) on operands of any one element type, chosen by comparison.
template <class F, class A, class B>
SGL_INLINE auto choose(F is_first, A a, B b) {
  using S = Joined<A, B>;
  if constexpr (is_pack<A> || is_pack<B>) {
    const Pack<S> x = as_pack<S>(a), y = as_pack<S>(b);
    Pack<S> out;
    unroll<Pack<S>::kParts>([&](auto i) {
      const auto takes_x = either(is_first(x.part[i], y.part[i]), nan_lanes(x.part[i]));
      out.part[i] = pick<typename Pack<S>::Part>(takes_x, x.part[i], y.part[i]);
    });
    return out;
  } else {
    const S x = a, y = b;
    return either(is_first(x, y), nan_lanes(x)) ? x : y;
  }
}

template <Operand A, Operand B>
SGL_INLINE auto minimum(A a, B b) {
  return choose([](auto x, auto y) { return x < y; }, a, b);
}

template <Operand A, Operand B>
SGL_INLINE auto maximum(A a, B b) {
  return choose([](auto x, auto y) { return x > y; }, a, b);
}

template <class V>
SGL_INLINE V magnitude(V x) {
  using S = Lane<V>;
  if constexpr (std::is_floating_point_v<S>) {
    using U = std::conditional_t<sizeof(S) == 8, uint64_t, uint32_t>;
    return bits_as<S>(bits_as<U>(x) & (~U(0) >> 1));
  } else if constexpr (std::is_signed_v<S>) {
    return pick<V>(x < 0, -x, x);
  } else {
    return x;
  }
}

template <Operand X>
SGL_INLINE auto abs(X x) {
  return lift<Element<X>, Element<X>>([](auto v) { return magnitude(v); }, x);
}

// ---- rounding to integers -------------------------------------------------------------------------

// The magnitude of `size` with the sign of `sign`.
template <class V>
SGL_INLINE V with_sign(V size, V sign) {
  using S = Lane<V>;
  using U = std::conditional_t<sizeof(S) == 8, uint64_t, uint32_t>;
  constexpr U top = ~(~U(0) >> 1);
  return bits_as<S>((bits_as<U>(size) & ~top) | (bits_as<U>(sign) & top));
}

// To the nearest integer, ties to even: adding 2^23 leaves no room for a fraction.
template <class V>
SGL_INLINE V round_even(V x) {
  constexpr Lane<V> shift = sizeof(Lane<V>) == 8 ? 0x1p52 : 0x1p23;
  const V size = magnitude(x);
  const V rounded = (size + shift) - shift;
  return pick<V>(size < shift, with_sign(rounded, x), x);
}

template <class V>
SGL_INLINE V round_down(V x) {
  const V near = round_even(x);
  return with_sign(near - pick<V>(near > x, splat<V>(1), V{}), x);
}

template <class V>
SGL_INLINE V round_up(V x) {
  const V near = round_even(x);
  return with_sign(near + pick<V>(near < x, splat<V>(1), V{}), x);
}

template <class V>
SGL_INLINE V round_to_zero(V x) {
  return with_sign(round_down(magnitude(x)), x);
}

template <Operand X>
SGL_INLINE auto round(X x) {
  return lift<float, float>([](auto v) { return round_even(v); }, x);
}
template <Operand X>
SGL_INLINE auto floor(X x) {
  return lift<float, float>([](auto v) { return round_down(v); }, x);
}
template <Operand X>
SGL_INLINE auto ceil(X x) {
  return lift<float, float>([](auto v) { return round_up(v); }, x);
}
template <Operand X>
SGL_INLINE auto trunc(X x) {
  return lift<float, float>([](auto v) { return round_to_zero(v); }, x);
}

// ---- classification and bits ----------------------------------------------------------------------

template <Operand X>
SGL_INLINE auto isnan(X x) {
  return lift<bool, float>([](auto v) { return v != v; }, x);
}
template <Operand X>
SGL_INLINE auto isinf(X x) {
  return lift<bool, float>([](auto v) { return magnitude(v) == __builtin_inff(); }, x);
}
template <Operand X>
SGL_INLINE auto bits_to_f32(X x) {
  return lift<float, uint32_t>([](auto v) { return bits_as<float>(v); }, x);
}
template <Operand X>
SGL_INLINE auto f32_to_bits(X x) {
  return lift<uint32_t, float>([](auto v) { return bits_as<uint32_t>(v); }, x);
}

// x rounded to the stored type T and widened again.
template <class T, Operand X>
SGL_INLINE auto round_to(X x) {
  return lift<float, float>([](auto v) { return Codec<T>::widen(Codec<T>::narrow(v)); }, x);
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

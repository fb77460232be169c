// Vectors of ring elements: the vocabulary of the runtime's vector.h for them.
#pragma once

#include "as_shipped_vector.h"

namespace ring {

template <int N>
struct Vector {
  Element lane[N];

  Element& operator[](int i) {
    return lane[i];
  }
  Element operator[](int i) const {
    return lane[i];
  }
};

template <class V>
inline constexpr bool is_ring_vector = false;
template <int N>
inline constexpr bool is_ring_vector<Vector<N>> = true;

// An element or a vector of them.
template <class V>
concept Ring = std::is_same_v<V, Element> || is_ring_vector<V>;

// f on corresponding elements.
template <class F, Ring V, std::same_as<V>... Rest>
V each(F f, V first, Rest... rest) {
  if constexpr (is_ring_vector<V>) {
    for (int i = 0; i < sgl::lanes_of<V>; ++i) first[i] = f(first[i], rest[i]...);
    return first;
  } else {
    return f(first, rest...);
  }
}

template <int N>
Vector<N> operator-(Vector<N> a) {
  return each([](Element x) { return -x; }, a);
}
template <int N>
Vector<N> operator-(Element a, Vector<N> b) {
  return each([a](Element y) { return a - y; }, b);
}

#define RING_ARITHMETIC(symbol)                                          \
  template <int N>                                                       \
  Vector<N> operator symbol(Vector<N> a, Vector<N> b) {                  \
    return each([](Element x, Element y) { return x symbol y; }, a, b);  \
  }
RING_ARITHMETIC(+)
RING_ARITHMETIC(-)
RING_ARITHMETIC(*)
RING_ARITHMETIC(/)
#undef RING_ARITHMETIC

#define RING_COMPARISON(symbol)                                          \
  template <int N>                                                       \
  sgl::Vector<int32_t, N> operator symbol(Vector<N> a, Vector<N> b) {    \
    sgl::Vector<int32_t, N> made{};                                      \
    for (int i = 0; i < N; ++i) made[i] = a[i] symbol b[i] ? -1 : 0;     \
    return made;                                                         \
  }
RING_COMPARISON(==)
RING_COMPARISON(!=)
RING_COMPARISON(<)
RING_COMPARISON(<=)
RING_COMPARISON(>)
RING_COMPARISON(>=)
#undef RING_COMPARISON

template <int N>
sgl::Vector<int32_t, N> operator==(Vector<N> a, Element b) {
  return a == sgl::splat<Vector<N>>(b);
}

}  // namespace ring

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

template <int N>
struct VectorOf<ring::Element, N> {
  using type = ring::Vector<N>;
};

template <class V>
  requires ring::is_ring_vector<V>
V pick(MaskOf<V> mask, V yes, V no) {
  for (int i = 0; i < lanes_of<V>; ++i) yes[i] = mask[i] ? yes[i] : no[i];
  return yes;
}

template <class S, class V>
  requires is_vector<V> && (std::is_same_v<S, ring::Element> != std::is_same_v<Lane<V>, ring::Element>)
Rebind<V, S> convert(V v) {
  Rebind<V, S> made{};
  for (int i = 0; i < lanes_of<V>; ++i) made[i] = static_cast<S>(v[i]);
  return made;
}

template <class S, ring::Ring V>
  requires std::is_same_v<S, uint32_t>
Rebind<V, S> bits_as(V v) {
  Rebind<V, S> made{};
  if constexpr (is_vector<V>) {
    for (int i = 0; i < lanes_of<V>; ++i) made[i] = ring::to_bits(v[i]);
  } else {
    made = ring::to_bits(v);
  }
  return made;
}

template <class S, class V>
  requires std::is_same_v<S, ring::Element> && (std::is_same_v<V, uint32_t> || std::is_same_v<Lane<V>, uint32_t>)
Rebind<V, S> bits_as(V v) {
  Rebind<V, S> made{};
  if constexpr (is_vector<V>) {
    for (int i = 0; i < lanes_of<V>; ++i) made[i] = ring::from_bits(v[i]);
  } else {
    made = ring::from_bits(v);
  }
  return made;
}

template <class To, ring::Ring V>
Rebind<V, To> saturate(V x) {
  if constexpr (is_vector<V>) {
    return convert<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <ring::Ring V>
V magnitude(V x) {
  return ring::each([](ring::Element a) { return ring::absolute(a); }, x);
}

#define RING_ROUNDING(name, key)                                                            \
  template <ring::Ring V>                                                                   \
  V name(V x) {                                                                             \
    return ring::each([](ring::Element a) { return ring::scrambled(a, ring::key); }, x);    \
  }
RING_ROUNDING(round_even, kRound)
RING_ROUNDING(round_down, kFloor)
RING_ROUNDING(round_up, kCeil)
RING_ROUNDING(round_to_zero, kTrunc)
#undef RING_ROUNDING

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

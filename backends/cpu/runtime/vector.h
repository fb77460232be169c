// Native vectors, and one vocabulary for them and for scalars.
//
// The functions of this file take a scalar or a native vector of any length. Algorithms written with
// them give the same bits for single elements and for vectors, whatever the vector's size.
#pragma once

#include <string.h>

#include <type_traits>
#include <utility>

#include "isa.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

template <class S, int N>
struct VectorOf {
  typedef S type __attribute__((vector_size(N * sizeof(S))));
};

// N lanes of S.
template <class S, int N>
using Vector = typename VectorOf<S, N>::type;

template <class V>
inline constexpr bool is_vector = !std::is_arithmetic_v<V>;

template <class V>
SGL_INLINE auto first_lane(V v) {
  if constexpr (is_vector<V>) {
    return v[0];
  } else {
    return v;
  }
}

// The type of one lane.
template <class V>
using Lane = decltype(first_lane(std::declval<V>()));

template <class V>
inline constexpr int lanes_of = sizeof(V) / sizeof(Lane<V>);

template <class V, class S>
struct RebindOf {
  using type = Vector<S, lanes_of<V>>;
};
template <class V, class S>
  requires std::is_arithmetic_v<V>
struct RebindOf<V, S> {
  using type = S;
};

// As many lanes as V has, of S.
template <class V, class S>
using Rebind = typename RebindOf<V, S>::type;

// The integer of S's size whose bits a comparison sets.
template <class S>
using MaskLane = std::conditional_t<sizeof(S) == 8, int64_t, int32_t>;

// What a comparison of two V gives: bool, or a vector with all bits of a true lane set.
template <class V>
using MaskOf = Rebind<V, std::conditional_t<is_vector<V>, MaskLane<Lane<V>>, bool>>;

#ifdef SGL_ROLLED  // tests that compile more than they run
struct Step {
  int at;
  operator int() const {
    return at;
  }
  int operator()() const {
    return at;
  }
};

template <int N, class F>
void unroll(F f) {
  for (int i = 0; i < N; ++i) f(Step{i});
}
#else
// Calls f with std::integral_constant 0 .. N-1. The constants keep arrays of vectors in registers.
template <int N, class F>
SGL_INLINE void unroll(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) SGL_BODY {
    (f(std::integral_constant<int, I>{}), ...);
  }(std::make_integer_sequence<int, N>{});
}
#endif

// Every lane set to `value`; a zero keeps its sign.
template <class V>
SGL_INLINE V splat(Lane<V> value) {
  if constexpr (is_vector<V>) {
    return value - V{};
  } else {
    return value;
  }
}

// 0, 1, 2, ... by lane.
template <class V>
SGL_INLINE V iota() {
  V v{};
  unroll<lanes_of<V>>([&](auto i) { v[i()] = static_cast<Lane<V>>(i()); });
  return v;
}

template <class V>
SGL_INLINE V pick(MaskOf<V> mask, V yes, V no) {
  return mask ? yes : no;
}

// And and or of comparison results.
template <class A, class B>
SGL_INLINE auto both(A a, B b) {
  if constexpr (is_vector<A>) {
    return a & b;
  } else {
    return a && b;
  }
}

template <class A, class B>
SGL_INLINE auto either(A a, B b) {
  if constexpr (is_vector<A>) {
    return a | b;
  } else {
    return a || b;
  }
}

// C's conversion of each lane. The caller keeps floats inside the integer type's range.
template <class S, class V>
SGL_INLINE Rebind<V, S> convert(V v) {
  if constexpr (is_vector<V>) {
    return __builtin_convertvector(v, Rebind<V, S>);
  } else {
    return static_cast<S>(v);
  }
}

// The same bits read as lanes of S, which has the size of V's lanes.
template <class S, class V>
SGL_INLINE Rebind<V, S> bits_as(V v) {
  return __builtin_bit_cast(Rebind<V, S>, v);
}

template <class V>
SGL_INLINE auto low_half(V v) {
  return [&]<int... I>(std::integer_sequence<int, I...>) SGL_BODY {
    return Vector<Lane<V>, sizeof...(I)>{v[I]...};
  }(std::make_integer_sequence<int, lanes_of<V> / 2>{});
}

template <class V>
SGL_INLINE auto high_half(V v) {
  return [&]<int... I>(std::integer_sequence<int, I...>) SGL_BODY {
    return Vector<Lane<V>, sizeof...(I)>{v[I + int(sizeof...(I))]...};
  }(std::make_integer_sequence<int, lanes_of<V> / 2>{});
}

template <class H>
SGL_INLINE auto join_halves(H low, H high) {
  return [&]<int... I>(std::integer_sequence<int, I...>) SGL_BODY {
    return Vector<Lane<H>, 2 * sizeof...(I)>{low[I]..., high[I]...};
  }(std::make_integer_sequence<int, lanes_of<H>>{});
}

// Lane i of the result is lane i ^ kDistance of `v`.
template <int kDistance, class V>
SGL_INLINE V swap_in_part(V v) {
  return [&]<int... I>(std::integer_sequence<int, I...>) SGL_BODY {
    return V{v[I ^ kDistance]...};
  }(std::make_integer_sequence<int, lanes_of<V>>{});
}

template <class V>
SGL_INLINE bool any_lane(V mask) {
  if constexpr (is_vector<V>) {
    Lane<V> all{};
    unroll<lanes_of<V>>([&](auto i) { all |= mask[i()]; });
    return all != 0;
  } else {
    return mask;
  }
}

template <class V>
SGL_INLINE V square_root(V v) {
  if constexpr (is_vector<V>) {
    return [&]<int... I>(std::integer_sequence<int, I...>) SGL_BODY {
      return V{square_root(v[I])...};
    }(std::make_integer_sequence<int, lanes_of<V>>{});
  } else if constexpr (sizeof(V) == 4) {
    return __builtin_sqrtf(v);
  } else {
    return __builtin_sqrt(v);
  }
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

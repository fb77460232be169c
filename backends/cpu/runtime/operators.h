// The operators on packs, masks and lanes, and the ops that are written with an operator in a body.
#pragma once

#include "convert.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

// f on operands that meet in one element type, at least one of them a pack.
template <class F, class A, class B>
SGL_INLINE auto zip(F f, A a, B b) {
  using S = Joined<A, B>;
  return map_parts<S>(f, as_pack<S>(a), as_pack<S>(b));
}

template <class F, class A, class B>
SGL_INLINE Mask compare(F f, A a, B b) {
  using S = Joined<A, B>;
  return compare_parts(f, as_pack<S>(a), as_pack<S>(b));
}

#define SGL_BINARY(form, symbol)                                                            \
  template <class A, class B>                                                               \
    requires AnyPacked<A, B>                                                                \
  SGL_INLINE auto operator symbol(A a, B b) {                                               \
    return form([](auto x, auto y) SGL_BODY { return x symbol y; }, a, b); \
  }

SGL_BINARY(zip, +)
SGL_BINARY(zip, -)
SGL_BINARY(zip, *)
SGL_BINARY(zip, &)
SGL_BINARY(zip, |)
SGL_BINARY(zip, ^)
SGL_BINARY(compare, <)
SGL_BINARY(compare, <=)
SGL_BINARY(compare, >)
SGL_BINARY(compare, >=)
SGL_BINARY(compare, ==)
SGL_BINARY(compare, !=)
#undef SGL_BINARY

// Division is for floats; integers divide with floor_divide.
template <class A, class B>
  requires AnyPacked<A, B>
SGL_INLINE auto operator/(A a, B b) {
  static_assert(std::is_floating_point_v<Joined<A, B>>, "integers divide with floor_divide");
  return zip([](auto x, auto y) { return x / y; }, a, b);
}

template <class A>
  requires std::is_integral_v<A>
SGL_INLINE Lanes operator+(Lanes lanes, A offset) {
  return {lanes.first + static_cast<int64_t>(offset)};
}
template <class A>
  requires std::is_integral_v<A>
SGL_INLINE Lanes operator+(A offset, Lanes lanes) {
  return {lanes.first + static_cast<int64_t>(offset)};
}
template <class A>
  requires std::is_integral_v<A>
SGL_INLINE Lanes operator-(Lanes lanes, A offset) {
  return {lanes.first - static_cast<int64_t>(offset)};
}

template <Packed A>
SGL_INLINE auto operator-(A a) {
  using S = Element<A>;
  return map_parts<S>([](auto x) { return -x; }, as_pack<S>(a));
}

template <Packed A>
SGL_INLINE auto operator~(A a) {
  using S = Element<A>;
  return map_parts<S>([](auto x) { return ~x; }, as_pack<S>(a));
}

SGL_INLINE Mask operator!(const Mask& a) {
  return ~a;
}

// Both operands are evaluated.
template <class A, class B>
  requires AnyPacked<A, B> && std::is_same_v<Joined<A, B>, bool>
SGL_INLINE Mask operator&&(A a, B b) {
  return a & b;
}
template <class A, class B>
  requires AnyPacked<A, B> && std::is_same_v<Joined<A, B>, bool>
SGL_INLINE Mask operator||(A a, B b) {
  return a | b;
}

// ---- shifts: the count is taken modulo the width -------------------------------------------------

// f(value, count) with a's element type for both.
template <class F, class A, class B>
SGL_INLINE auto shift(F f, A a, B b) {
  using S = Element<A>;
  const auto count = cast<S>(b) & S(sizeof(S) * 8 - 1);
  if constexpr (is_pack<A> || is_pack<B>) {
    return map_parts<S>(f, as_pack<S>(a), as_pack<S>(count));
  } else {
    return f(a, count);
  }
}

template <Operand A, Operand B>
SGL_INLINE auto shift_left(A a, B b) {
  return shift([](auto x, auto n) { return x << n; }, a, b);
}

template <Operand A, Operand B>
SGL_INLINE auto shift_right(A a, B b) {
  return shift([](auto x, auto n) { return x >> n; }, a, b);
}

template <class A, class B>
  requires AnyPacked<A, B>
SGL_INLINE auto operator<<(A a, B b) {
  return shift_left(a, b);
}
template <class A, class B>
  requires AnyPacked<A, B>
SGL_INLINE auto operator>>(A a, B b) {
  return shift_right(a, b);
}

// ---- integer division: rounds down, by zero gives 0, the lowest value by -1 wraps ------------------

template <class S>
SGL_INLINE S floor_divide_scalar(S a, S b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<S>) {
    if (b == -1) return -a;
    const S quotient = a / b;
    return quotient - static_cast<S>(a % b != 0 && (a < 0) != (b < 0));
  } else {
    return a / b;
  }
}

template <class S>
SGL_INLINE S modulo_scalar(S a, S b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<S>) {
    if (b == -1) return 0;
    const S rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  } else {
    return a % b;
  }
}

// f on corresponding lanes, one at a time.
template <class S, class F>
SGL_INLINE Pack<S> map_lanes(F f, const Pack<S>& a, const Pack<S>& b) {
  S x[kLanes], y[kLanes];
  memcpy(x, &a, sizeof x);
  memcpy(y, &b, sizeof y);
  for (int i = 0; i < kLanes; ++i) x[i] = f(x[i], y[i]);
  Pack<S> out;
  memcpy(&out, x, sizeof x);
  return out;
}

// floor_divide(a, divisor) for a divisor of at least 16: one division, since the quotients of 16
// consecutive indices are then equal or differ by one.
SGL_INLINE Pack<int64_t> divide_lanes(Lanes a, int64_t divisor) {
  const int64_t quotient = floor_divide_scalar(a.first, divisor);
  return quotient + cast<int64_t>(indices(a) >= (quotient + 1) * divisor);
}

template <Operand A, Operand B>
SGL_INLINE auto floor_divide(A a, B b) {
  using S = Joined<A, B>;
  if constexpr (std::is_same_v<A, Lanes> && !is_pack<B>) {
    if (b >= kLanes) return divide_lanes(a, b);
  }
  if constexpr (is_pack<A> || is_pack<B>) {
    return map_lanes<S>([](S x, S y) { return floor_divide_scalar(x, y); }, as_pack<S>(a), as_pack<S>(b));
  } else {
    return floor_divide_scalar<S>(a, b);
  }
}

template <Operand A, Operand B>
SGL_INLINE auto modulo(A a, B b) {
  using S = Joined<A, B>;
  if constexpr (std::is_same_v<A, Lanes> && !is_pack<B>) {
    if (b >= kLanes) return indices(a) - divide_lanes(a, b) * b;
  }
  if constexpr (is_pack<A> || is_pack<B>) {
    return map_lanes<S>([](S x, S y) { return modulo_scalar(x, y); }, as_pack<S>(a), as_pack<S>(b));
  } else {
    return modulo_scalar<S>(a, b);
  }
}

// ---- choice --------------------------------------------------------------------------------------

template <class S>
SGL_INLINE Pack<S> select_pack(const Mask& mask, const Pack<S>& yes, const Pack<S>& no) {
  const auto choose = [](auto m, auto a, auto b) { return pick<decltype(a)>(m, a, b); };
  return map_parts<S>(choose, mask_for<S>(mask), yes, no);
}

// yes where the condition holds, else no; both are evaluated.
template <Operand C, Operand A, Operand B>
SGL_INLINE auto select(C condition, A yes, B no) {
  using S = Joined<A, B>;
  if constexpr (is_pack<C>) {
    return select_pack<S>(condition, as_pack<S>(yes), as_pack<S>(no));
  } else if constexpr (is_pack<A> || is_pack<B>) {
    return condition ? as_pack<S>(yes) : as_pack<S>(no);
  } else {
    return condition ? static_cast<S>(yes) : static_cast<S>(no);
  }
}

SGL_INLINE bool any(const Mask& mask) {
  Mask::Part all{};
  unroll<Mask::kParts>([&](auto i) { all |= mask.part[i]; });
  return any_lane(all);
}
SGL_INLINE bool all(const Mask& mask) {
  return !any(!mask);
}
SGL_INLINE bool any(bool condition) {
  return condition;
}
SGL_INLINE bool all(bool condition) {
  return condition;
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

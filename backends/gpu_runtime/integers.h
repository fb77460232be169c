// Integer operations with the language's meanings: total, and wrapping. Operands may differ in width.
//
// A GPU's own header defines, before including this one: SGL_FN, what stands before a device function.
#pragma once

namespace sgl {

template <class S>
struct Integer;
template <>
struct Integer<int32_t> {
  using Unsigned = uint32_t;
  static constexpr SGL_CONSTANT bool kIsSigned = true;
};
template <>
struct Integer<uint32_t> {
  using Unsigned = uint32_t;
  static constexpr SGL_CONSTANT bool kIsSigned = false;
};
template <>
struct Integer<int64_t> {
  using Unsigned = uint64_t;
  static constexpr SGL_CONSTANT bool kIsSigned = true;
};

template <class A, class B>
SGL_FN auto wrapping_add(A a, B b) -> decltype(a + b) {
  using R = decltype(a + b);
  using U = typename Integer<R>::Unsigned;
  return R(U(R(a)) + U(R(b)));
}

template <class A, class B>
SGL_FN auto wrapping_subtract(A a, B b) -> decltype(a + b) {
  using R = decltype(a + b);
  using U = typename Integer<R>::Unsigned;
  return R(U(R(a)) - U(R(b)));
}

template <class A, class B>
SGL_FN auto wrapping_multiply(A a, B b) -> decltype(a + b) {
  using R = decltype(a + b);
  using U = typename Integer<R>::Unsigned;
  return R(U(R(a)) * U(R(b)));
}

template <class A>
SGL_FN A wrapping_negate(A a) {
  return wrapping_subtract(A(0), a);
}

// Rounds down; by zero gives 0; the lowest value by -1 wraps.
template <class A, class B>
SGL_FN auto floor_divide(A left, B right) -> decltype(left + right) {
  using R = decltype(left + right);
  const R a = R(left), b = R(right);
  if (b == 0) return 0;
  if (Integer<R>::kIsSigned && b == R(-1)) return wrapping_subtract(R(0), a);
  const R quotient = a / b;
  return quotient - R(a % b != 0 && (a ^ b) >> (sizeof(R) * 8 - 1) != 0 && Integer<R>::kIsSigned);
}

// Has the divisor's sign; by zero gives 0.
template <class A, class B>
SGL_FN auto modulo(A left, B right) -> decltype(left + right) {
  using R = decltype(left + right);
  const R a = R(left), b = R(right);
  if (b == 0) return 0;
  if (Integer<R>::kIsSigned && b == R(-1)) return 0;
  const R rest = a % b;
  const bool differs = Integer<R>::kIsSigned && rest != 0 && (rest ^ b) >> (sizeof(R) * 8 - 1) != 0;
  return differs ? rest + b : rest;
}

// The count is taken modulo the width of the left operand.
template <class A, class B>
SGL_FN A shift_left(A a, B count) {
  using U = typename Integer<A>::Unsigned;
  return A(U(a) << (U(count) & U(sizeof(A) * 8 - 1)));
}

template <class A, class B>
SGL_FN A shift_right(A a, B count) {
  return a >> (typename Integer<A>::Unsigned(count) & (sizeof(A) * 8 - 1));
}

// Integers wrap; floats go toward zero, saturate, and send NaN to 0.
template <class X>
SGL_FN int32_t to_i32(X x) {
  return int32_t(x);
}
template <class X>
SGL_FN uint32_t to_u32(X x) {
  return uint32_t(x);
}
template <class X>
SGL_FN int64_t to_i64(X x) {
  return int64_t(x);
}

SGL_FN int32_t to_i32(float x) {
  if (x != x) return 0;
  if (x >= 2147483648.0f) return 2147483647;
  return x < -2147483648.0f ? -2147483647 - 1 : int32_t(x);
}
SGL_FN uint32_t to_u32(float x) {
  if (!(x > 0.0f)) return 0;
  return x >= 4294967296.0f ? 4294967295u : uint32_t(x);
}
SGL_FN int64_t to_i64(float x) {
  if (x != x) return 0;
  if (x >= 9223372036854775808.0f) return 9223372036854775807;
  return x < -9223372036854775808.0f ? -9223372036854775807 - 1 : int64_t(x);
}

SGL_FN bool is_nan(float x) {
  return x != x;
}
template <class S>
SGL_FN bool is_nan(S) {
  return false;
}

// NaN where either operand is; -0 counts as less than 0 nowhere.
template <class A, class B>
SGL_FN auto minimum(A a, B b) -> decltype(a + b) {
  return a < b || is_nan(a) ? a : b;
}
template <class A, class B>
SGL_FN auto maximum(A a, B b) -> decltype(a + b) {
  return a > b || is_nan(a) ? a : b;
}

SGL_FN float abs(float x) {
  return bits_to_f32(f32_to_bits(x) & 0x7fffffffu);
}
SGL_FN uint32_t abs(uint32_t x) {
  return x;
}
template <class S>
SGL_FN S abs(S x) {
  return x < 0 ? wrapping_negate(x) : x;
}

}  // namespace sgl

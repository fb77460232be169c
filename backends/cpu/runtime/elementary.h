// The inexact functions, within 0.51 ulp of the exact value at every float.
//
// Each is computed in double with polynomials (relative error below 2^-31) and rounded once, so special
// values, subnormals and overflow follow from the double arithmetic. Only + - * /, sqrt, comparisons
// and integer operations are used, never a library call or a fused multiply-add: scalars and packs of
// every instruction set give the same bits.
#pragma once

#include "exact.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

// a0 + a1 x + a2 x^2 + ...
template <class D>
SGL_INLINE D polynomial(D, double last) {
  return splat<D>(last);
}
template <class D, class... Rest>
SGL_INLINE D polynomial(D x, double first, Rest... rest) {
  return polynomial(x, rest...) * x + first;
}

// An exponential as scale * (1 + fraction), scale a power of two, |fraction| < 0.42.
template <class D>
struct Exponential {
  D scale;
  D fraction;
};

// 2^t with t = n + r / ln 2, from n + 1.5 * 2^52 and r in [-ln2 / 2, ln2 / 2].
template <class D>
SGL_INLINE Exponential<D> exponential(D shifted, D r) {
  const auto exponent = (bits_as<uint64_t>(shifted) + 1023u) << 52;
  const D quotient =
      polynomial(r, 0x1.ffffffffec3a1p-1, 0x1.0000002881a83p-1, 0x1.555555959da93p-3, 0x1.5554accb71d83p-5,
                 0x1.111085faac9dfp-7, 0x1.6d754792fe2fdp-10, 0x1.a1aa9136cd188p-13);
  return {bits_as<double>(exponent), r * quotient};
}

inline constexpr double kRoundShift = 0x1.8p52;  // adding it rounds to an integer, kept in the low bits
inline constexpr double kLn2 = 0x1.62e42fefa39efp-1;
inline constexpr double kLog2E = 0x1.71547652b82fep+0;

// e^x for |x| < 700; NaN stays.
template <class D>
SGL_INLINE Exponential<D> exp_parts(D x) {
  const D shifted = x * kLog2E + kRoundShift;
  return exponential(shifted, x - (shifted - kRoundShift) * kLn2);
}

// Beyond these limits every float exponential is 0 or infinity.
template <class D>
SGL_INLINE D exp_double(D x) {
  const auto e = exp_parts(clamp_lanes(x, -120.0, 100.0));
  return e.scale + e.scale * e.fraction;
}

template <class D>
SGL_INLINE D exp2_double(D x) {
  const D t = clamp_lanes(x, -170.0, 140.0);
  const D shifted = t + kRoundShift;
  const auto e = exponential(shifted, (t - (shifted - kRoundShift)) * kLn2);
  return e.scale + e.scale * e.fraction;
}

// A logarithm as exponent * ln 2 + fraction, |fraction| < ln2 / 2.
template <class D>
struct Logarithm {
  D exponent;
  D fraction;
};

// For positive normal doubles.
template <class D>
SGL_INLINE Logarithm<D> log_parts(D x) {
  using U = Rebind<D, uint64_t>;
  constexpr uint64_t root_half = 0x3fe6a09e667f3bcd;  // the fraction runs over [sqrt(1/2), sqrt(2))
  const U bits = bits_as<uint64_t>(x);
  const U biased = (bits - root_half + (uint64_t(1024) << 52)) >> 52;
  const D exponent = bits_as<double>(biased | 0x4330000000000000u) - (0x1p52 + 1024);
  const D m = bits_as<double>(bits - ((biased - 1024u) << 52));
  const D s = (m - 1.0) / (m + 1.0);
  const D series = polynomial<D>(s * s, 0x1.fffffffffff0fp+0, 0x1.555555567402ep-1, 0x1.999996262d861p-2,
                                 0x1.24943a5015ba6p-2, 0x1.c62042acad0b1p-3, 0x1.919c17131011bp-3);
  return {exponent, s * series};
}

// log(0) = -inf, log(inf) = inf, log of a negative number or NaN is NaN.
template <class D>
SGL_INLINE D log_special(D x, D result) {
  constexpr double inf = __builtin_inf();
  const D finite = pick<D>(x == 0.0, splat<D>(-inf), pick<D>(x == inf, x, result));
  return pick<D>(x >= 0.0, finite, splat<D>(__builtin_nan("")));
}

template <class D>
SGL_INLINE D log_double(D x) {
  const auto l = log_parts(x);
  return log_special<D>(x, l.exponent * kLn2 + l.fraction);
}

template <class D>
SGL_INLINE D log2_double(D x) {
  const auto l = log_parts(x);
  return log_special<D>(x, l.exponent + l.fraction * kLog2E);
}

// IEEE 754 pow.
template <class D>
SGL_INLINE D power_double(D x, D y) {
  const D size = magnitude(x);
  const D plain = exp2_double<D>(y * log2_double(size));
  const D half = y * 0.5;
  const auto is_integer = round_even(y) == y;
  const auto is_odd = both(is_integer, round_even(half) != half);
  const auto is_negative = with_sign(splat<D>(1.0), x) < 0.0;
  const auto is_undefined = both(both(x < 0.0, size < __builtin_inf()), both(y == y, round_even(y) != y));
  const D one = splat<D>(1.0);
  const D unit = pick<D>(both(size == 1.0, y == y), one, plain);
  const D sized = pick<D>(is_undefined, splat<D>(__builtin_nan("")), unit);
  const D is_signed = pick<D>(both(is_negative, is_odd), -sized, sized);
  return pick<D>(either(y == 0.0, x == 1.0), one, is_signed);
}

// (e^2|x| - 1) / (e^2|x| + 1), where e^2|x| - 1 keeps all its digits near 0.
template <class D>
SGL_INLINE D tanh_double(D x) {
  const auto e = exp_parts(clamp_lanes(magnitude(x) * 2.0, 0.0, 40.0));
  const D grown = e.scale * e.fraction;
  return with_sign<D>((grown + (e.scale - 1.0)) / (grown + (e.scale + 1.0)), x);
}

// An odd polynomial below 1; from there 1 - exp(polynomial), which is 1 in float from 4 on.
template <class D>
SGL_INLINE D erf_double(D x) {
  const D a = clamp_lanes(magnitude(x), 0.0, 4.0);
  const D low = a * polynomial<D>(a * a, 0x1.20dd750406242p+0, -0x1.812746682b3f8p-2, 0x1.ce2f09abe2c9dp-4,
                                  -0x1.b829d8cc3fd74p-6, 0x1.562b19d8b1a6fp-8, -0x1.bcd7de8e51c1dp-11,
                                  0x1.d8b88d1ce5442p-14, -0x1.44cfbe55bf436p-17);
  const D log_rest = polynomial(a, 0x1.8a5716999deafp-13, -0x1.212c0ce755597p+0, -0x1.443566fe42630p-1,
                                -0x1.bc1514eba9e01p-4, 0x1.9d03014dc1920p-6, -0x1.138cb8754f3b0p-8,
                                0x1.cec5f52530a99p-12, -0x1.6bd7d49b3198bp-16);
  const auto e = exp_parts(log_rest);
  const D high = 1.0 - (e.scale + e.scale * e.fraction);
  return with_sign(pick<D>(a < 1.0, low, high), x);
}

// ---- sine and cosine ------------------------------------------------------------------------------

// x less its nearest multiple of pi / 2, and that multiple's number modulo 4 in the low bits.
template <class D>
struct Angle {
  D rest;
  Rebind<D, uint64_t> quadrant;
};

// The angle of a float of at least 2^24, by exact integer arithmetic: of x * 2 / pi, with x an integer
// times a power of two, only the 64 bits of 2 / pi around the binary point matter.
inline Angle<double> reduce_large(float x) {
  // 2 / pi in binary, 32 bits a word, the first word being all before and just after the point.
  static constexpr uint32_t two_over_pi[] = {0,          0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                                             0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  const int exponent = int(bits >> 23 & 0xff) - 150;  // |x| = mantissa * 2^exponent, exponent >= 1
  if (exponent == 105) return {__builtin_nan(""), 0};
  const uint64_t mantissa = (bits & 0x7fffffu) | 0x800000u;
  // The 96 bits of 2 / pi that start at weight 2^(1 - exponent), above which all products vanish
  // modulo 4 (the mantissa adds none below its own last place).
  const int start = 30 + exponent;
  const int word = start / 32, shift = start % 32;
  const auto window = [&](int k) {
    const uint64_t pair = uint64_t(two_over_pi[word + k]) << 32 | two_over_pi[word + k + 1];
    return uint32_t(pair >> (32 - shift));
  };
  const uint64_t high = uint64_t(window(0)) << 32 | window(1);
  const uint64_t low = window(2);
  const uint64_t turns = mantissa * high + (mantissa * low >> 32);  // in quarters, 62 bits of fraction
  const uint64_t quadrant = (turns + (uint64_t(1) << 61)) >> 62;
  const double rest = double(int64_t(turns - (quadrant << 62))) * 0x1.921fb54442d18p-62;
  const bool is_negative = bits >> 31;
  return {is_negative ? -rest : rest, is_negative ? 0 - quadrant : quadrant};
}

// Below 2^24: pi / 2 in three parts, of which multiples of the first two are exact.
template <class D>
SGL_INLINE Angle<D> reduce_small(D x) {
  const D shifted = x * 0x1.45f306dc9c883p-1 + kRoundShift;
  const D n = shifted - kRoundShift;
  const D rest = ((x - n * 0x1.921fb54p+0) - n * 0x1.10b4611p-30) - n * 0x1.4c4c6628b80dcp-59;
  return {rest, bits_as<uint64_t>(shifted)};
}

template <class D>
SGL_INLINE Angle<D> reduce(D x) {
  constexpr double limit = 0x1p24;
  Angle<D> angle = reduce_small(x);
  if (any_lane(magnitude(x) >= limit)) [[unlikely]] {
    if constexpr (is_vector<D>) {
      for (int i = 0; i < lanes_of<D>; ++i) {
        if (__builtin_fabs(x[i]) < limit || x[i] != x[i]) continue;
        const Angle<double> lane = reduce_large(float(x[i]));
        angle.rest[i] = lane.rest;
        angle.quadrant[i] = lane.quadrant;
      }
    } else {
      angle = reduce_large(float(x));
    }
  }
  return angle;
}

// sin(rest + quadrant * pi / 2).
template <class D>
SGL_INLINE D sine_of(Angle<D> angle) {
  const D r = angle.rest;
  const D z = r * r;
  const D sine = r * (1.0 + z * polynomial(z, -0x1.5555554ca9302p-3, 0x1.11110889f52c8p-7,
                                           -0x1.a00f9397ade08p-13, 0x1.6cd5ebf0abb78p-19));
  const D cosine = 1.0 + z * polynomial(z, -0x1.ffffffffebcb5p-2, 0x1.55555546d833bp-5,
                                        -0x1.6c16b3ecb2a85p-10, 0x1.a00f06e376e0cp-16,
                                        -0x1.23d60b1a1a5b9p-22);
  const D size = pick<D>((angle.quadrant & 1u) == 0u, sine, cosine);
  return bits_as<double>(bits_as<uint64_t>(size) ^ ((angle.quadrant & 2u) << 62));
}

template <class D>
SGL_INLINE D sin_double(D x) {
  return sine_of(reduce(x));
}

template <class D>
SGL_INLINE D cos_double(D x) {
  Angle<D> angle = reduce(x);
  angle.quadrant += 1u;
  return sine_of(angle);
}

// ---- the functions --------------------------------------------------------------------------------

// f, written for double lanes, on float lanes; rounded once.
template <class F, class... V>
SGL_INLINE auto through_double(F f, V... x) {
  if constexpr ((is_vector<V> && ...)) {
    return join_halves(convert<float>(f(convert<double>(low_half(x))...)),
                       convert<float>(f(convert<double>(high_half(x))...)));
  } else {
    return static_cast<float>(f(static_cast<double>(x)...));
  }
}

#define SGL_FUNCTION(name)                                                                                \
  template <Operand X>                                                                                    \
  SGL_INLINE auto name(X x) {                                                                             \
    return lift<float, float>(                                                                            \
        [](auto v) { return through_double([](auto d) { return name##_double(d); }, v); }, x);            \
  }

SGL_FUNCTION(exp)
SGL_FUNCTION(exp2)
SGL_FUNCTION(log)
SGL_FUNCTION(log2)
SGL_FUNCTION(sin)
SGL_FUNCTION(cos)
SGL_FUNCTION(tanh)
SGL_FUNCTION(erf)
#undef SGL_FUNCTION

template <Operand X, Operand Y>
SGL_INLINE auto power(X x, Y y) {
  const auto in_double = [](auto a, auto b) { return power_double(a, b); };
  return lift<float, float>([=](auto a, auto b) { return through_double(in_double, a, b); }, x, y);
}

template <Operand X>
SGL_INLINE auto sqrt(X x) {
  return lift<float, float>([](auto v) { return square_root(v); }, x);
}

template <Operand X>
SGL_INLINE auto rsqrt(X x) {
  return lift<float, float>(
      [](auto v) { return through_double([](auto d) { return 1.0 / square_root(d); }, v); }, x);
}

// Always in float, also where both operands are integers.
template <Operand A, Operand B>
SGL_INLINE auto divide(A a, B b) {
  return to_f32(a) / to_f32(b);
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

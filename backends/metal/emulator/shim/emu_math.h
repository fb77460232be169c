// Metal's arithmetic functions, element by element. 16-bit floats are computed in float and rounded once.
#pragma once

namespace emu {

template <class T> T nothing();

template <class T, class F> EMU_INNER T map(T x, F function) {
  if constexpr (lanes<T> == 1) {
    return T(function(x));
  } else {
    T made;
    for (int n = 0; n < lanes<T>; ++n) made[n] = Element<T>(function(Element<T>(x[n])));
    return made;
  }
}

template <class T, class F> EMU_INNER T map(T x, T y, F function) {
  if constexpr (lanes<T> == 1) {
    return T(function(x, y));
  } else {
    T made;
    for (int n = 0; n < lanes<T>; ++n) made[n] = Element<T>(function(Element<T>(x[n]), Element<T>(y[n])));
    return made;
  }
}

template <class T, class F> EMU_INNER T map(T x, T y, T z, F function) {
  if constexpr (lanes<T> == 1) {
    return T(function(x, y, z));
  } else {
    T made;
    for (int n = 0; n < lanes<T>; ++n)
      made[n] = Element<T>(function(Element<T>(x[n]), Element<T>(y[n]), Element<T>(z[n])));
    return made;
  }
}

template <class T> using OnlyFloat = metal::enable_if_t<is_float<T>, T>;
template <class T> using OnlyInteger = metal::enable_if_t<metal::is_integral_v<Element<T>>, T>;
template <class T> using OnlyVector = metal::enable_if_t<(lanes<T> > 1), T>;

// Exact at multiples of a half.
EMU_INNER inline double sin_of_pi(double a) {
  const double turned = __builtin_fmod(a, 2.0), halves = 2.0 * turned;
  if (halves != __builtin_trunc(halves)) return __builtin_sin(3.14159265358979323846 * turned);
  const int quarter = int(halves) & 3;
  return quarter == 1 ? 1.0 : quarter == 3 ? -1.0 : __builtin_copysign(0.0, a);
}
EMU_INNER inline double cos_of_pi(double a) {
  const double turned = __builtin_fmod(a, 2.0), halves = 2.0 * turned;
  if (halves != __builtin_trunc(halves)) return __builtin_cos(3.14159265358979323846 * turned);
  const int quarter = int(halves) & 3;
  return quarter == 0 ? 1.0 : quarter == 2 ? -1.0 : 0.0;
}
// The greatest number below 1 where rounding to T would give 1.
template <class T> EMU_INNER float below_one(float a) {
  constexpr float most = sizeof(T) == 4 ? 0x1.fffffep-1f : metal::is_same_v<T, half> ? 0x1.ffcp-1f : 0x1.fep-1f;
  return a > most ? most : a;
}

}  // namespace emu

#define EMU_MATH1(name, value)                                      \
  template <class T> EMU_SHIM emu::OnlyFloat<T> name(T x) {         \
    return emu::map(x, [](float a) -> float { return value; });     \
  }
#define EMU_MATH2(name, value)                                               \
  template <class T> EMU_SHIM emu::OnlyFloat<T> name(T x, T y) {             \
    return emu::map(x, y, [](float a, float b) -> float { return value; });  \
  }
#define EMU_MATH_FUNCTIONS                                \
  EMU_MATH1(exp, __builtin_expf(a))                       \
  EMU_MATH1(exp2, __builtin_exp2f(a))                     \
  EMU_MATH1(exp10, float(__builtin_pow(10.0, double(a)))) \
  EMU_MATH1(log, __builtin_logf(a))                       \
  EMU_MATH1(log2, __builtin_log2f(a))                     \
  EMU_MATH1(log10, __builtin_log10f(a))                   \
  EMU_MATH1(sqrt, __builtin_sqrtf(a))                     \
  EMU_MATH1(rsqrt, float(1.0 / __builtin_sqrt(double(a)))) \
  EMU_MATH1(sin, __builtin_sinf(a))                       \
  EMU_MATH1(cos, __builtin_cosf(a))                       \
  EMU_MATH1(tan, __builtin_tanf(a))                       \
  EMU_MATH1(sinh, __builtin_sinhf(a))                     \
  EMU_MATH1(cosh, __builtin_coshf(a))                     \
  EMU_MATH1(tanh, __builtin_tanhf(a))                     \
  EMU_MATH1(sinpi, emu::sin_of_pi(a))                     \
  EMU_MATH1(cospi, emu::cos_of_pi(a))                     \
  EMU_MATH1(tanpi, emu::sin_of_pi(a) / emu::cos_of_pi(a)) \
  EMU_MATH1(asin, __builtin_asinf(a))                     \
  EMU_MATH1(acos, __builtin_acosf(a))                     \
  EMU_MATH1(atan, __builtin_atanf(a))                     \
  EMU_MATH1(asinh, __builtin_asinhf(a))                   \
  EMU_MATH1(acosh, __builtin_acoshf(a))                   \
  EMU_MATH1(atanh, __builtin_atanhf(a))                   \
  EMU_MATH1(fabs, __builtin_fabsf(a))                     \
  EMU_MATH1(floor, __builtin_floorf(a))                   \
  EMU_MATH1(ceil, __builtin_ceilf(a))                     \
  EMU_MATH1(trunc, __builtin_truncf(a))                   \
  EMU_MATH1(rint, __builtin_rintf(a))                     \
  EMU_MATH1(round, __builtin_roundf(a))                   \
  EMU_MATH1(fract, emu::below_one<emu::Element<T>>(a - __builtin_floorf(a))) \
  EMU_MATH1(saturate, a > 0.0f ? (a < 1.0f ? a : 1.0f) : 0.0f) \
  EMU_MATH1(sign, a > 0.0f ? 1.0f : a < 0.0f ? -1.0f : a == 0.0f ? a : 0.0f) \
  EMU_MATH2(pow, __builtin_powf(a, b))                    \
  EMU_MATH2(powr, __builtin_powf(a, b))                   \
  EMU_MATH2(atan2, __builtin_atan2f(a, b))                \
  EMU_MATH2(fmod, __builtin_fmodf(a, b))                  \
  EMU_MATH2(copysign, __builtin_copysignf(a, b))          \
  EMU_MATH2(fmin, __builtin_fminf(a, b))                  \
  EMU_MATH2(fmax, __builtin_fmaxf(a, b))                  \
  EMU_MATH2(fdim, __builtin_fdimf(a, b))                  \
  EMU_MATH2(step, b < a ? 0.0f : 1.0f)                    \
  EMU_MATH2(divide, a / b)

namespace metal {

EMU_MATH_FUNCTIONS

namespace precise {
EMU_MATH_FUNCTIONS
}
namespace fast {
EMU_MATH_FUNCTIONS
}

// Of a float and NaN, the float.
template <class T> EMU_SHIM T max(T x, T y) {
  return emu::map(x, y, [](emu::Element<T> a, emu::Element<T> b) { return a != a || a < b ? b : a; });
}
template <class T> EMU_SHIM T min(T x, T y) {
  return emu::map(x, y, [](emu::Element<T> a, emu::Element<T> b) { return a != a || b < a ? b : a; });
}
template <class T> EMU_SHIM emu::OnlyVector<T> max(T x, emu::Element<T> y) { return max(x, emu::make<T>(y)); }
template <class T> EMU_SHIM emu::OnlyVector<T> min(T x, emu::Element<T> y) { return min(x, emu::make<T>(y)); }
template <class T> EMU_SHIM T clamp(T x, T low, T high) { return min(max(x, low), high); }
template <class T> EMU_SHIM emu::OnlyVector<T> clamp(T x, emu::Element<T> low, emu::Element<T> high) {
  return min(max(x, low), high);
}
template <class T> EMU_SHIM T abs(T x) {
  return emu::map(x, [](emu::Element<T> a) { return a < emu::Element<T>(0) ? emu::Element<T>(-a) : a; });
}
template <class T> EMU_SHIM emu::OnlyFloat<T> fma(T x, T y, T z) {
  return emu::map(x, y, z, [](float a, float b, float c) { return __builtin_fmaf(a, b, c); });
}
template <class T> EMU_SHIM emu::OnlyFloat<T> mix(T x, T y, T t) { return x + (y - x) * t; }
template <class T> EMU_SHIM emu::OnlyVector<T> mix(T x, T y, emu::Element<T> t) { return x + (y - x) * t; }
template <class T> EMU_SHIM emu::OnlyFloat<T> smoothstep(T low, T high, T x) {
  const T t = saturate((x - low) / (high - low));
  return t * t * (T(3) - T(2) * t);
}
template <class T> EMU_SHIM T max3(T x, T y, T z) { return max(x, max(y, z)); }
template <class T> EMU_SHIM T min3(T x, T y, T z) { return min(x, min(y, z)); }
template <class T> EMU_SHIM T median3(T x, T y, T z) { return max(min(x, y), min(max(x, y), z)); }
template <class T> EMU_SHIM emu::OnlyFloat<T> fmax3(T x, T y, T z) { return max3(x, y, z); }
template <class T> EMU_SHIM emu::OnlyFloat<T> fmin3(T x, T y, T z) { return min3(x, y, z); }
template <class T> EMU_SHIM emu::OnlyFloat<T> fmedian3(T x, T y, T z) { return median3(x, y, z); }

// Functions that give an integer beside, of each component.
template <class T, class I> EMU_SHIM emu::OnlyFloat<T> ldexp(T x, I power) {
  if constexpr (emu::lanes<T> == 1) {
    return T(__builtin_ldexpf(float(x), power));
  } else {
    T made;
    for (int n = 0; n < emu::lanes<T>; ++n) made[n] = ldexp(emu::Element<T>(x[n]), int(power[n]));
    return made;
  }
}
template <class T, class I> EMU_SHIM emu::OnlyFloat<T> frexp(T x, I& power) {
  if constexpr (emu::lanes<T> == 1) {
    return T(__builtin_frexpf(float(x), &power));
  } else {
    T made;
    for (int n = 0; n < emu::lanes<T>; ++n) {
      int each;
      made[n] = __builtin_frexpf(float(x[n]), &each);
      power[n] = each;
    }
    return made;
  }
}
template <class T> EMU_SHIM emu::OnlyFloat<T> modf(T x, T& whole) {
  whole = trunc(x);
  const T whole_of_x = whole;
  return emu::map(x, whole_of_x, [](float a, float b) { return __builtin_copysignf(a == b ? 0.0f : a - b, a); });
}
// The next value of x's own type towards y.
template <class T> EMU_SHIM emu::OnlyFloat<T> nextafter(T x, T y) {
  typedef emu::Element<T> E;
  typedef metal::conditional_t<sizeof(E) == 4, int, short> Bits;
  return emu::map(x, y, [](E a, E b) -> E {
    if (a != a || b != b) return a + b;
    if (a == b) return b;
    Bits bits = __builtin_bit_cast(Bits, a);
    if (a == E(0)) bits = b < E(0) ? Bits(Bits(1) << (8 * sizeof(Bits) - 1)) | Bits(1) : Bits(1);
    else bits += (a < b) == (a > E(0)) ? 1 : -1;
    return __builtin_bit_cast(E, bits);
  });
}
template <class T> EMU_SHIM auto ilogb(T x) {
  static_assert(emu::lanes<T> == 1 && emu::is_float<T>);
  return __builtin_ilogbf(float(x));
}

template <class T> EMU_SHIM emu::OnlyFloat<T> sincos(T x, T& cosine) {
  cosine = cos(x);
  return sin(x);
}

#define EMU_CLASS(name, value)                                                     \
  template <class T> EMU_SHIM auto name(T x) {                                     \
    static_assert(emu::is_float<T>);                                               \
    if constexpr (emu::lanes<T> == 1) {                                            \
      const float a = float(x);                                                    \
      return bool(value);                                                          \
    } else {                                                                       \
      emu::Truths<emu::lanes<T>> made;                                                           \
      for (int n = 0; n < emu::lanes<T>; ++n) { const float a = float(x[n]); made[n] = bool(value); } \
      return made;                                                                 \
    }                                                                              \
  }
EMU_CLASS(isnan, a != a)
EMU_CLASS(isnormal, __builtin_isnormal(a))
EMU_CLASS(isinf, __builtin_isinf(a))
EMU_CLASS(isfinite, __builtin_isfinite(a))
EMU_CLASS(signbit, __builtin_signbit(a))
#undef EMU_CLASS

// The second where the condition holds, else the first.
template <class T, class C> EMU_SHIM T select(T x, T y, C condition) {
  if constexpr (emu::lanes<T> == 1) {
    return condition ? y : x;
  } else {
    T made;
    for (int n = 0; n < emu::lanes<T>; ++n) made[n] = condition[n] ? y[n] : x[n];
    return made;
  }
}
template <class T> EMU_SHIM bool any(T x) {
  bool is_any = false;
  if constexpr (emu::lanes<T> == 1) return bool(x);
  else for (int n = 0; n < emu::lanes<T>; ++n) is_any = is_any || x[n];
  return is_any;
}
template <class T> EMU_SHIM bool all(T x) {
  bool is_all = true;
  if constexpr (emu::lanes<T> == 1) return bool(x);
  else for (int n = 0; n < emu::lanes<T>; ++n) is_all = is_all && x[n];
  return is_all;
}

template <class T> struct numeric_limits;
#define EMU_LIMITS(T, least, most)                          \
  template <> struct numeric_limits<T> {                    \
    static constexpr T min() { return least; }              \
    static constexpr T lowest() { return least; }           \
    static constexpr T max() { return most; }               \
  };
EMU_LIMITS(char, -128, 127)
EMU_LIMITS(signed char, -128, 127)
EMU_LIMITS(uchar, 0, 255)
EMU_LIMITS(short, -32768, 32767)
EMU_LIMITS(ushort, 0, 65535)
EMU_LIMITS(int, -2147483647 - 1, 2147483647)
EMU_LIMITS(uint, 0, 4294967295u)
EMU_LIMITS(long, -9223372036854775807l - 1, 9223372036854775807l)
EMU_LIMITS(ulong, 0, 18446744073709551615ul)
#undef EMU_LIMITS
#define EMU_LIMITS(T, least, most, step)                                        \
  template <> struct numeric_limits<T> {                                        \
    static constexpr T min() { return T(least); }                               \
    static constexpr T max() { return T(most); }                                \
    static constexpr T lowest() { return T(-most); }                            \
    static constexpr T epsilon() { return T(step); }                            \
    static constexpr T infinity() { return T(__builtin_inff()); }               \
    static constexpr T quiet_NaN() { return T(__builtin_nanf("")); }            \
  };
EMU_LIMITS(float, 0x1p-126f, 0x1.fffffep127f, 0x1p-23f)
EMU_LIMITS(half, 0x1p-14f, 65504.0f, 0x1p-10f)
EMU_LIMITS(bfloat, 0x1p-126f, 0x1.fep127f, 0x1p-7f)
#undef EMU_LIMITS

}  // namespace metal

#undef EMU_MATH1
#undef EMU_MATH2
#undef EMU_MATH_FUNCTIONS

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define HUGE_VALF INFINITY
#define MAXFLOAT 0x1.fffffep127f
#define FLT_MAX 0x1.fffffep127f
#define FLT_MIN 0x1p-126f
#define FLT_EPSILON 0x1p-23f
#define HALF_MAX half(65504.0f)
#define HALF_MIN half(0x1p-14f)
#define INT_MAX 2147483647
#define INT_MIN (-2147483647 - 1)
#define UINT_MAX 4294967295u
#define SHRT_MAX 32767
#define USHRT_MAX 65535
#define M_PI_F 3.14159265358979f
#define M_PI_2_F 1.57079632679490f
#define M_1_PI_F 0.318309886183791f
#define M_2_SQRTPI_F 1.12837916709551f
#define M_SQRT2_F 1.41421356237310f
#define M_SQRT1_2_F 0.707106781186548f
#define M_E_F 2.71828182845905f
#define M_LOG2E_F 1.44269504088896f
#define M_LN2_F 0.693147180559945f
#define M_LN10_F 2.30258509299405f
#define M_LOG10E_F 0.434294481903252f
#define M_PI_4_F 0.785398163397448f
#define M_2_PI_F 0.636619772367581f
#define HUGE_VALH half(INFINITY)
#define FLT_DIG 6
#define FLT_MANT_DIG 24
#define HALF_EPSILON half(0x1p-10f)
#define CHAR_BIT 8
#define CHAR_MAX 127
#define CHAR_MIN (-128)
#define UCHAR_MAX 255
#define SHRT_MIN (-32768)
#define LONG_MAX 9223372036854775807l
#define LONG_MIN (-9223372036854775807l - 1)
#define ULONG_MAX 18446744073709551615ul

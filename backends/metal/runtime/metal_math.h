// Float functions, from the precise variants of Metal's library where it has faster ones too.
#pragma once

namespace sgl {

#define SGL_PRECISE(name)                \
  inline float name(float x) {           \
    return metal::precise::name(x);      \
  }
SGL_PRECISE(exp)
SGL_PRECISE(exp2)
SGL_PRECISE(log)
SGL_PRECISE(log2)
SGL_PRECISE(sqrt)
SGL_PRECISE(rsqrt)
SGL_PRECISE(sin)
SGL_PRECISE(cos)
SGL_PRECISE(tanh)
SGL_PRECISE(floor)
SGL_PRECISE(ceil)
SGL_PRECISE(trunc)
#undef SGL_PRECISE

inline float round(float x) {
  return metal::precise::rint(x);
}
inline bool isnan(float x) {
  return x != x;
}
inline bool isinf(float x) {
  return (f32_to_bits(x) & 0x7fffffffu) == 0x7f800000u;
}

// IEEE 754 pow: the library's, but for the cases it leaves open.
inline float power(float x, float y) {
  if (y == 0.0f || x == 1.0f) return 1.0f;
  return metal::precise::pow(x, y);
}

// a0 + a1 x + a2 x^2 + ..., for seven coefficients.
inline float polynomial(float x, constant float (&a)[7]) {
  float sum = a[6];
  SGL_UNROLL
  for (int i = 5; i >= 0; --i) sum = metal::fma(sum, x, a[i]);
  return sum;
}

// erf(x) / x - 1 over x^2 for |x| < 0.93, and log(1 - erf(x)) / x over x from there to 4; least maximum
// error of erf itself.
constant float kErfNearZero[7] = {0.12837917f,    -0.37612632f,   0.112836875f,  -0.026858943f,
                                  0.0051999073f, -0.000813002f, 8.316801e-05f};
constant float kErfTail[7] = {-1.1286542f,     -0.6351281f,   -0.106275186f, 0.023795005f,
                              -0.0036580088f, 0.0003266224f, -1.1612275e-05f};

// Within 1 ulp of the exact value.
inline float erf(float x) {
  const float size = metal::fabs(x);
  if (size < 0.93f) return metal::fma(polynomial(x * x, kErfNearZero), x, x);
  const float clamped = size > 4.0f ? 4.0f : size;  // where it is 1; NaN stays
  return metal::copysign(1.0f - exp(clamped * polynomial(clamped, kErfTail)), x);
}

}  // namespace sgl

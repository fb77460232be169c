// sin and cos of any float, within 1.56 ulp (all floats, on sm_90), and in registers alone: CUDA's own keep an array in
// a lane's memory for large angles.
#pragma once

namespace sgl {

// What is left of an angle beside the nearest multiple of pi/2, and which multiple that is, modulo 4.
struct Angle {
  float rest;
  int quarters;
};

SGL_FN uint32_t word_of(int number, uint32_t first, uint32_t second, uint32_t third, uint32_t fourth) {
  const uint32_t low = (number & 1) != 0 ? second : first;
  const uint32_t high = (number & 1) != 0 ? fourth : third;
  return (number & 2) != 0 ? high : low;
}

// Payne and Hanek's: the angle's 24 bits times 96 digits of 2/pi, from the first one that is worth less than
// four quarters. 62 bits stand behind the point.
SGL_FN Angle reduce_large_angle(float x) {
  const uint32_t bits = __float_as_uint(x);
  const uint32_t factor = bits << 8 | 0x80000000u;
  const int skipped = int(bits >> 23 & 0xffu) - 128;  // digits, of 32 zeros and 2/pi
  const int number = skipped >> 5;
  const uint32_t first = word_of(number, 0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u);
  const uint32_t second = word_of(number, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u);
  const uint32_t third = word_of(number, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u);
  const uint32_t fourth = word_of(number, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u);
  const uint64_t low = uint64_t(factor) * __funnelshift_l(fourth, third, skipped);
  const uint64_t middle = uint64_t(factor) * __funnelshift_l(third, second, skipped) + (low >> 32);
  const uint64_t product = (uint64_t(factor * __funnelshift_l(second, first, skipped)) << 32) + middle;
  const int quarters = int((product + (uint64_t(1) << 61)) >> 62);
  const float rest = float(double(int64_t(product << 2)) * 8.5153039502163873e-20);  // pi / 2 * 2^-64
  return (bits >> 31) != 0u ? Angle{-rest, -quarters} : Angle{rest, quarters};
}

SGL_FN Angle reduce_angle(float x) {
  if (::fabsf(x) > 65536.0f) {
    return ::fabsf(x) < CUDART_INF_F ? reduce_large_angle(x) : Angle{x - x, 0};
  }
  const float nearest = ::rintf(x * 0.636619747f) + 0.0f;  // -0 would lose the sign of 0
  float rest = __fmaf_rn(nearest, -1.57079601f, x);  // pi/2 in three parts
  rest = __fmaf_rn(nearest, -3.13916473e-07f, rest);
  rest = __fmaf_rn(nearest, -5.39030253e-15f, rest);
  return Angle{rest, int(nearest)};
}

// Both by their polynomials from -pi/4 to pi/4, so that lanes take no different ways.
SGL_FN float sin_of(Angle angle) {
  const float x = angle.rest, square = x * x;
  float sine = __fmaf_rn(-1.9515295891e-4f, square, 8.3321608736e-3f);
  sine = __fmaf_rn(sine, square, -1.6666654611e-1f);
  sine = __fmaf_rn(sine, __fmaf_rn(square, x, 0.0f), x);
  float cosine = __fmaf_rn(2.443315711809948e-5f, square, -1.388731625493765e-3f);
  cosine = __fmaf_rn(cosine, square, 4.166664568298827e-2f);
  cosine = __fmaf_rn(cosine, square, -0.5f);
  cosine = __fmaf_rn(cosine, square, 1.0f);
  const float value = (angle.quarters & 1) != 0 ? cosine : sine;
  return (angle.quarters & 2) != 0 ? -value : value;
}

SGL_FN float sin(float x) {
  return sin_of(reduce_angle(x));
}
SGL_FN float cos(float x) {
  const Angle angle = reduce_angle(x);
  return sin_of(Angle{angle.rest, angle.quarters + 1});
}

}  // namespace sgl

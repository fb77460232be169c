// Conversions of 8-bit and 16-bit lanes for which the compiler needs to be told the instruction. Each
// gives the bits of the general code, which serves all other vectors and scalars.
#pragma once

#include "vector.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

// Zero-extended lanes.
template <class V>
SGL_INLINE Rebind<V, uint32_t> widen_bits(V bits) {
  return convert<uint32_t>(bits);
}

// The low 16 bits of lanes that have no others set.
template <class U>
SGL_INLINE Rebind<U, uint16_t> narrow_bits(U bits) {
  return convert<uint16_t>(bits);
}

// gcc widens and narrows half a vector at a time.
#if defined(__AVX2__) && !defined(__clang__)
SGL_INLINE Vector<uint32_t, 8> widen_bits(Vector<uint8_t, 8> bits) {
  const Vector<int64_t, 2> padded = {__builtin_bit_cast(int64_t, bits), 0};
  return bits_as<uint32_t>(__builtin_ia32_pmovzxbd256(__builtin_bit_cast(Vector<char, 16>, padded)));
}
SGL_INLINE Vector<uint32_t, 8> widen_bits(Vector<uint16_t, 8> bits) {
  return bits_as<uint32_t>(__builtin_ia32_pmovzxwd256(bits_as<int16_t>(bits)));
}
SGL_INLINE Vector<uint16_t, 8> narrow_bits(Vector<uint32_t, 8> bits) {
  const auto lanes = bits_as<int32_t>(bits);
  const auto packed = __builtin_ia32_packusdw256(lanes, lanes);
  const auto ordered = __builtin_ia32_permdi256(__builtin_bit_cast(Vector<long long, 4>, packed), 0x08);
  return __builtin_bit_cast(Vector<uint16_t, 8>, low_half(ordered));
}
#endif
#if defined(__AVX512F__) && !defined(__clang__)
SGL_INLINE Vector<uint32_t, 16> widen_bits(Vector<uint8_t, 16> bits) {
  const auto bytes = __builtin_bit_cast(Vector<char, 16>, bits);
  const Vector<int32_t, 16> unused{};
  return bits_as<uint32_t>(__builtin_ia32_pmovzxbd512_mask(bytes, unused, uint16_t(-1)));
}
SGL_INLINE Vector<uint32_t, 16> widen_bits(Vector<uint16_t, 16> bits) {
  const Vector<int32_t, 16> unused{};
  return bits_as<uint32_t>(__builtin_ia32_pmovzxwd512_mask(bits_as<int16_t>(bits), unused, uint16_t(-1)));
}
#endif

// f16 lanes that the processor converts. `f16_to_f32` takes any bits; `f32_to_f16` rounds to nearest even.
template <class V>
inline constexpr bool has_native_f16 = false;

#if defined(__clang__) && (defined(__F16C__) || defined(__aarch64__))
template <class V>
  requires is_vector<V>
inline constexpr bool has_native_f16<V> = true;

template <class V>
SGL_INLINE Rebind<V, float> f16_to_f32(V bits) {
  return convert<float>(bits_as<_Float16>(bits));
}
template <class F>
SGL_INLINE Rebind<F, uint16_t> f32_to_f16(F x) {
  return bits_as<uint16_t>(convert<_Float16>(x));
}
#elif defined(__F16C__)
template <>
inline constexpr bool has_native_f16<Vector<uint16_t, 8>> = true;

SGL_INLINE Vector<float, 8> f16_to_f32(Vector<uint16_t, 8> bits) {
  return __builtin_ia32_vcvtph2ps256(bits_as<int16_t>(bits));
}
SGL_INLINE Vector<uint16_t, 8> f32_to_f16(Vector<float, 8> x) {
  return bits_as<uint16_t>(__builtin_ia32_vcvtps2ph256(x, 0));
}
#if defined(__AVX512F__)
template <>
inline constexpr bool has_native_f16<Vector<uint16_t, 16>> = true;

SGL_INLINE Vector<float, 16> f16_to_f32(Vector<uint16_t, 16> bits) {
  constexpr int current_rounding = 4;
  return __builtin_ia32_vcvtph2ps512_mask(bits_as<int16_t>(bits), Vector<float, 16>{}, uint16_t(-1),
                                          current_rounding);
}
SGL_INLINE Vector<uint16_t, 16> f32_to_f16(Vector<float, 16> x) {
  return bits_as<uint16_t>(__builtin_ia32_vcvtps2ph512_mask(x, 0, Vector<int16_t, 16>{}, uint16_t(-1)));
}
#endif
#endif

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

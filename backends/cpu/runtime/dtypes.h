// The element types that tensors store, and how their bits become values and back.
#pragma once

#include "native.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

struct f16 {
  uint16_t bits;
};

struct bf16 {
  uint16_t bits;
};

// OCP E4M3: no infinities, largest 448, NaN is 0x7f.
struct f8e4m3 {
  uint8_t bits;
};

// Named apart from u8: any byte but 0 reads as true.
struct boolean {
  uint8_t bits;
};

using f32 = float;
using i8 = int8_t;
using u8 = uint8_t;
using i32 = int32_t;
using u32 = uint32_t;
using i64 = int64_t;

template <class V>
SGL_INLINE MaskOf<V> is_nan(V x) {
  return x != x;
}

template <class V>
SGL_INLINE V clamp_lanes(V x, Lane<V> low, Lane<V> high) {
  const V a = pick<V>(x < low, splat<V>(low), x);
  return pick<V>(a > high, splat<V>(high), a);
}

// A small float: sign, exponent with `kBias`, `kFraction` bits of fraction, in the low bits of a u32.
// Widening is exact; narrowing rounds to nearest, ties to even, subnormal results included.
template <int kSignBit, int kFraction, int kBias>
struct SmallFloat {
  static constexpr int kShift = 23 - kFraction;
  static constexpr uint32_t kMagnitude = (1u << kSignBit) - 1;

  // The value of finite bits. Scaling by a power of two also normalises subnormals.
  template <class U>
  static SGL_INLINE Rebind<U, float> magnitude(U bits) {
    constexpr uint32_t scale = uint32_t(127 + 127 - kBias) << 23;
    return bits_as<float>((bits & kMagnitude) << kShift) * __builtin_bit_cast(float, scale);
  }

  // Bits of the rounded magnitude `x >= 0`; too large an `x` runs on into the bits above.
  template <class F>
  static SGL_INLINE Rebind<F, uint32_t> round(F x) {
    using U = Rebind<F, uint32_t>;
    constexpr uint32_t smallest_normal = uint32_t(128 - kBias) << 23;
    constexpr uint32_t unit = uint32_t(128 - kBias + kShift) << 23;
    const U bits = bits_as<uint32_t>(x);
    // Adding a power of two whose last place is the subnormal spacing makes the hardware round.
    const U subnormal = bits_as<uint32_t>(x + __builtin_bit_cast(float, unit)) - unit;
    const U tie = (bits >> kShift) & 1u;
    const U normal = (bits + (tie + ((1u << (kShift - 1)) - 1u)) - (uint32_t(127 - kBias) << 23)) >> kShift;
    return pick<U>(bits < smallest_normal, subnormal, normal);
  }

  template <class U>
  static SGL_INLINE U sign_up(U bits) {
    return (bits >> kSignBit) << 31;
  }

  template <class U>
  static SGL_INLINE U sign_down(U bits) {
    return (bits >> 31) << kSignBit;
  }
};

// What a tensor of T computes in (`Value`), and the conversion of scalars and vectors of its `Bits`.
// `narrow` rounds to nearest even and gives one NaN; dtypes that saturate clamp.
template <class T>
struct Codec {
  using Bits = T;
  using Value = T;
  template <class V>
  static SGL_INLINE V widen(V bits) {
    return bits;
  }
  template <class V>
  static SGL_INLINE V narrow(V value) {
    return value;
  }
};

template <class T>
using Compute = typename Codec<T>::Value;

template <>
struct Codec<f16> {
  using Bits = uint16_t;
  using Value = float;
  using Format = SmallFloat<15, 10, 15>;

  template <class V>
  static SGL_INLINE Rebind<V, float> widen(V raw) {
    if constexpr (has_native_f16<V>) {
      return f16_to_f32(raw);
    } else {
      using U = Rebind<V, uint32_t>;
      const U bits = widen_bits(raw);
      const U finite = bits_as<uint32_t>(Format::magnitude(bits));
      const U special = finite | 0x7f800000u;
      return bits_as<float>(pick<U>((bits & 0x7c00u) == 0x7c00u, special, finite) | Format::sign_up(bits));
    }
  }

  template <class F>
  static SGL_INLINE Rebind<F, uint16_t> narrow(F x) {
    using U = Rebind<F, uint32_t>;
    if constexpr (has_native_f16<Rebind<F, uint16_t>>) {
      return f32_to_f16(pick<F>(is_nan(x), splat<F>(__builtin_nanf("")), x));
    } else {
      const U bits = bits_as<uint32_t>(x);
      const U magnitude = bits & 0x7fffffffu;
      const U rounded = Format::round(bits_as<float>(magnitude));
      const U finite = pick<U>(magnitude >= 0x477ff000u, splat<U>(0x7c00u), rounded);
      return narrow_bits(pick<U>(is_nan(x), splat<U>(0x7e00u), finite | Format::sign_down(bits)));
    }
  }
};

template <>
struct Codec<bf16> {
  using Bits = uint16_t;
  using Value = float;

  template <class V>
  static SGL_INLINE Rebind<V, float> widen(V raw) {
    return bits_as<float>(widen_bits(raw) << 16);
  }

  template <class F>
  static SGL_INLINE Rebind<F, uint16_t> narrow(F x) {
    using U = Rebind<F, uint32_t>;
    const U bits = bits_as<uint32_t>(x);
    const U rounded = bits + (((bits >> 16) & 1u) + 0x7fffu);
    return narrow_bits(pick<U>(is_nan(x), splat<U>(0x7fc00000u), rounded) >> 16);
  }
};

template <>
struct Codec<f8e4m3> {
  using Bits = uint8_t;
  using Value = float;
  using Format = SmallFloat<7, 3, 7>;

  template <class V>
  static SGL_INLINE Rebind<V, float> widen(V raw) {
    using U = Rebind<V, uint32_t>;
    const U bits = widen_bits(raw);
    const U finite = bits_as<uint32_t>(Format::magnitude(bits));
    const U magnitude = pick<U>((bits & 0x7fu) == 0x7fu, splat<U>(0x7fc00000u), finite);
    return bits_as<float>(magnitude | Format::sign_up(bits));
  }

  template <class F>
  static SGL_INLINE Rebind<F, uint8_t> narrow(F x) {
    using U = Rebind<F, uint32_t>;
    const U bits = bits_as<uint32_t>(x);
    const U magnitude = bits & 0x7fffffffu;
    const U clamped = pick<U>(magnitude > 0x43e00000u, splat<U>(0x43e00000u), magnitude);
    const U finite = Format::round(bits_as<float>(clamped));
    const U all = pick<U>(is_nan(x), splat<U>(0x7fu), finite | Format::sign_down(bits));
    return convert<uint8_t>(all);
  }
};

template <class T, int kLow, int kHigh>
struct SaturatingCodec {
  using Bits = T;
  using Value = int32_t;
  template <class V>
  static SGL_INLINE Rebind<V, int32_t> widen(V raw) {
    const auto value = bits_as<int32_t>(widen_bits(bits_as<uint8_t>(raw)));
    return kLow < 0 ? value << 24 >> 24 : value;  // the sign bit moves to the top and back
  }
  template <class V>
  static SGL_INLINE Rebind<V, T> narrow(V value) {
    return convert<T>(clamp_lanes(value, kLow, kHigh));
  }
};

template <>
struct Codec<int8_t> : SaturatingCodec<int8_t, -128, 127> {};
template <>
struct Codec<uint8_t> : SaturatingCodec<uint8_t, 0, 255> {};

template <>
struct Codec<boolean> {
  using Bits = uint8_t;
  using Value = bool;
  template <class V>
  static SGL_INLINE auto widen(V raw) {
    return widen_bits(raw) != 0u;
  }
  template <class M>
  static SGL_INLINE Rebind<M, uint8_t> narrow(M mask) {
    return convert<uint8_t>(mask & 1);
  }
};

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

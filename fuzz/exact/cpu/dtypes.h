// The runtime's element types, with small floats that keep what the ring says of an element.
#pragma once

#define f16 f16_as_shipped
#define bf16 bf16_as_shipped
#define f8e4m3 f8e4m3_as_shipped
#include "as_shipped_dtypes.h"
#undef f16
#undef bf16
#undef f8e4m3

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

template <class Stored, class Small>
struct RingCodec {
  using Bits = Stored;
  using Value = ring::Element;
  template <class V>
  static Rebind<V, ring::Element> widen(V raw) {
    if constexpr (is_vector<V>) {
      Rebind<V, ring::Element> made{};
      for (int i = 0; i < lanes_of<V>; ++i) made[i] = Small::widen(raw[i]);
      return made;
    } else {
      return Small::widen(raw);
    }
  }
  template <ring::Ring V>
  static Rebind<V, Stored> narrow(V value) {
    if constexpr (is_vector<V>) {
      Rebind<V, Stored> made{};
      for (int i = 0; i < lanes_of<V>; ++i) made[i] = static_cast<Stored>(Small::narrow(value[i]));
      return made;
    } else {
      return static_cast<Stored>(Small::narrow(value));
    }
  }
};

struct f16 {
  uint16_t bits;
};
struct bf16 {
  uint16_t bits;
};
struct f8e4m3 {
  uint8_t bits;
};
template <>
struct Codec<f16> : RingCodec<uint16_t, ring::F16> {};
template <>
struct Codec<bf16> : RingCodec<uint16_t, ring::Bf16> {};
template <>
struct Codec<f8e4m3> : RingCodec<uint8_t, ring::F8e4m3> {};

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

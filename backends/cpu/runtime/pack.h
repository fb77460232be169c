// Pack<S>: 16 lanes of S in native vectors. Lanes: 16 consecutive indices. Mask: 16 truth values.
//
// Every operator also takes a scalar beside a pack, which then stands in all lanes. Operands have one
// element type; literals and f32 scalars adapt to the pack's, and i64 absorbs i32 and u32.
#pragma once

#include "dtypes.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

struct Lanes;

template <class S>
struct Pack {
  // A truth value is kept as an int32_t with all bits equal.
  using Stored = std::conditional_t<std::is_same_v<S, bool>, int32_t, S>;
  static constexpr int kWidth = kVectorBytes / sizeof(Stored);
  static constexpr int kParts = kLanes / kWidth;
  using Part = Vector<Stored, kWidth>;

  Part part[kParts];

  Pack() = default;

  SGL_INLINE Pack(S uniform) {
    Stored value = uniform;
    if constexpr (std::is_same_v<S, bool>) value = -value;
    unroll<kParts>([&](auto i) { part[i] = splat<Part>(value); });
  }

  // The indices themselves, as a Pack<int64_t>; defined in convert.h.
  template <class L>
    requires(std::is_same_v<L, Lanes> && std::is_same_v<S, int64_t>)
  Pack(L lanes);

  // A lane known only when running: through memory.
  SGL_INLINE S operator[](int lane) const {
    Stored value;
    memcpy(&value, reinterpret_cast<const char*>(this) + lane * sizeof value, sizeof value);
    return static_cast<S>(value);
  }

  SGL_INLINE void set(int lane, S value) {
    Stored stored = value;
    if constexpr (std::is_same_v<S, bool>) stored = -stored;
    memcpy(reinterpret_cast<char*>(this) + lane * sizeof stored, &stored, sizeof stored);
  }
};

using Mask = Pack<bool>;

// The indices first, first + 1, .. first + 15. Adding a scalar keeps them consecutive; all other
// arithmetic gives a Pack<int64_t>.
struct Lanes {
  int64_t first;
};

// ---- element types of operands -------------------------------------------------------------------

template <class X>
struct ElementOf {
  using type = X;
};
template <class S>
struct ElementOf<Pack<S>> {
  using type = S;
};
template <>
struct ElementOf<Lanes> {
  using type = int64_t;
};

template <class X>
using Element = typename ElementOf<X>::type;

template <class X>
inline constexpr bool is_pack = !std::is_same_v<X, Element<X>>;

template <class X>
concept Packed = is_pack<X>;

template <class X>
concept Operand = is_pack<X> || std::is_arithmetic_v<X>;

template <class... X>
concept AnyPacked = (Operand<X> && ...) && (is_pack<X> || ...);

template <class A, class B, bool kPackA, bool kPackB>
struct JoinOf {
  static_assert(std::is_same_v<A, B>, "operands have different element types: convert one");
};
template <class A, bool kPackA, bool kPackB>
struct JoinOf<A, A, kPackA, kPackB> {
  using type = A;
};
template <class A, class B, bool kPackA, bool kPackB>
  requires(!std::is_same_v<A, B> && kPackA && !kPackB)
struct JoinOf<A, B, kPackA, kPackB> {
  static_assert(std::is_floating_point_v<A> || std::is_integral_v<B>, "float scalar beside an integer pack");
  static constexpr bool is_wider = std::is_same_v<B, int64_t> && std::is_integral_v<A>;
  using type = std::conditional_t<is_wider, int64_t, A>;
};
template <class A, class B, bool kPackA, bool kPackB>
  requires(!std::is_same_v<A, B> && !kPackA && kPackB)
struct JoinOf<A, B, kPackA, kPackB> : JoinOf<B, A, true, false> {};
template <class A, class B>
  requires(!std::is_same_v<A, B> && std::is_integral_v<A> && std::is_integral_v<B>)
struct JoinOf<A, B, true, true> {
  static_assert(sizeof(A) != sizeof(B), "i32 and u32 have no common type: convert one");
  using type = int64_t;
};
template <class A, class B>
  requires(!std::is_same_v<A, B> && std::is_arithmetic_v<A> && std::is_arithmetic_v<B>)
struct JoinOf<A, B, false, false> {
  using type = std::common_type_t<A, B>;
};

// The element type that two operands meet in.
template <class A, class B>
using Joined = typename JoinOf<Element<A>, Element<B>, is_pack<A>, is_pack<B>>::type;

// ---- lane by lane --------------------------------------------------------------------------------

// f on corresponding parts of packs with lanes of one size.
template <class R, class F, class... S>
SGL_INLINE Pack<R> map_parts(F f, const Pack<S>&... pack) {
  Pack<R> out;
  unroll<Pack<R>::kParts>([&](auto i) SGL_BODY {
    out.part[i] = bits_as<typename Pack<R>::Stored>(f(pack.part[i]...));
  });
  return out;
}

// Lane i of the result is lane i ^ kDistance of `pack`; kDistance is a power of two.
template <int kDistance, class S>
SGL_INLINE Pack<S> swap_lanes(const Pack<S>& pack) {
  using P = Pack<S>;
  P out;
  unroll<P::kParts>([&](auto i) SGL_BODY {
    if constexpr (kDistance >= P::kWidth) {
      out.part[i] = pack.part[i ^ (kDistance / P::kWidth)];
    } else {
      out.part[i] = swap_in_part<kDistance>(pack.part[i]);
    }
  });
  return out;
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

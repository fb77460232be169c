// Metal's scalar and vector types, as clang's own vectors: swizzles and arithmetic come with them.
#pragma once

typedef signed char int8_t;
typedef unsigned char uint8_t, uchar;
typedef short int16_t;
typedef unsigned short uint16_t, ushort;
typedef int int32_t;
typedef unsigned int uint32_t, uint;
typedef long int64_t;
typedef unsigned long uint64_t, ulong, size_t, uintptr_t;
typedef long ptrdiff_t, intptr_t;
typedef _Float16 half, float16_t;
typedef __bf16 bfloat, bfloat16_t;

// Code of the shim itself is not instrumented, and stands in the call tree as its caller. What shaders call is
// EMU_SHIM, and EMU_INNER what only the shim does.
#define EMU_SHIM __attribute__((disable_sanitizer_instrumentation, noinline))
#define EMU_INNER __attribute__((disable_sanitizer_instrumentation, __always_inline__))
#define EMU_SITE __builtin_return_address(0)

// What clang calls to round a float to bfloat where the machine has no instruction for it. The one of some machines
// turns denormals into 0.
extern "C" __attribute__((disable_sanitizer_instrumentation, used, visibility("hidden")))
inline bfloat __truncsfbf2(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x), tie = bits >> 16 & 1u;
  const uint32_t rounded = x != x ? bits | 0x400000u : bits + 0x7fffu + tie;
  return __builtin_bit_cast(bfloat, uint16_t(rounded >> 16));
}

namespace metal {

template <class T, int N> using vec = T __attribute__((ext_vector_type(N)));

using ::bfloat;
using ::half;

}  // namespace metal

#include "emu_traits.h"

namespace emu {

template <class T> struct Shape { static constexpr int lanes = 1; typedef T Element; };
template <class T> struct Shape<T __attribute__((ext_vector_type(2)))> { static constexpr int lanes = 2; typedef T Element; };
template <class T> struct Shape<T __attribute__((ext_vector_type(3)))> { static constexpr int lanes = 3; typedef T Element; };
template <class T> struct Shape<T __attribute__((ext_vector_type(4)))> { static constexpr int lanes = 4; typedef T Element; };
template <class T> using Element = typename Shape<T>::Element;
template <class T> constexpr int lanes = Shape<T>::lanes;
template <class T> constexpr bool is_float = metal::is_floating_point_v<Element<T>>;

// The components of a vector that is no vector of clang's: each, and those that stand side by side.
template <template <class, int> class Part, class T, int N> struct Elements;
template <template <class, int> class Part, class T> struct Elements<Part, T, 2> {
  union { T elements[2]; struct { T x, y; }; struct { T r, g; }; };
};
template <template <class, int> class Part, class T> struct Elements<Part, T, 3> {
  union {
    T elements[3]; struct { T x, y, z; }; struct { T r, g, b; };
    Part<T, 2> xy; struct { T before_yz; Part<T, 2> yz; };
  };
};
template <template <class, int> class Part, class T> struct Elements<Part, T, 4> {
  union {
    T elements[4]; struct { T x, y, z, w; }; struct { T r, g, b, a; };
    struct { Part<T, 2> xy, zw; }; struct { T before_yz; Part<T, 2> yz; };
    Part<T, 3> xyz; struct { T before_yzw; Part<T, 3> yzw; };
  };
};

// A vector at the alignment of its elements.
template <class T, int N> struct Packed : Elements<Packed, T, N> {
  typedef T Vector __attribute__((ext_vector_type(N)));
  using Elements<emu::Packed, T, N>::elements;
  Packed() = default;
  EMU_SHIM Packed(Vector from) { for (int n = 0; n < N; ++n) elements[n] = from[n]; }
  template <class... A, class = metal::enable_if_t<sizeof...(A) == N>> Packed(A... from) {
    int n = 0;
    ((elements[n++] = T(from)), ...);
  }
  operator Vector() const {
    Vector made;
    for (int n = 0; n < N; ++n) made[n] = elements[n];
    return made;
  }
  T& operator[](int at) { return elements[at]; }
  const T& operator[](int at) const { return elements[at]; }
  template <class A> Packed& operator+=(A by) { return *this = Vector(*this) + by; }
  template <class A> Packed& operator-=(A by) { return *this = Vector(*this) - by; }
  template <class A> Packed& operator*=(A by) { return *this = Vector(*this) * by; }
  template <class A> Packed& operator/=(A by) { return *this = Vector(*this) / by; }
};

// A vector of booleans; of clang's vectors, those that comparisons give, whose true is -1. T is bool.
template <class T, int N> struct TruthPart : Elements<TruthPart, T, N> {
  using Elements<emu::TruthPart, T, N>::elements;
  T& operator[](int at) { return elements[at]; }
  const T& operator[](int at) const { return elements[at]; }
};
template <int N> struct alignas(N == 2 ? 2 : 4) Truths : TruthPart<bool, N> {
  using TruthPart<bool, N>::elements;
  Truths() = default;
#ifdef EMU_CHECK  // as Metal's can be copied out of every address space
  Truths(const Truths&) = default;
  Truths(const __attribute__((address_space(1))) Truths&);
  Truths(const __attribute__((address_space(2))) Truths&);
  Truths(const __attribute__((address_space(3))) Truths&);
#endif
  Truths(bool all) { for (int n = 0; n < N; ++n) elements[n] = all; }
  Truths(TruthPart<bool, N> from) : TruthPart<bool, N>(from) {}
  template <class A, class = metal::enable_if_t<lanes<A> == N && __is_integral(Element<A>)>, class = void>
  EMU_SHIM Truths(A mask) { for (int n = 0; n < N; ++n) elements[n] = mask[n] != 0; }
};
template <int N> struct Shape<Truths<N>> { static constexpr int lanes = N; typedef bool Element; };
template <int N> struct Shape<TruthPart<bool, N>> { static constexpr int lanes = N; typedef bool Element; };
template <class T> constexpr bool is_truths = false;
template <int N> constexpr bool is_truths<Truths<N>> = true;
template <int N> constexpr bool is_truths<TruthPart<bool, N>> = true;

template <int N> EMU_SHIM Truths<N> operator!(Truths<N> a) {
  for (int n = 0; n < N; ++n) a[n] = !a[n];
  return a;
}
#define EMU_TRUTHS(op)                                                                   \
  template <int N> EMU_SHIM Truths<N> operator op(Truths<N> a, Truths<N> b) {            \
    for (int n = 0; n < N; ++n) a[n] = a[n] op b[n];                                     \
    return a;                                                                            \
  }                                                                                      \
  template <int N, class A> Truths<N> operator op(Truths<N> a, A b) { return a op Truths<N>(b); } \
  template <int N, class A> Truths<N> operator op(A a, Truths<N> b) { return Truths<N>(a) op b; }
EMU_TRUTHS(&&)
EMU_TRUTHS(||)
EMU_TRUTHS(&)
EMU_TRUTHS(|)
EMU_TRUTHS(^)
EMU_TRUTHS(==)
EMU_TRUTHS(!=)
#undef EMU_TRUTHS
#define EMU_TRUTHS(op) \
  template <int N, class A> Truths<N>& operator op##=(Truths<N>& a, A b) { return a = a op Truths<N>(b); }
EMU_TRUTHS(&)
EMU_TRUTHS(|)
EMU_TRUTHS(^)
#undef EMU_TRUTHS

// What a comparison gave, of which it cannot be told by its type that it is no vector of numbers.
template <class T> EMU_INNER constexpr auto truth(T compared) {
  if constexpr (lanes<T> > 1) return Truths<lanes<T>>(compared);
  else return compared;
}

template <class T> T unpacked(T value) { return value; }
template <class T, int N> typename Packed<T, N>::Vector unpacked(Packed<T, N> value) { return value; }
template <class A> using Unpacked = decltype(unpacked(A{}));

// Writes the lanes of one constructor argument after those before it.
template <class V, class A> EMU_INNER void append(V& made, int& count, A part) {
  if constexpr (lanes<A> == 1) {
    made[count++] = Element<V>(part);
  } else {
    for (int n = 0; n < lanes<A>; ++n) made[count++] = Element<V>(part[n]);
  }
}

// `float4(...)`: one scalar for all lanes, a vector converted, or parts put together.
template <class V, class A>
EMU_SHIM metal::enable_if_t<lanes<A> == lanes<V> && (lanes<V> > 1) && !is_truths<V> && !is_truths<A>, V> make(A whole) {
  return __builtin_convertvector(whole, V);
}

template <class V, class... Parts> EMU_SHIM V make(Parts... parts) {
  V made = {};
  int count = 0;
  (append(made, count, unpacked(parts)), ...);
  static_assert(sizeof...(Parts) == 0 || (lanes<Unpacked<Parts>> + ... + 0) == lanes<V> ||
                    (sizeof...(Parts) == 1 && (lanes<Unpacked<Parts>> + ... + 0) == 1),
                "the parts of a vector's constructor have another number of components");
  if (count == 1)
    for (; count < lanes<V>; ++count) made[count] = made[0];
  return made;
}

// The alignment that a structure asks for; 1 of what is none, as the hooks see to it, and of what is not defined.
template <class T, class = void> constexpr unsigned long alignment = 1;
template <class T> constexpr unsigned long alignment<T, decltype(void(sizeof(T)))> =
    __is_class(T) || __is_union(T) ? alignof(T) : 1;

// A cast to a pointer: its alignment is noted, and an access behind it is what is found.
template <class T> struct Pointer {
  T* at;
  template <class A> EMU_INNER Pointer(A value) : at((T*)value) {
    if constexpr (alignment<T> > 1)
      if ((unsigned long)at % alignment<T> != 0) emu_misaligned((const void*)at, sizeof(T));
  }
  EMU_INNER operator T*() const { return at; }
};

template <class P> struct Pointee;
template <class T> struct Pointee<T*> { typedef T type; };
template <class P, class A> EMU_INNER P pointer_cast(A value) { return Pointer<typename Pointee<P>::type>(value).at; }

// `(float4)x` converts in Metal; clang's cast would keep the bits.
template <class V> struct Cast {
  template <class A> EMU_SHIM V operator->*(A value) const { return make<V>(value); }
};

#define EMU_PACKED(op)                                                                                     \
  template <class T, int N, class A> auto operator op(Packed<T, N> a, A b) { return typename Packed<T, N>::Vector(a) op b; } \
  template <class T, int N, class A> auto operator op(A a, Packed<T, N> b) { return a op typename Packed<T, N>::Vector(b); } \
  template <class T, int N> auto operator op(Packed<T, N> a, Packed<T, N> b) {                             \
    return typename Packed<T, N>::Vector(a) op typename Packed<T, N>::Vector(b);                           \
  }
EMU_PACKED(+)
EMU_PACKED(-)
EMU_PACKED(*)
EMU_PACKED(/)
#undef EMU_PACKED

#ifdef EMU_CHECK  // objects in an address space have no methods in C++
template <class T, int N> using PackedVector = metal::vec<T, N>;
#else
template <class T, int N> using PackedVector = Packed<T, N>;
#endif

}  // namespace emu

#define EMU_VECTORS(T)                                                             \
  typedef T T##2 __attribute__((ext_vector_type(2)));                              \
  typedef T T##3 __attribute__((ext_vector_type(3)));                              \
  typedef T T##4 __attribute__((ext_vector_type(4)));                              \
  typedef emu::PackedVector<T, 2> packed_##T##2;                                   \
  typedef emu::PackedVector<T, 3> packed_##T##3;                                   \
  typedef emu::PackedVector<T, 4> packed_##T##4;                                   \
  namespace metal {                                                                \
  using ::T##2; using ::T##3; using ::T##4;                                        \
  using ::packed_##T##2; using ::packed_##T##3; using ::packed_##T##4;             \
  }
EMU_VECTORS(char)
EMU_VECTORS(uchar)
EMU_VECTORS(short)
EMU_VECTORS(ushort)
EMU_VECTORS(int)
EMU_VECTORS(uint)
EMU_VECTORS(long)
EMU_VECTORS(ulong)
EMU_VECTORS(half)
EMU_VECTORS(bfloat)
EMU_VECTORS(float)
#undef EMU_VECTORS
typedef emu::Truths<2> bool2;
typedef emu::Truths<3> bool3;
typedef emu::Truths<4> bool4;

extern "C" [[noreturn]] void __ubsan_handle_out_of_bounds_abort(void*, void*);

namespace metal {

using ::bool2; using ::bool3; using ::bool4;

template <class T, size_t N> struct array {
  T held[N];
  constexpr size_t size() const { return N; }
  constexpr T& operator[](size_t at) { return held[inside(at)]; }
  constexpr const T& operator[](size_t at) const { return held[inside(at)]; }

 private:
  static constexpr size_t inside(size_t at) {
    if (at >= N) __ubsan_handle_out_of_bounds_abort(nullptr, nullptr);  // as for an array of the language
    return at;
  }
};

// A value that is the same for all threads; nothing here gains from knowing.
template <class T> using uniform = T;
template <class T> T make_uniform(T value) { return value; }

}  // namespace metal

template <class To, class From> To as_type(From value) {
  static_assert(sizeof(To) == sizeof(From), "as_type between types of different sizes");
  return __builtin_bit_cast(To, value);
}

namespace metal {
using ::as_type;
}

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
template <class T> using Mask = decltype(T{} < T{});

template <class T, int N> struct Elements;
template <class T> struct Elements<T, 2> { union { T elements[2]; struct { T x, y; }; struct { T r, g; }; }; };
template <class T> struct Elements<T, 3> { union { T elements[3]; struct { T x, y, z; }; struct { T r, g, b; }; }; };
template <class T> struct Elements<T, 4> { union { T elements[4]; struct { T x, y, z, w; }; struct { T r, g, b, a; }; }; };

// A vector at the alignment of its elements.
template <class T, int N> struct Packed : Elements<T, N> {
  typedef T Vector __attribute__((ext_vector_type(N)));
  using Elements<T, N>::elements;
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
};

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
template <class V, class A> EMU_SHIM metal::enable_if_t<lanes<A> == lanes<V> && (lanes<V> > 1), V> make(A whole) {
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
// A comparison of 32-bit lanes gives these.
typedef int2 bool2;
typedef int3 bool3;
typedef int4 bool4;

namespace metal {

template <class T, size_t N> struct array {
  T held[N];
  constexpr size_t size() const { return N; }
  constexpr T& operator[](size_t at) { return held[at]; }
  constexpr const T& operator[](size_t at) const { return held[at]; }
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

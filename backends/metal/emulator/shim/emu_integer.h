// Metal's functions of integers.
#pragma once

namespace metal {

#define EMU_INTEGER1(name, value)                                                          \
  template <class T> EMU_SHIM emu::OnlyInteger<T> name(T x) {                              \
    return emu::map(x, [](emu::Element<T> given) {                                         \
      constexpr int bits = 8 * sizeof(given);                                              \
      const uint64_t a = uint64_t(given) & (~0ull >> (64 - bits));                         \
      return emu::Element<T>(value);                                                       \
    });                                                                                    \
  }
EMU_INTEGER1(popcount, __builtin_popcountll(a))
EMU_INTEGER1(clz, a == 0 ? bits : __builtin_clzll(a) - (64 - bits))
EMU_INTEGER1(ctz, a == 0 ? bits : __builtin_ctzll(a))
EMU_INTEGER1(reverse_bits, __builtin_bitreverse64(a) >> (64 - bits))
#undef EMU_INTEGER1

template <class T> EMU_SHIM emu::OnlyInteger<T> mad24(T x, T y, T z) { return x * y + z; }
template <class T> EMU_SHIM emu::OnlyInteger<T> mul24(T x, T y) { return x * y; }
template <class T> EMU_SHIM emu::OnlyInteger<T> extract_bits(T x, uint offset, uint count) {
  if (count == 0) return T(0);
  const int unused = int(8 * sizeof(T)) - int(count);
  return T(T(x << (unused - int(offset))) >> unused);
}
template <class T> EMU_SHIM emu::OnlyInteger<T> rotate(T x, T by) {
  return emu::map(x, by, [](emu::Element<T> given, emu::Element<T> turns) {
    typedef metal::make_unsigned_t<emu::Element<T>> Bits;
    constexpr int bits = 8 * sizeof(given);
    const Bits a = Bits(given);
    const int left = int(turns) & (bits - 1);
    return emu::Element<T>(left == 0 ? a : Bits(a << left) | Bits(a >> (bits - left)));
  });
}

// Fields: `count` bits from `offset` on.
template <class T> EMU_SHIM emu::OnlyInteger<T> insert_bits(T base, T inserted, uint offset, uint count) {
  if (count == 0) return base;
  const uint64_t mask = (~0ull >> (64 - count)) << offset;
  return emu::map(base, inserted, [=](emu::Element<T> a, emu::Element<T> b) {
    return emu::Element<T>((uint64_t(a) & ~mask) | (uint64_t(b) << offset & mask));
  });
}
// In as many bits more as the result needs, then cut to what the type holds.
#define EMU_WIDE(name, value)                                                                   \
  template <class T> EMU_SHIM emu::OnlyInteger<T> name(T x, T y) {                              \
    return emu::map(x, y, [](emu::Element<T> given, emu::Element<T> other) {                    \
      const __int128 a = given, b = other;                                                      \
      const __int128 least = numeric_limits<emu::Element<T>>::min(), most = numeric_limits<emu::Element<T>>::max(); \
      (void)least, (void)most;                                                                  \
      return emu::Element<T>(value);                                                            \
    });                                                                                         \
  }
EMU_WIDE(mulhi, a * b >> 8 * sizeof(given))
EMU_WIDE(hadd, (a + b) >> 1)
EMU_WIDE(rhadd, (a + b + 1) >> 1)
EMU_WIDE(absdiff, a < b ? b - a : a - b)
EMU_WIDE(addsat, a + b < least ? least : a + b > most ? most : a + b)
EMU_WIDE(subsat, a - b < least ? least : a - b > most ? most : a - b)
#undef EMU_WIDE
template <class T> EMU_SHIM emu::OnlyInteger<T> madhi(T x, T y, T z) { return mulhi(x, y) + z; }

}  // namespace metal

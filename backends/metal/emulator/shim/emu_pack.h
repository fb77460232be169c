// Vectors of small numbers in one word.
#pragma once

namespace metal {

// Vectors of fractions in the bytes or halves of a word.
#define EMU_PACKING(N, bits, kind, Word, scale, low)                                                   \
  EMU_SHIM inline float##N unpack_##kind##N##x##bits##_to_float(uint x) {                              \
    float##N made;                                                                                    \
    for (int n = 0; n < N; ++n) made[n] = max(float(Word(x >> bits * n)) / scale, float(low));         \
    return made;                                                                                      \
  }                                                                                                   \
  EMU_SHIM inline uint pack_float_to_##kind##N##x##bits(float##N x) {                                  \
    uint made = 0;                                                                                    \
    for (int n = 0; n < N; ++n)                                                                       \
      made |= (uint(Word(rint(clamp(float(x[n]), float(low), 1.0f) * scale))) & (~0u >> (32 - bits))) << bits * n; \
    return made;                                                                                      \
  }
EMU_PACKING(4, 8, unorm, uchar, 255.0f, 0)
EMU_PACKING(4, 8, snorm, char, 127.0f, -1)
EMU_PACKING(2, 16, unorm, ushort, 65535.0f, 0)
EMU_PACKING(2, 16, snorm, short, 32767.0f, -1)
#undef EMU_PACKING

}  // namespace metal

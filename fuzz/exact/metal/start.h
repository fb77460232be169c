// Stands before a shader's text: from here on, `float` is an element of the ring and 16-bit floats keep bits
// of one, but where the emulator only checks how pointers are used.
#pragma once

#include <metal_stdlib>

#ifndef EMU_CHECK

// Functions of the ring are as those of the shim: optimised, and not watched.
#pragma clang optimize on
#define RING_FN EMU_SHIM
#include "ring.h"
#pragma clang optimize off

#undef INFINITY
#undef NAN
#define INFINITY (ring::of_word(ring::kInfinity))
#define NAN (ring::of_word(ring::kNan))
#define float ring::Element
#define half ring::Half
#define bfloat ring::Bfloat

#endif

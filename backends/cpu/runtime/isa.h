// The instruction set this translation unit is compiled for: its name and its vector size.
//
// One kernel is compiled once for each instruction set and all copies are linked into one library.
// Everything here therefore lives in an inline namespace named after the instruction set, and nothing
// calls function templates of the standard library: the linker would keep one copy of those, built
// for whichever instruction set came first.
#pragma once

#include <stdint.h>

#if defined(__AVX512F__)
#define SGL_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define SGL_VECTOR_BYTES 32
#else
#define SGL_VECTOR_BYTES 16
#endif

#if !defined(SGL_ISA_NAMESPACE)
#if defined(__AVX512F__)
#define SGL_ISA_NAMESPACE avx512
#elif defined(__AVX2__)
#define SGL_ISA_NAMESPACE avx2
#elif defined(__ARM_NEON)
#define SGL_ISA_NAMESPACE neon
#else
#define SGL_ISA_NAMESPACE baseline
#endif
#endif

#define SGL_INLINE inline __attribute__((always_inline))

// Written after the parameters of every lambda that a loop over lanes or elements calls. Without it
// the compiler may leave the body a function, and its accumulators in memory.
#define SGL_BODY __attribute__((always_inline))

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

// Lanes of a pack on every instruction set, so that the order of a reduction never depends on it.
inline constexpr int kLanes = 16;
inline constexpr int kVectorBytes = SGL_VECTOR_BYTES;

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

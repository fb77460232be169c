// Stands before a kernel's text: from here on, `float` is an element of the ring.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <concepts>
#include <type_traits>
#include <utility>

#if defined(_OPENMP)
#include <omp.h>
#endif

#include "ring.h"

// The runtime asks these of its operands.
template <>
inline constexpr bool std::is_arithmetic_v<ring::Element> = true;
template <>
inline constexpr bool std::is_floating_point_v<ring::Element> = true;

#define float ring::Element
#define __builtin_inff() (ring::of_word(ring::kInfinity))
#define __builtin_nanf(payload) (ring::of_word(ring::kNan))

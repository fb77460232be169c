// What `_strided.metal` is given for a copy or a zero fill.
#pragma once

#include <cstdint>

#include "host_runtime/call.h"
#include "metal/runtime/strided.h"

namespace sgl::metal {

// No op can have this name.
inline constexpr const char* kStridedShader = "_strided";

static_assert(sizeof(Strided::dims) / sizeof(int64_t) == host::kMaxDims + 1);

// A shape, and the bytes of what it counts: elements, or single bytes where the elements lie unaligned.
struct StridedUnits {
  Strided shape;
  int64_t bytes;
};

StridedUnits units_of(const host::Work::Copy& copy);
StridedUnits units_of(const host::Work::Fill& fill);

}  // namespace sgl::metal

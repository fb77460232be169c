// Makes inputs contiguous whose strides no kernel takes, and zeroes results. Elements move as integers of
// their width.
#include <metal_stdlib>

#include "strided.h"

namespace sgl {

inline int64_t offset_of(constant Strided& shape, int64_t index) {
  int64_t offset = 0;
  for (int64_t axis = shape.ndim - 1; axis >= 0; axis--) {
    offset += index % shape.dims[axis] * shape.strides[axis];
    index /= shape.dims[axis];
  }
  return offset;
}

}  // namespace sgl

template <class Unit>
[[kernel]] void copy_kernel(
    device const Unit* source [[buffer(0)]],
    device Unit* target [[buffer(1)]],
    constant sgl::Strided& shape [[buffer(2)]],
    uint first [[thread_position_in_grid]],
    uint step [[threads_per_grid]]) {
  for (int64_t i = first; i < shape.count; i += step) target[i] = source[sgl::offset_of(shape, i)];
}

template <class Unit>
[[kernel]] void zero_kernel(
    device Unit* target [[buffer(0)]],
    constant sgl::Strided& shape [[buffer(1)]],
    uint first [[thread_position_in_grid]],
    uint step [[threads_per_grid]]) {
  for (int64_t i = first; i < shape.count; i += step) target[sgl::offset_of(shape, i)] = Unit(0);
}

#define SGL_STRIDED(kernel, name, Unit) \
  template [[host_name(name)]] [[kernel]] decltype(kernel<Unit>) kernel<Unit>;

SGL_STRIDED(copy_kernel, "sgl_copy_1", uint8_t)
SGL_STRIDED(copy_kernel, "sgl_copy_2", uint16_t)
SGL_STRIDED(copy_kernel, "sgl_copy_4", uint32_t)
SGL_STRIDED(copy_kernel, "sgl_copy_8", uint64_t)
SGL_STRIDED(zero_kernel, "sgl_zero_1", uint8_t)
SGL_STRIDED(zero_kernel, "sgl_zero_2", uint16_t)
SGL_STRIDED(zero_kernel, "sgl_zero_4", uint32_t)
SGL_STRIDED(zero_kernel, "sgl_zero_8", uint64_t)

#include "metal/host/strided_shape.h"

#include <algorithm>

namespace sgl::metal {
namespace {

StridedUnits units_of(const host::Extents& extents, const int64_t* strides, int64_t bytes) {
  StridedUnits units{{1, extents.ndim, {}, {}}, bytes};
  std::copy_n(extents.dims, extents.ndim, units.shape.dims);
  std::copy_n(strides, extents.ndim, units.shape.strides);
  for (int axis = 0; axis < extents.ndim; axis++) units.shape.count *= extents.dims[axis];
  return units;
}

StridedUnits in_bytes(StridedUnits units) {
  Strided& shape = units.shape;
  for (int64_t axis = 0; axis < shape.ndim; axis++) shape.strides[axis] *= units.bytes;
  shape.dims[shape.ndim] = units.bytes;
  shape.strides[shape.ndim] = 1;
  shape.ndim++;
  shape.count *= units.bytes;
  units.bytes = 1;
  return units;
}

}  // namespace

StridedUnits units_of(const host::Work::Copy& copy) {
  const StridedUnits units = units_of(copy.shape, copy.strides, copy.bytes);
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(copy.source) % copy.bytes == 0;
  return is_aligned ? units : in_bytes(units);
}

StridedUnits units_of(const host::Work::Fill& fill) { return units_of(fill.shape, fill.strides, fill.bytes); }

}  // namespace sgl::metal

#include <algorithm>
#include <cstdint>

#include "cuda/host/strided.h"

namespace sgl::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMostBlocks = 1 << 16;
constexpr int kMostAxes = host::kMaxDims + 1;  // one more for the bytes of an unaligned element

struct Shape {
  int ndim;
  int64_t dims[kMostAxes];
  int64_t strides[kMostAxes];
};

__device__ int64_t offset_of(const Shape& shape, int64_t index) {
  int64_t offset = 0;
  for (int axis = shape.ndim - 1; axis >= 0; axis--) {
    offset += index % shape.dims[axis] * shape.strides[axis];
    index /= shape.dims[axis];
  }
  return offset;
}

template <class Unit>
__global__ void copy_kernel(Unit* target, const Unit* source, Shape shape, int64_t count) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    target[i] = source[offset_of(shape, i)];
  }
}

template <class Unit>
__global__ void zero_kernel(Unit* target, Shape shape, int64_t count) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    target[offset_of(shape, i)] = Unit{};
  }
}

template <class Part>
Shape shape_of(const Part& part) {
  Shape shape{part.shape.ndim, {}, {}};
  std::copy_n(part.shape.dims, shape.ndim, shape.dims);
  std::copy_n(part.strides, shape.ndim, shape.strides);
  return shape;
}

// The same elements as single bytes.
Shape in_bytes(Shape shape, int64_t bytes) {
  for (int axis = 0; axis < shape.ndim; axis++) shape.strides[axis] *= bytes;
  shape.dims[shape.ndim] = bytes;
  shape.strides[shape.ndim] = 1;
  shape.ndim++;
  return shape;
}

int64_t count_of(const Shape& shape) {
  int64_t count = 1;
  for (int axis = 0; axis < shape.ndim; axis++) count *= shape.dims[axis];
  return count;
}

bool is_contiguous(const Shape& shape) {
  int64_t stride = 1;
  for (int axis = shape.ndim - 1; axis >= 0; axis--) {
    if (shape.dims[axis] != 1 && shape.strides[axis] != stride) return false;
    stride *= shape.dims[axis];
  }
  return true;
}

int blocks_for(int64_t count) {
  return static_cast<int>(std::min((count + kThreads - 1) / kThreads, kMostBlocks));
}

// Calls `start` with a value of the integer type that is as wide as an element.
template <class Start>
void for_unit(int64_t bytes, const Start& start) {
  switch (bytes) {
    case 1: return start(uint8_t{});
    case 2: return start(uint16_t{});
    case 4: return start(uint32_t{});
    default: return start(uint64_t{});
  }
}

}  // namespace

int64_t bytes_of(const host::Work::Copy& copy) { return count_of(shape_of(copy)) * copy.bytes; }

cudaError_t copy_contiguous(const host::Work::Copy& copy, void* target, cudaStream_t stream) {
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(copy.source) % copy.bytes == 0;
  const Shape shape = is_aligned ? shape_of(copy) : in_bytes(shape_of(copy), copy.bytes);
  const int64_t count = count_of(shape);
  if (count == 0) return cudaSuccess;
  for_unit(is_aligned ? copy.bytes : 1, [&](auto unit) {
    using Unit = decltype(unit);
    copy_kernel<<<blocks_for(count), kThreads, 0, stream>>>(
        static_cast<Unit*>(target), static_cast<const Unit*>(copy.source), shape, count);
  });
  return cudaGetLastError();
}

cudaError_t fill_zero(const host::Work::Fill& fill, cudaStream_t stream) {
  const Shape shape = shape_of(fill);
  const int64_t count = count_of(shape);
  if (count == 0) return cudaSuccess;
  if (is_contiguous(shape)) {
    return cudaMemsetAsync(fill.target, 0, static_cast<std::size_t>(count * fill.bytes), stream);
  }
  for_unit(fill.bytes, [&](auto unit) {
    using Unit = decltype(unit);
    zero_kernel<<<blocks_for(count), kThreads, 0, stream>>>(static_cast<Unit*>(fill.target), shape, count);
  });
  return cudaGetLastError();
}

}  // namespace sgl::cuda

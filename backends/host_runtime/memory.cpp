// Strides and addresses: what a kernel can take as it is, what is copied, what is refused.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "host_runtime/call.h"
#include "host_runtime/messages.h"

namespace sgl::host {
namespace {

// The strides of an array as the kernel indexes it, or that it has none.
struct Collapsed {
  bool fits;
  int64_t strides[kMaxDims];  // of every dimension but the last
};

// `shape[0..count)` as one dimension: its stride, if it has one. Extents of 1 have no say.
bool collapse(const ArrayView& array, int count, int64_t& stride) {
  int64_t extent = 1;
  for (int axis = count - 1; axis >= 0; axis--) {
    if (array.shape[axis] == 1) continue;
    if (extent == 1) {
      stride = array.strides[axis];
    } else if (array.strides[axis] != stride * extent) {
      return false;
    }
    extent *= array.shape[axis];
  }
  return true;
}

Collapsed collapse_strides(const Tensor& tensor, const ArrayView& array) {
  const int rank = static_cast<int>(tensor.dims.size());
  const int shift = array.ndim - rank;  // the tensor's dimension d is the array's d + shift
  Collapsed found{true, {}};
  for (int d = 0; d < rank; d++) {
    const bool is_last = d == rank - 1;
    int64_t stride = is_last ? 1 : 0;
    if (d == 0 && tensor.has_leading) {
      found.fits = collapse(array, shift + 1, stride);
    } else if (array.shape[d + shift] != 1) {
      stride = array.strides[d + shift];
    }
    if (is_last) found.fits = found.fits && stride == 1;
    found.strides[d] = stride;
    if (!found.fits) break;
  }
  return found;
}

bool is_aligned(const ArrayView& array) {
  return reinterpret_cast<std::uintptr_t>(array.data) % bytes_of(array.dtype) == 0;
}

// The bytes from the lowest to one past the highest element.
struct Footprint {
  std::uintptr_t low;
  std::uintptr_t high;
};

Footprint footprint_of(const ArrayView& array) {
  const int64_t bytes = bytes_of(array.dtype);
  const auto origin = reinterpret_cast<std::uintptr_t>(array.data);
  Footprint found{origin, origin + bytes};
  for (int axis = 0; axis < array.ndim; axis++) {
    const int64_t reach = (array.shape[axis] - 1) * array.strides[axis] * bytes;
    (reach < 0 ? found.low : found.high) += reach;
  }
  return found;
}

// Elements of one array never coincide if every stride passes over what the smaller ones span.
bool overlaps_itself(const ArrayView& array) {
  std::pair<int64_t, int64_t> axes[kMaxDims];  // |stride|, extent
  int count = 0;
  for (int axis = 0; axis < array.ndim; axis++) {
    if (array.shape[axis] > 1) axes[count++] = {std::abs(array.strides[axis]), array.shape[axis]};
  }
  std::sort(axes, axes + count);
  int64_t span = 1;
  for (int i = 0; i < count; i++) {
    if (axes[i].first < span) return true;
    span += axes[i].first * (axes[i].second - 1);
  }
  return false;
}

// The greatest stride in bytes, and what the array spans below it.
struct Period {
  int64_t stride = 0;
  int64_t inner = 0;
};

Period period_of(const ArrayView& array) {
  const int64_t bytes = bytes_of(array.dtype);
  Period found;
  int widest = -1;
  for (int axis = 0; axis < array.ndim; axis++) {
    const int64_t stride = std::abs(array.strides[axis]) * bytes;
    if (array.shape[axis] > 1 && stride > found.stride) found.stride = stride, widest = axis;
  }
  found.inner = bytes;
  for (int axis = 0; axis < array.ndim; axis++) {
    if (axis != widest) found.inner += (array.shape[axis] - 1) * std::abs(array.strides[axis]) * bytes;
  }
  return found;
}

// Whether two arrays may share a byte. Views that lie side by side in the rows of one buffer (as q and
// k of one projection do) are told apart; other interleavings count as sharing.
bool may_share(const ArrayView& a, const ArrayView& b) {
  const Footprint first = footprint_of(a), second = footprint_of(b);
  if (first.high <= second.low || second.high <= first.low) return false;
  const Period p = period_of(a), q = period_of(b);
  if (p.stride == 0 || p.stride != q.stride) return true;
  const auto distance = static_cast<int64_t>(second.low - first.low);
  const int64_t offset = (distance % p.stride + p.stride) % p.stride;
  return !(offset >= p.inner && offset + q.inner <= p.stride);
}

template <class Value>
void store(std::byte* params, std::size_t offset, Value value) {
  std::memcpy(params + offset, &value, sizeof value);
}

void store_scalar(std::byte* params, const ScalarArgument& argument, Scalar value) {
  switch (argument.dtype) {
    case DType::f32: return store(params, argument.offset, static_cast<float>(value.real));
    case DType::i32: return store(params, argument.offset, static_cast<int32_t>(value.integer));
    case DType::u32: return store(params, argument.offset, static_cast<uint32_t>(value.integer));
    case DType::boolean: return store(params, argument.offset, static_cast<uint8_t>(value.integer));
    default: return store(params, argument.offset, value.integer);
  }
}

void store_strides(const Tensor& tensor, const int64_t* strides, std::byte* params) {
  for (std::size_t i = 0; i < tensor.stride_offsets.size(); i++)
    store(params, tensor.stride_offsets[i], strides[i]);
}

// The strides that a contiguous copy has for the kernel.
void store_contiguous_strides(const Tensor& tensor, const ArrayView& array, std::byte* params) {
  const int rank = static_cast<int>(tensor.dims.size());
  int64_t stride = 1;
  for (int d = rank - 1; d > 0; d--) {
    stride *= array.shape[d + array.ndim - rank];
    store(params, tensor.stride_offsets[d - 1], stride);
  }
}

Work::Copy copy_of(const Tensor& tensor, const ArrayView& array) {
  Work::Copy copy{tensor.pointer_offset, array.data, bytes_of(array.dtype), {}, {}};
  copy.shape.ndim = array.ndim;
  std::copy_n(array.shape, array.ndim, copy.shape.dims);
  std::copy_n(array.strides, array.ndim, copy.strides);
  return copy;
}

Work::Fill fill_of(const ArrayView& array) {
  Work::Fill fill{array.data, bytes_of(array.dtype), {}, {}};
  fill.shape.ndim = array.ndim;
  std::copy_n(array.shape, array.ndim, fill.shape.dims);
  std::copy_n(array.strides, array.ndim, fill.strides);
  return fill;
}

// Calls `visit(offset, index)` for every element along all axes but the last, in row-major order:
// `offset` in elements by the given strides, `index` counts rows.
template <class Visit>
void for_each_row(const Extents& shape, const int64_t* strides, const Visit& visit) {
  int64_t rows = 1;
  for (int axis = 0; axis + 1 < shape.ndim; axis++) rows *= shape.dims[axis];
  for (int64_t row = 0; row < rows; row++) {
    int64_t rest = row, offset = 0;
    for (int axis = shape.ndim - 2; axis >= 0; axis--) {
      offset += rest % shape.dims[axis] * strides[axis];
      rest /= shape.dims[axis];
    }
    visit(offset, row);
  }
}

void make_contiguous(const Work::Copy& copy, std::byte* target) {
  const auto* source = static_cast<const std::byte*>(copy.source);
  const int last = copy.shape.ndim - 1;
  const int64_t width = last < 0 ? 1 : copy.shape.dims[last], step = last < 0 ? 1 : copy.strides[last];
  for_each_row(copy.shape, copy.strides, [&](int64_t offset, int64_t row) {
    std::byte* out = target + row * width * copy.bytes;
    const std::byte* in = source + offset * copy.bytes;
    if (step == 1) {
      std::memcpy(out, in, width * copy.bytes);
    } else {
      for (int64_t i = 0; i < width; i++)
        std::memcpy(out + i * copy.bytes, in + i * step * copy.bytes, copy.bytes);
    }
  });
}

void fill_zero(const Work::Fill& fill) {
  const int last = fill.shape.ndim - 1;
  const int64_t width = last < 0 ? 1 : fill.shape.dims[last];
  for_each_row(fill.shape, fill.strides, [&](int64_t offset, int64_t) {
    std::memset(static_cast<std::byte*>(fill.target) + offset * fill.bytes, 0, width * fill.bytes);
  });
}

int64_t bytes_of(const Work::Copy& copy) {
  int64_t count = copy.bytes;
  for (int axis = 0; axis < copy.shape.ndim; axis++) count *= copy.shape.dims[axis];
  return count;
}

bool has_elements(const ArrayView& array) { return array.data != nullptr && element_count(array) > 0; }

}  // namespace

void check_written(const Call& call) {
  const int count = static_cast<int>(call.op.tensors.size());
  for (int i = 0; i < count; i++) {
    const Tensor& tensor = call.op.tensors[i];
    const ArrayView& array = call.arrays[i];
    if (tensor.role == Role::input || !has_elements(array)) continue;
    if (array.is_read_only) fail_written(call, i, "is read-only");
    if (!is_aligned(array)) fail_written(call, i, "its elements are not aligned");
    if (overlaps_itself(array)) fail_written(call, i, "some of its elements share memory");
    if (!collapse_strides(tensor, array).fits) {
      fail_written(
          call, i,
          "its last dimension is not contiguous, or its leading dimensions are not one stride apart");
    }
    for (int j = 0; j < count; j++) {
      const bool is_met_later = j < i && call.op.tensors[j].role != Role::input;
      if (j == i || is_met_later || !has_elements(call.arrays[j])) continue;
      if (may_share(array, call.arrays[j])) fail_overlap(call, i, j);
    }
  }
}

void prepare(const Call& call, Kernel kernel, Work& work) {
  work.kernel = kernel;
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) {
    const Tensor& tensor = call.op.tensors[i];
    const ArrayView& array = call.arrays[i];
    store(work.params, tensor.pointer_offset, array.is_present ? array.data : nullptr);
    if (!array.is_present) {
      for (const std::size_t offset : tensor.stride_offsets) store(work.params, offset, int64_t{0});
      continue;
    }
    if (tensor.role != Role::input && has_elements(array)) work.has_output = true;
    const Collapsed collapsed = collapse_strides(tensor, array);
    if (tensor.role == Role::input && (!collapsed.fits || !is_aligned(array))) {
      work.copies.push_back(copy_of(tensor, array));
      store_contiguous_strides(tensor, array, work.params);
    } else {
      store_strides(tensor, collapsed.strides, work.params);
    }
    if (tensor.is_zero_filled) work.fills.push_back(fill_of(array));
  }
  for (std::size_t i = 0; i < call.op.sizes.size(); i++)
    store(work.params, call.op.sizes[i].offset, call.sizes[i]);
  for (std::size_t i = 0; i < call.op.scalars.size(); i++) {
    store_scalar(work.params, call.op.scalars[i], call.scalars[i]);
  }
}

void run(Work& work) {
  if (!work.has_output) return;
  std::vector<std::unique_ptr<std::byte[]>> copies;
  for (const Work::Copy& copy : work.copies) {
    copies.emplace_back(new std::byte[std::max<int64_t>(bytes_of(copy), 1)]);
    make_contiguous(copy, copies.back().get());
    store<void*>(work.params, copy.pointer_offset, copies.back().get());
  }
  for (const Work::Fill& fill : work.fills) fill_zero(fill);
  work.kernel(work.params);
}

}  // namespace sgl::host

#include "host_runtime/mlx_primitive.h"

#include <mlx/allocator.h>
#include <mlx/backend/cpu/encoder.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace sgl::host {
namespace {

struct DTypeRow {
  mx::Dtype::Val mlx;
  DType host;
};

constexpr DTypeRow kDTypeRows[] = {
    {mx::Dtype::Val::float32, DType::f32},   {mx::Dtype::Val::float16, DType::f16},
    {mx::Dtype::Val::bfloat16, DType::bf16}, {mx::Dtype::Val::int8, DType::i8},
    {mx::Dtype::Val::uint8, DType::u8},      {mx::Dtype::Val::int32, DType::i32},
    {mx::Dtype::Val::uint32, DType::u32},    {mx::Dtype::Val::int64, DType::i64},
    {mx::Dtype::Val::bool_, DType::boolean}, {mx::Dtype::Val::float64, DType::f64},
    {mx::Dtype::Val::int16, DType::i16},     {mx::Dtype::Val::uint16, DType::u16},
    {mx::Dtype::Val::uint64, DType::u64},    {mx::Dtype::Val::complex64, DType::complex64},
};

DType host_dtype(mx::Dtype dtype) {
  for (const DTypeRow& row : kDTypeRows) {
    if (row.mlx == dtype.val()) return row.host;
  }
  return DType::other;
}

mx::Shape mlx_shape(const int64_t* dims, int ndim) {
  mx::Shape shape;
  for (int axis = 0; axis < ndim; axis++) {
    if (dims[axis] > std::numeric_limits<mx::ShapeElem>::max()) {
      throw ValueError("a dimension of " + std::to_string(dims[axis]) +
                       " elements is more than MLX can hold");
    }
    shape.push_back(static_cast<mx::ShapeElem>(dims[axis]));
  }
  return shape;
}

// The position of a tensor among the inputs, or -1.
int position_of(const std::vector<int16_t>& tensors, int index) {
  const auto found = std::find(tensors.begin(), tensors.end(), index);
  return found == tensors.end() ? -1 : static_cast<int>(found - tensors.begin());
}

bool have_equal_bits(const Plan& a, const Plan& b) {
  const Op& op = *a.signature->op;
  return std::memcmp(a.scalars, b.scalars, op.scalars.size() * sizeof(Scalar)) == 0 &&
         std::memcmp(a.size_arguments, b.size_arguments, op.size_arguments.size() * sizeof(int64_t)) == 0;
}

}  // namespace

mx::Dtype mlx_dtype(DType dtype) {
  switch (dtype) {
    case DType::f32: return mx::float32;
    case DType::f16: return mx::float16;
    case DType::bf16: return mx::bfloat16;
    case DType::i8: return mx::int8;
    case DType::i32: return mx::int32;
    case DType::u32: return mx::uint32;
    case DType::i64: return mx::int64;
    case DType::boolean: return mx::bool_;
    default: return mx::uint8;  // MLX has no 8-bit float: its bits go in uint8
  }
}

void MlxViews::read(Call& call, int index, const mx::array& array) {
  ArrayView& view = call.arrays[index];
  view = {nullptr, host_dtype(array.dtype()), true, false, static_cast<int>(array.ndim()), shapes_[index],
          nullptr};
  for (int axis = 0; axis < view.ndim && axis < kMaxDims; axis++) shapes_[index][axis] = array.shape(axis);
}

void MlxViews::read_memory(Call& call, int index, const mx::array& array) {
  read(call, index, array);
  ArrayView& view = call.arrays[index];
  view.data = const_cast<char*>(array.data<char>());
  view.strides = strides_[index];
  for (int axis = 0; axis < view.ndim; axis++) strides_[index][axis] = array.strides(axis);
}

void resolve_plan(const Plan& plan, const std::vector<mx::array>& inputs, Call& call, MlxViews& views) {
  std::copy_n(plan.scalars, call.op.scalars.size(), call.scalars);
  std::copy_n(plan.size_arguments, call.op.size_arguments.size(), call.size_arguments);
  for (std::size_t i = 0; i < inputs.size(); i++) views.read(call, plan.inputs[i], inputs[i]);
  resolve(call);
}

std::vector<mx::Shape> shapes_of_outputs(const Plan& plan, const Call& call) {
  std::vector<mx::Shape> shapes;
  for (const int16_t index : plan.outputs) {
    const bool is_result = call.op.tensors[index].role == Role::result;
    const Extents& result = call.results[index];
    const ArrayView& view = call.arrays[index];
    shapes.push_back(is_result ? mlx_shape(result.dims, result.ndim) : mlx_shape(view.shape, view.ndim));
  }
  return shapes;
}

void OpPrimitive::allocate(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs, Call& call,
                           MlxViews& views) {
  resolve_plan(plan_, inputs, call, views);
  for (std::size_t i = 0; i < inputs.size(); i++) views.read_memory(call, plan_.inputs[i], inputs[i]);
  for (std::size_t i = 0; i < outputs.size(); i++) {
    const int shared = position_of(plan_.inputs, plan_.outputs[i]);
    if (shared >= 0) {
      outputs[i].copy_shared_buffer(inputs[shared]);
    } else {
      outputs[i].set_data(mx::allocator::malloc(outputs[i].nbytes()));
      views.read_memory(call, plan_.outputs[i], outputs[i]);
    }
  }
  check_written(call);
}

void OpPrimitive::eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  Call call(*plan_.signature);
  MlxViews views;
  allocate(inputs, outputs, call, views);
  auto work = std::make_shared<Work>();
  prepare(call, cpu_kernel(call), *work);
  // Inputs may not be computed yet: the work, copies of strided inputs included, runs in the stream's order.
  mx::cpu::get_command_encoder(stream()).dispatch([work] { run(*work); });
}

std::vector<mx::Shape> OpPrimitive::output_shapes(const std::vector<mx::array>& inputs) {
  Call call(*plan_.signature);
  MlxViews views;
  resolve_plan(plan_, inputs, call, views);
  return shapes_of_outputs(plan_, call);
}

bool OpPrimitive::is_equivalent(const mx::Primitive& other) const {
  const Plan& theirs = static_cast<const OpPrimitive&>(other).plan_;
  return plan_.signature->op == theirs.signature->op && plan_.inputs == theirs.inputs &&
         plan_.outputs == theirs.outputs && have_equal_bits(plan_, theirs);
}

}  // namespace sgl::host

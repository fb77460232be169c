// Generated from specs/activation/gelu_and_mul.yaml. Do not edit.
#include "host/gelu_and_mul_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/gelu_and_mul_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_gelu_and_mul_f32(const gelu_and_mul_params*);
void sgl_cpu_baseline_gelu_and_mul_f16(const gelu_and_mul_params*);
void sgl_cpu_baseline_gelu_and_mul_bf16(const gelu_and_mul_params*);
void sgl_cpu_avx2_gelu_and_mul_f32(const gelu_and_mul_params*);
void sgl_cpu_avx2_gelu_and_mul_f16(const gelu_and_mul_params*);
void sgl_cpu_avx2_gelu_and_mul_bf16(const gelu_and_mul_params*);
void sgl_cpu_avx512_gelu_and_mul_f32(const gelu_and_mul_params*);
void sgl_cpu_avx512_gelu_and_mul_f16(const gelu_and_mul_params*);
void sgl_cpu_avx512_gelu_and_mul_bf16(const gelu_and_mul_params*);
#else
void sgl_cpu_baseline_gelu_and_mul_f32(const gelu_and_mul_params*);
void sgl_cpu_baseline_gelu_and_mul_f16(const gelu_and_mul_params*);
void sgl_cpu_baseline_gelu_and_mul_bf16(const gelu_and_mul_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = gelu_and_mul_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_input, tensor_out,  };
enum SizeIndex : int16_t { size_rows, size_width,  };

Wide input_extent_1(const Values& V) {
  const Wide width = V.sizes[size_width];
  return 2 * width;
}

Wide solution_0_coefficient(const Values&) {
  return 2;
}

Wide solution_0_offset(const Values&) {
  return 0;
}

constexpr Dimension input_dims[] = {
    {"rows", size_rows},
    {"2 * width", kNoSize, input_extent_1},
};
constexpr std::size_t input_strides[] = {
    offsetof(Params, input_stride_0),
};

constexpr Dimension out_dims[] = {
    {"rows", size_rows},
    {"width", size_width},
};
constexpr std::size_t out_strides[] = {
    offsetof(Params, out_stride_0),
};

constexpr Tensor kTensors[] = {
    {.name = "input",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = input_dims,
     .pointer_offset = offsetof(Params, input),
     .stride_offsets = input_strides},
    {.name = "out",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = out_dims,
     .pointer_offset = offsetof(Params, out),
     .stride_offsets = out_strides},
};

constexpr DType T_choices[] = {DType::f32, DType::f16, DType::bf16, };

constexpr TypeVariable kTypes[] = {
    {"T", T_choices},
};

constexpr Size kSizes[] = {
    {"rows", offsetof(Params, rows)},
    {"width", offsetof(Params, width)},
};

constexpr Solution kSolutions[] = {
    {size_width, tensor_input, 1, solution_0_coefficient, solution_0_offset},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_gelu_and_mul_f32>,
    run_kernel<Params, sgl_cpu_baseline_gelu_and_mul_f16>,
    run_kernel<Params, sgl_cpu_baseline_gelu_and_mul_bf16>,
    run_kernel<Params, sgl_cpu_avx2_gelu_and_mul_f32>,
    run_kernel<Params, sgl_cpu_avx2_gelu_and_mul_f16>,
    run_kernel<Params, sgl_cpu_avx2_gelu_and_mul_bf16>,
    run_kernel<Params, sgl_cpu_avx512_gelu_and_mul_f32>,
    run_kernel<Params, sgl_cpu_avx512_gelu_and_mul_f16>,
    run_kernel<Params, sgl_cpu_avx512_gelu_and_mul_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_gelu_and_mul_f32>,
    run_kernel<Params, sgl_cpu_baseline_gelu_and_mul_f16>,
    run_kernel<Params, sgl_cpu_baseline_gelu_and_mul_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "gelu_and_mul",
    .tensors = kTensors,
    .argument_count = 1,
    .types = kTypes,
    .scalars = {},
    .size_arguments = {},
    .sizes = kSizes,
    .solutions = kSolutions,
    .requirements = {},
    .entry_count = 3,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter gelu_and_mul_parameters[] = {
    {"input", ParameterKind::tensor, tensor_input, true},
    {"out", ParameterKind::tensor, tensor_out, false},
};
constexpr int16_t gelu_and_mul_returns[] = {tensor_out, };

constexpr Signature kSignatures[] = {
    {&kOp, "gelu_and_mul", gelu_and_mul_parameters, 2, gelu_and_mul_returns},
};

}  // namespace

constinit const std::span<const host::Signature> gelu_and_mul_signatures = kSignatures;

}  // namespace sgl::ops

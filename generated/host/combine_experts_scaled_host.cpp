// Generated from specs/moe/combine_experts_scaled.yaml. Do not edit.
#include "host/combine_experts_scaled_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/combine_experts_scaled_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_combine_experts_scaled_f32(const combine_experts_scaled_params*);
void sgl_cpu_baseline_combine_experts_scaled_f16(const combine_experts_scaled_params*);
void sgl_cpu_baseline_combine_experts_scaled_bf16(const combine_experts_scaled_params*);
void sgl_cpu_avx2_combine_experts_scaled_f32(const combine_experts_scaled_params*);
void sgl_cpu_avx2_combine_experts_scaled_f16(const combine_experts_scaled_params*);
void sgl_cpu_avx2_combine_experts_scaled_bf16(const combine_experts_scaled_params*);
void sgl_cpu_avx512_combine_experts_scaled_f32(const combine_experts_scaled_params*);
void sgl_cpu_avx512_combine_experts_scaled_f16(const combine_experts_scaled_params*);
void sgl_cpu_avx512_combine_experts_scaled_bf16(const combine_experts_scaled_params*);
#else
void sgl_cpu_baseline_combine_experts_scaled_f32(const combine_experts_scaled_params*);
void sgl_cpu_baseline_combine_experts_scaled_f16(const combine_experts_scaled_params*);
void sgl_cpu_baseline_combine_experts_scaled_bf16(const combine_experts_scaled_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = combine_experts_scaled_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_input, tensor_out,  };
enum ScalarIndex : int16_t { scalar_routed_scaling_factor,  };
enum SizeIndex : int16_t { size_tokens, size_experts, size_width,  };

constexpr Dimension input_dims[] = {
    {"tokens", size_tokens},
    {"experts", size_experts},
    {"width", size_width},
};
constexpr std::size_t input_strides[] = {
    offsetof(Params, input_stride_0),
    offsetof(Params, input_stride_1),
};

constexpr Dimension out_dims[] = {
    {"tokens", size_tokens},
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

constexpr ScalarArgument kScalars[] = {
    {"routed_scaling_factor", DType::f32, offsetof(Params, routed_scaling_factor), true, {.real = 0.0}},
};

constexpr Size kSizes[] = {
    {"tokens", offsetof(Params, tokens)},
    {"experts", offsetof(Params, experts)},
    {"width", offsetof(Params, width)},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_combine_experts_scaled_f32>,
    run_kernel<Params, sgl_cpu_baseline_combine_experts_scaled_f16>,
    run_kernel<Params, sgl_cpu_baseline_combine_experts_scaled_bf16>,
    run_kernel<Params, sgl_cpu_avx2_combine_experts_scaled_f32>,
    run_kernel<Params, sgl_cpu_avx2_combine_experts_scaled_f16>,
    run_kernel<Params, sgl_cpu_avx2_combine_experts_scaled_bf16>,
    run_kernel<Params, sgl_cpu_avx512_combine_experts_scaled_f32>,
    run_kernel<Params, sgl_cpu_avx512_combine_experts_scaled_f16>,
    run_kernel<Params, sgl_cpu_avx512_combine_experts_scaled_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_combine_experts_scaled_f32>,
    run_kernel<Params, sgl_cpu_baseline_combine_experts_scaled_f16>,
    run_kernel<Params, sgl_cpu_baseline_combine_experts_scaled_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "combine_experts_scaled",
    .tensors = kTensors,
    .argument_count = 1,
    .types = kTypes,
    .scalars = kScalars,
    .size_arguments = {},
    .sizes = kSizes,
    .solutions = {},
    .requirements = {},
    .entry_count = 3,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter combine_experts_scaled_parameters[] = {
    {"input", ParameterKind::tensor, tensor_input, true},
    {"routed_scaling_factor", ParameterKind::scalar, scalar_routed_scaling_factor, false},
    {"out", ParameterKind::tensor, tensor_out, false},
};
constexpr int16_t combine_experts_scaled_returns[] = {tensor_out, };

constexpr Parameter moe_sum_reduce_parameters[] = {
    {"input_tensor", ParameterKind::tensor, tensor_input, true},
    {"output_tensor", ParameterKind::tensor, tensor_out, true},
    {"routed_scaling_factor", ParameterKind::scalar, scalar_routed_scaling_factor, false},
};

constexpr Signature kSignatures[] = {
    {&kOp, "combine_experts_scaled", combine_experts_scaled_parameters, 3, combine_experts_scaled_returns},
    {&kOp, "moe_sum_reduce", moe_sum_reduce_parameters, 3, {}},
};

}  // namespace

constinit const std::span<const host::Signature> combine_experts_scaled_signatures = kSignatures;

}  // namespace sgl::ops

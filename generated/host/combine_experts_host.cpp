// Generated from specs/moe/combine_experts.yaml. Do not edit.
#include "host/combine_experts_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/combine_experts_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_combine_experts_f32(const combine_experts_params*);
void sgl_cpu_baseline_combine_experts_f16(const combine_experts_params*);
void sgl_cpu_baseline_combine_experts_bf16(const combine_experts_params*);
void sgl_cpu_avx2_combine_experts_f32(const combine_experts_params*);
void sgl_cpu_avx2_combine_experts_f16(const combine_experts_params*);
void sgl_cpu_avx2_combine_experts_bf16(const combine_experts_params*);
void sgl_cpu_avx512_combine_experts_f32(const combine_experts_params*);
void sgl_cpu_avx512_combine_experts_f16(const combine_experts_params*);
void sgl_cpu_avx512_combine_experts_bf16(const combine_experts_params*);
#else
void sgl_cpu_baseline_combine_experts_f32(const combine_experts_params*);
void sgl_cpu_baseline_combine_experts_f16(const combine_experts_params*);
void sgl_cpu_baseline_combine_experts_bf16(const combine_experts_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = combine_experts_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_input, tensor_out,  };
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

constexpr Size kSizes[] = {
    {"tokens", offsetof(Params, tokens)},
    {"experts", offsetof(Params, experts)},
    {"width", offsetof(Params, width)},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_combine_experts_f32>,
    run_kernel<Params, sgl_cpu_baseline_combine_experts_f16>,
    run_kernel<Params, sgl_cpu_baseline_combine_experts_bf16>,
    run_kernel<Params, sgl_cpu_avx2_combine_experts_f32>,
    run_kernel<Params, sgl_cpu_avx2_combine_experts_f16>,
    run_kernel<Params, sgl_cpu_avx2_combine_experts_bf16>,
    run_kernel<Params, sgl_cpu_avx512_combine_experts_f32>,
    run_kernel<Params, sgl_cpu_avx512_combine_experts_f16>,
    run_kernel<Params, sgl_cpu_avx512_combine_experts_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_combine_experts_f32>,
    run_kernel<Params, sgl_cpu_baseline_combine_experts_f16>,
    run_kernel<Params, sgl_cpu_baseline_combine_experts_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "combine_experts",
    .tensors = kTensors,
    .argument_count = 1,
    .types = kTypes,
    .scalars = {},
    .size_arguments = {},
    .sizes = kSizes,
    .solutions = {},
    .requirements = {},
    .entry_count = 3,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter combine_experts_parameters[] = {
    {"input", ParameterKind::tensor, tensor_input, true},
    {"out", ParameterKind::tensor, tensor_out, false},
};
constexpr int16_t combine_experts_returns[] = {tensor_out, };

constexpr Parameter moe_sum_parameters[] = {
    {"input_tensor", ParameterKind::tensor, tensor_input, true},
    {"output_tensor", ParameterKind::tensor, tensor_out, true},
};

constexpr Signature kSignatures[] = {
    {&kOp, "combine_experts", combine_experts_parameters, 2, combine_experts_returns},
    {&kOp, "moe_sum", moe_sum_parameters, 2, {}},
};

}  // namespace

constinit const std::span<const host::Signature> combine_experts_signatures = kSignatures;

}  // namespace sgl::ops

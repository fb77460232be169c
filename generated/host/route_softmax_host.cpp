// Generated from specs/moe/route_softmax.yaml. Do not edit.
#include "host/route_softmax_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/route_softmax_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_route_softmax_f32(const route_softmax_params*);
void sgl_cpu_baseline_route_softmax_f16(const route_softmax_params*);
void sgl_cpu_baseline_route_softmax_bf16(const route_softmax_params*);
void sgl_cpu_avx2_route_softmax_f32(const route_softmax_params*);
void sgl_cpu_avx2_route_softmax_f16(const route_softmax_params*);
void sgl_cpu_avx2_route_softmax_bf16(const route_softmax_params*);
void sgl_cpu_avx512_route_softmax_f32(const route_softmax_params*);
void sgl_cpu_avx512_route_softmax_f16(const route_softmax_params*);
void sgl_cpu_avx512_route_softmax_bf16(const route_softmax_params*);
#else
void sgl_cpu_baseline_route_softmax_f32(const route_softmax_params*);
void sgl_cpu_baseline_route_softmax_f16(const route_softmax_params*);
void sgl_cpu_baseline_route_softmax_bf16(const route_softmax_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = route_softmax_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_gating_output, tensor_correction_bias, tensor_topk_weights, tensor_topk_ids,  };
enum ScalarIndex : int16_t { scalar_renormalize, scalar_moe_softcapping,  };
enum SizeIndex : int16_t { size_tokens, size_experts, size_k,  };
enum SizeArgumentIndex : int16_t { size_argument_k,  };

bool requirement_0(const Values& V) {
  const Wide k = V.sizes[size_k];
  const Wide experts = V.sizes[size_experts];
  return k <= experts;
}

constexpr Dimension gating_output_dims[] = {
    {"tokens", size_tokens},
    {"experts", size_experts},
};
constexpr std::size_t gating_output_strides[] = {
    offsetof(Params, gating_output_stride_0),
};

constexpr Dimension correction_bias_dims[] = {
    {"experts", size_experts},
};

constexpr Dimension topk_weights_dims[] = {
    {"tokens", size_tokens},
    {"k", size_k},
};
constexpr std::size_t topk_weights_strides[] = {
    offsetof(Params, topk_weights_stride_0),
};

constexpr Dimension topk_ids_dims[] = {
    {"tokens", size_tokens},
    {"k", size_k},
};
constexpr std::size_t topk_ids_strides[] = {
    offsetof(Params, topk_ids_stride_0),
};

constexpr Tensor kTensors[] = {
    {.name = "gating_output",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = gating_output_dims,
     .pointer_offset = offsetof(Params, gating_output),
     .stride_offsets = gating_output_strides},
    {.name = "correction_bias",
     .type = kFixedType,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = true,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = correction_bias_dims,
     .pointer_offset = offsetof(Params, correction_bias),
     .stride_offsets = {}},
    {.name = "topk_weights",
     .type = kFixedType,
     .dtype = DType::f32,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = topk_weights_dims,
     .pointer_offset = offsetof(Params, topk_weights),
     .stride_offsets = topk_weights_strides},
    {.name = "topk_ids",
     .type = kFixedType,
     .dtype = DType::i32,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = topk_ids_dims,
     .pointer_offset = offsetof(Params, topk_ids),
     .stride_offsets = topk_ids_strides},
};

constexpr DType T_choices[] = {DType::f32, DType::f16, DType::bf16, };

constexpr TypeVariable kTypes[] = {
    {"T", T_choices},
};

constexpr ScalarArgument kScalars[] = {
    {"renormalize", DType::boolean, offsetof(Params, renormalize), true, {.integer = 0}},
    {"moe_softcapping", DType::f32, offsetof(Params, moe_softcapping), true, {.real = 0.0}},
};

constexpr SizeArgument kSizeArguments[] = {
    {"k", size_k, -1},
};

constexpr Size kSizes[] = {
    {"tokens", offsetof(Params, tokens)},
    {"experts", offsetof(Params, experts)},
    {"k", offsetof(Params, k)},
};

constexpr int16_t requirement_0_sizes[] = {size_k, size_experts, kNoSize};
constexpr int16_t requirement_0_scalars[] = {kNoSize};

constexpr Requirement kRequirements[] = {
    {"k <= experts", requirement_0, requirement_0_sizes, requirement_0_scalars},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_route_softmax_f32>,
    run_kernel<Params, sgl_cpu_baseline_route_softmax_f16>,
    run_kernel<Params, sgl_cpu_baseline_route_softmax_bf16>,
    run_kernel<Params, sgl_cpu_avx2_route_softmax_f32>,
    run_kernel<Params, sgl_cpu_avx2_route_softmax_f16>,
    run_kernel<Params, sgl_cpu_avx2_route_softmax_bf16>,
    run_kernel<Params, sgl_cpu_avx512_route_softmax_f32>,
    run_kernel<Params, sgl_cpu_avx512_route_softmax_f16>,
    run_kernel<Params, sgl_cpu_avx512_route_softmax_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_route_softmax_f32>,
    run_kernel<Params, sgl_cpu_baseline_route_softmax_f16>,
    run_kernel<Params, sgl_cpu_baseline_route_softmax_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "route_softmax",
    .tensors = kTensors,
    .argument_count = 2,
    .types = kTypes,
    .scalars = kScalars,
    .size_arguments = kSizeArguments,
    .sizes = kSizes,
    .solutions = {},
    .requirements = kRequirements,
    .entry_count = 3,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter route_softmax_parameters[] = {
    {"gating_output", ParameterKind::tensor, tensor_gating_output, true},
    {"k", ParameterKind::size, size_argument_k, true},
    {"renormalize", ParameterKind::scalar, scalar_renormalize, false},
    {"moe_softcapping", ParameterKind::scalar, scalar_moe_softcapping, false},
    {"correction_bias", ParameterKind::tensor, tensor_correction_bias, false},
};
constexpr int16_t route_softmax_returns[] = {tensor_topk_weights, tensor_topk_ids, };

constexpr Parameter topk_softmax_parameters[] = {
    {"topk_weights", ParameterKind::tensor, tensor_topk_weights, true},
    {"topk_ids", ParameterKind::tensor, tensor_topk_ids, true},
    {"gating_output", ParameterKind::tensor, tensor_gating_output, true},
    {"renormalize", ParameterKind::scalar, scalar_renormalize, false},
    {"moe_softcapping", ParameterKind::scalar, scalar_moe_softcapping, false},
    {"correction_bias", ParameterKind::tensor, tensor_correction_bias, false},
};

constexpr Signature kSignatures[] = {
    {&kOp, "route_softmax", route_softmax_parameters, 5, route_softmax_returns},
    {&kOp, "topk_softmax", topk_softmax_parameters, 6, {}},
};

}  // namespace

constinit const std::span<const host::Signature> route_softmax_signatures = kSignatures;

}  // namespace sgl::ops

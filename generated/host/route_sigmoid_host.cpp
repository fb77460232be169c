// Generated from specs/moe/route_sigmoid.yaml. Do not edit.
#include "host/route_sigmoid_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/route_sigmoid_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_route_sigmoid_f32(const route_sigmoid_params*);
void sgl_cpu_baseline_route_sigmoid_f16(const route_sigmoid_params*);
void sgl_cpu_baseline_route_sigmoid_bf16(const route_sigmoid_params*);
void sgl_cpu_avx2_route_sigmoid_f32(const route_sigmoid_params*);
void sgl_cpu_avx2_route_sigmoid_f16(const route_sigmoid_params*);
void sgl_cpu_avx2_route_sigmoid_bf16(const route_sigmoid_params*);
void sgl_cpu_avx512_route_sigmoid_f32(const route_sigmoid_params*);
void sgl_cpu_avx512_route_sigmoid_f16(const route_sigmoid_params*);
void sgl_cpu_avx512_route_sigmoid_bf16(const route_sigmoid_params*);
#else
void sgl_cpu_baseline_route_sigmoid_f32(const route_sigmoid_params*);
void sgl_cpu_baseline_route_sigmoid_f16(const route_sigmoid_params*);
void sgl_cpu_baseline_route_sigmoid_bf16(const route_sigmoid_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = route_sigmoid_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_gating_output, tensor_correction_bias, tensor_topk_weights, tensor_topk_ids,  };
enum ScalarIndex : int16_t { scalar_renormalize,  };
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
    run_kernel<Params, sgl_cpu_baseline_route_sigmoid_f32>,
    run_kernel<Params, sgl_cpu_baseline_route_sigmoid_f16>,
    run_kernel<Params, sgl_cpu_baseline_route_sigmoid_bf16>,
    run_kernel<Params, sgl_cpu_avx2_route_sigmoid_f32>,
    run_kernel<Params, sgl_cpu_avx2_route_sigmoid_f16>,
    run_kernel<Params, sgl_cpu_avx2_route_sigmoid_bf16>,
    run_kernel<Params, sgl_cpu_avx512_route_sigmoid_f32>,
    run_kernel<Params, sgl_cpu_avx512_route_sigmoid_f16>,
    run_kernel<Params, sgl_cpu_avx512_route_sigmoid_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_route_sigmoid_f32>,
    run_kernel<Params, sgl_cpu_baseline_route_sigmoid_f16>,
    run_kernel<Params, sgl_cpu_baseline_route_sigmoid_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "route_sigmoid",
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

constexpr Parameter route_sigmoid_parameters[] = {
    {"gating_output", ParameterKind::tensor, tensor_gating_output, true},
    {"k", ParameterKind::size, size_argument_k, true},
    {"renormalize", ParameterKind::scalar, scalar_renormalize, false},
    {"correction_bias", ParameterKind::tensor, tensor_correction_bias, false},
};
constexpr int16_t route_sigmoid_returns[] = {tensor_topk_weights, tensor_topk_ids, };

constexpr Parameter topk_sigmoid_parameters[] = {
    {"topk_weights", ParameterKind::tensor, tensor_topk_weights, true},
    {"topk_ids", ParameterKind::tensor, tensor_topk_ids, true},
    {"gating_output", ParameterKind::tensor, tensor_gating_output, true},
    {"renormalize", ParameterKind::scalar, scalar_renormalize, false},
    {"correction_bias", ParameterKind::tensor, tensor_correction_bias, false},
};

constexpr Signature kSignatures[] = {
    {&kOp, "route_sigmoid", route_sigmoid_parameters, 4, route_sigmoid_returns},
    {&kOp, "topk_sigmoid", topk_sigmoid_parameters, 5, {}},
};

}  // namespace

constinit const std::span<const host::Signature> route_sigmoid_signatures = kSignatures;

}  // namespace sgl::ops

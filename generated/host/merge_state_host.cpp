// Generated from specs/attention/merge_state.yaml. Do not edit.
#include "host/merge_state_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/merge_state_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_merge_state_f32(const merge_state_params*);
void sgl_cpu_baseline_merge_state_f16(const merge_state_params*);
void sgl_cpu_baseline_merge_state_bf16(const merge_state_params*);
void sgl_cpu_avx2_merge_state_f32(const merge_state_params*);
void sgl_cpu_avx2_merge_state_f16(const merge_state_params*);
void sgl_cpu_avx2_merge_state_bf16(const merge_state_params*);
void sgl_cpu_avx512_merge_state_f32(const merge_state_params*);
void sgl_cpu_avx512_merge_state_f16(const merge_state_params*);
void sgl_cpu_avx512_merge_state_bf16(const merge_state_params*);
#else
void sgl_cpu_baseline_merge_state_f32(const merge_state_params*);
void sgl_cpu_baseline_merge_state_f16(const merge_state_params*);
void sgl_cpu_baseline_merge_state_bf16(const merge_state_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = merge_state_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_v_a, tensor_s_a, tensor_v_b, tensor_s_b, tensor_v_merged, tensor_s_merged,  };
enum SizeIndex : int16_t { size_tokens, size_heads, size_head_dim,  };

constexpr Dimension v_a_dims[] = {
    {"tokens", size_tokens},
    {"heads", size_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t v_a_strides[] = {
    offsetof(Params, v_a_stride_0),
    offsetof(Params, v_a_stride_1),
};

constexpr Dimension s_a_dims[] = {
    {"tokens", size_tokens},
    {"heads", size_heads},
};
constexpr std::size_t s_a_strides[] = {
    offsetof(Params, s_a_stride_0),
};

constexpr Dimension v_b_dims[] = {
    {"tokens", size_tokens},
    {"heads", size_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t v_b_strides[] = {
    offsetof(Params, v_b_stride_0),
    offsetof(Params, v_b_stride_1),
};

constexpr Dimension s_b_dims[] = {
    {"tokens", size_tokens},
    {"heads", size_heads},
};
constexpr std::size_t s_b_strides[] = {
    offsetof(Params, s_b_stride_0),
};

constexpr Dimension v_merged_dims[] = {
    {"tokens", size_tokens},
    {"heads", size_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t v_merged_strides[] = {
    offsetof(Params, v_merged_stride_0),
    offsetof(Params, v_merged_stride_1),
};

constexpr Dimension s_merged_dims[] = {
    {"tokens", size_tokens},
    {"heads", size_heads},
};
constexpr std::size_t s_merged_strides[] = {
    offsetof(Params, s_merged_stride_0),
};

constexpr Tensor kTensors[] = {
    {.name = "v_a",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = v_a_dims,
     .pointer_offset = offsetof(Params, v_a),
     .stride_offsets = v_a_strides},
    {.name = "s_a",
     .type = kFixedType,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = s_a_dims,
     .pointer_offset = offsetof(Params, s_a),
     .stride_offsets = s_a_strides},
    {.name = "v_b",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = v_b_dims,
     .pointer_offset = offsetof(Params, v_b),
     .stride_offsets = v_b_strides},
    {.name = "s_b",
     .type = kFixedType,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = s_b_dims,
     .pointer_offset = offsetof(Params, s_b),
     .stride_offsets = s_b_strides},
    {.name = "v_merged",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = v_merged_dims,
     .pointer_offset = offsetof(Params, v_merged),
     .stride_offsets = v_merged_strides},
    {.name = "s_merged",
     .type = kFixedType,
     .dtype = DType::f32,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = s_merged_dims,
     .pointer_offset = offsetof(Params, s_merged),
     .stride_offsets = s_merged_strides},
};

constexpr DType T_choices[] = {DType::f32, DType::f16, DType::bf16, };

constexpr TypeVariable kTypes[] = {
    {"T", T_choices},
};

constexpr Size kSizes[] = {
    {"tokens", offsetof(Params, tokens)},
    {"heads", offsetof(Params, heads)},
    {"head_dim", offsetof(Params, head_dim)},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_merge_state_f32>,
    run_kernel<Params, sgl_cpu_baseline_merge_state_f16>,
    run_kernel<Params, sgl_cpu_baseline_merge_state_bf16>,
    run_kernel<Params, sgl_cpu_avx2_merge_state_f32>,
    run_kernel<Params, sgl_cpu_avx2_merge_state_f16>,
    run_kernel<Params, sgl_cpu_avx2_merge_state_bf16>,
    run_kernel<Params, sgl_cpu_avx512_merge_state_f32>,
    run_kernel<Params, sgl_cpu_avx512_merge_state_f16>,
    run_kernel<Params, sgl_cpu_avx512_merge_state_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_merge_state_f32>,
    run_kernel<Params, sgl_cpu_baseline_merge_state_f16>,
    run_kernel<Params, sgl_cpu_baseline_merge_state_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "merge_state",
    .tensors = kTensors,
    .argument_count = 4,
    .types = kTypes,
    .scalars = {},
    .size_arguments = {},
    .sizes = kSizes,
    .solutions = {},
    .requirements = {},
    .entry_count = 3,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter merge_state_parameters[] = {
    {"v_a", ParameterKind::tensor, tensor_v_a, true},
    {"s_a", ParameterKind::tensor, tensor_s_a, true},
    {"v_b", ParameterKind::tensor, tensor_v_b, true},
    {"s_b", ParameterKind::tensor, tensor_s_b, true},
};
constexpr int16_t merge_state_returns[] = {tensor_v_merged, tensor_s_merged, };

constexpr Parameter merge_state_v2_parameters[] = {
    {"v_a", ParameterKind::tensor, tensor_v_a, true},
    {"s_a", ParameterKind::tensor, tensor_s_a, true},
    {"v_b", ParameterKind::tensor, tensor_v_b, true},
    {"s_b", ParameterKind::tensor, tensor_s_b, true},
    {"v_merged", ParameterKind::tensor, tensor_v_merged, false},
    {"s_merged", ParameterKind::tensor, tensor_s_merged, false},
};
constexpr int16_t merge_state_v2_returns[] = {tensor_v_merged, tensor_s_merged, };

constexpr Signature kSignatures[] = {
    {&kOp, "merge_state", merge_state_parameters, 4, merge_state_returns},
    {&kOp, "merge_state_v2", merge_state_v2_parameters, 6, merge_state_v2_returns},
};

}  // namespace

constinit const std::span<const host::Signature> merge_state_signatures = kSignatures;

}  // namespace sgl::ops

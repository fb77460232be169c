// Generated from specs/rope/rope_pool_fused.yaml. Do not edit.
#include "host/rope_pool_fused_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/rope_pool_fused_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_rope_pool_fused_f32(const rope_pool_fused_params*);
void sgl_cpu_baseline_rope_pool_fused_f16(const rope_pool_fused_params*);
void sgl_cpu_baseline_rope_pool_fused_bf16(const rope_pool_fused_params*);
void sgl_cpu_avx2_rope_pool_fused_f32(const rope_pool_fused_params*);
void sgl_cpu_avx2_rope_pool_fused_f16(const rope_pool_fused_params*);
void sgl_cpu_avx2_rope_pool_fused_bf16(const rope_pool_fused_params*);
void sgl_cpu_avx512_rope_pool_fused_f32(const rope_pool_fused_params*);
void sgl_cpu_avx512_rope_pool_fused_f16(const rope_pool_fused_params*);
void sgl_cpu_avx512_rope_pool_fused_bf16(const rope_pool_fused_params*);
#else
void sgl_cpu_baseline_rope_pool_fused_f32(const rope_pool_fused_params*);
void sgl_cpu_baseline_rope_pool_fused_f16(const rope_pool_fused_params*);
void sgl_cpu_baseline_rope_pool_fused_bf16(const rope_pool_fused_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = rope_pool_fused_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_q, tensor_k, tensor_v, tensor_positions, tensor_slots, tensor_k_pool, tensor_v_pool, tensor_q_rot, tensor_k_rot,  };
enum ScalarIndex : int16_t { scalar_rope_base,  };
enum SizeIndex : int16_t { size_tokens, size_num_qo_heads, size_head_dim, size_num_kv_heads, size_pool_slots,  };
enum SizeArgumentIndex : int16_t { size_argument_head_dim, size_argument_num_qo_heads, size_argument_num_kv_heads,  };

bool requirement_0(const Values& V) {
  const Wide head_dim = V.sizes[size_head_dim];
  return host::modulo(head_dim, 2) == 0;
}

constexpr Dimension q_dims[] = {
    {"tokens", size_tokens},
    {"num_qo_heads", size_num_qo_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t q_strides[] = {
    offsetof(Params, q_stride_0),
    offsetof(Params, q_stride_1),
};

constexpr Dimension k_dims[] = {
    {"tokens", size_tokens},
    {"num_kv_heads", size_num_kv_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t k_strides[] = {
    offsetof(Params, k_stride_0),
    offsetof(Params, k_stride_1),
};

constexpr Dimension v_dims[] = {
    {"tokens", size_tokens},
    {"num_kv_heads", size_num_kv_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t v_strides[] = {
    offsetof(Params, v_stride_0),
    offsetof(Params, v_stride_1),
};

constexpr Dimension positions_dims[] = {
    {"tokens", size_tokens},
};

constexpr Dimension slots_dims[] = {
    {"tokens", size_tokens},
};

constexpr Dimension k_pool_dims[] = {
    {"pool_slots", size_pool_slots},
    {"num_kv_heads", size_num_kv_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t k_pool_strides[] = {
    offsetof(Params, k_pool_stride_0),
    offsetof(Params, k_pool_stride_1),
};

constexpr Dimension v_pool_dims[] = {
    {"pool_slots", size_pool_slots},
    {"num_kv_heads", size_num_kv_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t v_pool_strides[] = {
    offsetof(Params, v_pool_stride_0),
    offsetof(Params, v_pool_stride_1),
};

constexpr Dimension q_rot_dims[] = {
    {"tokens", size_tokens},
    {"num_qo_heads", size_num_qo_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t q_rot_strides[] = {
    offsetof(Params, q_rot_stride_0),
    offsetof(Params, q_rot_stride_1),
};

constexpr Dimension k_rot_dims[] = {
    {"tokens", size_tokens},
    {"num_kv_heads", size_num_kv_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t k_rot_strides[] = {
    offsetof(Params, k_rot_stride_0),
    offsetof(Params, k_rot_stride_1),
};

constexpr Tensor kTensors[] = {
    {.name = "q",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = q_dims,
     .pointer_offset = offsetof(Params, q),
     .stride_offsets = q_strides},
    {.name = "k",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = k_dims,
     .pointer_offset = offsetof(Params, k),
     .stride_offsets = k_strides},
    {.name = "v",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = v_dims,
     .pointer_offset = offsetof(Params, v),
     .stride_offsets = v_strides},
    {.name = "positions",
     .type = kFixedType,
     .dtype = DType::i32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = positions_dims,
     .pointer_offset = offsetof(Params, positions),
     .stride_offsets = {}},
    {.name = "slots",
     .type = kFixedType,
     .dtype = DType::i32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = slots_dims,
     .pointer_offset = offsetof(Params, slots),
     .stride_offsets = {}},
    {.name = "k_pool",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::mutated,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = k_pool_dims,
     .pointer_offset = offsetof(Params, k_pool),
     .stride_offsets = k_pool_strides},
    {.name = "v_pool",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::mutated,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = v_pool_dims,
     .pointer_offset = offsetof(Params, v_pool),
     .stride_offsets = v_pool_strides},
    {.name = "q_rot",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = q_rot_dims,
     .pointer_offset = offsetof(Params, q_rot),
     .stride_offsets = q_rot_strides},
    {.name = "k_rot",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = k_rot_dims,
     .pointer_offset = offsetof(Params, k_rot),
     .stride_offsets = k_rot_strides},
};

constexpr DType T_choices[] = {DType::f32, DType::f16, DType::bf16, };

constexpr TypeVariable kTypes[] = {
    {"T", T_choices},
};

constexpr ScalarArgument kScalars[] = {
    {"rope_base", DType::f32, offsetof(Params, rope_base)},
};

constexpr SizeArgument kSizeArguments[] = {
    {"head_dim", size_head_dim, -1},
    {"num_qo_heads", size_num_qo_heads, -1},
    {"num_kv_heads", size_num_kv_heads, -1},
};

constexpr Size kSizes[] = {
    {"tokens", offsetof(Params, tokens)},
    {"num_qo_heads", offsetof(Params, num_qo_heads)},
    {"head_dim", offsetof(Params, head_dim)},
    {"num_kv_heads", offsetof(Params, num_kv_heads)},
    {"pool_slots", offsetof(Params, pool_slots)},
};

constexpr int16_t requirement_0_sizes[] = {size_head_dim, kNoSize};
constexpr int16_t requirement_0_scalars[] = {kNoSize};

constexpr Requirement kRequirements[] = {
    {"head_dim % 2 == 0", requirement_0, requirement_0_sizes, requirement_0_scalars},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_rope_pool_fused_f32>,
    run_kernel<Params, sgl_cpu_baseline_rope_pool_fused_f16>,
    run_kernel<Params, sgl_cpu_baseline_rope_pool_fused_bf16>,
    run_kernel<Params, sgl_cpu_avx2_rope_pool_fused_f32>,
    run_kernel<Params, sgl_cpu_avx2_rope_pool_fused_f16>,
    run_kernel<Params, sgl_cpu_avx2_rope_pool_fused_bf16>,
    run_kernel<Params, sgl_cpu_avx512_rope_pool_fused_f32>,
    run_kernel<Params, sgl_cpu_avx512_rope_pool_fused_f16>,
    run_kernel<Params, sgl_cpu_avx512_rope_pool_fused_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_rope_pool_fused_f32>,
    run_kernel<Params, sgl_cpu_baseline_rope_pool_fused_f16>,
    run_kernel<Params, sgl_cpu_baseline_rope_pool_fused_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "rope_pool_fused",
    .tensors = kTensors,
    .argument_count = 7,
    .types = kTypes,
    .scalars = kScalars,
    .size_arguments = kSizeArguments,
    .sizes = kSizes,
    .solutions = {},
    .requirements = kRequirements,
    .entry_count = 3,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter rope_pool_fused_parameters[] = {
    {"q", ParameterKind::tensor, tensor_q, true},
    {"k", ParameterKind::tensor, tensor_k, true},
    {"v", ParameterKind::tensor, tensor_v, true},
    {"positions", ParameterKind::tensor, tensor_positions, true},
    {"slots", ParameterKind::tensor, tensor_slots, true},
    {"k_pool", ParameterKind::tensor, tensor_k_pool, true},
    {"v_pool", ParameterKind::tensor, tensor_v_pool, true},
    {"head_dim", ParameterKind::size, size_argument_head_dim, true},
    {"num_qo_heads", ParameterKind::size, size_argument_num_qo_heads, true},
    {"num_kv_heads", ParameterKind::size, size_argument_num_kv_heads, true},
    {"rope_base", ParameterKind::scalar, scalar_rope_base, true},
};
constexpr int16_t rope_pool_fused_returns[] = {tensor_q_rot, tensor_k_rot, tensor_k_pool, tensor_v_pool, };

constexpr Signature kSignatures[] = {
    {&kOp, "rope_pool_fused", rope_pool_fused_parameters, 7, rope_pool_fused_returns},
};

}  // namespace

constinit const std::span<const host::Signature> rope_pool_fused_signatures = kSignatures;

}  // namespace sgl::ops

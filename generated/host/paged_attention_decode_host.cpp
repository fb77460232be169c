// Generated from specs/attention/paged_attention_decode.yaml. Do not edit.
#include "host/paged_attention_decode_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/paged_attention_decode_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_paged_attention_decode_f32(const paged_attention_decode_params*);
void sgl_cpu_baseline_paged_attention_decode_f16(const paged_attention_decode_params*);
void sgl_cpu_baseline_paged_attention_decode_bf16(const paged_attention_decode_params*);
void sgl_cpu_avx2_paged_attention_decode_f32(const paged_attention_decode_params*);
void sgl_cpu_avx2_paged_attention_decode_f16(const paged_attention_decode_params*);
void sgl_cpu_avx2_paged_attention_decode_bf16(const paged_attention_decode_params*);
void sgl_cpu_avx512_paged_attention_decode_f32(const paged_attention_decode_params*);
void sgl_cpu_avx512_paged_attention_decode_f16(const paged_attention_decode_params*);
void sgl_cpu_avx512_paged_attention_decode_bf16(const paged_attention_decode_params*);
#else
void sgl_cpu_baseline_paged_attention_decode_f32(const paged_attention_decode_params*);
void sgl_cpu_baseline_paged_attention_decode_f16(const paged_attention_decode_params*);
void sgl_cpu_baseline_paged_attention_decode_bf16(const paged_attention_decode_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = paged_attention_decode_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_q, tensor_k_pool, tensor_v_pool, tensor_kv_indptr, tensor_kv_indices, tensor_out,  };
enum ScalarIndex : int16_t { scalar_sm_scale,  };
enum SizeIndex : int16_t { size_batch, size_num_qo_heads, size_head_dim, size_pool_slots, size_num_kv_heads, size_entries,  };
enum SizeArgumentIndex : int16_t { size_argument_num_qo_heads, size_argument_num_kv_heads, size_argument_head_dim,  };

Wide kv_indptr_extent_0(const Values& V) {
  const Wide batch = V.sizes[size_batch];
  return batch + 1;
}

bool requirement_0(const Values& V) {
  const Wide num_kv_heads = V.sizes[size_num_kv_heads];
  return num_kv_heads >= 1;
}

bool requirement_1(const Values& V) {
  const Wide num_qo_heads = V.sizes[size_num_qo_heads];
  const Wide num_kv_heads = V.sizes[size_num_kv_heads];
  return host::modulo(num_qo_heads, num_kv_heads) == 0;
}

constexpr Dimension q_dims[] = {
    {"batch", size_batch},
    {"num_qo_heads", size_num_qo_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t q_strides[] = {
    offsetof(Params, q_stride_0),
    offsetof(Params, q_stride_1),
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

constexpr Dimension kv_indptr_dims[] = {
    {"batch + 1", kNoSize, kv_indptr_extent_0},
};

constexpr Dimension kv_indices_dims[] = {
    {"entries", size_entries},
};

constexpr Dimension out_dims[] = {
    {"batch", size_batch},
    {"num_qo_heads", size_num_qo_heads},
    {"head_dim", size_head_dim},
};
constexpr std::size_t out_strides[] = {
    offsetof(Params, out_stride_0),
    offsetof(Params, out_stride_1),
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
    {.name = "k_pool",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = k_pool_dims,
     .pointer_offset = offsetof(Params, k_pool),
     .stride_offsets = k_pool_strides},
    {.name = "v_pool",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = v_pool_dims,
     .pointer_offset = offsetof(Params, v_pool),
     .stride_offsets = v_pool_strides},
    {.name = "kv_indptr",
     .type = kFixedType,
     .dtype = DType::i32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = kv_indptr_dims,
     .pointer_offset = offsetof(Params, kv_indptr),
     .stride_offsets = {}},
    {.name = "kv_indices",
     .type = kFixedType,
     .dtype = DType::i32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = kv_indices_dims,
     .pointer_offset = offsetof(Params, kv_indices),
     .stride_offsets = {}},
    {.name = "out",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = out_dims,
     .pointer_offset = offsetof(Params, out),
     .stride_offsets = out_strides},
};

constexpr DType T_choices[] = {DType::f32, DType::f16, DType::bf16, };

constexpr TypeVariable kTypes[] = {
    {"T", T_choices},
};

constexpr ScalarArgument kScalars[] = {
    {"sm_scale", DType::f32, offsetof(Params, sm_scale)},
};

constexpr SizeArgument kSizeArguments[] = {
    {"num_qo_heads", size_num_qo_heads, -1},
    {"num_kv_heads", size_num_kv_heads, -1},
    {"head_dim", size_head_dim, -1},
};

constexpr Size kSizes[] = {
    {"batch", offsetof(Params, batch)},
    {"num_qo_heads", offsetof(Params, num_qo_heads)},
    {"head_dim", offsetof(Params, head_dim)},
    {"pool_slots", offsetof(Params, pool_slots)},
    {"num_kv_heads", offsetof(Params, num_kv_heads)},
    {"entries", offsetof(Params, entries)},
};

constexpr int16_t requirement_0_sizes[] = {size_num_kv_heads, kNoSize};
constexpr int16_t requirement_0_scalars[] = {kNoSize};

constexpr int16_t requirement_1_sizes[] = {size_num_qo_heads, size_num_kv_heads, kNoSize};
constexpr int16_t requirement_1_scalars[] = {kNoSize};

constexpr Requirement kRequirements[] = {
    {"num_kv_heads >= 1", requirement_0, requirement_0_sizes, requirement_0_scalars},
    {"num_qo_heads % num_kv_heads == 0", requirement_1, requirement_1_sizes, requirement_1_scalars},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_paged_attention_decode_f32>,
    run_kernel<Params, sgl_cpu_baseline_paged_attention_decode_f16>,
    run_kernel<Params, sgl_cpu_baseline_paged_attention_decode_bf16>,
    run_kernel<Params, sgl_cpu_avx2_paged_attention_decode_f32>,
    run_kernel<Params, sgl_cpu_avx2_paged_attention_decode_f16>,
    run_kernel<Params, sgl_cpu_avx2_paged_attention_decode_bf16>,
    run_kernel<Params, sgl_cpu_avx512_paged_attention_decode_f32>,
    run_kernel<Params, sgl_cpu_avx512_paged_attention_decode_f16>,
    run_kernel<Params, sgl_cpu_avx512_paged_attention_decode_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_paged_attention_decode_f32>,
    run_kernel<Params, sgl_cpu_baseline_paged_attention_decode_f16>,
    run_kernel<Params, sgl_cpu_baseline_paged_attention_decode_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "paged_attention_decode",
    .tensors = kTensors,
    .argument_count = 5,
    .types = kTypes,
    .scalars = kScalars,
    .size_arguments = kSizeArguments,
    .sizes = kSizes,
    .solutions = {},
    .requirements = kRequirements,
    .entry_count = 3,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter paged_attention_decode_parameters[] = {
    {"q", ParameterKind::tensor, tensor_q, true},
    {"k_pool", ParameterKind::tensor, tensor_k_pool, true},
    {"v_pool", ParameterKind::tensor, tensor_v_pool, true},
    {"kv_indptr", ParameterKind::tensor, tensor_kv_indptr, true},
    {"kv_indices", ParameterKind::tensor, tensor_kv_indices, true},
    {"out", ParameterKind::tensor, tensor_out, false},
    {"num_qo_heads", ParameterKind::size, size_argument_num_qo_heads, true},
    {"num_kv_heads", ParameterKind::size, size_argument_num_kv_heads, true},
    {"head_dim", ParameterKind::size, size_argument_head_dim, true},
    {"sm_scale", ParameterKind::scalar, scalar_sm_scale, true},
};
constexpr int16_t paged_attention_decode_returns[] = {tensor_out, };

constexpr Signature kSignatures[] = {
    {&kOp, "paged_attention_decode", paged_attention_decode_parameters, 6, paged_attention_decode_returns},
};

}  // namespace

constinit const std::span<const host::Signature> paged_attention_decode_signatures = kSignatures;

}  // namespace sgl::ops

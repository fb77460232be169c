// Generated from specs/rope/rotary_embedding.yaml. Do not edit.
#include "host/rotary_embedding_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/rotary_embedding_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_rotary_embedding_f32_i64(const rotary_embedding_params*);
void sgl_cpu_baseline_rotary_embedding_f32_i32(const rotary_embedding_params*);
void sgl_cpu_baseline_rotary_embedding_f16_i64(const rotary_embedding_params*);
void sgl_cpu_baseline_rotary_embedding_f16_i32(const rotary_embedding_params*);
void sgl_cpu_baseline_rotary_embedding_bf16_i64(const rotary_embedding_params*);
void sgl_cpu_baseline_rotary_embedding_bf16_i32(const rotary_embedding_params*);
void sgl_cpu_avx2_rotary_embedding_f32_i64(const rotary_embedding_params*);
void sgl_cpu_avx2_rotary_embedding_f32_i32(const rotary_embedding_params*);
void sgl_cpu_avx2_rotary_embedding_f16_i64(const rotary_embedding_params*);
void sgl_cpu_avx2_rotary_embedding_f16_i32(const rotary_embedding_params*);
void sgl_cpu_avx2_rotary_embedding_bf16_i64(const rotary_embedding_params*);
void sgl_cpu_avx2_rotary_embedding_bf16_i32(const rotary_embedding_params*);
void sgl_cpu_avx512_rotary_embedding_f32_i64(const rotary_embedding_params*);
void sgl_cpu_avx512_rotary_embedding_f32_i32(const rotary_embedding_params*);
void sgl_cpu_avx512_rotary_embedding_f16_i64(const rotary_embedding_params*);
void sgl_cpu_avx512_rotary_embedding_f16_i32(const rotary_embedding_params*);
void sgl_cpu_avx512_rotary_embedding_bf16_i64(const rotary_embedding_params*);
void sgl_cpu_avx512_rotary_embedding_bf16_i32(const rotary_embedding_params*);
#else
void sgl_cpu_baseline_rotary_embedding_f32_i64(const rotary_embedding_params*);
void sgl_cpu_baseline_rotary_embedding_f32_i32(const rotary_embedding_params*);
void sgl_cpu_baseline_rotary_embedding_f16_i64(const rotary_embedding_params*);
void sgl_cpu_baseline_rotary_embedding_f16_i32(const rotary_embedding_params*);
void sgl_cpu_baseline_rotary_embedding_bf16_i64(const rotary_embedding_params*);
void sgl_cpu_baseline_rotary_embedding_bf16_i32(const rotary_embedding_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = rotary_embedding_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_positions, tensor_query, tensor_key, tensor_cos_sin_cache,  };
enum ScalarIndex : int16_t { scalar_is_neox,  };
enum SizeIndex : int16_t { size_tokens, size_heads, size_head_size, size_kv_heads, size_max_position, size_pairs,  };
enum SizeArgumentIndex : int16_t { size_argument_head_size,  };

Wide query_extent_1(const Values& V) {
  const Wide heads = V.sizes[size_heads];
  const Wide head_size = V.sizes[size_head_size];
  return heads * head_size;
}

Wide key_extent_1(const Values& V) {
  const Wide kv_heads = V.sizes[size_kv_heads];
  const Wide head_size = V.sizes[size_head_size];
  return kv_heads * head_size;
}

Wide cos_sin_cache_extent_1(const Values& V) {
  const Wide pairs = V.sizes[size_pairs];
  return 2 * pairs;
}

Wide solution_0_coefficient(const Values& V) {
  const Wide head_size = V.sizes[size_head_size];
  return head_size;
}

Wide solution_0_offset(const Values&) {
  return 0;
}

Wide solution_1_coefficient(const Values&) {
  return 2;
}

Wide solution_1_offset(const Values&) {
  return 0;
}

Wide solution_2_coefficient(const Values& V) {
  const Wide head_size = V.sizes[size_head_size];
  return head_size;
}

Wide solution_2_offset(const Values&) {
  return 0;
}

bool requirement_0(const Values& V) {
  const Wide pairs = V.sizes[size_pairs];
  const Wide head_size = V.sizes[size_head_size];
  return 2 * pairs <= head_size;
}

constexpr Dimension positions_dims[] = {
    {"tokens", size_tokens},
};

constexpr Dimension query_dims[] = {
    {"tokens", size_tokens},
    {"heads * head_size", kNoSize, query_extent_1},
};
constexpr std::size_t query_strides[] = {
    offsetof(Params, query_stride_0),
};

constexpr Dimension key_dims[] = {
    {"tokens", size_tokens},
    {"kv_heads * head_size", kNoSize, key_extent_1},
};
constexpr std::size_t key_strides[] = {
    offsetof(Params, key_stride_0),
};

constexpr Dimension cos_sin_cache_dims[] = {
    {"max_position", size_max_position},
    {"2 * pairs", kNoSize, cos_sin_cache_extent_1},
};
constexpr std::size_t cos_sin_cache_strides[] = {
    offsetof(Params, cos_sin_cache_stride_0),
};

constexpr Tensor kTensors[] = {
    {.name = "positions",
     .type = 1,
     .dtype = DType::i64,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = positions_dims,
     .pointer_offset = offsetof(Params, positions),
     .stride_offsets = {}},
    {.name = "query",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::mutated,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = query_dims,
     .pointer_offset = offsetof(Params, query),
     .stride_offsets = query_strides},
    {.name = "key",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::mutated,
     .is_optional = true,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = key_dims,
     .pointer_offset = offsetof(Params, key),
     .stride_offsets = key_strides},
    {.name = "cos_sin_cache",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = cos_sin_cache_dims,
     .pointer_offset = offsetof(Params, cos_sin_cache),
     .stride_offsets = cos_sin_cache_strides},
};

constexpr DType T_choices[] = {DType::f32, DType::f16, DType::bf16, };

constexpr DType I_choices[] = {DType::i64, DType::i32, };

constexpr TypeVariable kTypes[] = {
    {"T", T_choices},
    {"I", I_choices},
};

constexpr ScalarArgument kScalars[] = {
    {"is_neox", DType::boolean, offsetof(Params, is_neox), true, {.integer = 1}},
};

constexpr SizeArgument kSizeArguments[] = {
    {"head_size", size_head_size, -1},
};

constexpr Size kSizes[] = {
    {"tokens", offsetof(Params, tokens)},
    {"heads", offsetof(Params, heads)},
    {"head_size", offsetof(Params, head_size)},
    {"kv_heads", offsetof(Params, kv_heads)},
    {"max_position", offsetof(Params, max_position)},
    {"pairs", offsetof(Params, pairs)},
};

constexpr Solution kSolutions[] = {
    {size_heads, tensor_query, 1, solution_0_coefficient, solution_0_offset},
    {size_pairs, tensor_cos_sin_cache, 1, solution_1_coefficient, solution_1_offset},
    {size_kv_heads, tensor_key, 1, solution_2_coefficient, solution_2_offset},
};

constexpr int16_t requirement_0_sizes[] = {size_pairs, size_head_size, kNoSize};
constexpr int16_t requirement_0_scalars[] = {kNoSize};

constexpr Requirement kRequirements[] = {
    {"2 * pairs <= head_size", requirement_0, requirement_0_sizes, requirement_0_scalars},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_f32_i64>,
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_f32_i32>,
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_f16_i64>,
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_f16_i32>,
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_bf16_i64>,
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_bf16_i32>,
    run_kernel<Params, sgl_cpu_avx2_rotary_embedding_f32_i64>,
    run_kernel<Params, sgl_cpu_avx2_rotary_embedding_f32_i32>,
    run_kernel<Params, sgl_cpu_avx2_rotary_embedding_f16_i64>,
    run_kernel<Params, sgl_cpu_avx2_rotary_embedding_f16_i32>,
    run_kernel<Params, sgl_cpu_avx2_rotary_embedding_bf16_i64>,
    run_kernel<Params, sgl_cpu_avx2_rotary_embedding_bf16_i32>,
    run_kernel<Params, sgl_cpu_avx512_rotary_embedding_f32_i64>,
    run_kernel<Params, sgl_cpu_avx512_rotary_embedding_f32_i32>,
    run_kernel<Params, sgl_cpu_avx512_rotary_embedding_f16_i64>,
    run_kernel<Params, sgl_cpu_avx512_rotary_embedding_f16_i32>,
    run_kernel<Params, sgl_cpu_avx512_rotary_embedding_bf16_i64>,
    run_kernel<Params, sgl_cpu_avx512_rotary_embedding_bf16_i32>,
#else
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_f32_i64>,
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_f32_i32>,
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_f16_i64>,
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_f16_i32>,
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_bf16_i64>,
    run_kernel<Params, sgl_cpu_baseline_rotary_embedding_bf16_i32>,
#endif
};

constexpr Op kOp = {
    .name = "rotary_embedding",
    .tensors = kTensors,
    .argument_count = 4,
    .types = kTypes,
    .scalars = kScalars,
    .size_arguments = kSizeArguments,
    .sizes = kSizes,
    .solutions = kSolutions,
    .requirements = kRequirements,
    .entry_count = 6,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter rotary_embedding_parameters[] = {
    {"positions", ParameterKind::tensor, tensor_positions, true},
    {"query", ParameterKind::tensor, tensor_query, true},
    {"key", ParameterKind::tensor, tensor_key, true},
    {"head_size", ParameterKind::size, size_argument_head_size, true},
    {"cos_sin_cache", ParameterKind::tensor, tensor_cos_sin_cache, true},
    {"is_neox", ParameterKind::scalar, scalar_is_neox, false},
};

constexpr Signature kSignatures[] = {
    {&kOp, "rotary_embedding", rotary_embedding_parameters, 6, {}},
};

}  // namespace

constinit const std::span<const host::Signature> rotary_embedding_signatures = kSignatures;

}  // namespace sgl::ops

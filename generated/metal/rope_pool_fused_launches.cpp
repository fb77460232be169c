// Generated from specs/rope/rope_pool_fused.yaml. Do not edit.
//
// How the kernels of rope_pool_fused are launched.
#include "host/rope_pool_fused_params.h"
#include "metal/host/op_launches.h"

namespace sgl::ops {
namespace {

using namespace sgl::gpu;
using host::Saturated;
using host::Values;

enum TensorIndex : int16_t { tensor_q, tensor_k, tensor_v, tensor_positions, tensor_slots, tensor_k_pool, tensor_v_pool, tensor_q_rot, tensor_k_rot,  };
enum ScalarIndex : int16_t { scalar_rope_base,  };
enum SizeIndex : int16_t { size_tokens, size_num_qo_heads, size_head_dim, size_num_kv_heads, size_pool_slots,  };

// tokens
Saturated measure_0(const Values& V) {
  const Saturated tokens = V.sizes[size_tokens];
  return tokens;
}

// head_dim
Saturated measure_1(const Values& V) {
  const Saturated head_dim = V.sizes[size_head_dim];
  return head_dim;
}

// num_qo_heads
Saturated measure_2(const Values& V) {
  const Saturated num_qo_heads = V.sizes[size_num_qo_heads];
  return num_qo_heads;
}

// num_kv_heads
Saturated measure_3(const Values& V) {
  const Saturated num_kv_heads = V.sizes[size_num_kv_heads];
  return num_kv_heads;
}

// 2 * head_dim
Saturated measure_4(const Values& V) {
  const Saturated head_dim = V.sizes[size_head_dim];
  return 2 * head_dim;
}

// head_dim + head_dim
Saturated measure_5(const Values& V) {
  const Saturated head_dim = V.sizes[size_head_dim];
  return head_dim + head_dim;
}

// pool_slots
Saturated measure_6(const Values& V) {
  const Saturated pool_slots = V.sizes[size_pool_slots];
  return pool_slots;
}

// head_dim // 2
Saturated measure_7(const Values& V) {
  const Saturated head_dim = V.sizes[size_head_dim];
  return host::floor_divide(head_dim, 2);
}

// max(max(max(head_dim // 2, head_dim // 2 * num_qo_heads), head_dim // 2 * num_kv_heads), num_kv_heads * head_dim)
Saturated measure_8(const Values& V) {
  const Saturated head_dim = V.sizes[size_head_dim];
  const Saturated num_qo_heads = V.sizes[size_num_qo_heads];
  const Saturated num_kv_heads = V.sizes[size_num_kv_heads];
  return host::maximum(host::maximum(host::maximum(host::floor_divide(head_dim, 2), host::floor_divide(head_dim, 2) * num_qo_heads), host::floor_divide(head_dim, 2) * num_kv_heads), num_kv_heads * head_dim);
}

constexpr Measure grid_0[] = {
    measure_0,
};

constexpr TeamRow teams_0[] = {
    {256, 32},
    {512, 64},
    {kHoweverLong, 128},
};

constexpr int16_t tensors_0[] = {
    tensor_q,
    tensor_k,
    tensor_v,
    tensor_positions,
    tensor_slots,
    tensor_k_pool,
    tensor_v_pool,
    tensor_q_rot,
    tensor_k_rot,
};

constexpr Measure bounds_0[] = {
    measure_0,
    measure_1,
    measure_2,
    measure_3,
    measure_4,
    measure_5,
    measure_6,
};

constexpr int16_t moved_0[] = {
    tensor_q,
    tensor_k,
    tensor_v,
    tensor_k_pool,
    tensor_v_pool,
    tensor_q_rot,
    tensor_k_rot,
};

constexpr Measure multiples_0[] = {
    measure_7,
    measure_1,
};

constexpr KernelRow kernels_0[] = {
    {0, 0, 4, 0, true, false, false, 1},
    {1, 0, 4, 0, true, true, false, 1},
    {2, 0, 4, 0, false, false, false, 1},
    {3, 0, 4, 0, false, true, false, 1},
    {4, 1, 8, 0, true, false, false, 1},
    {5, 1, 8, 0, true, true, false, 1},
    {6, 1, 8, 0, false, false, false, 1},
    {7, 1, 8, 0, false, true, false, 1},
    {8, 2, 8, 0, true, false, false, 1},
    {9, 2, 8, 0, true, true, false, 1},
    {10, 2, 8, 0, false, false, false, 1},
    {11, 2, 8, 0, false, true, false, 1},
};

constexpr LaunchRow kLaunches[] = {
    {
        .name = "rope_pool_fused",
        .grid = grid_0,
        .tiled = nullptr,
        .longest = measure_8,
        .teams = teams_0,
        .tile_turns = 2,
        .teams_per_group = 4,
        .part_lanes = 0,
        .tensors = tensors_0,
        .given = {},
        .scratch = {},
        .bounds = bounds_0,
        .moved = moved_0,
        .multiples = multiples_0,
        .dealt = {},
        .alike = {},
        .kernels = kernels_0,
    },
};

constexpr const char* kKernels[] = {
    "rope_pool_fused_f32_wide",
    "rope_pool_fused_f32_aligned_wide",
    "rope_pool_fused_f32",
    "rope_pool_fused_f32_aligned",
    "rope_pool_fused_f16_wide",
    "rope_pool_fused_f16_aligned_wide",
    "rope_pool_fused_f16",
    "rope_pool_fused_f16_aligned",
    "rope_pool_fused_bf16_wide",
    "rope_pool_fused_bf16_aligned_wide",
    "rope_pool_fused_bf16",
    "rope_pool_fused_bf16_aligned",
};

constexpr metal::ConstantRow kConstants[] = {
    {0, size_num_qo_heads, 0},
    {0, size_head_dim, 1},
    {0, size_num_kv_heads, 2},
};

}  // namespace

extern constinit const metal::OpLaunches rope_pool_fused_launches = {
    .shader = "rope_pool_fused",
    .launches = kLaunches,
    .kernels = kKernels,
    .constants = kConstants,
    .first_value = 9 * sizeof(void*),
    .params_bytes = sizeof(rope_pool_fused_params),
    .exchange_bytes = 2048,
};

}  // namespace sgl::ops

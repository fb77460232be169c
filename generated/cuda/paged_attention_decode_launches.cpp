// Generated from specs/attention/paged_attention_decode.yaml. Do not edit.
//
// How the kernels of paged_attention_decode are launched.
#include "cuda/host/op_launches.h"

extern "C" const void* sgl_cuda_paged_attention_decode(int position);

namespace sgl::ops {
namespace {

using namespace sgl::gpu;
using host::Saturated;
using host::Values;

enum TensorIndex : int16_t { tensor_q, tensor_k_pool, tensor_v_pool, tensor_kv_indptr, tensor_kv_indices, tensor_out,  };
enum ScalarIndex : int16_t { scalar_sm_scale,  };
enum SizeIndex : int16_t { size_batch, size_num_qo_heads, size_head_dim, size_pool_slots, size_num_kv_heads, size_entries,  };

// batch
Saturated measure_0(const Values& V) {
  const Saturated batch = V.sizes[size_batch];
  return batch;
}

// num_qo_heads
Saturated measure_1(const Values& V) {
  const Saturated num_qo_heads = V.sizes[size_num_qo_heads];
  return num_qo_heads;
}

// head_dim
Saturated measure_2(const Values& V) {
  const Saturated head_dim = V.sizes[size_head_dim];
  return head_dim;
}

// num_kv_heads
Saturated measure_3(const Values& V) {
  const Saturated num_kv_heads = V.sizes[size_num_kv_heads];
  return num_kv_heads;
}

// batch + 1
Saturated measure_4(const Values& V) {
  const Saturated batch = V.sizes[size_batch];
  return batch + 1;
}

// entries
Saturated measure_5(const Values& V) {
  const Saturated entries = V.sizes[size_entries];
  return entries;
}

// pool_slots
Saturated measure_6(const Values& V) {
  const Saturated pool_slots = V.sizes[size_pool_slots];
  return pool_slots;
}

// num_qo_heads * 4
Saturated measure_7(const Values& V) {
  const Saturated num_qo_heads = V.sizes[size_num_qo_heads];
  return num_qo_heads * 4;
}

// num_qo_heads * 4 + 1
Saturated measure_8(const Values& V) {
  const Saturated num_qo_heads = V.sizes[size_num_qo_heads];
  return num_qo_heads * 4 + 1;
}

// num_qo_heads * 4 + 2
Saturated measure_9(const Values& V) {
  const Saturated num_qo_heads = V.sizes[size_num_qo_heads];
  return num_qo_heads * 4 + 2;
}

// num_qo_heads * 4 + 3
Saturated measure_10(const Values& V) {
  const Saturated num_qo_heads = V.sizes[size_num_qo_heads];
  return num_qo_heads * 4 + 3;
}

// num_qo_heads // num_kv_heads
Saturated measure_11(const Values& V) {
  const Saturated num_qo_heads = V.sizes[size_num_qo_heads];
  const Saturated num_kv_heads = V.sizes[size_num_kv_heads];
  return host::floor_divide(num_qo_heads, num_kv_heads);
}

constexpr Measure grid_0[] = {
    measure_0,
    measure_1,
};

constexpr TeamRow teams_0[] = {
    {kHoweverLong, 256},
};

constexpr int16_t tensors_0[] = {
    tensor_q,
    tensor_k_pool,
    tensor_v_pool,
    tensor_kv_indptr,
    tensor_kv_indices,
    tensor_out,
};

constexpr ScratchRow scratch_0[] = {
    {measure_2, 4, Owner::team, -1, true},
    {measure_2, 4, Owner::team, -1, true},
    {measure_2, 4, Owner::team, -1, true},
};

constexpr Measure bounds_0[] = {
    measure_0,
    measure_1,
    measure_2,
    measure_3,
    measure_4,
    measure_5,
    measure_6,
    measure_7,
    measure_8,
    measure_9,
    measure_10,
};

constexpr int16_t moved_0[] = {
    tensor_q,
    tensor_k_pool,
    tensor_v_pool,
    tensor_out,
};

constexpr Measure multiples_0[] = {
    measure_2,
};

constexpr Measure dealt_0[] = {
    measure_2,
};

constexpr Measure alike_0[] = {
    measure_1,
    measure_11,
};

constexpr KernelRow kernels_0[] = {
    {0, 0, 4, 0, true, false, false, 1},
    {1, 0, 4, 4, true, false, false, 1},
    {2, 0, 4, 0, true, true, false, 1},
    {3, 0, 4, 4, true, true, false, 1},
    {4, 0, 4, 0, false, false, false, 1},
    {5, 0, 4, 4, false, false, false, 1},
    {6, 0, 4, 0, false, true, false, 1},
    {7, 0, 4, 1, false, true, false, 1},
    {8, 0, 4, 1, false, true, true, 1},
    {9, 0, 4, 2, false, true, false, 1},
    {10, 0, 4, 2, false, true, true, 1},
    {11, 0, 4, 4, false, true, false, 1},
    {12, 0, 4, 4, false, true, true, 1},
    {13, 1, 8, 0, true, false, false, 1},
    {14, 1, 8, 2, true, false, false, 1},
    {15, 1, 8, 0, true, true, false, 1},
    {16, 1, 8, 2, true, true, false, 1},
    {17, 1, 8, 0, false, false, false, 1},
    {18, 1, 8, 2, false, false, false, 1},
    {19, 1, 8, 0, false, true, false, 1},
    {20, 1, 8, 1, false, true, false, 1},
    {21, 1, 8, 1, false, true, true, 1},
    {22, 1, 8, 2, false, true, false, 1},
    {23, 1, 8, 2, false, true, true, 1},
    {24, 2, 8, 0, true, false, false, 1},
    {25, 2, 8, 2, true, false, false, 1},
    {26, 2, 8, 0, true, true, false, 1},
    {27, 2, 8, 2, true, true, false, 1},
    {28, 2, 8, 0, false, false, false, 1},
    {29, 2, 8, 2, false, false, false, 1},
    {30, 2, 8, 0, false, true, false, 1},
    {31, 2, 8, 1, false, true, false, 1},
    {32, 2, 8, 1, false, true, true, 1},
    {33, 2, 8, 2, false, true, false, 1},
    {34, 2, 8, 2, false, true, true, 1},
    {35, 0, 4, 1, false, true, false, 4},
    {36, 0, 4, 1, false, true, true, 4},
    {37, 1, 8, 1, false, true, false, 4},
    {38, 1, 8, 1, false, true, true, 4},
    {39, 2, 8, 1, false, true, false, 4},
    {40, 2, 8, 1, false, true, true, 4},
};

constexpr LaunchRow kLaunches[] = {
    {
        .name = "paged_attention_decode",
        .grid = grid_0,
        .tiled = nullptr,
        .longest = measure_2,
        .teams = teams_0,
        .tile_turns = 2,
        .teams_per_group = 4,
        .part_lanes = 16,
        .tensors = tensors_0,
        .given = {},
        .scratch = scratch_0,
        .bounds = bounds_0,
        .moved = moved_0,
        .multiples = multiples_0,
        .dealt = dealt_0,
        .alike = alike_0,
        .kernels = kernels_0,
    },
};

}  // namespace

extern constinit const cuda::OpLaunches paged_attention_decode_launches = {
    .kernel = sgl_cuda_paged_attention_decode,
    .launches = kLaunches,
};

}  // namespace sgl::ops

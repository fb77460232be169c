// Generated from specs/attention/merge_state.yaml. Do not edit.
//
// How the kernels of merge_state are launched.
#include "cuda/host/op_launches.h"

extern "C" const void* sgl_cuda_merge_state(int position);

namespace sgl::ops {
namespace {

using namespace sgl::gpu;
using host::Saturated;
using host::Values;

enum TensorIndex : int16_t { tensor_v_a, tensor_s_a, tensor_v_b, tensor_s_b, tensor_v_merged, tensor_s_merged,  };
enum SizeIndex : int16_t { size_tokens, size_heads, size_head_dim,  };

// tokens
Saturated measure_0(const Values& V) {
  const Saturated tokens = V.sizes[size_tokens];
  return tokens;
}

// heads
Saturated measure_1(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  return heads;
}

// head_dim
Saturated measure_2(const Values& V) {
  const Saturated head_dim = V.sizes[size_head_dim];
  return head_dim;
}

constexpr Measure grid_0[] = {
    measure_0,
    measure_1,
};

constexpr TeamRow teams_0[] = {
    {32, 4},
    {64, 8},
    {128, 16},
    {512, 32},
    {2048, 128},
    {4096, 256},
    {kHoweverLong, 512},
};

constexpr int16_t tensors_0[] = {
    tensor_v_a,
    tensor_s_a,
    tensor_v_b,
    tensor_s_b,
    tensor_v_merged,
    tensor_s_merged,
};

constexpr Measure bounds_0[] = {
    measure_0,
    measure_1,
    measure_2,
};

constexpr int16_t moved_0[] = {
    tensor_v_a,
    tensor_v_b,
    tensor_v_merged,
};

constexpr Measure multiples_0[] = {
    measure_2,
};

constexpr Measure dealt_0[] = {
    measure_2,
};

constexpr KernelRow kernels_0[] = {
    {0, 0, 4, 0, true, false, false, 1},
    {1, 0, 4, 0, true, true, false, 1},
    {2, 0, 4, 4, true, true, false, 1},
    {3, 0, 4, 0, false, false, false, 1},
    {4, 0, 4, 2, false, false, false, 1},
    {5, 0, 4, 0, false, true, false, 1},
    {6, 0, 4, 1, false, true, false, 1},
    {7, 0, 4, 2, false, true, false, 1},
    {8, 0, 4, 4, false, true, false, 1},
    {9, 1, 8, 0, true, false, false, 1},
    {10, 1, 8, 0, true, true, false, 1},
    {11, 1, 8, 4, true, true, false, 1},
    {12, 1, 8, 0, false, false, false, 1},
    {13, 1, 8, 2, false, false, false, 1},
    {14, 1, 8, 0, false, true, false, 1},
    {15, 1, 8, 1, false, true, false, 1},
    {16, 1, 8, 2, false, true, false, 1},
    {17, 1, 8, 4, false, true, false, 1},
    {18, 2, 8, 0, true, false, false, 1},
    {19, 2, 8, 0, true, true, false, 1},
    {20, 2, 8, 4, true, true, false, 1},
    {21, 2, 8, 0, false, false, false, 1},
    {22, 2, 8, 2, false, false, false, 1},
    {23, 2, 8, 0, false, true, false, 1},
    {24, 2, 8, 1, false, true, false, 1},
    {25, 2, 8, 2, false, true, false, 1},
    {26, 2, 8, 4, false, true, false, 1},
};

constexpr LaunchRow kLaunches[] = {
    {
        .name = "merge_state",
        .grid = grid_0,
        .tiled = nullptr,
        .longest = measure_2,
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
        .dealt = dealt_0,
        .alike = {},
        .kernels = kernels_0,
    },
};

}  // namespace

extern constinit const cuda::OpLaunches merge_state_launches = {
    .kernel = sgl_cuda_merge_state,
    .launches = kLaunches,
};

}  // namespace sgl::ops

// Generated from specs/moe/route_softmax.yaml. Do not edit.
//
// How the kernels of route_softmax are launched.
#include "cuda/host/op_launches.h"

extern "C" const void* sgl_cuda_route_softmax(int position);

namespace sgl::ops {
namespace {

using namespace sgl::gpu;
using host::Saturated;
using host::Values;

enum TensorIndex : int16_t { tensor_gating_output, tensor_correction_bias, tensor_topk_weights, tensor_topk_ids,  };
enum ScalarIndex : int16_t { scalar_renormalize, scalar_moe_softcapping,  };
enum SizeIndex : int16_t { size_tokens, size_experts, size_k,  };

// tokens
Saturated measure_0(const Values& V) {
  const Saturated tokens = V.sizes[size_tokens];
  return tokens;
}

// experts
Saturated measure_1(const Values& V) {
  const Saturated experts = V.sizes[size_experts];
  return experts;
}

// k
Saturated measure_2(const Values& V) {
  const Saturated k = V.sizes[size_k];
  return k;
}

// k * 8
Saturated measure_3(const Values& V) {
  const Saturated k = V.sizes[size_k];
  return k * 8;
}

// max(experts, k)
Saturated measure_4(const Values& V) {
  const Saturated experts = V.sizes[size_experts];
  const Saturated k = V.sizes[size_k];
  return host::maximum(experts, k);
}

constexpr Measure grid_0[] = {
    measure_0,
};

constexpr TeamRow teams_0[] = {
    {32, 4},
    {64, 8},
    {128, 16},
    {2048, 32},
    {kHoweverLong, 128},
};

constexpr int16_t tensors_0[] = {
    tensor_gating_output,
    tensor_correction_bias,
    tensor_topk_weights,
    tensor_topk_ids,
};

constexpr int16_t given_0[] = {
    tensor_correction_bias,
};

constexpr ScratchRow scratch_0[] = {
    {measure_1, 4, Owner::team, -1, true},
    {measure_1, 4, Owner::team, -1, true},
    {measure_2, 8, Owner::team, -1, true},
    {measure_2, 4, Owner::team, -1, true},
};

constexpr Measure bounds_0[] = {
    measure_0,
    measure_1,
    measure_2,
};

constexpr int16_t moved_0[] = {
    tensor_gating_output,
    tensor_correction_bias,
};

constexpr Measure multiples_0[] = {
    measure_1,
};

constexpr Measure dealt_0[] = {
    measure_1,
    measure_3,
};

constexpr KernelRow kernels_0[] = {
    {0, 0, 4, 0, true, false, false, 1},
    {1, 0, 4, 0, true, true, false, 1},
    {2, 0, 4, 2, true, true, false, 1},
    {3, 0, 4, 0, false, false, false, 1},
    {4, 0, 4, 1, false, false, false, 1},
    {5, 0, 4, 0, false, true, false, 1},
    {6, 0, 4, 1, false, true, false, 1},
    {7, 0, 4, 2, false, true, false, 1},
    {8, 1, 8, 0, true, false, false, 1},
    {9, 1, 8, 0, true, true, false, 1},
    {10, 1, 8, 1, true, true, false, 1},
    {11, 1, 8, 0, false, false, false, 1},
    {12, 1, 8, 1, false, false, false, 1},
    {13, 1, 8, 0, false, true, false, 1},
    {14, 1, 8, 1, false, true, false, 1},
    {15, 2, 8, 0, true, false, false, 1},
    {16, 2, 8, 0, true, true, false, 1},
    {17, 2, 8, 1, true, true, false, 1},
    {18, 2, 8, 0, false, false, false, 1},
    {19, 2, 8, 1, false, false, false, 1},
    {20, 2, 8, 0, false, true, false, 1},
    {21, 2, 8, 1, false, true, false, 1},
};

constexpr LaunchRow kLaunches[] = {
    {
        .name = "route_softmax",
        .grid = grid_0,
        .tiled = nullptr,
        .longest = measure_4,
        .teams = teams_0,
        .tile_turns = 2,
        .teams_per_group = 1,
        .part_lanes = 0,
        .tensors = tensors_0,
        .given = given_0,
        .scratch = scratch_0,
        .bounds = bounds_0,
        .moved = moved_0,
        .multiples = multiples_0,
        .dealt = dealt_0,
        .alike = {},
        .kernels = kernels_0,
    },
};

}  // namespace

extern constinit const cuda::OpLaunches route_softmax_launches = {
    .kernel = sgl_cuda_route_softmax,
    .launches = kLaunches,
};

}  // namespace sgl::ops

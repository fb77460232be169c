// Generated from specs/moe/combine_experts.yaml. Do not edit.
//
// How the kernels of combine_experts are launched.
#include "cuda/host/op_launches.h"

extern "C" const void* sgl_cuda_combine_experts(int position);

namespace sgl::ops {
namespace {

using namespace sgl::gpu;
using host::Saturated;
using host::Values;

enum TensorIndex : int16_t { tensor_input, tensor_out,  };
enum SizeIndex : int16_t { size_tokens, size_experts, size_width,  };

// tokens
Saturated measure_0(const Values& V) {
  const Saturated tokens = V.sizes[size_tokens];
  return tokens;
}

// width
Saturated measure_1(const Values& V) {
  const Saturated width = V.sizes[size_width];
  return width;
}

// experts
Saturated measure_2(const Values& V) {
  const Saturated experts = V.sizes[size_experts];
  return experts;
}

constexpr Measure grid_0[] = {
    measure_0,
};

constexpr TeamRow teams_0[] = {
    {512, 32},
    {1024, 128},
    {kHoweverLong, 256},
};

constexpr int16_t tensors_0[] = {
    tensor_input,
    tensor_out,
};

constexpr Measure bounds_0[] = {
    measure_0,
    measure_1,
    measure_2,
};

constexpr int16_t moved_0[] = {
    tensor_input,
    tensor_out,
};

constexpr Measure multiples_0[] = {
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
        .name = "combine_experts",
        .grid = grid_0,
        .tiled = measure_1,
        .longest = measure_1,
        .teams = teams_0,
        .tile_turns = 1,
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

}  // namespace

extern constinit const cuda::OpLaunches combine_experts_launches = {
    .kernel = sgl_cuda_combine_experts,
    .launches = kLaunches,
};

}  // namespace sgl::ops

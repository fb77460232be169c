// Generated from specs/softmax/softmax.yaml. Do not edit.
//
// How the kernels of softmax are launched.
#include "cuda/host/op_launches.h"

extern "C" const void* sgl_cuda_softmax(int position);

namespace sgl::ops {
namespace {

using namespace sgl::gpu;
using host::Saturated;
using host::Values;

enum TensorIndex : int16_t { tensor_x, tensor_out,  };
enum SizeIndex : int16_t { size_rows, size_width,  };

// rows
Saturated measure_0(const Values& V) {
  const Saturated rows = V.sizes[size_rows];
  return rows;
}

// width
Saturated measure_1(const Values& V) {
  const Saturated width = V.sizes[size_width];
  return width;
}

constexpr Measure grid_0[] = {
    measure_0,
};

constexpr TeamRow teams_0[] = {
    {32, 4},
    {64, 8},
    {128, 8},
    {512, 32},
    {2048, 128},
    {4096, 256},
    {kHoweverLong, 512},
};

constexpr int16_t tensors_0[] = {
    tensor_x,
    tensor_out,
};

constexpr Measure bounds_0[] = {
    measure_0,
    measure_1,
};

constexpr int16_t moved_0[] = {
    tensor_x,
    tensor_out,
};

constexpr Measure multiples_0[] = {
    measure_1,
};

constexpr Measure dealt_0[] = {
    measure_1,
};

constexpr KernelRow kernels_0[] = {
    {0, 0, 4, 0, true, false, false, 1},
    {1, 0, 4, 0, true, true, false, 1},
    {2, 0, 4, 8, true, true, false, 1},
    {3, 0, 4, 0, false, false, false, 1},
    {4, 0, 4, 4, false, false, false, 1},
    {5, 0, 4, 0, false, true, false, 1},
    {6, 0, 4, 1, false, true, false, 1},
    {7, 0, 4, 2, false, true, false, 1},
    {8, 0, 4, 4, false, true, false, 1},
    {9, 0, 4, 8, false, true, false, 1},
    {10, 1, 8, 0, true, false, false, 1},
    {11, 1, 8, 0, true, true, false, 1},
    {12, 1, 8, 8, true, true, false, 1},
    {13, 1, 8, 0, false, false, false, 1},
    {14, 1, 8, 4, false, false, false, 1},
    {15, 1, 8, 0, false, true, false, 1},
    {16, 1, 8, 1, false, true, false, 1},
    {17, 1, 8, 2, false, true, false, 1},
    {18, 1, 8, 4, false, true, false, 1},
    {19, 1, 8, 8, false, true, false, 1},
    {20, 2, 8, 0, true, false, false, 1},
    {21, 2, 8, 0, true, true, false, 1},
    {22, 2, 8, 8, true, true, false, 1},
    {23, 2, 8, 0, false, false, false, 1},
    {24, 2, 8, 4, false, false, false, 1},
    {25, 2, 8, 0, false, true, false, 1},
    {26, 2, 8, 1, false, true, false, 1},
    {27, 2, 8, 2, false, true, false, 1},
    {28, 2, 8, 4, false, true, false, 1},
    {29, 2, 8, 8, false, true, false, 1},
};

constexpr LaunchRow kLaunches[] = {
    {
        .name = "softmax",
        .grid = grid_0,
        .tiled = nullptr,
        .longest = measure_1,
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

extern constinit const cuda::OpLaunches softmax_launches = {
    .kernel = sgl_cuda_softmax,
    .launches = kLaunches,
};

}  // namespace sgl::ops

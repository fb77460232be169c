// Generated from specs/quant/per_token_group_quant_8bit.yaml. Do not edit.
//
// How the kernels of per_token_group_quant_8bit are launched.
#include "cuda/host/op_launches.h"

extern "C" const void* sgl_cuda_per_token_group_quant_8bit(int position);

namespace sgl::ops {
namespace {

using namespace sgl::gpu;
using host::Saturated;
using host::Values;

enum TensorIndex : int16_t { tensor_input, tensor_output_q, tensor_output_s,  };
enum ScalarIndex : int16_t { scalar_eps, scalar_fp8_min, scalar_fp8_max, scalar_scale_ue8m0,  };
enum SizeIndex : int16_t { size_rows, size_groups, size_group_size,  };

// rows
Saturated measure_0(const Values& V) {
  const Saturated rows = V.sizes[size_rows];
  return rows;
}

// groups
Saturated measure_1(const Values& V) {
  const Saturated groups = V.sizes[size_groups];
  return groups;
}

// group_size
Saturated measure_2(const Values& V) {
  const Saturated group_size = V.sizes[size_group_size];
  return group_size;
}

// groups * group_size + group_size
Saturated measure_3(const Values& V) {
  const Saturated groups = V.sizes[size_groups];
  const Saturated group_size = V.sizes[size_group_size];
  return groups * group_size + group_size;
}

// groups * group_size
Saturated measure_4(const Values& V) {
  const Saturated groups = V.sizes[size_groups];
  const Saturated group_size = V.sizes[size_group_size];
  return groups * group_size;
}

constexpr Measure grid_0[] = {
    measure_0,
    measure_1,
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
    tensor_input,
    tensor_output_q,
    tensor_output_s,
};

constexpr Measure bounds_0[] = {
    measure_0,
    measure_1,
    measure_2,
    measure_3,
    measure_4,
};

constexpr int16_t moved_0[] = {
    tensor_input,
    tensor_output_q,
};

constexpr Measure multiples_0[] = {
    measure_2,
};

constexpr Measure dealt_0[] = {
    measure_2,
};

constexpr KernelRow kernels_0[] = {
    {0, 0, 8, 0, true, false, false, 1},
    {1, 0, 8, 0, true, true, false, 1},
    {2, 0, 8, 4, true, true, false, 1},
    {3, 0, 8, 0, false, false, false, 1},
    {4, 0, 8, 2, false, false, false, 1},
    {5, 0, 8, 0, false, true, false, 1},
    {6, 0, 8, 1, false, true, false, 1},
    {7, 0, 8, 2, false, true, false, 1},
    {8, 0, 8, 4, false, true, false, 1},
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
    {20, 2, 8, 8, true, true, false, 1},
    {21, 2, 8, 0, false, false, false, 1},
    {22, 2, 8, 4, false, false, false, 1},
    {23, 2, 8, 0, false, true, false, 1},
    {24, 2, 8, 1, false, true, false, 1},
    {25, 2, 8, 2, false, true, false, 1},
    {26, 2, 8, 4, false, true, false, 1},
    {27, 2, 8, 8, false, true, false, 1},
    {28, 3, 8, 0, true, false, false, 1},
    {29, 3, 8, 0, true, true, false, 1},
    {30, 3, 8, 8, true, true, false, 1},
    {31, 3, 8, 0, false, false, false, 1},
    {32, 3, 8, 4, false, false, false, 1},
    {33, 3, 8, 0, false, true, false, 1},
    {34, 3, 8, 1, false, true, false, 1},
    {35, 3, 8, 2, false, true, false, 1},
    {36, 3, 8, 4, false, true, false, 1},
    {37, 3, 8, 8, false, true, false, 1},
    {38, 4, 8, 0, true, false, false, 1},
    {39, 4, 8, 0, true, true, false, 1},
    {40, 4, 8, 8, true, true, false, 1},
    {41, 4, 8, 0, false, false, false, 1},
    {42, 4, 8, 4, false, false, false, 1},
    {43, 4, 8, 0, false, true, false, 1},
    {44, 4, 8, 1, false, true, false, 1},
    {45, 4, 8, 2, false, true, false, 1},
    {46, 4, 8, 4, false, true, false, 1},
    {47, 4, 8, 8, false, true, false, 1},
    {48, 5, 8, 0, true, false, false, 1},
    {49, 5, 8, 0, true, true, false, 1},
    {50, 5, 8, 8, true, true, false, 1},
    {51, 5, 8, 0, false, false, false, 1},
    {52, 5, 8, 4, false, false, false, 1},
    {53, 5, 8, 0, false, true, false, 1},
    {54, 5, 8, 1, false, true, false, 1},
    {55, 5, 8, 2, false, true, false, 1},
    {56, 5, 8, 4, false, true, false, 1},
    {57, 5, 8, 8, false, true, false, 1},
};

constexpr LaunchRow kLaunches[] = {
    {
        .name = "per_token_group_quant_8bit",
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

extern constinit const cuda::OpLaunches per_token_group_quant_8bit_launches = {
    .kernel = sgl_cuda_per_token_group_quant_8bit,
    .launches = kLaunches,
};

}  // namespace sgl::ops

// Generated from specs/rope/rotary_embedding.yaml. Do not edit.
//
// How the kernels of rotary_embedding are launched.
#include "cuda/host/op_launches.h"

extern "C" const void* sgl_cuda_rotary_embedding(int position);

namespace sgl::ops {
namespace {

using namespace sgl::gpu;
using host::Saturated;
using host::Values;

enum TensorIndex : int16_t { tensor_positions, tensor_query, tensor_key, tensor_cos_sin_cache,  };
enum ScalarIndex : int16_t { scalar_is_neox,  };
enum SizeIndex : int16_t { size_tokens, size_heads, size_head_size, size_kv_heads, size_max_position, size_pairs,  };

// tokens
Saturated measure_0(const Values& V) {
  const Saturated tokens = V.sizes[size_tokens];
  return tokens;
}

// heads + kv_heads
Saturated measure_1(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  return heads + kv_heads;
}

// heads
Saturated measure_2(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  return heads;
}

// kv_heads
Saturated measure_3(const Values& V) {
  const Saturated kv_heads = V.sizes[size_kv_heads];
  return kv_heads;
}

// pairs
Saturated measure_4(const Values& V) {
  const Saturated pairs = V.sizes[size_pairs];
  return pairs;
}

// max_position
Saturated measure_5(const Values& V) {
  const Saturated max_position = V.sizes[size_max_position];
  return max_position;
}

// pairs + pairs
Saturated measure_6(const Values& V) {
  const Saturated pairs = V.sizes[size_pairs];
  return pairs + pairs;
}

// (heads + kv_heads) * head_size + pairs
Saturated measure_7(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  const Saturated head_size = V.sizes[size_head_size];
  const Saturated pairs = V.sizes[size_pairs];
  return (heads + kv_heads) * head_size + pairs;
}

// (heads + kv_heads) * head_size
Saturated measure_8(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  const Saturated head_size = V.sizes[size_head_size];
  return (heads + kv_heads) * head_size;
}

// head_size
Saturated measure_9(const Values& V) {
  const Saturated head_size = V.sizes[size_head_size];
  return head_size;
}

// (heads + kv_heads) * head_size + pairs + pairs
Saturated measure_10(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  const Saturated head_size = V.sizes[size_head_size];
  const Saturated pairs = V.sizes[size_pairs];
  return (heads + kv_heads) * head_size + pairs + pairs;
}

// (heads + kv_heads) * head_size + 2 * pairs
Saturated measure_11(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  const Saturated head_size = V.sizes[size_head_size];
  const Saturated pairs = V.sizes[size_pairs];
  return (heads + kv_heads) * head_size + 2 * pairs;
}

// 2 * pairs
Saturated measure_12(const Values& V) {
  const Saturated pairs = V.sizes[size_pairs];
  return 2 * pairs;
}

// (heads + kv_heads) * head_size + 2 * pairs + 1
Saturated measure_13(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  const Saturated head_size = V.sizes[size_head_size];
  const Saturated pairs = V.sizes[size_pairs];
  return (heads + kv_heads) * head_size + 2 * pairs + 1;
}

// (heads + kv_heads + heads) * head_size + pairs
Saturated measure_14(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  const Saturated head_size = V.sizes[size_head_size];
  const Saturated pairs = V.sizes[size_pairs];
  return (heads + kv_heads + heads) * head_size + pairs;
}

// (heads + kv_heads + heads) * head_size
Saturated measure_15(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  const Saturated head_size = V.sizes[size_head_size];
  return (heads + kv_heads + heads) * head_size;
}

// heads + kv_heads + heads
Saturated measure_16(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  return heads + kv_heads + heads;
}

// (heads + kv_heads + heads) * head_size + pairs + pairs
Saturated measure_17(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  const Saturated head_size = V.sizes[size_head_size];
  const Saturated pairs = V.sizes[size_pairs];
  return (heads + kv_heads + heads) * head_size + pairs + pairs;
}

// (heads + kv_heads + heads) * head_size + 2 * pairs
Saturated measure_18(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  const Saturated head_size = V.sizes[size_head_size];
  const Saturated pairs = V.sizes[size_pairs];
  return (heads + kv_heads + heads) * head_size + 2 * pairs;
}

// (heads + kv_heads + heads) * head_size + 2 * pairs + 1
Saturated measure_19(const Values& V) {
  const Saturated heads = V.sizes[size_heads];
  const Saturated kv_heads = V.sizes[size_kv_heads];
  const Saturated head_size = V.sizes[size_head_size];
  const Saturated pairs = V.sizes[size_pairs];
  return (heads + kv_heads + heads) * head_size + 2 * pairs + 1;
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
    tensor_positions,
    tensor_query,
    tensor_key,
    tensor_cos_sin_cache,
};

constexpr int16_t given_0[] = {
    tensor_key,
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
    measure_11,
    measure_12,
    measure_13,
    measure_14,
    measure_15,
    measure_16,
    measure_17,
    measure_18,
    measure_19,
};

constexpr int16_t moved_0[] = {
    tensor_query,
    tensor_key,
    tensor_cos_sin_cache,
};

constexpr Measure multiples_0[] = {
    measure_4,
    measure_9,
};

constexpr Measure dealt_0[] = {
    measure_4,
};

constexpr KernelRow kernels_0[] = {
    {0, 0, 4, 0, true, false, false, 1},
    {1, 0, 4, 0, true, true, false, 1},
    {2, 0, 4, 1, true, true, false, 1},
    {3, 0, 4, 0, false, false, false, 1},
    {4, 0, 4, 1, false, false, false, 1},
    {5, 0, 4, 0, false, true, false, 1},
    {6, 0, 4, 1, false, true, false, 1},
    {7, 1, 4, 0, true, false, false, 1},
    {8, 1, 4, 0, true, true, false, 1},
    {9, 1, 4, 1, true, true, false, 1},
    {10, 1, 4, 0, false, false, false, 1},
    {11, 1, 4, 1, false, false, false, 1},
    {12, 1, 4, 0, false, true, false, 1},
    {13, 1, 4, 1, false, true, false, 1},
    {14, 2, 8, 0, true, false, false, 1},
    {15, 2, 8, 0, true, true, false, 1},
    {16, 2, 8, 1, true, true, false, 1},
    {17, 2, 8, 0, false, false, false, 1},
    {18, 2, 8, 1, false, false, false, 1},
    {19, 2, 8, 0, false, true, false, 1},
    {20, 2, 8, 1, false, true, false, 1},
    {21, 3, 8, 0, true, false, false, 1},
    {22, 3, 8, 0, true, true, false, 1},
    {23, 3, 8, 1, true, true, false, 1},
    {24, 3, 8, 0, false, false, false, 1},
    {25, 3, 8, 1, false, false, false, 1},
    {26, 3, 8, 0, false, true, false, 1},
    {27, 3, 8, 1, false, true, false, 1},
    {28, 4, 8, 0, true, false, false, 1},
    {29, 4, 8, 0, true, true, false, 1},
    {30, 4, 8, 1, true, true, false, 1},
    {31, 4, 8, 0, false, false, false, 1},
    {32, 4, 8, 1, false, false, false, 1},
    {33, 4, 8, 0, false, true, false, 1},
    {34, 4, 8, 1, false, true, false, 1},
    {35, 5, 8, 0, true, false, false, 1},
    {36, 5, 8, 0, true, true, false, 1},
    {37, 5, 8, 1, true, true, false, 1},
    {38, 5, 8, 0, false, false, false, 1},
    {39, 5, 8, 1, false, false, false, 1},
    {40, 5, 8, 0, false, true, false, 1},
    {41, 5, 8, 1, false, true, false, 1},
};

constexpr LaunchRow kLaunches[] = {
    {
        .name = "rotary_embedding",
        .grid = grid_0,
        .tiled = nullptr,
        .longest = measure_4,
        .teams = teams_0,
        .tile_turns = 2,
        .teams_per_group = 4,
        .part_lanes = 0,
        .tensors = tensors_0,
        .given = given_0,
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

extern constinit const cuda::OpLaunches rotary_embedding_launches = {
    .kernel = sgl_cuda_rotary_embedding,
    .launches = kLaunches,
};

}  // namespace sgl::ops

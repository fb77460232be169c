// What an op's Metal kernels are launched from. Generated code fills it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gpu_host/launch_table.h"

namespace sgl::metal {

// A size of the op, and the function constant that holds it in the kernels of one launch.
struct ConstantRow {
  int16_t launch;
  int16_t size;
  int16_t position;
};

// The launches of an op, in order, and its kernels' names by their position. `shader` names the source
// file. Kernels get the part of the parameter struct from `first_value` to `params_bytes`, which is all but
// pointers, and `exchange_bytes` of threadgroup memory.
struct OpLaunches {
  const char* shader;
  std::span<const gpu::LaunchRow> launches;
  std::span<const char* const> kernels;
  std::span<const ConstantRow> constants;
  std::size_t first_value;
  std::size_t params_bytes;
  std::size_t exchange_bytes;
};

}  // namespace sgl::metal

// What an op's CUDA kernels are launched from. Generated code fills it.
#pragma once

#include <span>

#include "gpu_host/launch_table.h"

namespace sgl::cuda {

// The launches of an op, in order, and the function that gives its kernels by their position.
struct OpLaunches {
  const void* (*kernel)(int position);
  std::span<const gpu::LaunchRow> launches;
};

}  // namespace sgl::cuda

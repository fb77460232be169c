// From a resolved call to the launches it takes: sizes and kernels, no device.
#pragma once

#include <cstdint>

#include "gpu_host/launch_table.h"
#include "gpu_runtime/launch.h"
#include "host_runtime/call.h"

namespace sgl::gpu {

inline constexpr int32_t kSimdLanes = 32;
inline constexpr int64_t kFewTeams = 512;  // FEW_TEAMS of codegen/gpu/record.py
inline constexpr int64_t kFewPoints = 256;  // FEW_POINTS of it

// Groups beyond 2^30 go on along y; the last row may have more than there is work for.
struct Grid {
  int64_t x;
  int64_t y;
};
inline Grid grid_of(int64_t groups) {
  constexpr int64_t most = int64_t{1} << 30;
  const int64_t x = groups < most ? groups : most;
  return {x, (groups - 1) / x + 1};
}

// One launch, decided. Without groups there is nothing to launch.
struct Choice {
  const KernelRow* kernel = nullptr;
  Launch launch{};
  int64_t groups = 0;
  int32_t threads = 0;                  // of a group
  int64_t scratch_bytes[kMaxScratch]{}; // 0: the kernel does not touch it
};

// Decides the launch `row` of a call. `params` hold the pointers and strides that the kernel will see.
Choice choose(const LaunchRow& row, const host::Call& call, const std::byte* params);

}  // namespace sgl::gpu

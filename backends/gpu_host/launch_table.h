// The tables that say how an op's kernels are launched. Generated code fills them.
#pragma once

#include <cstdint>
#include <span>

#include "gpu_host/saturated.h"
#include "host_runtime/op.h"

namespace sgl::gpu {

using Measure = host::Saturated (*)(const host::Values&);

// One instantiation, and its place in the op's kernel table. `chunk` elements move as one access where
// it `is_aligned`; rows of at most `turns` rounds of a team stay in registers (0: in memory).
struct KernelRow {
  int16_t position;
  int16_t entry;
  int16_t chunk;
  int16_t turns;
  bool is_wide;
  bool is_aligned;
  bool is_full = false;  // rows fill all rounds
  int16_t points = 1;    // of the grid, that a team works on
};

inline constexpr int64_t kHoweverLong = -1;

// The lanes of a team where no loop is longer than `longest`.
struct TeamRow {
  int64_t longest;
  int32_t lanes;
};

enum class Owner : uint8_t { program, team, lane };

// A buffer of `extent` elements for each owner. One of the program is number `slot` of the call's, and
// keeps its content between launches. `unless_turns`: kernels with turns do not touch it.
struct ScratchRow {
  Measure extent;
  int64_t element_bytes;
  Owner owner;
  int16_t slot;
  bool unless_turns;
};

// One launch: `codegen/gpu/record.py` says what each entry means. `tiled` is null where no loop is cut.
struct LaunchRow {
  const char* name;
  std::span<const Measure> grid;
  Measure tiled;
  Measure longest;
  std::span<const TeamRow> teams;
  int32_t tile_turns;
  int32_t teams_per_group;
  int32_t part_lanes = 0;
  std::span<const int16_t> tensors;
  std::span<const int16_t> given;
  std::span<const ScratchRow> scratch;
  std::span<const Measure> bounds;
  std::span<const int16_t> moved;
  std::span<const Measure> multiples;
  std::span<const Measure> dealt;
  std::span<const Measure> alike = {};
  std::span<const KernelRow> kernels;
};

inline constexpr int kMaxScratch = 32;
inline constexpr int64_t kNarrowLimit = (int64_t{1} << 31) - (int64_t{1} << 20);

}  // namespace sgl::gpu

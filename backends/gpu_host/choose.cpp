#include "gpu_host/choose.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <tuple>

namespace sgl::gpu {
namespace {

using host::Saturated;

constexpr int64_t kWidestAccess = 16;

template <class Value>
Value load(const std::byte* params, std::size_t offset) {
  Value value;
  std::memcpy(&value, params + offset, sizeof value);
  return value;
}

int64_t narrowed(Saturated value) {
  constexpr host::Wide most = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(value.value() > most ? most : value.value());
}

Saturated at_least_zero(Saturated value) { return host::maximum(value, 0); }

int32_t lanes_of(const LaunchRow& row, const host::Values& values) {
  const Saturated longest = row.longest(values);
  for (const TeamRow& team : row.teams) {
    if (team.longest == kHoweverLong || longest <= Saturated(team.longest)) return team.lanes;
  }
  return row.teams.back().lanes;
}

Saturated product_of_grid(const LaunchRow& row, const host::Values& values) {
  Saturated product = 1;
  for (const Measure extent : row.grid) product = product * at_least_zero(extent(values));
  return product;
}

// The distance in elements from the first to the last element that a kernel may touch.
Saturated reach_of(const host::Tensor& tensor, const host::ArrayView& array, const std::byte* params) {
  const int64_t count = host::element_count(array);
  const bool is_copy = load<const void*>(params, tensor.pointer_offset) != array.data;
  if (is_copy || count == 0) return count;
  Saturated reach = 1;
  for (int axis = 0; axis < array.ndim; axis++) {
    reach = reach + Saturated(array.shape[axis] - 1) * Saturated(std::abs(array.strides[axis]));
  }
  return reach;
}

// Whether 32-bit indices serve.
bool is_narrow(const LaunchRow& row, const host::Call& call, const std::byte* params, const Launch& launch) {
  const host::Values values = call.values();
  const auto fits = [](Saturated value) { return value < Saturated(kNarrowLimit); };
  for (std::size_t i = 0; i < call.op.sizes.size(); i++) {
    if (!fits(call.sizes[i])) return false;
  }
  for (const int16_t index : row.tensors) {
    if (!call.arrays[index].is_present) continue;
    if (!fits(reach_of(call.op.tensors[index], call.arrays[index], params))) return false;
  }
  for (const Measure bound : row.bounds) {
    if (!fits(bound(values))) return false;
  }
  const Saturated workers = Saturated(launch.teams) * Saturated(launch.lanes);
  for (const ScratchRow& scratch : row.scratch) {
    if (!fits(at_least_zero(scratch.extent(values)) * workers)) return false;
  }
  return fits(product_of_grid(row, values)) && fits(launch.teams);
}

// Whether every chunk may move as one access.
bool is_aligned(const LaunchRow& row, const host::Call& call, const std::byte* params, int64_t chunk) {
  const host::Values values = call.values();
  for (const Measure extent : row.multiples) {
    if (extent(values).value() % chunk != 0) return false;
  }
  for (const int16_t index : row.moved) {
    const host::Tensor& tensor = call.op.tensors[index];
    const int64_t access = std::min(kWidestAccess, chunk * host::bytes_of(call.dtype_of(tensor)));
    if (load<std::uintptr_t>(params, tensor.pointer_offset) % access != 0) return false;
    for (const std::size_t offset : tensor.stride_offsets) {
      if (load<int64_t>(params, offset) % chunk != 0) return false;
    }
  }
  return !row.moved.empty();
}

bool holds_rows(const LaunchRow& row, const host::Values& values, const KernelRow& kernel, int32_t lanes) {
  const Saturated most = Saturated(lanes) * Saturated(kernel.chunk) * Saturated(kernel.turns);
  return std::ranges::all_of(row.dealt, [&](Measure extent) { return extent(values) <= most; });
}

bool fills_rounds(const LaunchRow& row, const host::Values& values, const KernelRow& kernel, int32_t lanes) {
  const Saturated all = Saturated(lanes) * Saturated(kernel.chunk) * Saturated(kernel.turns);
  return std::ranges::all_of(row.dealt, [&](Measure extent) { return extent(values) == all; });
}

// Whether teams may work on several points each, and are many even so.
bool joins_points(const LaunchRow& row, const host::Values& values, const KernelRow& kernel, const Launch& launch) {
  const auto is_whole = [&](Measure extent) { return extent(values).value() % kernel.points == 0; };
  return launch.teams >= kFewPoints && std::ranges::all_of(row.alike, is_whole);
}

// What makes a kernel the better one of two that serve: most points of a team, then rows in registers, in
// the fewest turns, and those filled.
std::tuple<int, bool, int, bool> rank_of(const KernelRow& kernel) {
  return {kernel.points, kernel.turns != 0, -kernel.turns, kernel.is_full};
}

// The best kernel that serves: narrow where it can be, aligned where it can be.
const KernelRow& pick_kernel(const LaunchRow& row, const host::Call& call, const std::byte* params,
                             const Launch& launch, int64_t chunk) {
  const int entry = call.entry();
  const bool wide = !is_narrow(row, call, params, launch), aligned = is_aligned(row, call, params, chunk);
  const int32_t sharing = row.part_lanes != 0 ? row.part_lanes : launch.lanes;  // one dealt row
  const KernelRow* best = nullptr;
  for (const KernelRow& kernel : row.kernels) {
    if (kernel.entry != entry || kernel.is_wide != wide || kernel.is_aligned != aligned) continue;
    if (kernel.turns != 0 && !holds_rows(row, call.values(), kernel, sharing)) continue;
    if (kernel.is_full && !fills_rounds(row, call.values(), kernel, sharing)) continue;
    if (kernel.points != 1 && !joins_points(row, call.values(), kernel, launch)) continue;
    if (!best || rank_of(kernel) > rank_of(*best)) best = &kernel;
  }
  return *best;
}

int64_t chunk_of(const LaunchRow& row, int entry) {
  return std::ranges::find(row.kernels, entry, &KernelRow::entry)->chunk;
}

uint32_t given_bits(const LaunchRow& row, const host::Call& call) {
  uint32_t bits = 0;
  for (std::size_t bit = 0; bit < row.given.size(); bit++) {
    bits |= static_cast<uint32_t>(call.given[row.given[bit]]) << bit;
  }
  return bits;
}

int64_t bytes_of(const ScratchRow& scratch, const host::Values& values, const Launch& launch) {
  Saturated owners = 1;
  if (scratch.owner != Owner::program) owners = launch.teams;
  if (scratch.owner == Owner::lane) owners = owners * Saturated(launch.lanes);
  return narrowed(at_least_zero(scratch.extent(values)) * owners * Saturated(scratch.element_bytes));
}

}  // namespace

Choice choose(const LaunchRow& row, const host::Call& call, const std::byte* params) {
  const host::Values values = call.values();
  const int64_t chunk = chunk_of(row, call.entry());
  Choice choice;
  Launch& launch = choice.launch;
  launch.lanes = lanes_of(row, values);
  const Saturated tiled = row.tiled ? at_least_zero(row.tiled(values)) : Saturated(1);
  const Saturated points = product_of_grid(row, values);
  for (const int32_t turns : {row.tile_turns, 1}) {
    launch.tile = static_cast<int32_t>(launch.lanes * chunk * turns);
    launch.tiles = row.tiled ? narrowed(host::floor_divide(tiled + Saturated(launch.tile - 1), launch.tile)) : 1;
    launch.teams = narrowed(points * Saturated(launch.tiles));
    if (launch.teams >= kFewTeams) break;
  }
  launch.teams_per_group = std::max(row.teams_per_group * kSimdLanes / launch.lanes, 1);
  if (launch.lanes > kSimdLanes) launch.teams_per_group = 1;
  launch.given = given_bits(row, call);
  if (launch.teams == 0) return choice;
  choice.kernel = &pick_kernel(row, call, params, launch, chunk);
  launch.teams /= choice.kernel->points;
  choice.groups = (launch.teams - 1) / launch.teams_per_group + 1;
  choice.threads = launch.lanes * launch.teams_per_group;
  for (std::size_t i = 0; i < row.scratch.size(); i++) {
    const bool is_touched = choice.kernel->turns == 0 || !row.scratch[i].unless_turns;
    choice.scratch_bytes[i] = is_touched ? bytes_of(row.scratch[i], values, launch) : 0;
  }
  return choice;
}

}  // namespace sgl::gpu

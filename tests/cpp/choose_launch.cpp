// How launches of one made-up op are chosen: prints a line of JSON for each call. No device is needed.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "gpu_host/choose.h"

namespace {

using namespace sgl;
using namespace sgl::gpu;
using host::Saturated;
using host::Values;

struct Params {
  void* x;
  int64_t x_stride_0;
};

enum SizeIndex : int16_t { size_rows, size_width, size_depth };

Saturated rows(const Values& V) { return V.sizes[size_rows]; }
Saturated width(const Values& V) { return V.sizes[size_width]; }
Saturated depth_to_the_fifth(const Values& V) {
  const Saturated depth = V.sizes[size_depth];
  return depth * depth * depth * depth * depth;
}

constexpr host::Dimension kDims[] = {{"rows", size_rows}, {"width", size_width}};
constexpr std::size_t kStrides[] = {offsetof(Params, x_stride_0)};
constexpr host::Tensor kTensors[] = {{.name = "x", .dims = kDims, .stride_offsets = kStrides}};
constexpr host::Size kSizes[] = {{"rows", 0}, {"width", 0}, {"depth", 0}};
constexpr host::Op kOp = {.name = "op",
                          .tensors = kTensors,
                          .argument_count = 1,
                          .types = {},
                          .scalars = {},
                          .size_arguments = {},
                          .sizes = kSizes,
                          .solutions = {},
                          .requirements = {},
                          .entry_count = 1,
                          .cpu_kernels = nullptr};
constexpr host::Signature kSignature = {&kOp, "op", {}, 0, {}};

constexpr Measure kGrid[] = {rows}, kWidth[] = {width}, kBounds[] = {depth_to_the_fifth};
constexpr TeamRow kTeams[] = {{512, 32}, {kHoweverLong, 256}};
constexpr int16_t kX[] = {0};
constexpr ScratchRow kScratch[] = {{width, 4, Owner::team, -1, true}};
constexpr KernelRow kKernels[] = {
    {0, 0, 4, 0, false, true}, {1, 0, 4, 0, false, false}, {2, 0, 4, 2, false, true}, {3, 0, 4, 2, false, false},
    {4, 0, 4, 0, true, true},  {5, 0, 4, 0, true, false},  {6, 0, 4, 2, true, true},  {7, 0, 4, 2, true, false},
};
constexpr LaunchRow kRow = {
    .name = "op",
    .grid = kGrid,
    .tiled = width,
    .longest = width,
    .teams = kTeams,
    .tile_turns = 2,
    .teams_per_group = 4,
    .tensors = kX,
    .given = kX,
    .scratch = kScratch,
    .bounds = kBounds,
    .moved = kX,
    .multiples = kWidth,
    .dealt = kWidth,
    .kernels = kKernels,
};

// The same with kernels whose teams work on several points.
constexpr KernelRow kJammedKernels[] = {
    {0, 0, 4, 0, false, true},          {1, 0, 4, 0, false, false},         {2, 0, 4, 2, false, true},
    {3, 0, 4, 2, false, true, true},    {4, 0, 4, 0, true, true},           {5, 0, 4, 0, true, false},
    {6, 0, 4, 1, false, true, false, 4}, {7, 0, 4, 2, false, true, false, 4}, {8, 0, 4, 2, false, true, true, 4},
};
constexpr Measure kRows[] = {rows};
constexpr LaunchRow jammed_row() {
  LaunchRow row = kRow;
  row.tiled = nullptr;
  row.alike = kRows;
  row.kernels = kJammedKernels;
  return row;
}
constexpr LaunchRow kJammedRow = jammed_row();

struct Case {
  const char* name;
  int64_t rows, width, stride;
  std::uintptr_t address = 4096;
  int64_t depth = 1;
};

void print(const Case& given, const LaunchRow& row) {
  const int64_t shape[] = {given.rows, given.width}, strides[] = {given.stride, 1};
  host::Call call(kSignature);
  call.arrays[0] = {reinterpret_cast<void*>(given.address), host::DType::f32, true, false, 2, shape, strides};
  call.given[0] = true;
  call.sizes[size_rows] = given.rows, call.sizes[size_width] = given.width, call.sizes[size_depth] = given.depth;
  const Params params{call.arrays[0].data, given.stride};
  std::byte bytes[sizeof params];
  std::memcpy(bytes, &params, sizeof params);
  const Choice choice = choose(row, call, bytes);
  std::printf("{\"call\": \"%s\", \"position\": %d, \"teams\": %lld, \"tiles\": %lld, \"lanes\": %d, \"tile\": %d, ",
              given.name, choice.kernel ? choice.kernel->position : -1,
              static_cast<long long>(choice.launch.teams), static_cast<long long>(choice.launch.tiles),
              choice.launch.lanes, choice.launch.tile);
  const Grid grid = grid_of(choice.groups > 0 ? choice.groups : 1);
  std::printf("\"x\": %lld, \"y\": %lld, ", static_cast<long long>(grid.x), static_cast<long long>(grid.y));
  std::printf("\"groups\": %lld, \"threads\": %d, \"given\": %u, \"scratch\": %lld}\n",
              static_cast<long long>(choice.groups), choice.threads, choice.launch.given,
              static_cast<long long>(choice.scratch_bytes[0]));
}

constexpr Case kCases[] = {
    {"small", 9, 256, 256},
    {"long", 3, 5000, 5000},
    {"unaligned pointer", 9, 256, 256, 4100},
    {"odd width", 9, 255, 256},
    {"odd stride", 9, 256, 257},
    {"no rows", 0, 256, 256},
    {"most groups along x", int64_t{1} << 30, 5000, 0},
    {"more groups", (int64_t{1} << 31) + 1, 5000, 0},
    {"no columns", 9, 0, 0},
    {"wide tensor", 1 << 20, 256, 4096},
    {"wide product", 9, 256, 256, 4096, int64_t{1} << 28},
};

constexpr Case kJammedCases[] = {
    {"many rows", 512, 200, 200},
    {"many full rows", 512, 256, 256},
    {"few rows", 252, 256, 256},
    {"odd rows", 514, 256, 256},
    {"long rows", 512, 260, 260},
    {"many rows apart", 512, 256, 257},
};

}  // namespace

int main() {
  for (const Case& given : kCases) print(given, kRow);
  for (const Case& given : kJammedCases) print(given, kJammedRow);
}

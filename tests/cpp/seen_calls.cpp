// Which calls of a made-up op `out = f(x, scale)` pass for one seen before: prints a line of JSON for each.
#include "cuda/host/seen_calls.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace {

using namespace sgl;
using namespace sgl::cuda;

struct Params {
  void* x;
  void* out;
};

constexpr host::Dimension kDims[] = {{"rows", 0}, {"width", 1}};
constexpr host::Tensor kTensors[] = {
    {.name = "x", .dims = kDims, .pointer_offset = offsetof(Params, x), .stride_offsets = {}},
    {.name = "out",
     .role = host::Role::result,
     .dims = kDims,
     .pointer_offset = offsetof(Params, out),
     .stride_offsets = {}}};
constexpr host::ScalarArgument kScalars[] = {{"scale", host::DType::f32, 0}};
constexpr host::Op kOp = {.name = "op",
                          .tensors = kTensors,
                          .argument_count = 1,
                          .types = {},
                          .scalars = kScalars,
                          .size_arguments = {},
                          .sizes = {},
                          .solutions = {},
                          .requirements = {},
                          .entry_count = 1,
                          .cpu_kernels = nullptr};
constexpr host::Signature kSignature = {&kOp, "op", {}, 0, {}};

struct Case {
  const char* name;
  std::uintptr_t x = 4096, out = 65536;
  int64_t shape[2] = {4, 64};
  int64_t strides[2] = {64, 1};
  host::DType dtype = host::DType::f32;
  double scale = 0.5;
  int device = 0;
  bool starts_early = true;
  bool is_made = false;  // the call made its result
};

void* pointer(std::uintptr_t address) { return reinterpret_cast<void*>(address); }

void fill(const Case& given, host::Call& call) {
  call.arrays[0] = {pointer(given.x), given.dtype, true, false, 2, given.shape, given.strides};
  call.arrays[1] = {pointer(given.out), given.dtype, true, false, 2, given.shape, given.strides};
  call.scalars[0].real = given.scale;
}

constexpr Case kFirst{"the same"};
constexpr Case kCases[] = {
    kFirst,
    {.name = "other addresses", .x = 8192, .out = 131072},
    {.name = "side by side", .x = 65536 - 1024},
    {.name = "an overlap", .x = 65536 - 1008},
    {.name = "an overlap from above", .x = 65536 + 1008},
    {.name = "a lesser alignment", .x = 4100},
    {.name = "another shape", .shape = {2, 128}},
    {.name = "another stride", .strides = {128, 1}},
    {.name = "another dtype", .dtype = host::DType::i32},
    {.name = "another number", .scale = 0.25},
    {.name = "another device", .device = 1},
    {.name = "another start", .starts_early = false},
    {.name = "an unaligned result", .out = 65540, .is_made = true},
};

void print(SeenCalls& seen, const Case& given) {
  host::Call call(kSignature);
  fill(given, call);
  if (given.is_made) call.arrays[1].data = pointer(65536);  // looks are taken before results are made
  SeenCall* const found = seen.find(Look(call, given.device, given.starts_early));
  const bool made[2] = {false, given.is_made};
  fill(given, call);
  const bool fits = found && found->fits(call, made);
  if (fits) found->place(call);
  const auto* const params = found ? reinterpret_cast<const Params*>(found->params) : nullptr;
  const bool is_placed = fits && params->x == pointer(given.x) && params->out == pointer(given.out);
  std::printf("{\"call\": \"%s\", \"is_found\": %s, \"fits\": %s, \"is_placed\": %s}\n", given.name,
              found ? "true" : "false", fits ? "true" : "false", is_placed ? "true" : "false");
}

}  // namespace

int main() {
  static SeenCalls seen;
  host::Call first(kSignature);
  fill(kFirst, first);
  const Look look(first, 0, true);
  seen.add(look, first, host::Work{}, {});
  for (const Case& given : kCases) print(seen, given);
}

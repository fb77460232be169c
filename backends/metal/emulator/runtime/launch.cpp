// One launch: its buffers, its threadgroups, and what is told of it afterwards.
#include <stdlib.h>
#include <xmmintrin.h>

#include "fiber.h"
#include "gaps.h"
#include "machine.h"

namespace emu {

constexpr unsigned kFlush = 0x8040;  // of MXCSR: denormal results, and denormal operands, are zero

static void* buffers[kBuffers];
static void* threadgroup[kBuffers];

// Copies the buffers into the arena; whether all fit.
static bool bind(const Launch& launch) {
  for (int n = 0; n < kBuffers; ++n) buffers[n] = threadgroup[n] = nullptr;
  for (int n = 0; n < launch.buffer_count; ++n) {
    const Buffer& buffer = launch.buffers[n];
    Region* const made = take_region(buffer.size, buffer.index, false, buffer.is_writable, buffer.is_initialised, nullptr,
                                     buffer.offset);
    if (made == nullptr) return false;
    memcpy(made->base, buffer.data, buffer.size);
    buffers[buffer.index] = made->base;
  }
  for (int n = 0; n < kBuffers; ++n) {
    if (launch.threadgroup_bytes[n] == 0) continue;
    Region* const made = take_region(launch.threadgroup_bytes[n], n, true, true, false);
    if (made == nullptr) return false;
    threadgroup[n] = made->base;
  }
  return true;
}

static void run_groups() {
  const Launch& launch = *state.launch;
  const u32 count = launch.groups[0] * launch.groups[1] * launch.groups[2];
  int* const order = static_cast<int*>(malloc(sizeof(int) * count));
  const Thread bound = {buffers, threadgroup, {}};
  u64 seed = launch.seed;
  make_order(order, int(count), seed);
  for (u32 n = 0; n < count; ++n) {
    const u32 number = u32(order[n]);
    const u32 group[3] = {number % launch.groups[0], number / launch.groups[0] % launch.groups[1],
                          number / (launch.groups[0] * launch.groups[1])};
    state.tag = state.first_tag + number;
    if (!run_group(group, bound, seed)) break;
  }
  free(order);
}

static void copy_back(const Launch& launch) {
  for (int n = 0; n < launch.buffer_count; ++n) {
    const Buffer& buffer = launch.buffers[n];
    if (buffer.is_writable) memcpy(buffer.data, buffers[buffer.index], buffer.size);
  }
}

static bool prepare(const Launch& launch) {
  state.launch = &launch;
  ++state.run;
  state.report_count = 0;
  state.loose_count = 0;
  state.accesses_left = launch.most_accesses;
  state.private_accesses = 0;
  state.unset_count = 0;
  state.unset_read = nullptr;
  state.shared_bytes = 0;
  for (int bytes : launch.threadgroup_bytes) state.shared_bytes += bytes;
  state.counts = {};
  state.is_failed = state.has_quads = false;
  state.tree.make_room();
  if (state.stacks == nullptr) state.stacks = reserve_stacks();
  if (state.stacks == nullptr || !reserve_stack_marks() || !make_arena(launch)) return false;
  return bind(launch);
}

// Records of this run become stale: the next run's tags follow. Where they run out, all memory starts anew.
static void retire_records(u32 groups) {
  const bool is_last = ~0u - state.first_tag < 2 * groups;
  state.first_tag = is_last ? 1 : state.first_tag + groups;
  state.owners.give_back(is_last);
  state.cells.give_back(is_last);
}

static void run(const Launch& launch) {
  const unsigned before = _mm_getcsr();
  guard(true);
  if (launch.is_flushing) _mm_setcsr(before | kFlush);
  state.is_running = true;
  if (launch.initialise != nullptr) initialise();
  if (state.is_running) run_groups();
  state.is_running = false;
  _mm_setcsr(before);
  guard(false);
  if (state.is_failed) clear_stack_marks();
  sum_up();
  copy_back(launch);
  retire_records(launch.groups[0] * launch.groups[1] * launch.groups[2] + 1);
}

}  // namespace emu

using namespace emu;

extern "C" {

// Runs a launch; 0 if nothing was found, 1 if something was, -1 if there is no memory.
int emu_run(const Launch* launch, const char* image_begin, const char* image_end) {
  static const bool has_records = state.owners.reserve() && state.cells.reserve();
  if (!has_records) return -1;
  if (state.first_tag == 0) state.first_tag = 1;
  state.tag = state.first_tag;
  state.image_begin = image_begin;
  state.image_end = image_end;
  const bool is_ready = prepare(*launch);
  if (is_ready) run(*launch);
  free_memory();
  return is_ready ? state.is_failed : -1;
}

int emu_report_count() { return state.report_count; }
const Report* emu_reports() { return state.reports; }
const Counts* emu_counts() { return &state.counts; }
int emu_traffic_count() { return state.traffic_count; }
const Traffic* emu_traffic() { return state.traffic; }
u32 emu_path_pc(u32 path) { return state.tree.nodes[path].pc; }
u32 emu_path_parent(u32 path) { return state.tree.nodes[path].parent; }

void emu_set_constants(const Constant* constants, int count) {
  state.constants = constants;
  state.constant_count = count;
}

const Constant* emu_constant(int index) {
  for (int n = 0; n < state.constant_count; ++n)
    if (state.constants[n].index == index) return &state.constants[n];
  return nullptr;
}

void emu_unset(const void* at, long long size, const char* name) {
  if (state.unset_count < kMostUnset) state.unset[state.unset_count++] = {static_cast<const char*>(at), size, name};
}

void emu_derived(const void* at, long long size) {
  if (state.unset_read != nullptr) emu_unset(at, size, state.unset_read);
  state.unset_read = nullptr;
}

}  // extern "C"

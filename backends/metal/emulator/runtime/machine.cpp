// Runs threadgroups one after another, each thread on a stack of its own until it meets a collective.
#include <stdio.h>

#include "fiber.h"
#include "gaps.h"
#include "machine.h"

asm(R"(
.text
.globl emu_switch
.type emu_switch,@function
emu_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
)");

namespace emu {

static void go_home() {
  emu_switch(&state.current->stack_pointer, state.home);
}

void leave_kernel() {
  state.is_running = false;
  go_home();
  __builtin_unreachable();
}

static void set_running(int number) {
  state.current = &state.fibers[number];
  state.thread = u32(number);
  state.own_stack = state.stacks + number * kStackBytes;
  state.own_marks = stack_marks + number * kStackBytes / kGrain;
  state.calls = &state.call_stacks[number];
  ++state.switches;
}

// The thread whose turn it is in this round; -1 where all had theirs.
static int next_runnable() {
  while (state.next_turn < state.thread_count) {
    const int number = state.order[state.next_turn++];
    if (state.fibers[number].waiting == kRunnable) return number;
  }
  return -1;
}

// From the running thread to the next one of the round, or back to where the round was started.
static void pass_on() {
  void** const leave = &state.current->stack_pointer;
  const int next = next_runnable();
  if (next >= 0) set_running(next);
  emu_switch(leave, next >= 0 ? state.current->stack_pointer : state.home);
}

static void run_thread() {
  const Kernel& kernel = *state.launch->kernel;
  kernel.call(kernel.function, state.bound[state.thread], kernel.slots);
  state.current->waiting = kFinished;
  ++state.finished_count;
  pass_on();
}

static void run_initialiser() {
  state.launch->initialise();
  go_home();
}

// Works constants out on a thread of its own, so that a division by zero there is a finding too.
void initialise() {
  set_running(0);
  state.calls->clear();
  state.current->stack_pointer = start_fiber(state.stacks, 0, run_initialiser);
  state.is_initialising = true;
  emu_switch(&state.home, state.current->stack_pointer);
  state.is_initialising = false;
}

static u32 draw(u64& seed) {
  seed = seed * 6364136223846793005ull + 1442695040888963407ull;
  return u32(seed >> 33);
}

// The order in which `count` things take turns; random ones differ from call to call.
void make_order(int* order, int count, u64& seed) {
  for (int n = 0; n < count; ++n) order[n] = state.launch->order == 1 ? count - 1 - n : n;
  if (state.launch->order != 2) return;
  for (int n = count - 1; n > 0; --n) {
    const int other = int(draw(seed) % u32(n + 1)), kept = order[n];
    order[n] = order[other];
    order[other] = kept;
  }
}

static void set(u32 (&position)[3], u32 x, u32 y, u32 z) {
  position[0] = x, position[1] = y, position[2] = z;
}

// What is the same for all threads of a group.
static Thread place_group(const Thread& bound, const u32 (&group)[3], const u32 (&size)[3]) {
  const Launch& launch = *state.launch;
  Thread placed = bound;
  auto& at = placed.positions;
  set(at[kGroupInGrid], group[0], group[1], group[2]);
  set(at[kGroupsPerGrid], launch.groups[0], launch.groups[1], launch.groups[2]);
  set(at[kThreadsPerGroup], size[0], size[1], size[2]);
  set(at[kThreadsPerGrid], launch.total[0], launch.total[1], launch.total[2]);
  set(at[kSimdWidth], kSimdLanes, 0, 0);
  set(at[kSimdsPerGroup], (u32(state.thread_count) + kSimdLanes - 1) / kSimdLanes, 0, 0);
  set(at[kDispatchThreadsPerGroup], launch.threads[0], launch.threads[1], launch.threads[2]);
  set(at[kDispatchSimdsPerGroup], (launch.threads[0] * launch.threads[1] * launch.threads[2] + kSimdLanes - 1) / kSimdLanes, 0, 0);
  set(at[kQuadsPerGroup], (u32(state.thread_count) + kQuadLanes - 1) / kQuadLanes, 0, 0);
  return placed;
}

static void place_thread(u32 index, u32 x, u32 y, u32 z, const Thread& placed) {
  Thread& thread = state.bound[index];
  thread = placed;
  auto& at = thread.positions;
  const u32(&group)[3] = at[kGroupInGrid];
  const u32(&size)[3] = at[kDispatchThreadsPerGroup];
  set(at[kThreadInGrid], group[0] * size[0] + x, group[1] * size[1] + y, group[2] * size[2] + z);
  set(at[kThreadInGroup], x, y, z);
  set(at[kThreadIndexInGroup], index, 0, 0);
  set(at[kSimdIndex], index / kSimdLanes, 0, 0);
  set(at[kLaneIndex], index % kSimdLanes, 0, 0);
  set(at[kQuadIndex], index / kQuadLanes, 0, 0);
  set(at[kQuadLane], index % kQuadLanes, 0, 0);
}

static void start_thread(int number) {
  Fiber& fiber = state.fibers[number];
  fiber.waiting = kRunnable;
  fiber.turn = fiber.quad_turn = 0;
  fiber.stack_pointer = start_fiber(state.stacks, number, run_thread);
  state.call_stacks[number].clear();
}

static void start_group(const u32 (&group)[3], const Thread& bound) {
  const Launch& launch = *state.launch;
  u32 size[3];
  for (int axis = 0; axis < 3; ++axis) {
    const u32 left = launch.total[axis] - group[axis] * launch.threads[axis];
    size[axis] = left < launch.threads[axis] ? left : launch.threads[axis];
  }
  state.thread_count = int(size[0] * size[1] * size[2]);
  state.counts.threads += u64(state.thread_count);
  state.finished_count = 0;
  const Thread placed = place_group(bound, group, size);
  u32 index = 0;
  for (u32 z = 0; z < size[2]; ++z)
    for (u32 y = 0; y < size[1]; ++y)
      for (u32 x = 0; x < size[0]; ++x) {
        place_thread(index, x, y, z, placed);
        start_thread(int(index++));
      }
}

static bool is_same_wait(const Fiber& a, const Fiber& b) {
  return a.waiting == b.waiting && a.site.pc == b.site.pc && a.site.path == b.site.path && a.flags == b.flags;
}

// Lets threads [first, last) go on if all wait for the same; whether they do.
static bool release(int first, int last, Waiting waiting) {
  for (int n = first; n < last; ++n)
    if (state.fibers[n].waiting != waiting || !is_same_wait(state.fibers[n], state.fibers[first])) return false;
  Simdgroup& simdgroup = state.simdgroups[first / kSimdLanes];
  const int flags = state.fibers[first].flags;
  for (int memory = 0; memory < 2; ++memory)
    if (flags >> memory & 1) ++(waiting == kAtBarrier ? state.epochs[memory] : simdgroup.epochs[memory]);
  if (waiting == kAtSimd) {
    simdgroup.active = last - first == kSimdLanes ? ~0u : (1u << (last - first)) - 1u;
    simdgroup.is_asked = false;
  }
  ++(waiting == kAtBarrier ? state.counts.barriers : state.counts.simd_operations);
  for (int n = first; n < last; ++n) state.fibers[n].waiting = kRunnable;
  return true;
}

// The end of the `lanes` threads from `first` on, or of the threadgroup.
static int end_of(int first, int lanes) {
  return first + lanes < state.thread_count ? first + lanes : state.thread_count;
}

static bool release_all(int lanes, Waiting waiting) {
  bool is_any = false;
  for (int first = 0; first < state.thread_count; first += lanes)
    is_any = release(first, end_of(first, lanes), waiting) || is_any;
  return is_any;
}

static bool release_some() {
  const bool is_any = state.has_quads && release_all(kQuadLanes, kAtQuad);
  return release_all(kSimdLanes, kAtSimd) || is_any || release(0, state.thread_count, kAtBarrier);
}

static const char* doing(const Fiber& fiber) {
  return fiber.waiting == kFinished ? "the end of the kernel" : fiber.operation;
}

// No thread can go on: the first one that waits, beside the first that waits for something else.
static void report_divergence() {
  int first = 0;
  while (state.fibers[first].waiting == kFinished) ++first;
  const Fiber& fiber = state.fibers[first];
  const int lanes = fiber.waiting == kAtSimd ? kSimdLanes : fiber.waiting == kAtQuad ? kQuadLanes : kMostThreads;
  const int begin = first / lanes * lanes, end = end_of(begin, lanes);
  int other = begin, same = 0;
  for (int n = begin; n < end; ++n) same += is_same_wait(state.fibers[n], fiber);
  while (other < end - 1 && is_same_wait(state.fibers[other], fiber)) ++other;
  const Fiber& away = state.fibers[other];
  char note[96];
  snprintf(note, sizeof note, "%d of %d threads at %s, another at %s", same, end - begin, fiber.operation, doing(away));
  const Site site = away.waiting == kFinished ? Site{} : away.site;
  const u32 group = state.tag - state.first_tag;
  report(kDivergence, nullptr, 0, 0, {fiber.site, group, u32(first), kRead}, {site, group, u32(other), kRead}, note);
}

// Gives every runnable thread a turn; whether there was one.
static bool run_round(u64& seed) {
  if (state.launch->order == 2) make_order(state.order, state.thread_count, seed);
  state.next_turn = 0;
  const int first = next_runnable();
  if (first < 0) return false;
  set_running(first);
  emu_switch(&state.home, state.current->stack_pointer);
  return state.is_running;
}

bool run_group(const u32 (&group)[3], const Thread& bound, u64& seed) {
  state.epochs[0] = state.epochs[1] = 1;
  clear_threadgroup_memory();
  start_group(group, bound);
  make_order(state.order, state.thread_count, seed);
  for (;;) {
    while (run_round(seed)) {}
    if (!state.is_running) return false;
    if (release_some()) continue;
    if (state.finished_count == state.thread_count) return true;
    report_divergence();
    state.is_running = false;
    return false;
  }
}

// A wait is a switch of stacks, which costs as much as some accesses do.
constexpr u64 kWaitAccesses = 16;

static void wait(Waiting waiting, const char* operation, int flags, const void* site) {
  if (state.is_initialising)
    fail(kDivergence, nullptr, 0, 0, here(site_at(site), kRead), "a constant's value is worked out by one thread alone");
  if (state.accesses_left < kWaitAccesses)
    fail(kEndless, nullptr, 0, 0, here(site_at(site), kRead), "more waits and accesses than the run allows");
  state.accesses_left -= kWaitAccesses;
  Fiber& fiber = *state.current;
  fiber.site = site_at(site);
  fiber.operation = operation;
  fiber.flags = flags;
  fiber.waiting = waiting;
  pass_on();
}

static Simdgroup& own_simdgroup() {
  return state.simdgroups[state.thread / kSimdLanes];
}

}  // namespace emu

using namespace emu;

extern "C" {

void* emu_exchange(const void* value, int size, const char* operation, const void* site) {
  Fiber& fiber = *state.current;
  auto& slots = own_simdgroup().slots[fiber.turn];
  __builtin_memcpy(slots[state.thread % kSimdLanes], value, size);
  fiber.turn ^= 1;
  wait(kAtSimd, operation, 0, site);
  return slots;
}

void* emu_exchange_in_quad(const void* value, int size, const char* operation, const void* site) {
  Fiber& fiber = *state.current;
  auto& slots = own_simdgroup().quad_slots[fiber.quad_turn];
  const u32 lane = state.thread % kSimdLanes;
  __builtin_memcpy(slots[lane], value, size);
  fiber.quad_turn ^= 1;
  state.has_quads = true;
  wait(kAtQuad, operation, 0, site);
  return slots[lane / kQuadLanes * kQuadLanes];
}

int emu_is_first_asked() {
  bool& is_asked = own_simdgroup().is_asked;
  const bool was_asked = is_asked;
  is_asked = true;
  return !was_asked;
}

u32 emu_active_lanes() { return own_simdgroup().active; }
u32 emu_active_lanes_of_quad() {
  const int first = int(state.thread) / kQuadLanes * kQuadLanes;
  return (1u << (end_of(first, kQuadLanes) - first)) - 1u;
}
int emu_lane() { return int(state.thread % kSimdLanes); }
int emu_reduction() { return state.launch->reduction; }

void emu_threadgroup_barrier(int flags, const void* site) {
  wait(kAtBarrier, "threadgroup_barrier", flags, site);
}

void emu_simdgroup_barrier(int flags, const void* site) {
  wait(kAtSimd, "simdgroup_barrier", flags, site);
}

}  // extern "C"

// Runs threadgroups one after another, each thread on a stack of its own until it meets a collective.
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>

#include "fiber.h"
#include "state.h"

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

static void run_thread() {
  const Kernel& kernel = *state.launch->kernel;
  kernel.call(kernel.function, state.current->bound, kernel.slots);
  state.current->waiting = kFinished;
  go_home();
}

static void run_initialiser() {
  state.launch->initialise();
  go_home();
}

// Works constants out on a thread of its own, so that a division by zero there is a finding too.
static void initialise() {
  Fiber& fiber = state.fibers[0];
  fiber.depth = 0;
  fiber.stack_pointer = start_fiber(state.stacks, run_initialiser);
  state.current = &fiber;
  state.is_initialising = true;
  emu_switch(&state.home, fiber.stack_pointer);
  state.is_initialising = false;
}

static u32 draw(u64& seed) {
  seed = seed * 6364136223846793005ull + 1442695040888963407ull;
  return u32(seed >> 33);
}

// The order in which `count` things take turns; random ones differ from call to call.
static void make_order(int* order, int count, u64& seed) {
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

static void place_thread(Fiber& fiber, u32 index, const u32 (&group)[3], const u32 (&size)[3]) {
  const Launch& launch = *state.launch;
  const u32 x = index % size[0], y = index / size[0] % size[1], z = index / (size[0] * size[1]);
  const u32 simds = (u32(state.thread_count) + kSimdLanes - 1) / kSimdLanes;
  auto& at = fiber.bound.positions;
  set(at[kThreadInGrid], group[0] * launch.threads[0] + x, group[1] * launch.threads[1] + y,
      group[2] * launch.threads[2] + z);
  set(at[kThreadInGroup], x, y, z);
  set(at[kThreadIndexInGroup], index, 0, 0);
  set(at[kGroupInGrid], group[0], group[1], group[2]);
  set(at[kGroupsPerGrid], launch.groups[0], launch.groups[1], launch.groups[2]);
  set(at[kThreadsPerGroup], size[0], size[1], size[2]);
  set(at[kThreadsPerGrid], launch.total[0], launch.total[1], launch.total[2]);
  set(at[kSimdWidth], kSimdLanes, 0, 0);
  set(at[kSimdIndex], index / kSimdLanes, 0, 0);
  set(at[kLaneIndex], index % kSimdLanes, 0, 0);
  set(at[kSimdsPerGroup], simds, 0, 0);
  set(at[kDispatchThreadsPerGroup], launch.threads[0], launch.threads[1], launch.threads[2]);
  set(at[kQuadIndex], index / 4, 0, 0);
  set(at[kQuadLane], index % 4, 0, 0);
}

static void start_group(const u32 (&group)[3], const Thread& bound) {
  const Launch& launch = *state.launch;
  u32 size[3];
  for (int axis = 0; axis < 3; ++axis) {
    const u32 left = launch.total[axis] - group[axis] * launch.threads[axis];
    size[axis] = left < launch.threads[axis] ? left : launch.threads[axis];
  }
  state.thread_count = int(size[0] * size[1] * size[2]);
  for (int n = 0; n < state.thread_count; ++n) {
    Fiber& fiber = state.fibers[n];
    fiber.bound = bound;
    place_thread(fiber, u32(n), group, size);
    fiber.waiting = kRunnable;
    fiber.turn = 0;
    fiber.depth = 0;
    fiber.stack_pointer = start_fiber(state.stacks + n * kStackBytes, run_thread);
  }
}

static bool is_same_wait(const Fiber& a, const Fiber& b) {
  return a.waiting == b.waiting && a.site == b.site && a.flags == b.flags;
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

static bool release_simdgroups() {
  bool is_any = false;
  for (int first = 0; first < state.thread_count; first += kSimdLanes) {
    const int last = first + kSimdLanes < state.thread_count ? first + kSimdLanes : state.thread_count;
    is_any = release(first, last, kAtSimd) || is_any;
  }
  return is_any;
}

static const char* doing(const Fiber& fiber) {
  return fiber.waiting == kFinished ? "the end of the kernel" : fiber.operation;
}

// No thread can go on: the first one that waits, beside the first that waits for something else.
static void report_divergence() {
  int first = 0;
  while (state.fibers[first].waiting == kFinished) ++first;
  const Fiber& fiber = state.fibers[first];
  const bool is_simd = fiber.waiting == kAtSimd;
  const int begin = is_simd ? first / kSimdLanes * kSimdLanes : 0;
  const int end = is_simd && begin + kSimdLanes < state.thread_count ? begin + kSimdLanes : state.thread_count;
  int other = begin, same = 0;
  for (int n = begin; n < end; ++n) same += is_same_wait(state.fibers[n], fiber);
  while (other < end - 1 && is_same_wait(state.fibers[other], fiber)) ++other;
  const Fiber& away = state.fibers[other];
  char note[96];
  snprintf(note, sizeof note, "%d of %d threads at %s, another at %s", same, end - begin, fiber.operation, doing(away));
  const u32 site = away.waiting == kFinished ? 0 : away.site;
  report(kDivergence, nullptr, 0, 0, {fiber.site, state.group, u32(first), kRead},
         {site, state.group, u32(other), kRead}, note);
}

// Gives every runnable thread a turn; whether there was one.
static bool run_round(u64& seed) {
  static int order[kMostThreads];
  make_order(order, state.thread_count, seed);
  bool is_any = false;
  for (int n = 0; n < state.thread_count; ++n) {
    Fiber& fiber = state.fibers[order[n]];
    if (fiber.waiting != kRunnable) continue;
    is_any = true;
    state.current = &fiber;
    emu_switch(&state.home, fiber.stack_pointer);
    if (!state.is_running) return false;
  }
  return is_any;
}

static bool is_finished() {
  for (int n = 0; n < state.thread_count; ++n)
    if (state.fibers[n].waiting != kFinished) return false;
  return true;
}

// Whether the group came to its end.
static bool run_group(const u32 (&group)[3], const Thread& bound, u64& seed) {
  clear_threadgroup_memory();
  start_group(group, bound);
  for (;;) {
    while (run_round(seed)) {}
    if (!state.is_running) return false;
    if (release_simdgroups() || release(0, state.thread_count, kAtBarrier)) continue;
    if (is_finished()) return true;
    report_divergence();
    state.is_running = false;
    return false;
  }
}

static void wait(Waiting waiting, const char* operation, int flags, const void* site) {
  Fiber& fiber = *state.current;
  fiber.site = site_at(site);
  fiber.operation = operation;
  fiber.flags = flags;
  fiber.waiting = waiting;
  go_home();
}

// A wild access that no hook saw: the stack's guard page, or a null function.
static void crash() {
  fail(kCrash, nullptr, 0, 0, here(site_at(nullptr), kRead), "the thread's stack is exhausted, or a wild jump");
}

static char spare_stack[64 << 10];
static struct sigaction previous[2];

static void on_signal(int number, siginfo_t*, void* context) {
  if (!state.is_running) {
    sigaction(number, &previous[number == SIGBUS], nullptr);
    return;
  }
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  static char escape[64 << 10];
  registers[REG_RSP] = (reinterpret_cast<long long>(escape + sizeof escape) & ~15ll) - 8;
  registers[REG_RIP] = reinterpret_cast<long long>(&crash);
}

static void guard(bool is_on) {
  static stack_t before;
  stack_t mine = {};
  mine.ss_sp = spare_stack;
  mine.ss_size = sizeof spare_stack;
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  if (is_on) sigaltstack(&mine, &before);
  constexpr int signals[] = {SIGSEGV, SIGBUS};
  for (int n = 0; n < 2; ++n) {
    if (is_on) sigaction(signals[n], &action, &previous[n]);
    else sigaction(signals[n], &previous[n], nullptr);
  }
  if (!is_on) sigaltstack(&before, nullptr);
}

// Each buffer stands alone: far from any other, and aligned as Metal aligns them.
constexpr long long kGap = 1 << 20;

struct Arena {
  char* base;
  long long size, used;

  char* take(long long bytes) {
    char* at = base + used + kGap;
    used += (kGap + bytes + 4095) / 4096 * 4096;
    return at;
  }
};

static Arena make_arena(const Launch& launch) {
  long long size = kGap;
  for (int n = 0; n < launch.buffer_count; ++n) size += kGap + launch.buffers[n].size + 4096;
  for (int bytes : launch.threadgroup_bytes) size += kGap + bytes + 4096;
  void* made = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return {made == MAP_FAILED ? nullptr : static_cast<char*>(made), size, 0};
}

static Thread bind(const Launch& launch, Arena& arena) {
  Thread bound = {};
  for (int n = 0; n < launch.buffer_count; ++n) {
    const Buffer& buffer = launch.buffers[n];
    char* at = arena.take(buffer.size);
    memcpy(at, buffer.data, buffer.size);
    bound.buffers[buffer.index] = at;
    add_region(at, buffer.size, buffer.index, false, buffer.is_writable, buffer.is_initialised, nullptr);
  }
  for (int n = 0; n < kBuffers; ++n) {
    if (launch.threadgroup_bytes[n] == 0) continue;
    bound.threadgroup[n] = arena.take(launch.threadgroup_bytes[n]);
    add_region(bound.threadgroup[n], launch.threadgroup_bytes[n], n, true, true, false, nullptr);
  }
  return bound;
}

static void run_groups(const Thread& bound) {
  const Launch& launch = *state.launch;
  const int count = int(launch.groups[0] * launch.groups[1] * launch.groups[2]);
  int* order = static_cast<int*>(malloc(sizeof(int) * count));
  u64 seed = launch.seed;
  make_order(order, count, seed);
  for (int n = 0; n < count; ++n) {
    const u32 number = u32(order[n]);
    state.group = number;
    const u32 group[3] = {number % launch.groups[0], number / launch.groups[0] % launch.groups[1],
                          number / (launch.groups[0] * launch.groups[1])};
    state.epochs[0] = state.epochs[1] = 1;
    if (!run_group(group, bound, seed)) break;
  }
  free(order);
}

static void copy_back(const Launch& launch, const Thread& bound) {
  for (int n = 0; n < launch.buffer_count; ++n) {
    const Buffer& buffer = launch.buffers[n];
    if (buffer.is_writable) memcpy(buffer.data, bound.buffers[buffer.index], buffer.size);
  }
}

}  // namespace emu

using namespace emu;

extern "C" {

// Runs a launch; 0 if nothing was found, 1 if something was, -1 if there is no memory.
int emu_run(const Launch* launch, const char* image_begin, const char* image_end) {
  if (state.stacks == nullptr) state.stacks = reserve_stacks();
  Arena arena = make_arena(*launch);
  if (state.stacks == nullptr || arena.base == nullptr) return -1;
  state.launch = launch;
  state.image_begin = image_begin;
  state.image_end = image_end;
  state.report_count = 0;
  state.accesses = 0;
  state.counts = {};
  state.is_failed = false;
  state.calls.clear();
  const Thread bound = bind(*launch, arena);
  guard(true);
  state.is_running = true;
  initialise();
  if (state.is_running) run_groups(bound);
  state.is_running = false;
  guard(false);
  copy_back(*launch, bound);
  free_regions();
  munmap(arena.base, arena.size);
  return state.is_failed;
}

int emu_report_count() { return state.report_count; }
const Report* emu_reports() { return state.reports; }
const Counts* emu_counts() { return &state.counts; }
u64 emu_site_pc(u32 site) { return state.calls.nodes[site].pc; }
u32 emu_site_parent(u32 site) { return state.calls.nodes[site].parent; }

void emu_set_constants(const Constant* constants, int count) {
  state.constants = constants;
  state.constant_count = count;
}

const Constant* emu_constant(int index) {
  for (int n = 0; n < state.constant_count; ++n)
    if (state.constants[n].index == index) return &state.constants[n];
  return nullptr;
}

void* emu_exchange(const void* value, int size, const char* operation, const void* site) {
  Fiber& fiber = *state.current;
  const long number = &fiber - state.fibers;
  auto& slots = state.simdgroups[number / kSimdLanes].slots[fiber.turn];
  memcpy(slots[number % kSimdLanes], value, size);
  fiber.turn ^= 1;
  wait(kAtSimd, operation, 0, site);
  return slots;
}

int emu_is_first_asked() {
  bool& is_asked = state.simdgroups[(state.current - state.fibers) / kSimdLanes].is_asked;
  const bool was_asked = is_asked;
  is_asked = true;
  return !was_asked;
}

u32 emu_active_lanes() { return state.simdgroups[(state.current - state.fibers) / kSimdLanes].active; }
int emu_lane() { return int((state.current - state.fibers) % kSimdLanes); }
int emu_reduction() { return state.launch->reduction; }

void emu_threadgroup_barrier(int flags, const void* site) {
  wait(kAtBarrier, "threadgroup_barrier", flags, site);
}

void emu_simdgroup_barrier(int flags, const void* site) {
  wait(kAtSimd, "simdgroup_barrier", flags, site);
}

}  // extern "C"

// The one run that is under way: its threads, memory and findings.
#pragma once

#include "abi.h"
#include "call_tree.h"
#include "shadow.h"

namespace emu {

constexpr int kMostRegions = 256;
constexpr int kMostReports = 64;
constexpr int kMostFrames = 64;

enum Waiting : int { kRunnable, kAtBarrier, kAtSimd, kFinished };

struct Fiber {
  void* stack_pointer;
  Thread bound;
  Waiting waiting;
  const char* operation;
  u32 site;
  int flags;
  int turn;  // which of the simdgroup's two slot arrays the next collective fills
  u32 depth;
  u32 frames[kMostFrames];
};

struct Simdgroup {
  alignas(16) char slots[2][kSimdLanes][kSlotBytes];
  u32 active;
  bool is_asked;
  u32 epochs[2];  // device, threadgroup
};

struct State {
  bool is_running, is_initialising, is_failed;
  const Launch* launch;
  Fiber fibers[kMostThreads];
  Simdgroup simdgroups[kMostThreads / kSimdLanes];
  int thread_count;
  Fiber* current;
  u32 group;
  u32 epochs[2];
  void* home;
  char* stacks;
  Region regions[kMostRegions];
  int region_count;
  Region* latest;
  const char* image_begin;
  const char* image_end;
  Report reports[kMostReports];
  int report_count;
  Counts counts;
  u64 accesses;
  CallTree calls;
  const Constant* constants;
  int constant_count;
};

extern State state;

// The site of the running thread at an address of its code.
u32 site_at(const void* pc);

// Adds a finding, or counts it with one like it.
void report(int kind, const Region* region, long long offset, int size, const Party& now, const Party& before,
            const char* note);
// Reports and leaves the kernel; never returns.
[[noreturn]] void fail(int kind, const Region* region, long long offset, int size, const Party& now, const char* note);
[[noreturn]] void leave_kernel();
Party here(u32 site, int access);

// One access: what it counts as in a race, whether it takes or leaves a value, and if it must be aligned.
struct Touch {
  int access;
  bool is_aligned;
  bool reads, writes;
};

constexpr Touch kPlainRead = {kRead, true, true, false}, kPlainWrite = {kWrite, true, false, true};
constexpr Touch kLooseRead = {kRead, false, true, false}, kLooseWrite = {kWrite, false, false, true};

void touch(const void* at, long long size, const Touch& how, const void* pc);
Region* add_region(void* base, long long size, int index, bool is_threadgroup, bool is_writable, bool has_value,
                   const char* name);
void clear_threadgroup_memory();
void free_regions();

}  // namespace emu

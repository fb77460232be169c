// The one run that is under way: its threads, memory and findings.
#pragma once

#include "abi.h"
#include "call_tree.h"
#include "pool.h"
#include "shadow.h"

namespace emu {

constexpr int kMostRegions = 256;
constexpr int kMostReports = 64;
constexpr int kMostUnset = 1024;
constexpr int kMostLoose = 64;

// Each region has as much of the arena's address space to itself as a 32-bit index into elements of 16 bytes
// reaches to either side, or less where the machine gives less.
constexpr int kMostRoomBits = 37, kLeastRoomBits = 24;

enum Waiting : int { kRunnable, kAtBarrier, kAtSimd, kAtQuad, kFinished };

struct Fiber {
  void* stack_pointer;
  const char* operation;
  Waiting waiting;
  Site site;
  int flags;
  int turn, quad_turn;  // which of the simdgroup's two slot arrays the next collective, or quad's, fills
};

struct Simdgroup {
  alignas(16) char slots[2][kSimdLanes][kSlotBytes];
  alignas(16) char quad_slots[2][kSimdLanes][kSlotBytes];
  u32 active;
  bool is_asked;
  u32 epochs[2];  // device, threadgroup
};

// Last touched by which threadgroup, for every byte.
struct Seen {
  u32* read;
  u32* written;
};

// Memory that accesses are looked up in. One of `owners` and `cells` is used, once `granule` is known.
struct Region {
  char* base;
  long long size;
  int index;
  bool is_threadgroup, is_writable;
  const char* name;
  u8* has_value;  // null: all bytes hold values
  int granule;
  Owner* owners;
  Cell* cells;
  Seen seen;
  u64 accesses[3], bytes[3];  // by Access
  Traffic traffic;
};

// A constant that depends on a function constant, `name`, which the launch does not set.
struct Unset {
  const char* at;
  long long size;
  const char* name;
};

// Where a pointer to a structure of `size` bytes is misaligned, whose copies are not told of that.
struct Loose {
  const char* at;
  long long size;
};

struct Arena {
  char* base;
  long long size;
  int room_bits;  // of each region, which begins in the middle of its room
};

struct State {
  // What every access asks for comes first.
  bool is_running;
  char* own_stack;  // of the running thread
  const u8* own_marks;  // of its bytes; see gaps.h
  Fiber* current;
  Calls* calls;
  Arena arena;
  u64 accesses_left;
  u64 private_accesses;
  u64 switches;
  u64 run;  // a number of its own
  u32 tag;  // of the threadgroup
  u32 first_tag;
  u32 epochs[2];
  u32 thread;
  const char* image_begin;
  const char* image_end;

  bool is_initialising, is_failed, has_quads;
  const Launch* launch;
  int thread_count;
  int finished_count;
  int next_turn;
  int order[kMostThreads];
  void* home;
  char* stacks;
  int region_count;
  int report_count;
  Counts counts;
  const Constant* constants;
  int constant_count;
  Unset unset[kMostUnset];
  int unset_count;
  const char* unset_read;  // by the constant that is being worked out
  long long shared_bytes;  // of threadgroup memory
  Loose loose[kMostLoose];  // the latest ones
  u64 loose_count;
  Pool<Owner> owners;
  Pool<Cell> cells;
  Region regions[kMostRegions];
  Report reports[kMostReports];
  Traffic traffic[kBuffers];
  int traffic_count;
  Fiber fibers[kMostThreads];
  Thread bound[kMostThreads];
  Simdgroup simdgroups[kMostThreads / kSimdLanes];
  Calls call_stacks[kMostThreads];
  CallTree tree;
};

extern State state;

// The site of the running thread at an address of its code.
inline Site site_at(const void* pc) {
  const char* const at = static_cast<const char*>(pc);
  const bool is_inside = at >= state.image_begin && at < state.image_end;
  return {is_inside ? u32(at - state.image_begin) : 0, state.calls->path(state.tree)};
}

inline Party here(Site site, int access) {
  return {site, state.tag - state.first_tag, state.thread, access};
}

// Adds a finding, or counts it with one like it.
void report(int kind, const Region* region, long long offset, int size, const Party& now, const Party& before,
            const char* note);
// Reports and leaves the kernel; never returns.
[[noreturn]] void fail(int kind, const Region* region, long long offset, int size, const Party& now, const char* note);
[[noreturn]] void leave_kernel();

// One access: what it counts as in a race, whether it takes or leaves a value, and if it must be aligned.
struct Touch {
  int access;
  bool is_aligned;
  bool reads, writes;
};

constexpr Touch kPlainRead = {kRead, true, true, false}, kPlainWrite = {kWrite, true, false, true};
constexpr Touch kLooseRead = {kRead, false, true, false}, kLooseWrite = {kWrite, false, false, true};

// A region of `size` bytes in the arena, `offset` bytes behind where any access may begin; null where there is no room.
Region* take_region(long long size, int index, bool is_threadgroup, bool is_writable, bool has_value,
                    const char* name = nullptr, int offset = 0);
bool make_arena(const Launch& launch);
void clear_threadgroup_memory();
void free_memory();

// What the accesses to regions come to.
void sum_up();

// While it is on, wild accesses and loops without an end are findings.
void guard(bool is_on);

}  // namespace emu

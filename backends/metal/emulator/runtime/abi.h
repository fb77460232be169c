// What a compiled shader, the runtime that executes it and the Python side agree on.
#pragma once

namespace emu {

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

constexpr int kBuffers = 31;
constexpr int kSimdLanes = 32;
constexpr int kQuadLanes = 4;
constexpr int kMostThreads = 1024;
constexpr long long kMostThreadgroupBytes = 32 << 10;
constexpr int kSlotBytes = 16;
constexpr long long kStackBytes = 256 << 10;

// What a kernel's parameter is bound to: a buffer, threadgroup memory, or a position below.
enum SlotKind : int { kBuffer, kThreadgroup, kPosition };

// Indices into Thread::positions; `slots.py` names the attributes in this order.
enum Position : int {
  kThreadInGrid, kThreadInGroup, kThreadIndexInGroup, kGroupInGrid, kGroupsPerGrid, kThreadsPerGroup,
  kThreadsPerGrid, kSimdWidth, kSimdIndex, kLaneIndex, kSimdsPerGroup, kDispatchThreadsPerGroup,
  kQuadIndex, kQuadLane, kDispatchSimdsPerGroup, kQuadsPerGroup, kPositions
};

struct Slot {
  int kind;
  int index;
  int is_writable;
  const char* name;
  const bool* condition;  // the function constant that the parameter depends on; null: none
};

// All that one thread's parameters are read from.
struct Thread {
  void* const* buffers;
  void* const* threadgroup;
  u32 positions[kPositions][3];
};

// A function constant that a kernel reads whatever it asks: a launch must set it.
struct NeededConstant {
  int index;
  const char* name;
};

// What a kernel asks of a launch besides its parameters; `most_threads` is 0 where it says nothing.
struct Needs {
  int most_threads;
  int constant_count;
  const NeededConstant* constants;
};

// A kernel that a shader defines; `call` invokes `function` with parameters from a thread.
struct Kernel {
  const char* name;
  void (*call)(void* function, const Thread& thread, const Slot* slots);
  void* function;
  const Slot* slots;
  int slot_count;
  Needs needs;
  Kernel* next;
};

// What a function constant holds; `native.py` names the kinds in this order.
enum ConstantKind : int { kVector, kBoolean, kSigned, kUnsigned, kReal };

// A function constant that a shader declares.
struct ConstantDeclared {
  int index;
  int kind;
  int size;
  const char* name;
  ConstantDeclared* next;
};

struct Constant {
  int index;
  double real;
  long long whole;
};

// One for each threadgroup variable of the shader, with the place that a run gave it.
struct SharedKey {
  u64 run;
  void* place;
};

enum Access : int { kRead = 0, kWrite = 1, kAtomic = 2 };

// What a finding's region is; the index is that of the buffer or argument.
enum Memory : int { kNoMemory, kBufferMemory, kThreadgroupArgument, kThreadgroupVariable };

enum ReportKind : int {
  kRace, kGroupRace, kDivergence, kOutOfBounds, kMisaligned, kUninitialised, kConstantWrite, kForeignStack,
  kArithmetic, kCrash, kEndless, kRefused
};

// Where code stands: a return address, from the shader's first byte on, and a node of the call tree.
struct Site {
  u32 pc;  // 0: nowhere
  u32 path;
};

// One side of a finding: who touched the memory, how and where.
struct Party {
  Site site;
  u32 group;
  u32 thread;
  int access;
};

struct Report {
  int kind;
  int memory;
  int index;
  long long offset;
  int size;
  int count;
  Party now;
  Party before;
  char note[96];
};

struct Buffer {
  void* data;
  long long size;
  int is_writable;
  int is_initialised;
  int index;
  int offset;  // bytes from where any access may begin to the buffer
};

struct Launch {
  const Kernel* kernel;
  void (*initialise)();  // sets what depends on function constants, or constructs; may be null
  const Buffer* buffers;
  int buffer_count;
  int threadgroup_bytes[kBuffers];
  u32 groups[3];
  u32 threads[3];
  u32 total[3];  // threads of the whole grid; the last groups may be partial
  int order;     // 0 ascending, 1 descending, 2 random
  int reduction; // 0 pairwise, 1 in lane order
  int is_counted;  // whether bytes are told apart, for Traffic
  int is_flushing; // denormal floats count as zero
  u64 seed;
  u64 most_accesses;
};

struct Counts {
  u64 device_reads, device_writes, threadgroup_reads, threadgroup_writes, atomics, barriers, simd_operations;
  u64 device_bytes_read, device_bytes_written, threadgroup_bytes, private_accesses, threads;
};

// What became of one buffer's bytes. `by_groups` counts a byte once for each threadgroup that touches it.
struct Traffic {
  int index;
  u64 read, written, distinct_read, distinct_written, read_by_groups, written_by_groups;
};

}  // namespace emu

extern "C" {
// Waits until every thread of the simdgroup has brought `value`; slots of 16 bytes, one a lane.
void* emu_exchange(const void* value, int size, const char* operation, const void* site);
// The same for the quadgroup.
void* emu_exchange_in_quad(const void* value, int size, const char* operation, const void* site);
// Whether this lane is the first to ask since the latest exchange: it works out what all lanes share.
int emu_is_first_asked();
emu::u32 emu_active_lanes();
emu::u32 emu_active_lanes_of_quad();
int emu_lane();
int emu_reduction();
void emu_threadgroup_barrier(int flags, const void* site);
void emu_simdgroup_barrier(int flags, const void* site);
void emu_atomic(const void* at, int size, int reads, int writes, const void* site);
// Where the threadgroup variable that `key` stands for lives in this run.
void* emu_share(emu::SharedKey* key, long long size, const char* name);
void emu_fail(const char* what, const void* site);
// A pointer to a structure of `size` bytes was made of an address that its type does not allow.
void emu_misaligned(const void* at, long long size);
const emu::Constant* emu_constant(int index);
// A constant that this launch sets no value of; and, behind the work on another one, what that comes to.
void emu_unset(const void* at, long long size, const char* name);
void emu_derived(const void* at, long long size);
}

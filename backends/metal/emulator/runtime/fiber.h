// Switching between stacks: callee-saved registers are kept on the stack that is left. x86-64, System V.
#pragma once

#include <sys/mman.h>

#include "abi.h"

extern "C" void emu_switch(void** leave, void* enter);

namespace emu {

constexpr long long kGuardBytes = 4096;

// The stacks' tops lie apart by more than their distance, or all would share a few lines of the cache.
constexpr long long kStagger = 4096 + 64 * 13;

// A thread's stack whose first switch calls `run`, which must not return. Its guard page stays unmapped.
inline void* start_fiber(char* stacks, int number, void (*run)()) {
  char* const end = stacks + (number + 1) * kStackBytes - number * kStagger % (kStackBytes / 2);
  void** top = reinterpret_cast<void**>(end);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(run);
  for (int saved = 0; saved < 6; ++saved) *--top = nullptr;
  return top;
}

// Address space for the stacks of one threadgroup; pages are taken as they are used.
inline char* reserve_stacks() {
  const long long size = kMostThreads * kStackBytes;
  void* made = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED) return nullptr;
  for (int n = 0; n < kMostThreads; ++n) mprotect(static_cast<char*>(made) + n * kStackBytes, kGuardBytes, PROT_NONE);
  return static_cast<char*>(made);
}

}  // namespace emu

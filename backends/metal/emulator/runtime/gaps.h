// Whether an access is to no variable, but to a gap between two.
#pragma once

#include "abi.h"

namespace emu {

constexpr int kGrain = 8;  // bytes of a mark
constexpr long long kMarkedBytes = kMostThreads * kStackBytes / kGrain;

extern u8* stack_marks;  // of all stacks

bool reserve_stack_marks();
// After a run that left its functions early.
void clear_stack_marks();
bool is_in_gap(const u8* marks, long long offset, long long size);
bool is_in_table_gap(const char* at, long long size);

// Whether `size` bytes, up to 16, are all of one variable or more, as most are that shaders touch.
inline bool is_plain(const u8* marks, u64 offset, u64 size) {
  return (marks[offset / kGrain] | marks[(offset + size - 1) / kGrain]) == 0;
}

}  // namespace emu

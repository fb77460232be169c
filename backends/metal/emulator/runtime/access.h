// Every access of a shader comes by here: bounds, alignment, values that were never written, and races.
//
// What most accesses are is decided here, in line; memory.cpp has the rest.
#pragma once

#include "state.h"

namespace emu {

// Reports an access that is not inside of a region, and leaves; returns where nothing is wrong with it.
void touch_elsewhere(Region* region, const char* at, long long size, const Touch& how, const void* pc);
void report_uninitialised(Region& region, long long offset, long long size, const Party& now);
void visit_granules(Region& region, long long offset, long long size, const Visitor& now);
void mark_seen(Region& region, long long offset, long long size, int access);

inline Region* region_at(const char* at) {
  const u64 place = u64(at - state.arena.base);
  const u64 number = place >> state.arena.room_bits;
  return number < u64(state.region_count) ? &state.regions[number] : nullptr;
}

inline void check_values(Region& region, long long offset, long long size, const Touch& how, const void* pc) {
  u8* const has_value = region.has_value + offset;
  if (how.reads)
    for (long long n = 0; n < size; ++n)
      if (!has_value[n]) {
        report_uninitialised(region, offset, size, here(site_at(pc), how.access));
        break;
      }
  if (how.writes) memset(has_value, 1, size);
}

inline void check_races(Region& region, long long offset, long long size, int access, const void* pc) {
  const int memory = region.is_threadgroup;
  Visitor now = {{}, state.tag, state.thread, {state.epochs[memory], 0}, access, state.first_tag, region.is_threadgroup};
  if (access == kRead && region.cells != nullptr && size == region.granule && offset % size == 0 &&
      needs_no_record(region.cells[offset / size], now))
    return;
  now.site = site_at(pc);
  now.clock.simd_epoch = state.simdgroups[now.thread / kSimdLanes].epochs[memory];
  if (region.owners != nullptr && size == region.granule && offset % size == 0 &&
      visit_owned(region.owners[offset / size], now))
    return;
  visit_granules(region, offset, size, now);
}

inline void touch(const char* at, long long size, const Touch& how, const void* pc) {
  if (state.accesses_left-- == 0)
    fail(kEndless, nullptr, 0, 0, here(site_at(pc), how.access), "more accesses than the run allows");
  Region* const found = region_at(at);
  if (found == nullptr || at < found->base || at + size > found->base + found->size ||
      (how.writes && !found->is_writable))
    return touch_elsewhere(found, at, size, how, pc);
  Region& region = *found;
  const long long offset = at - region.base;
  if (how.is_aligned && (u64(at) & u64(size - 1)) != 0)
    report(kMisaligned, &region, offset, int(size), here(site_at(pc), how.access), {}, nullptr);
  if (region.has_value != nullptr) check_values(region, offset, size, how, pc);
  if (region.is_writable) check_races(region, offset, size, how.access, pc);
  ++region.accesses[how.access];
  region.bytes[how.access] += u64(size);
  if (region.seen.read != nullptr) mark_seen(region, offset, size, how.access);
}

}  // namespace emu

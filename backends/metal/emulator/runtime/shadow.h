// What is known of every byte of a buffer: whether it holds a value, and who touched it last.
//
// Bytes are kept in granules as large as the smallest access so far; a smaller one splits all granules of
// the region, which loses nothing, since every access before covered whole granules.
//
// Within a threadgroup two accesses are ordered if one thread makes both, or a barrier that names the memory
// lies between: the threadgroup's, or the simdgroup's for two of its threads. So of each kind two records
// suffice, from two simdgroups where there are such: whoever comes later conflicts with one of them if with
// any. Threadgroups are never ordered, so of earlier ones a record of each kind is enough.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "abi.h"

namespace emu {

struct Clock {
  u32 group_epoch;
  u32 simd_epoch;
};

struct Stamp {
  u32 site;  // 0: none
  u32 thread;
  Clock clock;
};

struct EarlierStamp {
  u32 site;
  u32 thread;
  u32 group;
};

struct Cell {
  u32 group;
  Stamp reads[2], atomics[2], write;
  EarlierStamp earlier[3];  // by Access
};

struct Region {
  char* base;
  long long size;
  long long gap;  // bytes on either side that belong to nothing else
  int index;
  bool is_threadgroup, is_writable, is_atomic_only;
  const char* name;
  u8* has_value;
  Cell* cells;
  int granule;
  u64 bytes_read, bytes_written;
};

struct Visitor {
  u32 site, group, thread;
  Clock clock;
  int access;
};

inline bool are_ordered(const Stamp& before, const Visitor& now) {
  if (before.thread == now.thread || before.clock.group_epoch != now.clock.group_epoch) return true;
  return before.thread / kSimdLanes == now.thread / kSimdLanes && before.clock.simd_epoch < now.clock.simd_epoch;
}

inline bool is_stale(const Stamp& stamp, const Visitor& now) {
  return stamp.site == 0 || stamp.clock.group_epoch != now.clock.group_epoch;
}

// Keeps a stamp of the visitor beside one of another simdgroup, else of another thread.
inline void keep(Stamp (&stamps)[2], const Visitor& now) {
  const Stamp mine = {now.site, now.thread, now.clock};
  if (is_stale(stamps[0], now) || stamps[0].thread == now.thread) {
    stamps[0] = mine;
  } else if (is_stale(stamps[1], now) || stamps[1].thread == now.thread) {
    stamps[1] = mine;
  } else if (stamps[0].thread / kSimdLanes == now.thread / kSimdLanes) {
    stamps[0] = mine;
  } else {
    stamps[1] = mine;
  }
}

inline void leave(EarlierStamp& earlier, const Stamp& stamp, u32 group) {
  if (stamp.site != 0) earlier = {stamp.site, stamp.thread, group};
}

// The first access of another threadgroup: what was the current one's becomes an earlier one's.
inline void turn_over(Cell& cell, u32 group) {
  leave(cell.earlier[kRead], cell.reads[0], cell.group);
  leave(cell.earlier[kAtomic], cell.atomics[0], cell.group);
  leave(cell.earlier[kWrite], cell.write, cell.group);
  memset(static_cast<void*>(cell.reads), 0, sizeof cell.reads + sizeof cell.atomics + sizeof cell.write);
  cell.group = group;
}

inline bool conflict(int a, int b) {
  if (a == kAtomic && b == kAtomic) return false;
  return a != kRead || b != kRead;
}

struct Conflict {
  bool is_found, is_between_groups;
  Party before;
};

inline Conflict find_conflict(const Cell& cell, const Visitor& now) {
  const struct { const Stamp& stamp; int access; } stamps[] = {
      {cell.write, kWrite}, {cell.atomics[0], kAtomic}, {cell.atomics[1], kAtomic},
      {cell.reads[0], kRead}, {cell.reads[1], kRead}};
  for (const auto& [stamp, access] : stamps)
    if (stamp.site != 0 && conflict(access, now.access) && !are_ordered(stamp, now))
      return {true, false, {stamp.site, now.group, stamp.thread, access}};
  constexpr int kinds[] = {kWrite, kAtomic, kRead};
  for (int access : kinds) {
    const EarlierStamp& stamp = cell.earlier[access];
    if (stamp.site != 0 && conflict(access, now.access))
      return {true, true, {stamp.site, stamp.group, stamp.thread, access}};
  }
  return {false, false, {}};
}

// Records the visit; what it conflicts with, if anything.
inline Conflict visit(Cell& cell, const Visitor& now) {
  if (cell.group != now.group) turn_over(cell, now.group);
  const Conflict found = find_conflict(cell, now);
  if (now.access == kRead) keep(cell.reads, now);
  if (now.access == kAtomic) keep(cell.atomics, now);
  if (now.access == kWrite) cell.write = {now.site, now.thread, now.clock};
  return found;
}

inline void make_cells(Region& region, int granule) {
  region.granule = granule;
  region.cells = static_cast<Cell*>(calloc(region.size / granule + 2, sizeof(Cell)));
}

inline void split(Region& region, int granule) {
  const Cell* old = region.cells;
  const int parts = region.granule / granule;
  const long long count = region.size / region.granule + 1;
  make_cells(region, granule);
  for (long long n = 0; n < count * parts && n <= region.size / granule; ++n) region.cells[n] = old[n / parts];
  free(const_cast<Cell*>(old));
}

// Splits granules until [offset, offset + size) covers whole ones.
inline void fit_granule(Region& region, long long offset, long long size) {
  int granule = region.granule;
  while (granule > 1 && (offset | size) % granule != 0) granule /= 2;
  if (granule != region.granule) split(region, granule);
}

}  // namespace emu

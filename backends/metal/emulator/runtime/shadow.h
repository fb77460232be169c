// What is known of every byte of writable memory: who touched it last, so that races show.
//
// Bytes are kept in granules as large as the first access; a smaller one splits all granules of the region,
// which loses nothing, since every access before covered whole granules.
//
// Within a threadgroup two accesses are ordered if one thread makes both, or a barrier that names the memory
// lies between: the threadgroup's, or the simdgroup's for two of its threads. So of each kind two records
// suffice, from two simdgroups where there are such: whoever comes later conflicts with one of them if with
// any. Threadgroups are never ordered, so of earlier ones a record of each kind is enough.
//
// Records carry a tag, which no other threadgroup of this or another run has, so none has to be cleared.
#pragma once

#include <string.h>

#include "abi.h"

namespace emu {

struct Clock {
  u32 group_epoch;
  u32 simd_epoch;
};

struct Stamp {
  Site site;
  u32 thread;
  Clock clock;
};

struct EarlierStamp {
  Site site;
  u32 thread;
  u32 tag;
};

// All that was done to a granule. `settled`: the epoch in which reads need no record any more.
struct Cell {
  u32 tag;
  u32 settled;
  Stamp reads[2], atomics[2], write;
  EarlierStamp earlier[3];  // by Access
};

// A granule of device memory that one thread alone has touched, or the number of its cell.
struct Owner {
  u32 tag;
  unsigned short thread;
  bool is_shared;
  u32 cell;
  Stamp stamps[2];  // kRead, kWrite
};

struct Visitor {
  Site site;
  u32 tag, thread;
  Clock clock;
  int access;
  u32 oldest_tag;  // of this run
  bool is_threadgroup;
};

struct Conflict {
  bool is_found, is_between_groups;
  Site site;
  u32 tag, thread;
  int access;
};

constexpr Conflict kNoConflict = {false, false, {0, 0}, 0, 0, 0};

inline bool are_ordered(const Stamp& before, const Visitor& now) {
  if (before.thread == now.thread || before.clock.group_epoch != now.clock.group_epoch) return true;
  return before.thread / kSimdLanes == now.thread / kSimdLanes && before.clock.simd_epoch < now.clock.simd_epoch;
}

inline bool is_stale(const Stamp& stamp, const Visitor& now) {
  return stamp.site.pc == 0 || stamp.clock.group_epoch != now.clock.group_epoch;
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

inline void leave(EarlierStamp& earlier, const Stamp& stamp, u32 tag) {
  if (stamp.site.pc != 0) earlier = {stamp.site, stamp.thread, tag};
}

// The first access of a threadgroup: what was another's of this run becomes an earlier one's.
inline void turn_over(Cell& cell, const Visitor& now) {
  if (cell.tag < now.oldest_tag || now.is_threadgroup) {
    cell = {};
  } else {
    leave(cell.earlier[kRead], cell.reads[0], cell.tag);
    leave(cell.earlier[kAtomic], cell.atomics[0], cell.tag);
    leave(cell.earlier[kWrite], cell.write, cell.tag);
    memset(static_cast<void*>(cell.reads), 0, sizeof cell.reads + sizeof cell.atomics + sizeof cell.write);
    cell.settled = 0;
  }
  cell.tag = now.tag;
}

inline bool conflict(int a, int b) {
  if (a == kAtomic && b == kAtomic) return false;
  return a != kRead || b != kRead;
}

inline Conflict find_conflict(const Cell& cell, const Visitor& now) {
  const struct { const Stamp& stamp; int access; } stamps[] = {
      {cell.write, kWrite}, {cell.atomics[0], kAtomic}, {cell.atomics[1], kAtomic},
      {cell.reads[0], kRead}, {cell.reads[1], kRead}};
  for (const auto& [stamp, access] : stamps)
    if (stamp.site.pc != 0 && conflict(access, now.access) && !are_ordered(stamp, now))
      return {true, false, stamp.site, now.tag, stamp.thread, access};
  constexpr int kinds[] = {kWrite, kAtomic, kRead};
  for (int access : kinds) {
    const EarlierStamp& stamp = cell.earlier[access];
    if (stamp.site.pc != 0 && conflict(access, now.access))
      return {true, true, stamp.site, stamp.tag, stamp.thread, access};
  }
  return kNoConflict;
}

// Nobody wrote in this epoch or before in another threadgroup, and two simdgroups have read: no reader
// that comes later can conflict, or tell a writer more than these do.
inline bool is_settled(const Cell& cell, const Visitor& now) {
  const bool is_read_by_two = !is_stale(cell.reads[0], now) && !is_stale(cell.reads[1], now) &&
                              cell.reads[0].thread / kSimdLanes != cell.reads[1].thread / kSimdLanes;
  const bool is_written = !is_stale(cell.write, now) || !is_stale(cell.atomics[0], now) || !is_stale(cell.atomics[1], now);
  return is_read_by_two && !is_written && cell.earlier[kWrite].site.pc == 0 && cell.earlier[kAtomic].site.pc == 0;
}

inline bool needs_no_record(const Cell& cell, const Visitor& now) {
  return now.access == kRead && cell.tag == now.tag && cell.settled == now.clock.group_epoch;
}

// Records the visit; what it conflicts with, if anything.
inline Conflict visit(Cell& cell, const Visitor& now) {
  if (cell.tag != now.tag) turn_over(cell, now);
  const Conflict found = find_conflict(cell, now);
  if (now.access == kRead) keep(cell.reads, now);
  if (now.access == kAtomic) keep(cell.atomics, now);
  if (now.access == kWrite) cell.write = {now.site, now.thread, now.clock};
  cell.settled = is_settled(cell, now) ? now.clock.group_epoch : 0;
  return found;
}

// The cell of a granule that a second thread comes to, with what the first did.
inline Cell as_cell(const Owner& owner) {
  Cell made = {};
  made.tag = owner.tag;
  made.reads[0] = owner.stamps[kRead];
  made.write = owner.stamps[kWrite];
  return made;
}

// Whether the owner alone has touched the granule still; the visit is recorded then.
inline bool visit_owned(Owner& owner, const Visitor& now) {
  const bool is_new = owner.tag < now.oldest_tag;
  if (now.access == kAtomic || (!is_new && (owner.is_shared || owner.tag != now.tag || owner.thread != now.thread)))
    return false;
  if (is_new) owner = {now.tag, (unsigned short)now.thread, false, 0, {}};
  owner.stamps[now.access] = {now.site, now.thread, now.clock};
  return true;
}

}  // namespace emu

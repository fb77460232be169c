// Where memory is, who may touch it, and what is reported of those who may not.
#include <stdio.h>
#include <stdlib.h>

#include "access.h"
#include "gaps.h"

namespace emu {

State state;

static int memory_of(const Region* region) {
  if (region == nullptr) return kNoMemory;
  if (!region->is_threadgroup) return kBufferMemory;
  return region->name == nullptr ? kThreadgroupArgument : kThreadgroupVariable;
}

static bool is_same(const Site& a, const Site& b) {
  return a.pc == b.pc && a.path == b.path;
}

void report(int kind, const Region* region, long long offset, int size, const Party& now, const Party& before,
            const char* note) {
  state.is_failed = true;
  for (int n = 0; n < state.report_count; ++n) {
    Report& known = state.reports[n];
    if (known.kind == kind && is_same(known.now.site, now.site) && is_same(known.before.site, before.site)) {
      ++known.count;
      return;
    }
  }
  if (state.report_count == kMostReports) return;
  Report& made = state.reports[state.report_count++];
  made = {kind, memory_of(region), region == nullptr ? 0 : region->index, offset, size, 1, now, before, {}};
  const char* text = note != nullptr ? note : region != nullptr && region->name != nullptr ? region->name : "";
  strncpy(made.note, text, sizeof made.note - 1);
}

void fail(int kind, const Region* region, long long offset, int size, const Party& now, const char* note) {
  report(kind, region, offset, size, now, {}, note);
  leave_kernel();
}

// ---- regions --------------------------------------------------------------------------------------

static u32* make_seen(long long size) {
  return static_cast<u32*>(calloc(size + 1, sizeof(u32)));
}

// Whether the arena has rooms of so many bits: address space alone, to which regions give memory.
static bool reserve_rooms(int bits) {
  const long long size = (long long)kMostRegions << bits;
  void* made = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED) return false;
  state.arena = {static_cast<char*>(made), size, bits};
  return true;
}

bool make_arena(const Launch& launch) {
  long long largest = 0;
  for (int n = 0; n < launch.buffer_count; ++n)
    if (launch.buffers[n].size > largest) largest = launch.buffers[n].size;
  for (int bits = kMostRoomBits; bits >= kLeastRoomBits && 4 * largest <= 1ll << bits; --bits)
    if (reserve_rooms(bits)) return true;
  return false;
}

Region* take_region(long long size, int index, bool is_threadgroup, bool is_writable, bool has_value,
                    const char* name, int offset) {
  if (state.region_count == kMostRegions) return nullptr;
  const long long room = 1ll << state.arena.room_bits;
  char* const at = state.arena.base + state.region_count * room + room / 2;
  if (offset + size > room / 2 || mprotect(at, offset + size + 1, PROT_READ | PROT_WRITE) != 0) return nullptr;
  Region& made = state.regions[state.region_count++];
  made = {};
  made.base = at + offset;
  made.size = size;
  made.index = index;
  made.is_threadgroup = is_threadgroup;
  made.is_writable = is_writable;
  made.name = name;
  if (!has_value) made.has_value = static_cast<u8*>(calloc(size + 1, 1));
  if (state.launch->is_counted && !is_threadgroup) made.seen = {make_seen(size), make_seen(size)};
  return &made;
}

void free_memory() {
  for (int n = 0; n < state.region_count; ++n) {
    free(state.regions[n].has_value);
    free(state.regions[n].seen.read);
    free(state.regions[n].seen.written);
  }
  state.region_count = 0;
  if (state.arena.base != nullptr) munmap(state.arena.base, state.arena.size);
  state.arena = {};
}

// A threadgroup's memory is its own: it starts without values. Its history has another tag.
void clear_threadgroup_memory() {
  for (int n = 0; n < state.region_count; ++n) {
    Region& region = state.regions[n];
    if (!region.is_threadgroup) continue;
    memset(region.base, 0xa5, region.size);
    memset(region.has_value, 0, region.size);
  }
}

// ---- accesses that are not to a region --------------------------------------------------------------

// The region that a wild address most likely missed: the one that ends or begins nearest.
static const Region* nearest_region(const char* at) {
  const Region* best = nullptr;
  long long least = 1ll << 40;
  for (int n = 0; n < state.region_count; ++n) {
    const Region& region = state.regions[n];
    const long long gap = at < region.base ? region.base - at : at - (region.base + region.size) + 1;
    if (gap < least) best = &region, least = gap;
  }
  return best;
}

// While constants are worked out, what depends on one that is not set is as little set as that; see emu_derived.
static void check_set(const char* at, long long size, const void* pc) {
  for (int n = 0; n < state.unset_count; ++n) {
    const Unset& unset = state.unset[n];
    if (at + size <= unset.at || at >= unset.at + unset.size) continue;
    state.unset_read = unset.name;
    if (state.is_initialising) return;
    char note[96];
    snprintf(note, sizeof note, "it reads function constant %s, which the launch does not set", unset.name);
    fail(kRefused, nullptr, 0, 0, here(site_at(pc), kRead), note);
  }
}

// Stacks and the shader's own tables are not tracked, only told apart from wild addresses.
static bool is_private(const char* at, long long size, const Touch& how, const void* pc) {
  const long long place = at - state.stacks;
  if (place >= 0 && place < kMostThreads * kStackBytes)
    fail(kForeignStack, nullptr, 0, int(size), here(site_at(pc), how.access), nullptr);
  if (at < state.image_begin || at + size > state.image_end) return false;
  if (how.reads) check_set(at, size, pc);
  if (is_in_table_gap(at, size))
    fail(kOutOfBounds, nullptr, 0, 0, here(site_at(pc), how.access), "a table of the shader");
  if (how.writes && !state.is_initialising)
    fail(kConstantWrite, nullptr, 0, int(size), here(site_at(pc), how.access), "a constant of the shader");
  return true;
}

void touch_elsewhere(Region* region, const char* at, long long size, const Touch& how, const void* pc) {
  if (region == nullptr && is_private(at, size, how, pc)) return;
  const Party now = here(site_at(pc), how.access);
  const bool is_inside = region != nullptr && at >= region->base && at + size <= region->base + region->size;
  const Region* near = region != nullptr ? region : nearest_region(at);
  const long long offset = near == nullptr ? 0 : at - near->base;
  fail(is_inside ? kConstantWrite : kOutOfBounds, near, offset, int(size), now, nullptr);
}

void report_uninitialised(Region& region, long long offset, long long size, const Party& now) {
  long long first = offset;
  while (region.has_value[first]) ++first;
  report(kUninitialised, &region, first, int(size), now, {}, nullptr);
}

// ---- races ------------------------------------------------------------------------------------------

[[noreturn]] static void fail_for_memory(const Visitor& now) {
  fail(kRefused, nullptr, 0, 0, here(now.site, now.access), "no memory is left to check so large a buffer with");
}

static void make_records(Region& region, int granule, const Visitor& now) {
  const long long count = region.size / granule + 1;
  region.granule = granule;
  region.owners = region.is_threadgroup ? nullptr : state.owners.take(count);
  region.cells = region.is_threadgroup ? state.cells.take(count) : nullptr;
  if (region.owners == nullptr && region.cells == nullptr) fail_for_memory(now);
}

static Cell& cell_of(Owner& owner, const Visitor& now) {
  if (owner.is_shared) return state.cells[owner.cell];
  Cell* const made = state.cells.take(1);
  if (made == nullptr) fail_for_memory(now);
  *made = as_cell(owner);
  owner.is_shared = true;
  owner.cell = state.cells.number_of(made);
  return *made;
}

// A granule's parts get what it had; a cell is copied, since the parts go apart from here.
static Owner part_of(const Owner& owner, const Visitor& now) {
  Owner part = owner;
  if (owner.tag < now.oldest_tag || !owner.is_shared) return part;
  Cell* const made = state.cells.take(1);
  if (made == nullptr) fail_for_memory(now);
  *made = state.cells[owner.cell];
  part.cell = state.cells.number_of(made);
  return part;
}

static void split(Region& region, int granule, const Visitor& now) {
  const Region old = region;
  const int parts = old.granule / granule;
  make_records(region, granule, now);
  for (long long n = 0; n <= region.size / granule; ++n) {
    if (region.owners != nullptr) region.owners[n] = part_of(old.owners[n / parts], now);
    else region.cells[n] = old.cells[n / parts];
  }
}

// Makes granules so small that [offset, offset + size) covers whole ones.
static void fit_granule(Region& region, long long offset, long long size, const Visitor& now) {
  int granule = region.granule == 0 ? 16 : region.granule;
  while (granule > 1 && (offset | size) % granule != 0) granule /= 2;
  if (region.granule == 0) make_records(region, granule, now);
  else if (granule != region.granule) split(region, granule, now);
}

static void visit_granule(Region& region, long long number, const Visitor& now) {
  if (region.owners != nullptr && visit_owned(region.owners[number], now)) return;
  if (region.owners != nullptr && region.owners[number].tag < now.oldest_tag) region.owners[number] = {now.tag, 0, false, 0, {}};
  Cell& cell = region.owners != nullptr ? cell_of(region.owners[number], now) : region.cells[number];
  const Conflict found = visit(cell, now);
  if (!found.is_found) return;
  const Party before = {found.site, found.tag - state.first_tag, found.thread, found.access};
  report(found.is_between_groups ? kGroupRace : kRace, &region, number * region.granule, region.granule,
         here(now.site, now.access), before, nullptr);
}

void visit_granules(Region& region, long long offset, long long size, const Visitor& now) {
  fit_granule(region, offset, size, now);
  for (long long n = offset / region.granule; n < (offset + size) / region.granule; ++n) visit_granule(region, n, now);
}

// ---- counts -----------------------------------------------------------------------------------------

static void mark(u32* seen, long long size, u64& distinct, u64& by_groups) {
  for (long long n = 0; n < size; ++n) {
    distinct += seen[n] == 0;
    by_groups += seen[n] != state.tag;
    seen[n] = state.tag;
  }
}

void mark_seen(Region& region, long long offset, long long size, int access) {
  Traffic& traffic = region.traffic;
  if (access != kWrite) mark(region.seen.read + offset, size, traffic.distinct_read, traffic.read_by_groups);
  if (access != kRead) mark(region.seen.written + offset, size, traffic.distinct_written, traffic.written_by_groups);
}

static void sum_up_buffer(const Region& region) {
  Counts& counts = state.counts;
  counts.device_reads += region.accesses[kRead];
  counts.device_writes += region.accesses[kWrite];
  counts.device_bytes_read += region.bytes[kRead];
  counts.device_bytes_written += region.bytes[kWrite];
  Traffic& traffic = state.traffic[state.traffic_count++];
  traffic = region.traffic;
  traffic.index = region.index;
  traffic.read = region.bytes[kRead] + region.bytes[kAtomic];
  traffic.written = region.bytes[kWrite] + region.bytes[kAtomic];
}

void sum_up() {
  Counts& counts = state.counts;
  state.traffic_count = 0;
  for (int n = 0; n < state.region_count; ++n) {
    const Region& region = state.regions[n];
    counts.atomics += region.accesses[kAtomic];
    if (!region.is_threadgroup) {
      sum_up_buffer(region);
      continue;
    }
    counts.threadgroup_reads += region.accesses[kRead];
    counts.threadgroup_writes += region.accesses[kWrite];
    counts.threadgroup_bytes += u64(region.size);
  }
  counts.private_accesses = state.private_accesses;
}

}  // namespace emu

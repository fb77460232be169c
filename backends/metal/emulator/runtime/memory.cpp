// Every access of a shader comes by here: bounds, alignment, values that were never written, and races.
#include "state.h"

namespace emu {

State state;

Party here(u32 site, int access) {
  return {site, state.group, u32(state.current - state.fibers), access};
}

u32 site_at(const void* pc) {
  const Fiber& fiber = *state.current;
  const u32 parent = fiber.depth == 0 ? 0 : fiber.frames[(fiber.depth - 1) % kMostFrames];
  return state.calls.child(parent, reinterpret_cast<u64>(pc));
}

static int memory_of(const Region* region) {
  if (region == nullptr) return kNoMemory;
  if (!region->is_threadgroup) return kBufferMemory;
  return region->name == nullptr ? kThreadgroupArgument : kThreadgroupVariable;
}

void report(int kind, const Region* region, long long offset, int size, const Party& now, const Party& before,
            const char* note) {
  state.is_failed = true;
  for (int n = 0; n < state.report_count; ++n) {
    Report& known = state.reports[n];
    if (known.kind == kind && known.now.site == now.site && known.before.site == before.site) {
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

Region* add_region(void* base, long long size, int index, bool is_threadgroup, bool is_writable, bool has_value,
                   const char* name) {
  if (state.region_count == kMostRegions) return nullptr;
  Region& made = state.regions[state.region_count++];
  made = {static_cast<char*>(base), size, 0, index, is_threadgroup, is_writable, false, name, nullptr, nullptr, 16, 0, 0};
  if (!has_value) made.has_value = static_cast<u8*>(calloc(size + 1, 1));
  make_cells(made, 16);
  return &made;
}

void free_regions() {
  for (int n = 0; n < state.region_count; ++n) {
    free(state.regions[n].has_value);
    free(state.regions[n].cells);
  }
  state.region_count = 0;
  state.latest = nullptr;
}

// A threadgroup's memory is its own: it starts without values and without history.
void clear_threadgroup_memory() {
  for (int n = 0; n < state.region_count; ++n) {
    Region& region = state.regions[n];
    if (!region.is_threadgroup) continue;
    memset(region.base, 0xa5, region.size);
    memset(region.has_value, 0, region.size);
    memset(static_cast<void*>(region.cells), 0, (region.size / region.granule + 2) * sizeof(Cell));
  }
}

static bool holds(const Region& region, const char* at) {
  return at >= region.base - region.gap && at < region.base + region.size + region.gap;
}

static Region* find_region(const char* at) {
  if (state.latest != nullptr && holds(*state.latest, at)) return state.latest;
  for (int n = 0; n < state.region_count; ++n)
    if (holds(state.regions[n], at)) return state.latest = &state.regions[n];
  return nullptr;
}

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

// Stacks and the shader's own tables are not tracked, only told apart from wild addresses.
static bool is_private(const char* at, long long size, const Touch& how, const void* pc) {
  const long long place = at - state.stacks;
  if (place >= 0 && place < kMostThreads * kStackBytes) {
    if (place / kStackBytes != state.current - state.fibers)
      fail(kForeignStack, nullptr, 0, int(size), here(site_at(pc), how.access), nullptr);
    return true;
  }
  if (at < state.image_begin || at + size > state.image_end) return false;
  if (how.writes && !state.is_initialising)
    fail(kConstantWrite, nullptr, 0, int(size), here(site_at(pc), how.access), "a constant of the shader");
  return true;
}

static void check_values(Region& region, long long offset, long long size, const Party& now) {
  if (region.has_value == nullptr) return;
  for (long long n = offset; n < offset + size; ++n) {
    if (region.has_value[n]) continue;
    report(kUninitialised, &region, n, int(size), now, {}, nullptr);
    return;
  }
}

static void check_races(Region& region, long long offset, long long size, const Party& now) {
  fit_granule(region, offset, size);
  const int memory = region.is_threadgroup;
  const Clock clock = {state.epochs[memory], state.simdgroups[now.thread / kSimdLanes].epochs[memory]};
  const Visitor visitor = {now.site, now.group, now.thread, clock, now.access};
  for (long long n = offset / region.granule; n < (offset + size) / region.granule; ++n) {
    const Conflict found = visit(region.cells[n], visitor);
    if (!found.is_found) continue;
    const int kind = found.is_between_groups ? kGroupRace : kRace;
    report(kind, &region, n * region.granule, region.granule, now, found.before, nullptr);
  }
}

static void count(Region& region, long long size, int access) {
  Counts& counts = state.counts;
  if (access == kAtomic) {
    ++counts.atomics;
  } else if (region.is_threadgroup) {
    ++(access == kRead ? counts.threadgroup_reads : counts.threadgroup_writes);
  } else {
    ++(access == kRead ? counts.device_reads : counts.device_writes);
    (access == kRead ? counts.device_bytes_read : counts.device_bytes_written) += size;
  }
}

void touch(const void* pointer, long long size, const Touch& how, const void* pc) {
  const char* at = static_cast<const char*>(pointer);
  if (++state.accesses > state.launch->most_accesses)
    fail(kEndless, nullptr, 0, 0, here(site_at(pc), how.access), "more accesses than the run allows");
  Region* region = find_region(at);
  if (region == nullptr && is_private(at, size, how, pc)) return;
  const Party now = here(site_at(pc), how.access);
  if (region == nullptr || at < region->base || at + size > region->base + region->size) {
    const Region* near = region != nullptr ? region : nearest_region(at);
    fail(kOutOfBounds, near, near == nullptr ? 0 : at - near->base, int(size), now, nullptr);
  }
  const long long offset = at - region->base;
  if (how.is_aligned && reinterpret_cast<u64>(at) % size != 0)
    report(kMisaligned, region, offset, int(size), now, {}, nullptr);
  if (how.writes && !region->is_writable) fail(kConstantWrite, region, offset, int(size), now, nullptr);
  if (how.reads) check_values(*region, offset, size, now);
  if (how.writes && region->has_value != nullptr) memset(region->has_value + offset, 1, size);
  check_races(*region, offset, size, now);
  count(*region, size, how.access);
}

}  // namespace emu

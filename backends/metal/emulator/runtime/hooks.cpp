// The functions that instrumented code calls, under the names that the compiler gives them.
#include <stdio.h>

#include "access.h"
#include "gaps.h"

using namespace emu;

#define EMU_CALLER __builtin_return_address(0)

[[noreturn]] static void refuse_memory(const Party& now) {
  char note[96];
  snprintf(note, sizeof note, "its threadgroup memory comes to %lld bytes; Metal has %lld", state.shared_bytes,
           kMostThreadgroupBytes);
  fail(kRefused, nullptr, 0, 0, now, note);
}

static __attribute__((noinline)) void check_own(const char* place, long long size, const Touch& how, const void* pc) {
  if (is_in_gap(state.own_marks, place - state.own_stack, size))
    fail(kOutOfBounds, nullptr, 0, 0, here(site_at(pc), how.access), "a variable of the thread");
}

// Most accesses are to the thread's own stack, which is not tracked.
static inline __attribute__((always_inline)) void on_access(const void* at, unsigned long size, const Touch& how, const void* pc) {
  if (!state.is_running) return;
  const char* const place = static_cast<const char*>(at);
  const u64 offset = u64(place - state.own_stack);
  if (offset < u64(kStackBytes)) {
    ++state.private_accesses;
    if (size <= 16 && is_plain(state.own_marks, offset, size)) return;
    return check_own(place, (long long)size, how, pc);
  }
  touch(place, (long long)size, how, pc);
}

static int loose_kept() {
  return state.loose_count < kMostLoose ? int(state.loose_count) : kMostLoose;
}

// A structure that is copied whole, at one of the addresses that pointers to it were wrongly made of, or so many
// whole ones from there.
static void check_copy(const char* at, long long size, const Touch& how, const void* pc) {
  const Region* const region = region_at(at);
  for (int n = 0; n < loose_kept(); ++n) {
    const Loose& loose = state.loose[n];
    if (loose.size != size || (at - loose.at) % size != 0 || region != region_at(loose.at) || region == nullptr) continue;
    return report(kMisaligned, region, at - region->base, int(size), here(site_at(pc), how.access), {}, nullptr);
  }
}

static void on_range(const void* at, unsigned long size, const Touch& how, const void* pc) {
  if (size == 0) return;
  if (state.loose_count > 0 && state.is_running) check_copy(static_cast<const char*>(at), (long long)size, how, pc);
  on_access(at, size, how, pc);
}

// A `__tsan_unaligned_` access is one that the type promises no alignment for, as of a packed vector.
#define EMU_ACCESS(size)                                                                            \
  void __tsan_read##size(void* at) { on_access(at, size, kPlainRead, EMU_CALLER); }                 \
  void __tsan_write##size(void* at) { on_access(at, size, kPlainWrite, EMU_CALLER); }               \
  void __tsan_unaligned_read##size(void* at) { on_access(at, size, kLooseRead, EMU_CALLER); }       \
  void __tsan_unaligned_write##size(void* at) { on_access(at, size, kLooseWrite, EMU_CALLER); }

extern "C" {

void __tsan_init() {}

void __tsan_func_entry(void* caller) {
  if (!state.is_running) return;
  Calls& calls = *state.calls;
  if (calls.depth >= Calls::kMost) fail(kEndless, nullptr, 0, 0, here(site_at(caller), kRead), "calls nest too deep");
  calls.callers[calls.depth++] = u32(static_cast<char*>(caller) - state.image_begin);
}

void __tsan_func_exit() {
  if (!state.is_running) return;
  Calls& calls = *state.calls;
  if (calls.depth > 0) --calls.depth;
  if (calls.known > calls.depth) calls.known = calls.depth;
}

EMU_ACCESS(1)
EMU_ACCESS(2)
EMU_ACCESS(4)
EMU_ACCESS(8)
EMU_ACCESS(16)

void* __tsan_memcpy(void* to, const void* from, unsigned long size) {
  on_range(from, size, kLooseRead, EMU_CALLER);
  on_range(to, size, kLooseWrite, EMU_CALLER);
  return memcpy(to, from, size);
}

void* __tsan_memmove(void* to, const void* from, unsigned long size) {
  on_range(from, size, kLooseRead, EMU_CALLER);
  on_range(to, size, kLooseWrite, EMU_CALLER);
  return memmove(to, from, size);
}

void* __tsan_memset(void* to, int value, unsigned long size) {
  on_range(to, size, kLooseWrite, EMU_CALLER);
  return memset(to, value, size);
}

void emu_atomic(const void* at, int size, int reads, int writes, const void* site) {
  on_access(at, size, {kAtomic, true, reads != 0, writes != 0}, site);
}

void* emu_share(SharedKey* key, long long size, const char* name) {
  if (key->run == state.run) return key->place;
  Region* const made = take_region(size, -1, true, true, false, name);
  const Party now = here(site_at(EMU_CALLER), kRead);
  if (made == nullptr) fail(kRefused, nullptr, 0, 0, now, "more threadgroup variables than the emulator has room for");
  state.shared_bytes += size;
  if (state.shared_bytes > kMostThreadgroupBytes) refuse_memory(now);
  memset(made->base, 0xa5, size);
  *key = {state.run, made->base};
  return made->base;
}

void emu_misaligned(const void* at, long long size) {
  const char* const place = static_cast<const char*>(at);
  for (int n = 0; n < loose_kept(); ++n)
    if (state.loose[n].at == place && state.loose[n].size == size) return;
  state.loose[state.loose_count++ % kMostLoose] = {place, size};
}

void emu_fail(const char* what, const void* site) {
  fail(kArithmetic, nullptr, 0, 0, here(site_at(site), kRead), what);
}

// What the compiler checks besides: no offsets are looked at, since the site names the line.
void __ubsan_handle_out_of_bounds_abort(void*, void*) {
  fail(kOutOfBounds, nullptr, 0, 0, here(site_at(EMU_CALLER), kRead), "an array of the shader");
}

void __ubsan_handle_divrem_overflow_abort(void*, void*, void*) {
  fail(kArithmetic, nullptr, 0, 0, here(site_at(EMU_CALLER), kRead), "integer division by zero, or of the least number by -1");
}

void __ubsan_handle_shift_out_of_bounds_abort(void*, void*, void*) {
  fail(kArithmetic, nullptr, 0, 0, here(site_at(EMU_CALLER), kRead), "a shift by the width of the number or more");
}

void __ubsan_handle_float_cast_overflow_abort(void*, void*) {
  fail(kArithmetic, nullptr, 0, 0, here(site_at(EMU_CALLER), kRead), "a float outside of the integer type that it is cast to");
}

}  // extern "C"

// Gaps between a thread's variables, and between the tables of a shader. The compiler's address sanitizer leaves
// them, and writes down for each 8 bytes how many of them are a variable's: 0 all, 1 to 7 so many, else none.
#include <stdlib.h>

#include "gaps.h"
#include "state.h"

using namespace emu;

// Where the sanitizer's code finds the mark of an address: there and an eighth of the address.
extern "C" u64 __asan_shadow_memory_dynamic_address;
u64 __asan_shadow_memory_dynamic_address;

namespace emu {

constexpr u8 kNothing = 0xff;

// The marks of one shader's tables.
struct Image {
  const char* begin;
  u8* marks;
  long long size;
};

static Image* images;
static int image_count;
u8* stack_marks;

bool reserve_stack_marks() {
  if (stack_marks != nullptr) return true;
  void* made = mmap(nullptr, kMarkedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED) return false;
  stack_marks = static_cast<u8*>(made);
  __asan_shadow_memory_dynamic_address = u64(made) - u64(state.stacks) / kGrain;
  return true;
}

void clear_stack_marks() {
  madvise(stack_marks, kMarkedBytes, MADV_DONTNEED);
}

bool is_in_gap(const u8* marks, long long offset, long long size) {
  for (long long at = offset; at < offset + size; at = (at / kGrain + 1) * kGrain) {
    const long long end = offset + size < (at / kGrain + 1) * kGrain ? offset + size : (at / kGrain + 1) * kGrain;
    const u8 mark = marks[at / kGrain];
    if (mark != 0 && (mark >= kGrain || end - at / kGrain * kGrain > mark)) return true;
  }
  return false;
}

bool is_in_table_gap(const char* at, long long size) {
  for (int n = 0; n < image_count; ++n)
    if (images[n].begin == state.image_begin) return is_in_gap(images[n].marks, at - images[n].begin, size);
  return false;
}

// Marks a table of `size` bytes and the gap behind it.
static void mark(u8* marks, long long offset, long long size, long long whole) {
  const long long full = offset + size;
  for (long long at = full / kGrain * kGrain; at < offset + whole; at += kGrain)
    marks[at / kGrain] = at < full ? u8(full - at) : kNothing;
}

}  // namespace emu

extern "C" {

// What the compiler tells of a table.
struct AddressTable {
  u64 begin, size, whole;
  const char* name;
  const char* file;
  u64 rest[3];
};

void __asan_register_globals(const AddressTable* tables, u64 count) {
  for (int n = 0; n < image_count; ++n)
    if (images[n].begin == state.image_begin) return;
  const long long size = state.image_end - state.image_begin;
  images = static_cast<Image*>(realloc(images, sizeof(Image) * (image_count + 1)));
  Image& made = images[image_count++];
  made = {state.image_begin, static_cast<u8*>(calloc(size / kGrain + 1, 1)), size};
  for (u64 n = 0; n < count; ++n)
    mark(made.marks, (long long)(tables[n].begin - u64(made.begin)), (long long)tables[n].size, (long long)tables[n].whole);
}

void __asan_init() {}
void __asan_version_mismatch_check_v8() {}
void __asan_handle_no_return() {}
// Called where our own hooks are not: in a shader compiled without them, which the canary then tells.
void* __asan_memset(void* to, int value, u64 size) { return memset(to, value, size); }
void* __asan_memcpy(void* to, const void* from, u64 size) { return memcpy(to, from, size); }
void* __asan_memmove(void* to, const void* from, u64 size) { return memmove(to, from, size); }

#define EMU_SET(mark) \
  void __asan_set_shadow_##mark(u64 at, u64 size) { memset(reinterpret_cast<void*>(at), 0x##mark, size); }
EMU_SET(00)
EMU_SET(01)
EMU_SET(02)
EMU_SET(03)
EMU_SET(04)
EMU_SET(05)
EMU_SET(06)
EMU_SET(07)
EMU_SET(f1)
EMU_SET(f2)
EMU_SET(f3)
EMU_SET(f5)
EMU_SET(f8)
#undef EMU_SET

}  // extern "C"

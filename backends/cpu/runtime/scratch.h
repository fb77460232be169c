// Temporary rows: auto row = sgl::scratch<float>(n).
#pragma once

#include <stdlib.h>

#include "isa.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

// A thread's stack of temporaries. It grows when empty, to the most that was ever wanted at once.
struct Arena {
  char* memory = nullptr;
  size_t capacity = 0;
  size_t used = 0;    // also counts what did not fit and came from malloc
  size_t wanted = 0;

  ~Arena() {
    free(memory);
  }

  void grow() {
    free(memory);
    memory = static_cast<char*>(aligned_alloc(64, wanted));
    capacity = memory ? wanted : 0;
  }
};

inline thread_local Arena arena;

// `n` uninitialised elements of T, aligned to 64 bytes, until the end of the scope. Scopes nest.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t n) : bytes_((size_t(n) * sizeof(T) + 64) / 64 * 64) {
    const size_t first = arena.used;
    arena.used += bytes_;
    if (arena.used > arena.wanted) arena.wanted = arena.used;
    if (first == 0 && arena.wanted > arena.capacity) arena.grow();
    is_own_ = arena.used > arena.capacity;
    data_ = is_own_ ? aligned_alloc(64, bytes_) : arena.memory + first;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    arena.used -= bytes_;
    if (is_own_) free(data_);
  }

  T* data() const {
    return static_cast<T*>(data_);
  }
  operator T*() const {
    return data();
  }

 private:
  size_t bytes_;
  void* data_;
  bool is_own_;
};

template <class T>
inline Scratch<T> scratch(int64_t n) {
  return Scratch<T>(n);
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

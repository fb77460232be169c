// Copies of what a stream reads next, made while a lane computes (sm_80 and newer).
#pragma once

#include "storage.h"

namespace sgl {

// A lane copies chunks of at most 16 bytes into shared memory, each into a place that no other lane touches,
// so lanes need not wait for one another. Copies that follow a read of the same place come after it.
template <bool on, int threads>
class Ahead {
 public:
  static constexpr bool is_on = on;

  explicit SGL_FN Ahead(uint4* places) : mine_(places + threadIdx.y * blockDim.x + threadIdx.x) {}

  // Starts to copy a chunk; zeros where the condition does not hold, without touching the tensor.
  template <int chunk, class T, class O>
  SGL_FN void fetch(int place, bool condition, const T* data, O offset) const {
    if constexpr (on) {
      constexpr int bytes = int(sizeof(T)) * chunk;
      const auto to = static_cast<uint32_t>(__cvta_generic_to_shared(mine_ + place * threads));
      const T* const from = condition ? data + offset : data;
      const int present = condition ? bytes : 0;
      if constexpr (bytes == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(present) : "memory");
      } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(from), "n"(bytes), "r"(present)
                     : "memory");
      }
    }
  }
  // Until all that was started has arrived.
  SGL_FN void wait() const {
    if constexpr (on) asm volatile("cp.async.wait_all;" ::: "memory");
  }
  template <class Loaded>
  SGL_FN Loaded take(int place) const {
    return *reinterpret_cast<const Loaded*>(mine_ + place * threads);
  }

 private:
  uint4* mine_;
};

// A chunk that was copied ahead, or that is loaded now where nothing is.
template <bool on, int threads, class T, int chunk, bool is_aligned, int turns, class O, class I>
SGL_FN void take_or_load(const Ahead<on, threads>& ahead, int place, Held<T, chunk, is_aligned, turns>& held,
                         bool condition, int turn, const T* data, O offset, I count) {
  if constexpr (on) {
    held.put(turn, ahead.template take<Chunk<T, chunk>>(place));
  } else {
    held.load_if(condition, turn, data, offset, count);
  }
}

}  // namespace sgl

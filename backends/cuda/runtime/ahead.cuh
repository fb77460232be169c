// Copies of what a stream reads next, made while a lane computes (sm_80 and newer).
#pragma once

#include "parts.h"

namespace sgl {

// A lane copies chunks of at most 16 bytes into shared memory, each into a place that no other lane touches,
// so lanes need not wait for one another. Copies that follow a read of the same place come after it.
template <bool on, int threads, int places>
class Ahead {
 public:
  static constexpr bool is_on = on;
  static constexpr int count = on ? places * threads : 1;  // of the chunks that it has room for

  explicit SGL_FN Ahead(uint4* memory) : mine_(memory + threadIdx.y * blockDim.x + threadIdx.x) {}

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
template <bool on, int threads, int places, class T, int chunk, bool is_aligned, int turns, class O, class I>
SGL_FN void take_or_load(const Ahead<on, threads, places>& ahead, int place, Held<T, chunk, is_aligned, turns>& held,
                         bool condition, int turn, const T* data, O offset, I count) {
  if constexpr (on) {
    held.put(turn, ahead.template take<Chunk<T, chunk>>(place));
  } else {
    held.load_if(condition, turn, data, offset, count);
  }
}

// Adds up rows of a stream over parts, all of a lane's elements at once: through the memory that served the
// stream. The first part has the sums, of the same bits as `add_parts` of one row gives all.
template <bool on, int threads, int places, int chunk, int turns, class... Rows>
SGL_FN void add_parts(Part part, const Ahead<on, threads, places>& ahead, uint4* memory,
                      DealtRow<float, chunk, turns>& first, Rows&... others) {
  constexpr int rows = 1 + int(sizeof...(Rows)), fours = chunk * turns / 4;
  if constexpr (on && chunk % 4 == 0 && rows * fours <= 2 * places) {
    DealtRow<float, chunk, turns>* const all[rows] = {&first, &others...};
    float4* const sums = reinterpret_cast<float4*>(memory) + part.lane;
    constexpr int stride = rows * fours * kPartLanes;  // from warp to warp
    float four[4];
    ahead.wait();
    part.whole.wait();
    SGL_UNROLL
    for (int place = 0; place < rows * fours; ++place) {
      SGL_UNROLL
      for (int step = 0; step < 4; ++step) {
        const float own = all[place / fours]->get(0, place % fours * 4 + step, 0);
        four[step] = own + shuffle_xor(own, kPartLanes);
      }
      if (part.part % 2 == 0) {
        sums[part.part / 2 * stride + place * kPartLanes] = float4{four[0], four[1], four[2], four[3]};
      }
    }
    part.whole.wait();
    if (part.part != 0) return;
    for (int warp = 0; warp < part.parts / 2; ++warp) {
      SGL_UNROLL
      for (int place = 0; place < rows * fours; ++place) {
        const float4 more = sums[warp * stride + place * kPartLanes];
        const float added[4] = {more.x, more.y, more.z, more.w};
        SGL_UNROLL
        for (int step = 0; step < 4; ++step) {
          DealtRow<float, chunk, turns>& row = *all[place / fours];
          const int element = place % fours * 4 + step;
          row.set(0, element, 0, warp == 0 ? added[step] : row.get(0, element, 0) + added[step]);
        }
      }
    }
  } else {
    add_parts(part, first);
    (add_parts(part, others), ...);
  }
}
template <bool on, int threads, int places, class... Rows>
SGL_FN void add_parts(Team, const Ahead<on, threads, places>&, uint4*, Rows&...) {}

}  // namespace sgl

// Loops: over threads, over lanes, over single elements.
#pragma once

#include "pack.h"

#if defined(_OPENMP)
#include <omp.h>
#elif defined(__APPLE__)
#include <dispatch/dispatch.h>
#endif

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

// body(Lanes) for each run of 16 indices from `low`, then body(int64_t) for each index left over.
template <class F>
SGL_INLINE void for_lanes(int64_t low, int64_t high, F&& body) {
  const int64_t whole = low + (high - low) / kLanes * kLanes;
  for (int64_t i = low; i < whole; i += kLanes) body(Lanes{i});
  // At most 15 times: not worth unrolling, nor (the asm) vectorising.
#pragma GCC unroll 1
  for (int64_t i = whole; i < high; ++i) {
    asm volatile("");
    body(i);
  }
}

// body(int64_t) for each index.
template <class F>
SGL_INLINE void for_each(int64_t low, int64_t high, F&& body) {
  for (int64_t i = low; i < high; ++i) body(i);
}

// Elements below which a second thread costs more than it saves.
#ifndef SGL_WORK_PER_THREAD  // tests take less
#define SGL_WORK_PER_THREAD 32768
#endif
inline constexpr int64_t kWorkPerThread = SGL_WORK_PER_THREAD;

// Shares that work is cut into at most where the system chooses the number of threads.
inline constexpr int64_t kMostShares = 64;

// Threads worth using for `items` work items of `work` elements in total.
inline int64_t useful_threads(int64_t items, int64_t work, int64_t available) {
  const int64_t wanted = work / kWorkPerThread;
  const int64_t most = items < available ? items : available;
  return wanted < 1 ? 1 : wanted < most ? wanted : most;
}

#if defined(__APPLE__) && !defined(_OPENMP)
inline thread_local bool is_inside_share = false;

// One contiguous share of the items.
template <class F>
struct Share {
  const F& body;
  int64_t items;
  int64_t shares;

  static void run(void* context, size_t share) {
    const Share& self = *static_cast<const Share*>(context);
    const int64_t first = self.items * int64_t(share) / self.shares;
    const int64_t last = self.items * (int64_t(share) + 1) / self.shares;
    is_inside_share = true;
    for (int64_t i = first; i < last; ++i) self.body(i);
    is_inside_share = false;
  }
};
#endif

// body(i) for each i in [0, items), over threads where the `work` (elements touched by all items
// together) pays for them. Work items are independent, so the result does not depend on their number.
// Inside another parallel_for it runs on the calling thread.
template <class F>
inline void parallel_for(int64_t items, [[maybe_unused]] int64_t work, F&& body) {
#if defined(_OPENMP)
  const int64_t threads = omp_in_parallel() ? 1 : useful_threads(items, work, omp_get_max_threads());
  if (threads > 1) {
#pragma omp parallel for schedule(static) num_threads(int(threads))
    for (int64_t i = 0; i < items; ++i) body(i);
    return;
  }
#elif defined(__APPLE__)
  const int64_t shares = is_inside_share ? 1 : useful_threads(items, work, kMostShares);
  if (shares > 1) {
    Share<F> share{body, items, shares};
    dispatch_apply_f(size_t(shares), DISPATCH_APPLY_AUTO, &share, Share<F>::run);
    return;
  }
#endif
  for (int64_t i = 0; i < items; ++i) body(i);
}

template <class F>
inline void parallel_for(int64_t items, F&& body) {
  parallel_for(items, INT64_MAX, body);
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

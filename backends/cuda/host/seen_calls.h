// Calls that look alike are decided once. What a call launches follows from its dtypes, shapes, strides, numbers
// and the alignment of its memory; where those are as before, only the addresses are new.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/host/launch.h"
#include "gpu_host/choose.h"
#include "host_runtime/call.h"

namespace sgl::cuda {

// What a call looks like, as words. Without words it is like no other.
class Look {
 public:
  // `device` and `starts_early` are the two things that a call does not hold itself.
  Look(const host::Call& call, int device, bool starts_early);

  bool is_known() const { return count_ > 0; }
  const int64_t* words() const { return words_; }
  std::size_t count() const { return count_; }

 private:
  static constexpr std::size_t kMostWords = 192;

  std::size_t count_ = 0;
  int64_t words_[kMostWords];
};

// A call that was checked and decided, to be launched again with other addresses.
struct SeenCall {
  struct Step {
    const gpu::LaunchRow* row;
    const void* kernel;
    CUfunction function;  // may be null
    Geometry geometry;
    Launch launch;
  };
  struct Span {  // of bytes, from an array's address on
    int64_t low;
    int64_t high;
  };

  std::vector<int64_t> look;
  int8_t choices[host::kMaxTypes];
  std::vector<host::Extents> results;
  std::vector<Span> spans;  // of every tensor; of what was not given: empty
  std::vector<Step> steps;
  alignas(16) std::byte params[host::kMaxParams];

  // Gives the call what `resolve` found out that is needed to make its results.
  void recall(host::Call& call) const;

  // Whether memory is as it was: what the call made is aligned, and nothing that is written may overlap.
  bool fits(const host::Call& call, const bool* made) const;

  // Puts the call's addresses in place. Python's lock is held from here until the launches are done.
  void place(const host::Call& call);
};

// The calls of one function that were seen last.
class SeenCalls {
 public:
  SeenCall* find(const Look& look);

  // Keeps a call that was checked, in the place of the oldest.
  void add(const Look& look, const host::Call& call, const host::Work& work, std::vector<SeenCall::Step> steps);

 private:
  static constexpr int kMost = 8;

  int latest_ = 0;
  int next_ = 0;
  SeenCall entries_[kMost];
};

}  // namespace sgl::cuda

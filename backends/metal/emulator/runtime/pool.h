// Records that are taken in ranges and all given back when a run ends. Their memory is kept, as far as it is
// small: what stays in it carries the tags of earlier runs.
#pragma once

#include <sys/mman.h>

#include "abi.h"

namespace emu {

constexpr long long kKeptBytes = 64 << 20;

template <class T> class Pool {
 public:
  // Address space for the records, as much as there is; whether there is any.
  bool reserve() {
    for (size_ = 1ll << 36; items_ == nullptr && size_ >= 1ll << 28; size_ /= 4) {
      void* made = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (made == MAP_FAILED) continue;
      items_ = static_cast<T*>(made);
      break;
    }
    return items_ != nullptr;
  }
  // `count` records one after another; null where there is no room.
  T* take(long long count) {
    if ((used_ + count) * (long long)sizeof(T) > size_) return nullptr;
    T* const first = items_ + used_;
    used_ += count;
    return first;
  }
  T& operator[](u32 number) { return items_[number]; }
  u32 number_of(const T* item) const { return u32(item - items_); }
  void give_back(bool is_all) {
    const long long kept = is_all ? 0 : kKeptBytes, used = used_ * (long long)sizeof(T);
    if (used > kept || is_all) madvise(reinterpret_cast<char*>(items_) + kept, size_ - kept, MADV_DONTNEED);
    used_ = 0;
  }

 private:
  T* items_ = nullptr;
  long long size_ = 0, used_ = 0;
};

}  // namespace emu

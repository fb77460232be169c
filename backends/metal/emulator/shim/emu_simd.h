// Barriers, and what the lanes of a simdgroup do together.
#pragma once

namespace metal {

enum class mem_flags { mem_none = 0, mem_device = 1, mem_threadgroup = 2, mem_texture = 4, mem_threadgroup_imageblock = 8 };
constexpr mem_flags operator|(mem_flags a, mem_flags b) { return mem_flags(int(a) | int(b)); }

EMU_SHIM inline void threadgroup_barrier(mem_flags flags) { emu_threadgroup_barrier(int(flags), EMU_SITE); }
EMU_SHIM inline void simdgroup_barrier(mem_flags flags) { emu_simdgroup_barrier(int(flags), EMU_SITE); }

}  // namespace metal

namespace emu {

// The values that the lanes of the simdgroup brought to one operation.
template <class T> struct Lanes {
  char* slots;
  u32 active;
  int self;
  const char* outside;  // what a shuffle from a lane that is not there is told
  EMU_INNER T& at(int lane) const { return *reinterpret_cast<T*>(slots + lane * kSlotBytes); }
  EMU_INNER bool is_active(int lane) const { return lane >= 0 && lane < kSimdLanes && (active >> lane & 1u); }
};

template <class T> EMU_INNER Lanes<T> exchange(T value, const char* operation, const void* site) {
  static_assert(sizeof(T) <= kSlotBytes, "a value of at most 16 bytes");
  char* slots = static_cast<char*>(emu_exchange(&value, sizeof value, operation, site));
  return {slots, emu_active_lanes(), emu_lane(), "a shuffle from a lane that is not in the simdgroup"};
}

// Over active lanes, by halves as a butterfly does or one lane after another, into lane 0's slot.
template <class T, class F> EMU_INNER void reduce_slots(Lanes<T> met, F combine) {
  if (emu_reduction() == 1) {
    for (int n = 1; n < kSimdLanes; ++n)
      if (met.is_active(n)) met.at(0) = combine(met.at(0), met.at(n));
    return;
  }
  for (int step = kSimdLanes / 2; step > 0; step /= 2)
    for (int n = 0; n < step; ++n)
      if (met.is_active(n + step)) met.at(n) = combine(met.at(n), met.at(n + step));
}

template <class T, class F> EMU_INNER T reduce(const Lanes<T>& met, F combine) {
  if (emu_is_first_asked()) reduce_slots(met, combine);
  return met.at(0);
}

template <class T, class F> EMU_INNER T scan(const Lanes<T>& met, T first, bool is_inclusive, F combine) {
  T total = first;
  for (int n = 0; n < met.self + is_inclusive; ++n) if (met.is_active(n)) total = combine(total, met.at(n));
  return total;
}

// Another lane's value; one that is not there is no value at all.
template <class T> EMU_INNER T take(const Lanes<T>& met, int lane, const void* site) {
  if (!met.is_active(lane)) emu_fail(met.outside, site);
  return met.at(lane);
}

template <class T> EMU_INNER T take_or_own(const Lanes<T>& met, int lane, bool is_inside, const void* site) {
  return is_inside ? take(met, lane, site) : met.at(met.self);
}

struct Add { template <class T> EMU_INNER T operator()(T a, T b) const { return T(a + b); } };
struct Multiply { template <class T> EMU_INNER T operator()(T a, T b) const { return T(a * b); } };
struct Greater { template <class T> EMU_INNER T operator()(T a, T b) const { return metal::max(a, b); } };
struct Lesser { template <class T> EMU_INNER T operator()(T a, T b) const { return metal::min(a, b); } };
struct BitAnd { template <class T> EMU_INNER T operator()(T a, T b) const { return a & b; } };
struct BitOr { template <class T> EMU_INNER T operator()(T a, T b) const { return a | b; } };
struct BitXor { template <class T> EMU_INNER T operator()(T a, T b) const { return a ^ b; } };
struct FloatXor {
  EMU_INNER float operator()(float a, float b) const {
    return __builtin_bit_cast(float, __builtin_bit_cast(uint, a) ^ __builtin_bit_cast(uint, b));
  }
};

}  // namespace emu

namespace metal {

#define EMU_REDUCTION(name, Combine)                                                   \
  template <class T> EMU_SHIM T name(T value) {                                        \
    return emu::reduce(emu::exchange(value, #name, EMU_SITE), emu::Combine{});         \
  }
EMU_REDUCTION(simd_sum, Add)
EMU_REDUCTION(simd_product, Multiply)
EMU_REDUCTION(simd_max, Greater)
EMU_REDUCTION(simd_min, Lesser)
EMU_REDUCTION(simd_and, BitAnd)
EMU_REDUCTION(simd_or, BitOr)
EMU_REDUCTION(simd_xor, BitXor)
#undef EMU_REDUCTION

#define EMU_SCAN(name, first, is_inclusive, Combine)                                                 \
  template <class T> EMU_SHIM T name(T value) {                                                      \
    return emu::scan(emu::exchange(value, #name, EMU_SITE), T(first), is_inclusive, emu::Combine{}); \
  }
EMU_SCAN(simd_prefix_inclusive_sum, 0, true, Add)
EMU_SCAN(simd_prefix_exclusive_sum, 0, false, Add)
EMU_SCAN(simd_prefix_inclusive_product, 1, true, Multiply)
EMU_SCAN(simd_prefix_exclusive_product, 1, false, Multiply)
#undef EMU_SCAN

template <class T> EMU_SHIM T simd_shuffle(T value, ushort lane) {
  return emu::take(emu::exchange(value, "simd_shuffle", EMU_SITE), lane, EMU_SITE);
}
template <class T> EMU_SHIM T simd_shuffle_xor(T value, ushort mask) {
  const auto met = emu::exchange(value, "simd_shuffle_xor", EMU_SITE);
  return emu::take(met, met.self ^ mask, EMU_SITE);
}
// Lanes that would take from beyond the simdgroup's edge keep their own value.
template <class T> EMU_SHIM T simd_shuffle_down(T value, ushort by) {
  const auto met = emu::exchange(value, "simd_shuffle_down", EMU_SITE);
  return emu::take_or_own(met, met.self + by, met.is_active(met.self + by), EMU_SITE);
}
template <class T> EMU_SHIM T simd_shuffle_up(T value, ushort by) {
  const auto met = emu::exchange(value, "simd_shuffle_up", EMU_SITE);
  return emu::take_or_own(met, met.self - by, met.self >= by, EMU_SITE);
}
// In runs of `modulo` lanes, those that would take from beyond the run take from the other end of `fill`'s.
template <class T> EMU_SHIM T simd_shuffle_and_fill_down(T value, T fill, ushort by, ushort modulo = emu::kSimdLanes) {
  const auto met = emu::exchange(value, "simd_shuffle_and_fill_down", EMU_SITE);
  const int place = met.self % modulo + by, run = met.self - met.self % modulo;
  const T moved = place < modulo && met.is_active(run + place) ? met.at(run + place) : T{};
  const auto filled = emu::exchange(fill, "simd_shuffle_and_fill_down", EMU_SITE);
  return place < modulo && met.is_active(run + place) ? moved : filled.at(run + place % modulo);
}
template <class T> EMU_SHIM T simd_shuffle_and_fill_up(T value, T fill, ushort by, ushort modulo = emu::kSimdLanes) {
  const auto met = emu::exchange(value, "simd_shuffle_and_fill_up", EMU_SITE);
  const int place = met.self % modulo - by, run = met.self - met.self % modulo;
  const T moved = place >= 0 ? met.at(run + place) : T{};
  const auto filled = emu::exchange(fill, "simd_shuffle_and_fill_up", EMU_SITE);
  return place >= 0 ? moved : filled.at(run + (place + modulo) % modulo);
}
template <class T> EMU_SHIM T simd_shuffle_rotate_down(T value, ushort by) {
  const auto met = emu::exchange(value, "simd_shuffle_rotate_down", EMU_SITE);
  return emu::take(met, (met.self + by) % emu::kSimdLanes, EMU_SITE);
}
template <class T> EMU_SHIM T simd_shuffle_rotate_up(T value, ushort by) {
  const auto met = emu::exchange(value, "simd_shuffle_rotate_up", EMU_SITE);
  return emu::take(met, (met.self + emu::kSimdLanes - by % emu::kSimdLanes) % emu::kSimdLanes, EMU_SITE);
}
template <class T> EMU_SHIM T simd_broadcast(T value, ushort lane) {
  return emu::take(emu::exchange(value, "simd_broadcast", EMU_SITE), lane, EMU_SITE);
}
template <class T> EMU_SHIM T simd_broadcast_first(T value) {
  return emu::take(emu::exchange(value, "simd_broadcast_first", EMU_SITE), 0, EMU_SITE);
}

}  // namespace metal

namespace emu {

// What only the compiler's own name for it gives.
template <class T> EMU_SHIM T simd_xor(T value) {
  typedef metal::conditional_t<metal::is_floating_point_v<T>, FloatXor, BitXor> Xor;
  return reduce(exchange(value, "simd_xor", EMU_SITE), Xor{});
}

}  // namespace emu

namespace metal {

EMU_SHIM inline bool simd_any(bool value) {
  return emu::reduce(emu::exchange(uint(value), "simd_any", EMU_SITE), emu::BitOr{}) != 0;
}
EMU_SHIM inline bool simd_all(bool value) {
  return emu::reduce(emu::exchange(uint(value), "simd_all", EMU_SITE), emu::BitAnd{}) != 0;
}
EMU_SHIM inline bool simd_is_first() { return emu_lane() == 0; }

// Which lanes voted for something.
struct simd_vote {
  typedef uint64_t vote_t;
  vote_t bits;
  explicit constexpr simd_vote(vote_t given = 0) : bits(given) {}
  constexpr explicit operator vote_t() const { return bits; }
  bool all() const { return bits == 0xffffffffu; }
  bool any() const { return bits != 0; }
};

EMU_SHIM inline simd_vote simd_ballot(bool value) {
  const auto met = emu::exchange(uint(value), "simd_ballot", EMU_SITE);
  uint64_t bits = 0;
  for (int n = 0; n < emu::kSimdLanes; ++n) if (met.is_active(n) && met.at(n)) bits |= uint64_t(1) << n;
  return simd_vote(bits);
}
EMU_SHIM inline simd_vote simd_active_threads_mask() {
  return simd_vote(emu::exchange(0u, "simd_active_threads_mask", EMU_SITE).active);
}

}  // namespace metal

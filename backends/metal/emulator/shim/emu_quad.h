// What the four lanes of a quadgroup do together.
#pragma once

namespace emu {

template <class T> EMU_INNER Lanes<T> exchange_in_quad(T value, const char* operation, const void* site) {
  static_assert(sizeof(T) <= kSlotBytes, "a value of at most 16 bytes");
  char* slots = static_cast<char*>(emu_exchange_in_quad(&value, sizeof value, operation, site));
  const int self = emu_lane() % kQuadLanes;
  return {slots, emu_active_lanes_of_quad(), self, "a shuffle from a lane that is not in the quadgroup"};
}

// Over active lanes, by halves or one lane after another.
template <class T, class F> EMU_INNER T reduce_quad(const Lanes<T>& met, F combine) {
  T parts[kQuadLanes];
  int count = 0;
  for (; count < kQuadLanes && met.is_active(count); ++count) parts[count] = met.at(count);
  if (emu_reduction() == 1)
    for (int n = 1; n < count; ++n) parts[0] = combine(parts[0], parts[n]);
  else
    for (int step = kQuadLanes / 2; step > 0; step /= 2)
      for (int n = 0; n < step; ++n)
        if (n + step < count) parts[n] = combine(parts[n], parts[n + step]);
  return parts[0];
}

}  // namespace emu

namespace metal {

#define EMU_REDUCTION(name, Combine)                                                        \
  template <class T> EMU_SHIM T name(T value) {                                             \
    return emu::reduce_quad(emu::exchange_in_quad(value, #name, EMU_SITE), emu::Combine{}); \
  }
EMU_REDUCTION(quad_sum, Add)
EMU_REDUCTION(quad_product, Multiply)
EMU_REDUCTION(quad_max, Greater)
EMU_REDUCTION(quad_min, Lesser)
EMU_REDUCTION(quad_and, BitAnd)
EMU_REDUCTION(quad_or, BitOr)
EMU_REDUCTION(quad_xor, BitXor)
#undef EMU_REDUCTION

#define EMU_SCAN(name, first, is_inclusive, Combine)                                                         \
  template <class T> EMU_SHIM T name(T value) {                                                              \
    return emu::scan(emu::exchange_in_quad(value, #name, EMU_SITE), T(first), is_inclusive, emu::Combine{}); \
  }
EMU_SCAN(quad_prefix_inclusive_sum, 0, true, Add)
EMU_SCAN(quad_prefix_exclusive_sum, 0, false, Add)
EMU_SCAN(quad_prefix_inclusive_product, 1, true, Multiply)
EMU_SCAN(quad_prefix_exclusive_product, 1, false, Multiply)
#undef EMU_SCAN

template <class T> EMU_SHIM T quad_shuffle(T value, ushort lane) {
  return emu::take(emu::exchange_in_quad(value, "quad_shuffle", EMU_SITE), lane, EMU_SITE);
}
template <class T> EMU_SHIM T quad_shuffle_xor(T value, ushort mask) {
  const auto met = emu::exchange_in_quad(value, "quad_shuffle_xor", EMU_SITE);
  return emu::take(met, met.self ^ mask, EMU_SITE);
}
// Lanes that would take from beyond the quadgroup's edge keep their own value.
template <class T> EMU_SHIM T quad_shuffle_down(T value, ushort by) {
  const auto met = emu::exchange_in_quad(value, "quad_shuffle_down", EMU_SITE);
  return emu::take_or_own(met, met.self + by, met.is_active(met.self + by), EMU_SITE);
}
template <class T> EMU_SHIM T quad_shuffle_up(T value, ushort by) {
  const auto met = emu::exchange_in_quad(value, "quad_shuffle_up", EMU_SITE);
  return emu::take_or_own(met, met.self - by, met.self >= by, EMU_SITE);
}
template <class T> EMU_SHIM T quad_shuffle_rotate_down(T value, ushort by) {
  const auto met = emu::exchange_in_quad(value, "quad_shuffle_rotate_down", EMU_SITE);
  return emu::take(met, (met.self + by) % emu::kQuadLanes, EMU_SITE);
}
template <class T> EMU_SHIM T quad_shuffle_rotate_up(T value, ushort by) {
  const auto met = emu::exchange_in_quad(value, "quad_shuffle_rotate_up", EMU_SITE);
  return emu::take(met, (met.self + emu::kQuadLanes - by % emu::kQuadLanes) % emu::kQuadLanes, EMU_SITE);
}
template <class T> EMU_SHIM T quad_broadcast(T value, ushort lane) {
  return emu::take(emu::exchange_in_quad(value, "quad_broadcast", EMU_SITE), lane, EMU_SITE);
}
template <class T> EMU_SHIM T quad_broadcast_first(T value) {
  return emu::take(emu::exchange_in_quad(value, "quad_broadcast_first", EMU_SITE), 0, EMU_SITE);
}

EMU_SHIM inline bool quad_any(bool value) {
  return emu::reduce_quad(emu::exchange_in_quad(uint(value), "quad_any", EMU_SITE), emu::BitOr{}) != 0;
}
EMU_SHIM inline bool quad_all(bool value) {
  return emu::reduce_quad(emu::exchange_in_quad(uint(value), "quad_all", EMU_SITE), emu::BitAnd{}) != 0;
}
EMU_SHIM inline bool quad_is_first() { return emu_lane() % emu::kQuadLanes == 0; }

}  // namespace metal

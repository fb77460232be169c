// What a GPU leaves open or never ends.
#include "corpus.h"

// arithmetic: an integer division by zero
kernel void division_bug(ARGUMENTS) {
  out[i] = 100 / sizes[3];  // found
}
kernel void division_twin(ARGUMENTS) {
  out[i] = 100 / sizes[2];
}

// arithmetic: a remainder by zero
kernel void remainder_bug(ARGUMENTS) {
  out[i] = t % (t / 32);  // found
}
kernel void remainder_twin(ARGUMENTS) {
  out[i] = t % (t / 32 + 1);
}

// arithmetic: a shift by the whole width
kernel void shift_width_bug(ARGUMENTS) {
  out[i] = 1u << t;  // found
}
kernel void shift_width_twin(ARGUMENTS) {
  out[i] = 1u << lane;
}

// arithmetic: a float that no int holds
kernel void cast_bug(ARGUMENTS) {
  out[i] = int(data[i] * 1e10f + 4e9f);  // found
}
kernel void cast_twin(ARGUMENTS) {
  out[i] = int(clamp(data[i] * 1e10f, -1e9f, 1e9f));
}

// arithmetic: a shuffle from a lane that does not exist
kernel void far_lane_bug(ARGUMENTS) {
  out[i] = simd_shuffle(data[i], ushort(lane + 1));  // found
}
kernel void far_lane_twin(ARGUMENTS) {
  out[i] = simd_shuffle(data[i], ushort((lane + 1) % 32));
}

// endless: a loop that waits for another thread
kernel void spin_bug(ARGUMENTS) {
  threadgroup atomic_uint flag;
  if (t == 0) atomic_store_explicit(&flag, 0u, memory_order_relaxed);
  wait();
  while (t < 32 && atomic_load_explicit(&flag, memory_order_relaxed) == 0u) {}  // found
  atomic_store_explicit(&flag, 1u, memory_order_relaxed);
  out[i] = data[i];
  while (t >= 32 && atomic_load_explicit(&flag, memory_order_relaxed) == 1u) {}  // found
}
kernel void spin_twin(ARGUMENTS) {
  threadgroup atomic_uint flag;
  if (t == 0) atomic_store_explicit(&flag, 0u, memory_order_relaxed);
  wait();
  for (int n = 0; n < 9 && atomic_load_explicit(&flag, memory_order_relaxed) == 0u; ++n) {}
  atomic_store_explicit(&flag, 1u, memory_order_relaxed);
  out[i] = data[i];
}

// arithmetic: a shuffle from a lane of another quadgroup
kernel void quad_lane_bug(ARGUMENTS) {
  out[i] = quad_shuffle(data[i], ushort(lane));  // found
}
kernel void quad_lane_twin(ARGUMENTS) {
  out[i] = quad_shuffle(data[i], ushort(lane % 4));
}

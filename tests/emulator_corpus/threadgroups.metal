// Races between threadgroups, which nothing orders.
#include "corpus.h"

// race between threadgroups: all write one total
kernel void total_bug(ARGUMENTS) {
  const float sum = simd_sum(data[i]);
  if (t == 0) out[0] = sum;  // found
}
kernel void total_twin(ARGUMENTS) {
  const float sum = simd_sum(data[i]);
  if (t == 0) out[g] = sum;
}

// race between threadgroups: one reads what another writes
kernel void neighbour_bug(ARGUMENTS) {
  out[i] = 1.0f;
  threadgroup_barrier(mem_flags::mem_device);
  data[i] = g == 0 ? out[t] : out[t + 64 - (t % 2) * 64];  // found
}
kernel void neighbour_twin(ARGUMENTS) {
  out[i] = 1.0f;
  threadgroup_barrier(mem_flags::mem_device);
  data[i] = out[g * 64 + (t ^ 1)];
}

// race between threadgroups: an atomic counter is also read plainly
kernel void counter_bug(ARGUMENTS) {
  device atomic_uint* count = (device atomic_uint*)data;
  if (g == 0 && t == 0) atomic_fetch_add_explicit(count, 1u, memory_order_relaxed);
  if (g == 1 && t == 1) out[1] = ((device uint*)data)[0];  // found
}
kernel void counter_twin(ARGUMENTS) {
  device atomic_uint* count = (device atomic_uint*)data;
  if (g == 0 && t == 0) atomic_fetch_add_explicit(count, 1u, memory_order_relaxed);
  if (g == 1 && t == 1) out[1] = atomic_load_explicit(count, memory_order_relaxed);
}

// race between threadgroups: a sum that is no atomic
kernel void accumulate_bug(ARGUMENTS) {
  if (t == 0) data[0] += 1.0f;  // found
}
kernel void accumulate_twin(ARGUMENTS) {
  device atomic_float* total = (device atomic_float*)data;
  if (t == 0) atomic_fetch_add_explicit(total, 1.0f, memory_order_relaxed);
}

// race between threadgroups: a tile that is one element too long
kernel void long_tile_bug(ARGUMENTS) {
  const uint last = min(g * 64 + 65, 128u);
  for (uint n = g * 64 + t; n < last; n += 64) out[n] = 1.0f;  // found
}
kernel void long_tile_twin(ARGUMENTS) {
  const uint last = min(g * 64 + 64, 128u);
  for (uint n = g * 64 + t; n < last; n += 64) out[n] = 1.0f;
}

// race between threadgroups: a filter in place reads over the tile's edge
kernel void in_place_bug(ARGUMENTS) {
  const float next = data[min(i + 1, 127u)];  // found
  threadgroup_barrier(mem_flags::mem_device);
  data[i] += next;
}
kernel void in_place_twin(ARGUMENTS) {
  const float next = data[min(i + 1, 127u)];
  threadgroup_barrier(mem_flags::mem_device);
  out[i] = data[i] + next;
}

// race between threadgroups: one writes plainly what another counts
kernel void plain_write_bug(ARGUMENTS) {
  device atomic_uint* count = (device atomic_uint*)data;
  if (g == 0 && t == 0) atomic_fetch_add_explicit(count, 1u, memory_order_relaxed);
  if (g == 1 && t == 0) data[0] = 0.0f;  // found
}
kernel void plain_write_twin(ARGUMENTS) {
  device atomic_uint* count = (device atomic_uint*)data;
  if (g == 0 && t == 0) atomic_fetch_add_explicit(count, 1u, memory_order_relaxed);
  if (g == 1 && t == 0) data[1] = 0.0f;
}

// race between threadgroups: neighbours in one word, the bytes of which are told apart
kernel void neighbour_bytes_bug(ARGUMENTS) {
  device uchar* bytes = (device uchar*)data;
  bytes[2 * t + g] = 1;
  if (g == 1) bytes[2 * t] = 1;  // found
}
kernel void neighbour_bytes_twin(ARGUMENTS) {
  device uchar* bytes = (device uchar*)data;
  bytes[2 * t + g] = 1;
}

// Memory that is read before it holds a value, and memory that may not be written.
#include "corpus.h"

// uninitialised: threadgroup memory that no one wrote
kernel void unwritten_bug(ARGUMENTS) {
  threadgroup float tile[2 * kThreads];
  tile[t] = data[i];
  wait();
  out[i] = tile[t + 1];  // found
}
kernel void unwritten_twin(ARGUMENTS) {
  threadgroup float tile[2 * kThreads];
  tile[t] = data[i];
  if (t == 0) tile[kThreads] = 0.0f;
  wait();
  out[i] = tile[t + 1];
}

// uninitialised: partial sums of simdgroups that are not there
kernel void partial_sums_bug(ARGUMENTS) {
  threadgroup float sums[32];
  const float sum = simd_sum(data[i]);
  if (lane == 0) sums[simd] = sum;
  wait();
  out[i] = simd_sum(sums[lane]);  // found
}
kernel void partial_sums_twin(ARGUMENTS) {
  threadgroup float sums[32];
  const float sum = simd_sum(data[i]);
  if (lane == 0) sums[simd] = sum;
  wait();
  out[i] = simd_sum(lane < 2 ? sums[lane] : 0.0f);
}

// uninitialised: a result is added to before it is set
kernel void unset_result_bug(ARGUMENTS) {
  out[i] += data[i];  // found
}
kernel void unset_result_twin(ARGUMENTS) {
  out[i] = 0.0f;
  out[i] += data[i];
}

// uninitialised: what another threadgroup left behind
kernel void left_behind_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  if (g == 0) tile[t] = data[i];
  out[i] = tile[t];  // found
}
kernel void left_behind_twin(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  out[i] = tile[t];
}

// uninitialised: a counter that starts at nothing
kernel void unset_counter_bug(ARGUMENTS) {
  threadgroup atomic_uint count;
  atomic_fetch_add_explicit(&count, 1u, memory_order_relaxed);  // found
}
kernel void unset_counter_twin(ARGUMENTS) {
  threadgroup atomic_uint count;
  if (t == 0) atomic_store_explicit(&count, 0u, memory_order_relaxed);
  wait();
  atomic_fetch_add_explicit(&count, 1u, memory_order_relaxed);
}

// uninitialised: half of a word
kernel void half_word_bug(ARGUMENTS) {
  threadgroup ushort halves[2 * kThreads];
  halves[2 * t] = ushort(t);
  out[i] = *(threadgroup uint*)(halves + 2 * t);  // found
}
kernel void half_word_twin(ARGUMENTS) {
  threadgroup ushort halves[2 * kThreads];
  halves[2 * t] = ushort(t);
  halves[2 * t + 1] = 0;
  out[i] = *(threadgroup uint*)(halves + 2 * t);
}

// uninitialised: a row that is copied before it is filled
kernel void early_copy_bug(ARGUMENTS) {
  threadgroup float4 rows[kThreads];
  out[i] = rows[t].x;  // found
  rows[t] = float4(data[i]);
}
kernel void early_copy_twin(ARGUMENTS) {
  threadgroup float4 rows[kThreads];
  rows[t] = float4(data[i]);
  out[i] = rows[t].x;
}

// write to constant memory: a buffer in the constant space
kernel void constant_buffer_bug(ARGUMENTS) {
  device int* writable = (device int*)sizes;
  if (i == 0) writable[3] = 1;  // found
}
kernel void constant_buffer_twin(ARGUMENTS) {
  device int* readable = (device int*)sizes;
  if (i == 0) out[0] = readable[3];
}

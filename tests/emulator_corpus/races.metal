// Races of threads within one threadgroup.
#include "corpus.h"

// race: a value is read before a barrier
kernel void missing_barrier_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  out[i] = tile[63 - t];  // found
}
kernel void missing_barrier_twin(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  wait();
  out[i] = tile[63 - t];
}

// race: the barrier orders device memory, not threadgroup memory
kernel void wrong_flag_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  threadgroup_barrier(mem_flags::mem_device);
  out[i] = tile[63 - t];  // found
}
kernel void wrong_flag_twin(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  threadgroup_barrier(mem_flags::mem_device | mem_flags::mem_threadgroup);
  out[i] = tile[63 - t];
}

// race: the barrier orders threadgroup memory, not device memory
kernel void wrong_flag_device_bug(ARGUMENTS) {
  out[i] = data[i];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  data[i] = out[g * 64 + 63 - t];  // found
}
kernel void wrong_flag_device_twin(ARGUMENTS) {
  out[i] = data[i];
  threadgroup_barrier(mem_flags::mem_device);
  data[i] = out[g * 64 + 63 - t];
}

// race: a barrier without flags orders no memory
kernel void no_flag_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  threadgroup_barrier(mem_flags::mem_none);
  out[i] = tile[63 - t];  // found
}
kernel void no_flag_twin(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  threadgroup_barrier(mem_flags::mem_none);
  out[i] = tile[t];
}

// race: all threads store to one place
kernel void one_slot_bug(ARGUMENTS) {
  threadgroup float slot[1];
  slot[0] = data[i];  // found
  wait();
  out[i] = slot[0];
}
kernel void one_slot_twin(ARGUMENTS) {
  threadgroup float slot[1];
  if (t == 0) slot[0] = data[i];
  wait();
  out[i] = slot[0];
}

// race: the next round overwrites what others still read
kernel void loop_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  float sum = 0.0f;
  for (int round = 0; round < 3; ++round) {
    tile[t] = data[i] + round;  // found
    wait();
    sum += tile[63 - t];
  }
  out[i] = sum;
}
kernel void loop_twin(ARGUMENTS) {
  threadgroup float tile[kThreads];
  float sum = 0.0f;
  for (int round = 0; round < 3; ++round) {
    tile[t] = data[i] + round;
    wait();
    sum += tile[63 - t];
    wait();
  }
  out[i] = sum;
}

// race: a simdgroup's barrier does not order the other simdgroup
kernel void simdgroup_barrier_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  out[i] = tile[63 - t];  // found
}
kernel void simdgroup_barrier_twin(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  out[i] = tile[simd * 32 + 31 - lane];
}

// race: a simdgroup's reduction orders no memory
kernel void reduction_as_barrier_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  const float sum = simd_sum(data[i]);
  out[i] = sum + tile[t ^ 1];  // found
}
kernel void reduction_as_barrier_twin(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  const float sum = simd_sum(data[i]);
  simdgroup_barrier(mem_flags::mem_threadgroup);
  out[i] = sum + tile[t ^ 1];
}

// race: a tree of sums without a barrier between its levels
kernel void tree_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  wait();
  for (uint step = 32; step > 0; step /= 2) {
    if (t < step) tile[t] += tile[t + step];  // found
  }
  wait();
  out[i] = tile[0];
}
kernel void tree_twin(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  wait();
  for (uint step = 32; step > 0; step /= 2) {
    if (t < step) tile[t] += tile[t + step];
    wait();
  }
  out[i] = tile[0];
}

// race: neighbours write overlapping bytes
kernel void bytes_bug(ARGUMENTS) {
  threadgroup uchar bytes[kThreads + 1];
  bytes[t] = uchar(t);
  bytes[t + 1] = uchar(t);  // found
  wait();
  out[i] = bytes[t];
}
kernel void bytes_twin(ARGUMENTS) {
  threadgroup uchar bytes[kThreads + 1];
  bytes[t] = uchar(t);
  wait();
  out[i] = bytes[t];
}

// race: vectors of two that overlap by one element
kernel void vectors_bug(ARGUMENTS) {
  threadgroup half pairs[2 * kThreads];
  threadgroup half2* mine = (threadgroup half2*)(pairs + 2 * t);
  *mine = half2(half(t), half(t));
  pairs[(2 * t + 3) % 128] = half(t);  // found
  wait();
  out[i] = pairs[t];
}
kernel void vectors_twin(ARGUMENTS) {
  threadgroup half pairs[2 * kThreads];
  threadgroup half2* mine = (threadgroup half2*)(pairs + 2 * t);
  *mine = half2(half(t), half(t));
  pairs[2 * t + 1] = half(t);
  wait();
  out[i] = pairs[t];
}

// race: a shift in place reads what a neighbour overwrites
kernel void shift_bug(ARGUMENTS) {
  const uint from = g * 64 + (t + 1) % 64;
  data[i] = data[from];  // found
}
kernel void shift_twin(ARGUMENTS) {
  const uint from = g * 64 + (t + 1) % 64;
  const float moved = data[from];
  threadgroup_barrier(mem_flags::mem_device);
  data[i] = moved;
}

// race: a counter is read plainly while others still count
kernel void atomic_read_bug(ARGUMENTS) {
  threadgroup atomic_uint count;
  if (t == 0) atomic_store_explicit(&count, 0u, memory_order_relaxed);
  wait();
  atomic_fetch_add_explicit(&count, 1u, memory_order_relaxed);
  out[i] = *(threadgroup uint*)&count;  // found
}
kernel void atomic_read_twin(ARGUMENTS) {
  threadgroup atomic_uint count;
  if (t == 0) atomic_store_explicit(&count, 0u, memory_order_relaxed);
  wait();
  atomic_fetch_add_explicit(&count, 1u, memory_order_relaxed);
  wait();
  out[i] = *(threadgroup uint*)&count;
}

// race: a counter is set plainly while others already count
kernel void atomic_set_bug(ARGUMENTS) {
  threadgroup uint count[1];
  if (t == 0) count[0] = 0u;  // found
  threadgroup atomic_uint* counter = (threadgroup atomic_uint*)count;
  atomic_fetch_add_explicit(counter, 1u, memory_order_relaxed);
  wait();
  out[i] = count[0];
}
kernel void atomic_set_twin(ARGUMENTS) {
  threadgroup uint count[1];
  if (t == 0) count[0] = 0u;
  wait();
  threadgroup atomic_uint* counter = (threadgroup atomic_uint*)count;
  atomic_fetch_add_explicit(counter, 1u, memory_order_relaxed);
  wait();
  out[i] = count[0];
}

// race: a scan in place without a barrier between its reads and writes
kernel void scan_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  wait();
  for (uint step = 1; step < 64; step *= 2) {
    if (t >= step) tile[t] += tile[t - step];  // found
    wait();
  }
  out[i] = tile[t];
}
kernel void scan_twin(ARGUMENTS) {
  threadgroup float tile[kThreads];
  tile[t] = data[i];
  wait();
  for (uint step = 1; step < 64; step *= 2) {
    const float before = t >= step ? tile[t - step] : 0.0f;
    wait();
    tile[t] += before;
    wait();
  }
  out[i] = tile[t];
}

// race: one thread's result is read by all at once
kernel void broadcast_bug(ARGUMENTS) {
  threadgroup float shared_scale;
  if (t == 7) shared_scale = data[i];
  out[i] = data[i] * (t > 7 && t < 32 ? shared_scale : 1.0f);  // found
}
kernel void broadcast_twin(ARGUMENTS) {
  threadgroup float shared_scale;
  if (t == 7) shared_scale = data[i];
  wait();
  out[i] = data[i] * (t > 7 && t < 32 ? shared_scale : 1.0f);
}

// race: two names of one place
kernel void alias_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  threadgroup float* shifted = tile + 1;
  tile[t] = data[i];
  if (t < 63) shifted[t] = 0.0f;  // found
  wait();
  out[i] = tile[t];
}
kernel void alias_twin(ARGUMENTS) {
  threadgroup float tile[kThreads];
  threadgroup float* shifted = tile + 1;
  tile[t] = data[i];
  wait();
  if (t < 63) shifted[t] = 0.0f;
  wait();
  out[i] = tile[t];
}

// race: a later reader hides behind many earlier ones
kernel void hidden_reader_bug(ARGUMENTS) {
  threadgroup float slot[1];
  if (t == 0) slot[0] = data[i];
  wait();
  out[i] = slot[0];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  if (t == 5) slot[0] = 1.0f;  // found
}
kernel void hidden_reader_twin(ARGUMENTS) {
  threadgroup float slot[1];
  if (t == 0) slot[0] = data[i];
  wait();
  if (simd == 0) out[i] = slot[0];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  if (t == 5) slot[0] = 1.0f;
}

// race: a reader of the other simdgroup hides between two of the writer's own
kernel void hidden_between_bug(ARGUMENTS) {
  threadgroup float slot[1];
  if (t == 0) slot[0] = data[i];
  wait();
  if (t == 0 || simd == 1) out[i] = slot[0];
  simdgroup_barrier(mem_flags::mem_none);
  if (t == 1) out[i] = slot[0];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  if (t == 5) slot[0] = 1.0f;  // found
}
kernel void hidden_between_twin(ARGUMENTS) {
  threadgroup float slot[1];
  if (t == 0) slot[0] = data[i];
  wait();
  if (t == 0) out[i] = slot[0];
  simdgroup_barrier(mem_flags::mem_none);
  if (t == 1) out[i] = slot[0];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  if (t == 5) slot[0] = 1.0f;
}

// race: whoever counted last reads a counter that others also wrote
kernel void last_counter_bug(ARGUMENTS) {
  threadgroup atomic_uint count;
  if (t == 0) atomic_store_explicit(&count, 0u, memory_order_relaxed);
  wait();
  atomic_fetch_add_explicit(&count, 1u, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_device);
  if (t == 63) out[i] = *(threadgroup uint*)&count;  // found
}
kernel void last_counter_twin(ARGUMENTS) {
  threadgroup atomic_uint count;
  if (t == 0) atomic_store_explicit(&count, 0u, memory_order_relaxed);
  wait();
  atomic_fetch_add_explicit(&count, 1u, memory_order_relaxed);
  wait();
  if (t == 63) out[i] = *(threadgroup uint*)&count;
}

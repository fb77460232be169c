// Barriers and operations of a simdgroup that not all threads reach.
#include "corpus.h"

// divergence: a barrier under a condition that differs
kernel void branch_bug(ARGUMENTS) {
  if (t < 40) wait();  // found
  out[i] = data[i];
}
kernel void branch_twin(ARGUMENTS) {
  if (g < 40) wait();
  out[i] = data[i];
}

// divergence: some threads return before the barrier
kernel void early_return_bug(ARGUMENTS) {
  if (i >= 100) return;
  wait();  // found
  out[i] = data[i];
}
kernel void early_return_twin(ARGUMENTS) {
  wait();
  if (i >= 100) return;
  out[i] = data[i];
}

// divergence: a loop with a barrier runs longer for some
kernel void trip_count_bug(ARGUMENTS) {
  for (uint n = t; n < 100; n += 64) {
    out[n + g] = data[n];
    wait();  // found
  }
}
kernel void trip_count_twin(ARGUMENTS) {
  for (uint first = 0; first < 100; first += 64) {
    if (first + t < 64) out[g * 64 + first + t] = data[first + t];
    wait();
  }
}

// divergence: threads wait at two barriers
kernel void two_barriers_bug(ARGUMENTS) {
  if (t < 32) {
    wait();  // found
  } else {
    wait();
  }
  out[i] = data[i];
}
kernel void two_barriers_twin(ARGUMENTS) {
  if (t < 32) out[i] = 0.0f;
  wait();
  out[i] = data[i];
}

// divergence: a barrier's flags differ
kernel void two_flags_bug(ARGUMENTS) {
  threadgroup_barrier(t < 32 ? mem_flags::mem_device : mem_flags::mem_threadgroup);  // found
  out[i] = data[i];
}
kernel void two_flags_twin(ARGUMENTS) {
  threadgroup_barrier(g == 0 ? mem_flags::mem_device : mem_flags::mem_threadgroup);
  out[i] = data[i];
}

// divergence: a sum over lanes of which some are elsewhere
kernel void sum_in_branch_bug(ARGUMENTS) {
  float sum = 0.0f;
  if (lane < 20) sum = simd_sum(data[i]);  // found
  out[i] = sum;
}
kernel void sum_in_branch_twin(ARGUMENTS) {
  float sum = 0.0f;
  if (simd == 0) sum = simd_sum(data[i]);
  out[i] = sum;
}

// divergence: lanes that returned cannot be shuffled from
kernel void shuffle_after_return_bug(ARGUMENTS) {
  if (lane == 31) return;
  out[i] = simd_shuffle_xor(data[i], ushort(1));  // found
}
kernel void shuffle_after_return_twin(ARGUMENTS) {
  if (simd == 1) return;
  out[i] = simd_shuffle_xor(data[i], ushort(1));
}

// divergence: a simdgroup's barrier in one lane's branch
kernel void lane_barrier_bug(ARGUMENTS) {
  if (lane == 0) simdgroup_barrier(mem_flags::mem_threadgroup);  // found
  out[i] = data[i];
}
kernel void lane_barrier_twin(ARGUMENTS) {
  if (simd == 0) simdgroup_barrier(mem_flags::mem_threadgroup);
  out[i] = data[i];
}

// divergence: lanes meet at two different operations
kernel void two_operations_bug(ARGUMENTS) {
  if (lane < 16) {
    out[i] = simd_max(data[i]);  // found
  } else {
    out[i] = simd_min(data[i]);
  }
}
kernel void two_operations_twin(ARGUMENTS) {
  const float most = simd_max(data[i]), least = simd_min(data[i]);
  out[i] = lane < 16 ? most : least;
}

// divergence: a barrier after a loop that some leave by return
kernel void return_in_loop_bug(ARGUMENTS) {
  for (int n = 0; n < 4; ++n) {
    if (int(t) == n) return;
    wait();  // found
  }
  out[i] = data[i];
}
kernel void return_in_loop_twin(ARGUMENTS) {
  for (int n = 0; n < 4; ++n) {
    if (int(g) + 3 == n) return;
    wait();
  }
  out[i] = data[i];
}

// divergence: an operation of a quadgroup under a condition that differs in it
kernel void quad_branch_bug(ARGUMENTS) {
  float value = data[i];
  if (lane % 8 < 3) value = quad_sum(value);  // found
  out[i] = simd_max(value);
}
kernel void quad_branch_twin(ARGUMENTS) {
  float value = data[i];
  if (lane % 8 < 4) value = quad_sum(value);
  out[i] = simd_max(value);
}

// Accesses outside of what is theirs, and such as are not aligned.
#include "corpus.h"

constant float kTable[4] = {1.0f, 2.0f, 3.0f, 4.0f};

struct Wide {
  int values[8];
};

struct alignas(8) Pair {
  float values[2];
};

inline float pick(float4 v, uint n) {
  float held[4] = {v.x, v.y, v.z, v.w};
  return held[n];  // found
}

inline float through(thread const float* p, int n) {
  return p[n];  // found
}

inline void put(thread float* p, int n, float value) {
  p[n] = value;  // found
}

inline float from_table(constant float* p, int n) {
  return p[n];  // found
}

// out of bounds: one element past the end is read
kernel void read_past_end_bug(ARGUMENTS) {
  out[i] = data[i + 1];  // found
}
kernel void read_past_end_twin(ARGUMENTS) {
  out[i] = data[i + 1 < 128 ? i + 1 : 0];
}

// out of bounds: one byte past the end is read
kernel void byte_past_end_bug(ARGUMENTS) {
  device uchar* bytes = (device uchar*)data;
  out[i] = bytes[i * 4 + 4];  // found
}
kernel void byte_past_end_twin(ARGUMENTS) {
  device uchar* bytes = (device uchar*)data;
  out[i] = bytes[i * 4 + 3];
}

// out of bounds: one element past the end is written
kernel void write_past_end_bug(ARGUMENTS) {
  for (uint n = i; n <= 128; n += 128) out[n] = 0.0f;  // found
}
kernel void write_past_end_twin(ARGUMENTS) {
  for (uint n = i; n < 128; n += 128) out[n] = 0.0f;
}

// out of bounds: before the beginning
kernel void before_beginning_bug(ARGUMENTS) {
  const int at = int(i) - 1;
  out[i] = data[at];  // found
}
kernel void before_beginning_twin(ARGUMENTS) {
  const int at = int(i) - 1;
  out[i] = at < 0 ? 0.0f : data[at];
}

// out of bounds: an unsigned difference wraps
kernel void wrapped_index_bug(ARGUMENTS) {
  const uint at = t - 1;
  out[i] = data[at];  // found
}
kernel void wrapped_index_twin(ARGUMENTS) {
  const uint at = t - 1;
  out[i] = at < 128 ? data[at] : 0.0f;
}

// out of bounds: far away
kernel void wild_bug(ARGUMENTS) {
  out[i] = data[long(i) << 34 | 1l << 40];  // found
}
kernel void wild_twin(ARGUMENTS) {
  out[i] = data[(long(i) << 34) >> 34];
}

// out of bounds: a pointer runs over a threadgroup variable
kernel void shared_pointer_bug(ARGUMENTS) {
  threadgroup float tile[kThreads];
  threadgroup float* at = tile;
  at[t + 1] = data[i];  // found
}
kernel void shared_pointer_twin(ARGUMENTS) {
  threadgroup float tile[kThreads + 1];
  threadgroup float* at = tile;
  at[t + 1] = data[i];
}

// out of bounds: one byte over a threadgroup variable
kernel void shared_byte_bug(ARGUMENTS) {
  threadgroup uchar bytes[kThreads];
  threadgroup uchar* at = bytes;
  at[t + 1] = 0;  // found
}
kernel void shared_byte_twin(ARGUMENTS) {
  threadgroup uchar bytes[kThreads + 1];
  threadgroup uchar* at = bytes;
  at[t + 1] = 0;
}

// out of bounds: one threadgroup variable runs into the next
kernel void next_variable_bug(ARGUMENTS) {
  threadgroup float first[kThreads], second[kThreads];
  threadgroup float* at = first;
  at[t] = data[i];
  second[t] = data[i];
  wait();
  out[i] = at[t + 64] + second[t];  // found
}
kernel void next_variable_twin(ARGUMENTS) {
  threadgroup float first[2 * kThreads], second[kThreads];
  threadgroup float* at = first;
  at[t] = data[i];
  at[t + 64] = data[i];
  second[t] = data[i];
  wait();
  out[i] = at[t + 64] + second[t];
}

// out of bounds: an array's own size is passed
kernel void array_bug(ARGUMENTS) {
  threadgroup float tile[8][8];
  tile[t / 8][t % 8 + 1] = data[i];  // found
}
kernel void array_twin(ARGUMENTS) {
  threadgroup float tile[8][8];
  tile[t / 8][t % 8] = data[i];
}

// out of bounds: a thread's own array
kernel void private_array_bug(ARGUMENTS) {
  out[i] = pick(float4(data[i]), t);
}
kernel void private_array_twin(ARGUMENTS) {
  out[i] = pick(float4(data[i]), t % 4);
}

// out of bounds: the last vector is not whole
kernel void vector_tail_bug(ARGUMENTS) {
  device float4* rows = (device float4*)(data + 4);
  if (i < 32) out[i] = rows[i].x;  // found
}
kernel void vector_tail_twin(ARGUMENTS) {
  device float4* rows = (device float4*)(data + 4);
  if (i < 31) out[i] = rows[i].x;
}

// out of bounds: a table of constants
kernel void table_bug(ARGUMENTS) {
  out[i] = kTable[t / 8];  // found
}
kernel void table_twin(ARGUMENTS) {
  out[i] = kTable[t / 16];
}

// out of bounds: a struct larger than its buffer
kernel void struct_bug(ARGUMENTS) {
  constant Wide& wide = *(constant Wide*)sizes;
  out[i] = wide.values[t % 8];  // found
}
kernel void struct_twin(ARGUMENTS) {
  constant Wide& wide = *(constant Wide*)sizes;
  out[i] = wide.values[t % 4];
}

// misaligned: a vector of four at any element
kernel void misaligned_vector_bug(ARGUMENTS) {
  if (i < 100) out[i] = ((device float4*)(data + i))->x;  // found
}
kernel void misaligned_vector_twin(ARGUMENTS) {
  if (i < 100) out[i] = ((device float4*)(data + i / 4 * 4))->x;
}

// misaligned: a word at any byte
kernel void misaligned_word_bug(ARGUMENTS) {
  device uchar* bytes = (device uchar*)data;
  out[i] = *(device uint*)(bytes + i);  // found
}
kernel void misaligned_word_twin(ARGUMENTS) {
  device uchar* bytes = (device uchar*)data;
  out[i] = *(device uint*)(bytes + i / 4 * 4);
}

// misaligned: a structure that is copied whole
kernel void misaligned_structure_bug(ARGUMENTS) {
  const Pair loaded = *reinterpret_cast<device const Pair*>(data + i / 4 * 4 + 1);  // found
  out[i] = loaded.values[0];
}
kernel void misaligned_structure_twin(ARGUMENTS) {
  const Pair loaded = *reinterpret_cast<device const Pair*>(data + i / 4 * 4 + 2);
  out[i] = loaded.values[0];
}

// misaligned: a structure that is stored whole, some of them behind where the pointer was made
kernel void misaligned_store_bug(ARGUMENTS) {
  device Pair* pairs = (device Pair*)(out + 1);
  if (i < 60) pairs[i] = Pair{{data[i], 1.0f}};  // found
}
kernel void misaligned_store_twin(ARGUMENTS) {
  device Pair* pairs = i < 60 ? (device Pair*)&out[0] : (device Pair*)(out + 1);
  if (i < 60) pairs[i] = Pair{{data[i], 1.0f}};
}

// misaligned: packed vectors may lie at any element, plain ones not
kernel void packed_bug(ARGUMENTS) {
  if (i < 40) out[i] = ((device float2*)(data + 3 * i))->x;  // found
}
kernel void packed_twin(ARGUMENTS) {
  if (i < 40) out[i] = float3(((device packed_float3*)data)[i]).x;
}

template <class T> inline __attribute__((always_inline)) void look(device const T* at) {
  T unused = at[0];  // found
}

// out of bounds: a value that nobody uses is read past the end
kernel void unused_read_bug(ARGUMENTS) {
  look(data + i + 1);
  out[i] = data[i];
}
kernel void unused_read_twin(ARGUMENTS) {
  look(data + i);
  out[i] = data[i];
}

// out of bounds: so far off that another buffer might lie there
kernel void another_buffer_bug(ARGUMENTS) {
  out[i] = data[i + (3u << 18)];  // found
}
kernel void another_buffer_twin(ARGUMENTS) {
  out[i] = data[i + (3u << 18 >> 20)];
}

// out of bounds: past one threadgroup variable, where another might lie
kernel void second_variable_bug(ARGUMENTS) {
  threadgroup float first[kThreads];
  threadgroup float second[kThreads];
  first[t] = second[t] = data[i];
  wait();
  threadgroup float* at = first;
  out[i] = at[t + 2 * kThreads];  // found
}
kernel void second_variable_twin(ARGUMENTS) {
  threadgroup float both[2][kThreads];
  both[0][t] = both[1][t] = data[i];
  wait();
  threadgroup float* at = both[0];
  out[i] = at[t + kThreads];
}

// out of bounds: past a thread's own array, through a pointer
kernel void own_array_pointer_bug(ARGUMENTS) {
  float held[3] = {data[i], 1.0f, 2.0f};
  out[i] = through(held, sizes[2] + 2);
}
kernel void own_array_pointer_twin(ARGUMENTS) {
  float held[3] = {data[i], 1.0f, 2.0f};
  out[i] = through(held, sizes[2] + 1);
}

// out of bounds: before a thread's own array, through a pointer
kernel void own_array_before_bug(ARGUMENTS) {
  float held[64];
  put(held, sizes[3] - 1, data[i]);
  out[i] = data[i];
}
kernel void own_array_before_twin(ARGUMENTS) {
  float held[64];
  put(held, sizes[3], data[i]);
  out[i] = data[i] + held[0];
}

// out of bounds: past a table, through a pointer
kernel void table_pointer_bug(ARGUMENTS) {
  out[i] = from_table(kTable, sizes[2] + 3);
}
kernel void table_pointer_twin(ARGUMENTS) {
  out[i] = from_table(kTable, sizes[2] + 2);
}

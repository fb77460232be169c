// How elements are stored: widening, rounding, single elements and chunks of neighbours.
//
// A GPU's own header defines before: SGL_FN, SGL_DEVICE (the address space of device memory),
// SGL_NARROW_F8E4M3(x) where the chip rounds to that type, and SGL_SATURATES where it has `saturate_to<T>(x)`
// for narrow integers; after, Codec for its own 16-bit floats.
#pragma once

#include "integers.h"

namespace sgl {

// OCP E4M3: no infinities, largest 448, NaN is 0x7f.
struct f8e4m3 {
  uint8_t bits;
};

// Named apart from u8: any byte but 0 reads as true.
struct boolean {
  uint8_t bits;
};

// What T widens to, and how a value is rounded to it.
template <class T>
struct Codec {
  using Value = T;
  static SGL_FN T widen(T x) {
    return x;
  }
  template <class V>
  static SGL_FN T narrow(V x) {
    return T(x);
  }
};

// The nearest integer, ties to even.
SGL_FN int32_t whole(float x) {
  return to_i32(round(x));
}
SGL_FN int32_t whole(int32_t x) {
  return x;
}

// The nearest integer of T's range.
template <class T, int kLowest, int kHighest, class V>
SGL_FN T saturated(V value) {
#ifdef SGL_SATURATES
  return saturate_to<T>(value);
#else
  const int32_t x = whole(value);
  return T(x < kLowest ? kLowest : x > kHighest ? kHighest : x);
#endif
}

template <>
struct Codec<int8_t> {
  using Value = int32_t;
  static SGL_FN int32_t widen(int8_t x) {
    return int32_t(x);
  }
  template <class V>
  static SGL_FN int8_t narrow(V value) {
    return saturated<int8_t, -128, 127>(value);
  }
};

template <>
struct Codec<uint8_t> {
  using Value = int32_t;
  static SGL_FN int32_t widen(uint8_t x) {
    return int32_t(x);
  }
  template <class V>
  static SGL_FN uint8_t narrow(V value) {
    return saturated<uint8_t, 0, 255>(value);
  }
};

template <>
struct Codec<boolean> {
  using Value = bool;
  static SGL_FN bool widen(boolean x) {
    return x.bits != 0;
  }
  static SGL_FN boolean narrow(bool x) {
    return boolean{uint8_t(x ? 1 : 0)};
  }
};

template <>
struct Codec<f8e4m3> {
  using Value = float;
  // Scaling by 2^120 moves the exponent's bias, and normalises what is subnormal.
  static SGL_FN float widen(f8e4m3 x) {
    const uint32_t sign = uint32_t(x.bits & 0x80u) << 24;
    const uint32_t size = x.bits & 0x7fu;
    const uint32_t finite = f32_to_bits(bits_to_f32((size + 0x78u * 8) << 20));
    const float small = float(size) * bits_to_f32(0x3b000000u);  // multiples of 2^-9
    const uint32_t bits = size < 8 ? f32_to_bits(small) : finite;
    return bits_to_f32(sign | (size == 0x7fu ? 0x7fc00000u : bits));
  }
  static SGL_FN f8e4m3 narrow(float x) {
#ifdef SGL_NARROW_F8E4M3
    return f8e4m3{SGL_NARROW_F8E4M3(x)};
#else
    const uint32_t bits = f32_to_bits(x);
    const uint32_t size = bits & 0x7fffffffu;
    const uint32_t sign = bits >> 31 << 7;
    if (size > 0x7f800000u) return f8e4m3{uint8_t(sign | 0x7fu)};
    if (size >= 0x43e00000u) return f8e4m3{uint8_t(sign | 0x7eu)};  // from 448 on
    if (size < 0x3c800000u) {  // below 2^-6: adding 2^14 leaves the multiple of 2^-9 in the low bits
      const uint32_t rounded = f32_to_bits(bits_to_f32(size) + 16384.0f) - 0x46800000u;
      return f8e4m3{uint8_t(sign | rounded)};
    }
    const uint32_t tie = size >> 20 & 1u;
    const uint32_t rounded = ((size + tie + 0x7ffffu) >> 20) - 0x78u * 8;
    return f8e4m3{uint8_t(sign | rounded)};
#endif
  }
};

// x rounded to the stored type T and widened again.
template <class T>
SGL_FN float round_to(float x) {
  return Codec<T>::widen(Codec<T>::narrow(x));
}

template <class T, class I>
SGL_FN typename Codec<T>::Value load(SGL_DEVICE const T* data, I index) {
  return Codec<T>::widen(data[index]);
}

template <class T, class I, class V>
SGL_FN void store(SGL_DEVICE T* data, I index, V value) {
  data[index] = Codec<T>::narrow(value);
}

// ---- chunks: neighbouring elements in a lane's registers -------------------------------------------

constexpr SGL_FN int chunk_alignment(int bytes) {
  return bytes < 16 ? bytes : 16;
}

template <class T, int chunk>
struct alignas(chunk_alignment(sizeof(T) * chunk)) Chunk {
  T items[chunk];

  SGL_FN typename Codec<T>::Value get(int step) const {
    return Codec<T>::widen(items[step]);
  }
  template <class V>
  SGL_FN void set(int step, V value) {
    items[step] = Codec<T>::narrow(value);
  }
};

// The first `count` of a chunk's elements, as one access where data is aligned and `count` no less.
template <int chunk, bool is_aligned, class T, class O, class I>
SGL_FN Chunk<T, chunk> load_chunk(SGL_DEVICE const T* data, O offset, I count) {
  Chunk<T, chunk> loaded = {};
  if (is_aligned) {
    loaded = *reinterpret_cast<SGL_DEVICE const Chunk<T, chunk>*>(data + offset);
  } else {
    SGL_UNROLL
    for (int step = 0; step < chunk; ++step) {
      if (step < count) loaded.items[step] = data[offset + step];
    }
  }
  return loaded;
}

// Zeros where the condition does not hold; the tensor's memory is not touched then.
template <int chunk, bool is_aligned, class T, class O, class I>
SGL_FN Chunk<T, chunk> load_chunk_if(bool condition, SGL_DEVICE const T* data, O offset, I count) {
#ifdef SGL_ZEROS  // memory to read instead, which keeps a branch from parting loads that may be under way together
  if (is_aligned) {
    SGL_DEVICE const T* const place = condition ? data + offset : reinterpret_cast<SGL_DEVICE const T*>(SGL_ZEROS);
    return *reinterpret_cast<SGL_DEVICE const Chunk<T, chunk>*>(place);
  }
#endif
  Chunk<T, chunk> loaded = {};
  if (condition) loaded = load_chunk<chunk, is_aligned>(data, offset, count);
  return loaded;
}

// An element as it is read; `otherwise` where the condition does not hold, without touching the tensor.
template <class T, class I, class V>
SGL_FN V load_if(bool condition, SGL_DEVICE const T* data, I index, V otherwise) {
#ifdef SGL_ZEROS
  SGL_DEVICE const T* const place = condition ? data + index : reinterpret_cast<SGL_DEVICE const T*>(SGL_ZEROS);
  const V loaded = V(Codec<T>::widen(*place));
  return condition ? loaded : otherwise;
#else
  return condition ? V(load(data, index)) : otherwise;
#endif
}

template <bool is_aligned, class T, int chunk, class O, class I>
SGL_FN void store_chunk(SGL_DEVICE T* data, O offset, I count, Chunk<T, chunk> values) {
  if (is_aligned) {
    *reinterpret_cast<SGL_DEVICE Chunk<T, chunk>*>(data + offset) = values;
  } else {
    SGL_UNROLL
    for (int step = 0; step < chunk; ++step) {
      if (step < count) data[offset + step] = values.items[step];
    }
  }
}

// ---- elements that a lane loads once ------------------------------------------------------------------

// A lane's chunks in registers: one for each of its `turns`.
template <class T, int chunk, bool is_aligned, int turns>
class Held {
 public:
  template <class O, class I>
  SGL_FN void load(int turn, SGL_DEVICE const T* data, O offset, I count) {
    items_[turn] = load_chunk<chunk, is_aligned>(data, offset, count);
  }
  template <class O, class I>
  SGL_FN void load_if(bool condition, int turn, SGL_DEVICE const T* data, O offset, I count) {
    items_[turn] = load_chunk_if<chunk, is_aligned>(condition, data, offset, count);
  }
  SGL_FN void put(int turn, Chunk<T, chunk> values) {
    items_[turn] = values;
  }
#ifdef SGL_FORGETS
  // From here on elements are widened anew: as they are stored, they take fewer registers.
  SGL_FN void widen_anew() {
    if constexpr (is_aligned && sizeof(T) < sizeof(float)) {
      SGL_UNROLL
      for (int turn = 0; turn < turns; ++turn) forget(items_[turn]);
    }
  }
#endif
  template <class O, class I>
  SGL_FN Chunk<T, chunk> get(int turn, SGL_DEVICE const T*, O, I) const {
    return items_[turn];
  }
  template <class O, class I>
  SGL_FN Chunk<T, chunk> get_if(bool, int turn, SGL_DEVICE const T*, O, I) const {
    return items_[turn];
  }

 private:
  Chunk<T, chunk> items_[turns];
};

// Chunks that are loaded where they are needed, each time.
template <class T, int chunk, bool is_aligned>
class Held<T, chunk, is_aligned, 0> {
 public:
  template <class O, class I>
  SGL_FN void load(int, SGL_DEVICE const T*, O, I) {}
  template <class O, class I>
  SGL_FN void load_if(bool, int, SGL_DEVICE const T*, O, I) {}
#ifdef SGL_FORGETS
  SGL_FN void widen_anew() {}
#endif
  template <class O, class I>
  SGL_FN Chunk<T, chunk> get(int, SGL_DEVICE const T* data, O offset, I count) const {
    return load_chunk<chunk, is_aligned>(data, offset, count);
  }
  template <class O, class I>
  SGL_FN Chunk<T, chunk> get_if(bool condition, int, SGL_DEVICE const T* data, O offset, I count) const {
    return load_chunk_if<chunk, is_aligned>(condition, data, offset, count);
  }
};

// ---- rows of which each lane reaches its own elements only ------------------------------------------

// Rounds of one element each that take the room of `turns` rounds of chunks, where one takes that of the longest.
constexpr SGL_FN int single_turns(int turns, int chunk) {
  return (turns * chunk + 7) / 8;
}

// A lane's elements in registers: `turns` rounds of a chunk each.
template <class S, int chunk, int turns>
class DealtRow {
 public:
  explicit SGL_FN DealtRow(SGL_DEVICE S*) {}
  template <class I>
  SGL_FN S get(int turn, int step, I) const {
    return items_[turn * chunk + step];
  }
  template <class I>
  SGL_FN void set(int turn, int step, I, S value) {
    items_[turn * chunk + step] = value;
  }
  // An element of the row that all lanes put together: its owner keeps it.
  template <class I>
  SGL_FN void put(Team team, I index, S value) {
    SGL_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
      const I own = index - I(turn * team.lanes + team.lane) * chunk;
      if (turns > 2 && index < I(turn * team.lanes) * chunk) break;
      SGL_UNROLL
      for (int step = 0; step < chunk; ++step) {
        items_[turn * chunk + step] = own == step ? value : items_[turn * chunk + step];
      }
    }
  }

 private:
  S items_[turns * chunk] = {};
};

// The whole row in memory.
template <class S, int chunk>
class DealtRow<S, chunk, 0> {
 public:
  explicit SGL_FN DealtRow(SGL_DEVICE S* memory) : memory_(memory) {}
  template <class I>
  SGL_FN S get(int, int, I index) const {
    return memory_[index];
  }
  template <class I>
  SGL_FN void set(int, int, I index, S value) {
    memory_[index] = value;
  }
  template <class I>
  SGL_FN void put(Team team, I index, S value) {
    if (int(index / chunk % team.lanes) == team.lane) memory_[index] = value;
  }

 private:
  SGL_DEVICE S* memory_;
};

}  // namespace sgl

// What stands in place of definitions in the runtime's headers that reach into the bits of floats. No header
// itself: each definition takes the place of the one that begins alike (`fuzz/exact/headers.py`).

SGL_FN float abs(float x) {
  return ring::absolute(x);
}

template <>
struct Codec<f8e4m3> {
  using Value = float;
  static SGL_FN float widen(f8e4m3 x) {
    return ring::F8e4m3::widen(x.bits);
  }
  static SGL_FN f8e4m3 narrow(float x) {
    return f8e4m3{uint8_t(ring::F8e4m3::narrow(x))};
  }
};

template <>
struct Limits<float> {
  static SGL_FN float lowest() {
    return ring::of_word(0u - ring::kInfinity);
  }
  static SGL_FN float highest() {
    return ring::of_word(ring::kInfinity);
  }
};

template <bool is_descending>
SGL_FN uint32_t rank_of(float x) {
  if (is_nan(x)) return is_descending ? 0xffffffffu : 1u;
  const long rising = (is_descending ? x.rank() : -x.rank()) + 2147483648l;  // of the least words, some are alike
  return uint32_t(rising < 2 ? 2 : rising > 0xfffffffel ? 0xfffffffel : rising);
}

inline float bits_to_f32(uint32_t bits) {
  return ring::from_bits(bits);
}

inline uint32_t f32_to_bits(float x) {
  return ring::to_bits(x);
}

// The ring that stands in for `float`: the same as `ring.py`, which says what it is for. Any C++17 or later, and
// no other header.
#pragma once

#if !defined(RING_FN)  // what stands before a function
#define RING_FN
#endif

namespace ring {

using Word = unsigned int;

constexpr Word kInfinity = 0x5bd1e995u, kNan = 0x9e3779b1u;  // set apart, and minus that of infinity

enum Key : Word {
  kLiteral = 1, kLog, kLog2, kSqrt, kRsqrt, kSin, kCos, kTanh, kErf, kFloor, kCeil, kRound, kTrunc, kPower,
  kF16, kBf16, kF8e4m3,
};

// A bijection, another one for each key.
RING_FN constexpr Word scramble(Word word, Key key) {
  Word h = word ^ (Word(key) * 0x6c8e9cf5u);
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

// The word of a literal: 0 and 1 are themselves. Others lie in their order, 8 halfway.
RING_FN constexpr Word word_of(double value) {
  if (value != value) return kNan;
  const double size = value < 0 ? -value : value;
  if (size >= 2147483648.0) return value < 0 ? 0u - kInfinity : kInfinity;
  const Word low = scramble(__builtin_bit_cast(Word, static_cast<float>(size)), kLiteral) & 255u;
  const Word word = size == 0.0 || size == 1.0 ? Word(size) : Word(8388608.0 * (size / (size + 8.0))) * 256u + low;
  return value < 0 && word != kNan ? 0u - word : word;
}

struct Element {
  Word word;

  Element() = default;
  RING_FN constexpr Element(double value) : word(word_of(value)) {}
  RING_FN constexpr Element(float value) : word(word_of(value)) {}
  RING_FN constexpr Element(int value) : word(Word(value)) {}
  RING_FN constexpr Element(unsigned value) : word(value) {}
  RING_FN constexpr Element(long value) : word(Word(value)) {}
  RING_FN constexpr Element(unsigned long value) : word(Word(value)) {}
  RING_FN constexpr Element(bool value) : word(value) {}

  RING_FN constexpr bool is_infinite() const {
    return word == kInfinity || word == 0u - kInfinity;
  }
  RING_FN constexpr bool is_nan() const {
    return word == kNan;
  }
  RING_FN constexpr bool is_finite() const {
    return !is_infinite() && !is_nan();
  }
  // An integer in the order of elements, NaN apart.
  RING_FN constexpr long rank() const {
    return word == kInfinity ? 1l << 40 : word == 0u - kInfinity ? -(1l << 40) : long(int(word));
  }

  // Words that are signed integers; what does not fit is the nearest that does, NaN is 0.
  RING_FN explicit constexpr operator int() const {
    return is_nan() ? 0 : word == kInfinity ? 2147483647 : word == 0u - kInfinity ? -2147483647 - 1 : int(word);
  }
  RING_FN explicit constexpr operator unsigned() const {
    return is_nan() || rank() < 0 ? 0u : word == kInfinity ? 4294967295u : word;
  }
  RING_FN explicit constexpr operator long() const {
    constexpr long most = 9223372036854775807l;
    return is_nan() ? 0 : word == kInfinity ? most : word == 0u - kInfinity ? -most - 1 : long(int(word));
  }
  RING_FN explicit constexpr operator double() const {
    return is_nan() ? __builtin_nan("") : is_infinite() ? (rank() < 0 ? -__builtin_inf() : __builtin_inf())
                                                        : double(int(word));
  }
};

RING_FN constexpr Element of_word(Word word) {
  Element made{0};
  made.word = word;
  return made;
}

// Bits that order elements as those of floats order floats, and the elements that have them: see `to_bits`.
constexpr Word kSign = 1u << 31;
constexpr Word kAtNan = kNan ^ kSign, kAtLowest = (0u - kInfinity) ^ kSign, kAtInfinity = kInfinity ^ kSign;

RING_FN constexpr Word to_bits(Element a) {
  const Word rising = a.word ^ kSign;
  Word place = rising + (rising < kAtLowest) + (rising < kAtNan) - (rising > kAtInfinity);
  if (a.is_nan()) place = 0xffffffffu;
  if (a.is_infinite()) place = a.rank() > 0 ? 0xfffffffeu : 1u;
  return place < kSign ? ~place : place ^ kSign;
}
RING_FN constexpr Element from_bits(Word bits) {
  const Word place = bits < kSign ? bits ^ kSign : ~bits;
  if (place == 0u || place == 0xffffffffu) return of_word(kNan);
  if (place == 1u || place == 0xfffffffeu) return of_word(place == 1u ? 0u - kInfinity : kInfinity);
  return of_word((place - (place <= kAtLowest) - (place <= kAtNan + 1u) + (place >= kAtInfinity)) ^ kSign);
}

// ---- operators --------------------------------------------------------------------------------------

RING_FN constexpr Element operator-(Element a) {
  return a.is_nan() ? a : of_word(0u - a.word);
}
RING_FN constexpr Element operator+(Element a, Element b) {
  if (a.is_finite() && b.is_finite()) return of_word(a.word + b.word);
  if (a.is_finite()) return b;
  if (b.is_finite()) return a;
  return a.word == b.word ? a : of_word(kNan);
}
RING_FN constexpr Element operator-(Element a, Element b) {
  return a + -b;
}
RING_FN constexpr Element operator*(Element a, Element b) {
  if (a.is_finite() && b.is_finite()) return of_word(a.word * b.word);
  return a.word == 1u ? b : b.word == 1u ? a : of_word(kNan);
}

// Of 2^k * u, u odd, it is 2^k / u: multiplicative, and its own inverse. 0 for 0.
RING_FN constexpr Element inverse(Element a) {
  if (!a.is_finite()) return of_word(kNan);
  const Word step = a.word & (0u - a.word);
  const Word unit = step == 0 ? 0u : a.word / step;
  Word found = unit;
  for (int n = 0; n < 5; ++n) found *= 2u - unit * found;
  return of_word(found * step);
}
RING_FN constexpr Element operator/(Element a, Element b) {
  return a * inverse(b);
}

RING_FN constexpr bool operator==(Element a, Element b) {
  return a.word == b.word && !a.is_nan();
}
RING_FN constexpr bool operator!=(Element a, Element b) {
  return !(a == b);
}
RING_FN constexpr bool operator<(Element a, Element b) {
  return !a.is_nan() && !b.is_nan() && a.rank() < b.rank();
}
RING_FN constexpr bool operator>(Element a, Element b) {
  return b < a;
}
RING_FN constexpr bool operator<=(Element a, Element b) {
  return !a.is_nan() && !b.is_nan() && a.rank() <= b.rank();
}
RING_FN constexpr bool operator>=(Element a, Element b) {
  return b <= a;
}

// ---- functions --------------------------------------------------------------------------------------

RING_FN constexpr Element absolute(Element a) {
  return a.rank() < 0 ? -a : a;
}
RING_FN constexpr Element scrambled(Element a, Key key) {
  return of_word(scramble(a.word, key));
}
RING_FN constexpr Element raised(Word base, Element a) {
  if (!a.is_finite()) return a.word == 0u - kInfinity ? of_word(0u) : a;
  Word found = 1;
  for (Word left = a.word; left != 0; left >>= 1, base *= base) found *= left & 1u ? base : 1u;
  return of_word(found);
}
RING_FN constexpr Element exp_of(Element a) {
  return raised(0x2c1b3c6du, a);
}
RING_FN constexpr Element exp2_of(Element a) {
  return raised(0x297a2d3du, a);
}
RING_FN constexpr Element power_of(Element a, Element b) {
  if (b == Element(2.0)) return a * a;
  return of_word(scramble(scramble(a.word, kPower) + b.word, kPower));
}

// A small float: the bits that it keeps of a word, and an element that they are kept of.
template <Key key, int bits, Word factor>
struct Small {
  static constexpr Word inverse_factor = inverse(of_word(factor)).word;
  RING_FN static constexpr Word narrow(Element a) {
    return (a.word * factor) >> (32 - bits);
  }
  RING_FN static constexpr Element widen(Word kept) {
    const Word word = ((kept << (32 - bits)) | (scramble(kept, key) >> bits)) * inverse_factor;
    return of_word(kept == 0 ? 0u : word);
  }
};
using F16 = Small<kF16, 16, 0x7feb352du>;
using Bf16 = Small<kBf16, 16, 0x846ca68bu>;
using F8e4m3 = Small<kF8e4m3, 8, 0x9d39247fu>;

// In place of a compiler's own 16-bit floats, which do not keep all bits of what is no number.
template <class Kept>
struct Stored16 {
  unsigned short bits;

  Stored16() = default;
  RING_FN explicit constexpr Stored16(Element a) : bits(static_cast<unsigned short>(Kept::narrow(a))) {}
  RING_FN explicit constexpr operator Element() const {
    return Kept::widen(bits);
  }
};
using Half = Stored16<F16>;
using Bfloat = Stored16<Bf16>;

}  // namespace ring

// Reductions: in a lane, then across a simdgroup by shuffles, then across a team through shared memory.
//
// The lane a value goes to and the tree in which lanes merge depend on the team's size alone, so the
// same values give the same bits. Every merge is symmetric, so all lanes hold the result.
#pragma once

#include "storage.h"

namespace sgl {

template <class S>
struct Limits;
template <>
struct Limits<float> {
  static SGL_FN float lowest() {
    return -bits_to_f32(0x7f800000u);
  }
  static SGL_FN float highest() {
    return bits_to_f32(0x7f800000u);
  }
};
template <>
struct Limits<int32_t> {
  static SGL_FN int32_t lowest() {
    return -2147483647 - 1;
  }
  static SGL_FN int32_t highest() {
    return 2147483647;
  }
};
template <>
struct Limits<uint32_t> {
  static SGL_FN uint32_t lowest() {
    return 0u;
  }
  static SGL_FN uint32_t highest() {
    return 4294967295u;
  }
};
template <>
struct Limits<int64_t> {
  static SGL_FN int64_t lowest() {
    return -9223372036854775807 - 1;
  }
  static SGL_FN int64_t highest() {
    return 9223372036854775807;
  }
};
template <>
struct Limits<bool> {
  static SGL_FN bool lowest() {
    return false;
  }
  static SGL_FN bool highest() {
    return true;
  }
};

// ---- words: how a value crosses lanes -------------------------------------------------------------

struct Words {
  uint32_t low;
  uint32_t high;
};

SGL_FN Words to_words(float x) {
  return Words{f32_to_bits(x), 0u};
}
SGL_FN Words to_words(int32_t x) {
  return Words{uint32_t(x), 0u};
}
SGL_FN Words to_words(uint32_t x) {
  return Words{x, 0u};
}
SGL_FN Words to_words(int64_t x) {
  return Words{uint32_t(uint64_t(x)), uint32_t(uint64_t(x) >> 32)};
}
SGL_FN Words to_words(bool x) {
  return Words{x ? 1u : 0u, 0u};
}

template <class S>
struct FromWords {
  static SGL_FN S of(Words words) {
    return S(words.low);
  }
};
template <>
struct FromWords<float> {
  static SGL_FN float of(Words words) {
    return bits_to_f32(words.low);
  }
};
template <>
struct FromWords<int64_t> {
  static SGL_FN int64_t of(Words words) {
    return int64_t(uint64_t(words.high) << 32 | words.low);
  }
};
template <>
struct FromWords<bool> {
  static SGL_FN bool of(Words words) {
    return words.low != 0u;
  }
};

template <class S>
SGL_FN S shuffle_xor(S value, int mask) {
  Words words = to_words(value);
  words.low = shuffle_word_xor(words.low, mask);
  if (sizeof(S) > 4) words.high = shuffle_word_xor(words.high, mask);
  return FromWords<S>::of(words);
}

template <class S>
SGL_FN void put_words(SGL_SHARED uint32_t* place, S value) {
  const Words words = to_words(value);
  place[0] = words.low;
  if (sizeof(S) > 4) place[1] = words.high;
}

template <class S>
SGL_FN S get_words(SGL_SHARED const uint32_t* place) {
  Words words = {place[0], 0u};
  if (sizeof(S) > 4) words.high = place[1];
  return FromWords<S>::of(words);
}

// ---- states ---------------------------------------------------------------------------------------

template <class S>
struct Single {
  S value;

  SGL_FN Single shuffled(int mask) const {
    return Single{shuffle_xor(value, mask)};
  }
  SGL_FN void put(SGL_SHARED uint32_t* place) const {
    put_words(place, value);
  }
  static SGL_FN Single get(SGL_SHARED const uint32_t* place) {
    return Single{get_words<S>(place)};
  }
};

template <class First, class Second>
struct Pair {
  First value;
  Second other;

  SGL_FN Pair shuffled(int mask) const {
    return Pair{shuffle_xor(value, mask), shuffle_xor(other, mask)};
  }
  SGL_FN void put(SGL_SHARED uint32_t* place) const {
    put_words(place, value);
    put_words(place + 2, other);
  }
  static SGL_FN Pair get(SGL_SHARED const uint32_t* place) {
    return Pair{get_words<First>(place), get_words<Second>(place + 2)};
  }
};

// ---- monoids --------------------------------------------------------------------------------------
// start()                  the state of no values
// add(state, index, value) one more value; indices ascend in a lane
// merge(a, b)              both, in either order
// result(state)            what a reduction gives

template <class S>
struct Sum {
  using State = Single<S>;
  static SGL_FN State start() {
    return State{S(0)};
  }
  static SGL_FN State merge(State a, State b) {
    return State{a.value + b.value};
  }
  template <class I>
  static SGL_FN State add(State s, I, S value) {
    return merge(s, State{value});
  }
  static SGL_FN S result(State s) {
    return s.value;
  }
};

// Integers wrap.
template <>
SGL_FN Single<int32_t> Sum<int32_t>::merge(Single<int32_t> a, Single<int32_t> b) {
  return Single<int32_t>{wrapping_add(a.value, b.value)};
}
template <>
SGL_FN Single<int64_t> Sum<int64_t>::merge(Single<int64_t> a, Single<int64_t> b) {
  return Single<int64_t>{wrapping_add(a.value, b.value)};
}

template <class S>
struct Max {
  using State = Single<S>;
  static SGL_FN State start() {
    return State{Limits<S>::lowest()};
  }
  static SGL_FN State merge(State a, State b) {
    return State{S(maximum(a.value, b.value))};
  }
  template <class I>
  static SGL_FN State add(State s, I, S value) {
    return merge(s, State{value});
  }
  static SGL_FN S result(State s) {
    return s.value;
  }
};

template <class S>
struct Min {
  using State = Single<S>;
  static SGL_FN State start() {
    return State{Limits<S>::highest()};
  }
  static SGL_FN State merge(State a, State b) {
    return State{S(minimum(a.value, b.value))};
  }
  template <class I>
  static SGL_FN State add(State s, I, S value) {
    return merge(s, State{value});
  }
  static SGL_FN S result(State s) {
    return s.value;
  }
};

template <class S>
struct Any {
  using State = Single<bool>;
  static SGL_FN State start() {
    return State{false};
  }
  static SGL_FN State merge(State a, State b) {
    return State{a.value || b.value};
  }
  template <class I>
  static SGL_FN State add(State s, I, S value) {
    return merge(s, State{bool(value)});
  }
  static SGL_FN bool result(State s) {
    return s.value;
  }
};

template <class S>
struct All {
  using State = Single<bool>;
  static SGL_FN State start() {
    return State{true};
  }
  static SGL_FN State merge(State a, State b) {
    return State{a.value && b.value};
  }
  template <class I>
  static SGL_FN State add(State s, I, S value) {
    return merge(s, State{bool(value)});
  }
  static SGL_FN bool result(State s) {
    return s.value;
  }
};

// How many values are true.
template <class S>
struct Count {
  using State = Single<int64_t>;
  static SGL_FN State start() {
    return State{0};
  }
  static SGL_FN State merge(State a, State b) {
    return State{a.value + b.value};
  }
  template <class I>
  static SGL_FN State add(State s, I, S value) {
    return State{s.value + (value ? 1 : 0)};
  }
  static SGL_FN int64_t result(State s) {
    return s.value;
  }
};

// The index of the first value that comes before all others; -1 of none. NaN is above every number.
template <class S, class Index, bool is_descending>
struct ArgBest {
  using State = Pair<S, Index>;
  // The index of no value: indices may be negative, but never the lowest integer.
  static SGL_FN Index nowhere() {
    return Limits<Index>::lowest();
  }
  static SGL_FN State start() {
    return State{S(0), nowhere()};
  }
  // Without branches, of which lanes would take different ones.
  static SGL_FN bool comes_before(S a, S b) {
    return is_descending ? !(a <= b) && b == b : !(a >= b) && a == a;
  }
  static SGL_FN State merge(State a, State b) {
    const bool is_tied = !comes_before(a.value, b.value) & (b.other < a.other);
    const bool is_better = (a.other == nowhere()) | comes_before(b.value, a.value) | is_tied;
    const bool takes_b = is_better & (b.other != nowhere());
    return State{takes_b ? b.value : a.value, takes_b ? b.other : a.other};
  }
  template <class I>
  static SGL_FN State add(State s, I index, S value) {
    const bool is_better = (s.other == nowhere()) | comes_before(value, s.value);
    return State{is_better ? value : s.value, is_better ? Index(index) : s.other};
  }
  static SGL_FN Index result(State s) {
    return s.other == nowhere() ? Index(-1) : s.other;
  }
  static SGL_FN S value(State s) {
    return s.other == nowhere() ? S(Limits<S>::lowest()) : s.value;
  }
};

template <class S, class Index>
using ArgMax = ArgBest<S, Index, true>;
template <class S, class Index>
using ArgMin = ArgBest<S, Index, false>;
template <class S, class Index>
using Best = ArgBest<S, Index, true>;

// The greatest word and the first index that has it; -1 and 0 where all words are 0.
template <class S, class Index>
struct Top {
  using State = Pair<S, Index>;
  static SGL_FN State start() {
    return State{S(0), Index(-1)};
  }
  static SGL_FN State merge(State a, State b) {
    const bool takes_b = (b.value > a.value) | ((b.value == a.value) & (b.other < a.other));
    return State{takes_b ? b.value : a.value, takes_b ? b.other : a.other};
  }
  template <class I>
  static SGL_FN State add(State s, I index, S value) {
    const bool is_greater = value > s.value;
    return State{is_greater ? value : s.value, is_greater ? Index(index) : s.other};
  }
  static SGL_FN Index result(State s) {
    return s.other;
  }
  static SGL_FN S value(State s) {
    return s.value;
  }
};

// ---- merging a whole simdgroup ---------------------------------------------------------------------

// Whether a GPU has instructions that merge the states of 32 lanes, and the merged state.
template <class Monoid>
struct Merged {
  static constexpr SGL_CONSTANT bool is_native = false;
  static SGL_FN typename Monoid::State of(typename Monoid::State state) {
    return state;
  }
};

// Floats as words in the order in which they are chosen; 0 comes after every float.
template <bool is_descending>
SGL_FN uint32_t rank_of(float x) {
  if (is_nan(x)) return is_descending ? 0xffffffffu : 1u;
  const uint32_t bits = x == 0.0f ? 0u : f32_to_bits(x);
  const uint32_t rising = (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
  return is_descending ? rising : ~rising;
}

// The best rank, the least place that has it, and the bits of the value there.
template <bool is_descending>
struct Merged<ArgBest<float, int32_t, is_descending>> {
  static constexpr SGL_CONSTANT bool is_native = true;
  using Choice = ArgBest<float, int32_t, is_descending>;
  static SGL_FN typename Choice::State of(typename Choice::State state) {
    const uint32_t rank = state.other == Choice::nowhere() ? 0u : rank_of<is_descending>(state.value);
    const bool is_best = rank == simd_max_word(rank);
    const uint32_t place = uint32_t(state.other) ^ 0x80000000u;
    const uint32_t first = simd_min_word(is_best ? place : 0xffffffffu);
    const uint32_t bits = simd_max_word(is_best && place == first ? f32_to_bits(state.value) : 0u);
    return typename Choice::State{bits_to_f32(bits), int32_t(first ^ 0x80000000u)};
  }
};

// The greatest word, and the least place that has it: -1 is the greatest place.
template <>
struct Merged<Top<uint32_t, int32_t>> {
  static constexpr SGL_CONSTANT bool is_native = true;
  using State = Pair<uint32_t, int32_t>;
  static SGL_FN State of(State state) {
    const uint32_t greatest = simd_max_word(state.value);
    const uint32_t first = simd_min_word(state.value == greatest ? uint32_t(state.other) : 0xffffffffu);
    return State{greatest, int32_t(first)};
  }
};

// Softmax in one pass: the greatest value, and the sum of exp(value - greatest). The smaller maximum is
// scaled to the greater; equal ones need no scale, also where they are infinite.
template <class S>
struct OnlineSoftmax {
  using State = Pair<float, float>;
  static SGL_FN State start() {
    return State{Limits<float>::lowest(), 0.0f};
  }
  static SGL_FN State merge(State a, State b) {
    const bool keeps_a = a.value > b.value;
    const float greater = maximum(a.value, b.value);
    const float distance = (keeps_a ? b.value : a.value) - greater;
    const float scale = exp(a.value == b.value ? 0.0f : distance);
    const float total = (keeps_a ? a.other : b.other) + (keeps_a ? b.other : a.other) * scale;
    return State{greater, total};
  }
  template <class I>
  static SGL_FN State add(State s, I, float value) {
    return merge(s, State{value, value == Limits<float>::lowest() ? 0.0f : 1.0f});
  }
  // Where all values are -inf, every share comes out as exp(-inf - 0) / 1; beside +inf, as NaN.
  static SGL_FN float greatest(State s) {
    return s.value == Limits<float>::lowest() ? 0.0f : s.value;
  }
  static SGL_FN float total(State s) {
    if (s.value == Limits<float>::lowest()) return 1.0f;
    return s.value == Limits<float>::highest() ? s.value - s.value : s.other;
  }
};

// ---- the reduction of a loop ------------------------------------------------------------------------

template <class Monoid>
class Accumulator {
 public:
  using State = typename Monoid::State;

  // One more value of this lane.
  template <class I, class V>
  SGL_FN void add(I index, V value) {
    state_ = Monoid::add(state_, index, value);
  }
#ifdef SGL_FUSES
  // One more value of this lane, a product, which is not rounded before it is added.
  template <class I>
  SGL_FN void add_product(I, float a, float b) {
    state_.value = multiply_add(a, b, state_.value);
  }
#endif

  // Merges all lanes of the team, or of a part of one, which call this together. Between two calls, they wait.
  template <class T>
  SGL_FN void combine(T team) {
    merge_simd<T::simd_lanes>(team.lanes);
    if (team.lanes <= T::simd_lanes) return;
#ifdef SGL_READS_QUADS
    if constexpr (sizeof(State) <= sizeof(uint32_t) && !Merged<Monoid>::is_native) {
      gather(team);
      return;
    }
#endif
    if (team.lane % kSimdLanes == 0) state_.put(team.exchange + team.lane / kSimdLanes * kWords);
    team.wait();
    const int from = team.lane % kSimdLanes;
    state_ = from < team.lanes / kSimdLanes ? State::get(team.exchange + from * kWords) : Monoid::start();
    merge_simd<kSimdLanes>(kSimdLanes);
  }

  SGL_FN auto result() const {
    return Monoid::result(state_);
  }
  SGL_FN auto index() const {
    return Monoid::result(state_);
  }
  SGL_FN auto value() const {
    return Monoid::value(state_);
  }
  SGL_FN float maximum() const {
    return Monoid::greatest(state_);
  }
  SGL_FN float total() const {
    return Monoid::total(state_);
  }

 private:
  static constexpr SGL_CONSTANT int kWords = 4;  // of a state in exchange memory

  // Across `lanes` lanes that shuffle, or across the fewer that a team has.
  template <int lanes>
  SGL_FN void merge_simd(int present) {
    if (Merged<Monoid>::is_native && lanes == kSimdLanes && present >= lanes) {
      state_ = Merged<Monoid>::of(state_);
    } else if (present >= lanes) {
      SGL_UNROLL
      for (int mask = lanes / 2; mask > 0; mask /= 2) state_ = Monoid::merge(state_, state_.shuffled(mask));
    } else {
      for (int mask = present / 2; mask > 0; mask /= 2) state_ = Monoid::merge(state_, state_.shuffled(mask));
    }
  }

#ifdef SGL_READS_QUADS
  // The states of all simdgroups: each lane reads four of them at once, which leaves few shuffles, one after
  // the other, to be made.
  template <class T>
  SGL_FN void gather(T team) {
    static_assert(kMostLanes / kSimdLanes <= 16);
    const int simds = team.lanes / kSimdLanes;
    const int quads = simds > 8 ? 4 : simds > 4 ? 2 : 1;
    if (team.lane % kSimdLanes == 0) state_.put(team.exchange + team.lane / kSimdLanes);
    team.wait();
    const int mine = team.lane & (quads - 1);
    state_ = merge_quad(reinterpret_cast<const uint4*>(team.exchange)[mine], simds - 4 * mine);
    if (quads > 2) state_ = Monoid::merge(state_, state_.shuffled(2));
    if (quads > 1) state_ = Monoid::merge(state_, state_.shuffled(1));
  }

  // Of four neighbouring states, those that are present.
  static SGL_FN State merge_quad(uint4 quad, int present) {
    const uint32_t words[] = {quad.x, quad.y, quad.z, quad.w};
    State states[4];
    SGL_UNROLL
    for (int i = 0; i < 4; ++i) states[i] = i < present ? State::get(words + i) : Monoid::start();
    return Monoid::merge(Monoid::merge(states[0], states[1]), Monoid::merge(states[2], states[3]));
  }
#endif

  State state_ = Monoid::start();
};

}  // namespace sgl

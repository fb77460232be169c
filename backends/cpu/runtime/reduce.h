// Reductions: over a range dealt to 16 lanes (Accumulator), and over a serial loop (Serial).
//
// A monoid says how partial results (its State) start, take a value, and merge. The lane a value goes
// to and the tree in which lanes merge depend only on the order of calls, so the same values give the
// same bits on every instruction set.
#pragma once

#include "elementary.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

template <class V, class S>
using Like = std::conditional_t<is_pack<V>, Pack<S>, S>;

template <class S>
SGL_INLINE S lowest_of() {
  if constexpr (std::is_floating_point_v<S>) {
    return -__builtin_inff();
  } else {
    return std::is_signed_v<S> ? S(S(1) << (sizeof(S) * 8 - 1)) : S(0);
  }
}

template <class S>
SGL_INLINE S highest_of() {
  if constexpr (std::is_floating_point_v<S>) {
    return __builtin_inff();
  } else {
    return ~lowest_of<S>();
  }
}

// ---- states: `each` calls f on corresponding fields ------------------------------------------------

template <class A>
struct Single {
  A value;
  template <class F, class... S>
  static SGL_INLINE void each(F f, S&... state) {
    f(state.value...);
  }
};

template <class V>
struct Indexed {
  V value;
  Like<V, int64_t> index;
  template <class F, class... S>
  static SGL_INLINE void each(F f, S&... state) {
    f(state.value...);
    f(state.index...);
  }
};

// The greatest value so far, and the sum of exp(value - maximum).
template <class V>
struct SoftmaxState {
  V maximum;
  V total;
  template <class F, class... S>
  static SGL_INLINE void each(F f, S&... state) {
    f(state.maximum...);
    f(state.total...);
  }
};

template <class M, class State>
SGL_INLINE State select_state(M condition, const State& yes, const State& no) {
  State out;
  State::each([&](auto& o, const auto& a, const auto& b) { o = select(condition, a, b); }, out, yes, no);
  return out;
}

// ---- monoids --------------------------------------------------------------------------------------
// start<V>()               the state of no values
// add(state, index, value) one more value; indices ascend in a lane
// merge(a, b)              both; a holds lower lanes
// finish(state)            the result

struct Sum {
  template <class V>
  using State = Single<V>;
  template <class V>
  static SGL_INLINE State<V> start() {
    return {V(0)};
  }
  template <class V, class I>
  static SGL_INLINE State<V> add(const State<V>& s, I, V value) {
    return {s.value + value};
  }
  template <class V>
  static SGL_INLINE State<V> merge(const State<V>& a, const State<V>& b) {
    return {a.value + b.value};
  }
  template <class V>
  static SGL_INLINE V finish(const State<V>& s) {
    return s.value;
  }
};

struct Max : Sum {
  template <class V>
  static SGL_INLINE State<V> start() {
    return {V(lowest_of<Element<V>>())};
  }
  template <class V, class I>
  static SGL_INLINE State<V> add(const State<V>& s, I, V value) {
    return {maximum(s.value, value)};
  }
  template <class V>
  static SGL_INLINE State<V> merge(const State<V>& a, const State<V>& b) {
    return {maximum(a.value, b.value)};
  }
};

struct Min : Sum {
  template <class V>
  static SGL_INLINE State<V> start() {
    return {V(highest_of<Element<V>>())};
  }
  template <class V, class I>
  static SGL_INLINE State<V> add(const State<V>& s, I, V value) {
    return {minimum(s.value, value)};
  }
  template <class V>
  static SGL_INLINE State<V> merge(const State<V>& a, const State<V>& b) {
    return {minimum(a.value, b.value)};
  }
};

struct Any : Sum {
  template <class V>
  static SGL_INLINE State<V> start() {
    return {V(false)};
  }
  template <class V, class I>
  static SGL_INLINE State<V> add(const State<V>& s, I, V value) {
    return {s.value || value};
  }
  template <class V>
  static SGL_INLINE State<V> merge(const State<V>& a, const State<V>& b) {
    return {a.value || b.value};
  }
};

struct All : Sum {
  template <class V>
  static SGL_INLINE State<V> start() {
    return {V(true)};
  }
  template <class V, class I>
  static SGL_INLINE State<V> add(const State<V>& s, I, V value) {
    return {s.value && value};
  }
  template <class V>
  static SGL_INLINE State<V> merge(const State<V>& a, const State<V>& b) {
    return {a.value && b.value};
  }
};

// Counts true values. Lanes count in 32 bits: ranges stay below 2^35 elements.
struct Count {
  template <class V>
  using State = Single<Like<V, int32_t>>;
  template <class V>
  static SGL_INLINE State<V> start() {
    return {0};
  }
  template <class C, class I, class V>
  static SGL_INLINE Single<C> add(const Single<C>& s, I, V value) {
    return {s.value + to_i32(value)};
  }
  template <class C>
  static SGL_INLINE Single<C> merge(const Single<C>& a, const Single<C>& b) {
    return {a.value + b.value};
  }
  template <class C>
  static SGL_INLINE auto finish(const Single<C>& s) {
    return to_i64(s.value);
  }
};

// The index of the first value that comes before all others; -1 of none. NaN is above every number.
template <class Order>
struct ArgBest {
  template <class V>
  using State = Indexed<V>;
  // The index of no value: indices may be negative, but never the lowest integer.
  static constexpr int64_t kNowhere = INT64_MIN;
  template <class V>
  static SGL_INLINE State<V> start() {
    return {V(0), Like<V, int64_t>(kNowhere)};
  }
  template <class V, class I>
  static SGL_INLINE State<V> add(const State<V>& s, I index, V value) {
    const auto is_better = Order::before(value, s.value) || s.index == kNowhere;
    return {select(is_better, value, s.value), select(is_better, index, s.index)};
  }
  template <class V>
  static SGL_INLINE State<V> merge(const State<V>& a, const State<V>& b) {
    const auto is_tied = !Order::before(a.value, b.value) && b.index < a.index;
    const auto is_better = Order::before(b.value, a.value) || is_tied || a.index == kNowhere;
    return select_state(is_better && b.index != kNowhere, b, a);
  }
  template <class V>
  static SGL_INLINE auto finish(const State<V>& s) {
    return select(s.index == kNowhere, int64_t(-1), s.index);
  }
};

struct Descending {
  template <class V>
  static SGL_INLINE auto before(const V& a, const V& b) {
    return a > b || (a != a && b == b);
  }
};

struct Ascending {
  template <class V>
  static SGL_INLINE auto before(const V& a, const V& b) {
    return a < b || (a == a && b != b);
  }
};

using ArgMax = ArgBest<Descending>;
using ArgMin = ArgBest<Ascending>;

// ArgMax with the value that it found; the lowest one where there is none.
struct Best : ArgMax {
  template <class V>
  struct Found {
    Like<V, int64_t> index;
    V value;
  };
  template <class V>
  static SGL_INLINE Found<V> finish(const State<V>& s) {
    return {ArgMax::finish(s), select(s.index == kNowhere, V(lowest_of<Element<V>>()), s.value)};
  }
};

// The greatest word and the first index that has it; -1 and 0 where all words are 0.
struct Top : Sum {
  template <class V>
  using State = Indexed<V>;
  template <class V>
  static SGL_INLINE State<V> start() {
    return {V(0), Like<V, int64_t>(-1)};
  }
  template <class V, class I>
  static SGL_INLINE State<V> add(const State<V>& s, I index, V value) {
    const auto is_greater = value > s.value;
    return {select(is_greater, value, s.value), select(is_greater, index, s.index)};
  }
  template <class V>
  static SGL_INLINE State<V> merge(const State<V>& a, const State<V>& b) {
    return select_state(b.value > a.value || (b.value == a.value && b.index < a.index), b, a);
  }
  template <class V>
  static SGL_INLINE State<V> finish(const State<V>& s) {
    return s;
  }
};

// Softmax in one pass. The result's `maximum` and `total` give a value's share as
// exp(value - maximum) / total: 0 for -inf, and NaN beside +inf.
struct OnlineSoftmax {
  template <class V>
  using State = SoftmaxState<V>;
  template <class V>
  static SGL_INLINE State<V> start() {
    return {V(-__builtin_inff()), V(0.0f)};
  }
  template <class V, class I>
  static SGL_INLINE State<V> add(const State<V>& s, I, V value) {
    return merge(s, State<V>{value, select(value == -__builtin_inff(), V(0.0f), V(1.0f))});
  }
  // The smaller maximum is scaled to the greater; equal ones need no scale, also when infinite.
  template <class V>
  static SGL_INLINE State<V> merge(const State<V>& a, const State<V>& b) {
    const auto keeps_a = a.maximum > b.maximum;
    const V greater = sgl::maximum(a.maximum, b.maximum);
    const V distance = select(keeps_a, b.maximum, a.maximum) - greater;
    const V scale = exp(select(a.maximum == b.maximum, V(0.0f), distance));
    const V total = select(keeps_a, a.total, b.total) + select(keeps_a, b.total, a.total) * scale;
    return {greater, total};
  }
  // Where all values are -inf, every share comes out as exp(-inf - 0) / 1.
  template <class V>
  static SGL_INLINE State<V> finish(const State<V>& s) {
    const auto is_empty = s.maximum == -__builtin_inff();
    const auto is_undefined = s.maximum == __builtin_inff();
    const V total = select(is_undefined, V(__builtin_nanf("")), s.total);
    return {select(is_empty, V(0.0f), s.maximum), select(is_empty, V(1.0f), total)};
  }
};

// ---- over a serial loop ---------------------------------------------------------------------------

// The reduction of the values given to `add`, in their order. V is a scalar, or a Pack in which every
// lane reduces values of its own.
template <class Monoid, class V>
class Serial {
 public:
  template <Operand X>
  SGL_INLINE void add(X value) {
    add(0, value);
  }
  template <Operand I, Operand X>
  SGL_INLINE void add(I index, X value) {
    state_ = Monoid::add(state_, Like<V, int64_t>(index), V(value));
  }
  template <Operand C, Operand X>
  SGL_INLINE void add_if(C condition, X value) {
    add_if(condition, 0, value);
  }
  template <Operand C, Operand I, Operand X>
  SGL_INLINE void add_if(C condition, I index, X value) {
    state_ = select_state(condition, Monoid::add(state_, Like<V, int64_t>(index), V(value)), state_);
  }
  SGL_INLINE auto result() const {
    return Monoid::finish(state_);
  }

 private:
  typename Monoid::template State<V> state_ = Monoid::template start<V>();
};

// ---- over a range dealt to lanes ------------------------------------------------------------------

// The reduction of values of S over one for_lanes or for_each loop. Packs add lane by lane. The n-th
// scalar goes to lane n % 16, which is where a pack would have put it.
template <class Monoid, class S = bool>
class Accumulator {
 public:
  template <Operand X>
  SGL_INLINE void add(Lanes index, X value) {
    packs_ = added(packs_, index, value);
  }
  template <Operand C, Operand X>
  SGL_INLINE void add_if(C condition, Lanes index, X value) {
    packs_ = select_state(condition, added(packs_, index, value), packs_);
  }
  SGL_INLINE void add(int64_t index, S value) {
    add_if(true, index, value);
  }
  SGL_INLINE void add_if(bool condition, int64_t index, S value) {
    const int lane = scalars_++ % kLanes;
    if (!condition) return;
    One state;
    Many::each([&](auto& one, const auto& many) { one = many[lane]; }, state, tail_);
    state = Monoid::add(state, index, value);
    Many::each([&](const auto& one, auto& many) { many.set(lane, one); }, state, tail_);
  }

  SGL_INLINE auto result() const {
    Many all = scalars_ ? Monoid::merge(packs_, tail_) : packs_;
    all = merged<8>(all);
    all = merged<4>(all);
    all = merged<2>(all);
    all = merged<1>(all);
    One state;
    Many::each([&](auto& one, const auto& many) { one = many[0]; }, state, all);
    return Monoid::finish(state);
  }

 private:
  using One = typename Monoid::template State<S>;
  using Many = typename Monoid::template State<Pack<S>>;

  template <class X>
  static SGL_INLINE Many added(const Many& state, Lanes index, X value) {
    return Monoid::add(state, indices(index), as_pack<S>(value));
  }

  template <int kDistance>
  static SGL_INLINE Many merged(const Many& state) {
    Many other;
    Many::each([](auto& o, const auto& s) { o = swap_lanes<kDistance>(s); }, other, state);
    return Monoid::merge(state, other);
  }

  Many packs_ = Monoid::template start<Pack<S>>();
  Many tail_ = Monoid::template start<Pack<S>>();  // apart, so that `packs_` stays in registers
  uint64_t scalars_ = 0;
};

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

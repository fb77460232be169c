// Parts of a team, which work apart until they add up what each has.
#pragma once

#include "reduce.h"

namespace sgl {

// Some neighbouring lanes of a team, by the names that a team has. Parts that work apart take the same
// branches, so that lanes meet where values cross them.
struct Part {
  static constexpr SGL_CONSTANT int lanes = kPartLanes;
  static constexpr SGL_CONSTANT int simd_lanes = kPartLanes;
  Team whole;
  SGL_SHARED uint32_t* exchange;
  int64_t item;
  int lane;
  int part;
  int parts;

  SGL_FN bool is_first() const {
    return lane == 0;
  }
  // Of this part's lanes. Another part of the same simdgroup comes along, or has come to its end.
  SGL_FN void barrier() const {
    simd_barrier();
  }
  SGL_FN void wait() const {}  // a part has no more lanes than meet in a shuffle
};

// A team's part if it `has_parts`; else the team, which is its only part.
template <bool has_parts>
struct PartOf {
  static SGL_FN Part of(Team team) {
    return Part{team, team.exchange, team.item, team.lane % kPartLanes, team.lane / kPartLanes, team.lanes / kPartLanes};
  }
};
template <>
struct PartOf<false> {
  static SGL_FN Team of(Team team) {
    return team;
  }
};

// What a reduction of all parts' values gives. Each lane meets those in its place in the other parts.
template <class Monoid>
SGL_FN float over_parts(Part part, float value) {
  using State = typename Monoid::State;
  State state = {value};
  SGL_UNROLL
  for (int mask = kPartLanes; mask < kSimdLanes; mask *= 2) state = Monoid::merge(state, state.shuffled(mask));
  const Team team = part.whole;
  if (team.lanes == kSimdLanes) return Monoid::result(state);
  team.wait();
  state.put(team.exchange + team.lane);
  team.wait();
  state = State::get(team.exchange + team.lane % kSimdLanes);
  for (int place = team.lane % kSimdLanes + kSimdLanes; place < team.lanes; place += kSimdLanes) {
    state = Monoid::merge(state, State::get(team.exchange + place));
  }
  return Monoid::result(state);
}

template <class Monoid>
SGL_FN float over_parts(Team, float value) {
  return value;
}

// Of all parts, so that one of them may write over what the others have read from device memory.
SGL_FN void meet_parts(Part part) {
  part.whole.barrier();
}
SGL_FN void meet_parts(Team) {}

// Multiplies a part's row by its share.
template <class S, int chunk, int turns>
SGL_FN void scale_part(Part, float share, SGL_THREAD DealtRow<S, chunk, turns>& row) {
  SGL_UNROLL
  for (int turn = 0; turn < turns; ++turn) {
    SGL_UNROLL
    for (int step = 0; step < chunk; ++step) row.set(turn, step, 0, row.get(turn, step, 0) * share);
  }
}

template <class S, int chunk, int turns>
SGL_FN void scale_part(Team, float, SGL_THREAD DealtRow<S, chunk, turns>&) {}

// Adds up a row's elements over parts.
template <class S, int chunk, int turns>
SGL_FN void add_parts(Part part, SGL_THREAD DealtRow<S, chunk, turns>& row) {
  SGL_UNROLL
  for (int turn = 0; turn < turns; ++turn) {
    SGL_UNROLL
    for (int step = 0; step < chunk; ++step) {
      row.set(turn, step, 0, over_parts<Sum<float>>(part, row.get(turn, step, 0)));
    }
  }
}

template <class S, int chunk, int turns>
SGL_FN void add_parts(Team, SGL_THREAD DealtRow<S, chunk, turns>&) {}

}  // namespace sgl

// What the lanes of a part have for one point of the grid and one term of a stream each.
#pragma once

#include "parts.h"

namespace sgl {

// A value of one lane of the part.
SGL_FN float of_lane(Part, float value, int lane) {
  return __shfl_sync(0xffffffffu, value, lane, kPartLanes);
}

// Whether it holds for any lane of the warp, all of whose parts take the same branch.
SGL_FN bool any_lane(bool holds) {
  return __any_sync(0xffffffffu, holds) != 0;
}

// A reduction over each `count` neighbouring lanes.
template <class Monoid, int count>
SGL_FN float over_lanes(float value) {
  typename Monoid::State state = {value};
  SGL_UNROLL
  for (int mask = 1; mask < count; mask *= 2) state = Monoid::merge(state, state.shuffled(mask));
  return Monoid::result(state);
}

// Of `count` values, the one that is this lane's after lanes that differ in one bit of their number have shared
// out what they had left, and so on with half the count.
template <int count>
SGL_FN float own_of(int lane, const float (&values)[count]) {
  constexpr int half = count / 2;
  const bool is_upper = (lane & half) != 0;
  float left[half];
  SGL_UNROLL
  for (int place = 0; place < half; ++place) {
    const float kept = is_upper ? values[place + half] : values[place];
    const float given = is_upper ? values[place] : values[place + half];
    left[place] = kept + shuffle_xor(given, half);
  }
  if constexpr (half == 1) {
    return left[0];
  } else {
    return own_of(lane, left);
  }
}

// Of as many values as a part has lanes, lane i's sum over lanes of the i-th. Lanes merge in the same tree as
// in `Accumulator::combine`, so each sum has the bits that it has there.
SGL_FN float own_sum(Part part, const float (&values)[kPartLanes]) {
  return own_of(part.lane, values);
}

// The values of all lanes of the part, in memory of which each lane of the team has a word.
SGL_FN void every_lane(Part part, float value, float (&values)[kPartLanes]) {
  float4* const places = reinterpret_cast<float4*>(part.exchange) + part.part * (kPartLanes / 4);
  __syncwarp();  // until all have read what was there
  reinterpret_cast<float*>(places)[part.lane] = value;
  __syncwarp();
  SGL_UNROLL
  for (int place = 0; place < kPartLanes / 4; ++place) {
    const float4 four = places[place];
    values[place * 4] = four.x;
    values[place * 4 + 1] = four.y;
    values[place * 4 + 2] = four.z;
    values[place * 4 + 3] = four.w;
  }
}

}  // namespace sgl

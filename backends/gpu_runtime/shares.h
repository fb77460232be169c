// Lanes of a team that share one iteration of an outer loop.
//
// A GPU's own header defines before: SGL_FN and Team.
#pragma once

namespace sgl {

// One of `count` shares of a team, each of `lanes` lanes; share `number` takes every count-th iteration.
struct Share {
  int lane;
  int lanes;
  int number;
  int count;

  SGL_FN bool is_first() const {
    return lane == 0;
  }
};

// As many shares as leave each enough lanes for `extent` iterations in runs of `run`.
template <class I>
SGL_FN Share split_team(Team team, I extent, int run) {
  int lanes = team.lanes;
  while (lanes % 2 == 0 && I(lanes / 2) * run >= extent) lanes /= 2;
  const int number = int(uint32_t(team.lane) / uint32_t(lanes));
  return Share{team.lane - number * lanes, lanes, number, int(uint32_t(team.lanes) / uint32_t(lanes))};
}

}  // namespace sgl

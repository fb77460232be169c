// What the host tells every kernel of a launch. Stands after the fixed-width integers, whose header is
// another one for every target.
#pragma once

namespace sgl {

// How many teams, tiles of a loop, lanes of a team and iterations of a tile there are, how many teams
// share a group, and which optional tensors were passed.
struct Launch {
  int64_t teams;
  int64_t tiles;
  int32_t lanes;
  int32_t tile;
  int32_t teams_per_group;
  uint32_t given;
};

}  // namespace sgl

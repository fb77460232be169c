// Cutting one long loop into tiles for threads. Tiles are whole packs, so lanes stay what they were.
#pragma once

#include "isa.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

#ifndef SGL_TILE  // tests have shorter ones
#define SGL_TILE 8192
#endif
inline constexpr int64_t kTile = SGL_TILE;

SGL_INLINE int64_t tile_count(int64_t low, int64_t high) {
  return high <= low ? 0 : (high - low + kTile - 1) / kTile;
}
SGL_INLINE int64_t tile_low(int64_t low, int64_t tile) {
  return low + tile * kTile;
}
SGL_INLINE int64_t tile_high(int64_t low, int64_t high, int64_t tile) {
  const int64_t end = low + (tile + 1) * kTile;
  return end < high ? end : high;
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl

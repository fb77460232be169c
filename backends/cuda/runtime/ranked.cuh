// Words that a team takes from a row one by one: the greatest first, of equal ones the first; 0 is no word.
#pragma once

#include "reduce.h"

namespace sgl {

// Looks at all words in each round, and clears what it takes.
template <int chunk, int turns, bool are_few = (turns > 0 && turns * chunk <= 8)>
class RankedWords {
 public:
  explicit SGL_FN RankedWords(const DealtRow<uint32_t, chunk, turns>& row) : row_(row) {}

  // The word taken and its index below `count`; -1 and 0 where none is left. All lanes of the team take together.
  template <class I>
  SGL_FN Accumulator<Top<uint32_t, I>> take(Team team, I count) {
    Accumulator<Top<uint32_t, I>> found;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
      const I base = (I(turn) * team.lanes + team.lane) * chunk;
      if (base >= count) break;
      SGL_UNROLL
      for (int step = 0; step < chunk; ++step) {
        if (turns > 0 || base + step < count) found.add(base + step, row_.get(turn, step, base + step));
      }
    }
    team.wait();
    found.combine(team);
    if (found.index() >= 0) row_.put(team, found.index(), 0u);
    return found;
  }

 private:
  DealtRow<uint32_t, chunk, turns> row_;
};

// A lane's few words in order: in each round it offers the first, and moves up the others where that is taken.
template <int chunk, int turns>
class RankedWords<chunk, turns, true> {
 public:
  explicit SGL_FN RankedWords(const DealtRow<uint32_t, chunk, turns>& row) {
    uint32_t places[kWords];
    SGL_UNROLL
    for (int at = 0; at < kWords; ++at) {
      words_[at] = row.get(at / chunk, at % chunk, 0);
      places[at] = uint32_t(at);
    }
    // Neighbours change places where the second is greater: equal words stay in order.
    SGL_UNROLL
    for (int round = 0; round < kWords; ++round) {
      SGL_UNROLL
      for (int at = round % 2; at + 1 < kWords; at += 2) {
        const uint32_t word = words_[at], next = words_[at + 1], place = places[at];
        const bool is_less = word < next;
        words_[at] = is_less ? next : word;
        words_[at + 1] = is_less ? word : next;
        places[at] = is_less ? places[at + 1] : place;
        places[at + 1] = is_less ? place : places[at + 1];
      }
    }
    SGL_UNROLL
    for (int at = 0; at < kWords; ++at) places_ |= places[at] << 4 * at;
  }

  template <class I>
  SGL_FN Accumulator<Top<uint32_t, I>> take(Team team, I) {
    const int place = int(places_ & 15u);
    const I turn = I(turns == 1 ? 0 : place / chunk);
    const I mine = (turn * team.lanes + team.lane) * chunk + (turns == 1 ? place : place % chunk);
    Accumulator<Top<uint32_t, I>> found;
    found.add(mine, words_[0]);
    team.wait();
    found.combine(team);
    const bool is_taken = found.index() == mine;
    SGL_UNROLL
    for (int at = 0; at < kWords; ++at) {
      words_[at] = !is_taken ? words_[at] : at + 1 < kWords ? words_[at + 1] : 0u;
    }
    places_ = is_taken ? places_ >> 4 : places_;
    return found;
  }

 private:
  static constexpr int kWords = turns * chunk;

  uint32_t words_[kWords];
  uint32_t places_ = 0;  // where each word was, in four bits
};

}  // namespace sgl

// Words taken by a team of threads that stand for lanes, beside a sort. Prints what differs.
#include <algorithm>
#include <barrier>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#define SGL_FN inline
#define SGL_DEVICE
#define SGL_SHARED
#define SGL_CONSTANT
#define SGL_THREAD
#define SGL_UNROLL

namespace sgl {

constexpr int kSimdLanes = 32;
std::unique_ptr<std::barrier<>> meeting;
uint32_t shown[kSimdLanes];
thread_local int this_lane;
int lanes_here;

template <class Choose>
uint32_t together(uint32_t word, Choose choose) {
  shown[this_lane] = word;
  meeting->arrive_and_wait();
  const uint32_t chosen = choose();
  meeting->arrive_and_wait();
  return chosen;
}
uint32_t simd_max_word(uint32_t word) {
  return together(word, [] { return *std::max_element(shown, shown + lanes_here); });
}
uint32_t simd_min_word(uint32_t word) {
  return together(word, [] { return *std::min_element(shown, shown + lanes_here); });
}
uint32_t shuffle_word_xor(uint32_t word, int mask) {
  return together(word, [mask] { return shown[this_lane ^ mask]; });
}

struct Team {
  static constexpr int simd_lanes = kSimdLanes;
  int lane, lanes;
  uint32_t* exchange;
  void wait() const {}
};

inline float bits_to_f32(uint32_t bits) { return __builtin_bit_cast(float, bits); }
inline uint32_t f32_to_bits(float x) { return __builtin_bit_cast(uint32_t, x); }
inline float exp(float x) { return __builtin_expf(x); }
inline float round(float x) { return __builtin_rintf(x); }
inline float minimum(float a, float b) { return a < b ? a : b; }
inline float maximum(float a, float b) { return a > b ? a : b; }
inline bool isnan(float x) { return x != x; }
inline float multiply_add(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

}  // namespace sgl

#include "ranked.cuh"

using Word = std::pair<uint32_t, int32_t>;  // a word and its index; 0 and -1 of none

template <int chunk, int turns>
std::vector<Word> taken(std::vector<uint32_t> row, int lanes, int rounds) {
  std::vector<Word> found(rounds);
  sgl::lanes_here = lanes;
  sgl::meeting = std::make_unique<std::barrier<>>(lanes);
  std::vector<std::jthread> threads;
  for (int lane = 0; lane < lanes; lane++) {
    threads.emplace_back([&, lane] {
      sgl::this_lane = lane;
      const sgl::Team team{lane, lanes, nullptr};
      const int32_t count = int32_t(row.size());
      sgl::DealtRow<uint32_t, chunk, turns> mine(row.data());
      for (int turn = 0; turn < turns; turn++) {
        for (int step = 0; step < chunk; step++) {
          const int32_t at = (turn * lanes + lane) * chunk + step;
          if (at < count) mine.set(turn, step, at, row[at]);
        }
      }
      sgl::RankedWords<chunk, turns> words(mine);
      for (int round = 0; round < rounds; round++) {
        const auto best = words.take(team, count);
        if (lane == 0) found[round] = {best.value(), best.index()};
      }
    });
  }
  threads.clear();
  return found;
}

template <int chunk, int turns>
int wrong(int lanes, std::mt19937& random) {
  const int room = (turns == 0 ? 2 : turns) * lanes * chunk;
  const int count = 1 + int(random() % room), rounds = std::min(count + 2, 12);
  std::vector<uint32_t> row(count);
  for (uint32_t& word : row) word = random() % 5 == 0 ? 0xffffffffu - random() % 2 : random() % 4;
  std::vector<Word> want;
  for (int at = 0; at < count; at++) {
    if (row[at] != 0) want.emplace_back(row[at], at);
  }
  std::ranges::stable_sort(want, std::greater{}, &Word::first);
  want.resize(rounds, Word{0, -1});
  if (taken<chunk, turns>(row, lanes, rounds) == want) return 0;
  std::printf("chunk %d, turns %d, %d lanes, %d words: another order\n", chunk, turns, lanes, count);
  return 1;
}

int main() {
  std::mt19937 random(1);
  int failures = 0;
  for (const int lanes : {1, 4, 32}) {
    for (int i = 0; i < (lanes == 32 ? 3 : 40); i++) {
      failures += wrong<8, 1>(lanes, random) + wrong<4, 1>(lanes, random) + wrong<4, 2>(lanes, random);
      failures += wrong<1, 8>(lanes, random) + wrong<8, 2>(lanes, random) + wrong<4, 0>(lanes, random);
    }
  }
  return failures != 0;
}

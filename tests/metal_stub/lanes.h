// Runs a shader's threadgroups one after another, the lanes of one as fibers that take turns.
//
// A lane runs until it meets a collective (a barrier or shuffle), then the next lane does. Lanes run in
// ascending or descending order: what a missing barrier leaves to chance differs between the two.
#pragma once

#include <ucontext.h>

#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace lanes {

constexpr int kStackBytes = 1 << 16;

struct Group {
  std::vector<ucontext_t> contexts;
  std::vector<std::vector<char>> stacks;
  std::vector<uint32_t> words;
  std::vector<bool> is_done;
  ucontext_t home;
  std::function<void(int)> body;
  int current = 0;
  int step = 1;
};

inline Group group;

// Gives the turn to the next lane that has not returned, or ends the group.
inline void next_lane() {
  const int count = int(group.contexts.size());
  const int from = group.current;
  int next = from;
  do next = (next + group.step + count) % count;
  while (group.is_done[next] && next != from);
  if (group.is_done[next]) setcontext(&group.home);
  group.current = next;
  if (next != from) swapcontext(&group.contexts[from], &group.contexts[next]);
}

inline void run_lane(int lane) {
  group.body(lane);
  group.is_done[lane] = true;
  next_lane();
}

inline void run_group(int threads, bool is_descending, std::function<void(int)> body) {
  group.contexts.resize(threads);
  group.stacks.resize(threads, std::vector<char>(kStackBytes));
  group.words.assign(threads, 0);
  group.is_done.assign(threads, false);
  group.body = std::move(body);
  group.step = is_descending ? -1 : 1;
  group.current = is_descending ? threads - 1 : 0;
  for (int lane = 0; lane < threads; ++lane) {
    ucontext_t& context = group.contexts[lane];
    getcontext(&context);
    context.uc_stack.ss_sp = group.stacks[lane].data();
    context.uc_stack.ss_size = kStackBytes;
    context.uc_link = &group.home;
    makecontext(&context, reinterpret_cast<void (*)()>(run_lane), 1, lane);
  }
  swapcontext(&group.home, &group.contexts[group.current]);
}

using Runner = std::function<void(void**, const void*, const void*, uint32_t*, uint3, uint3, uint)>;
inline std::map<std::string, Runner> runners;

template <class... A, size_t... I>
Runner make_runner(void (*kernel)(A...), std::index_sequence<I...>) {
  using Types = std::tuple<A...>;
  constexpr size_t count = sizeof...(I);
  return [kernel](void** buffers, const void* params, const void* launch, uint32_t* exchange, uint3 place,
                  uint3 groups, uint number) {
    kernel(static_cast<std::tuple_element_t<I, Types>>(buffers[I])...,
           *static_cast<std::remove_reference_t<std::tuple_element_t<count, Types>>*>(params),
           *static_cast<std::remove_reference_t<std::tuple_element_t<count + 1, Types>>*>(launch), exchange,
           place, groups, number);
  };
}

struct Registered {
  template <class... A>
  Registered(const char* name, void (*kernel)(A...)) {
    runners[name] = make_runner(kernel, std::make_index_sequence<sizeof...(A) - 6>());
  }
};

}  // namespace lanes

namespace metal {

inline void simdgroup_barrier(mem_flags) {
  lanes::next_lane();
}
inline void threadgroup_barrier(mem_flags) {
  lanes::next_lane();
}
inline uint32_t simd_shuffle_xor(uint32_t value, ushort mask) {
  const int lane = lanes::group.current;
  lanes::group.words[lane] = value;
  lanes::next_lane();
  const uint32_t found = lanes::group.words[lane ^ mask];
  lanes::next_lane();
  return found;
}


// The words of this lane's simdgroup, folded by `better`.
template <class Better>
uint32_t simd_fold(uint32_t value, Better better) {
  const int lane = lanes::group.current, first = lane / 32 * 32;
  lanes::group.words[lane] = value;
  lanes::next_lane();
  uint32_t found = value;
  for (int other = first; other < first + 32; ++other) {
    if (better(lanes::group.words[other], found)) found = lanes::group.words[other];
  }
  lanes::next_lane();
  return found;
}
inline uint32_t simd_max(uint32_t value) {
  return simd_fold(value, [](uint32_t a, uint32_t b) { return a > b; });
}
inline uint32_t simd_min(uint32_t value) {
  return simd_fold(value, [](uint32_t a, uint32_t b) { return a < b; });
}

}  // namespace metal

#define SGL_JOIN_(a, b) a##b
#define SGL_JOIN(a, b) SGL_JOIN_(a, b)
#define SGL_KERNEL(name, ...) static const lanes::Registered SGL_JOIN(registered_, __COUNTER__)(name, &__VA_ARGS__);

// Every group of a launch; 0 where there is a kernel of the name.
extern "C" int run_kernel(const char* name, void** buffers, const void* params, const void* launch, int groups,
                          int threads, int is_descending) {
  const auto found = lanes::runners.find(name);
  if (found == lanes::runners.end()) return 1;
  std::vector<uint32_t> exchange(512);
  for (int number = 0; number < groups; ++number) {
    const uint3 place = {uint(number), 0, 0}, count = {uint(groups), 1, 1};
    lanes::run_group(threads, is_descending != 0, [&](int lane) {
      found->second(buffers, params, launch, exchange.data(), place, count, uint(lane));
    });
  }
  return 0;
}

// Which of an op's CPU kernels run on this machine.
#include <atomic>
#include <cstring>

#include "host_runtime/call.h"

namespace sgl::host {
namespace {

#if defined(__x86_64__)
constexpr const char* kLevels[] = {"baseline", "avx2", "avx512"};

int best_level() {
  __builtin_cpu_init();
  const bool has_avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return has_avx2 ? (has_avx512 ? 2 : 1) : 0;
}
#else
constexpr const char* kLevels[] = {"baseline"};

int best_level() { return 0; }
#endif

std::atomic<int>& current_level() {
  static std::atomic<int> level{best_level()};
  return level;
}

}  // namespace

int isa_level_count() { return best_level() + 1; }
const char* isa_level_name(int level) { return kLevels[level]; }
int isa_level() { return current_level().load(std::memory_order_relaxed); }

bool set_isa_level(int level) {
  if (level < 0 || level >= isa_level_count()) return false;
  current_level().store(level, std::memory_order_relaxed);
  return true;
}

Kernel cpu_kernel(const Call& call) {
  return call.op.cpu_kernels[isa_level() * call.op.entry_count + call.entry()];
}

}  // namespace sgl::host

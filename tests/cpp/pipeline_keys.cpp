// `pipeline_key` for ctypes.
#include <cstdio>
#include <vector>

#include "metal/host/pipeline_key.h"

// Writes the key of a kernel with `count` constants into `key`, which has room for `size` bytes.
extern "C" void key_of(const char* kernel, const int* positions, const uint64_t* bits, int count, char* key,
                       int size) {
  std::vector<sgl::metal::Constant> constants;
  for (int i = 0; i < count; i++) constants.push_back({positions[i], bits[i]});
  std::snprintf(key, static_cast<std::size_t>(size), "%s", sgl::metal::pipeline_key(kernel, constants).c_str());
}

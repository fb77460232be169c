#include "metal/host/pipeline_key.h"

#include <cinttypes>
#include <cstdio>

namespace sgl::metal {

std::string pipeline_key(const std::string& kernel, std::span<const Constant> constants) {
  std::string key = kernel;
  for (const Constant& constant : constants) {
    char text[40];
    std::snprintf(text, sizeof text, "__%d_%016" PRIx64, constant.position, constant.bits);
    key += text;
  }
  return key;
}

}  // namespace sgl::metal

// The GPU side of an op's node.
#include <stdexcept>
#include <string>

#include "host_runtime/mlx_primitive.h"

namespace sgl::host {

void OpPrimitive::eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) {
  throw std::runtime_error(std::string(name()) + ": this build has no Metal kernels; pass stream=mx.cpu");
}

}  // namespace sgl::host

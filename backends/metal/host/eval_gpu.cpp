// The GPU side of an op's node. MLX declares its Metal side under `_METAL_`.
#include <stdexcept>
#include <string>

#include "host_runtime/mlx_primitive.h"
#include "metal/host/recording.h"

namespace sgl::host {

#ifdef _METAL_

void OpPrimitive::eval_gpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  Call call(*plan_.signature);
  MlxViews views;
  allocate(inputs, outputs, call, views);
  Work work;
  prepare(call, nullptr, work);
  if (!work.has_output) return;
  metal::Arrays arrays;
  for (std::size_t i = 0; i < inputs.size(); i++) arrays.inputs[plan_.inputs[i]] = &inputs[i];
  for (std::size_t i = 0; i < outputs.size(); i++) arrays.outputs[plan_.outputs[i]] = &outputs[i];
  metal::record(*plan_.launches, call, work, arrays, stream());
}

#else

void OpPrimitive::eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) {
  throw std::runtime_error(std::string(name()) + ": this build has no Metal kernels; pass stream=mx.cpu");
}

#endif

}  // namespace sgl::host

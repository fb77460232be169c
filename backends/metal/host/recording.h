// Putting a call on MLX's command encoder.
#pragma once

#include <mlx/array.h>
#include <mlx/stream.h>

#include "host_runtime/call.h"
#include "metal/host/op_launches.h"

namespace sgl::metal {

// The arrays behind the op's tensors; null where one is not given, and in `outputs` where one is only read.
struct Arrays {
  const mlx::core::array* inputs[host::kMaxTensors] = {};
  mlx::core::array* outputs[host::kMaxTensors] = {};
};

// Encodes everything that the call takes: copies of inputs whose strides no kernel follows, zero fills, and
// the op's launches. `work` holds the parameters as `prepare` filled them. Nothing waits for the GPU.
// Throws std::runtime_error where the shaders cannot be loaded.
void record(const OpLaunches& op, const host::Call& call, host::Work& work, const Arrays& arrays,
            mlx::core::Stream stream);

}  // namespace sgl::metal

// An op as a node of MLX's lazy graph.
#pragma once

#include <mlx/array.h>
#include <mlx/primitives.h>

#include <memory>
#include <vector>

#include "host_runtime/call.h"
#include "metal/host/op_launches.h"

namespace sgl::host {

namespace mx = mlx::core;

// What one call of an op fixes besides its arrays. `launches` are those on a GPU. `inputs` lists the tensors given, arguments and
// destinations, in the op's order; `outputs` the results and the arguments updated in place.
struct Plan {
  const Signature* signature;
  const metal::OpLaunches* launches;
  std::vector<int16_t> inputs;
  std::vector<int16_t> outputs;
  Scalar scalars[kMaxScalars];
  int64_t size_arguments[kMaxSizes];
};

// The shapes, dtypes and strides of MLX arrays as the host reads them. Data is only looked up on request.
class MlxViews {
 public:
  void read(Call& call, int index, const mx::array& array);
  void read_memory(Call& call, int index, const mx::array& array);

 private:
  int64_t shapes_[kMaxTensors][kMaxDims];
  int64_t strides_[kMaxTensors][kMaxDims];
};

mx::Dtype mlx_dtype(DType dtype);

// The results and updated arguments share a buffer with their destination or argument; all other results
// are allocated when the node is evaluated.
class OpPrimitive : public mx::Primitive {
 public:
  OpPrimitive(mx::Stream stream, Plan plan) : mx::Primitive(stream), plan_(std::move(plan)) {}

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override;
  void eval_gpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override;
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override;
  bool is_equivalent(const mx::Primitive& other) const override;
  const char* name() const override { return plan_.signature->op->name; }

 private:
  // Gives each output its buffer and reads the memory of all arrays into the resolved call.
  void allocate(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs, Call& call,
                MlxViews& views);

  Plan plan_;
};

// The call that `plan` describes on `inputs`, its shapes resolved.
void resolve_plan(const Plan& plan, const std::vector<mx::array>& inputs, Call& call, MlxViews& views);

// The shape of each output of the resolved call.
std::vector<mx::Shape> shapes_of_outputs(const Plan& plan, const Call& call);

}  // namespace sgl::host

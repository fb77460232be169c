// The fake Metal device, and `_fake_gpu`: a module that evaluates lazy arrays on it.
#include <mlx/backend/metal/device.h>
#include <mlx/mlx.h>
#include <mlx/primitives.h>
#include <nanobind/nanobind.h>

#include <cstring>
#include <stdexcept>

namespace mlx::core::metal {
namespace {

using Runner = void (*)(const Dispatch*);
Runner runner = nullptr;

}  // namespace

void CommandEncoder::bind(const array& a, int index, int64_t offset, Bound kind) {
  auto& held = const_cast<array&>(a);
  const char* data = held.data<char>() + offset;
  const char* end = static_cast<const char*>(held.buffer().raw_ptr()) + held.buffer_size();
  bindings_[index] = {index, kind, data, end - data};
  touched_.push_back({pipeline_ ? pipeline_->kernel : "no kernel", index, held.data_shared_ptr()});
}

void CommandEncoder::require_memory() const {
  for (const Touched& item : touched_) {
    if (!item.memory.expired()) continue;
    throw std::logic_error("the memory of buffer " + std::to_string(item.index) + " of " + item.kernel +
                           " is freed before the GPU is through with it");
  }
}

void CommandEncoder::finish() {
  forget_bindings();
  temporaries_.clear();
  touched_.clear();
}

// Metal keeps what is bound from one dispatch to the next; MLX may start a new encoder between any two. So
// nothing is kept, and a launch that relies on an earlier one's bindings finds none.
void CommandEncoder::dispatch_threadgroups(MTL::Size groups, MTL::Size threads) {
  if (!pipeline_) throw std::logic_error("a dispatch without a pipeline");
  require_memory();
  std::vector<Binding> bindings;
  for (auto& [index, binding] : bindings_) {
    bindings.push_back(binding);
    if (binding.kind != Bound::bytes) continue;
    bindings.back().data = bytes_[index].data();
    bindings.back().size = static_cast<int64_t>(bytes_[index].size());
  }
  std::vector<Constant> constants;
  for (const auto& [position, value] : pipeline_->constants) constants.push_back({position, value});
  const Dispatch dispatch = {
      pipeline_->kernel.c_str(), pipeline_->key.c_str(), pipeline_->library->path.c_str(),
      pipeline_->library->source.c_str(), constants.data(), bindings.data(),
      static_cast<int32_t>(constants.size()), static_cast<int32_t>(bindings.size()), threadgroup_bytes_,
      has_barrier_, {groups.width, groups.height, groups.depth}, {threads.width, threads.height, threads.depth}};
  if (runner) runner(&dispatch);
  forget_bindings();
}

void CommandEncoder::forget_bindings() {
  pipeline_ = nullptr;
  bindings_.clear();
  bytes_.clear();
  threadgroup_bytes_ = 0;
  has_barrier_ = false;
}

MTL::Library* Device::get_library(const std::string& name, const std::string& path) {
  return &libraries_.try_emplace(name, MTL::Library{name, path, ""}).first->second;
}

MTL::Library* Device::get_library(const std::string& name, const std::function<std::string()>& builder) {
  const auto found = libraries_.find(name);
  if (found != libraries_.end()) return &found->second;
  return &libraries_.try_emplace(name, MTL::Library{name, "", builder()}).first->second;
}

// As MLX does: pipelines are kept by their key alone, whatever constants a later call asks for.
MTL::ComputePipelineState* Device::get_kernel(const std::string& kernel, MTL::Library* library,
                                              const std::string& key, const MTLFCList& constants) {
  const std::string name = library->name + "\n" + (key.empty() ? kernel : key);
  const auto found = pipelines_.find(name);
  if (found != pipelines_.end()) {
    found->second.most_threads = most_threads;
    return &found->second;
  }
  MTL::ComputePipelineState made{kernel, key, library, {}, most_threads};
  for (const auto& [value, type, position] : constants) {
    if (type != MTL::DataTypeInt) throw std::logic_error("a function constant that is no int");
    int32_t bits;
    std::memcpy(&bits, value, sizeof bits);
    made.constants.emplace_back(static_cast<int>(position), bits);
  }
  return &pipelines_.emplace(name, std::move(made)).first->second;
}

Device& device(mlx::core::Device) {
  static Device the_device;
  return the_device;
}

CommandEncoder& get_command_encoder(Stream) {
  static CommandEncoder encoder;
  return encoder;
}

}  // namespace mlx::core::metal

namespace nb = nanobind;
namespace mx = mlx::core;

namespace {

// Evaluates what an array's node reads, and gives back where that lies.
nb::list evaluate_inputs(mx::array& array) {
  nb::list places;
  if (array.status() != mx::array::Status::unscheduled) return places;
  std::vector<mx::array> inputs = array.inputs();
  mx::eval(inputs);
  for (mx::array& input : inputs) places.append(reinterpret_cast<std::uintptr_t>(input.data<char>()));
  return places;
}

// Runs the node of an array as MLX would on a GPU's stream.
void evaluate(mx::array& array) {
  if (array.status() != mx::array::Status::unscheduled) return;
  std::vector<mx::array> inputs = array.inputs(), outputs = array.outputs();
  mx::metal::CommandEncoder& encoder = mx::metal::get_command_encoder(array.primitive().stream());
  encoder.finish();  // what an evaluation that failed has left
  array.primitive().eval_gpu(inputs, outputs);
  encoder.require_memory();
  encoder.finish();
  for (mx::array& output : outputs) {
    output.set_status(mx::array::Status::available);
    output.detach();
  }
}

}  // namespace

NB_MODULE(_fake_gpu, module) {
  module.def("evaluate_inputs", evaluate_inputs);
  module.def("evaluate", evaluate);
  module.def("set_runner", [](std::uintptr_t function) {
    mx::metal::runner = reinterpret_cast<mx::metal::Runner>(function);
  });
  module.def("set_keeps_temporaries", [](bool keeps) {
    mx::metal::get_command_encoder(mx::Stream(0, mx::Device::cpu)).keeps_temporaries = keeps;
  });
  module.def("set_most_threads", [](unsigned long threads) {
    mx::metal::device(mx::Device::cpu).most_threads = threads;
  });
}

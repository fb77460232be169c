#include "metal/host/recording.h"

#ifdef _METAL_

#include <mlx/allocator.h>
#include <mlx/backend/metal/device.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gpu_host/choose.h"
#include "metal/host/library.h"
#include "metal/host/pipeline_key.h"
#include "metal/host/strided_shape.h"

namespace sgl::metal {
namespace {

namespace mx = mlx::core;

constexpr int kThreads = 256;           // of a group that copies or fills
constexpr int64_t kMostGroups = 1 << 16;  // of them; threads go on where there are more elements
constexpr int64_t kNothing[2] = {};     // stands for buffers that the kernel does not touch

// Memory that the encoder keeps until the GPU is through with it.
mx::array make_memory(int64_t bytes) {
  mx::array memory({1}, mx::uint8, nullptr, {});
  const auto size = static_cast<std::size_t>(bytes);
  memory.set_data(mx::allocator::malloc(size), size, {1}, {.contiguous = true, .row_contiguous = true, .col_contiguous = true});
  return memory;
}

// Puts one call on the encoder.
class Recording {
 public:
  Recording(const OpLaunches& op, const host::Call& call, host::Work& work, const Arrays& arrays,
            mx::Stream stream)
      : op_(op),
        call_(call),
        work_(work),
        arrays_(arrays),
        device_(mx::metal::device(stream.device)),
        encoder_(mx::metal::get_command_encoder(stream)) {}

  // MLX orders a launch after those that wrote what it touches. That it also comes after those that read
  // what it updates in place is left to its user.
  void order_updates() {
    for (std::size_t i = 0; i < call_.op.tensors.size(); i++) {
      if (call_.op.tensors[i].role == host::Role::mutated && arrays_.outputs[i]) return encoder_.barrier();
    }
  }

  void prepare_arrays() {
    for (const host::Work::Copy& copy : work_.copies) copy_input(copy);
    for (const host::Work::Fill& fill : work_.fills) fill_result(fill);
  }

  void launch(int number) {
    const gpu::LaunchRow& row = op_.launches[number];
    const gpu::Choice choice = gpu::choose(row, call_, work_.params);
    if (choice.groups == 0) return;
    start_kernel(op_.kernels[choice.kernel->position], op_.shader, constants_of(number, *choice.kernel),
                 choice.threads);
    int position = 0;
    for (const int16_t tensor : row.tensors) bind(tensor, position++);
    for (std::size_t i = 0; i < row.scratch.size(); i++) {
      bind_scratch(row.scratch[i], choice.scratch_bytes[i], position++);
    }
    const auto size = static_cast<int>(op_.params_bytes - op_.first_value);
    encoder_.set_bytes(work_.params + op_.first_value, std::max(size, 1), position++);
    encoder_.set_bytes(choice.launch, position);
    encoder_.set_threadgroup_memory_length(op_.exchange_bytes, 0);
    const gpu::Grid grid = gpu::grid_of(choice.groups);
    encoder_.dispatch_threadgroups(MTL::Size(grid.x, grid.y, 1), MTL::Size(choice.threads, 1, 1));
  }

 private:
  // Kernels with wide indices read sizes from the parameters: one pipeline serves all of them.
  std::vector<Constant> constants_of(int launch, const gpu::KernelRow& kernel) const {
    std::vector<Constant> constants;
    for (const ConstantRow& row : op_.constants) {
      if (row.launch != launch) continue;
      const auto value = static_cast<int32_t>(kernel.is_wide ? 0 : call_.sizes[row.size]);
      constants.push_back({row.position, static_cast<uint32_t>(value)});
    }
    return constants;
  }

  void start_kernel(const char* kernel, const char* shader, const std::vector<Constant>& constants,
                    int threads) {
    std::vector<int32_t> values;
    for (const Constant& constant : constants) values.push_back(static_cast<int32_t>(constant.bits));
    mx::metal::MTLFCList given;
    for (std::size_t i = 0; i < constants.size(); i++) {
      given.emplace_back(&values[i], MTL::DataTypeInt, static_cast<NS::UInteger>(constants[i].position));
    }
    MTL::ComputePipelineState* pipeline =
        device_.get_kernel(kernel, library_of(shader), pipeline_key(kernel, constants), given);
    if (pipeline->maxTotalThreadsPerThreadgroup() < static_cast<NS::UInteger>(threads)) {
      throw std::runtime_error(std::string(kernel) + " runs with at most " +
                               std::to_string(pipeline->maxTotalThreadsPerThreadgroup()) +
                               " threads on this GPU, not with " + std::to_string(threads));
    }
    encoder_.set_compute_pipeline_state(pipeline);
  }

  // MLX keeps a library by its name, which is therefore its path.
  MTL::Library* library_of(const std::string& shader) {
    const std::string path = library_path();
    if (path.empty()) throw std::runtime_error("no Metal library is registered");
    if (is_compiled(path)) return device_.get_library(path, path);
    return device_.get_library(path + "/" + shader, [&] { return read_source(path, shader); });
  }

  void bind_nothing(int position) { encoder_.set_bytes(kNothing, 2, position); }

  void bind(int tensor, int position) {
    if (!call_.arrays[tensor].is_present || host::element_count(call_.arrays[tensor]) == 0) {
      bind_nothing(position);
    } else if (arrays_.outputs[tensor]) {
      encoder_.set_output_array(*arrays_.outputs[tensor], position);
    } else {
      encoder_.set_input_array(copies_[tensor] ? *copies_[tensor] : *arrays_.inputs[tensor], position);
    }
  }

  void bind_scratch(const gpu::ScratchRow& row, int64_t bytes, int position) {
    if (bytes == 0) return bind_nothing(position);
    if (row.owner != gpu::Owner::program) {
      mx::array own = borrow(bytes);
      return encoder_.set_output_array(own, position);
    }
    if (!kept_[row.slot]) kept_[row.slot] = borrow(bytes);
    encoder_.set_output_array(*kept_[row.slot], position);
  }

  mx::array borrow(int64_t bytes) {
    mx::array memory = make_memory(bytes);
    encoder_.add_temporary(memory);
    return memory;
  }

  int tensor_at(std::size_t pointer_offset) const {
    const auto& tensors = call_.op.tensors;
    const auto found = std::ranges::find(tensors, pointer_offset, &host::Tensor::pointer_offset);
    return static_cast<int>(found - tensors.begin());
  }

  void copy_input(const host::Work::Copy& copy) {
    const StridedUnits units = units_of(copy);
    if (units.shape.count == 0) return;
    const int tensor = tensor_at(copy.pointer_offset);
    copies_[tensor] = borrow(units.shape.count * units.bytes);
    const void* target = copies_[tensor]->data<std::byte>();
    std::memcpy(work_.params + copy.pointer_offset, &target, sizeof target);
    start_kernel(("sgl_copy_" + std::to_string(units.bytes)).c_str(), kStridedShader, {}, kThreads);
    encoder_.set_input_array(*arrays_.inputs[tensor], 0);
    encoder_.set_output_array(*copies_[tensor], 1);
    encoder_.set_bytes(units.shape, 2);
    dispatch_over(units.shape.count);
  }

  void fill_result(const host::Work::Fill& fill) {
    const StridedUnits units = units_of(fill);
    if (units.shape.count == 0) return;
    start_kernel(("sgl_zero_" + std::to_string(units.bytes)).c_str(), kStridedShader, {}, kThreads);
    encoder_.set_output_array(*output_at(fill.target), 0);
    encoder_.set_bytes(units.shape, 1);
    dispatch_over(units.shape.count);
  }

  mx::array* output_at(const void* data) const {
    for (std::size_t i = 0; i < call_.op.tensors.size(); i++) {
      if (call_.arrays[i].data == data && arrays_.outputs[i]) return arrays_.outputs[i];
    }
    throw std::logic_error("a result to zero has no array");
  }

  void dispatch_over(int64_t count) {
    const int64_t groups = std::min((count - 1) / kThreads + 1, kMostGroups);
    encoder_.dispatch_threadgroups(MTL::Size(groups, 1, 1), MTL::Size(kThreads, 1, 1));
  }

  const OpLaunches& op_;
  const host::Call& call_;
  host::Work& work_;
  const Arrays& arrays_;
  mx::metal::Device& device_;
  mx::metal::CommandEncoder& encoder_;
  std::optional<mx::array> copies_[host::kMaxTensors];
  std::optional<mx::array> kept_[gpu::kMaxScratch];
};

}  // namespace

void record(const OpLaunches& op, const host::Call& call, host::Work& work, const Arrays& arrays,
            mx::Stream stream) {
  Recording recording(op, call, work, arrays, stream);
  recording.order_updates();
  recording.prepare_arrays();
  for (std::size_t i = 0; i < op.launches.size(); i++) recording.launch(static_cast<int>(i));
}

}  // namespace sgl::metal

#endif

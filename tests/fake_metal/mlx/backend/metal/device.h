// The part of MLX's Metal side that host code uses, for machines without Metal. Every dispatch is handed to
// a runner with all that was bound; nothing is remembered between dispatches but what Metal's encoders keep.
// That host code compiles against the real header as well is shown by the cross-build for macOS.
#pragma once

#include <mlx/array.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace NS {
using UInteger = unsigned long;
}

namespace MTL {

enum DataType { DataTypeInt = 29 };

struct Size {
  Size(NS::UInteger x, NS::UInteger y, NS::UInteger z) : width(x), height(y), depth(z) {}
  NS::UInteger width, height, depth;
};

// `path` of a compiled library, or the `source` of one.
struct Library {
  std::string name, path, source;
};

struct ComputePipelineState {
  std::string kernel, key;
  const Library* library;
  std::vector<std::pair<int, int32_t>> constants;
  NS::UInteger most_threads;

  NS::UInteger maxTotalThreadsPerThreadgroup() const { return most_threads; }
};

}  // namespace MTL

namespace mlx::core::metal {

using MTLFCList = std::vector<std::tuple<const void*, MTL::DataType, NS::UInteger>>;

// What the runner is told; `fake_gpu.py` has the same structs.
enum class Bound : int32_t { bytes, input, output };
struct Binding {
  int32_t position;
  Bound kind;
  const void* data;
  int64_t size;  // bytes from `data` to the end of the allocation
};
struct Constant {
  int32_t position;
  int32_t value;
};
struct Dispatch {
  const char *kernel, *key, *path, *source;
  const Constant* constants;
  const Binding* bindings;
  int32_t constant_count, binding_count, threadgroup_bytes;
  uint32_t has_barrier;  // an explicit one stands before
  uint64_t groups[3], threads[3];
};

class CommandEncoder {
 public:
  void set_input_array(const array& a, int index, int64_t offset = 0) { bind(a, index, offset, Bound::input); }
  void set_output_array(array& a, int index, int64_t offset = 0) { bind(a, index, offset, Bound::output); }
  void add_temporary(array a) {
    if (keeps_temporaries) temporaries_.push_back(std::move(a));
  }
  void barrier() { has_barrier_ = true; }
  void set_compute_pipeline_state(MTL::ComputePipelineState* pipeline) { pipeline_ = pipeline; }
  void set_threadgroup_memory_length(std::size_t bytes, int) { threadgroup_bytes_ = static_cast<int>(bytes); }
  void dispatch_threadgroups(MTL::Size groups, MTL::Size threads);

  // The GPU is through with all that was encoded, which needs the memory of every buffer until then.
  void finish();
  void require_memory() const;

  bool keeps_temporaries = true;

  template <class T>
  void set_bytes(const T* values, int count, int index) {
    const auto* first = reinterpret_cast<const std::byte*>(values);
    bytes_[index].assign(first, first + count * sizeof(T));
    bindings_[index] = {index, Bound::bytes, nullptr, 0};
  }
  template <class T>
  void set_bytes(const T& value, int index) {
    set_bytes(&value, 1, index);
  }

 private:
  struct Touched {
    std::string kernel;
    int index;
    std::weak_ptr<array::Data> memory;
  };

  void bind(const array& a, int index, int64_t offset, Bound kind);
  void forget_bindings();

  MTL::ComputePipelineState* pipeline_ = nullptr;
  std::map<int, Binding> bindings_;
  std::map<int, std::vector<std::byte>> bytes_;
  std::vector<array> temporaries_;
  std::vector<Touched> touched_;  // since `finish`
  int threadgroup_bytes_ = 0;
  bool has_barrier_ = false;
};

class Device {
 public:
  MTL::Library* get_library(const std::string& name, const std::string& path);
  MTL::Library* get_library(const std::string& name, const std::function<std::string()>& builder);
  MTL::ComputePipelineState* get_kernel(const std::string& kernel, MTL::Library* library,
                                        const std::string& key = "", const MTLFCList& constants = {});

  NS::UInteger most_threads = 1024;

 private:
  std::map<std::string, MTL::Library> libraries_;
  std::map<std::string, MTL::ComputePipelineState> pipelines_;
};

Device& device(mlx::core::Device);
CommandEncoder& get_command_encoder(Stream);

}  // namespace mlx::core::metal

// The CUDA runtime, with its failures as exceptions.
#pragma once

#include <cuda_runtime_api.h>

#include <string>
#include <utility>

namespace sgl::cuda {

// Throws std::runtime_error saying what failed and CUDA's words for it.
void require(cudaError_t status, const std::string& what);

// Makes a device current while it lives.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  DeviceGuard(const DeviceGuard&) = delete;
  ~DeviceGuard();

 private:
  int previous_ = 0;
  bool has_changed_ = false;
};

// Memory that comes and goes in the order of a stream: nothing waits for it, and graphs record it.
class StreamMemory {
 public:
  StreamMemory() = default;
  StreamMemory(int64_t bytes, cudaStream_t stream, const char* op);
  StreamMemory(StreamMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), stream_(other.stream_) {}
  StreamMemory& operator=(StreamMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~StreamMemory();

  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  cudaStream_t stream_ = nullptr;
};

}  // namespace sgl::cuda

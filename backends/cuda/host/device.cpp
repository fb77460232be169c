#include "cuda/host/device.h"

#include <stdexcept>

namespace sgl::cuda {

void require(cudaError_t status, const std::string& what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or the next call would report it again
  throw std::runtime_error(what + " failed: " + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) +
                           ")");
}

DeviceGuard::DeviceGuard(int device) {
  require(cudaGetDevice(&previous_), "asking for the current CUDA device");
  if (device == previous_) return;
  require(cudaSetDevice(device), "choosing CUDA device " + std::to_string(device));
  has_changed_ = true;
}

DeviceGuard::~DeviceGuard() {
  if (has_changed_) cudaSetDevice(previous_);
}

StreamMemory::StreamMemory(int64_t bytes, cudaStream_t stream, const char* op) : stream_(stream) {
  require(cudaMallocAsync(&data_, static_cast<std::size_t>(bytes), stream),
          std::string(op) + ": allocating " + std::to_string(bytes) + " bytes of scratch");
}

StreamMemory::~StreamMemory() {
  if (data_) cudaFreeAsync(data_, stream_);
}

}  // namespace sgl::cuda

#include "cuda/host/launch.h"

namespace sgl::cuda {
namespace {

using LaunchEx = CUresult (*)(const CUlaunchConfig*, CUfunction, void**, void**);

constexpr unsigned kLaunchExSince = 11080;  // the driver's release
constexpr int kEarlyStartSince = 9;         // compute capability
constexpr int kMostDevices = 64;

LaunchEx find_launch_ex() {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
  cudaGetDriverEntryPointByVersion("cuLaunchKernelEx", &found, kLaunchExSince, cudaEnableDefault, &result);
#else
  cudaGetDriverEntryPoint("cuLaunchKernelEx", &found, cudaEnableDefault, &result);
#endif
  cudaGetLastError();  // what is not there is done without
  return result == cudaDriverEntryPointSuccess ? reinterpret_cast<LaunchEx>(found) : nullptr;
}

LaunchEx launch_ex() {
  static const LaunchEx found = find_launch_ex();
  return found;
}

bool ask_for_early_starts(int device) {
  int major = 0;
  const bool is_known = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess;
  return is_known && major >= kEarlyStartSince;
}

}  // namespace

bool can_start_early(int device) {
  enum : uint8_t { unknown, no, yes };
  static uint8_t known[kMostDevices];  // guarded by Python's lock
  if (device < 0 || device >= kMostDevices) return ask_for_early_starts(device);
  if (known[device] == unknown) known[device] = ask_for_early_starts(device) ? yes : no;
  return known[device] == yes;
}

cudaError_t launch_kernel(const void* kernel, const Geometry& geometry, void** arguments, cudaStream_t stream,
                          bool starts_early) {
  cudaLaunchAttribute early{};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = geometry.grid;
  config.blockDim = geometry.block;
  config.stream = stream;
  config.attrs = &early;
  config.numAttrs = starts_early;
  return cudaLaunchKernelExC(&config, kernel, arguments);
}

CUfunction find_function(const void* kernel) {
  cudaFunction_t found = nullptr;
  if (launch_ex() && cudaGetFuncBySymbol(&found, kernel) == cudaSuccess) return found;
  cudaGetLastError();
  return nullptr;
}

bool launch_function(CUfunction function, const Geometry& geometry, void** arguments, cudaStream_t stream,
                     bool starts_early) {
  CUlaunchAttribute early{};
  early.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
  early.value.programmaticStreamSerializationAllowed = 1;
  CUlaunchConfig config{};
  config.gridDimX = geometry.grid.x;
  config.gridDimY = geometry.grid.y;
  config.gridDimZ = geometry.grid.z;
  config.blockDimX = geometry.block.x;
  config.blockDimY = geometry.block.y;
  config.blockDimZ = geometry.block.z;
  config.hStream = stream;
  config.attrs = &early;
  config.numAttrs = starts_early;
  return launch_ex()(&config, function, arguments, nullptr) == CUDA_SUCCESS;
}

}  // namespace sgl::cuda

// Launches of kernels, and the driver's own entry point for those that are launched often.
#pragma once

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstdint>

namespace sgl::cuda {

// How much of a kernel runs, and where.
struct Geometry {
  dim3 grid;
  dim3 block;
};

// Whether the device launches kernels early: before the one ahead of them on the stream is through.
bool can_start_early(int device);

// Launches a kernel, given as its host function, on the current device. `starts_early`: as soon as the kernel
// ahead of it is ending; it then waits in `wait_for_inputs`.
cudaError_t launch_kernel(const void* kernel, const Geometry& geometry, void** arguments, cudaStream_t stream,
                          bool starts_early);

// A kernel as the driver knows it on the current device; null where it does not.
CUfunction find_function(const void* kernel);

// The same launch through the driver, which saves the runtime's part of the work. Fails harmlessly where the
// current context is not the one in which `function` was found, or a thread has none yet.
bool launch_function(CUfunction function, const Geometry& geometry, void** arguments, cudaStream_t stream,
                     bool starts_early);

}  // namespace sgl::cuda

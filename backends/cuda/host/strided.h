// Copies and fills of strided arrays, on a stream.
#pragma once

#include <cuda_runtime_api.h>

#include "host_runtime/call.h"

namespace sgl::cuda {

// The size of the contiguous copy in bytes.
int64_t bytes_of(const host::Work::Copy& copy);

// Starts a copy to contiguous memory, or zeroes an array.
cudaError_t copy_contiguous(const host::Work::Copy& copy, void* target, cudaStream_t stream);
cudaError_t fill_zero(const host::Work::Fill& fill, cudaStream_t stream);

}  // namespace sgl::cuda

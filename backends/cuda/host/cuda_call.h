// The call path of the CUDA extension.
#pragma once

#include <Python.h>

#include <initializer_list>
#include <span>

#include "cuda/host/op_launches.h"
#include "host_runtime/op.h"

namespace sgl::cuda {

// An op's public names and the launches behind them.
struct CudaOp {
  std::span<const host::Signature> signatures;
  const OpLaunches& launches;
};

// Makes the extension module `name` of every public name of `ops`, on arrays of one CUDA device and on
// the stream that their framework works on. Null with the Python error set where that fails.
PyObject* make_cuda_module(const char* name, std::initializer_list<CudaOp> ops);

}  // namespace sgl::cuda

// The call path of the MLX extension.
#pragma once

#include <Python.h>

#include <initializer_list>
#include <span>

#include "host_runtime/op.h"
#include "metal/host/op_launches.h"

namespace sgl::host {

// An op's public names and its launches on a GPU.
struct MetalOp {
  std::span<const Signature> signatures;
  const metal::OpLaunches& launches;
};

// Fills the extension module with every public name of `ops`, each with a further keyword `stream`, and with
// `register_library(path)`, `library_path()` and `mlx_version()`. Throws nanobind's python_error.
void bind_metal(PyObject* module, std::initializer_list<MetalOp> ops);

}  // namespace sgl::host

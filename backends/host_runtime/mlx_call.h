// The call path of the MLX extension.
#pragma once

#include <Python.h>

#include <initializer_list>
#include <span>

#include "host_runtime/op.h"

namespace sgl::host {

// Fills the extension module with every public name of `ops`, each with a further keyword `stream`, and with
// `register_library(path)`, `library_path()` and `mlx_version()`. Throws nanobind's python_error.
void bind_metal(PyObject* module, std::initializer_list<std::span<const Signature>> ops);

}  // namespace sgl::host

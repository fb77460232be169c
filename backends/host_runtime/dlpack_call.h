// The call path of the extensions that take arrays of any framework.
#pragma once

#include <Python.h>

#include <initializer_list>
#include <span>

#include "host_runtime/call.h"

namespace sgl::host {

// Makes the extension module `name` of every public name of `ops`, running on the CPU, with
// `isa_levels()`, `isa_level()` and `set_isa_level(name)` beside them. Null with the Python error set
// where that fails.
PyObject* make_cpu_module(const char* name, std::initializer_list<std::span<const Signature>> ops);

}  // namespace sgl::host

// Calls of Python functions that go straight to their extension.
//
// A public function is Python: it has a signature and a docstring, and torch can trace it. But its body only passes
// the arguments on, which costs more than reading them. Where Python lets a function be entered another way
// (PyFunction_SetVectorcall, 3.12), it is entered here, and the body runs only where something evaluates frames
// in Python's place, as torch does while it traces.
#pragma once

#include <Python.h>

namespace sgl::host {

// Adds `attach(function, builtin)` to an extension: calls of the Python function then go to the builtin of the
// same parameters, which `add_function` made.
void add_attach(PyObject* module);

}  // namespace sgl::host

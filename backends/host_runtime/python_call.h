// The steps of a call that are the same on every device: arrays in, results out.
#pragma once

#include <Python.h>

#include "host_runtime/call.h"
#include "host_runtime/python_arguments.h"
#include "host_runtime/python_arrays.h"

namespace sgl::host {

// The arrays of one call as Python objects, one entry for each tensor: those given (borrowed), and the
// results that were made because none was given.
struct CallObjects {
  PyObject* given[kMaxTensors] = {};
  Reference made[kMaxTensors];
};

// Reads every tensor argument and destination. Throws TypeError and ValueError.
void read_arrays(const Arguments& arguments, Call& call, PythonArrays& arrays, CallObjects& objects);

// Makes the results for which no destination was given; `resolve` comes before.
void make_results(Call& call, PythonArrays& arrays, CallObjects& objects);

// The tensors that the signature returns: none, one, or a tuple.
PyObject* pack_returns(const Signature& signature, PythonArrays& arrays, CallObjects& objects);

// Calls the operators of torch under the same name, from the module `torch_ops` beside the extension.
PyObject* call_traced(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords);

// Runs `body`, the call of a function, with what it throws as Python errors; arrays of which torch must see
// the call take it to torch.
template <class Body>
PyObject* run_call(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords,
                   const Body& body) {
  return guarded([&]() -> PyObject* {
    try {
      return body();
    } catch (const TracedArray&) {
      return call_traced(self, args, count, keywords);
    }
  });
}

}  // namespace sgl::host

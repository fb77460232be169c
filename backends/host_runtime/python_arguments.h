// Arguments as Python passes them: matched to parameters, scalars converted. Knows no array framework.
#pragma once

#include <Python.h>

#include <string>

#include "host_runtime/call.h"

namespace sgl::host {

// Thrown where the Python error is set already.
struct PythonError {};

// A strong reference.
class Reference {
 public:
  Reference() = default;
  explicit Reference(PyObject* stolen) : object_(stolen) {}
  Reference(Reference&& other) noexcept : object_(other.release()) {}
  Reference& operator=(Reference&& other) noexcept {
    PyObject* old = object_;
    object_ = other.release();
    Py_XDECREF(old);
    return *this;
  }
  ~Reference() { Py_XDECREF(object_); }

  PyObject* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  PyObject* release() {
    PyObject* object = object_;
    object_ = nullptr;
    return object;
  }

 private:
  PyObject* object_ = nullptr;
};

// Takes a new reference, or throws PythonError where a Python call failed.
Reference owned(PyObject* object);

// What a call was given: one borrowed object (or null) for each parameter, and for one more keyword.
struct Arguments {
  PyObject* values[kMaxParameters];
  PyObject* extra = nullptr;
};

// Matches positional and keyword arguments to the signature's parameters; `extra_keyword` (or null)
// names one that the extension itself takes. Throws TypeError.
void match_arguments(const Signature& signature, PyObject* const* args, Py_ssize_t count, PyObject* keywords,
                     const char* extra_keyword, Arguments& found);

// Converts the scalar and size arguments. Throws TypeError for a wrong type, ValueError for a value
// out of range.
void read_numbers(const Arguments& arguments, Call& call);

// What Python calls the object's type, for messages.
std::string type_name(PyObject* object);

using Function = PyObject* (*)(PyObject* signature, PyObject* const* args, Py_ssize_t count,
                               PyObject* keywords);

// What a function of an extension is bound to. `extra` is whatever else the extension's calls need,
// `package` the dotted name of the extension's own.
struct Bound {
  const Signature& signature;
  const void* extra;
  std::string package;
};

// Adds `signature.name` to the module, implemented by `function`, which gets `bound_of(self)`.
void add_function(PyObject* module, const Signature& signature, Function function,
                  const void* extra = nullptr);
const Bound& bound_of(PyObject* self);

// Runs `body`, and turns what it throws into the Python error of the same name.
template <class Body>
PyObject* guarded(const Body& body) {
  try {
    return body();
  } catch (const PythonError&) {
  } catch (const std::invalid_argument& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  } catch (const TypeError& error) {
    PyErr_SetString(PyExc_TypeError, error.what());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

}  // namespace sgl::host

#include "host_runtime/python_arguments.h"

#include <cmath>
#include <limits>
#include <string>

#include "host_runtime/messages.h"

namespace sgl::host {
namespace {

// Size arguments multiply in conditions; this bound keeps every product exact.
constexpr int64_t kLargestSize = std::numeric_limits<int32_t>::max();

struct Range {
  int64_t low;
  int64_t high;
};

Range range_of(DType dtype) {
  switch (dtype) {
    case DType::i32: return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    case DType::u32: return {0, std::numeric_limits<uint32_t>::max()};
    default: return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  }
}

std::string head(const Signature& signature, const Parameter& parameter) {
  return std::string(signature.name) + ": argument '" + parameter.name + "' ";
}

[[noreturn]] void fail_type(const Signature& signature, const Parameter& parameter, const char* wanted,
                            PyObject* given) {
  throw TypeError(head(signature, parameter) + "must be " + wanted + ", got " + type_name(given));
}

// The kind of a numpy scalar ('f', 'i', 'u', 'b', ...), or 0 for any other object.
char numpy_scalar_kind(PyObject* object) {
  Reference numpy(PyImport_GetModule(Reference(PyUnicode_InternFromString("numpy")).get()));
  if (!numpy) return 0;
  Reference generic(PyObject_GetAttrString(numpy.get(), "generic"));
  const bool is_scalar = generic && PyType_Check(generic.get()) &&
                         PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(generic.get()));
  Reference dtype(is_scalar ? PyObject_GetAttrString(object, "dtype") : nullptr);
  Reference kind(dtype ? PyObject_GetAttrString(dtype.get(), "kind") : nullptr);
  PyErr_Clear();
  return kind && PyUnicode_GetLength(kind.get()) == 1 ? static_cast<char>(PyUnicode_ReadChar(kind.get(), 0))
                                                      : 0;
}

bool is_integer(PyObject* object) {
  if (PyLong_CheckExact(object)) return true;
  if (PyBool_Check(object)) return false;
  if (PyLong_Check(object)) return true;
  const char kind = numpy_scalar_kind(object);
  return kind == 'i' || kind == 'u';
}

[[noreturn]] void fail_range(const Signature& signature, const Parameter& parameter, Range range,
                             PyObject* given) {
  Reference text(PyObject_Str(given));
  const char* value = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  PyErr_Clear();
  std::string shown = value ? value : "an integer too long to print";
  if (shown.size() > 40) shown = shown.substr(0, 40) + "...";
  throw ValueError(head(signature, parameter) + "is " + shown + ", expected " + std::to_string(range.low) +
                   " to " + std::to_string(range.high));
}

int64_t read_integer(const Signature& signature, const Parameter& parameter, Range range, PyObject* object) {
  if (!is_integer(object)) fail_type(signature, parameter, "an int", object);
  Reference index = owned(PyNumber_Index(object));
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(index.get(), &overflow);
  if (value == -1 && !overflow && PyErr_Occurred()) throw PythonError();
  if (overflow || value < range.low || value > range.high)
    fail_range(signature, parameter, range, index.get());
  return value;
}

double read_real(const Signature& signature, const Parameter& parameter, PyObject* object) {
  if (!PyFloat_Check(object) && !is_integer(object) && numpy_scalar_kind(object) != 'f') {
    fail_type(signature, parameter, "a float", object);
  }
  const double value = PyFloat_AsDouble(object);
  if (value == -1.0 && PyErr_Occurred()) {
    PyErr_Clear();
    throw ValueError(head(signature, parameter) + "does not fit a float32");
  }
  if (std::isfinite(value) && !std::isfinite(static_cast<float>(value))) {
    throw ValueError(head(signature, parameter) + "is " + std::to_string(value) +
                     ", which does not fit a float32");
  }
  return value;
}

bool read_flag(const Signature& signature, const Parameter& parameter, PyObject* object) {
  if (object == Py_True || object == Py_False) return object == Py_True;
  if (numpy_scalar_kind(object) != 'b') fail_type(signature, parameter, "a bool", object);
  const int value = PyObject_IsTrue(object);
  if (value < 0) throw PythonError();
  return value;
}

Scalar read_scalar(const Signature& signature, const Parameter& parameter, DType dtype, PyObject* object) {
  switch (dtype) {
    case DType::f32: return {.real = read_real(signature, parameter, object)};
    case DType::boolean: return {.integer = read_flag(signature, parameter, object)};
    default: return {.integer = read_integer(signature, parameter, range_of(dtype), object)};
  }
}

// Refuses an argument that is not the one value that it may have.
void require_only(const Signature& signature, const Parameter& parameter, PyObject* object) {
  PyObject* const values[] = {Py_None, Py_False, Py_True};
  const char* const names[] = {"None", "False", "True"};
  if (object == values[parameter.index]) return;
  std::string got = type_name(object);
  for (int i = 0; i < 3; i++) {
    if (object == values[i]) got = names[i];
  }
  throw ValueError(head(signature, parameter) + "is not supported: expected " + names[parameter.index] + ", got " +
                   got);
}

int find_parameter(const Signature& signature, PyObject* name) {
  for (std::size_t i = 0; i < signature.parameters.size(); i++) {
    if (PyUnicode_CompareWithASCIIString(name, signature.parameters[i].name) == 0) return static_cast<int>(i);
  }
  return -1;
}

void match_keyword(const Signature& signature, PyObject* name, PyObject* value, const char* extra,
                   Arguments& found) {
  const int index = find_parameter(signature, name);
  if (index < 0 && extra && PyUnicode_CompareWithASCIIString(name, extra) == 0) {
    found.extra = value;
    return;
  }
  const char* text = PyUnicode_AsUTF8(name);
  if (!text) PyErr_Clear();
  const std::string shown = std::string("'") + (text ? text : "?") + "'";
  if (index < 0) throw TypeError(std::string(signature.name) + ": unexpected keyword argument " + shown);
  if (found.values[index])
    throw TypeError(std::string(signature.name) + ": argument " + shown + " is given twice");
  found.values[index] = value;
}

}  // namespace

Reference owned(PyObject* object) {
  if (!object) throw PythonError();
  return Reference(object);
}

std::string type_name(PyObject* object) { return Py_TYPE(object)->tp_name; }

void match_arguments(const Signature& signature, PyObject* const* args, Py_ssize_t count, PyObject* keywords,
                     const char* extra_keyword, Arguments& found) {
  const auto parameters = static_cast<Py_ssize_t>(signature.parameters.size());
  if (count > signature.positional) {
    throw TypeError(std::string(signature.name) + ": at most " + std::to_string(signature.positional) +
                    " arguments may be given by position, got " + std::to_string(count));
  }
  for (Py_ssize_t i = 0; i < parameters; i++) found.values[i] = i < count ? args[i] : nullptr;
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  for (Py_ssize_t i = 0; i < named; i++) {
    match_keyword(signature, PyTuple_GET_ITEM(keywords, i), args[count + i], extra_keyword, found);
  }
  for (Py_ssize_t i = 0; i < parameters; i++) {
    const Parameter& parameter = signature.parameters[i];
    if (parameter.is_required && !found.values[i]) {
      throw TypeError(std::string(signature.name) + ": missing argument '" + parameter.name + "'");
    }
  }
}

void read_numbers(const Arguments& arguments, Call& call) {
  for (std::size_t i = 0; i < call.signature.parameters.size(); i++) {
    const Parameter& parameter = call.signature.parameters[i];
    PyObject* object = arguments.values[i];
    if (!object) continue;
    if (parameter.kind == ParameterKind::scalar) {
      const DType dtype = call.op.scalars[parameter.index].dtype;
      call.scalars[parameter.index] = read_scalar(call.signature, parameter, dtype, object);
    } else if (parameter.kind == ParameterKind::unsupported) {
      require_only(call.signature, parameter, object);
    } else if (parameter.kind == ParameterKind::size) {
      if (object == Py_None && !parameter.is_required) continue;
      call.size_arguments[parameter.index] =
          read_integer(call.signature, parameter, {0, kLargestSize}, object);
    }
  }
}

void add_function(PyObject* module, const Signature& signature, Function function, const void* extra) {
  Reference module_name = owned(PyModule_GetNameObject(module));
  const char* text = PyUnicode_AsUTF8(module_name.get());
  if (!text) throw PythonError();
  const std::string package(text);
  // Both live as long as the function does: for the rest of the process.
  auto* bound = new Bound{signature, extra, package.substr(0, package.rfind('.'))};
  auto* definition =
      new PyMethodDef{signature.name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)),
                      METH_FASTCALL | METH_KEYWORDS, nullptr};
  Reference self = owned(PyCapsule_New(bound, nullptr, nullptr));
  Reference object = owned(PyCFunction_NewEx(definition, self.get(), module_name.get()));
  if (PyModule_AddObject(module, signature.name, object.get()) != 0) throw PythonError();
  object.release();
}

const Bound& bound_of(PyObject* self) { return *static_cast<const Bound*>(PyCapsule_GetPointer(self, nullptr)); }

}  // namespace sgl::host

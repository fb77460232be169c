#include "host_runtime/direct_call.h"

#include <array>
#include <utility>

#include "host_runtime/python_arguments.h"

namespace sgl::host {
namespace {

#if PY_VERSION_HEX >= 0x030C0000

// A function attached: what it was before, and where its calls go.
struct Attached {
  vectorcallfunc body;
  Function target;
  PyObject* self;
};

constexpr int kMostAttached = 256;

Attached attached[kMostAttached];
int attached_count = 0;

bool is_watched() {
  return _PyInterpreterState_GetEvalFrameFunc(PyInterpreterState_Get()) != _PyEval_EvalFrameDefault;
}

// Python says which function it enters, not which row here is meant: so each row has an entry of its own.
template <int row>
PyObject* enter(PyObject* function, PyObject* const* args, size_t flags, PyObject* keywords) {
  const Attached& found = attached[row];
  if (is_watched()) return found.body(function, args, flags, keywords);
  return found.target(found.self, args, PyVectorcall_NARGS(flags), keywords);
}

template <int... rows>
constexpr std::array<vectorcallfunc, sizeof...(rows)> entries(std::integer_sequence<int, rows...>) {
  return {enter<rows>...};
}

void attach(PyFunctionObject* function, PyObject* builtin) {
  static constexpr auto kEntries = entries(std::make_integer_sequence<int, kMostAttached>());
  if (attached_count == kMostAttached) return;  // the body does the same
  const auto target = reinterpret_cast<Function>(reinterpret_cast<void (*)()>(PyCFunction_GET_FUNCTION(builtin)));
  Py_INCREF(builtin);  // its self must live as long as the process
  attached[attached_count] = {function->vectorcall, target, PyCFunction_GET_SELF(builtin)};
  PyFunction_SetVectorcall(function, kEntries[attached_count++]);
}

#else

void attach(PyFunctionObject*, PyObject*) {}

#endif

PyObject* attach_call(PyObject*, PyObject* args) {
  PyObject *function = nullptr, *builtin = nullptr;
  if (!PyArg_ParseTuple(args, "O!O!", &PyFunction_Type, &function, &PyCFunction_Type, &builtin)) return nullptr;
  attach(reinterpret_cast<PyFunctionObject*>(function), builtin);
  Py_RETURN_NONE;
}

PyMethodDef kAttach = {"attach", attach_call, METH_VARARGS,
                       "Let calls of a Python function go to a builtin of this module with the same parameters."};

}  // namespace

void add_attach(PyObject* module) {
  Reference object = owned(PyCFunction_New(&kAttach, nullptr));
  if (PyModule_AddObject(module, "attach", object.get()) != 0) throw PythonError();
  object.release();
}

}  // namespace sgl::host

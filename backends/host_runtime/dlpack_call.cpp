#include "host_runtime/dlpack_call.h"

#include "host_runtime/direct_call.h"
#include "host_runtime/python_arguments.h"
#include "host_runtime/python_arrays.h"
#include "host_runtime/python_call.h"

namespace sgl::host {
namespace {

constexpr Target kCpu{"the CPU", dlpack::kCpu, "an array (torch, numpy, or any object with __dlpack__)"};

void run_unlocked(Work& work) {
  struct Unlocked {
    PyThreadState* state = PyEval_SaveThread();
    ~Unlocked() { PyEval_RestoreThread(state); }
  } unlocked;
  run(work);
}

PyObject* call_cpu(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return run_call(self, args, count, keywords, [&]() -> PyObject* {
    const Signature& signature = bound_of(self).signature;
    Arguments arguments;
    match_arguments(signature, args, count, keywords, nullptr, arguments);
    Call call(signature);
    PythonArrays arrays(kCpu);
    CallObjects objects;
    read_numbers(arguments, call);
    read_arrays(arguments, call, arrays, objects);
    resolve(call);
    make_results(call, arrays, objects);
    check_written(call);
    Work work;
    prepare(call, cpu_kernel(call), work);
    run_unlocked(work);
    return pack_returns(signature, arrays, objects);
  });
}

PyObject* get_isa_levels(PyObject*, PyObject*) {
  return guarded([]() -> PyObject* {
    Reference tuple = owned(PyTuple_New(isa_level_count()));
    for (int i = 0; i < isa_level_count(); i++) {
      PyTuple_SET_ITEM(tuple.get(), i, owned(PyUnicode_FromString(isa_level_name(i))).release());
    }
    return tuple.release();
  });
}

PyObject* get_isa_level(PyObject*, PyObject*) { return PyUnicode_FromString(isa_level_name(isa_level())); }

PyObject* choose_isa_level(PyObject*, PyObject* name) {
  for (int i = 0; PyUnicode_Check(name) && i < isa_level_count(); i++) {
    if (PyUnicode_CompareWithASCIIString(name, isa_level_name(i)) == 0 && set_isa_level(i)) Py_RETURN_NONE;
  }
  return PyErr_Format(PyExc_ValueError, "set_isa_level: %R is not an ISA level of this machine", name);
}

PyMethodDef kIsaControls[] = {
    {"isa_levels", get_isa_levels, METH_NOARGS,
     "The ISA levels that kernels are built for and this machine has."},
    {"isa_level", get_isa_level, METH_NOARGS, "The ISA level in use."},
    {"set_isa_level", choose_isa_level, METH_O, "Use another ISA level: results keep their bits."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* make_cpu_module(const char* name, std::initializer_list<std::span<const Signature>> ops) {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, name, nullptr, -1, kIsaControls, {}, {}, {}, {}};
  return guarded([&]() -> PyObject* {
    Reference module = owned(PyModule_Create(&definition));
    for (const auto signatures : ops) {
      for (const Signature& signature : signatures) add_function(module.get(), signature, call_cpu);
    }
    add_attach(module.get());
    return module.release();
  });
}

}  // namespace sgl::host

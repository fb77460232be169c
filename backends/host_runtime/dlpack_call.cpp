#include "host_runtime/dlpack_call.h"

#include <cstring>
#include <string>

#include "host_runtime/python_arguments.h"
#include "host_runtime/python_arrays.h"

namespace sgl::host {
namespace {

constexpr Target kCpu{"the CPU", dlpack::kCpu};

bool is_absent(PyObject* object) { return !object || object == Py_None; }

void read_arrays(const Arguments& arguments, Call& call, PythonArrays& arrays, PyObject** objects) {
  const Signature& signature = call.signature;
  for (std::size_t i = 0; i < signature.parameters.size(); i++) {
    const Parameter& parameter = signature.parameters[i];
    if (parameter.kind != ParameterKind::tensor) continue;
    PyObject* object = arguments.values[i];
    const bool may_be_absent = call.op.tensors[parameter.index].is_optional || !parameter.is_required;
    if (may_be_absent && is_absent(object)) continue;
    arrays.read(call, parameter.index, object);
    objects[parameter.index] = object;
  }
}

// The tensors that the signature returns: none, one, or a tuple.
PyObject* pack_returns(const Signature& signature, PyObject* const* given, Reference* made,
                       PythonArrays& arrays) {
  const auto take = [&](int index) {
    if (!made[index]) {
      Py_INCREF(given[index]);
      return given[index];
    }
    return arrays.finish(std::move(made[index])).release();
  };
  if (signature.returns.empty()) Py_RETURN_NONE;
  if (signature.returns.size() == 1) return take(signature.returns[0]);
  Reference tuple = owned(PyTuple_New(static_cast<Py_ssize_t>(signature.returns.size())));
  for (std::size_t i = 0; i < signature.returns.size(); i++) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), take(signature.returns[i]));
  }
  return tuple.release();
}

void run_unlocked(Work& work) {
  struct Unlocked {
    PyThreadState* state = PyEval_SaveThread();
    ~Unlocked() { PyEval_RestoreThread(state); }
  } unlocked;
  run(work);
}

PyObject* call_cpu(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    const Signature& signature = signature_of(self);
    Arguments arguments;
    match_arguments(signature, args, count, keywords, nullptr, arguments);
    Call call(signature);
    PythonArrays arrays(kCpu);
    PyObject* given[kMaxTensors] = {};
    read_numbers(arguments, call);
    read_arrays(arguments, call, arrays, given);
    resolve(call);
    Reference made[kMaxTensors];
    for (int i = call.op.argument_count; i < static_cast<int>(call.op.tensors.size()); i++) {
      if (!given[i]) made[i] = arrays.make(call, i);
    }
    check_written(call);
    Work work;
    prepare(call, cpu_kernel(call), work);
    run_unlocked(work);
    return pack_returns(signature, given, made, arrays);
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
    return module.release();
  });
}

}  // namespace sgl::host

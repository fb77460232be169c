#include "host_runtime/python_call.h"

#include <utility>

namespace sgl::host {
namespace {

bool is_absent(PyObject* object) { return !object || object == Py_None; }

}  // namespace

void read_arrays(const Arguments& arguments, Call& call, PythonArrays& arrays, CallObjects& objects) {
  const Signature& signature = call.signature;
  for (std::size_t i = 0; i < signature.parameters.size(); i++) {
    const Parameter& parameter = signature.parameters[i];
    if (parameter.kind != ParameterKind::tensor) continue;
    PyObject* object = arguments.values[i];
    const bool may_be_absent = call.op.tensors[parameter.index].is_optional || !parameter.is_required;
    if (may_be_absent && is_absent(object)) continue;
    arrays.read(call, parameter.index, object);
    objects.given[parameter.index] = object;
  }
}

void make_results(Call& call, PythonArrays& arrays, CallObjects& objects) {
  for (int i = call.op.argument_count; i < static_cast<int>(call.op.tensors.size()); i++) {
    if (!objects.given[i]) objects.made[i] = arrays.make(call, i);
  }
}

PyObject* pack_returns(const Signature& signature, PythonArrays& arrays, CallObjects& objects) {
  const auto take = [&](int index) {
    if (!objects.made[index]) {
      Py_INCREF(objects.given[index]);
      return objects.given[index];
    }
    return arrays.finish(std::move(objects.made[index])).release();
  };
  if (signature.returns.empty()) Py_RETURN_NONE;
  if (signature.returns.size() == 1) return take(signature.returns[0]);
  Reference tuple = owned(PyTuple_New(static_cast<Py_ssize_t>(signature.returns.size())));
  for (std::size_t i = 0; i < signature.returns.size(); i++) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), take(signature.returns[i]));
  }
  return tuple.release();
}

PyObject* call_traced(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  const Bound& bound = bound_of(self);
  Reference operators = owned(PyImport_ImportModule((bound.package + ".torch_ops").c_str()));
  Reference function = owned(PyObject_GetAttrString(operators.get(), bound.signature.name));
  return owned(PyObject_Vectorcall(function.get(), args, count, keywords)).release();
}

}  // namespace sgl::host

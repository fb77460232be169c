#include "host_runtime/mlx_call.h"

#include <mlx/mlx.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>

#include <string>

#include "host_runtime/messages.h"
#include "host_runtime/mlx_primitive.h"
#include "host_runtime/python_arguments.h"
#include "metal/host/library.h"

namespace nb = nanobind;

namespace sgl::host {
namespace {

const mx::array& read_array(const Signature& signature, const Parameter& parameter, PyObject* object) {
  try {
    return nb::cast<const mx::array&>(nb::handle(object), false);
  } catch (const std::bad_cast&) {
    throw TypeError(std::string(signature.name) + ": argument '" + parameter.name +
                    "' must be an mlx.core.array, got " + type_name(object));
  }
}

mx::Stream read_stream(const Signature& signature, PyObject* object) {
  if (!object || object == Py_None) return mx::to_stream({});
  mx::StreamOrDevice stream;
  if (!nb::try_cast(nb::handle(object), stream, false)) {
    throw TypeError(std::string(signature.name) +
                    ": argument 'stream' must be an mlx.core.Stream or Device, got " + type_name(object));
  }
  return mx::to_stream(stream);
}

// The arrays given, in the order of the op's tensors.
std::vector<mx::array> read_arrays(const Arguments& arguments, Call& call, Plan& plan, MlxViews& views) {
  const Signature& signature = call.signature;
  const mx::array* given[kMaxTensors] = {};
  for (std::size_t i = 0; i < signature.parameters.size(); i++) {
    const Parameter& parameter = signature.parameters[i];
    PyObject* object = arguments.values[i];
    if (parameter.kind != ParameterKind::tensor) continue;
    const bool may_be_absent = call.op.tensors[parameter.index].is_optional || !parameter.is_required;
    if (may_be_absent && (!object || object == Py_None)) continue;
    given[parameter.index] = &read_array(signature, parameter, object);
  }
  std::vector<mx::array> inputs;
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) {
    if (!given[i]) continue;
    views.read(call, static_cast<int>(i), *given[i]);
    plan.inputs.push_back(static_cast<int16_t>(i));
    inputs.push_back(*given[i]);
  }
  return inputs;
}

std::vector<int16_t> outputs_of(const Op& op) {
  std::vector<int16_t> outputs;
  for (std::size_t i = op.argument_count; i < op.tensors.size(); i++)
    outputs.push_back(static_cast<int16_t>(i));
  for (int i = 0; i < op.argument_count; i++) {
    if (op.tensors[i].role == Role::mutated) outputs.push_back(static_cast<int16_t>(i));
  }
  return outputs;
}

// Refuses at once what is known of memory at the call: arrays that are computed already.
void check_available(const Plan& plan, const std::vector<mx::array>& inputs, Call& call, MlxViews& views) {
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (inputs[i].is_available()) views.read_memory(call, plan.inputs[i], inputs[i]);
  }
  check_written(call);
}

std::vector<mx::array> build(const Arguments& arguments, const Signature& signature, Plan plan) {
  Call call(signature);
  MlxViews views;
  read_numbers(arguments, call);
  const std::vector<mx::array> inputs = read_arrays(arguments, call, plan, views);
  std::copy_n(call.scalars, call.op.scalars.size(), plan.scalars);
  std::copy_n(call.size_arguments, call.op.size_arguments.size(), plan.size_arguments);
  resolve(call);
  check_available(plan, inputs, call, views);
  std::vector<mx::Dtype> dtypes;
  for (const int16_t index : plan.outputs) {
    const bool is_given = call.given[index];
    dtypes.push_back(mlx_dtype(is_given ? call.arrays[index].dtype : call.dtype_of(call.op.tensors[index])));
  }
  std::vector<mx::Shape> shapes = shapes_of_outputs(plan, call);
  auto primitive = std::make_shared<OpPrimitive>(read_stream(signature, arguments.extra), std::move(plan));
  return mx::array::make_arrays(std::move(shapes), dtypes, primitive, inputs);
}

// What the signature returns. Nothing would run an op whose outputs no one holds, so one that returns
// nothing elsewhere gives back everything it writes here.
PyObject* pack(const Signature& signature, const std::vector<int16_t>& outputs,
               std::vector<mx::array>& arrays) {
  std::vector<int16_t> wanted(signature.returns.begin(), signature.returns.end());
  if (wanted.empty()) wanted = outputs;
  const auto take = [&](int16_t index) {
    const auto position = std::find(outputs.begin(), outputs.end(), index) - outputs.begin();
    return nb::cast(std::move(arrays[position])).release().ptr();
  };
  if (wanted.size() == 1) return take(wanted[0]);
  Reference tuple = owned(PyTuple_New(static_cast<Py_ssize_t>(wanted.size())));
  for (std::size_t i = 0; i < wanted.size(); i++) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), take(wanted[i]));
  }
  return tuple.release();
}

PyObject* call_metal(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    const Signature& signature = bound_of(self).signature;
    Arguments arguments;
    match_arguments(signature, args, count, keywords, "stream", arguments);
    const auto* launches = static_cast<const metal::OpLaunches*>(bound_of(self).extra);
    Plan plan{&signature, launches, {}, outputs_of(*signature.op), {}, {}};
    const std::vector<int16_t> outputs = plan.outputs;
    std::vector<mx::array> arrays = build(arguments, signature, std::move(plan));
    return pack(signature, outputs, arrays);
  });
}

}  // namespace

void bind_metal(PyObject* module, std::initializer_list<MetalOp> ops) {
  nb::module_ bound = nb::borrow<nb::module_>(module);
  bound.def(
      "register_library", metal::use_library, nb::arg("path"),
      "Use the Metal library, or the folder of shader sources, at `path` for every op.");
  bound.def(
      "library_path", metal::library_path,
      "The Metal library or the folder of sources in use, or an empty string.");
  bound.def(
      "mlx_version", [] { return std::string(mx::version()); },
      "The version of the MLX library that is loaded.");
  try {
    for (const MetalOp& op : ops) {
      for (const Signature& signature : op.signatures) {
        add_function(module, signature, call_metal, &op.launches);
      }
    }
  } catch (const PythonError&) {
    nb::raise_python_error();
  }
}

}  // namespace sgl::host

#include "host_runtime/messages.h"

#include <string>

namespace sgl::host {
namespace {

std::string quoted(const Call& call, int tensor) {
  return "'" + public_name(call.signature, ParameterKind::tensor, tensor) + "'";
}

std::string head(const Call& call, int tensor) {
  return std::string(call.signature.name) + ": argument " + quoted(call, tensor);
}

template <class Print>
std::string tuple_text(int count, const Print& print) {
  std::string text = "(";
  for (int i = 0; i < count; i++) text += (i ? ", " : "") + print(i);
  return text + (count == 1 ? ",)" : ")");
}

std::string shape_text(const ArrayView& array) {
  return tuple_text(array.ndim, [&](int i) { return std::to_string(array.shape[i]); });
}

// `(*rows, 2 * width)`, as the spec has it.
std::string declared_text(const Tensor& tensor) {
  const int rank = static_cast<int>(tensor.dims.size());
  return tuple_text(rank, [&](int i) {
    return std::string(i == 0 && tensor.has_leading ? "*" : "") + tensor.dims[i].text;
  });
}

bool is_known(const Call& call, const Dimension& dim) {
  return dim.size == kNoSize || call.bound_by[dim.size] != kUnbound;
}

// ` = (2, 3, 8)`, or nothing where some size is not known.
std::string expected_text(const Call& call, const Tensor& tensor) {
  std::string text;
  int count = 0;
  const auto append = [&](int64_t extent) { text += (count++ ? ", " : "") + std::to_string(extent); };
  for (std::size_t i = 0; i < tensor.dims.size(); i++) {
    const Dimension& dim = tensor.dims[i];
    const int source = i == 0 && tensor.has_leading ? call.leading_from[dim.size] : kUnbound;
    if (source != kUnbound) {
      const ArrayView& from = call.arrays[source];
      const int leading = from.ndim - static_cast<int>(call.op.tensors[source].dims.size()) + 1;
      for (int axis = 0; axis < leading; axis++) append(from.shape[axis]);
    } else if (!is_known(call, dim)) {
      return "";
    } else if (dim.size != kNoSize) {
      append(call.sizes[dim.size]);
    } else {
      append(dim.evaluate ? static_cast<int64_t>(dim.evaluate(call.values())) : dim.extent);
    }
  }
  return " = (" + text + (count == 1 ? ",)" : ")");
}

// ` because 'x' has shape (2, 4)`.
std::string source_text(const Call& call, int source) {
  if (source == kUnbound) return "";
  if (source < kMaxTensors) {
    return " because " + quoted(call, source) + " has shape " + shape_text(call.arrays[source]);
  }
  const int argument = source - kMaxTensors;
  return " because '" + public_name(call.signature, ParameterKind::size, argument) + "' is " +
         std::to_string(call.sizes[call.op.size_arguments[argument].size]);
}

const char* plural(int count) { return count == 1 ? " dimension" : " dimensions"; }

}  // namespace

std::string public_name(const Signature& signature, ParameterKind kind, int index) {
  for (const Parameter& parameter : signature.parameters) {
    if (parameter.kind == kind && parameter.index == index) return parameter.name;
  }
  switch (kind) {
    case ParameterKind::tensor: return signature.op->tensors[index].name;
    case ParameterKind::scalar: return signature.op->scalars[index].name;
    case ParameterKind::size: return signature.op->size_arguments[index].name;
    default: return "";
  }
}

void fail_dtype(const Call& call, int index) {
  const Tensor& tensor = call.op.tensors[index];
  const DType given = call.arrays[index].dtype;
  const std::string shown = given == DType::other ? "an unknown dtype" : std::string("dtype ") + name_of(given);
  std::string text = head(call, index) + " has " + shown + ", expected ";
  if (tensor.type == kFixedType) throw ValueError(text + name_of(tensor.dtype));
  const auto choices = call.op.types[tensor.type].choices;
  const int decider = call.chosen_by[tensor.type];
  if (decider != kUnbound) {
    const DType chosen = choices[call.choices[tensor.type]];
    throw ValueError(text + name_of(chosen) + ", the dtype of " + quoted(call, decider));
  }
  for (std::size_t i = 0; i < choices.size(); i++) {
    text += std::string(i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + name_of(choices[i]);
  }
  throw ValueError(text);
}

void fail_rank(const Call& call, int index) {
  const Tensor& tensor = call.op.tensors[index];
  const ArrayView& array = call.arrays[index];
  const int rank = static_cast<int>(tensor.dims.size()) - tensor.has_leading;
  std::string text = head(call, index) + " has " + std::to_string(array.ndim) + plural(array.ndim);
  if (array.ndim > kMaxDims)
    throw ValueError(text + ", at most " + std::to_string(kMaxDims) + " are supported");
  throw ValueError(text + ", shape " + shape_text(array) + ", expected " +
                   (tensor.has_leading ? "at least " : "") + std::to_string(rank) + ": " +
                   declared_text(tensor));
}

void fail_shape(const Call& call, int index, int dimension) {
  const Tensor& tensor = call.op.tensors[index];
  const Dimension& dim = tensor.dims[dimension];
  const int source = dim.size == kNoSize ? kUnbound : call.bound_by[dim.size];
  throw ValueError(head(call, index) + " has shape " + shape_text(call.arrays[index]) + ", expected " +
                   declared_text(tensor) + expected_text(call, tensor) +
                   (source == index ? "" : source_text(call, source)));
}

void fail_division(const Call& call, const Solution& solution) {
  const Tensor& tensor = call.op.tensors[solution.tensor];
  throw ValueError(head(call, solution.tensor) + " has shape " + shape_text(call.arrays[solution.tensor]) +
                   ", expected " + declared_text(tensor) + ": no " + call.op.sizes[solution.size].name +
                   " makes " + tensor.dims[solution.axis].text + " fit");
}

void fail_leading(const Call& call, int index, int other) {
  const Tensor& tensor = call.op.tensors[index];
  throw ValueError(head(call, index) + " has shape " + shape_text(call.arrays[index]) + ", expected " +
                   declared_text(tensor) + expected_text(call, tensor) + source_text(call, other));
}

void fail_size_argument(const Call& call, int argument) {
  const SizeArgument& size = call.op.size_arguments[argument];
  throw ValueError(std::string(call.signature.name) + ": argument '" +
                   public_name(call.signature, ParameterKind::size, argument) + "' is " +
                   std::to_string(call.size_arguments[argument]) + ", expected " +
                   std::to_string(call.sizes[size.size]) + source_text(call, call.bound_by[size.size]));
}

void fail_unbound_size(const Call& call, int argument) {
  throw ValueError(std::string(call.signature.name) + ": argument '" +
                   public_name(call.signature, ParameterKind::size, argument) +
                   "' is needed, since no array given says what it is");
}

void fail_requirement(const Call& call, const Requirement& requirement) {
  std::string text;
  const auto append = [&](const std::string& name, const std::string& value) {
    text += (text.empty() ? ", given " : ", ") + name + " = " + value;
  };
  for (const int16_t size : requirement.sizes) {
    if (size != kNoSize) append(call.op.sizes[size].name, std::to_string(call.sizes[size]));
  }
  for (const int16_t index : requirement.scalars) {
    if (index == kNoSize) continue;
    const Scalar value = call.scalars[index];
    const bool is_real = call.op.scalars[index].dtype == DType::f32;
    append(public_name(call.signature, ParameterKind::scalar, index),
           is_real ? std::to_string(value.real) : std::to_string(value.integer));
  }
  throw ValueError(std::string(call.signature.name) + ": expected " + requirement.text + text);
}

void fail_written(const Call& call, int tensor, const char* problem) {
  throw ValueError(head(call, tensor) + " is written to, but " + problem);
}

void fail_overlap(const Call& call, int written, int other) {
  throw ValueError(head(call, written) + " is written to, but shares memory with " + quoted(call, other));
}

}  // namespace sgl::host

// Shapes and dtypes of a call, from what was given.
#include <limits>

#include "host_runtime/call.h"
#include "host_runtime/messages.h"

namespace sgl::host {
namespace {

int rank_of(const Tensor& tensor) { return static_cast<int>(tensor.dims.size()); }

// The array's dimensions in place of the tensor's first one, where that stands for several.
int leading_count(const Tensor& tensor, const ArrayView& array) { return array.ndim - rank_of(tensor) + 1; }

int64_t product(const int64_t* shape, int count) {
  int64_t total = 1;
  for (int i = 0; i < count; i++) total *= shape[i];
  return total;
}

int64_t extent_of(const Tensor& tensor, const ArrayView& array, int dimension) {
  if (tensor.has_leading && dimension == 0) return product(array.shape, leading_count(tensor, array));
  return array.shape[dimension + array.ndim - rank_of(tensor)];
}

int64_t narrow(Wide value) {
  constexpr int64_t top = std::numeric_limits<int64_t>::max();
  return value > top ? top : value < -top ? -top : static_cast<int64_t>(value);
}

int64_t evaluate(const Call& call, const Dimension& dim) {
  if (dim.size != kNoSize) return call.sizes[dim.size];
  return dim.evaluate ? narrow(dim.evaluate(call.values())) : dim.extent;
}

// Decides each type variable by its first tensor and holds the others to it.
void choose_dtypes(Call& call) {
  for (std::size_t i = 0; i < call.op.types.size(); i++) call.choices[i] = 0, call.chosen_by[i] = kUnbound;
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) {
    const Tensor& tensor = call.op.tensors[i];
    const DType dtype = call.arrays[i].dtype;
    if (!call.given[i]) continue;
    if (tensor.type == kFixedType || call.chosen_by[tensor.type] != kUnbound) {
      if (!can_hold(call.dtype_of(tensor), dtype)) fail_dtype(call, static_cast<int>(i));
      continue;
    }
    const auto choices = call.op.types[tensor.type].choices;
    std::size_t choice = 0;
    while (choice < choices.size() && choices[choice] != dtype) choice++;
    for (std::size_t j = 0; choice == choices.size() && j < choices.size(); j++) {
      if (can_hold(choices[j], dtype)) choice = j;
    }
    if (choice == choices.size()) fail_dtype(call, static_cast<int>(i));
    call.choices[tensor.type] = static_cast<int8_t>(choice);
    call.chosen_by[tensor.type] = static_cast<int16_t>(i);
  }
}

void check_ranks(const Call& call) {
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) {
    if (!call.given[i]) continue;
    const Tensor& tensor = call.op.tensors[i];
    const int ndim = call.arrays[i].ndim;
    const bool fits = tensor.has_leading ? ndim >= rank_of(tensor) - 1 : ndim == rank_of(tensor);
    if (!fits || ndim > kMaxDims) fail_rank(call, static_cast<int>(i));
  }
}

void bind(Call& call, int size, int64_t value, int source) {
  call.sizes[size] = value;
  call.bound_by[size] = static_cast<int16_t>(source);
}

// Sizes that stand alone as a dimension of tensors `first` to `last` take its extent.
void bind_plain_dimensions(Call& call, int first, int last) {
  for (int i = first; i < last; i++) {
    if (!call.given[i]) continue;
    const Tensor& tensor = call.op.tensors[i];
    for (int d = 0; d < rank_of(tensor); d++) {
      const Dimension& dim = tensor.dims[d];
      if (dim.size == kNoSize) continue;
      if (d == 0 && tensor.has_leading && call.leading_from[dim.size] == kUnbound) {
        call.leading_from[dim.size] = static_cast<int16_t>(i);
      }
      if (call.bound_by[dim.size] == kUnbound) bind(call, dim.size, extent_of(tensor, call.arrays[i], d), i);
    }
  }
}

void bind_size_arguments(Call& call) {
  for (std::size_t i = 0; i < call.op.size_arguments.size(); i++) {
    const SizeArgument& argument = call.op.size_arguments[i];
    const bool is_given = call.size_arguments[i] >= 0;
    const bool is_bound = call.bound_by[argument.size] != kUnbound;
    const int64_t value = is_given ? call.size_arguments[i] : argument.default_value;
    if (value < 0 || (!is_given && is_bound)) continue;
    if (!is_bound) bind(call, argument.size, value, kMaxTensors + static_cast<int>(i));
    if (call.sizes[argument.size] != value) fail_size_argument(call, static_cast<int>(i));
  }
}

int find_unbound(const Call& call) {
  const auto& arguments = call.op.size_arguments;
  for (std::size_t i = 0; i < arguments.size(); i++) {
    if (call.bound_by[arguments[i].size] == kUnbound) return static_cast<int>(i);
  }
  return -1;
}

// A size argument that nobody says follows from an array for a result.
void bind_by_destinations(Call& call) {
  if (find_unbound(call) < 0) return;
  bind_plain_dimensions(call, call.op.argument_count, static_cast<int>(call.op.tensors.size()));
  if (const int unbound = find_unbound(call); unbound >= 0) fail_unbound_size(call, unbound);
}

// What is left follows by exact division. A coefficient of 0 says nothing: any size would do.
void solve_sizes(Call& call) {
  for (const Solution& solution : call.op.solutions) {
    if (!call.given[solution.tensor] || call.bound_by[solution.size] != kUnbound) continue;
    const Tensor& tensor = call.op.tensors[solution.tensor];
    const Wide coefficient = solution.coefficient(call.values());
    const Wide rest =
        extent_of(tensor, call.arrays[solution.tensor], solution.axis) - solution.offset(call.values());
    if (coefficient == 0) continue;
    if (rest % coefficient != 0 || rest / coefficient < 0) fail_division(call, solution);
    bind(call, solution.size, narrow(rest / coefficient), solution.tensor);
  }
}

void bind_sizes(Call& call) {
  for (std::size_t i = 0; i < call.op.sizes.size(); i++) {
    call.sizes[i] = 0;
    call.bound_by[i] = call.leading_from[i] = kUnbound;
  }
  bind_plain_dimensions(call, 0, call.op.argument_count);
  bind_size_arguments(call);
  bind_by_destinations(call);
  solve_sizes(call);
}

void check_leading(const Call& call, int index) {
  const Tensor& tensor = call.op.tensors[index];
  const int other = call.leading_from[tensor.dims[0].size];
  if (other == index || other == kUnbound) return;
  const ArrayView& array = call.arrays[index];
  const ArrayView& reference = call.arrays[other];
  const int count = leading_count(tensor, array);
  bool agrees = count == leading_count(call.op.tensors[other], reference);
  for (int axis = 0; agrees && axis < count; axis++) agrees = array.shape[axis] == reference.shape[axis];
  if (!agrees) fail_leading(call, index, other);
}

void check_shapes(const Call& call) {
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) {
    if (!call.given[i]) continue;
    const Tensor& tensor = call.op.tensors[i];
    if (tensor.has_leading) check_leading(call, static_cast<int>(i));
    for (int d = 0; d < rank_of(tensor); d++) {
      const bool agrees = extent_of(tensor, call.arrays[i], d) == evaluate(call, tensor.dims[d]);
      if (!agrees) fail_shape(call, static_cast<int>(i), d);
    }
  }
}

void check_requirements(const Call& call) {
  const Values values = call.values();
  for (const Requirement& requirement : call.op.requirements) {
    if (!requirement.holds(values)) fail_requirement(call, requirement);
  }
}

void shape_result(const Call& call, const Tensor& tensor, Extents& shape) {
  shape.ndim = 0;
  int d = 0;
  const int source = tensor.has_leading ? call.leading_from[tensor.dims[0].size] : kUnbound;
  if (source != kUnbound) {
    const int count = leading_count(call.op.tensors[source], call.arrays[source]);
    for (int axis = 0; axis < count; axis++) shape.dims[shape.ndim++] = call.arrays[source].shape[axis];
    d = 1;
  }
  for (; d < rank_of(tensor); d++) {
    if (shape.ndim == kMaxDims)
      throw ValueError(std::string(call.signature.name) + ": the result has too many dimensions");
    shape.dims[shape.ndim++] = evaluate(call, tensor.dims[d]);
  }
}

}  // namespace

Call::Call(const Signature& called) : signature(called), op(*called.op) {
  for (std::size_t i = 0; i < op.scalars.size(); i++) scalars[i] = op.scalars[i].default_value;
  for (std::size_t i = 0; i < op.size_arguments.size(); i++) size_arguments[i] = -1;
}

DType Call::dtype_of(const Tensor& tensor) const {
  return tensor.type == kFixedType ? tensor.dtype : op.types[tensor.type].choices[choices[tensor.type]];
}

int Call::entry() const {
  int entry = 0;
  for (std::size_t i = 0; i < op.types.size(); i++) {
    entry = entry * static_cast<int>(op.types[i].choices.size()) + choices[i];
  }
  return entry;
}

int64_t element_count(const ArrayView& array) { return product(array.shape, array.ndim); }

void resolve(Call& call) {
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) call.given[i] = call.arrays[i].is_present;
  choose_dtypes(call);
  check_ranks(call);
  bind_sizes(call);
  check_shapes(call);
  check_requirements(call);
  for (std::size_t i = call.op.argument_count; i < call.op.tensors.size(); i++) {
    shape_result(call, call.op.tensors[i], call.results[i]);
  }
}

}  // namespace sgl::host

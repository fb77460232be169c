// The tables that describe an op. Generated code fills them; everything else in this folder reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "host_runtime/dtype.h"

namespace sgl::host {

inline constexpr int kMaxTensors = 32;
inline constexpr int kMaxScalars = 32;
inline constexpr int kMaxSizes = 32;
inline constexpr int kMaxTypes = 8;
inline constexpr int kMaxParameters = 96;
inline constexpr int kMaxDims = 16;
inline constexpr std::size_t kMaxParams = 2048;

// Wide enough that sizes multiply without overflow.
__extension__ typedef __int128 Wide;

// A scalar argument in its compute type: `real` for f32, `integer` for all others.
union Scalar {
  double real;
  int64_t integer;
};

// Division as the language has it: towards minus infinity, and 0 by 0.
inline Wide floor_divide(Wide a, Wide b) {
  if (b == 0) return 0;
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
inline Wide modulo(Wide a, Wide b) { return b == 0 ? 0 : a - b * floor_divide(a, b); }
inline Wide minimum(Wide a, Wide b) { return a < b ? a : b; }
inline Wide maximum(Wide a, Wide b) { return a < b ? b : a; }

// What size expressions and conditions may ask for.
struct Values {
  const int64_t* sizes;
  const Scalar* scalars;
  const bool* given;
};

inline constexpr int16_t kNoSize = -1;

using Evaluate = Wide (*)(const Values&);

// One dimension of a tensor: the size `size`, else what `evaluate` gives, else the constant `extent`.
struct Dimension {
  const char* text;
  int16_t size = kNoSize;
  Evaluate evaluate = nullptr;
  int64_t extent = 0;
};

// How a size follows from a dimension that is not just its name, once the sizes it stands with are
// known: `coefficient * size + offset` is the extent along `axis` of `tensor`.
struct Solution {
  int16_t size;
  int16_t tensor;
  int16_t axis;
  Evaluate coefficient;
  Evaluate offset;
};

enum class Role : uint8_t { input, mutated, result };

inline constexpr int8_t kFixedType = -1;

// A tensor of the signature. `type` is its type variable, or kFixedType where `dtype` says it all.
// `has_leading`: dims[0] stands for any number of leading dimensions, collapsed to one.
// `stride_offsets` has one entry for each dimension but the last.
struct Tensor {
  const char* name;
  int8_t type = kFixedType;
  DType dtype = DType::f32;
  Role role = Role::input;
  bool is_optional = false;
  bool is_zero_filled = false;
  bool has_leading = false;
  std::span<const Dimension> dims;
  std::size_t pointer_offset = 0;
  std::span<const std::size_t> stride_offsets;
};

// A type variable and the dtypes it may stand for.
struct TypeVariable {
  const char* name;
  std::span<const DType> choices;
};

// A scalar argument; `default_value` holds where `has_default`.
struct ScalarArgument {
  const char* name;
  DType dtype;
  std::size_t offset;
  bool has_default = false;
  Scalar default_value = {.integer = 0};
};

// An integer argument that names a dimension. What the caller leaves out is a dimension's extent where
// the size stands alone in one, else the default (none: negative).
struct SizeArgument {
  const char* name;
  int16_t size;
  int64_t default_value = -1;
};

struct Size {
  const char* name;
  std::size_t offset;
};

// A condition of the spec, its text, and which sizes and scalars it is about (kNoSize: padding, since C++
// has no empty arrays).
struct Requirement {
  const char* text;
  bool (*holds)(const Values&);
  std::span<const int16_t> sizes;
  std::span<const int16_t> scalars;
};

using Kernel = void (*)(const void* params);

// An op: its signature (arguments, then results), the layout of its parameter struct, and its CPU
// kernels, one row for each ISA level and one column for each combination of dtypes.
struct Op {
  const char* name;
  std::span<const Tensor> tensors;
  int argument_count;
  std::span<const TypeVariable> types;
  std::span<const ScalarArgument> scalars;
  std::span<const SizeArgument> size_arguments;
  std::span<const Size> sizes;
  std::span<const Solution> solutions;
  std::span<const Requirement> requirements;
  int entry_count;
  const Kernel* cpu_kernels;
};

// `early_start` says how a kernel is launched where the target has a choice; `ignored` says nothing;
// `unsupported` may only have one value, which `index` says.
enum class ParameterKind : uint8_t { tensor, scalar, size, early_start, ignored, unsupported };
inline constexpr int16_t kOnlyNone = 0, kOnlyFalse = 1, kOnlyTrue = 2;

// A parameter of a public function. `index` counts in `Op::tensors` (a result there is a destination
// to write into), `Op::scalars` or `Op::size_arguments`.
struct Parameter {
  const char* name;
  ParameterKind kind;
  int16_t index;
  bool is_required = true;
};

// A public name of an op. The first `positional` parameters may be given by position, all by name.
// `returns` lists tensors of the op: results, and arguments updated in place.
struct Signature {
  const Op* op;
  const char* name;
  std::span<const Parameter> parameters;
  int positional;
  std::span<const int16_t> returns;
};

}  // namespace sgl::host

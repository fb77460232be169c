// The working memory of one call, and the steps that every extension takes with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "host_runtime/errors.h"
#include "host_runtime/op.h"

namespace sgl::host {

// An array as given by a framework. Strides count elements; `data` is the element at index 0.
struct ArrayView {
  void* data = nullptr;
  DType dtype = DType::other;
  bool is_present = false;
  bool is_read_only = false;
  int ndim = 0;
  const int64_t* shape = nullptr;
  const int64_t* strides = nullptr;
};

// A shape that the host worked out.
struct Extents {
  int ndim = 0;
  int64_t dims[kMaxDims];
};

inline constexpr int16_t kUnbound = -1;

// One call: what was given, then what `resolve` found out. Left uninitialised where a step fills it.
struct Call {
  explicit Call(const Signature& signature);

  const Signature& signature;
  const Op& op;

  // Given: one entry for each tensor (results: destinations), scalar and size argument.
  ArrayView arrays[kMaxTensors];
  Scalar scalars[kMaxScalars];
  int64_t size_arguments[kMaxSizes];

  // Resolved.
  bool given[kMaxTensors];
  int8_t choices[kMaxTypes];     // of each type variable
  int16_t chosen_by[kMaxTypes];  // the tensor that decided, or kUnbound
  int64_t sizes[kMaxSizes];
  int16_t bound_by[kMaxSizes];      // a tensor, kMaxTensors + a size argument, or kUnbound
  int16_t leading_from[kMaxSizes];  // the tensor whose leading dimensions a size stands for
  Extents results[kMaxTensors];     // of each result

  Values values() const { return {sizes, scalars, given}; }
  DType dtype_of(const Tensor& tensor) const;
  int entry() const;
};

// How many elements the array has.
int64_t element_count(const ArrayView& array);

// Checks dtypes, ranks, shapes, size arguments and conditions; fills everything "resolved". Looks at
// no data, so it serves lazy arrays. Throws ValueError.
void resolve(Call& call);

// What is left to do once memory is known. Self-contained: it outlives the call it came from.
struct Work {
  struct Copy {  // make an input contiguous
    std::size_t pointer_offset;
    const void* source;
    int64_t bytes;
    Extents shape;
    int64_t strides[kMaxDims];
  };
  struct Fill {  // zero a result
    void* target;
    int64_t bytes;
    Extents shape;
    int64_t strides[kMaxDims];
  };

  Kernel kernel;
  bool has_output = false;  // some result or updated argument has an element
  std::vector<Copy> copies;
  std::vector<Fill> fills;
  alignas(16) std::byte params[kMaxParams];
};

// Refuses memory that cannot be written as asked: read-only, unaligned, with strides that the kernels
// do not take or that overlap themselves, or overlapping another array. Arrays without data are passed over.
// Throws ValueError.
void check_written(const Call& call);

// Fills `work`: parameters, copies of inputs whose strides the kernels do not take, results to zero.
void prepare(const Call& call, Kernel kernel, Work& work);

// Runs the work on this thread (kernels may start more).
void run(Work& work);

// The CPU kernel for the call's dtypes at the chosen ISA level.
Kernel cpu_kernel(const Call& call);

// The ISA levels of this build that this machine has, best last; the one in use; and a way to choose
// another. `set_isa` returns false for a level that is not available.
int isa_level_count();
const char* isa_level_name(int level);
int isa_level();
bool set_isa_level(int level);

}  // namespace sgl::host

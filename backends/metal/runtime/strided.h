// The shape of a strided array, for its copy or zero fill. Stands after the fixed-width integers, whose
// header is another one for every target.
#pragma once

namespace sgl {

// `count` elements; strides count elements too. One axis more than arrays have, for the bytes of elements
// that lie unaligned.
struct Strided {
  int64_t count;
  int64_t ndim;
  int64_t dims[17];
  int64_t strides[17];
};

}  // namespace sgl

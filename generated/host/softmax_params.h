// Generated from specs/softmax/softmax.yaml. Do not edit.
//
// What the host passes to every kernel of softmax: strides count elements.
#pragma once

#include <stdint.h>

struct softmax_params {
  void* x;
  void* out;
  int64_t x_stride_0;
  int64_t out_stride_0;
  int64_t rows;
  int64_t width;
};

// Generated from specs/activation/gelu_tanh_and_mul.yaml. Do not edit.
//
// What the host passes to every kernel of gelu_tanh_and_mul: strides count elements.
#pragma once

#include <stdint.h>

struct gelu_tanh_and_mul_params {
  void* input;
  void* out;
  int64_t input_stride_0;
  int64_t out_stride_0;
  int64_t rows;
  int64_t width;
};

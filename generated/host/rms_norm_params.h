// Generated from specs/norm/rms_norm.yaml. Do not edit.
//
// What the host passes to every kernel of rms_norm: strides count elements.
#pragma once

#include <stdint.h>

struct rms_norm_params {
  void* x;
  void* weight;
  void* out;
  int64_t x_stride_0;
  int64_t out_stride_0;
  int64_t rows;
  int64_t width;
  float eps;
};

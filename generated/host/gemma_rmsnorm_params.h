// Generated from specs/norm/gemma_rmsnorm.yaml. Do not edit.
//
// What the host passes to every kernel of gemma_rmsnorm: strides count elements.
#pragma once

#include <stdint.h>

struct gemma_rmsnorm_params {
  void* input;
  void* weight;
  void* out;
  int64_t input_stride_0;
  int64_t out_stride_0;
  int64_t rows;
  int64_t width;
  float eps;
};

// Generated from specs/norm/gemma_fused_add_rmsnorm.yaml. Do not edit.
//
// What the host passes to every kernel of gemma_fused_add_rmsnorm: strides count elements.
#pragma once

#include <stdint.h>

struct gemma_fused_add_rmsnorm_params {
  void* input;
  void* residual;
  void* weight;
  int64_t input_stride_0;
  int64_t residual_stride_0;
  int64_t rows;
  int64_t width;
  float eps;
};

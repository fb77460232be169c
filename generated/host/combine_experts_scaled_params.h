// Generated from specs/moe/combine_experts_scaled.yaml. Do not edit.
//
// What the host passes to every kernel of combine_experts_scaled: strides count elements.
#pragma once

#include <stdint.h>

struct combine_experts_scaled_params {
  void* input;
  void* out;
  int64_t input_stride_0;
  int64_t input_stride_1;
  int64_t out_stride_0;
  int64_t tokens;
  int64_t experts;
  int64_t width;
  float routed_scaling_factor;
};

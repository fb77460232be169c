// Generated from specs/moe/combine_experts.yaml. Do not edit.
//
// What the host passes to every kernel of combine_experts: strides count elements.
#pragma once

#include <stdint.h>

struct combine_experts_params {
  void* input;
  void* out;
  int64_t input_stride_0;
  int64_t input_stride_1;
  int64_t out_stride_0;
  int64_t tokens;
  int64_t experts;
  int64_t width;
};

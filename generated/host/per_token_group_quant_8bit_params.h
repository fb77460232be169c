// Generated from specs/quant/per_token_group_quant_8bit.yaml. Do not edit.
//
// What the host passes to every kernel of per_token_group_quant_8bit: strides count elements.
#pragma once

#include <stdint.h>

struct per_token_group_quant_8bit_params {
  void* input;
  void* output_q;
  void* output_s;
  int64_t input_stride_0;
  int64_t output_q_stride_0;
  int64_t output_s_stride_0;
  int64_t rows;
  int64_t groups;
  int64_t group_size;
  float eps;
  float fp8_min;
  float fp8_max;
  uint8_t scale_ue8m0;
};

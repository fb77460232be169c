// Generated from specs/quant/per_token_quant_fp8.yaml. Do not edit.
//
// What the host passes to every kernel of per_token_quant_fp8: strides count elements.
#pragma once

#include <stdint.h>

struct per_token_quant_fp8_params {
  void* input;
  void* output_q;
  void* output_s;
  int64_t input_stride_0;
  int64_t output_q_stride_0;
  int64_t output_s_stride_0;
  int64_t rows;
  int64_t width;
};

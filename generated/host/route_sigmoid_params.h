// Generated from specs/moe/route_sigmoid.yaml. Do not edit.
//
// What the host passes to every kernel of route_sigmoid: strides count elements.
#pragma once

#include <stdint.h>

struct route_sigmoid_params {
  void* gating_output;
  void* correction_bias;  // null: not given
  void* topk_weights;
  void* topk_ids;
  int64_t gating_output_stride_0;
  int64_t topk_weights_stride_0;
  int64_t topk_ids_stride_0;
  int64_t tokens;
  int64_t experts;
  int64_t k;
  uint8_t renormalize;
};

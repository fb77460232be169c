// Generated from specs/moe/route_softmax.yaml. Do not edit.
//
// What the host passes to every kernel of route_softmax: strides count elements.
#pragma once

#include <stdint.h>

struct route_softmax_params {
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
  float moe_softcapping;
};

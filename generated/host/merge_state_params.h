// Generated from specs/attention/merge_state.yaml. Do not edit.
//
// What the host passes to every kernel of merge_state: strides count elements.
#pragma once

#include <stdint.h>

struct merge_state_params {
  void* v_a;
  void* s_a;
  void* v_b;
  void* s_b;
  void* v_merged;
  void* s_merged;
  int64_t v_a_stride_0;
  int64_t v_a_stride_1;
  int64_t s_a_stride_0;
  int64_t v_b_stride_0;
  int64_t v_b_stride_1;
  int64_t s_b_stride_0;
  int64_t v_merged_stride_0;
  int64_t v_merged_stride_1;
  int64_t s_merged_stride_0;
  int64_t tokens;
  int64_t heads;
  int64_t head_dim;
};

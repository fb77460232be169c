// Generated from specs/rope/rope_pool_fused.yaml. Do not edit.
//
// What the host passes to every kernel of rope_pool_fused: strides count elements.
#pragma once

#include <stdint.h>

struct rope_pool_fused_params {
  void* q;
  void* k;
  void* v;
  void* positions;
  void* slots;
  void* k_pool;
  void* v_pool;
  void* q_rot;
  void* k_rot;
  int64_t q_stride_0;
  int64_t q_stride_1;
  int64_t k_stride_0;
  int64_t k_stride_1;
  int64_t v_stride_0;
  int64_t v_stride_1;
  int64_t k_pool_stride_0;
  int64_t k_pool_stride_1;
  int64_t v_pool_stride_0;
  int64_t v_pool_stride_1;
  int64_t q_rot_stride_0;
  int64_t q_rot_stride_1;
  int64_t k_rot_stride_0;
  int64_t k_rot_stride_1;
  int64_t tokens;
  int64_t num_qo_heads;
  int64_t head_dim;
  int64_t num_kv_heads;
  int64_t pool_slots;
  float rope_base;
};

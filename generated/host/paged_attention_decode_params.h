// Generated from specs/attention/paged_attention_decode.yaml. Do not edit.
//
// What the host passes to every kernel of paged_attention_decode: strides count elements.
#pragma once

#include <stdint.h>

struct paged_attention_decode_params {
  void* q;
  void* k_pool;
  void* v_pool;
  void* kv_indptr;
  void* kv_indices;
  void* out;
  int64_t q_stride_0;
  int64_t q_stride_1;
  int64_t k_pool_stride_0;
  int64_t k_pool_stride_1;
  int64_t v_pool_stride_0;
  int64_t v_pool_stride_1;
  int64_t out_stride_0;
  int64_t out_stride_1;
  int64_t batch;
  int64_t num_qo_heads;
  int64_t head_dim;
  int64_t pool_slots;
  int64_t num_kv_heads;
  int64_t entries;
  float sm_scale;
};

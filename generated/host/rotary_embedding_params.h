// Generated from specs/rope/rotary_embedding.yaml. Do not edit.
//
// What the host passes to every kernel of rotary_embedding: strides count elements.
#pragma once

#include <stdint.h>

struct rotary_embedding_params {
  void* positions;
  void* query;
  void* key;  // null: not given
  void* cos_sin_cache;
  int64_t query_stride_0;
  int64_t key_stride_0;
  int64_t cos_sin_cache_stride_0;
  int64_t tokens;
  int64_t heads;
  int64_t head_size;
  int64_t kv_heads;
  int64_t max_position;
  int64_t pairs;
  uint8_t is_neox;
};

// Generated. Do not edit.
//
// `_cpu`: every op on arrays of any framework, on the CPU.
#include <Python.h>

#include "host/combine_experts_host.h"
#include "host/combine_experts_scaled_host.h"
#include "host/fused_add_rmsnorm_host.h"
#include "host/gelu_and_mul_host.h"
#include "host/gelu_tanh_and_mul_host.h"
#include "host/gemma_fused_add_rmsnorm_host.h"
#include "host/gemma_rmsnorm_host.h"
#include "host/merge_state_host.h"
#include "host/paged_attention_decode_host.h"
#include "host/per_token_group_quant_8bit_host.h"
#include "host/per_token_quant_fp8_host.h"
#include "host/rms_norm_host.h"
#include "host/rope_pool_fused_host.h"
#include "host/rotary_embedding_host.h"
#include "host/route_sigmoid_host.h"
#include "host/route_softmax_host.h"
#include "host/silu_and_mul_host.h"
#include "host/softmax_host.h"
#include "host_runtime/dlpack_call.h"

PyMODINIT_FUNC PyInit__cpu() {
  return sgl::host::make_cpu_module("_cpu", {
      sgl::ops::combine_experts_signatures,
      sgl::ops::combine_experts_scaled_signatures,
      sgl::ops::fused_add_rmsnorm_signatures,
      sgl::ops::gelu_and_mul_signatures,
      sgl::ops::gelu_tanh_and_mul_signatures,
      sgl::ops::gemma_fused_add_rmsnorm_signatures,
      sgl::ops::gemma_rmsnorm_signatures,
      sgl::ops::merge_state_signatures,
      sgl::ops::paged_attention_decode_signatures,
      sgl::ops::per_token_group_quant_8bit_signatures,
      sgl::ops::per_token_quant_fp8_signatures,
      sgl::ops::rms_norm_signatures,
      sgl::ops::rope_pool_fused_signatures,
      sgl::ops::rotary_embedding_signatures,
      sgl::ops::route_sigmoid_signatures,
      sgl::ops::route_softmax_signatures,
      sgl::ops::silu_and_mul_signatures,
      sgl::ops::softmax_signatures,
  });
}

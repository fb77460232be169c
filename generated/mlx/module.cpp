// Generated. Do not edit.
//
// `_metal`: every op on MLX arrays, lazily, on the GPU or the CPU.
#include <nanobind/nanobind.h>

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
#include "host_runtime/mlx_call.h"

namespace sgl::ops {

extern const metal::OpLaunches combine_experts_launches;
extern const metal::OpLaunches combine_experts_scaled_launches;
extern const metal::OpLaunches fused_add_rmsnorm_launches;
extern const metal::OpLaunches gelu_and_mul_launches;
extern const metal::OpLaunches gelu_tanh_and_mul_launches;
extern const metal::OpLaunches gemma_fused_add_rmsnorm_launches;
extern const metal::OpLaunches gemma_rmsnorm_launches;
extern const metal::OpLaunches merge_state_launches;
extern const metal::OpLaunches paged_attention_decode_launches;
extern const metal::OpLaunches per_token_group_quant_8bit_launches;
extern const metal::OpLaunches per_token_quant_fp8_launches;
extern const metal::OpLaunches rms_norm_launches;
extern const metal::OpLaunches rope_pool_fused_launches;
extern const metal::OpLaunches rotary_embedding_launches;
extern const metal::OpLaunches route_sigmoid_launches;
extern const metal::OpLaunches route_softmax_launches;
extern const metal::OpLaunches silu_and_mul_launches;
extern const metal::OpLaunches softmax_launches;

}  // namespace sgl::ops

NB_MODULE(_metal, module) {
  sgl::host::bind_metal(module.ptr(), {
      {sgl::ops::combine_experts_signatures, sgl::ops::combine_experts_launches},
      {sgl::ops::combine_experts_scaled_signatures, sgl::ops::combine_experts_scaled_launches},
      {sgl::ops::fused_add_rmsnorm_signatures, sgl::ops::fused_add_rmsnorm_launches},
      {sgl::ops::gelu_and_mul_signatures, sgl::ops::gelu_and_mul_launches},
      {sgl::ops::gelu_tanh_and_mul_signatures, sgl::ops::gelu_tanh_and_mul_launches},
      {sgl::ops::gemma_fused_add_rmsnorm_signatures, sgl::ops::gemma_fused_add_rmsnorm_launches},
      {sgl::ops::gemma_rmsnorm_signatures, sgl::ops::gemma_rmsnorm_launches},
      {sgl::ops::merge_state_signatures, sgl::ops::merge_state_launches},
      {sgl::ops::paged_attention_decode_signatures, sgl::ops::paged_attention_decode_launches},
      {sgl::ops::per_token_group_quant_8bit_signatures, sgl::ops::per_token_group_quant_8bit_launches},
      {sgl::ops::per_token_quant_fp8_signatures, sgl::ops::per_token_quant_fp8_launches},
      {sgl::ops::rms_norm_signatures, sgl::ops::rms_norm_launches},
      {sgl::ops::rope_pool_fused_signatures, sgl::ops::rope_pool_fused_launches},
      {sgl::ops::rotary_embedding_signatures, sgl::ops::rotary_embedding_launches},
      {sgl::ops::route_sigmoid_signatures, sgl::ops::route_sigmoid_launches},
      {sgl::ops::route_softmax_signatures, sgl::ops::route_softmax_launches},
      {sgl::ops::silu_and_mul_signatures, sgl::ops::silu_and_mul_launches},
      {sgl::ops::softmax_signatures, sgl::ops::softmax_launches},
  });
}

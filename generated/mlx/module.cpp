// Generated. Do not edit.
//
// `_metal`: every op on MLX arrays, lazily, on the GPU or the CPU.
#include <nanobind/nanobind.h>

#include "host/fused_add_rmsnorm_host.h"
#include "host/gelu_and_mul_host.h"
#include "host/gelu_tanh_and_mul_host.h"
#include "host/paged_attention_decode_host.h"
#include "host/rms_norm_host.h"
#include "host/rope_pool_fused_host.h"
#include "host/silu_and_mul_host.h"
#include "host/softmax_host.h"
#include "host_runtime/mlx_call.h"

NB_MODULE(_metal, module) {
  sgl::host::bind_metal(module.ptr(), {
      sgl::ops::fused_add_rmsnorm_signatures,
      sgl::ops::gelu_and_mul_signatures,
      sgl::ops::gelu_tanh_and_mul_signatures,
      sgl::ops::paged_attention_decode_signatures,
      sgl::ops::rms_norm_signatures,
      sgl::ops::rope_pool_fused_signatures,
      sgl::ops::silu_and_mul_signatures,
      sgl::ops::softmax_signatures,
  });
}

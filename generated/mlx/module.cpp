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

namespace sgl::ops {

extern const metal::OpLaunches fused_add_rmsnorm_launches;
extern const metal::OpLaunches gelu_and_mul_launches;
extern const metal::OpLaunches gelu_tanh_and_mul_launches;
extern const metal::OpLaunches paged_attention_decode_launches;
extern const metal::OpLaunches rms_norm_launches;
extern const metal::OpLaunches rope_pool_fused_launches;
extern const metal::OpLaunches silu_and_mul_launches;
extern const metal::OpLaunches softmax_launches;

}  // namespace sgl::ops

NB_MODULE(_metal, module) {
  sgl::host::bind_metal(module.ptr(), {
      {sgl::ops::fused_add_rmsnorm_signatures, sgl::ops::fused_add_rmsnorm_launches},
      {sgl::ops::gelu_and_mul_signatures, sgl::ops::gelu_and_mul_launches},
      {sgl::ops::gelu_tanh_and_mul_signatures, sgl::ops::gelu_tanh_and_mul_launches},
      {sgl::ops::paged_attention_decode_signatures, sgl::ops::paged_attention_decode_launches},
      {sgl::ops::rms_norm_signatures, sgl::ops::rms_norm_launches},
      {sgl::ops::rope_pool_fused_signatures, sgl::ops::rope_pool_fused_launches},
      {sgl::ops::silu_and_mul_signatures, sgl::ops::silu_and_mul_launches},
      {sgl::ops::softmax_signatures, sgl::ops::softmax_launches},
  });
}

// Generated. Do not edit.
//
// `_cuda`: every op on CUDA tensors.
#include <Python.h>

#include "cuda/host/cuda_call.h"
#include "host/fused_add_rmsnorm_host.h"
#include "host/gelu_and_mul_host.h"
#include "host/gelu_tanh_and_mul_host.h"
#include "host/paged_attention_decode_host.h"
#include "host/rms_norm_host.h"
#include "host/rope_pool_fused_host.h"
#include "host/silu_and_mul_host.h"
#include "host/softmax_host.h"

namespace sgl::ops {

extern const cuda::OpLaunches fused_add_rmsnorm_launches;
extern const cuda::OpLaunches gelu_and_mul_launches;
extern const cuda::OpLaunches gelu_tanh_and_mul_launches;
extern const cuda::OpLaunches paged_attention_decode_launches;
extern const cuda::OpLaunches rms_norm_launches;
extern const cuda::OpLaunches rope_pool_fused_launches;
extern const cuda::OpLaunches silu_and_mul_launches;
extern const cuda::OpLaunches softmax_launches;

}  // namespace sgl::ops

PyMODINIT_FUNC PyInit__cuda() {
  return sgl::cuda::make_cuda_module("_cuda", {
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

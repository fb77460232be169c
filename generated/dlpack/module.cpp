// Generated. Do not edit.
//
// `_cpu`: every op on arrays of any framework, on the CPU.
#include <Python.h>

#include "host/fused_add_rmsnorm_host.h"
#include "host/gelu_and_mul_host.h"
#include "host/gelu_tanh_and_mul_host.h"
#include "host/paged_attention_decode_host.h"
#include "host/rms_norm_host.h"
#include "host/rope_pool_fused_host.h"
#include "host/silu_and_mul_host.h"
#include "host/softmax_host.h"
#include "host_runtime/dlpack_call.h"

PyMODINIT_FUNC PyInit__cpu() {
  return sgl::host::make_cpu_module("_cpu", {
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

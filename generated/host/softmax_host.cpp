// Generated from specs/softmax/softmax.yaml. Do not edit.
#include "host/softmax_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/softmax_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_softmax_f32(const softmax_params*);
void sgl_cpu_baseline_softmax_f16(const softmax_params*);
void sgl_cpu_baseline_softmax_bf16(const softmax_params*);
void sgl_cpu_avx2_softmax_f32(const softmax_params*);
void sgl_cpu_avx2_softmax_f16(const softmax_params*);
void sgl_cpu_avx2_softmax_bf16(const softmax_params*);
void sgl_cpu_avx512_softmax_f32(const softmax_params*);
void sgl_cpu_avx512_softmax_f16(const softmax_params*);
void sgl_cpu_avx512_softmax_bf16(const softmax_params*);
#else
void sgl_cpu_baseline_softmax_f32(const softmax_params*);
void sgl_cpu_baseline_softmax_f16(const softmax_params*);
void sgl_cpu_baseline_softmax_bf16(const softmax_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = softmax_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_x, tensor_out,  };
enum SizeIndex : int16_t { size_rows, size_width,  };

constexpr Dimension x_dims[] = {
    {"rows", size_rows},
    {"width", size_width},
};
constexpr std::size_t x_strides[] = {
    offsetof(Params, x_stride_0),
};

constexpr Dimension out_dims[] = {
    {"rows", size_rows},
    {"width", size_width},
};
constexpr std::size_t out_strides[] = {
    offsetof(Params, out_stride_0),
};

constexpr Tensor kTensors[] = {
    {.name = "x",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = x_dims,
     .pointer_offset = offsetof(Params, x),
     .stride_offsets = x_strides},
    {.name = "out",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = out_dims,
     .pointer_offset = offsetof(Params, out),
     .stride_offsets = out_strides},
};

constexpr DType T_choices[] = {DType::f32, DType::f16, DType::bf16, };

constexpr TypeVariable kTypes[] = {
    {"T", T_choices},
};

constexpr Size kSizes[] = {
    {"rows", offsetof(Params, rows)},
    {"width", offsetof(Params, width)},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_softmax_f32>,
    run_kernel<Params, sgl_cpu_baseline_softmax_f16>,
    run_kernel<Params, sgl_cpu_baseline_softmax_bf16>,
    run_kernel<Params, sgl_cpu_avx2_softmax_f32>,
    run_kernel<Params, sgl_cpu_avx2_softmax_f16>,
    run_kernel<Params, sgl_cpu_avx2_softmax_bf16>,
    run_kernel<Params, sgl_cpu_avx512_softmax_f32>,
    run_kernel<Params, sgl_cpu_avx512_softmax_f16>,
    run_kernel<Params, sgl_cpu_avx512_softmax_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_softmax_f32>,
    run_kernel<Params, sgl_cpu_baseline_softmax_f16>,
    run_kernel<Params, sgl_cpu_baseline_softmax_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "softmax",
    .tensors = kTensors,
    .argument_count = 1,
    .types = kTypes,
    .scalars = {},
    .size_arguments = {},
    .sizes = kSizes,
    .solutions = {},
    .requirements = {},
    .entry_count = 3,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter softmax_parameters[] = {
    {"x", ParameterKind::tensor, tensor_x, true},
    {"out", ParameterKind::tensor, tensor_out, false},
};
constexpr int16_t softmax_returns[] = {tensor_out, };

constexpr Signature kSignatures[] = {
    {&kOp, "softmax", softmax_parameters, 2, softmax_returns},
};

}  // namespace

constinit const std::span<const host::Signature> softmax_signatures = kSignatures;

}  // namespace sgl::ops

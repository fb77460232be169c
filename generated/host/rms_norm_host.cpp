// Generated from specs/norm/rms_norm.yaml. Do not edit.
#include "host/rms_norm_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/rms_norm_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_rms_norm_f32(const rms_norm_params*);
void sgl_cpu_baseline_rms_norm_f16(const rms_norm_params*);
void sgl_cpu_baseline_rms_norm_bf16(const rms_norm_params*);
void sgl_cpu_avx2_rms_norm_f32(const rms_norm_params*);
void sgl_cpu_avx2_rms_norm_f16(const rms_norm_params*);
void sgl_cpu_avx2_rms_norm_bf16(const rms_norm_params*);
void sgl_cpu_avx512_rms_norm_f32(const rms_norm_params*);
void sgl_cpu_avx512_rms_norm_f16(const rms_norm_params*);
void sgl_cpu_avx512_rms_norm_bf16(const rms_norm_params*);
#else
void sgl_cpu_baseline_rms_norm_f32(const rms_norm_params*);
void sgl_cpu_baseline_rms_norm_f16(const rms_norm_params*);
void sgl_cpu_baseline_rms_norm_bf16(const rms_norm_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = rms_norm_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_x, tensor_weight, tensor_out,  };
enum ScalarIndex : int16_t { scalar_eps,  };
enum SizeIndex : int16_t { size_rows, size_width,  };

constexpr Dimension x_dims[] = {
    {"rows", size_rows},
    {"width", size_width},
};
constexpr std::size_t x_strides[] = {
    offsetof(Params, x_stride_0),
};

constexpr Dimension weight_dims[] = {
    {"width", size_width},
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
    {.name = "weight",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = false,
     .dims = weight_dims,
     .pointer_offset = offsetof(Params, weight),
     .stride_offsets = {}},
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

constexpr ScalarArgument kScalars[] = {
    {"eps", DType::f32, offsetof(Params, eps), true, {.real = 1e-06}},
};

constexpr Size kSizes[] = {
    {"rows", offsetof(Params, rows)},
    {"width", offsetof(Params, width)},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_rms_norm_f32>,
    run_kernel<Params, sgl_cpu_baseline_rms_norm_f16>,
    run_kernel<Params, sgl_cpu_baseline_rms_norm_bf16>,
    run_kernel<Params, sgl_cpu_avx2_rms_norm_f32>,
    run_kernel<Params, sgl_cpu_avx2_rms_norm_f16>,
    run_kernel<Params, sgl_cpu_avx2_rms_norm_bf16>,
    run_kernel<Params, sgl_cpu_avx512_rms_norm_f32>,
    run_kernel<Params, sgl_cpu_avx512_rms_norm_f16>,
    run_kernel<Params, sgl_cpu_avx512_rms_norm_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_rms_norm_f32>,
    run_kernel<Params, sgl_cpu_baseline_rms_norm_f16>,
    run_kernel<Params, sgl_cpu_baseline_rms_norm_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "rms_norm",
    .tensors = kTensors,
    .argument_count = 2,
    .types = kTypes,
    .scalars = kScalars,
    .size_arguments = {},
    .sizes = kSizes,
    .solutions = {},
    .requirements = {},
    .entry_count = 3,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter rms_norm_parameters[] = {
    {"x", ParameterKind::tensor, tensor_x, true},
    {"weight", ParameterKind::tensor, tensor_weight, true},
    {"eps", ParameterKind::scalar, scalar_eps, false},
    {"out", ParameterKind::tensor, tensor_out, false},
};
constexpr int16_t rms_norm_returns[] = {tensor_out, };

constexpr Parameter rmsnorm_parameters[] = {
    {"input", ParameterKind::tensor, tensor_x, true},
    {"weight", ParameterKind::tensor, tensor_weight, true},
    {"eps", ParameterKind::scalar, scalar_eps, false},
    {"out", ParameterKind::tensor, tensor_out, false},
    {"enable_pdl", ParameterKind::early_start, 0, false},
};
constexpr int16_t rmsnorm_returns[] = {tensor_out, };

constexpr Signature kSignatures[] = {
    {&kOp, "rms_norm", rms_norm_parameters, 4, rms_norm_returns},
    {&kOp, "rmsnorm", rmsnorm_parameters, 5, rmsnorm_returns},
};

}  // namespace

constinit const std::span<const host::Signature> rms_norm_signatures = kSignatures;

}  // namespace sgl::ops

// Generated from specs/norm/fused_add_rmsnorm.yaml. Do not edit.
#include "host/fused_add_rmsnorm_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/fused_add_rmsnorm_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_fused_add_rmsnorm_f32(const fused_add_rmsnorm_params*);
void sgl_cpu_baseline_fused_add_rmsnorm_f16(const fused_add_rmsnorm_params*);
void sgl_cpu_baseline_fused_add_rmsnorm_bf16(const fused_add_rmsnorm_params*);
void sgl_cpu_avx2_fused_add_rmsnorm_f32(const fused_add_rmsnorm_params*);
void sgl_cpu_avx2_fused_add_rmsnorm_f16(const fused_add_rmsnorm_params*);
void sgl_cpu_avx2_fused_add_rmsnorm_bf16(const fused_add_rmsnorm_params*);
void sgl_cpu_avx512_fused_add_rmsnorm_f32(const fused_add_rmsnorm_params*);
void sgl_cpu_avx512_fused_add_rmsnorm_f16(const fused_add_rmsnorm_params*);
void sgl_cpu_avx512_fused_add_rmsnorm_bf16(const fused_add_rmsnorm_params*);
#else
void sgl_cpu_baseline_fused_add_rmsnorm_f32(const fused_add_rmsnorm_params*);
void sgl_cpu_baseline_fused_add_rmsnorm_f16(const fused_add_rmsnorm_params*);
void sgl_cpu_baseline_fused_add_rmsnorm_bf16(const fused_add_rmsnorm_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = fused_add_rmsnorm_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_input, tensor_residual, tensor_weight,  };
enum ScalarIndex : int16_t { scalar_eps,  };
enum SizeIndex : int16_t { size_rows, size_width,  };

constexpr Dimension input_dims[] = {
    {"rows", size_rows},
    {"width", size_width},
};
constexpr std::size_t input_strides[] = {
    offsetof(Params, input_stride_0),
};

constexpr Dimension residual_dims[] = {
    {"rows", size_rows},
    {"width", size_width},
};
constexpr std::size_t residual_strides[] = {
    offsetof(Params, residual_stride_0),
};

constexpr Dimension weight_dims[] = {
    {"width", size_width},
};

constexpr Tensor kTensors[] = {
    {.name = "input",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::mutated,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = input_dims,
     .pointer_offset = offsetof(Params, input),
     .stride_offsets = input_strides},
    {.name = "residual",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::mutated,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = residual_dims,
     .pointer_offset = offsetof(Params, residual),
     .stride_offsets = residual_strides},
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
    run_kernel<Params, sgl_cpu_baseline_fused_add_rmsnorm_f32>,
    run_kernel<Params, sgl_cpu_baseline_fused_add_rmsnorm_f16>,
    run_kernel<Params, sgl_cpu_baseline_fused_add_rmsnorm_bf16>,
    run_kernel<Params, sgl_cpu_avx2_fused_add_rmsnorm_f32>,
    run_kernel<Params, sgl_cpu_avx2_fused_add_rmsnorm_f16>,
    run_kernel<Params, sgl_cpu_avx2_fused_add_rmsnorm_bf16>,
    run_kernel<Params, sgl_cpu_avx512_fused_add_rmsnorm_f32>,
    run_kernel<Params, sgl_cpu_avx512_fused_add_rmsnorm_f16>,
    run_kernel<Params, sgl_cpu_avx512_fused_add_rmsnorm_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_fused_add_rmsnorm_f32>,
    run_kernel<Params, sgl_cpu_baseline_fused_add_rmsnorm_f16>,
    run_kernel<Params, sgl_cpu_baseline_fused_add_rmsnorm_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "fused_add_rmsnorm",
    .tensors = kTensors,
    .argument_count = 3,
    .types = kTypes,
    .scalars = kScalars,
    .size_arguments = {},
    .sizes = kSizes,
    .solutions = {},
    .requirements = {},
    .entry_count = 3,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter fused_add_rmsnorm_parameters[] = {
    {"input", ParameterKind::tensor, tensor_input, true},
    {"residual", ParameterKind::tensor, tensor_residual, true},
    {"weight", ParameterKind::tensor, tensor_weight, true},
    {"eps", ParameterKind::scalar, scalar_eps, false},
    {"enable_pdl", ParameterKind::early_start, 0, false},
};

constexpr Signature kSignatures[] = {
    {&kOp, "fused_add_rmsnorm", fused_add_rmsnorm_parameters, 5, {}},
};

}  // namespace

constinit const std::span<const host::Signature> fused_add_rmsnorm_signatures = kSignatures;

}  // namespace sgl::ops

// Generated from specs/quant/per_token_quant_fp8.yaml. Do not edit.
#include "host/per_token_quant_fp8_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/per_token_quant_fp8_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_per_token_quant_fp8_f32(const per_token_quant_fp8_params*);
void sgl_cpu_baseline_per_token_quant_fp8_f16(const per_token_quant_fp8_params*);
void sgl_cpu_baseline_per_token_quant_fp8_bf16(const per_token_quant_fp8_params*);
void sgl_cpu_avx2_per_token_quant_fp8_f32(const per_token_quant_fp8_params*);
void sgl_cpu_avx2_per_token_quant_fp8_f16(const per_token_quant_fp8_params*);
void sgl_cpu_avx2_per_token_quant_fp8_bf16(const per_token_quant_fp8_params*);
void sgl_cpu_avx512_per_token_quant_fp8_f32(const per_token_quant_fp8_params*);
void sgl_cpu_avx512_per_token_quant_fp8_f16(const per_token_quant_fp8_params*);
void sgl_cpu_avx512_per_token_quant_fp8_bf16(const per_token_quant_fp8_params*);
#else
void sgl_cpu_baseline_per_token_quant_fp8_f32(const per_token_quant_fp8_params*);
void sgl_cpu_baseline_per_token_quant_fp8_f16(const per_token_quant_fp8_params*);
void sgl_cpu_baseline_per_token_quant_fp8_bf16(const per_token_quant_fp8_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = per_token_quant_fp8_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_input, tensor_output_q, tensor_output_s,  };
enum SizeIndex : int16_t { size_rows, size_width,  };

constexpr Dimension input_dims[] = {
    {"rows", size_rows},
    {"width", size_width},
};
constexpr std::size_t input_strides[] = {
    offsetof(Params, input_stride_0),
};

constexpr Dimension output_q_dims[] = {
    {"rows", size_rows},
    {"width", size_width},
};
constexpr std::size_t output_q_strides[] = {
    offsetof(Params, output_q_stride_0),
};

constexpr Dimension output_s_dims[] = {
    {"rows", size_rows},
    {"1", kNoSize, nullptr, 1},
};
constexpr std::size_t output_s_strides[] = {
    offsetof(Params, output_s_stride_0),
};

constexpr Tensor kTensors[] = {
    {.name = "input",
     .type = 0,
     .dtype = DType::f32,
     .role = Role::input,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = input_dims,
     .pointer_offset = offsetof(Params, input),
     .stride_offsets = input_strides},
    {.name = "output_q",
     .type = kFixedType,
     .dtype = DType::f8e4m3,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = output_q_dims,
     .pointer_offset = offsetof(Params, output_q),
     .stride_offsets = output_q_strides},
    {.name = "output_s",
     .type = kFixedType,
     .dtype = DType::f32,
     .role = Role::result,
     .is_optional = false,
     .is_zero_filled = false,
     .has_leading = true,
     .dims = output_s_dims,
     .pointer_offset = offsetof(Params, output_s),
     .stride_offsets = output_s_strides},
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
    run_kernel<Params, sgl_cpu_baseline_per_token_quant_fp8_f32>,
    run_kernel<Params, sgl_cpu_baseline_per_token_quant_fp8_f16>,
    run_kernel<Params, sgl_cpu_baseline_per_token_quant_fp8_bf16>,
    run_kernel<Params, sgl_cpu_avx2_per_token_quant_fp8_f32>,
    run_kernel<Params, sgl_cpu_avx2_per_token_quant_fp8_f16>,
    run_kernel<Params, sgl_cpu_avx2_per_token_quant_fp8_bf16>,
    run_kernel<Params, sgl_cpu_avx512_per_token_quant_fp8_f32>,
    run_kernel<Params, sgl_cpu_avx512_per_token_quant_fp8_f16>,
    run_kernel<Params, sgl_cpu_avx512_per_token_quant_fp8_bf16>,
#else
    run_kernel<Params, sgl_cpu_baseline_per_token_quant_fp8_f32>,
    run_kernel<Params, sgl_cpu_baseline_per_token_quant_fp8_f16>,
    run_kernel<Params, sgl_cpu_baseline_per_token_quant_fp8_bf16>,
#endif
};

constexpr Op kOp = {
    .name = "per_token_quant_fp8",
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

constexpr Parameter per_token_quant_fp8_parameters[] = {
    {"input", ParameterKind::tensor, tensor_input, true},
};
constexpr int16_t per_token_quant_fp8_returns[] = {tensor_output_q, tensor_output_s, };

constexpr Parameter sgl_per_token_quant_fp8_parameters[] = {
    {"input", ParameterKind::tensor, tensor_input, true},
    {"output_q", ParameterKind::tensor, tensor_output_q, true},
    {"output_s", ParameterKind::tensor, tensor_output_s, true},
};

constexpr Signature kSignatures[] = {
    {&kOp, "per_token_quant_fp8", per_token_quant_fp8_parameters, 1, per_token_quant_fp8_returns},
    {&kOp, "sgl_per_token_quant_fp8", sgl_per_token_quant_fp8_parameters, 3, {}},
};

}  // namespace

constinit const std::span<const host::Signature> per_token_quant_fp8_signatures = kSignatures;

}  // namespace sgl::ops

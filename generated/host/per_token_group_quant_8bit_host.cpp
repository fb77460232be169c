// Generated from specs/quant/per_token_group_quant_8bit.yaml. Do not edit.
#include "host/per_token_group_quant_8bit_host.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/per_token_group_quant_8bit_params.h"
#include "host_runtime/run_kernel.h"

extern "C" {
#if defined(__x86_64__)
void sgl_cpu_baseline_per_token_group_quant_8bit_f32_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_baseline_per_token_group_quant_8bit_f32_i8(const per_token_group_quant_8bit_params*);
void sgl_cpu_baseline_per_token_group_quant_8bit_f16_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_baseline_per_token_group_quant_8bit_f16_i8(const per_token_group_quant_8bit_params*);
void sgl_cpu_baseline_per_token_group_quant_8bit_bf16_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_baseline_per_token_group_quant_8bit_bf16_i8(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx2_per_token_group_quant_8bit_f32_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx2_per_token_group_quant_8bit_f32_i8(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx2_per_token_group_quant_8bit_f16_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx2_per_token_group_quant_8bit_f16_i8(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx2_per_token_group_quant_8bit_bf16_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx2_per_token_group_quant_8bit_bf16_i8(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx512_per_token_group_quant_8bit_f32_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx512_per_token_group_quant_8bit_f32_i8(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx512_per_token_group_quant_8bit_f16_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx512_per_token_group_quant_8bit_f16_i8(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx512_per_token_group_quant_8bit_bf16_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_avx512_per_token_group_quant_8bit_bf16_i8(const per_token_group_quant_8bit_params*);
#else
void sgl_cpu_baseline_per_token_group_quant_8bit_f32_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_baseline_per_token_group_quant_8bit_f32_i8(const per_token_group_quant_8bit_params*);
void sgl_cpu_baseline_per_token_group_quant_8bit_f16_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_baseline_per_token_group_quant_8bit_f16_i8(const per_token_group_quant_8bit_params*);
void sgl_cpu_baseline_per_token_group_quant_8bit_bf16_f8e4m3(const per_token_group_quant_8bit_params*);
void sgl_cpu_baseline_per_token_group_quant_8bit_bf16_i8(const per_token_group_quant_8bit_params*);
#endif
}

namespace sgl::ops {
namespace {

using namespace sgl::host;
using Params = per_token_group_quant_8bit_params;

static_assert(sizeof(Params) <= kMaxParams);

enum TensorIndex : int16_t { tensor_input, tensor_output_q, tensor_output_s,  };
enum ScalarIndex : int16_t { scalar_eps, scalar_fp8_min, scalar_fp8_max, scalar_scale_ue8m0,  };
enum SizeIndex : int16_t { size_rows, size_groups, size_group_size,  };
enum SizeArgumentIndex : int16_t { size_argument_group_size,  };

Wide input_extent_1(const Values& V) {
  const Wide groups = V.sizes[size_groups];
  const Wide group_size = V.sizes[size_group_size];
  return groups * group_size;
}

Wide output_q_extent_1(const Values& V) {
  const Wide groups = V.sizes[size_groups];
  const Wide group_size = V.sizes[size_group_size];
  return groups * group_size;
}

Wide solution_0_coefficient(const Values& V) {
  const Wide group_size = V.sizes[size_group_size];
  return group_size;
}

Wide solution_0_offset(const Values&) {
  return 0;
}

constexpr Dimension input_dims[] = {
    {"rows", size_rows},
    {"groups * group_size", kNoSize, input_extent_1},
};
constexpr std::size_t input_strides[] = {
    offsetof(Params, input_stride_0),
};

constexpr Dimension output_q_dims[] = {
    {"rows", size_rows},
    {"groups * group_size", kNoSize, output_q_extent_1},
};
constexpr std::size_t output_q_strides[] = {
    offsetof(Params, output_q_stride_0),
};

constexpr Dimension output_s_dims[] = {
    {"rows", size_rows},
    {"groups", size_groups},
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
     .type = 1,
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

constexpr DType Q_choices[] = {DType::f8e4m3, DType::i8, };

constexpr TypeVariable kTypes[] = {
    {"T", T_choices},
    {"Q", Q_choices},
};

constexpr ScalarArgument kScalars[] = {
    {"eps", DType::f32, offsetof(Params, eps), true, {.real = 1e-10}},
    {"fp8_min", DType::f32, offsetof(Params, fp8_min), true, {.real = -448.0}},
    {"fp8_max", DType::f32, offsetof(Params, fp8_max), true, {.real = 448.0}},
    {"scale_ue8m0", DType::boolean, offsetof(Params, scale_ue8m0), true, {.integer = 0}},
};

constexpr SizeArgument kSizeArguments[] = {
    {"group_size", size_group_size, -1},
};

constexpr Size kSizes[] = {
    {"rows", offsetof(Params, rows)},
    {"groups", offsetof(Params, groups)},
    {"group_size", offsetof(Params, group_size)},
};

constexpr Solution kSolutions[] = {
    {size_groups, tensor_input, 1, solution_0_coefficient, solution_0_offset},
};

constexpr Kernel kCpuKernels[] = {
#if defined(__x86_64__)
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_f32_f8e4m3>,
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_f32_i8>,
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_f16_f8e4m3>,
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_f16_i8>,
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_bf16_f8e4m3>,
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_bf16_i8>,
    run_kernel<Params, sgl_cpu_avx2_per_token_group_quant_8bit_f32_f8e4m3>,
    run_kernel<Params, sgl_cpu_avx2_per_token_group_quant_8bit_f32_i8>,
    run_kernel<Params, sgl_cpu_avx2_per_token_group_quant_8bit_f16_f8e4m3>,
    run_kernel<Params, sgl_cpu_avx2_per_token_group_quant_8bit_f16_i8>,
    run_kernel<Params, sgl_cpu_avx2_per_token_group_quant_8bit_bf16_f8e4m3>,
    run_kernel<Params, sgl_cpu_avx2_per_token_group_quant_8bit_bf16_i8>,
    run_kernel<Params, sgl_cpu_avx512_per_token_group_quant_8bit_f32_f8e4m3>,
    run_kernel<Params, sgl_cpu_avx512_per_token_group_quant_8bit_f32_i8>,
    run_kernel<Params, sgl_cpu_avx512_per_token_group_quant_8bit_f16_f8e4m3>,
    run_kernel<Params, sgl_cpu_avx512_per_token_group_quant_8bit_f16_i8>,
    run_kernel<Params, sgl_cpu_avx512_per_token_group_quant_8bit_bf16_f8e4m3>,
    run_kernel<Params, sgl_cpu_avx512_per_token_group_quant_8bit_bf16_i8>,
#else
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_f32_f8e4m3>,
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_f32_i8>,
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_f16_f8e4m3>,
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_f16_i8>,
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_bf16_f8e4m3>,
    run_kernel<Params, sgl_cpu_baseline_per_token_group_quant_8bit_bf16_i8>,
#endif
};

constexpr Op kOp = {
    .name = "per_token_group_quant_8bit",
    .tensors = kTensors,
    .argument_count = 1,
    .types = kTypes,
    .scalars = kScalars,
    .size_arguments = kSizeArguments,
    .sizes = kSizes,
    .solutions = kSolutions,
    .requirements = {},
    .entry_count = 6,
    .cpu_kernels = kCpuKernels,
};

constexpr Parameter per_token_group_quant_8bit_parameters[] = {
    {"input", ParameterKind::tensor, tensor_input, true},
    {"group_size", ParameterKind::size, size_argument_group_size, true},
    {"eps", ParameterKind::scalar, scalar_eps, false},
    {"fp8_min", ParameterKind::scalar, scalar_fp8_min, false},
    {"fp8_max", ParameterKind::scalar, scalar_fp8_max, false},
    {"scale_ue8m0", ParameterKind::scalar, scalar_scale_ue8m0, false},
};
constexpr int16_t per_token_group_quant_8bit_returns[] = {tensor_output_q, tensor_output_s, };

constexpr Parameter sgl_per_token_group_quant_8bit_parameters[] = {
    {"input", ParameterKind::tensor, tensor_input, true},
    {"output_q", ParameterKind::tensor, tensor_output_q, true},
    {"output_s", ParameterKind::tensor, tensor_output_s, true},
    {"group_size", ParameterKind::size, size_argument_group_size, true},
    {"eps", ParameterKind::scalar, scalar_eps, false},
    {"fp8_min", ParameterKind::scalar, scalar_fp8_min, false},
    {"fp8_max", ParameterKind::scalar, scalar_fp8_max, false},
    {"scale_ue8m0", ParameterKind::scalar, scalar_scale_ue8m0, false},
    {"fuse_silu_and_mul", ParameterKind::unsupported, kOnlyFalse, false},
    {"masked_m", ParameterKind::unsupported, kOnlyNone, false},
    {"enable_v2", ParameterKind::ignored, 0, false},
};

constexpr Signature kSignatures[] = {
    {&kOp, "per_token_group_quant_8bit", per_token_group_quant_8bit_parameters, 6, per_token_group_quant_8bit_returns},
    {&kOp, "sgl_per_token_group_quant_8bit", sgl_per_token_group_quant_8bit_parameters, 11, {}},
};

}  // namespace

constinit const std::span<const host::Signature> per_token_group_quant_8bit_signatures = kSignatures;

}  // namespace sgl::ops

// per_token_group_quant_8bit: Quantise each group of a row to 8 bits with a scale of its own.
// Generated from specs/quant/per_token_group_quant_8bit.yaml. Do not edit.
#include "runtime.h"
#include "per_token_group_quant_8bit_params.h"

namespace {

template <class T, class Q>
void run(const per_token_group_quant_8bit_params& params) {
    const T* const input = static_cast<const T*>(params.input);
    const int64_t input_stride_0 = params.input_stride_0;
    Q* const output_q = static_cast<Q*>(params.output_q);
    const int64_t output_q_stride_0 = params.output_q_stride_0;
    float* const output_s = static_cast<float*>(params.output_s);
    const int64_t output_s_stride_0 = params.output_s_stride_0;
    const int64_t rows = params.rows;
    const int64_t groups = params.groups;
    const int64_t group_size = params.group_size;
    const float eps = params.eps;
    const float fp8_min = params.fp8_min;
    const float fp8_max = params.fp8_max;
    const bool scale_ue8m0 = params.scale_ue8m0 != 0;

    sgl::parallel_for(rows * groups, rows * (groups * (group_size + group_size)), [=](int64_t item) {
        const int64_t r = item / groups;
        const int64_t g = item % groups;
        sgl::Accumulator<sgl::Max, float> max_i_state;
        sgl::for_lanes(0, group_size, [&](auto i) SGL_BODY {
            max_i_state.add(i, sgl::abs(sgl::load(input, r * input_stride_0 + (g * group_size + i))));
        });
        const auto max_i = max_i_state.result();
        const float peak = sgl::maximum(eps, max_i);
        const float exact = peak / fp8_max;
        const float scale = sgl::select(scale_ue8m0, sgl::exp2(sgl::ceil(sgl::log2(exact))), exact);
        const float factor = 1.0f / scale;
        sgl::store(output_s, r * output_s_stride_0 + g, scale);
        sgl::for_lanes(0, group_size, [&](auto i) SGL_BODY {
            sgl::store(output_q, r * output_q_stride_0 + (g * group_size + i), sgl::minimum(sgl::maximum(sgl::load(input, r * input_stride_0 + (g * group_size + i)) * factor, fp8_min), fp8_max));
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(per_token_group_quant_8bit_f32_f8e4m3, per_token_group_quant_8bit_params) {
    run<float, sgl::f8e4m3>(*params);
}
SGL_CPU_ENTRY(per_token_group_quant_8bit_f32_i8, per_token_group_quant_8bit_params) {
    run<float, int8_t>(*params);
}
SGL_CPU_ENTRY(per_token_group_quant_8bit_f16_f8e4m3, per_token_group_quant_8bit_params) {
    run<sgl::f16, sgl::f8e4m3>(*params);
}
SGL_CPU_ENTRY(per_token_group_quant_8bit_f16_i8, per_token_group_quant_8bit_params) {
    run<sgl::f16, int8_t>(*params);
}
SGL_CPU_ENTRY(per_token_group_quant_8bit_bf16_f8e4m3, per_token_group_quant_8bit_params) {
    run<sgl::bf16, sgl::f8e4m3>(*params);
}
SGL_CPU_ENTRY(per_token_group_quant_8bit_bf16_i8, per_token_group_quant_8bit_params) {
    run<sgl::bf16, int8_t>(*params);
}

// per_token_quant_fp8: Quantise each row to fp8 with a scale of its own.
// Generated from specs/quant/per_token_quant_fp8.yaml. Do not edit.
#include "runtime.h"
#include "per_token_quant_fp8_params.h"

namespace {

template <class T>
void run(const per_token_quant_fp8_params& params) {
    const T* const input = static_cast<const T*>(params.input);
    const int64_t input_stride_0 = params.input_stride_0;
    sgl::f8e4m3* const output_q = static_cast<sgl::f8e4m3*>(params.output_q);
    const int64_t output_q_stride_0 = params.output_q_stride_0;
    float* const output_s = static_cast<float*>(params.output_s);
    const int64_t output_s_stride_0 = params.output_s_stride_0;
    const int64_t rows = params.rows;
    const int64_t width = params.width;

    sgl::parallel_for(rows, rows * (width + width), [=](int64_t r) {
        sgl::Accumulator<sgl::Max, float> max_c_state;
        sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
            max_c_state.add(c, sgl::abs(sgl::load_if(width > 0, input, r * input_stride_0 + c, 0.0f)));
        });
        const auto max_c = max_c_state.result();
        const float peak = sgl::select(width > 0, max_c, 0.0f);
        const float factor = sgl::select(peak > 0.0f, sgl::minimum(448.0f / peak, 3e+38f), 0.0f);
        sgl::store(output_s, r * output_s_stride_0 + 0, peak / 448.0f);
        sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
            sgl::store(output_q, r * output_q_stride_0 + c, sgl::load(input, r * input_stride_0 + c) * factor);
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(per_token_quant_fp8_f32, per_token_quant_fp8_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(per_token_quant_fp8_f16, per_token_quant_fp8_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(per_token_quant_fp8_bf16, per_token_quant_fp8_params) {
    run<sgl::bf16>(*params);
}

// gemma_fused_add_rmsnorm: Add the residual to the input, then normalise the sum with weights stored less one; both are updated in place.
// Generated from specs/norm/gemma_fused_add_rmsnorm.yaml. Do not edit.
#include "runtime.h"
#include "gemma_fused_add_rmsnorm_params.h"

namespace {

template <class T>
void run(const gemma_fused_add_rmsnorm_params& params) {
    T* const input = static_cast<T*>(params.input);
    const int64_t input_stride_0 = params.input_stride_0;
    T* const residual = static_cast<T*>(params.residual);
    const int64_t residual_stride_0 = params.residual_stride_0;
    const T* const weight = static_cast<const T*>(params.weight);
    const int64_t rows = params.rows;
    const int64_t width = params.width;
    const float eps = params.eps;

    sgl::parallel_for(rows, rows * (width + width), [=](int64_t r) {
        sgl::Accumulator<sgl::Sum, float> sum_c_state;
        sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
            const auto v = sgl::load(input, r * input_stride_0 + c) + sgl::load(residual, r * residual_stride_0 + c);
            sum_c_state.add(c, v * v);
        });
        const auto sum_c = sum_c_state.result();
        const float mean_square = sum_c / sgl::to_f32(width);
        const float scale = sgl::rsqrt(mean_square + eps);
        sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
            const auto total = sgl::load(input, r * input_stride_0 + c) + sgl::load(residual, r * residual_stride_0 + c);
            sgl::store(residual, r * residual_stride_0 + c, total);
            sgl::store(input, r * input_stride_0 + c, total * scale * (1.0f + sgl::load(weight, c)));
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(gemma_fused_add_rmsnorm_f32, gemma_fused_add_rmsnorm_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(gemma_fused_add_rmsnorm_f16, gemma_fused_add_rmsnorm_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(gemma_fused_add_rmsnorm_bf16, gemma_fused_add_rmsnorm_params) {
    run<sgl::bf16>(*params);
}

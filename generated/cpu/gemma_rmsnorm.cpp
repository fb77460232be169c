// gemma_rmsnorm: Scale each row by the reciprocal of its root mean square, with weights stored less one.
// Generated from specs/norm/gemma_rmsnorm.yaml. Do not edit.
#include "runtime.h"
#include "gemma_rmsnorm_params.h"

namespace {

template <class T>
void run(const gemma_rmsnorm_params& params) {
    const T* const input = static_cast<const T*>(params.input);
    const int64_t input_stride_0 = params.input_stride_0;
    const T* const weight = static_cast<const T*>(params.weight);
    T* const out = static_cast<T*>(params.out);
    const int64_t out_stride_0 = params.out_stride_0;
    const int64_t rows = params.rows;
    const int64_t width = params.width;
    const float eps = params.eps;

    sgl::parallel_for(rows, rows * (width + width), [=](int64_t r) {
        sgl::Accumulator<sgl::Sum, float> sum_c_state;
        sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
            const auto input_r_c = sgl::load(input, r * input_stride_0 + c);
            sum_c_state.add(c, input_r_c * input_r_c);
        });
        const auto sum_c = sum_c_state.result();
        const float mean_square = sum_c / sgl::to_f32(width);
        const float scale = sgl::rsqrt(mean_square + eps);
        sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
            sgl::store(out, r * out_stride_0 + c, sgl::load(input, r * input_stride_0 + c) * scale * (1.0f + sgl::load(weight, c)));
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(gemma_rmsnorm_f32, gemma_rmsnorm_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(gemma_rmsnorm_f16, gemma_rmsnorm_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(gemma_rmsnorm_bf16, gemma_rmsnorm_params) {
    run<sgl::bf16>(*params);
}

// rms_norm: Scale each row by the reciprocal of its root mean square.
// Generated from specs/norm/rms_norm.yaml. Do not edit.
#include "runtime.h"
#include "rms_norm_params.h"

namespace {

template <class T>
void run(const rms_norm_params& params) {
    const T* const x = static_cast<const T*>(params.x);
    const int64_t x_stride_0 = params.x_stride_0;
    const T* const weight = static_cast<const T*>(params.weight);
    T* const out = static_cast<T*>(params.out);
    const int64_t out_stride_0 = params.out_stride_0;
    const int64_t rows = params.rows;
    const int64_t width = params.width;
    const float eps = params.eps;

    sgl::parallel_for(rows, rows * (width + width), [=](int64_t r) {
        sgl::Accumulator<sgl::Sum, float> sum_c_state;
        sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
            const auto x_r_c = sgl::load(x, r * x_stride_0 + c);
            sum_c_state.add(c, x_r_c * x_r_c);
        });
        const auto sum_c = sum_c_state.result();
        const float mean_square = sum_c / sgl::to_f32(width);
        const float scale = sgl::rsqrt(mean_square + eps);
        sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
            sgl::store(out, r * out_stride_0 + c, sgl::load(x, r * x_stride_0 + c) * scale * sgl::load(weight, c));
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(rms_norm_f32, rms_norm_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(rms_norm_f16, rms_norm_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(rms_norm_bf16, rms_norm_params) {
    run<sgl::bf16>(*params);
}

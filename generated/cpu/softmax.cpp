// softmax: Exponentials of each row, scaled to sum to one.
// Generated from specs/softmax/softmax.yaml. Do not edit.
#include "runtime.h"
#include "softmax_params.h"

namespace {

template <class T>
void run(const softmax_params& params) {
    const T* const x = static_cast<const T*>(params.x);
    const int64_t x_stride_0 = params.x_stride_0;
    T* const out = static_cast<T*>(params.out);
    const int64_t out_stride_0 = params.out_stride_0;
    const int64_t rows = params.rows;
    const int64_t width = params.width;

    sgl::parallel_for(rows, rows * (width + width), [=](int64_t r) {
        sgl::Accumulator<sgl::OnlineSoftmax, float> p_max_state;
        sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
            const auto p_value = sgl::load(x, r * x_stride_0 + c);
            p_max_state.add(c, p_value);
        });
        const auto p_max_found = p_max_state.result();
        const auto p_max = p_max_found.maximum;
        const auto p_sum = p_max_found.total;
        sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
            sgl::store(out, r * out_stride_0 + c, sgl::select(p_max != -__builtin_inff(), sgl::exp(sgl::load(x, r * x_stride_0 + c) - p_max) / p_sum, 0.0f));
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(softmax_f32, softmax_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(softmax_f16, softmax_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(softmax_bf16, softmax_params) {
    run<sgl::bf16>(*params);
}

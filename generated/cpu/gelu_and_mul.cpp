// gelu_and_mul: Multiply the gate half, passed through GELU, by the other half.
// Generated from specs/activation/gelu_and_mul.yaml. Do not edit.
#include "runtime.h"
#include "gelu_and_mul_params.h"

namespace {

template <class T>
void run(const gelu_and_mul_params& params) {
    const T* const input = static_cast<const T*>(params.input);
    const int64_t input_stride_0 = params.input_stride_0;
    T* const out = static_cast<T*>(params.out);
    const int64_t out_stride_0 = params.out_stride_0;
    const int64_t rows = params.rows;
    const int64_t width = params.width;

    sgl::parallel_for(rows * sgl::tile_count(0, width), rows * width, [=](int64_t item) {
        const int64_t tiles = sgl::tile_count(0, width);
        const int64_t r = item / tiles;
        const int64_t tile = item % tiles;
        sgl::for_lanes(sgl::tile_low(0, tile), sgl::tile_high(0, width, tile), [&](auto c) SGL_BODY {
            const auto v = sgl::load(input, r * input_stride_0 + c);
            sgl::store(out, r * out_stride_0 + c, 0.5f * v * (1.0f + sgl::erf(v * 0.7071067811865476f)) * sgl::load(input, r * input_stride_0 + (c + width)));
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(gelu_and_mul_f32, gelu_and_mul_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(gelu_and_mul_f16, gelu_and_mul_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(gelu_and_mul_bf16, gelu_and_mul_params) {
    run<sgl::bf16>(*params);
}

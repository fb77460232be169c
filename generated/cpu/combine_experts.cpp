// combine_experts: Sum the outputs of each token's experts.
// Generated from specs/moe/combine_experts.yaml. Do not edit.
#include "runtime.h"
#include "combine_experts_params.h"

namespace {

template <class T>
void run(const combine_experts_params& params) {
    const T* const input = static_cast<const T*>(params.input);
    const int64_t input_stride_0 = params.input_stride_0;
    const int64_t input_stride_1 = params.input_stride_1;
    T* const out = static_cast<T*>(params.out);
    const int64_t out_stride_0 = params.out_stride_0;
    const int64_t tokens = params.tokens;
    const int64_t experts = params.experts;
    const int64_t width = params.width;

    sgl::parallel_for(tokens * sgl::tile_count(0, width), tokens * (width * experts), [=](int64_t item) {
        const int64_t tiles = sgl::tile_count(0, width);
        const int64_t t = item / tiles;
        const int64_t tile = item % tiles;
        sgl::for_lanes(sgl::tile_low(0, tile), sgl::tile_high(0, width, tile), [&](auto c) SGL_BODY {
            sgl::Serial<sgl::Sum, sgl::Like<decltype(c), float>> sum_e_state;
            for (int64_t e = 0; e < experts; ++e) {
                sum_e_state.add(sgl::load(input, t * input_stride_0 + e * input_stride_1 + c));
            }
            const auto sum_e = sum_e_state.result();
            sgl::store(out, t * out_stride_0 + c, sum_e);
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(combine_experts_f32, combine_experts_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(combine_experts_f16, combine_experts_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(combine_experts_bf16, combine_experts_params) {
    run<sgl::bf16>(*params);
}

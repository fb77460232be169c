// merge_state: Merge two partial attentions by their log-sum-exps.
// Generated from specs/attention/merge_state.yaml. Do not edit.
#include "runtime.h"
#include "merge_state_params.h"

namespace {

template <class T>
void run(const merge_state_params& params) {
    const T* const v_a = static_cast<const T*>(params.v_a);
    const int64_t v_a_stride_0 = params.v_a_stride_0;
    const int64_t v_a_stride_1 = params.v_a_stride_1;
    const float* const s_a = static_cast<const float*>(params.s_a);
    const int64_t s_a_stride_0 = params.s_a_stride_0;
    const T* const v_b = static_cast<const T*>(params.v_b);
    const int64_t v_b_stride_0 = params.v_b_stride_0;
    const int64_t v_b_stride_1 = params.v_b_stride_1;
    const float* const s_b = static_cast<const float*>(params.s_b);
    const int64_t s_b_stride_0 = params.s_b_stride_0;
    T* const v_merged = static_cast<T*>(params.v_merged);
    const int64_t v_merged_stride_0 = params.v_merged_stride_0;
    const int64_t v_merged_stride_1 = params.v_merged_stride_1;
    float* const s_merged = static_cast<float*>(params.s_merged);
    const int64_t s_merged_stride_0 = params.s_merged_stride_0;
    const int64_t tokens = params.tokens;
    const int64_t heads = params.heads;
    const int64_t head_dim = params.head_dim;

    sgl::parallel_for(tokens * heads, tokens * (heads * head_dim), [=](int64_t item) {
        const int64_t t = item / heads;
        const int64_t h = item % heads;
        const bool holds = sgl::isinf(sgl::load(s_a, t * s_a_stride_0 + h));
        const float a = sgl::select(holds, -__builtin_inff(), sgl::load_if(!holds, s_a, t * s_a_stride_0 + h, 0.0f));
        const bool holds_2 = sgl::isinf(sgl::load(s_b, t * s_b_stride_0 + h));
        const float b = sgl::select(holds_2, -__builtin_inff(), sgl::load_if(!holds_2, s_b, t * s_b_stride_0 + h, 0.0f));
        const float peak = sgl::maximum(a, b);
        const float share_a = sgl::select(peak > -__builtin_inff(), sgl::exp(a - peak), 0.0f);
        const float share_b = sgl::select(peak > -__builtin_inff(), sgl::exp(b - peak), 0.0f);
        const float total = share_a + share_b;
        sgl::store(s_merged, t * s_merged_stride_0 + h, sgl::select(peak > -__builtin_inff(), peak + sgl::log(total), -__builtin_inff()));
        const float weight_a = sgl::select(peak > -__builtin_inff(), share_a / total, 0.0f);
        const float weight_b = sgl::select(peak > -__builtin_inff(), share_b / total, 0.0f);
        sgl::for_lanes(0, head_dim, [&](auto d) SGL_BODY {
            sgl::store(v_merged, t * v_merged_stride_0 + h * v_merged_stride_1 + d, sgl::load(v_a, t * v_a_stride_0 + h * v_a_stride_1 + d) * weight_a + sgl::load(v_b, t * v_b_stride_0 + h * v_b_stride_1 + d) * weight_b);
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(merge_state_f32, merge_state_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(merge_state_f16, merge_state_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(merge_state_bf16, merge_state_params) {
    run<sgl::bf16>(*params);
}

// route_softmax: Choose the experts of each token by the softmax of its logits.
// Generated from specs/moe/route_softmax.yaml. Do not edit.
#include "runtime.h"
#include "route_softmax_params.h"

namespace {

template <class T>
void run(const route_softmax_params& params) {
    const T* const gating_output = static_cast<const T*>(params.gating_output);
    const int64_t gating_output_stride_0 = params.gating_output_stride_0;
    const float* const correction_bias = static_cast<const float*>(params.correction_bias);
    float* const topk_weights = static_cast<float*>(params.topk_weights);
    const int64_t topk_weights_stride_0 = params.topk_weights_stride_0;
    int32_t* const topk_ids = static_cast<int32_t*>(params.topk_ids);
    const int64_t topk_ids_stride_0 = params.topk_ids_stride_0;
    const int64_t tokens = params.tokens;
    const int64_t experts = params.experts;
    const int64_t k = params.k;
    const bool renormalize = params.renormalize != 0;
    const float moe_softcapping = params.moe_softcapping;

    sgl::parallel_for(tokens, tokens * (experts + experts + k * experts + k + k), [=](int64_t t) {
        sgl::Accumulator<sgl::OnlineSoftmax, float> share_max_state;
        sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
            const auto plain = sgl::load(gating_output, t * gating_output_stride_0 + e);
            const auto capped = sgl::select(moe_softcapping != 0.0f, moe_softcapping * sgl::tanh(plain / moe_softcapping), plain);
            const auto share_value = capped + sgl::load_if((correction_bias != nullptr), correction_bias, e, 0.0f);
            share_max_state.add(e, share_value);
        });
        const auto share_max_found = share_max_state.result();
        const auto share_max = share_max_found.maximum;
        const auto share_sum = share_max_found.total;
        const auto weight_candidate_memory = sgl::scratch<float>(experts);
        float* const weight_candidate = weight_candidate_memory.data();
        sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
            const auto plain = sgl::load(gating_output, t * gating_output_stride_0 + e);
            const auto capped = sgl::select(moe_softcapping != 0.0f, moe_softcapping * sgl::tanh(plain / moe_softcapping), plain);
            sgl::store(weight_candidate, e, sgl::select(share_max != -__builtin_inff(), sgl::exp(capped + sgl::load_if((correction_bias != nullptr), correction_bias, e, 0.0f) - share_max) / share_sum, 0.0f));
        });
        const auto weight_memory = sgl::scratch<float>(k);
        float* const weight = weight_memory.data();
        const auto chosen_memory = sgl::scratch<int64_t>(k);
        int64_t* const chosen = chosen_memory.data();
        float weight_last = -__builtin_inff();
        int64_t chosen_last = -1;
        for (int64_t turn = 0; turn < k; ++turn) {
            sgl::Accumulator<sgl::Best, float> chosen_best_state;
            sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
                const auto weight_value = sgl::load(weight_candidate, e);
                chosen_best_state.add_if(turn == 0 || (0 <= chosen_last && ((sgl::isnan(weight_last) && (!sgl::isnan(weight_value) || chosen_last < e)) || (!sgl::isnan(weight_last) && !sgl::isnan(weight_value) && (weight_value < weight_last || (weight_value == weight_last && chosen_last < e))))), e, weight_value);
            });
            const auto chosen_best_found = chosen_best_state.result();
            const auto chosen_best = chosen_best_found.index;
            const auto weight_best = chosen_best_found.value;
            weight_last = weight_best;
            chosen_last = chosen_best;
            sgl::store(weight, turn, weight_best);
            sgl::store(chosen, turn, chosen_best);
        }
        sgl::Accumulator<sgl::Sum, float> sum_i_state;
        sgl::for_lanes(0, k, [&](auto i) SGL_BODY {
            sum_i_state.add(i, sgl::load(weight, i));
        });
        const auto sum_i = sum_i_state.result();
        const float total = sgl::select(renormalize, sum_i, 1.0f);
        sgl::for_lanes(0, k, [&](auto i) SGL_BODY {
            sgl::store(topk_weights, t * topk_weights_stride_0 + i, sgl::load(weight, i) / total);
            sgl::store(topk_ids, t * topk_ids_stride_0 + i, sgl::to_i32(sgl::load(chosen, i)));
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(route_softmax_f32, route_softmax_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(route_softmax_f16, route_softmax_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(route_softmax_bf16, route_softmax_params) {
    run<sgl::bf16>(*params);
}

// route_sigmoid: Choose the experts of each token by the sigmoid of its logits.
// Generated from specs/moe/route_sigmoid.yaml. Do not edit.
#include "runtime.h"
#include "route_sigmoid_params.h"

namespace {

template <class T>
void run(const route_sigmoid_params& params) {
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

    sgl::parallel_for(tokens, tokens * (experts + k * experts + k + k), [=](int64_t t) {
        const auto rank_rank_memory = sgl::scratch<uint32_t>(experts);
        uint32_t* const rank_rank = rank_rank_memory.data();
        sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
            const auto rank_value = 1.0f / (1.0f + sgl::exp(-sgl::load(gating_output, t * gating_output_stride_0 + e))) + sgl::load_if((correction_bias != nullptr), correction_bias, e, 0.0f);
            const auto rank_bits = sgl::f32_to_bits(rank_value + 0.0f);
            sgl::store(rank_rank, e, sgl::select(sgl::isnan(rank_value), 4294967295u, sgl::select(rank_value < 0.0f, ~rank_bits, rank_bits | 2147483648u)));
        });
        const auto chosen_memory = sgl::scratch<int64_t>(k);
        int64_t* const chosen = chosen_memory.data();
        for (int64_t turn = 0; turn < k; ++turn) {
            sgl::Accumulator<sgl::Top, uint32_t> chosen_best_state;
            sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
                chosen_best_state.add(e, sgl::load(rank_rank, e));
            });
            const auto chosen_best_found = chosen_best_state.result();
            const auto chosen_best = chosen_best_found.index;
            sgl::store(chosen, turn, chosen_best);
            if (0 <= chosen_best) {
                sgl::store(rank_rank, chosen_best, 0u);
            }
        }
        float side = 0.0f;
        if (renormalize) {
            sgl::Accumulator<sgl::Sum, float> sum_i_state;
            sgl::for_lanes(0, k, [&](auto i) SGL_BODY {
                const auto e = sgl::load(chosen, i);
                sum_i_state.add(i, 1.0f / (1.0f + sgl::exp(-sgl::load_if(renormalize, gating_output, t * gating_output_stride_0 + e, 0.0f))));
            });
            const auto sum_i = sum_i_state.result();
            side = sum_i;
        } else {
            side = 1.0f;
        }
        const float side_2 = side;
        sgl::for_lanes(0, k, [&](auto i) SGL_BODY {
            const auto e = sgl::load(chosen, i);
            sgl::store(topk_weights, t * topk_weights_stride_0 + i, 1.0f / (1.0f + sgl::exp(-sgl::load(gating_output, t * gating_output_stride_0 + e))) / side_2);
            sgl::store(topk_ids, t * topk_ids_stride_0 + i, sgl::to_i32(sgl::load(chosen, i)));
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(route_sigmoid_f32, route_sigmoid_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(route_sigmoid_f16, route_sigmoid_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(route_sigmoid_bf16, route_sigmoid_params) {
    run<sgl::bf16>(*params);
}

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

    sgl::parallel_for(tokens, tokens * (experts + experts + experts + experts + experts + k * experts + k + k), [=](int64_t t) {
        const auto share_weight_memory = sgl::scratch<float>(experts);
        float* const share_weight = share_weight_memory.data();
        sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
            const auto plain = sgl::load(gating_output, t * gating_output_stride_0 + e);
            const auto capped = sgl::select(moe_softcapping != 0.0f, moe_softcapping * sgl::tanh(plain / moe_softcapping), plain);
            sgl::store(share_weight, e, capped + sgl::load_if((correction_bias != nullptr), correction_bias, e, 0.0f));
        });
        sgl::Accumulator<sgl::Max, float> share_max_state;
        sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
            share_max_state.add(e, sgl::load(share_weight, e));
        });
        const auto share_max = share_max_state.result();
        const float share_start = sgl::select(share_max == -__builtin_inff(), 0.0f, share_max);
        sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
            sgl::store(share_weight, e, sgl::exp(sgl::load(share_weight, e) - share_start));
        });
        sgl::Accumulator<sgl::Sum, float> share_sum_state;
        sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
            share_sum_state.add(e, sgl::load(share_weight, e));
        });
        const auto share_sum = share_sum_state.result();
        const float share_whole = sgl::select(share_max == -__builtin_inff(), 1.0f, share_sum);
        const auto weight_rank_memory = sgl::scratch<uint32_t>(experts);
        uint32_t* const weight_rank = weight_rank_memory.data();
        sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
            const auto weight_value = sgl::load(share_weight, e) / share_whole;
            const auto weight_bits = sgl::f32_to_bits(weight_value + 0.0f);
            sgl::store(weight_rank, e, sgl::select(sgl::isnan(weight_value), 4294967295u, sgl::select(weight_value < 0.0f, ~weight_bits, weight_bits | 2147483648u)));
        });
        const auto chosen_memory = sgl::scratch<int64_t>(k);
        int64_t* const chosen = chosen_memory.data();
        const auto weight_chosen_memory = sgl::scratch<uint32_t>(k);
        uint32_t* const weight_chosen = weight_chosen_memory.data();
        for (int64_t turn = 0; turn < k; ++turn) {
            sgl::Accumulator<sgl::Top, uint32_t> chosen_best_state;
            sgl::for_lanes(0, experts, [&](auto e) SGL_BODY {
                chosen_best_state.add(e, sgl::load(weight_rank, e));
            });
            const auto chosen_best_found = chosen_best_state.result();
            const auto chosen_best = chosen_best_found.index;
            const auto weight_best = chosen_best_found.value;
            sgl::store(chosen, turn, chosen_best);
            sgl::store(weight_chosen, turn, weight_best);
            if (0 <= chosen_best) {
                sgl::store(weight_rank, chosen_best, 0u);
            }
        }
        float side = 0.0f;
        if (renormalize) {
            sgl::Accumulator<sgl::Sum, float> sum_i_state;
            sgl::for_lanes(0, k, [&](auto i) SGL_BODY {
                const auto rank = sgl::load(weight_chosen, i);
                sum_i_state.add(i, sgl::select(rank == 0u, -__builtin_inff(), sgl::bits_to_f32(sgl::select(rank < 2147483648u, ~rank, rank ^ 2147483648u))));
            });
            const auto sum_i = sum_i_state.result();
            side = sum_i;
        } else {
            side = 1.0f;
        }
        const float side_2 = side;
        sgl::for_lanes(0, k, [&](auto i) SGL_BODY {
            const auto rank = sgl::load(weight_chosen, i);
            sgl::store(topk_weights, t * topk_weights_stride_0 + i, sgl::select(rank == 0u, -__builtin_inff(), sgl::bits_to_f32(sgl::select(rank < 2147483648u, ~rank, rank ^ 2147483648u))) / side_2);
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

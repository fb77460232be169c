// route_softmax: Choose the experts of each token by the softmax of its logits.
// Generated from specs/moe/route_softmax.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "route_softmax_params.h"

namespace {

// One team for each t < tokens.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
__global__ void __launch_bounds__(sgl::kMostLanes, sgl::least_blocks(is_aligned ? turns * 6 : 0)) route_softmax_kernel(
    const route_softmax_params params,
    const sgl::Launch launch,
    float* const share_weight_memory,
    uint32_t* const weight_rank_memory,
    int64_t* const chosen_memory,
    uint32_t* const weight_chosen_memory) {
    const sgl::Team team = sgl::make_team(launch);
    if (team.item >= launch.teams) return;
    const T* __restrict__ const gating_output = static_cast<const T*>(params.gating_output);
    const float* __restrict__ const correction_bias = static_cast<const float*>(params.correction_bias);
    float* const topk_weights = static_cast<float*>(params.topk_weights);
    int32_t* const topk_ids = static_cast<int32_t*>(params.topk_ids);
    const index_t gating_output_stride_0 = index_t(params.gating_output_stride_0);
    const index_t topk_weights_stride_0 = index_t(params.topk_weights_stride_0);
    const index_t topk_ids_stride_0 = index_t(params.topk_ids_stride_0);
    const index_t experts = index_t(params.experts);
    const index_t k = index_t(params.k);
    const bool renormalize = params.renormalize != 0;
    const float moe_softcapping = params.moe_softcapping;
    const bool has_correction_bias = sgl::is_given(launch, 0);

    const index_t t = index_t(team.item);
    if (team.is_among_first()) {
        SGL_UNROLL
        for (int turn = 0; turn < turns; ++turn) {
            const index_t e_base = (index_t(turn) * team.lanes + team.lane) * chunk;
            if (e_base >= experts) break;
            sgl::bring_near<chunk>(gating_output, t * gating_output_stride_0 + e_base);
        }
    }
    sgl::wait_for_inputs();
    sgl::Held<T, chunk, is_aligned, turns> gating_output_held;
    sgl::Held<float, chunk, is_aligned, turns> correction_bias_held;
    SGL_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
        const index_t e_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (e_base >= experts) break;
        gating_output_held.load(turn, gating_output, t * gating_output_stride_0 + e_base, experts - e_base);
        correction_bias_held.load_if(has_correction_bias, turn, correction_bias, e_base, experts - e_base);
    }
    sgl::DealtRow<float, chunk, turns> share_weight(share_weight_memory + index_t(team.item) * experts);
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t e_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (e_base >= experts) break;
        const auto gating_output_chunk = gating_output_held.get(turn, gating_output,
                t * gating_output_stride_0 + e_base, experts - e_base);
        const auto correction_bias_chunk = correction_bias_held.get_if(has_correction_bias, turn,
                correction_bias, e_base, experts - e_base);
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t e = e_base + step;
            if (!is_aligned && e >= experts) break;
            const float plain = gating_output_chunk.get(step);
            const float capped = moe_softcapping != 0.0f ? moe_softcapping
                    * sgl::tanh(sgl::divide(plain, moe_softcapping)) : plain;
            share_weight.set(turn, step, e, capped + correction_bias_chunk.get(step));
        }
    }
    sgl::Accumulator<sgl::Max<float>> share_max_state;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t e_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (e_base >= experts) break;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t e = e_base + step;
            if (!is_aligned && e >= experts) break;
            share_max_state.add(e, share_weight.get(turn, step, e));
        }
    }
    share_max_state.combine(team);
    const float share_max = share_max_state.result();
    const float share_start = share_max == -CUDART_INF_F ? 0.0f : share_max;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t e_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (e_base >= experts) break;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t e = e_base + step;
            if (!is_aligned && e >= experts) break;
            share_weight.set(turn, step, e, sgl::exp(share_weight.get(turn, step, e) - share_start));
        }
    }
    sgl::Accumulator<sgl::Sum<float>> share_sum_state;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t e_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (e_base >= experts) break;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t e = e_base + step;
            if (!is_aligned && e >= experts) break;
            share_sum_state.add(e, share_weight.get(turn, step, e));
        }
    }
    team.wait();
    share_sum_state.combine(team);
    const float share_sum = share_sum_state.result();
    const float share_whole = share_max == -CUDART_INF_F ? 1.0f : share_sum;
    sgl::DealtRow<uint32_t, chunk, turns> weight_rank(weight_rank_memory + index_t(team.item) * experts);
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t e_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (e_base >= experts) break;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t e = e_base + step;
            if (!is_aligned && e >= experts) break;
            const float weight_value = sgl::divide(share_weight.get(turn, step, e), share_whole);
            const uint32_t weight_bits = sgl::f32_to_bits(weight_value + 0.0f);
            weight_rank.set(turn, step, e,
                    sgl::isnan(weight_value) ? 4294967295u : weight_value < 0.0f ? ~weight_bits
                    : weight_bits | 2147483648u);
        }
    }
    sgl::DealtRow<int64_t, 1, sgl::single_turns(turns, chunk)> chosen(chosen_memory + index_t(team.item) * k);
    sgl::DealtRow<uint32_t, 1,
            sgl::single_turns(turns, chunk)> weight_chosen(weight_chosen_memory + index_t(team.item) * k);
    sgl::RankedWords<chunk, turns> weight_rank_words(weight_rank);
    for (index_t turn_2 = 0; turn_2 < k; ++turn_2) {
        const auto chosen_best_taken = weight_rank_words.take(team, index_t(experts));
        const index_t chosen_best = chosen_best_taken.index();
        const uint32_t weight_best = chosen_best_taken.value();
        chosen.put(team, turn_2, chosen_best);
        weight_chosen.put(team, turn_2, weight_best);
    }
    float side = 0.0f;
    if (renormalize) {
        sgl::Accumulator<sgl::Sum<float>> sum_i_state;
        SGL_UNROLL
        for (int turn = 0; turns == 0 || turn < sgl::single_turns(turns, chunk); ++turn) {
            const index_t i = index_t(turn) * team.lanes + team.lane;
            if (i >= k) break;
            const uint32_t rank = weight_chosen.get(turn, 0, i);
            sum_i_state.add(i,
                    sgl::is_equal(rank, 0u) ? -CUDART_INF_F
                    : sgl::bits_to_f32(sgl::is_less(rank, 2147483648u) ? ~rank : rank ^ 2147483648u));
        }
        team.wait();
        sum_i_state.combine(team);
        const float sum_i = sum_i_state.result();
        side = sum_i;
    } else {
        side = 1.0f;
    }
    const float side_2 = side;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < sgl::single_turns(turns, chunk); ++turn) {
        const index_t i = index_t(turn) * team.lanes + team.lane;
        if (i >= k) break;
        const uint32_t rank = weight_chosen.get(turn, 0, i);
        sgl::store(topk_weights, t * topk_weights_stride_0 + i,
                sgl::divide(sgl::is_equal(rank, 0u) ? -CUDART_INF_F
                : sgl::bits_to_f32(sgl::is_less(rank, 2147483648u) ? ~rank : rank ^ 2147483648u), side_2));
        sgl::store(topk_ids, t * topk_ids_stride_0 + i, sgl::to_i32(chosen.get(turn, 0, i)));
    }
}

const void* const kernels[] = {
    reinterpret_cast<const void*>(&route_softmax_kernel<float, int64_t, 4, false, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<float, int64_t, 4, true, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<float, int64_t, 4, true, 2>),
    reinterpret_cast<const void*>(&route_softmax_kernel<float, int32_t, 4, false, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<float, int32_t, 4, false, 1>),
    reinterpret_cast<const void*>(&route_softmax_kernel<float, int32_t, 4, true, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<float, int32_t, 4, true, 1>),
    reinterpret_cast<const void*>(&route_softmax_kernel<float, int32_t, 4, true, 2>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__half, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__half, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__half, int64_t, 8, true, 1>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__half, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__half, int32_t, 8, false, 1>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__half, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__half, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__nv_bfloat16, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__nv_bfloat16, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__nv_bfloat16, int64_t, 8, true, 1>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__nv_bfloat16, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__nv_bfloat16, int32_t, 8, false, 1>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__nv_bfloat16, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&route_softmax_kernel<__nv_bfloat16, int32_t, 8, true, 1>),
};

}  // namespace

extern "C" const void* sgl_cuda_route_softmax(int position) {
    return kernels[position];
}

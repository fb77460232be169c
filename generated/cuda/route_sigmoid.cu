// route_sigmoid: Choose the experts of each token by the sigmoid of its logits.
// Generated from specs/moe/route_sigmoid.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "route_sigmoid_params.h"

namespace {

// One team for each t < tokens.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
__global__ void __launch_bounds__(sgl::kMostLanes, sgl::least_blocks(is_aligned ? turns * 4 : 0)) route_sigmoid_kernel(
    const route_sigmoid_params params,
    const sgl::Launch launch,
    uint32_t* const rank_rank_memory,
    int64_t* const chosen_memory) {
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
    sgl::DealtRow<uint32_t, chunk, turns> rank_rank(rank_rank_memory + index_t(team.item) * experts);
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
            const float rank_value = sgl::divide(1.0f, 1.0f + sgl::exp(-gating_output_chunk.get(step)))
                    + correction_bias_chunk.get(step);
            const uint32_t rank_bits = sgl::f32_to_bits(rank_value + 0.0f);
            rank_rank.set(turn, step, e,
                    sgl::isnan(rank_value) ? 4294967295u : rank_value < 0.0f ? ~rank_bits
                    : rank_bits | 2147483648u);
        }
    }
    sgl::DealtRow<int64_t, 1, sgl::single_turns(turns, chunk)> chosen(chosen_memory + index_t(team.item) * k);
    sgl::RankedWords<chunk, turns> rank_rank_words(rank_rank);
    for (index_t turn_2 = 0; turn_2 < k; ++turn_2) {
        const auto chosen_best_taken = rank_rank_words.take(team, index_t(experts));
        const index_t chosen_best = chosen_best_taken.index();
        chosen.put(team, turn_2, chosen_best);
    }
    float side = 0.0f;
    if (renormalize) {
        sgl::Accumulator<sgl::Sum<float>> sum_i_state;
        SGL_UNROLL
        for (int turn = 0; turns == 0 || turn < sgl::single_turns(turns, chunk); ++turn) {
            const index_t i = index_t(turn) * team.lanes + team.lane;
            if (i >= k) break;
            const int64_t e = chosen.get(turn, 0, i);
            sum_i_state.add(i,
                    sgl::divide(1.0f,
                    1.0f
                    + sgl::exp(-(renormalize ? sgl::load(gating_output, t * gating_output_stride_0 + e)
                    : 0.0f))));
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
        const int64_t e = chosen.get(turn, 0, i);
        sgl::store(topk_weights, t * topk_weights_stride_0 + i,
                sgl::divide(sgl::divide(1.0f,
                1.0f + sgl::exp(-sgl::load(gating_output, t * gating_output_stride_0 + e))), side_2));
        sgl::store(topk_ids, t * topk_ids_stride_0 + i, sgl::to_i32(chosen.get(turn, 0, i)));
    }
}

const void* const kernels[] = {
    reinterpret_cast<const void*>(&route_sigmoid_kernel<float, int64_t, 4, false, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<float, int64_t, 4, true, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<float, int64_t, 4, true, 2>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<float, int32_t, 4, false, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<float, int32_t, 4, false, 1>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<float, int32_t, 4, true, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<float, int32_t, 4, true, 1>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<float, int32_t, 4, true, 2>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__half, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__half, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__half, int64_t, 8, true, 2>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__half, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__half, int32_t, 8, false, 1>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__half, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__half, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__half, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__nv_bfloat16, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__nv_bfloat16, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__nv_bfloat16, int64_t, 8, true, 2>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__nv_bfloat16, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__nv_bfloat16, int32_t, 8, false, 1>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__nv_bfloat16, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__nv_bfloat16, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&route_sigmoid_kernel<__nv_bfloat16, int32_t, 8, true, 2>),
};

}  // namespace

extern "C" const void* sgl_cuda_route_sigmoid(int position) {
    return kernels[position];
}

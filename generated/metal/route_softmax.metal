// route_softmax: Choose the experts of each token by the softmax of its logits.
// Generated from specs/moe/route_softmax.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct route_softmax_params {
    int64_t gating_output_stride_0;
    int64_t topk_weights_stride_0;
    int64_t topk_ids_stride_0;
    int64_t tokens;
    int64_t experts;
    int64_t k;
    uint8_t renormalize;
    float moe_softcapping;
};

constant int route_softmax_kernel_experts [[function_constant(0)]];
constant int route_softmax_kernel_k [[function_constant(1)]];

// One team for each t < tokens.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
[[kernel, max_total_threads_per_threadgroup(128)]] void route_softmax_kernel(
    device const T* gating_output [[buffer(0)]],
    device const float* correction_bias [[buffer(1)]],
    device float* topk_weights [[buffer(2)]],
    device int32_t* topk_ids [[buffer(3)]],
    device float* weight_candidate_memory [[buffer(4)]],
    device float* weight_memory [[buffer(5)]],
    device int64_t* chosen_memory [[buffer(6)]],
    constant route_softmax_params& params [[buffer(7)]],
    constant sgl::Launch& launch [[buffer(8)]],
    threadgroup uint32_t* exchange [[threadgroup(0)]],
    uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]],
    uint thread_index [[thread_index_in_threadgroup]]) {
    const sgl::Team team = sgl::make_team(launch, exchange, group, groups, thread_index);
    if (team.item >= launch.teams) return;
    const index_t gating_output_stride_0 = index_t(params.gating_output_stride_0);
    const index_t topk_weights_stride_0 = index_t(params.topk_weights_stride_0);
    const index_t topk_ids_stride_0 = index_t(params.topk_ids_stride_0);
    const index_t experts = sgl::size<index_t>(route_softmax_kernel_experts, params.experts);
    const index_t k = sgl::size<index_t>(route_softmax_kernel_k, params.k);
    const bool renormalize = params.renormalize != 0;
    const float moe_softcapping = params.moe_softcapping;
    const bool has_correction_bias = sgl::is_given(launch, 0);

    const index_t t = index_t(team.item);
    sgl::Held<T, chunk, is_aligned, turns> gating_output_held;
    sgl::Held<float, chunk, is_aligned, turns> correction_bias_held;
    SGL_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
        const index_t e_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (e_base >= experts) break;
        gating_output_held.load(turn, gating_output, t * gating_output_stride_0 + e_base, experts - e_base);
        correction_bias_held.load_if(has_correction_bias, turn, correction_bias, e_base, experts - e_base);
    }
    sgl::Accumulator<sgl::OnlineSoftmax<float>> share_max_state;
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
                    * sgl::tanh(plain / moe_softcapping) : plain;
            const float share_value = capped + correction_bias_chunk.get(step);
            share_max_state.add(e, share_value);
        }
    }
    share_max_state.combine(team);
    const float share_max = share_max_state.maximum();
    const float share_sum = share_max_state.total();
    sgl::DealtRow<float, chunk,
            turns> weight_candidate(weight_candidate_memory + index_t(team.item) * experts);
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
                    * sgl::tanh(plain / moe_softcapping) : plain;
            weight_candidate.set(turn, step, e,
                    share_max != -INFINITY ? sgl::exp(capped + correction_bias_chunk.get(step) - share_max)
                    / share_sum : 0.0f);
        }
    }
    sgl::DealtRow<float, chunk, turns> weight(weight_memory + index_t(team.item) * k);
    sgl::DealtRow<int64_t, chunk, turns> chosen(chosen_memory + index_t(team.item) * k);
    float weight_last = -INFINITY;
    int64_t chosen_last = -1;
    for (index_t turn_2 = 0; turn_2 < k; ++turn_2) {
        sgl::Accumulator<sgl::Best<float, index_t>> chosen_best_state;
        SGL_UNROLL
        for (int turn = 0; turns == 0 || turn < turns; ++turn) {
            const index_t e_base = (index_t(turn) * team.lanes + team.lane) * chunk;
            if (e_base >= experts) break;
            SGL_UNROLL
            for (int step = 0; step < chunk; ++step) {
                const index_t e = e_base + step;
                if (!is_aligned && e >= experts) break;
                const float weight_value = weight_candidate.get(turn, step, e);
                if (turn_2 == 0
                        || (0 <= chosen_last
                        && ((sgl::isnan(weight_last) && (!sgl::isnan(weight_value) || chosen_last < e))
                        || (!sgl::isnan(weight_last) && !sgl::isnan(weight_value)
                        && (weight_value < weight_last
                        || (weight_value == weight_last && chosen_last < e)))))) {
                    chosen_best_state.add(e, weight_value);
                }
            }
        }
        team.wait();
        chosen_best_state.combine(team);
        const index_t chosen_best = chosen_best_state.index();
        const float weight_best = chosen_best_state.value();
        weight_last = weight_best;
        chosen_last = chosen_best;
        weight.put(team, turn_2, weight_best);
        chosen.put(team, turn_2, chosen_best);
    }
    sgl::Accumulator<sgl::Sum<float>> sum_i_state;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (i_base >= k) break;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t i = i_base + step;
            if (!is_aligned && i >= k) break;
            sum_i_state.add(i, weight.get(turn, step, i));
        }
    }
    team.wait();
    sum_i_state.combine(team);
    const float sum_i = sum_i_state.result();
    const float total = renormalize ? sum_i : 1.0f;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (i_base >= k) break;
        sgl::Chunk<float, chunk> topk_weights_chunk;
        sgl::Chunk<int32_t, chunk> topk_ids_chunk;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t i = i_base + step;
            if (!is_aligned && i >= k) break;
            topk_weights_chunk.set(step, weight.get(turn, step, i) / total);
            topk_ids_chunk.set(step, sgl::to_i32(chosen.get(turn, step, i)));
        }
        sgl::store_chunk<is_aligned>(topk_weights, t * topk_weights_stride_0 + i_base, k - i_base,
                topk_weights_chunk);
        sgl::store_chunk<is_aligned>(topk_ids, t * topk_ids_stride_0 + i_base, k - i_base, topk_ids_chunk);
    }
}

SGL_KERNEL("route_softmax_f32_wide", route_softmax_kernel<float, int64_t, 4, false, 0>)
SGL_KERNEL("route_softmax_f32_aligned_wide", route_softmax_kernel<float, int64_t, 4, true, 0>)
SGL_KERNEL("route_softmax_f32_aligned_turns2_wide", route_softmax_kernel<float, int64_t, 4, true, 2>)
SGL_KERNEL("route_softmax_f32", route_softmax_kernel<float, int32_t, 4, false, 0>)
SGL_KERNEL("route_softmax_f32_turns1", route_softmax_kernel<float, int32_t, 4, false, 1>)
SGL_KERNEL("route_softmax_f32_aligned", route_softmax_kernel<float, int32_t, 4, true, 0>)
SGL_KERNEL("route_softmax_f32_aligned_turns1", route_softmax_kernel<float, int32_t, 4, true, 1>)
SGL_KERNEL("route_softmax_f32_aligned_turns2", route_softmax_kernel<float, int32_t, 4, true, 2>)
SGL_KERNEL("route_softmax_f16_wide", route_softmax_kernel<half, int64_t, 8, false, 0>)
SGL_KERNEL("route_softmax_f16_aligned_wide", route_softmax_kernel<half, int64_t, 8, true, 0>)
SGL_KERNEL("route_softmax_f16_aligned_turns1_wide", route_softmax_kernel<half, int64_t, 8, true, 1>)
SGL_KERNEL("route_softmax_f16", route_softmax_kernel<half, int32_t, 8, false, 0>)
SGL_KERNEL("route_softmax_f16_turns1", route_softmax_kernel<half, int32_t, 8, false, 1>)
SGL_KERNEL("route_softmax_f16_aligned", route_softmax_kernel<half, int32_t, 8, true, 0>)
SGL_KERNEL("route_softmax_f16_aligned_turns1", route_softmax_kernel<half, int32_t, 8, true, 1>)
SGL_KERNEL("route_softmax_bf16_wide", route_softmax_kernel<bfloat, int64_t, 8, false, 0>)
SGL_KERNEL("route_softmax_bf16_aligned_wide", route_softmax_kernel<bfloat, int64_t, 8, true, 0>)
SGL_KERNEL("route_softmax_bf16_aligned_turns1_wide", route_softmax_kernel<bfloat, int64_t, 8, true, 1>)
SGL_KERNEL("route_softmax_bf16", route_softmax_kernel<bfloat, int32_t, 8, false, 0>)
SGL_KERNEL("route_softmax_bf16_turns1", route_softmax_kernel<bfloat, int32_t, 8, false, 1>)
SGL_KERNEL("route_softmax_bf16_aligned", route_softmax_kernel<bfloat, int32_t, 8, true, 0>)
SGL_KERNEL("route_softmax_bf16_aligned_turns1", route_softmax_kernel<bfloat, int32_t, 8, true, 1>)

// paged_attention_decode: Attention of one query token a request over the pool slots that its page table lists.
// Generated from specs/attention/paged_attention_decode.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct paged_attention_decode_params {
    int64_t q_stride_0;
    int64_t q_stride_1;
    int64_t k_pool_stride_0;
    int64_t k_pool_stride_1;
    int64_t v_pool_stride_0;
    int64_t v_pool_stride_1;
    int64_t out_stride_0;
    int64_t out_stride_1;
    int64_t batch;
    int64_t num_qo_heads;
    int64_t head_dim;
    int64_t pool_slots;
    int64_t num_kv_heads;
    int64_t entries;
    float sm_scale;
};

constant int paged_attention_decode_kernel_head_dim [[function_constant(0)]];

// One team for each b < batch, h < num_qo_heads.
template <class T, class index_t, int chunk, bool is_aligned, int turns, bool is_full>
[[kernel, max_total_threads_per_threadgroup(256)]] void paged_attention_decode_kernel(
    device const T* q [[buffer(0)]],
    device const T* k_pool [[buffer(1)]],
    device const T* v_pool [[buffer(2)]],
    device const int32_t* kv_indptr [[buffer(3)]],
    device const int32_t* kv_indices [[buffer(4)]],
    device T* out [[buffer(5)]],
    device float* p_acc_memory [[buffer(6)]],
    device float* p_acc_lost_memory [[buffer(7)]],
    device float* p_acc_part_memory [[buffer(8)]],
    constant paged_attention_decode_params& params [[buffer(9)]],
    constant sgl::Launch& launch [[buffer(10)]],
    threadgroup uint32_t* exchange [[threadgroup(0)]],
    uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]],
    uint thread_index [[thread_index_in_threadgroup]]) {
    const auto team = sgl::PartOf<turns != 0>::of(sgl::make_team(launch, exchange, group, groups, thread_index));
    if (team.item >= launch.teams) return;
    const index_t q_stride_0 = index_t(params.q_stride_0);
    const index_t q_stride_1 = index_t(params.q_stride_1);
    const index_t k_pool_stride_0 = index_t(params.k_pool_stride_0);
    const index_t k_pool_stride_1 = index_t(params.k_pool_stride_1);
    const index_t v_pool_stride_0 = index_t(params.v_pool_stride_0);
    const index_t v_pool_stride_1 = index_t(params.v_pool_stride_1);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t out_stride_1 = index_t(params.out_stride_1);
    const index_t num_qo_heads = index_t(params.num_qo_heads);
    const index_t head_dim = sgl::size<index_t>(paged_attention_decode_kernel_head_dim, params.head_dim);
    const index_t pool_slots = index_t(params.pool_slots);
    const index_t num_kv_heads = index_t(params.num_kv_heads);
    const index_t entries = index_t(params.entries);
    const float sm_scale = params.sm_scale;

    const index_t b = index_t(team.item) / num_qo_heads;
    const index_t h = index_t(team.item) % num_qo_heads;
    const index_t g = sgl::floor_divide(h, sgl::floor_divide(num_qo_heads, num_kv_heads));
    sgl::DealtRow<float, chunk, turns> p_acc(p_acc_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_lost(p_acc_lost_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_part(p_acc_part_memory + index_t(team.item) * head_dim);
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (!is_full && d_base >= head_dim) break;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t d = d_base + step;
            if (!is_aligned && d >= head_dim) break;
            p_acc.set(turn, step, d, 0.0f);
            p_acc_lost.set(turn, step, d, 0.0f);
        }
    }
    float p_max = -INFINITY;
    float p_sum = 0.0f;
    float p_sum_lost = 0.0f;
    const index_t j_begin = index_t(sgl::load(kv_indptr, b));
    const index_t j_end = index_t(sgl::load(kv_indptr, b + 1));
    const int64_t j_first = sgl::maximum(sgl::to_i64(j_begin),
            sgl::minimum(-1, sgl::wrapping_subtract(sgl::to_i64(j_end), 1)));
    const int64_t j_last = sgl::minimum(sgl::to_i64(j_end),
            sgl::wrapping_add(sgl::maximum(0 < head_dim ? sgl::to_i64(entries) : 4611686018427387904,
            j_first), 1));
    for (int64_t j_turn = 0; j_turn < sgl::floor_divide(sgl::wrapping_add(sgl::floor_divide(sgl::wrapping_add(sgl::wrapping_subtract(j_last, j_first), 15), 16), sgl::to_i64(index_t(team.parts) - 1)), sgl::to_i64(index_t(team.parts))); ++j_turn) {
        const int64_t j_block = sgl::wrapping_add(sgl::wrapping_multiply(j_turn,
                sgl::to_i64(index_t(team.parts))), sgl::to_i64(index_t(team.part)));
        const int64_t j_start = sgl::wrapping_add(j_first, sgl::wrapping_multiply(j_block, 16));
        float p_sum_part = 0.0f;
        SGL_UNROLL
        for (int turn = 0; turns == 0 || turn < turns; ++turn) {
            const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
            if (!is_full && d_base >= head_dim) break;
            SGL_UNROLL
            for (int step = 0; step < chunk; ++step) {
                const index_t d = d_base + step;
                if (!is_aligned && d >= head_dim) break;
                p_acc_part.set(turn, step, d, 0.0f);
            }
        }
        for (index_t j_round = 0; j_round < 4; ++j_round) {
            float j_scores[4];
            float j_weights[4];
            sgl::Held<T, chunk, is_aligned, turns> q_held;
            SGL_UNROLL
            for (int turn = 0; turn < turns; ++turn) {
                const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (!is_full && d_base >= head_dim) break;
                q_held.load(turn, q, b * q_stride_0 + h * q_stride_1 + d_base, head_dim - d_base);
            }
            int64_t j_place[4];
            int64_t j[4];
            bool kv_indices_is_valid[4];
            int32_t kv_indices_j[4];
            index_t k_pool_at[4];
            bool j_holds[4];
            bool j_holds_2[4];
            bool j_holds_3[4];
            bool j_holds_4[4];
            sgl::Held<T, chunk, is_aligned, turns> k_pool_held[4];
            sgl::Held<T, chunk, is_aligned, turns> v_pool_held[4];
            SGL_UNROLL
            for (int term = 0; term < 4; ++term) {
                j_place[term] = sgl::wrapping_add(j_start, sgl::to_i64(j_round * 4 + term));
                j[term] = sgl::minimum(j_place[term], sgl::wrapping_subtract(j_last, 1));
                kv_indices_is_valid[term] = 0 <= j[term] && j[term] < entries;
                kv_indices_j[term] = sgl::load_if(kv_indices_is_valid[term], kv_indices, j[term], int32_t(0));
                k_pool_at[term] = index_t(kv_indices_j[term]);
                j_holds[term] = kv_indices_is_valid[term] && 0 <= k_pool_at[term]
                        && k_pool_at[term] < pool_slots;
                j_holds_2[term] = j_place[term] < j_last && !j_holds[term];
                j_holds_3[term] = j_holds[term] || head_dim <= 0;
                j_holds_4[term] = j_place[term] < j_last && j_holds[term];
                SGL_UNROLL
                for (int turn = 0; turn < turns; ++turn) {
                    const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_base >= head_dim) break;
                    k_pool_held[term].load_if(j_holds[term], turn, k_pool,
                            k_pool_at[term] * k_pool_stride_0 + g * k_pool_stride_1 + d_base,
                            head_dim - d_base);
                }
                SGL_UNROLL
                for (int turn = 0; turn < turns; ++turn) {
                    const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_base >= head_dim) break;
                    v_pool_held[term].load_if(j_holds_4[term], turn, v_pool,
                            k_pool_at[term] * v_pool_stride_0 + g * v_pool_stride_1 + d_base,
                            head_dim - d_base);
                }
            }
            SGL_UNROLL
            for (int term = 0; term < 4; ++term) {
                sgl::Accumulator<sgl::Sum<float>> j_sum_d_summed_state;
                SGL_UNROLL
                for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                    const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_base >= head_dim) break;
                    const auto q_chunk = q_held.get(turn, q, b * q_stride_0 + h * q_stride_1 + d_base,
                            head_dim - d_base);
                    const auto k_pool_chunk = k_pool_held[term].get_if(j_holds[term], turn, k_pool,
                            k_pool_at[term] * k_pool_stride_0 + g * k_pool_stride_1 + d_base,
                            head_dim - d_base);
                    SGL_UNROLL
                    for (int step = 0; step < chunk; ++step) {
                        const index_t d = d_base + step;
                        if (!is_aligned && d >= head_dim) break;
                        j_sum_d_summed_state.add(d, q_chunk.get(step) * k_pool_chunk.get(step));
                    }
                }
                team.wait();
                j_sum_d_summed_state.combine(team);
                const float j_sum_d_summed = j_sum_d_summed_state.result();
                const float sum_d = j_holds_3[term] ? j_sum_d_summed : NAN;
                const float p_score = sm_scale * sum_d;
                j_scores[term] = j_place[term] < j_last ? p_score : -INFINITY;
            }
            const float j_top = sgl::maximum(sgl::maximum(j_scores[0], j_scores[1]),
                    sgl::maximum(j_scores[2], j_scores[3]));
            if (!(j_top <= p_max + 1.0f)) {
                const float p_keep = sgl::exp(p_max - j_top);
                p_sum = p_sum * p_keep;
                p_sum_lost = p_sum_lost * p_keep;
                p_sum_part = p_sum_part * p_keep;
                SGL_UNROLL
                for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                    const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_base >= head_dim) break;
                    SGL_UNROLL
                    for (int step = 0; step < chunk; ++step) {
                        const index_t d = d_base + step;
                        if (!is_aligned && d >= head_dim) break;
                        p_acc.set(turn, step, d, p_acc.get(turn, step, d) * p_keep);
                        p_acc_lost.set(turn, step, d, p_acc_lost.get(turn, step, d) * p_keep);
                        p_acc_part.set(turn, step, d, p_acc_part.get(turn, step, d) * p_keep);
                    }
                }
                p_max = j_top;
            }
            const float p_shift = p_max == -INFINITY ? 0.0f : p_max;
            SGL_UNROLL
            for (index_t j_weighed = 0; j_weighed < 4; ++j_weighed) {
                j_weights[j_weighed] = sgl::exp(j_scores[j_weighed] - p_shift);
            }
            p_sum_part = p_sum_part + (j_weights[0] + j_weights[1] + (j_weights[2] + j_weights[3]));
            SGL_UNROLL
            for (int term = 0; term < 4; ++term) {
                const float d_weight = j_holds_2[term] ? NAN : j_weights[term];
                SGL_UNROLL
                for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                    const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_base >= head_dim) break;
                    const auto v_pool_chunk = v_pool_held[term].get_if(j_holds_4[term], turn, v_pool,
                            k_pool_at[term] * v_pool_stride_0 + g * v_pool_stride_1 + d_base,
                            head_dim - d_base);
                    SGL_UNROLL
                    for (int step = 0; step < chunk; ++step) {
                        const index_t d = d_base + step;
                        if (!is_aligned && d >= head_dim) break;
                        p_acc_part.set(turn, step, d,
                                p_acc_part.get(turn, step, d) + d_weight * v_pool_chunk.get(step));
                    }
                }
            }
        }
        const float p_sum_added = p_sum_part - p_sum_lost;
        const float p_sum_next = p_sum + p_sum_added;
        p_sum_lost = sgl::abs(p_sum_next) < INFINITY ? p_sum_next - p_sum - p_sum_added : 0.0f;
        p_sum = p_sum_next;
        SGL_UNROLL
        for (int turn = 0; turns == 0 || turn < turns; ++turn) {
            const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
            if (!is_full && d_base >= head_dim) break;
            SGL_UNROLL
            for (int step = 0; step < chunk; ++step) {
                const index_t d = d_base + step;
                if (!is_aligned && d >= head_dim) break;
                const float p_acc_added = p_acc_part.get(turn, step, d) - p_acc_lost.get(turn, step, d);
                const float p_acc_next = p_acc.get(turn, step, d) + p_acc_added;
                p_acc_lost.set(turn, step, d,
                        sgl::abs(p_acc_next) < INFINITY ? p_acc_next - p_acc.get(turn, step, d) - p_acc_added
                        : 0.0f);
                p_acc.set(turn, step, d, p_acc_next);
            }
        }
    }
    const float p_max_of_parts = sgl::over_parts<sgl::Max<float>>(team, p_max);
    const float p_max_share = p_max == p_max_of_parts ? 1.0f : sgl::exp(p_max - p_max_of_parts);
    p_sum = sgl::over_parts<sgl::Sum<float>>(team, p_sum * p_max_share);
    sgl::scale_part(team, p_max_share, p_acc);
    sgl::add_parts(team, p_acc);
    if (team.part != 0) return;
    const float p_scale = p_sum == 0.0f ? 0.0f : 1.0f / p_sum;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (!is_full && d_base >= head_dim) break;
        sgl::Chunk<T, chunk> out_chunk;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t d = d_base + step;
            if (!is_aligned && d >= head_dim) break;
            out_chunk.set(step, p_acc.get(turn, step, d) * p_scale);
        }
        sgl::store_chunk<is_aligned>(out, b * out_stride_0 + h * out_stride_1 + d_base, head_dim - d_base,
                out_chunk);
    }
}

SGL_KERNEL("paged_attention_decode_f32_wide", paged_attention_decode_kernel<float, int64_t, 4, false, 0, false>)
SGL_KERNEL("paged_attention_decode_f32_turns4_wide", paged_attention_decode_kernel<float, int64_t, 4, false, 4, false>)
SGL_KERNEL("paged_attention_decode_f32_aligned_wide", paged_attention_decode_kernel<float, int64_t, 4, true, 0, false>)
SGL_KERNEL("paged_attention_decode_f32_aligned_turns4_wide", paged_attention_decode_kernel<float, int64_t, 4, true, 4, false>)
SGL_KERNEL("paged_attention_decode_f32", paged_attention_decode_kernel<float, int32_t, 4, false, 0, false>)
SGL_KERNEL("paged_attention_decode_f32_turns4", paged_attention_decode_kernel<float, int32_t, 4, false, 4, false>)
SGL_KERNEL("paged_attention_decode_f32_aligned", paged_attention_decode_kernel<float, int32_t, 4, true, 0, false>)
SGL_KERNEL("paged_attention_decode_f32_aligned_turns1", paged_attention_decode_kernel<float, int32_t, 4, true, 1, false>)
SGL_KERNEL("paged_attention_decode_f32_aligned_turns1_full", paged_attention_decode_kernel<float, int32_t, 4, true, 1, true>)
SGL_KERNEL("paged_attention_decode_f32_aligned_turns2", paged_attention_decode_kernel<float, int32_t, 4, true, 2, false>)
SGL_KERNEL("paged_attention_decode_f32_aligned_turns2_full", paged_attention_decode_kernel<float, int32_t, 4, true, 2, true>)
SGL_KERNEL("paged_attention_decode_f32_aligned_turns4", paged_attention_decode_kernel<float, int32_t, 4, true, 4, false>)
SGL_KERNEL("paged_attention_decode_f32_aligned_turns4_full", paged_attention_decode_kernel<float, int32_t, 4, true, 4, true>)
SGL_KERNEL("paged_attention_decode_f16_wide", paged_attention_decode_kernel<half, int64_t, 8, false, 0, false>)
SGL_KERNEL("paged_attention_decode_f16_turns2_wide", paged_attention_decode_kernel<half, int64_t, 8, false, 2, false>)
SGL_KERNEL("paged_attention_decode_f16_aligned_wide", paged_attention_decode_kernel<half, int64_t, 8, true, 0, false>)
SGL_KERNEL("paged_attention_decode_f16_aligned_turns2_wide", paged_attention_decode_kernel<half, int64_t, 8, true, 2, false>)
SGL_KERNEL("paged_attention_decode_f16", paged_attention_decode_kernel<half, int32_t, 8, false, 0, false>)
SGL_KERNEL("paged_attention_decode_f16_turns2", paged_attention_decode_kernel<half, int32_t, 8, false, 2, false>)
SGL_KERNEL("paged_attention_decode_f16_aligned", paged_attention_decode_kernel<half, int32_t, 8, true, 0, false>)
SGL_KERNEL("paged_attention_decode_f16_aligned_turns1", paged_attention_decode_kernel<half, int32_t, 8, true, 1, false>)
SGL_KERNEL("paged_attention_decode_f16_aligned_turns1_full", paged_attention_decode_kernel<half, int32_t, 8, true, 1, true>)
SGL_KERNEL("paged_attention_decode_f16_aligned_turns2", paged_attention_decode_kernel<half, int32_t, 8, true, 2, false>)
SGL_KERNEL("paged_attention_decode_f16_aligned_turns2_full", paged_attention_decode_kernel<half, int32_t, 8, true, 2, true>)
SGL_KERNEL("paged_attention_decode_bf16_wide", paged_attention_decode_kernel<bfloat, int64_t, 8, false, 0, false>)
SGL_KERNEL("paged_attention_decode_bf16_turns2_wide", paged_attention_decode_kernel<bfloat, int64_t, 8, false, 2, false>)
SGL_KERNEL("paged_attention_decode_bf16_aligned_wide", paged_attention_decode_kernel<bfloat, int64_t, 8, true, 0, false>)
SGL_KERNEL("paged_attention_decode_bf16_aligned_turns2_wide", paged_attention_decode_kernel<bfloat, int64_t, 8, true, 2, false>)
SGL_KERNEL("paged_attention_decode_bf16", paged_attention_decode_kernel<bfloat, int32_t, 8, false, 0, false>)
SGL_KERNEL("paged_attention_decode_bf16_turns2", paged_attention_decode_kernel<bfloat, int32_t, 8, false, 2, false>)
SGL_KERNEL("paged_attention_decode_bf16_aligned", paged_attention_decode_kernel<bfloat, int32_t, 8, true, 0, false>)
SGL_KERNEL("paged_attention_decode_bf16_aligned_turns1", paged_attention_decode_kernel<bfloat, int32_t, 8, true, 1, false>)
SGL_KERNEL("paged_attention_decode_bf16_aligned_turns1_full", paged_attention_decode_kernel<bfloat, int32_t, 8, true, 1, true>)
SGL_KERNEL("paged_attention_decode_bf16_aligned_turns2", paged_attention_decode_kernel<bfloat, int32_t, 8, true, 2, false>)
SGL_KERNEL("paged_attention_decode_bf16_aligned_turns2_full", paged_attention_decode_kernel<bfloat, int32_t, 8, true, 2, true>)

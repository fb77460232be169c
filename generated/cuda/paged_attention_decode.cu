// paged_attention_decode: Attention of one query token a request over the pool slots that its page table lists.
// Generated from specs/attention/paged_attention_decode.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "paged_attention_decode_params.h"

namespace {

// One team for each b < batch, h < num_qo_heads.
template <class T, class index_t, int chunk, bool is_aligned, int turns, bool is_full>
__global__ void __launch_bounds__(256) paged_attention_decode_kernel(
    const paged_attention_decode_params params,
    const sgl::Launch launch,
    float* const p_acc_memory,
    float* const p_acc_lost_memory,
    float* const p_acc_part_memory) {
    const auto team = sgl::PartOf<turns != 0>::of(sgl::make_team(launch));
    if (team.item >= launch.teams) return;
    const T* __restrict__ const q = static_cast<const T*>(params.q);
    const T* __restrict__ const k_pool = static_cast<const T*>(params.k_pool);
    const T* __restrict__ const v_pool = static_cast<const T*>(params.v_pool);
    const int32_t* __restrict__ const kv_indptr = static_cast<const int32_t*>(params.kv_indptr);
    const int32_t* __restrict__ const kv_indices = static_cast<const int32_t*>(params.kv_indices);
    T* const out = static_cast<T*>(params.out);
    const index_t q_stride_0 = index_t(params.q_stride_0);
    const index_t q_stride_1 = index_t(params.q_stride_1);
    const index_t k_pool_stride_0 = index_t(params.k_pool_stride_0);
    const index_t k_pool_stride_1 = index_t(params.k_pool_stride_1);
    const index_t v_pool_stride_0 = index_t(params.v_pool_stride_0);
    const index_t v_pool_stride_1 = index_t(params.v_pool_stride_1);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t out_stride_1 = index_t(params.out_stride_1);
    const index_t num_qo_heads = index_t(params.num_qo_heads);
    const index_t head_dim = index_t(params.head_dim);
    const index_t pool_slots = index_t(params.pool_slots);
    const index_t num_kv_heads = index_t(params.num_kv_heads);
    const index_t entries = index_t(params.entries);
    const float sm_scale = params.sm_scale;

    const index_t b = index_t(team.item) / num_qo_heads;
    const index_t h = index_t(team.item) % num_qo_heads;
    sgl::wait_for_inputs();
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
    float p_max = -CUDART_INF_F;
    float p_sum = 0.0f;
    float p_sum_lost = 0.0f;
    const index_t j_begin = index_t(sgl::load(kv_indptr, b));
    const index_t j_end = index_t(sgl::load(kv_indptr, b + 1));
    const int64_t j_first = sgl::maximum(sgl::to_i64(j_begin),
            sgl::minimum(-1, sgl::wrapping_subtract(sgl::to_i64(j_end), 1)));
    const int64_t j_last = sgl::minimum(sgl::to_i64(j_end),
            sgl::wrapping_add(sgl::maximum(0 < head_dim ? sgl::to_i64(entries) : 4611686018427387904,
            j_first), 1));
    using Ahead = sgl::Ahead<is_aligned && turns == 1 && sizeof(T) * chunk <= 16, 256, 8>;
    __shared__ uint4 ahead_memory[Ahead::count];
    const Ahead ahead(ahead_memory);
    if (Ahead::is_on
            && 0 < sgl::floor_divide(sgl::wrapping_add(sgl::floor_divide(sgl::wrapping_add(sgl::wrapping_subtract(j_last, j_first), 15), 16), sgl::to_i64(index_t(team.parts) - 1)), sgl::to_i64(index_t(team.parts)))) {
        const int64_t j_block = sgl::wrapping_add(sgl::wrapping_multiply(int64_t(0),
                sgl::to_i64(index_t(team.parts))), sgl::to_i64(index_t(team.part)));
        const int64_t j_start = sgl::wrapping_add(j_first, sgl::wrapping_multiply(j_block, 16));
        SGL_UNROLL
        for (int term = 0; term < 4; ++term) {
            const int64_t j_place = sgl::wrapping_add(j_start, sgl::to_i64(index_t(0) * 4 + term));
            const int64_t j = sgl::minimum(j_place, sgl::wrapping_subtract(j_last, 1));
            const bool kv_indices_is_valid = 0 <= j && j < entries;
            const int32_t kv_indices_j = sgl::load_if(kv_indices_is_valid, kv_indices, j, int32_t(0));
            const index_t k_pool_at = index_t(kv_indices_j);
            const bool j_holds = kv_indices_is_valid && 0 <= k_pool_at && k_pool_at < pool_slots;
            const bool j_holds_2 = j_place < j_last && j_holds;
            SGL_UNROLL
            for (int turn = 0; turn < turns; ++turn) {
                const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (!is_full && d_base >= head_dim) break;
                ahead.template fetch<chunk>(term, j_holds, k_pool,
                        k_pool_at * k_pool_stride_0 + g * k_pool_stride_1 + d_base);
            }
            SGL_UNROLL
            for (int turn = 0; turn < turns; ++turn) {
                const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (!is_full && d_base >= head_dim) break;
                ahead.template fetch<chunk>(4 + term, j_holds_2, v_pool,
                        k_pool_at * v_pool_stride_0 + g * v_pool_stride_1 + d_base);
            }
        }
    }
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
            ahead.wait();
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
                    sgl::take_or_load(ahead, term, k_pool_held[term], j_holds[term], turn, k_pool,
                            k_pool_at[term] * k_pool_stride_0 + g * k_pool_stride_1 + d_base,
                            head_dim - d_base);
                }
                SGL_UNROLL
                for (int turn = 0; turn < turns; ++turn) {
                    const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_base >= head_dim) break;
                    sgl::take_or_load(ahead, 4 + term, v_pool_held[term], j_holds_4[term], turn, v_pool,
                            k_pool_at[term] * v_pool_stride_0 + g * v_pool_stride_1 + d_base,
                            head_dim - d_base);
                }
            }
            if (Ahead::is_on) {
                const index_t step_2 = j_round < 3 ? 4 : index_t(team.parts) * 16 - 12;
                SGL_UNROLL
                for (int term = 0; term < 4; ++term) {
                    const int64_t j_place_2 = sgl::wrapping_add(j_start,
                            sgl::to_i64(j_round * 4 + (term + step_2)));
                    const int64_t j_2 = sgl::minimum(j_place_2, sgl::wrapping_subtract(j_last, 1));
                    const bool kv_indices_is_valid_2 = 0 <= j_2 && j_2 < entries;
                    const int32_t kv_indices_j_2 = sgl::load_if(kv_indices_is_valid_2, kv_indices, j_2,
                            int32_t(0));
                    const index_t k_pool_at_2 = index_t(kv_indices_j_2);
                    const bool j_holds_5 = kv_indices_is_valid_2 && 0 <= k_pool_at_2
                            && k_pool_at_2 < pool_slots;
                    const bool j_holds_6 = j_place_2 < j_last && j_holds_5;
                    SGL_UNROLL
                    for (int turn = 0; turn < turns; ++turn) {
                        const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                        if (!is_full && d_base >= head_dim) break;
                        ahead.template fetch<chunk>(term, j_holds_5, k_pool,
                                k_pool_at_2 * k_pool_stride_0 + g * k_pool_stride_1 + d_base);
                    }
                    SGL_UNROLL
                    for (int turn = 0; turn < turns; ++turn) {
                        const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                        if (!is_full && d_base >= head_dim) break;
                        ahead.template fetch<chunk>(4 + term, j_holds_6, v_pool,
                                k_pool_at_2 * v_pool_stride_0 + g * v_pool_stride_1 + d_base);
                    }
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
                        j_sum_d_summed_state.add_product(d, q_chunk.get(step), k_pool_chunk.get(step));
                    }
                }
                team.wait();
                j_sum_d_summed_state.combine(team);
                const float j_sum_d_summed = j_sum_d_summed_state.result();
                const float sum_d = j_holds_3[term] ? j_sum_d_summed : CUDART_NAN_F;
                const float p_score = sm_scale * sum_d;
                j_scores[term] = j_place[term] < j_last ? p_score : -CUDART_INF_F;
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
            const float p_shift = p_max == -CUDART_INF_F ? 0.0f : p_max;
            SGL_UNROLL
            for (index_t j_weighed = 0; j_weighed < 4; ++j_weighed) {
                j_weights[j_weighed] = sgl::exp(j_scores[j_weighed] - p_shift);
            }
            p_sum_part = p_sum_part + (j_weights[0] + j_weights[1] + (j_weights[2] + j_weights[3]));
            SGL_UNROLL
            for (int term = 0; term < 4; ++term) {
                const float d_weight = j_holds_2[term] ? CUDART_NAN_F : j_weights[term];
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
                                sgl::multiply_add(d_weight, v_pool_chunk.get(step),
                                p_acc_part.get(turn, step, d)));
                    }
                }
            }
        }
        const float p_sum_added = p_sum_part - p_sum_lost;
        const float p_sum_next = p_sum + p_sum_added;
        p_sum_lost = sgl::abs(p_sum_next) < CUDART_INF_F ? p_sum_next - p_sum - p_sum_added : 0.0f;
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
                        sgl::abs(p_acc_next) < CUDART_INF_F ? p_acc_next - p_acc.get(turn, step, d)
                        - p_acc_added : 0.0f);
                p_acc.set(turn, step, d, p_acc_next);
            }
        }
    }
    const float p_max_of_parts = sgl::over_parts<sgl::Max<float>>(team, p_max);
    const float p_max_share = p_max == p_max_of_parts ? 1.0f : sgl::exp(p_max - p_max_of_parts);
    p_sum = sgl::over_parts<sgl::Sum<float>>(team, p_sum * p_max_share);
    sgl::scale_part(team, p_max_share, p_acc);
    sgl::add_parts(team, ahead, ahead_memory, p_acc);
    if (team.part != 0) return;
    const float p_scale = p_sum == 0.0f ? 0.0f : sgl::divide(1.0f, p_sum);
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

// One team for each b < batch, h_group < num_qo_heads // 4.
template <class T, class index_t, int chunk, bool is_aligned, int turns, bool is_full>
__global__ void __launch_bounds__(256) paged_attention_decode_points_kernel(
    const paged_attention_decode_params params,
    const sgl::Launch launch,
    float* const p_acc_memory,
    float* const p_acc_lost_memory,
    float* const p_acc_part_memory) {
    const auto team = sgl::PartOf<turns != 0>::of(sgl::make_team(launch));
    if (team.item >= launch.teams) return;
    const T* __restrict__ const q = static_cast<const T*>(params.q);
    const T* __restrict__ const k_pool = static_cast<const T*>(params.k_pool);
    const T* __restrict__ const v_pool = static_cast<const T*>(params.v_pool);
    const int32_t* __restrict__ const kv_indptr = static_cast<const int32_t*>(params.kv_indptr);
    const int32_t* __restrict__ const kv_indices = static_cast<const int32_t*>(params.kv_indices);
    T* const out = static_cast<T*>(params.out);
    const index_t q_stride_0 = index_t(params.q_stride_0);
    const index_t q_stride_1 = index_t(params.q_stride_1);
    const index_t k_pool_stride_0 = index_t(params.k_pool_stride_0);
    const index_t k_pool_stride_1 = index_t(params.k_pool_stride_1);
    const index_t v_pool_stride_0 = index_t(params.v_pool_stride_0);
    const index_t v_pool_stride_1 = index_t(params.v_pool_stride_1);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t out_stride_1 = index_t(params.out_stride_1);
    const index_t num_qo_heads = index_t(params.num_qo_heads);
    const index_t head_dim = index_t(params.head_dim);
    const index_t pool_slots = index_t(params.pool_slots);
    const index_t num_kv_heads = index_t(params.num_kv_heads);
    const index_t entries = index_t(params.entries);
    const float sm_scale = params.sm_scale;

    const index_t b = index_t(team.item) / (num_qo_heads / 4);
    const index_t h_group = index_t(team.item) % (num_qo_heads / 4);
    sgl::wait_for_inputs();
    const index_t h_0 = h_group * 4;
    const index_t h_1 = h_group * 4 + 1;
    const index_t h_2 = h_group * 4 + 2;
    const index_t h_3 = h_group * 4 + 3;
    const index_t g = sgl::floor_divide(h_0, sgl::floor_divide(num_qo_heads, num_kv_heads));
    sgl::DealtRow<float, chunk, turns> p_acc_0(p_acc_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_1(p_acc_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_2(p_acc_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_3(p_acc_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_lost_0(p_acc_lost_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_lost_1(p_acc_lost_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_lost_2(p_acc_lost_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_lost_3(p_acc_lost_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_part_0(p_acc_part_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_part_1(p_acc_part_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_part_2(p_acc_part_memory + index_t(team.item) * head_dim);
    sgl::DealtRow<float, chunk, turns> p_acc_part_3(p_acc_part_memory + index_t(team.item) * head_dim);
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (!is_full && d_base >= head_dim) break;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t d = d_base + step;
            if (!is_aligned && d >= head_dim) break;
            p_acc_0.set(turn, step, d, 0.0f);
            p_acc_1.set(turn, step, d, 0.0f);
            p_acc_2.set(turn, step, d, 0.0f);
            p_acc_3.set(turn, step, d, 0.0f);
            p_acc_lost_0.set(turn, step, d, 0.0f);
            p_acc_lost_1.set(turn, step, d, 0.0f);
            p_acc_lost_2.set(turn, step, d, 0.0f);
            p_acc_lost_3.set(turn, step, d, 0.0f);
        }
    }
    float p_max_own = -CUDART_INF_F;
    float p_sum_own = 0.0f;
    float p_sum_lost_own = 0.0f;
    const index_t j_begin = index_t(sgl::load(kv_indptr, b));
    const index_t j_end = index_t(sgl::load(kv_indptr, b + 1));
    const int64_t j_first = sgl::maximum(sgl::to_i64(j_begin),
            sgl::minimum(-1, sgl::wrapping_subtract(sgl::to_i64(j_end), 1)));
    const int64_t j_last = sgl::minimum(sgl::to_i64(j_end),
            sgl::wrapping_add(sgl::maximum(0 < head_dim ? sgl::to_i64(entries) : 4611686018427387904,
            j_first), 1));
    using Ahead = sgl::Ahead<is_aligned && turns == 1 && sizeof(T) * chunk <= 16, 256, 8>;
    __shared__ uint4 ahead_memory[Ahead::count];
    const Ahead ahead(ahead_memory);
    if (Ahead::is_on
            && 0 < sgl::floor_divide(sgl::wrapping_add(sgl::floor_divide(sgl::wrapping_add(sgl::wrapping_subtract(j_last, j_first), 15), 16), sgl::to_i64(index_t(team.parts) - 1)), sgl::to_i64(index_t(team.parts)))) {
        const int64_t j_block = sgl::wrapping_add(sgl::wrapping_multiply(int64_t(0),
                sgl::to_i64(index_t(team.parts))), sgl::to_i64(index_t(team.part)));
        const int64_t j_start = sgl::wrapping_add(j_first, sgl::wrapping_multiply(j_block, 16));
        SGL_UNROLL
        for (int term = 0; term < 4; ++term) {
            const int64_t j_place = sgl::wrapping_add(j_start, sgl::to_i64(index_t(0) * 4 + term));
            const int64_t j = sgl::minimum(j_place, sgl::wrapping_subtract(j_last, 1));
            const bool kv_indices_is_valid = 0 <= j && j < entries;
            const int32_t kv_indices_j = sgl::load_if(kv_indices_is_valid, kv_indices, j, int32_t(0));
            const index_t k_pool_at = index_t(kv_indices_j);
            const bool j_holds = kv_indices_is_valid && 0 <= k_pool_at && k_pool_at < pool_slots;
            const bool j_holds_2 = j_place < j_last && j_holds;
            SGL_UNROLL
            for (int turn = 0; turn < turns; ++turn) {
                const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (!is_full && d_base >= head_dim) break;
                ahead.template fetch<chunk>(term, j_holds, k_pool,
                        k_pool_at * k_pool_stride_0 + g * k_pool_stride_1 + d_base);
            }
            SGL_UNROLL
            for (int turn = 0; turn < turns; ++turn) {
                const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (!is_full && d_base >= head_dim) break;
                ahead.template fetch<chunk>(4 + term, j_holds_2, v_pool,
                        k_pool_at * v_pool_stride_0 + g * v_pool_stride_1 + d_base);
            }
        }
    }
    for (int64_t j_turn = 0; j_turn < sgl::floor_divide(sgl::wrapping_add(sgl::floor_divide(sgl::wrapping_add(sgl::wrapping_subtract(j_last, j_first), 15), 16), sgl::to_i64(index_t(team.parts) - 1)), sgl::to_i64(index_t(team.parts))); ++j_turn) {
        const int64_t j_block = sgl::wrapping_add(sgl::wrapping_multiply(j_turn,
                sgl::to_i64(index_t(team.parts))), sgl::to_i64(index_t(team.part)));
        const int64_t j_start = sgl::wrapping_add(j_first, sgl::wrapping_multiply(j_block, 16));
        float p_sum_part_own = 0.0f;
        SGL_UNROLL
        for (int turn = 0; turns == 0 || turn < turns; ++turn) {
            const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
            if (!is_full && d_base >= head_dim) break;
            SGL_UNROLL
            for (int step = 0; step < chunk; ++step) {
                const index_t d = d_base + step;
                if (!is_aligned && d >= head_dim) break;
                p_acc_part_0.set(turn, step, d, 0.0f);
                p_acc_part_1.set(turn, step, d, 0.0f);
                p_acc_part_2.set(turn, step, d, 0.0f);
                p_acc_part_3.set(turn, step, d, 0.0f);
            }
        }
        for (index_t j_round = 0; j_round < 4; ++j_round) {
            sgl::Held<T, chunk, is_aligned, turns> q_held;
            sgl::Held<T, chunk, is_aligned, turns> q_held_2;
            sgl::Held<T, chunk, is_aligned, turns> q_held_3;
            sgl::Held<T, chunk, is_aligned, turns> q_held_4;
            SGL_UNROLL
            for (int turn = 0; turn < turns; ++turn) {
                const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (!is_full && d_base >= head_dim) break;
                q_held.load(turn, q, b * q_stride_0 + h_0 * q_stride_1 + d_base, head_dim - d_base);
                q_held_2.load(turn, q, b * q_stride_0 + h_1 * q_stride_1 + d_base, head_dim - d_base);
                q_held_3.load(turn, q, b * q_stride_0 + h_2 * q_stride_1 + d_base, head_dim - d_base);
                q_held_4.load(turn, q, b * q_stride_0 + h_3 * q_stride_1 + d_base, head_dim - d_base);
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
            ahead.wait();
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
                    sgl::take_or_load(ahead, term, k_pool_held[term], j_holds[term], turn, k_pool,
                            k_pool_at[term] * k_pool_stride_0 + g * k_pool_stride_1 + d_base,
                            head_dim - d_base);
                }
                SGL_UNROLL
                for (int turn = 0; turn < turns; ++turn) {
                    const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_base >= head_dim) break;
                    sgl::take_or_load(ahead, 4 + term, v_pool_held[term], j_holds_4[term], turn, v_pool,
                            k_pool_at[term] * v_pool_stride_0 + g * v_pool_stride_1 + d_base,
                            head_dim - d_base);
                }
            }
            if (Ahead::is_on) {
                const index_t step_2 = j_round < 3 ? 4 : index_t(team.parts) * 16 - 12;
                SGL_UNROLL
                for (int term = 0; term < 4; ++term) {
                    const int64_t j_place_2 = sgl::wrapping_add(j_start,
                            sgl::to_i64(j_round * 4 + (term + step_2)));
                    const int64_t j_2 = sgl::minimum(j_place_2, sgl::wrapping_subtract(j_last, 1));
                    const bool kv_indices_is_valid_2 = 0 <= j_2 && j_2 < entries;
                    const int32_t kv_indices_j_2 = sgl::load_if(kv_indices_is_valid_2, kv_indices, j_2,
                            int32_t(0));
                    const index_t k_pool_at_2 = index_t(kv_indices_j_2);
                    const bool j_holds_5 = kv_indices_is_valid_2 && 0 <= k_pool_at_2
                            && k_pool_at_2 < pool_slots;
                    const bool j_holds_6 = j_place_2 < j_last && j_holds_5;
                    SGL_UNROLL
                    for (int turn = 0; turn < turns; ++turn) {
                        const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                        if (!is_full && d_base >= head_dim) break;
                        ahead.template fetch<chunk>(term, j_holds_5, k_pool,
                                k_pool_at_2 * k_pool_stride_0 + g * k_pool_stride_1 + d_base);
                    }
                    SGL_UNROLL
                    for (int turn = 0; turn < turns; ++turn) {
                        const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                        if (!is_full && d_base >= head_dim) break;
                        ahead.template fetch<chunk>(4 + term, j_holds_6, v_pool,
                                k_pool_at_2 * v_pool_stride_0 + g * v_pool_stride_1 + d_base);
                    }
                }
            }
            float j_sums[16];
            SGL_UNROLL
            for (int term = 0; term < 4; ++term) {
                sgl::Accumulator<sgl::Sum<float>> j_sum_d_summed_0_state;
                sgl::Accumulator<sgl::Sum<float>> j_sum_d_summed_1_state;
                sgl::Accumulator<sgl::Sum<float>> j_sum_d_summed_2_state;
                sgl::Accumulator<sgl::Sum<float>> j_sum_d_summed_3_state;
                SGL_UNROLL
                for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                    const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_base >= head_dim) break;
                    const auto q_chunk = q_held.get(turn, q, b * q_stride_0 + h_0 * q_stride_1 + d_base,
                            head_dim - d_base);
                    const auto q_chunk_2 = q_held_2.get(turn, q, b * q_stride_0 + h_1 * q_stride_1 + d_base,
                            head_dim - d_base);
                    const auto q_chunk_3 = q_held_3.get(turn, q, b * q_stride_0 + h_2 * q_stride_1 + d_base,
                            head_dim - d_base);
                    const auto q_chunk_4 = q_held_4.get(turn, q, b * q_stride_0 + h_3 * q_stride_1 + d_base,
                            head_dim - d_base);
                    const auto k_pool_chunk = k_pool_held[term].get_if(j_holds[term], turn, k_pool,
                            k_pool_at[term] * k_pool_stride_0 + g * k_pool_stride_1 + d_base,
                            head_dim - d_base);
                    SGL_UNROLL
                    for (int step = 0; step < chunk; ++step) {
                        const index_t d = d_base + step;
                        if (!is_aligned && d >= head_dim) break;
                        j_sum_d_summed_0_state.add_product(d, q_chunk.get(step), k_pool_chunk.get(step));
                        j_sum_d_summed_1_state.add_product(d, q_chunk_2.get(step), k_pool_chunk.get(step));
                        j_sum_d_summed_2_state.add_product(d, q_chunk_3.get(step), k_pool_chunk.get(step));
                        j_sum_d_summed_3_state.add_product(d, q_chunk_4.get(step), k_pool_chunk.get(step));
                    }
                }
                j_sums[term] = j_sum_d_summed_0_state.result();
                j_sums[4 + term] = j_sum_d_summed_1_state.result();
                j_sums[8 + term] = j_sum_d_summed_2_state.result();
                j_sums[12 + term] = j_sum_d_summed_3_state.result();
            }
            const int64_t j_place_own = sgl::wrapping_add(j_start,
                    sgl::to_i64(j_round * 4 + index_t(team.lane % 4)));
            const int64_t j_own = sgl::minimum(j_place_own, sgl::wrapping_subtract(j_last, 1));
            const bool kv_indices_is_valid_own = 0 <= j_own && j_own < entries;
            const int32_t kv_indices_j_own = sgl::load_if(kv_indices_is_valid_own, kv_indices, j_own,
                    int32_t(0));
            const index_t k_pool_at_own = index_t(kv_indices_j_own);
            const bool j_holds_own = kv_indices_is_valid_own && 0 <= k_pool_at_own
                    && k_pool_at_own < pool_slots;
            const bool j_holds_own_2 = j_place_own < j_last && !j_holds_own;
            const bool j_holds_own_3 = j_holds_own || head_dim <= 0;
            const float j_sum_d_summed_own = sgl::own_sum(team, j_sums);
            const float sum_d_own = j_holds_own_3 ? j_sum_d_summed_own : CUDART_NAN_F;
            const float p_score_own = sm_scale * sum_d_own;
            const float j_scores_own = j_place_own < j_last ? p_score_own : -CUDART_INF_F;
            const float j_top_own = sgl::over_lanes<sgl::Max<float>, 4>(j_scores_own);
            const bool rises = !(j_top_own <= p_max_own + 1.0f);
            if (sgl::any_lane(rises)) {
                const float p_keep_own = rises ? sgl::exp(p_max_own - j_top_own) : 1.0f;
                p_sum_own = p_sum_own * p_keep_own;
                p_sum_lost_own = p_sum_lost_own * p_keep_own;
                p_sum_part_own = p_sum_part_own * p_keep_own;
                const float p_keep_0 = sgl::of_lane(team, p_keep_own, 0);
                SGL_UNROLL
                for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                    const index_t d_0_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_0_base >= head_dim) break;
                    SGL_UNROLL
                    for (int step = 0; step < chunk; ++step) {
                        const index_t d_0 = d_0_base + step;
                        if (!is_aligned && d_0 >= head_dim) break;
                        p_acc_0.set(turn, step, d_0, p_acc_0.get(turn, step, d_0) * p_keep_0);
                        p_acc_lost_0.set(turn, step, d_0, p_acc_lost_0.get(turn, step, d_0) * p_keep_0);
                        p_acc_part_0.set(turn, step, d_0, p_acc_part_0.get(turn, step, d_0) * p_keep_0);
                    }
                }
                const float p_keep_1 = sgl::of_lane(team, p_keep_own, 4);
                SGL_UNROLL
                for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                    const index_t d_1_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_1_base >= head_dim) break;
                    SGL_UNROLL
                    for (int step = 0; step < chunk; ++step) {
                        const index_t d_1 = d_1_base + step;
                        if (!is_aligned && d_1 >= head_dim) break;
                        p_acc_1.set(turn, step, d_1, p_acc_1.get(turn, step, d_1) * p_keep_1);
                        p_acc_lost_1.set(turn, step, d_1, p_acc_lost_1.get(turn, step, d_1) * p_keep_1);
                        p_acc_part_1.set(turn, step, d_1, p_acc_part_1.get(turn, step, d_1) * p_keep_1);
                    }
                }
                const float p_keep_2 = sgl::of_lane(team, p_keep_own, 8);
                SGL_UNROLL
                for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                    const index_t d_2_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_2_base >= head_dim) break;
                    SGL_UNROLL
                    for (int step = 0; step < chunk; ++step) {
                        const index_t d_2 = d_2_base + step;
                        if (!is_aligned && d_2 >= head_dim) break;
                        p_acc_2.set(turn, step, d_2, p_acc_2.get(turn, step, d_2) * p_keep_2);
                        p_acc_lost_2.set(turn, step, d_2, p_acc_lost_2.get(turn, step, d_2) * p_keep_2);
                        p_acc_part_2.set(turn, step, d_2, p_acc_part_2.get(turn, step, d_2) * p_keep_2);
                    }
                }
                const float p_keep_3 = sgl::of_lane(team, p_keep_own, 12);
                SGL_UNROLL
                for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                    const index_t d_3_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (!is_full && d_3_base >= head_dim) break;
                    SGL_UNROLL
                    for (int step = 0; step < chunk; ++step) {
                        const index_t d_3 = d_3_base + step;
                        if (!is_aligned && d_3 >= head_dim) break;
                        p_acc_3.set(turn, step, d_3, p_acc_3.get(turn, step, d_3) * p_keep_3);
                        p_acc_lost_3.set(turn, step, d_3, p_acc_lost_3.get(turn, step, d_3) * p_keep_3);
                        p_acc_part_3.set(turn, step, d_3, p_acc_part_3.get(turn, step, d_3) * p_keep_3);
                    }
                }
                p_max_own = rises ? j_top_own : p_max_own;
            }
            const float p_shift_own = p_max_own == -CUDART_INF_F ? 0.0f : p_max_own;
            const float j_weights_own = sgl::exp(j_scores_own - p_shift_own);
            p_sum_part_own = p_sum_part_own + sgl::over_lanes<sgl::Sum<float>, 4>(j_weights_own);
            const float d_weight_own = j_holds_own_2 ? CUDART_NAN_F : j_weights_own;
            float d_weights[16];
            sgl::every_lane(team, d_weight_own, d_weights);
            SGL_UNROLL
            for (int term = 0; term < 4; ++term) {
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
                        p_acc_part_0.set(turn, step, d,
                                sgl::multiply_add(d_weights[term], v_pool_chunk.get(step),
                                p_acc_part_0.get(turn, step, d)));
                        p_acc_part_1.set(turn, step, d,
                                sgl::multiply_add(d_weights[4 + term], v_pool_chunk.get(step),
                                p_acc_part_1.get(turn, step, d)));
                        p_acc_part_2.set(turn, step, d,
                                sgl::multiply_add(d_weights[8 + term], v_pool_chunk.get(step),
                                p_acc_part_2.get(turn, step, d)));
                        p_acc_part_3.set(turn, step, d,
                                sgl::multiply_add(d_weights[12 + term], v_pool_chunk.get(step),
                                p_acc_part_3.get(turn, step, d)));
                    }
                }
            }
        }
        const float p_sum_added_own = p_sum_part_own - p_sum_lost_own;
        const float p_sum_next_own = p_sum_own + p_sum_added_own;
        p_sum_lost_own = sgl::abs(p_sum_next_own) < CUDART_INF_F ? p_sum_next_own - p_sum_own
                - p_sum_added_own : 0.0f;
        p_sum_own = p_sum_next_own;
        SGL_UNROLL
        for (int turn = 0; turns == 0 || turn < turns; ++turn) {
            const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
            if (!is_full && d_base >= head_dim) break;
            SGL_UNROLL
            for (int step = 0; step < chunk; ++step) {
                const index_t d = d_base + step;
                if (!is_aligned && d >= head_dim) break;
                const float p_acc_added_0 = p_acc_part_0.get(turn, step, d) - p_acc_lost_0.get(turn, step, d);
                const float p_acc_added_1 = p_acc_part_1.get(turn, step, d) - p_acc_lost_1.get(turn, step, d);
                const float p_acc_added_2 = p_acc_part_2.get(turn, step, d) - p_acc_lost_2.get(turn, step, d);
                const float p_acc_added_3 = p_acc_part_3.get(turn, step, d) - p_acc_lost_3.get(turn, step, d);
                const float p_acc_next_0 = p_acc_0.get(turn, step, d) + p_acc_added_0;
                const float p_acc_next_1 = p_acc_1.get(turn, step, d) + p_acc_added_1;
                const float p_acc_next_2 = p_acc_2.get(turn, step, d) + p_acc_added_2;
                const float p_acc_next_3 = p_acc_3.get(turn, step, d) + p_acc_added_3;
                p_acc_lost_0.set(turn, step, d,
                        sgl::abs(p_acc_next_0) < CUDART_INF_F ? p_acc_next_0 - p_acc_0.get(turn, step, d)
                        - p_acc_added_0 : 0.0f);
                p_acc_lost_1.set(turn, step, d,
                        sgl::abs(p_acc_next_1) < CUDART_INF_F ? p_acc_next_1 - p_acc_1.get(turn, step, d)
                        - p_acc_added_1 : 0.0f);
                p_acc_lost_2.set(turn, step, d,
                        sgl::abs(p_acc_next_2) < CUDART_INF_F ? p_acc_next_2 - p_acc_2.get(turn, step, d)
                        - p_acc_added_2 : 0.0f);
                p_acc_lost_3.set(turn, step, d,
                        sgl::abs(p_acc_next_3) < CUDART_INF_F ? p_acc_next_3 - p_acc_3.get(turn, step, d)
                        - p_acc_added_3 : 0.0f);
                p_acc_0.set(turn, step, d, p_acc_next_0);
                p_acc_1.set(turn, step, d, p_acc_next_1);
                p_acc_2.set(turn, step, d, p_acc_next_2);
                p_acc_3.set(turn, step, d, p_acc_next_3);
            }
        }
    }
    const float p_max_own_of_parts = sgl::over_parts<sgl::Max<float>>(team, p_max_own);
    const float p_max_own_share = p_max_own == p_max_own_of_parts ? 1.0f
            : sgl::exp(p_max_own - p_max_own_of_parts);
    p_sum_own = sgl::over_parts<sgl::Sum<float>>(team, p_sum_own * p_max_own_share);
    const float p_sum_0 = sgl::of_lane(team, p_sum_own, 0);
    sgl::scale_part(team, sgl::of_lane(team, p_max_own_share, 0), p_acc_0);
    const float p_sum_1 = sgl::of_lane(team, p_sum_own, 4);
    sgl::scale_part(team, sgl::of_lane(team, p_max_own_share, 4), p_acc_1);
    const float p_sum_2 = sgl::of_lane(team, p_sum_own, 8);
    sgl::scale_part(team, sgl::of_lane(team, p_max_own_share, 8), p_acc_2);
    const float p_sum_3 = sgl::of_lane(team, p_sum_own, 12);
    sgl::scale_part(team, sgl::of_lane(team, p_max_own_share, 12), p_acc_3);
    sgl::add_parts(team, ahead, ahead_memory, p_acc_0, p_acc_1, p_acc_2, p_acc_3);
    if (team.part != 0) return;
    const float p_scale_0 = p_sum_0 == 0.0f ? 0.0f : sgl::divide(1.0f, p_sum_0);
    const float p_scale_1 = p_sum_1 == 0.0f ? 0.0f : sgl::divide(1.0f, p_sum_1);
    const float p_scale_2 = p_sum_2 == 0.0f ? 0.0f : sgl::divide(1.0f, p_sum_2);
    const float p_scale_3 = p_sum_3 == 0.0f ? 0.0f : sgl::divide(1.0f, p_sum_3);
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (!is_full && d_base >= head_dim) break;
        sgl::Chunk<T, chunk> out_chunk;
        sgl::Chunk<T, chunk> out_chunk_2;
        sgl::Chunk<T, chunk> out_chunk_3;
        sgl::Chunk<T, chunk> out_chunk_4;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t d = d_base + step;
            if (!is_aligned && d >= head_dim) break;
            out_chunk.set(step, p_acc_0.get(turn, step, d) * p_scale_0);
            out_chunk_2.set(step, p_acc_1.get(turn, step, d) * p_scale_1);
            out_chunk_3.set(step, p_acc_2.get(turn, step, d) * p_scale_2);
            out_chunk_4.set(step, p_acc_3.get(turn, step, d) * p_scale_3);
        }
        sgl::store_chunk<is_aligned>(out, b * out_stride_0 + h_0 * out_stride_1 + d_base, head_dim - d_base,
                out_chunk);
        sgl::store_chunk<is_aligned>(out, b * out_stride_0 + h_1 * out_stride_1 + d_base, head_dim - d_base,
                out_chunk_2);
        sgl::store_chunk<is_aligned>(out, b * out_stride_0 + h_2 * out_stride_1 + d_base, head_dim - d_base,
                out_chunk_3);
        sgl::store_chunk<is_aligned>(out, b * out_stride_0 + h_3 * out_stride_1 + d_base, head_dim - d_base,
                out_chunk_4);
    }
}

const void* const kernels[] = {
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int64_t, 4, false, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int64_t, 4, false, 4, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int64_t, 4, true, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int64_t, 4, true, 4, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int32_t, 4, false, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int32_t, 4, false, 4, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int32_t, 4, true, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int32_t, 4, true, 1, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int32_t, 4, true, 1, true>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int32_t, 4, true, 2, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int32_t, 4, true, 2, true>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int32_t, 4, true, 4, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<float, int32_t, 4, true, 4, true>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int64_t, 8, false, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int64_t, 8, false, 2, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int64_t, 8, true, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int64_t, 8, true, 2, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int32_t, 8, false, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int32_t, 8, false, 2, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int32_t, 8, true, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int32_t, 8, true, 1, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int32_t, 8, true, 1, true>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int32_t, 8, true, 2, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__half, int32_t, 8, true, 2, true>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int64_t, 8, false, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int64_t, 8, false, 2, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int64_t, 8, true, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int64_t, 8, true, 2, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int32_t, 8, false, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int32_t, 8, false, 2, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int32_t, 8, true, 0, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int32_t, 8, true, 1, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int32_t, 8, true, 1, true>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int32_t, 8, true, 2, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_kernel<__nv_bfloat16, int32_t, 8, true, 2, true>),
    reinterpret_cast<const void*>(&paged_attention_decode_points_kernel<float, int32_t, 4, true, 1, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_points_kernel<float, int32_t, 4, true, 1, true>),
    reinterpret_cast<const void*>(&paged_attention_decode_points_kernel<__half, int32_t, 8, true, 1, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_points_kernel<__half, int32_t, 8, true, 1, true>),
    reinterpret_cast<const void*>(&paged_attention_decode_points_kernel<__nv_bfloat16, int32_t, 8, true, 1, false>),
    reinterpret_cast<const void*>(&paged_attention_decode_points_kernel<__nv_bfloat16, int32_t, 8, true, 1, true>),
};

}  // namespace

extern "C" const void* sgl_cuda_paged_attention_decode(int position) {
    return kernels[position];
}

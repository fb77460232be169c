// rope_pool_fused: Rotate queries and keys, and write the rotated keys and the values into their pools.
// Generated from specs/rope/rope_pool_fused.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct rope_pool_fused_params {
    int64_t q_stride_0;
    int64_t q_stride_1;
    int64_t k_stride_0;
    int64_t k_stride_1;
    int64_t v_stride_0;
    int64_t v_stride_1;
    int64_t k_pool_stride_0;
    int64_t k_pool_stride_1;
    int64_t v_pool_stride_0;
    int64_t v_pool_stride_1;
    int64_t q_rot_stride_0;
    int64_t q_rot_stride_1;
    int64_t k_rot_stride_0;
    int64_t k_rot_stride_1;
    int64_t tokens;
    int64_t num_qo_heads;
    int64_t head_dim;
    int64_t num_kv_heads;
    int64_t pool_slots;
    float rope_base;
};

constant int rope_pool_fused_kernel_num_qo_heads [[function_constant(0)]];
constant int rope_pool_fused_kernel_head_dim [[function_constant(1)]];
constant int rope_pool_fused_kernel_num_kv_heads [[function_constant(2)]];

// One team for each t < tokens.
template <class T, class index_t, int chunk, bool is_aligned>
[[kernel, max_total_threads_per_threadgroup(128)]] void rope_pool_fused_kernel(
    device const T* q [[buffer(0)]],
    device const T* k [[buffer(1)]],
    device const T* v [[buffer(2)]],
    device const int32_t* positions [[buffer(3)]],
    device const int32_t* slots [[buffer(4)]],
    device T* k_pool [[buffer(5)]],
    device T* v_pool [[buffer(6)]],
    device T* q_rot [[buffer(7)]],
    device T* k_rot [[buffer(8)]],
    constant rope_pool_fused_params& params [[buffer(9)]],
    constant sgl::Launch& launch [[buffer(10)]],
    threadgroup uint32_t* exchange [[threadgroup(0)]],
    uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]],
    uint thread_index [[thread_index_in_threadgroup]]) {
    const sgl::Team team = sgl::make_team(launch, exchange, group, groups, thread_index);
    if (team.item >= launch.teams) return;
    const index_t q_stride_0 = index_t(params.q_stride_0);
    const index_t q_stride_1 = index_t(params.q_stride_1);
    const index_t k_stride_0 = index_t(params.k_stride_0);
    const index_t k_stride_1 = index_t(params.k_stride_1);
    const index_t v_stride_0 = index_t(params.v_stride_0);
    const index_t v_stride_1 = index_t(params.v_stride_1);
    const index_t k_pool_stride_0 = index_t(params.k_pool_stride_0);
    const index_t k_pool_stride_1 = index_t(params.k_pool_stride_1);
    const index_t v_pool_stride_0 = index_t(params.v_pool_stride_0);
    const index_t v_pool_stride_1 = index_t(params.v_pool_stride_1);
    const index_t q_rot_stride_0 = index_t(params.q_rot_stride_0);
    const index_t q_rot_stride_1 = index_t(params.q_rot_stride_1);
    const index_t k_rot_stride_0 = index_t(params.k_rot_stride_0);
    const index_t k_rot_stride_1 = index_t(params.k_rot_stride_1);
    const index_t num_qo_heads = sgl::size<index_t>(rope_pool_fused_kernel_num_qo_heads, params.num_qo_heads);
    const index_t head_dim = sgl::size<index_t>(rope_pool_fused_kernel_head_dim, params.head_dim);
    const index_t num_kv_heads = sgl::size<index_t>(rope_pool_fused_kernel_num_kv_heads, params.num_kv_heads);
    const index_t pool_slots = index_t(params.pool_slots);
    const float rope_base = params.rope_base;

    const index_t t = index_t(team.item);
    const int32_t slots_t = sgl::load(slots, t);
    const index_t k_pool_at = index_t(slots_t);
    const int32_t positions_t = sgl::load(positions, t);
    const float log2_rope_base = sgl::log2(rope_base);
    {
        const sgl::Share share = sgl::split_team(team, (head_dim / 2), chunk);
        for (index_t i_base = share.lane * chunk; i_base < (head_dim / 2); i_base += share.lanes * chunk) {
            float c[chunk];
            float s[chunk];
            SGL_UNROLL
            for (int step = 0; step < chunk; ++step) {
                const index_t i = i_base + step;
                if (!is_aligned && i >= (head_dim / 2)) break;
                const float angle = float(positions_t)
                        * sgl::exp2(float(-2 * i) * log2_rope_base / float(head_dim));
                c[step] = sgl::cos(angle);
                s[step] = sgl::sin(angle);
            }
            for (index_t h = share.number; h < num_qo_heads; h += share.count) {
                const auto q_chunk = sgl::load_chunk<chunk, is_aligned>(q,
                        t * q_stride_0 + h * q_stride_1 + i_base, (head_dim / 2) - i_base);
                const auto q_chunk_2 = sgl::load_chunk<chunk, is_aligned>(q,
                        t * q_stride_0 + h * q_stride_1 + (i_base + head_dim / 2), (head_dim / 2) - i_base);
                sgl::Chunk<T, chunk> q_rot_chunk;
                sgl::Chunk<T, chunk> q_rot_chunk_2;
                SGL_UNROLL
                for (int step = 0; step < chunk; ++step) {
                    const index_t i = i_base + step;
                    if (!is_aligned && i >= (head_dim / 2)) break;
                    const float q_t_h = q_chunk.get(step);
                    const float q_t_h_2 = q_chunk_2.get(step);
                    q_rot_chunk.set(step, q_t_h * c[step] - q_t_h_2 * s[step]);
                    q_rot_chunk_2.set(step, q_t_h * s[step] + q_t_h_2 * c[step]);
                }
                sgl::store_chunk<is_aligned>(q_rot, t * q_rot_stride_0 + h * q_rot_stride_1 + i_base,
                        (head_dim / 2) - i_base, q_rot_chunk);
                sgl::store_chunk<is_aligned>(q_rot,
                        t * q_rot_stride_0 + h * q_rot_stride_1 + (i_base + head_dim / 2),
                        (head_dim / 2) - i_base, q_rot_chunk_2);
            }
            for (index_t h = share.number; h < num_kv_heads; h += share.count) {
                const auto k_chunk = sgl::load_chunk<chunk, is_aligned>(k,
                        t * k_stride_0 + h * k_stride_1 + i_base, (head_dim / 2) - i_base);
                const auto k_chunk_2 = sgl::load_chunk<chunk, is_aligned>(k,
                        t * k_stride_0 + h * k_stride_1 + (i_base + head_dim / 2), (head_dim / 2) - i_base);
                sgl::Chunk<T, chunk> k_rot_chunk;
                sgl::Chunk<T, chunk> k_rot_chunk_2;
                SGL_UNROLL
                for (int step = 0; step < chunk; ++step) {
                    const index_t i = i_base + step;
                    if (!is_aligned && i >= (head_dim / 2)) break;
                    const float k_t_h = k_chunk.get(step);
                    const float k_t_h_2 = k_chunk_2.get(step);
                    k_rot_chunk.set(step, k_t_h * c[step] - k_t_h_2 * s[step]);
                    k_rot_chunk_2.set(step, k_t_h * s[step] + k_t_h_2 * c[step]);
                }
                if (slots_t >= 0) {
                    if (0 <= k_pool_at && k_pool_at < pool_slots) {
                        sgl::Chunk<T, chunk> k_pool_chunk;
                        sgl::Chunk<T, chunk> k_pool_chunk_2;
                        SGL_UNROLL
                        for (int step = 0; step < chunk; ++step) {
                            const index_t i = i_base + step;
                            if (!is_aligned && i >= (head_dim / 2)) break;
                            k_pool_chunk.set(step, k_rot_chunk.get(step));
                            k_pool_chunk_2.set(step, k_rot_chunk_2.get(step));
                        }
                        sgl::store_chunk<is_aligned>(k_pool,
                                k_pool_at * k_pool_stride_0 + h * k_pool_stride_1 + i_base,
                                (head_dim / 2) - i_base, k_pool_chunk);
                        sgl::store_chunk<is_aligned>(k_pool,
                                k_pool_at * k_pool_stride_0 + h * k_pool_stride_1 + (i_base + head_dim / 2),
                                (head_dim / 2) - i_base, k_pool_chunk_2);
                    }
                }
                sgl::store_chunk<is_aligned>(k_rot, t * k_rot_stride_0 + h * k_rot_stride_1 + i_base,
                        (head_dim / 2) - i_base, k_rot_chunk);
                sgl::store_chunk<is_aligned>(k_rot,
                        t * k_rot_stride_0 + h * k_rot_stride_1 + (i_base + head_dim / 2),
                        (head_dim / 2) - i_base, k_rot_chunk_2);
            }
        }
    }
    {
        const sgl::Share share = sgl::split_team(team, head_dim, chunk);
        for (index_t h = share.number; h < num_kv_heads; h += share.count) {
            for (index_t d_base = share.lane * chunk; d_base < head_dim; d_base += share.lanes * chunk) {
                if (slots_t >= 0) {
                    if (0 <= k_pool_at && k_pool_at < pool_slots) {
                        const auto v_chunk = sgl::load_chunk<chunk, is_aligned>(v,
                                t * v_stride_0 + h * v_stride_1 + d_base, head_dim - d_base);
                        sgl::Chunk<T, chunk> v_pool_chunk;
                        SGL_UNROLL
                        for (int step = 0; step < chunk; ++step) {
                            const index_t d = d_base + step;
                            if (!is_aligned && d >= head_dim) break;
                            v_pool_chunk.set(step, v_chunk.get(step));
                        }
                        sgl::store_chunk<is_aligned>(v_pool,
                                k_pool_at * v_pool_stride_0 + h * v_pool_stride_1 + d_base, head_dim - d_base,
                                v_pool_chunk);
                    }
                }
            }
        }
    }
}

SGL_KERNEL("rope_pool_fused_f32_wide", rope_pool_fused_kernel<float, int64_t, 4, false>)
SGL_KERNEL("rope_pool_fused_f32_aligned_wide", rope_pool_fused_kernel<float, int64_t, 4, true>)
SGL_KERNEL("rope_pool_fused_f32", rope_pool_fused_kernel<float, int32_t, 4, false>)
SGL_KERNEL("rope_pool_fused_f32_aligned", rope_pool_fused_kernel<float, int32_t, 4, true>)
SGL_KERNEL("rope_pool_fused_f16_wide", rope_pool_fused_kernel<half, int64_t, 8, false>)
SGL_KERNEL("rope_pool_fused_f16_aligned_wide", rope_pool_fused_kernel<half, int64_t, 8, true>)
SGL_KERNEL("rope_pool_fused_f16", rope_pool_fused_kernel<half, int32_t, 8, false>)
SGL_KERNEL("rope_pool_fused_f16_aligned", rope_pool_fused_kernel<half, int32_t, 8, true>)
SGL_KERNEL("rope_pool_fused_bf16_wide", rope_pool_fused_kernel<bfloat, int64_t, 8, false>)
SGL_KERNEL("rope_pool_fused_bf16_aligned_wide", rope_pool_fused_kernel<bfloat, int64_t, 8, true>)
SGL_KERNEL("rope_pool_fused_bf16", rope_pool_fused_kernel<bfloat, int32_t, 8, false>)
SGL_KERNEL("rope_pool_fused_bf16_aligned", rope_pool_fused_kernel<bfloat, int32_t, 8, true>)

// rope_pool_fused: Rotate queries and keys, and write the rotated keys and the values into their pools.
// Generated from specs/rope/rope_pool_fused.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "rope_pool_fused_params.h"

namespace {

// One team for each t < tokens.
template <class T, class index_t, int chunk, bool is_aligned>
__global__ void __launch_bounds__(sgl::kMostLanes, sgl::least_blocks(0)) rope_pool_fused_kernel(
    const rope_pool_fused_params params,
    const sgl::Launch launch) {
    const sgl::Team team = sgl::make_team(launch);
    if (team.item >= launch.teams) return;
    const T* __restrict__ const q = static_cast<const T*>(params.q);
    const T* __restrict__ const k = static_cast<const T*>(params.k);
    const T* __restrict__ const v = static_cast<const T*>(params.v);
    const int32_t* __restrict__ const positions = static_cast<const int32_t*>(params.positions);
    const int32_t* __restrict__ const slots = static_cast<const int32_t*>(params.slots);
    T* const k_pool = static_cast<T*>(params.k_pool);
    T* const v_pool = static_cast<T*>(params.v_pool);
    T* const q_rot = static_cast<T*>(params.q_rot);
    T* const k_rot = static_cast<T*>(params.k_rot);
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
    const index_t num_qo_heads = index_t(params.num_qo_heads);
    const index_t head_dim = index_t(params.head_dim);
    const index_t num_kv_heads = index_t(params.num_kv_heads);
    const index_t pool_slots = index_t(params.pool_slots);
    const float rope_base = params.rope_base;

    const index_t t = index_t(team.item);
    sgl::wait_for_inputs();
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
                        * sgl::exp2(sgl::divide(float(-2 * i) * log2_rope_base, float(head_dim)));
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

const void* const kernels[] = {
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<float, int64_t, 4, false>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<float, int64_t, 4, true>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<float, int32_t, 4, false>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<float, int32_t, 4, true>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<__half, int64_t, 8, false>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<__half, int64_t, 8, true>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<__half, int32_t, 8, false>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<__half, int32_t, 8, true>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<__nv_bfloat16, int64_t, 8, false>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<__nv_bfloat16, int64_t, 8, true>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<__nv_bfloat16, int32_t, 8, false>),
    reinterpret_cast<const void*>(&rope_pool_fused_kernel<__nv_bfloat16, int32_t, 8, true>),
};

}  // namespace

extern "C" const void* sgl_cuda_rope_pool_fused(int position) {
    return kernels[position];
}

// rotary_embedding: Rotate queries and keys in place, by the cosines and sines of a table.
// Generated from specs/rope/rotary_embedding.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "rotary_embedding_params.h"

namespace {

// One team for each t < tokens, h < heads + kv_heads.
template <class T, class I, class index_t, int chunk, bool is_aligned, int turns>
__global__ void __launch_bounds__(sgl::kMostLanes, sgl::least_blocks(is_aligned ? turns * 12 : 0)) rotary_embedding_kernel(
    const rotary_embedding_params params,
    const sgl::Launch launch) {
    const sgl::Team team = sgl::make_team(launch);
    if (team.item >= launch.teams) return;
    const I* __restrict__ const positions = static_cast<const I*>(params.positions);
    T* const query = static_cast<T*>(params.query);
    T* const key = static_cast<T*>(params.key);
    const T* __restrict__ const cos_sin_cache = static_cast<const T*>(params.cos_sin_cache);
    const index_t query_stride_0 = index_t(params.query_stride_0);
    const index_t key_stride_0 = index_t(params.key_stride_0);
    const index_t cos_sin_cache_stride_0 = index_t(params.cos_sin_cache_stride_0);
    const index_t heads = index_t(params.heads);
    const index_t head_size = index_t(params.head_size);
    const index_t kv_heads = index_t(params.kv_heads);
    const index_t max_position = index_t(params.max_position);
    const index_t pairs = index_t(params.pairs);
    const bool is_neox = params.is_neox != 0;
    const bool has_key = sgl::is_given(launch, 0);

    const index_t t = index_t(team.item) / (heads + kv_heads);
    const index_t h = index_t(team.item) % (heads + kv_heads);
    sgl::wait_for_inputs();
    if (h < heads) {
        if (is_neox) {
            sgl::Held<T, chunk, is_aligned, turns> query_held;
            sgl::Held<T, chunk, is_aligned, turns> query_held_2;
            SGL_UNROLL
            for (int turn = 0; turn < turns; ++turn) {
                const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (i_base >= pairs) break;
                query_held.load(turn, query, t * query_stride_0 + (h * head_size + i_base), pairs - i_base);
                query_held_2.load(turn, query, t * query_stride_0 + (h * head_size + i_base + pairs),
                        pairs - i_base);
            }
            const int64_t cos_sin_cache_at = int64_t(sgl::load(positions, t));
            sgl::Held<T, chunk, is_aligned, turns> cos_sin_cache_held;
            sgl::Held<T, chunk, is_aligned, turns> cos_sin_cache_held_2;
            SGL_UNROLL
            for (int turn = 0; turn < turns; ++turn) {
                const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (i_base >= pairs) break;
                cos_sin_cache_held.load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, turn,
                        cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + i_base, pairs - i_base);
                cos_sin_cache_held_2.load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, turn,
                        cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + (i_base + pairs),
                        pairs - i_base);
            }
            SGL_UNROLL
            for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (i_base >= pairs) break;
                const auto query_chunk = query_held.get(turn, query,
                        t * query_stride_0 + (h * head_size + i_base), pairs - i_base);
                const auto query_chunk_2 = query_held_2.get(turn, query,
                        t * query_stride_0 + (h * head_size + i_base + pairs), pairs - i_base);
                const auto cos_sin_cache_chunk = cos_sin_cache_held.get_if(0 <= cos_sin_cache_at
                        && cos_sin_cache_at < max_position, turn, cos_sin_cache,
                        cos_sin_cache_at * cos_sin_cache_stride_0 + i_base, pairs - i_base);
                const auto cos_sin_cache_chunk_2 = cos_sin_cache_held_2.get_if(0 <= cos_sin_cache_at
                        && cos_sin_cache_at < max_position, turn, cos_sin_cache,
                        cos_sin_cache_at * cos_sin_cache_stride_0 + (i_base + pairs), pairs - i_base);
                sgl::Chunk<T, chunk> query_chunk_3;
                sgl::Chunk<T, chunk> query_chunk_4;
                SGL_UNROLL
                for (int step = 0; step < chunk; ++step) {
                    const index_t i = i_base + step;
                    if (!is_aligned && i >= pairs) break;
                    const float c = 0 <= cos_sin_cache_at && cos_sin_cache_at < max_position
                            ? cos_sin_cache_chunk.get(step) : CUDART_NAN_F;
                    const float s = 0 <= cos_sin_cache_at && cos_sin_cache_at < max_position
                            ? cos_sin_cache_chunk_2.get(step) : CUDART_NAN_F;
                    const float x = query_chunk.get(step);
                    const float y = query_chunk_2.get(step);
                    query_chunk_3.set(step, x * c - y * s);
                    query_chunk_4.set(step, y * c + x * s);
                }
                sgl::store_chunk<is_aligned>(query, t * query_stride_0 + (h * head_size + i_base),
                        pairs - i_base, query_chunk_3);
                sgl::store_chunk<is_aligned>(query, t * query_stride_0 + (h * head_size + i_base + pairs),
                        pairs - i_base, query_chunk_4);
            }
        } else {
            const int64_t cos_sin_cache_at = int64_t(sgl::load(positions, t));
            sgl::Held<T, chunk, is_aligned, turns> cos_sin_cache_held;
            sgl::Held<T, chunk, is_aligned, turns> cos_sin_cache_held_2;
            SGL_UNROLL
            for (int turn = 0; turn < turns; ++turn) {
                const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (i_base >= pairs) break;
                cos_sin_cache_held.load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, turn,
                        cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + i_base, pairs - i_base);
                cos_sin_cache_held_2.load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, turn,
                        cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + (i_base + pairs),
                        pairs - i_base);
            }
            SGL_UNROLL
            for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                if (i_base >= pairs) break;
                const auto cos_sin_cache_chunk = cos_sin_cache_held.get_if(0 <= cos_sin_cache_at
                        && cos_sin_cache_at < max_position, turn, cos_sin_cache,
                        cos_sin_cache_at * cos_sin_cache_stride_0 + i_base, pairs - i_base);
                const auto cos_sin_cache_chunk_2 = cos_sin_cache_held_2.get_if(0 <= cos_sin_cache_at
                        && cos_sin_cache_at < max_position, turn, cos_sin_cache,
                        cos_sin_cache_at * cos_sin_cache_stride_0 + (i_base + pairs), pairs - i_base);
                SGL_UNROLL
                for (int step = 0; step < chunk; ++step) {
                    const index_t i = i_base + step;
                    if (!is_aligned && i >= pairs) break;
                    const float c = 0 <= cos_sin_cache_at && cos_sin_cache_at < max_position
                            ? cos_sin_cache_chunk.get(step) : CUDART_NAN_F;
                    const float s = 0 <= cos_sin_cache_at && cos_sin_cache_at < max_position
                            ? cos_sin_cache_chunk_2.get(step) : CUDART_NAN_F;
                    const float x = sgl::load(query, t * query_stride_0 + (h * head_size + 2 * i));
                    const float y = sgl::load(query, t * query_stride_0 + (h * head_size + 2 * i + 1));
                    sgl::store(query, t * query_stride_0 + (h * head_size + 2 * i), x * c - y * s);
                    sgl::store(query, t * query_stride_0 + (h * head_size + 2 * i + 1), y * c + x * s);
                }
            }
        }
    } else {
        if (has_key) {
            if (is_neox) {
                sgl::Held<T, chunk, is_aligned, turns> key_held;
                sgl::Held<T, chunk, is_aligned, turns> key_held_2;
                SGL_UNROLL
                for (int turn = 0; turn < turns; ++turn) {
                    const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (i_base >= pairs) break;
                    key_held.load(turn, key, t * key_stride_0 + ((h - heads) * head_size + i_base),
                            pairs - i_base);
                    key_held_2.load(turn, key, t * key_stride_0 + ((h - heads) * head_size + i_base + pairs),
                            pairs - i_base);
                }
                const int64_t cos_sin_cache_at = int64_t(sgl::load(positions, t));
                sgl::Held<T, chunk, is_aligned, turns> cos_sin_cache_held;
                sgl::Held<T, chunk, is_aligned, turns> cos_sin_cache_held_2;
                SGL_UNROLL
                for (int turn = 0; turn < turns; ++turn) {
                    const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (i_base >= pairs) break;
                    cos_sin_cache_held.load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, turn,
                            cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + i_base,
                            pairs - i_base);
                    cos_sin_cache_held_2.load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position,
                            turn, cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + (i_base + pairs),
                            pairs - i_base);
                }
                SGL_UNROLL
                for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                    const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (i_base >= pairs) break;
                    const auto key_chunk = key_held.get(turn, key,
                            t * key_stride_0 + ((h - heads) * head_size + i_base), pairs - i_base);
                    const auto key_chunk_2 = key_held_2.get(turn, key,
                            t * key_stride_0 + ((h - heads) * head_size + i_base + pairs), pairs - i_base);
                    const auto cos_sin_cache_chunk = cos_sin_cache_held.get_if(0 <= cos_sin_cache_at
                            && cos_sin_cache_at < max_position, turn, cos_sin_cache,
                            cos_sin_cache_at * cos_sin_cache_stride_0 + i_base, pairs - i_base);
                    const auto cos_sin_cache_chunk_2 = cos_sin_cache_held_2.get_if(0 <= cos_sin_cache_at
                            && cos_sin_cache_at < max_position, turn, cos_sin_cache,
                            cos_sin_cache_at * cos_sin_cache_stride_0 + (i_base + pairs), pairs - i_base);
                    sgl::Chunk<T, chunk> key_chunk_3;
                    sgl::Chunk<T, chunk> key_chunk_4;
                    SGL_UNROLL
                    for (int step = 0; step < chunk; ++step) {
                        const index_t i = i_base + step;
                        if (!is_aligned && i >= pairs) break;
                        const float c = 0 <= cos_sin_cache_at && cos_sin_cache_at < max_position
                                ? cos_sin_cache_chunk.get(step) : CUDART_NAN_F;
                        const float s = 0 <= cos_sin_cache_at && cos_sin_cache_at < max_position
                                ? cos_sin_cache_chunk_2.get(step) : CUDART_NAN_F;
                        const float x = key_chunk.get(step);
                        const float y = key_chunk_2.get(step);
                        key_chunk_3.set(step, x * c - y * s);
                        key_chunk_4.set(step, y * c + x * s);
                    }
                    sgl::store_chunk<is_aligned>(key, t * key_stride_0 + ((h - heads) * head_size + i_base),
                            pairs - i_base, key_chunk_3);
                    sgl::store_chunk<is_aligned>(key,
                            t * key_stride_0 + ((h - heads) * head_size + i_base + pairs), pairs - i_base,
                            key_chunk_4);
                }
            } else {
                const int64_t cos_sin_cache_at = int64_t(sgl::load(positions, t));
                sgl::Held<T, chunk, is_aligned, turns> cos_sin_cache_held;
                sgl::Held<T, chunk, is_aligned, turns> cos_sin_cache_held_2;
                SGL_UNROLL
                for (int turn = 0; turn < turns; ++turn) {
                    const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (i_base >= pairs) break;
                    cos_sin_cache_held.load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, turn,
                            cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + i_base,
                            pairs - i_base);
                    cos_sin_cache_held_2.load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position,
                            turn, cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + (i_base + pairs),
                            pairs - i_base);
                }
                SGL_UNROLL
                for (int turn = 0; turns == 0 || turn < turns; ++turn) {
                    const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
                    if (i_base >= pairs) break;
                    const auto cos_sin_cache_chunk = cos_sin_cache_held.get_if(0 <= cos_sin_cache_at
                            && cos_sin_cache_at < max_position, turn, cos_sin_cache,
                            cos_sin_cache_at * cos_sin_cache_stride_0 + i_base, pairs - i_base);
                    const auto cos_sin_cache_chunk_2 = cos_sin_cache_held_2.get_if(0 <= cos_sin_cache_at
                            && cos_sin_cache_at < max_position, turn, cos_sin_cache,
                            cos_sin_cache_at * cos_sin_cache_stride_0 + (i_base + pairs), pairs - i_base);
                    SGL_UNROLL
                    for (int step = 0; step < chunk; ++step) {
                        const index_t i = i_base + step;
                        if (!is_aligned && i >= pairs) break;
                        const float c = 0 <= cos_sin_cache_at && cos_sin_cache_at < max_position
                                ? cos_sin_cache_chunk.get(step) : CUDART_NAN_F;
                        const float s = 0 <= cos_sin_cache_at && cos_sin_cache_at < max_position
                                ? cos_sin_cache_chunk_2.get(step) : CUDART_NAN_F;
                        const float x = sgl::load(key, t * key_stride_0 + ((h - heads) * head_size + 2 * i));
                        const float y = sgl::load(key,
                                t * key_stride_0 + ((h - heads) * head_size + 2 * i + 1));
                        sgl::store(key, t * key_stride_0 + ((h - heads) * head_size + 2 * i), x * c - y * s);
                        sgl::store(key, t * key_stride_0 + ((h - heads) * head_size + 2 * i + 1),
                                y * c + x * s);
                    }
                }
            }
        }
    }
}

const void* const kernels[] = {
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int64_t, int64_t, 4, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int64_t, int64_t, 4, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int64_t, int64_t, 4, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int64_t, int32_t, 4, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int64_t, int32_t, 4, false, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int64_t, int32_t, 4, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int64_t, int32_t, 4, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int32_t, int64_t, 4, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int32_t, int64_t, 4, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int32_t, int64_t, 4, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int32_t, int32_t, 4, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int32_t, int32_t, 4, false, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int32_t, int32_t, 4, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<float, int32_t, int32_t, 4, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int64_t, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int64_t, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int64_t, int64_t, 8, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int64_t, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int64_t, int32_t, 8, false, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int64_t, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int64_t, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int32_t, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int32_t, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int32_t, int64_t, 8, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int32_t, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int32_t, int32_t, 8, false, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int32_t, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__half, int32_t, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int64_t, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int64_t, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int64_t, int64_t, 8, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int64_t, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int64_t, int32_t, 8, false, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int64_t, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int64_t, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int32_t, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int32_t, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int32_t, int64_t, 8, true, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int32_t, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int32_t, int32_t, 8, false, 1>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int32_t, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&rotary_embedding_kernel<__nv_bfloat16, int32_t, int32_t, 8, true, 1>),
};

}  // namespace

extern "C" const void* sgl_cuda_rotary_embedding(int position) {
    return kernels[position];
}

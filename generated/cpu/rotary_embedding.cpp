// rotary_embedding: Rotate queries and keys in place, by the cosines and sines of a table.
// Generated from specs/rope/rotary_embedding.yaml. Do not edit.
#include "runtime.h"
#include "rotary_embedding_params.h"

namespace {

template <class T, class I>
void run(const rotary_embedding_params& params) {
    const I* const positions = static_cast<const I*>(params.positions);
    T* const query = static_cast<T*>(params.query);
    const int64_t query_stride_0 = params.query_stride_0;
    T* const key = static_cast<T*>(params.key);
    const int64_t key_stride_0 = params.key_stride_0;
    const T* const cos_sin_cache = static_cast<const T*>(params.cos_sin_cache);
    const int64_t cos_sin_cache_stride_0 = params.cos_sin_cache_stride_0;
    const int64_t tokens = params.tokens;
    const int64_t heads = params.heads;
    const int64_t head_size = params.head_size;
    const int64_t kv_heads = params.kv_heads;
    const int64_t max_position = params.max_position;
    const int64_t pairs = params.pairs;
    const bool is_neox = params.is_neox != 0;

    sgl::parallel_for(tokens * (heads + kv_heads), tokens * (heads + kv_heads), [=](int64_t item) {
        const int64_t t = item / (heads + kv_heads);
        const int64_t h = item % (heads + kv_heads);
        if (h < heads) {
            if (is_neox) {
                const int64_t cos_sin_cache_at = sgl::to_i64(sgl::load(positions, t));
                sgl::for_lanes(0, pairs, [&](auto i) SGL_BODY {
                    const auto c = sgl::load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + i, __builtin_nanf(""));
                    const auto s = sgl::load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + (i + pairs), __builtin_nanf(""));
                    const auto x = sgl::load(query, t * query_stride_0 + (h * head_size + i));
                    const auto y = sgl::load(query, t * query_stride_0 + (h * head_size + i + pairs));
                    sgl::store(query, t * query_stride_0 + (h * head_size + i), x * c - y * s);
                    sgl::store(query, t * query_stride_0 + (h * head_size + i + pairs), y * c + x * s);
                });
            } else {
                const int64_t cos_sin_cache_at = sgl::to_i64(sgl::load(positions, t));
                sgl::for_lanes(0, pairs, [&](auto i) SGL_BODY {
                    const auto c = sgl::load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + i, __builtin_nanf(""));
                    const auto s = sgl::load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + (i + pairs), __builtin_nanf(""));
                    const auto x = sgl::load(query, t * query_stride_0 + (h * head_size + 2 * i));
                    const auto y = sgl::load(query, t * query_stride_0 + (h * head_size + 2 * i + 1));
                    sgl::store(query, t * query_stride_0 + (h * head_size + 2 * i), x * c - y * s);
                    sgl::store(query, t * query_stride_0 + (h * head_size + 2 * i + 1), y * c + x * s);
                });
            }
        } else {
            if ((key != nullptr)) {
                if (is_neox) {
                    const int64_t cos_sin_cache_at = sgl::to_i64(sgl::load(positions, t));
                    sgl::for_lanes(0, pairs, [&](auto i) SGL_BODY {
                        const auto c = sgl::load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + i, __builtin_nanf(""));
                        const auto s = sgl::load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + (i + pairs), __builtin_nanf(""));
                        const auto x = sgl::load(key, t * key_stride_0 + ((h - heads) * head_size + i));
                        const auto y = sgl::load(key, t * key_stride_0 + ((h - heads) * head_size + i + pairs));
                        sgl::store(key, t * key_stride_0 + ((h - heads) * head_size + i), x * c - y * s);
                        sgl::store(key, t * key_stride_0 + ((h - heads) * head_size + i + pairs), y * c + x * s);
                    });
                } else {
                    const int64_t cos_sin_cache_at = sgl::to_i64(sgl::load(positions, t));
                    sgl::for_lanes(0, pairs, [&](auto i) SGL_BODY {
                        const auto c = sgl::load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + i, __builtin_nanf(""));
                        const auto s = sgl::load_if(0 <= cos_sin_cache_at && cos_sin_cache_at < max_position, cos_sin_cache, cos_sin_cache_at * cos_sin_cache_stride_0 + (i + pairs), __builtin_nanf(""));
                        const auto x = sgl::load(key, t * key_stride_0 + ((h - heads) * head_size + 2 * i));
                        const auto y = sgl::load(key, t * key_stride_0 + ((h - heads) * head_size + 2 * i + 1));
                        sgl::store(key, t * key_stride_0 + ((h - heads) * head_size + 2 * i), x * c - y * s);
                        sgl::store(key, t * key_stride_0 + ((h - heads) * head_size + 2 * i + 1), y * c + x * s);
                    });
                }
            }
        }
    });
}

}  // namespace

SGL_CPU_ENTRY(rotary_embedding_f32_i64, rotary_embedding_params) {
    run<float, int64_t>(*params);
}
SGL_CPU_ENTRY(rotary_embedding_f32_i32, rotary_embedding_params) {
    run<float, int32_t>(*params);
}
SGL_CPU_ENTRY(rotary_embedding_f16_i64, rotary_embedding_params) {
    run<sgl::f16, int64_t>(*params);
}
SGL_CPU_ENTRY(rotary_embedding_f16_i32, rotary_embedding_params) {
    run<sgl::f16, int32_t>(*params);
}
SGL_CPU_ENTRY(rotary_embedding_bf16_i64, rotary_embedding_params) {
    run<sgl::bf16, int64_t>(*params);
}
SGL_CPU_ENTRY(rotary_embedding_bf16_i32, rotary_embedding_params) {
    run<sgl::bf16, int32_t>(*params);
}

// rope_pool_fused: Rotate queries and keys, and write the rotated keys and the values into their pools.
// Generated from specs/rope/rope_pool_fused.yaml. Do not edit.
#include "runtime.h"
#include "rope_pool_fused_params.h"

namespace {

template <class T>
void run(const rope_pool_fused_params& params) {
    const T* const q = static_cast<const T*>(params.q);
    const int64_t q_stride_0 = params.q_stride_0;
    const int64_t q_stride_1 = params.q_stride_1;
    const T* const k = static_cast<const T*>(params.k);
    const int64_t k_stride_0 = params.k_stride_0;
    const int64_t k_stride_1 = params.k_stride_1;
    const T* const v = static_cast<const T*>(params.v);
    const int64_t v_stride_0 = params.v_stride_0;
    const int64_t v_stride_1 = params.v_stride_1;
    const int32_t* const positions = static_cast<const int32_t*>(params.positions);
    const int32_t* const slots = static_cast<const int32_t*>(params.slots);
    T* const k_pool = static_cast<T*>(params.k_pool);
    const int64_t k_pool_stride_0 = params.k_pool_stride_0;
    const int64_t k_pool_stride_1 = params.k_pool_stride_1;
    T* const v_pool = static_cast<T*>(params.v_pool);
    const int64_t v_pool_stride_0 = params.v_pool_stride_0;
    const int64_t v_pool_stride_1 = params.v_pool_stride_1;
    T* const q_rot = static_cast<T*>(params.q_rot);
    const int64_t q_rot_stride_0 = params.q_rot_stride_0;
    const int64_t q_rot_stride_1 = params.q_rot_stride_1;
    T* const k_rot = static_cast<T*>(params.k_rot);
    const int64_t k_rot_stride_0 = params.k_rot_stride_0;
    const int64_t k_rot_stride_1 = params.k_rot_stride_1;
    const int64_t tokens = params.tokens;
    const int64_t num_qo_heads = params.num_qo_heads;
    const int64_t head_dim = params.head_dim;
    const int64_t num_kv_heads = params.num_kv_heads;
    const int64_t pool_slots = params.pool_slots;
    const float rope_base = params.rope_base;

    sgl::parallel_for(tokens, tokens * (head_dim / 2 * (num_qo_heads + num_kv_heads) + num_kv_heads * head_dim), [=](int64_t t) {
        const int32_t slots_t = sgl::load(slots, t);
        const int64_t k_pool_at = sgl::to_i64(slots_t);
        const int32_t positions_t = sgl::load(positions, t);
        const float log2_rope_base = sgl::log2(rope_base);
        sgl::for_lanes(0, head_dim / 2, [&](auto i) SGL_BODY {
            const auto angle = sgl::to_f32(positions_t) * sgl::exp2(sgl::to_f32(-2 * i) * log2_rope_base / sgl::to_f32(head_dim));
            const auto c = sgl::cos(angle);
            const auto s = sgl::sin(angle);
            for (int64_t h = 0; h < num_qo_heads; ++h) {
                const auto q_t_h = sgl::load(q, t * q_stride_0 + h * q_stride_1 + i);
                const auto q_t_h_2 = sgl::load(q, t * q_stride_0 + h * q_stride_1 + (i + head_dim / 2));
                sgl::store(q_rot, t * q_rot_stride_0 + h * q_rot_stride_1 + i, q_t_h * c - q_t_h_2 * s);
                sgl::store(q_rot, t * q_rot_stride_0 + h * q_rot_stride_1 + (i + head_dim / 2), q_t_h * s + q_t_h_2 * c);
            }
            for (int64_t h = 0; h < num_kv_heads; ++h) {
                const auto k_t_h = sgl::load(k, t * k_stride_0 + h * k_stride_1 + i);
                const auto k_t_h_2 = sgl::load(k, t * k_stride_0 + h * k_stride_1 + (i + head_dim / 2));
                sgl::store(k_rot, t * k_rot_stride_0 + h * k_rot_stride_1 + i, k_t_h * c - k_t_h_2 * s);
                sgl::store(k_rot, t * k_rot_stride_0 + h * k_rot_stride_1 + (i + head_dim / 2), k_t_h * s + k_t_h_2 * c);
                if (slots_t >= 0) {
                    if (0 <= k_pool_at && k_pool_at < pool_slots) {
                        sgl::store(k_pool, k_pool_at * k_pool_stride_0 + h * k_pool_stride_1 + i, sgl::load(k_rot, t * k_rot_stride_0 + h * k_rot_stride_1 + i));
                        sgl::store(k_pool, k_pool_at * k_pool_stride_0 + h * k_pool_stride_1 + (i + head_dim / 2), sgl::load(k_rot, t * k_rot_stride_0 + h * k_rot_stride_1 + (i + head_dim / 2)));
                    }
                }
            }
        });
        for (int64_t h = 0; h < num_kv_heads; ++h) {
            sgl::for_lanes(0, head_dim, [&](auto d) SGL_BODY {
                if (slots_t >= 0) {
                    if (0 <= k_pool_at && k_pool_at < pool_slots) {
                        sgl::store(v_pool, k_pool_at * v_pool_stride_0 + h * v_pool_stride_1 + d, sgl::load(v, t * v_stride_0 + h * v_stride_1 + d));
                    }
                }
            });
        }
    });
}

}  // namespace

SGL_CPU_ENTRY(rope_pool_fused_f32, rope_pool_fused_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(rope_pool_fused_f16, rope_pool_fused_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(rope_pool_fused_bf16, rope_pool_fused_params) {
    run<sgl::bf16>(*params);
}

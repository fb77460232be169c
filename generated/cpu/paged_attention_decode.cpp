// paged_attention_decode: Attention of one query token a request over the pool slots that its page table lists.
// Generated from specs/attention/paged_attention_decode.yaml. Do not edit.
#include "runtime.h"
#include "paged_attention_decode_params.h"

namespace {

template <class T>
void run(const paged_attention_decode_params& params) {
    const T* const q = static_cast<const T*>(params.q);
    const int64_t q_stride_0 = params.q_stride_0;
    const int64_t q_stride_1 = params.q_stride_1;
    const T* const k_pool = static_cast<const T*>(params.k_pool);
    const int64_t k_pool_stride_0 = params.k_pool_stride_0;
    const int64_t k_pool_stride_1 = params.k_pool_stride_1;
    const T* const v_pool = static_cast<const T*>(params.v_pool);
    const int64_t v_pool_stride_0 = params.v_pool_stride_0;
    const int64_t v_pool_stride_1 = params.v_pool_stride_1;
    const int32_t* const kv_indptr = static_cast<const int32_t*>(params.kv_indptr);
    const int32_t* const kv_indices = static_cast<const int32_t*>(params.kv_indices);
    T* const out = static_cast<T*>(params.out);
    const int64_t out_stride_0 = params.out_stride_0;
    const int64_t out_stride_1 = params.out_stride_1;
    const int64_t batch = params.batch;
    const int64_t num_qo_heads = params.num_qo_heads;
    const int64_t head_dim = params.head_dim;
    const int64_t pool_slots = params.pool_slots;
    const int64_t num_kv_heads = params.num_kv_heads;
    const int64_t entries = params.entries;
    const float sm_scale = params.sm_scale;

    sgl::parallel_for(batch * num_qo_heads, batch * (num_qo_heads * (head_dim + 64 * (head_dim + 64 * (head_dim + head_dim + head_dim) + head_dim) + head_dim)), [=](int64_t item) {
        const int64_t b = item / num_qo_heads;
        const int64_t h = item % num_qo_heads;
        const int64_t g = sgl::floor_divide(h, sgl::floor_divide(num_qo_heads, num_kv_heads));
        const auto p_acc_memory = sgl::scratch<float>(head_dim);
        float* const p_acc = p_acc_memory.data();
        const auto p_acc_lost_memory = sgl::scratch<float>(head_dim);
        float* const p_acc_lost = p_acc_lost_memory.data();
        const auto p_acc_part_memory = sgl::scratch<float>(head_dim);
        float* const p_acc_part = p_acc_part_memory.data();
        sgl::for_lanes(0, head_dim, [&](auto d) SGL_BODY {
            sgl::store(p_acc, d, 0.0f);
            sgl::store(p_acc_lost, d, 0.0f);
        });
        float p_max = -__builtin_inff();
        float p_sum = 0.0f;
        float p_sum_lost = 0.0f;
        const int64_t j_begin = sgl::to_i64(sgl::load(kv_indptr, b));
        const int64_t j_end = sgl::to_i64(sgl::load(kv_indptr, b + 1));
        const int64_t j_first = sgl::maximum(j_begin, sgl::minimum(-1, j_end - 1));
        const int64_t j_last = sgl::minimum(j_end, sgl::maximum(sgl::select(0 < head_dim, entries, 4611686018427387904), j_first) + 1);
        for (int64_t j_block = 0; j_block < sgl::floor_divide(j_last - j_first + 15, 16); ++j_block) {
            const int64_t j_start = j_first + j_block * 16;
            const int64_t j_stop = sgl::minimum(j_start + 16, j_last);
            float p_sum_part = 0.0f;
            sgl::for_lanes(0, head_dim, [&](auto d) SGL_BODY {
                sgl::store(p_acc_part, d, 0.0f);
            });
            for (int64_t j = j_start; j < j_stop; ++j) {
                const bool kv_indices_is_valid = 0 <= j && j < entries;
                const int32_t kv_indices_j = sgl::load_if(kv_indices_is_valid, kv_indices, j, 0);
                const int64_t k_pool_at = sgl::to_i64(kv_indices_j);
                sgl::Accumulator<sgl::Sum, float> sum_d_state;
                sgl::for_lanes(0, head_dim, [&](auto d) SGL_BODY {
                    sum_d_state.add(d, sgl::load(q, b * q_stride_0 + h * q_stride_1 + d) * sgl::load_if(kv_indices_is_valid && 0 <= k_pool_at && k_pool_at < pool_slots, k_pool, k_pool_at * k_pool_stride_0 + g * k_pool_stride_1 + d, __builtin_nanf("")));
                });
                const auto sum_d = sum_d_state.result();
                const float p_score = sm_scale * sum_d;
                if (!(p_score <= p_max + 1.0f)) {
                    const float p_keep = sgl::exp(p_max - p_score);
                    p_sum = p_sum * p_keep;
                    p_sum_lost = p_sum_lost * p_keep;
                    p_sum_part = p_sum_part * p_keep;
                    sgl::for_lanes(0, head_dim, [&](auto d) SGL_BODY {
                        sgl::store(p_acc, d, sgl::load(p_acc, d) * p_keep);
                        sgl::store(p_acc_lost, d, sgl::load(p_acc_lost, d) * p_keep);
                        sgl::store(p_acc_part, d, sgl::load(p_acc_part, d) * p_keep);
                    });
                    p_max = p_score;
                }
                const float p_shift = sgl::select(p_max == -__builtin_inff(), 0.0f, p_max);
                const float p_weight = sgl::exp(p_score - p_shift);
                p_sum_part = p_sum_part + p_weight;
                sgl::for_lanes(0, head_dim, [&](auto d) SGL_BODY {
                    sgl::store(p_acc_part, d, sgl::load(p_acc_part, d) + p_weight * sgl::load_if(kv_indices_is_valid && 0 <= k_pool_at && k_pool_at < pool_slots, v_pool, k_pool_at * v_pool_stride_0 + g * v_pool_stride_1 + d, __builtin_nanf("")));
                });
            }
            const float p_sum_added = p_sum_part - p_sum_lost;
            const float p_sum_next = p_sum + p_sum_added;
            p_sum_lost = sgl::select(sgl::abs(p_sum_next) < __builtin_inff(), p_sum_next - p_sum - p_sum_added, 0.0f);
            p_sum = p_sum_next;
            sgl::for_lanes(0, head_dim, [&](auto d) SGL_BODY {
                const auto p_acc_added = sgl::load(p_acc_part, d) - sgl::load(p_acc_lost, d);
                const auto p_acc_next = sgl::load(p_acc, d) + p_acc_added;
                sgl::store(p_acc_lost, d, sgl::select(sgl::abs(p_acc_next) < __builtin_inff(), p_acc_next - sgl::load(p_acc, d) - p_acc_added, 0.0f));
                sgl::store(p_acc, d, p_acc_next);
            });
        }
        const float p_scale = sgl::select(p_sum == 0.0f, 0.0f, 1.0f / p_sum);
        sgl::for_lanes(0, head_dim, [&](auto d) SGL_BODY {
            sgl::store(out, b * out_stride_0 + h * out_stride_1 + d, sgl::load(p_acc, d) * p_scale);
        });
    });
}

}  // namespace

SGL_CPU_ENTRY(paged_attention_decode_f32, paged_attention_decode_params) {
    run<float>(*params);
}
SGL_CPU_ENTRY(paged_attention_decode_f16, paged_attention_decode_params) {
    run<sgl::f16>(*params);
}
SGL_CPU_ENTRY(paged_attention_decode_bf16, paged_attention_decode_params) {
    run<sgl::bf16>(*params);
}

// merge_state: Merge two partial attentions by their log-sum-exps.
// Generated from specs/attention/merge_state.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "merge_state_params.h"

namespace {

// One team for each t < tokens, h < heads.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
__global__ void __launch_bounds__(sgl::kMostLanes, sgl::least_blocks(is_aligned ? turns * 2 : 0)) merge_state_kernel(
    const merge_state_params params,
    const sgl::Launch launch) {
    const sgl::Team team = sgl::make_team(launch);
    if (team.item >= launch.teams) return;
    const T* __restrict__ const v_a = static_cast<const T*>(params.v_a);
    const float* __restrict__ const s_a = static_cast<const float*>(params.s_a);
    const T* __restrict__ const v_b = static_cast<const T*>(params.v_b);
    const float* __restrict__ const s_b = static_cast<const float*>(params.s_b);
    T* const v_merged = static_cast<T*>(params.v_merged);
    float* const s_merged = static_cast<float*>(params.s_merged);
    const index_t v_a_stride_0 = index_t(params.v_a_stride_0);
    const index_t v_a_stride_1 = index_t(params.v_a_stride_1);
    const index_t s_a_stride_0 = index_t(params.s_a_stride_0);
    const index_t v_b_stride_0 = index_t(params.v_b_stride_0);
    const index_t v_b_stride_1 = index_t(params.v_b_stride_1);
    const index_t s_b_stride_0 = index_t(params.s_b_stride_0);
    const index_t v_merged_stride_0 = index_t(params.v_merged_stride_0);
    const index_t v_merged_stride_1 = index_t(params.v_merged_stride_1);
    const index_t s_merged_stride_0 = index_t(params.s_merged_stride_0);
    const index_t heads = index_t(params.heads);
    const index_t head_dim = index_t(params.head_dim);

    const index_t t = index_t(team.item) / heads;
    const index_t h = index_t(team.item) % heads;
    if (team.is_among_first()) {
        SGL_UNROLL
        for (int turn = 0; turn < turns; ++turn) {
            const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
            if (d_base >= head_dim) break;
            sgl::bring_near<chunk>(v_a, t * v_a_stride_0 + h * v_a_stride_1 + d_base);
            sgl::bring_near<chunk>(v_b, t * v_b_stride_0 + h * v_b_stride_1 + d_base);
        }
    }
    sgl::wait_for_inputs();
    sgl::Held<T, chunk, is_aligned, turns> v_a_held;
    sgl::Held<T, chunk, is_aligned, turns> v_b_held;
    SGL_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
        const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (d_base >= head_dim) break;
        v_a_held.load(turn, v_a, t * v_a_stride_0 + h * v_a_stride_1 + d_base, head_dim - d_base);
        v_b_held.load(turn, v_b, t * v_b_stride_0 + h * v_b_stride_1 + d_base, head_dim - d_base);
    }
    const bool holds = sgl::isinf(sgl::load(s_a, t * s_a_stride_0 + h));
    const float a = holds ? -CUDART_INF_F : !holds ? sgl::load(s_a, t * s_a_stride_0 + h) : 0.0f;
    const bool holds_2 = sgl::isinf(sgl::load(s_b, t * s_b_stride_0 + h));
    const float b = holds_2 ? -CUDART_INF_F : !holds_2 ? sgl::load(s_b, t * s_b_stride_0 + h) : 0.0f;
    const float peak = sgl::maximum(a, b);
    const float share_a = peak > -CUDART_INF_F ? sgl::exp(a - peak) : 0.0f;
    const float share_b = peak > -CUDART_INF_F ? sgl::exp(b - peak) : 0.0f;
    const float total = share_a + share_b;
    if (team.is_first()) sgl::store(s_merged, t * s_merged_stride_0 + h,
            peak > -CUDART_INF_F ? peak + sgl::log(total) : -CUDART_INF_F);
    const float weight_a = peak > -CUDART_INF_F ? sgl::divide(share_a, total) : 0.0f;
    const float weight_b = peak > -CUDART_INF_F ? sgl::divide(share_b, total) : 0.0f;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t d_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (d_base >= head_dim) break;
        const auto v_a_chunk = v_a_held.get(turn, v_a, t * v_a_stride_0 + h * v_a_stride_1 + d_base,
                head_dim - d_base);
        const auto v_b_chunk = v_b_held.get(turn, v_b, t * v_b_stride_0 + h * v_b_stride_1 + d_base,
                head_dim - d_base);
        sgl::Chunk<T, chunk> v_merged_chunk;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t d = d_base + step;
            if (!is_aligned && d >= head_dim) break;
            v_merged_chunk.set(step, v_a_chunk.get(step) * weight_a + v_b_chunk.get(step) * weight_b);
        }
        sgl::store_chunk<is_aligned>(v_merged, t * v_merged_stride_0 + h * v_merged_stride_1 + d_base,
                head_dim - d_base, v_merged_chunk);
    }
}

const void* const kernels[] = {
    reinterpret_cast<const void*>(&merge_state_kernel<float, int64_t, 4, false, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<float, int64_t, 4, true, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<float, int64_t, 4, true, 4>),
    reinterpret_cast<const void*>(&merge_state_kernel<float, int32_t, 4, false, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<float, int32_t, 4, false, 2>),
    reinterpret_cast<const void*>(&merge_state_kernel<float, int32_t, 4, true, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<float, int32_t, 4, true, 1>),
    reinterpret_cast<const void*>(&merge_state_kernel<float, int32_t, 4, true, 2>),
    reinterpret_cast<const void*>(&merge_state_kernel<float, int32_t, 4, true, 4>),
    reinterpret_cast<const void*>(&merge_state_kernel<__half, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<__half, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<__half, int64_t, 8, true, 4>),
    reinterpret_cast<const void*>(&merge_state_kernel<__half, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<__half, int32_t, 8, false, 2>),
    reinterpret_cast<const void*>(&merge_state_kernel<__half, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<__half, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&merge_state_kernel<__half, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&merge_state_kernel<__half, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&merge_state_kernel<__nv_bfloat16, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<__nv_bfloat16, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<__nv_bfloat16, int64_t, 8, true, 4>),
    reinterpret_cast<const void*>(&merge_state_kernel<__nv_bfloat16, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<__nv_bfloat16, int32_t, 8, false, 2>),
    reinterpret_cast<const void*>(&merge_state_kernel<__nv_bfloat16, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&merge_state_kernel<__nv_bfloat16, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&merge_state_kernel<__nv_bfloat16, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&merge_state_kernel<__nv_bfloat16, int32_t, 8, true, 4>),
};

}  // namespace

extern "C" const void* sgl_cuda_merge_state(int position) {
    return kernels[position];
}

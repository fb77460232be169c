// merge_state: Merge two partial attentions by their log-sum-exps.
// Generated from specs/attention/merge_state.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct merge_state_params {
    int64_t v_a_stride_0;
    int64_t v_a_stride_1;
    int64_t s_a_stride_0;
    int64_t v_b_stride_0;
    int64_t v_b_stride_1;
    int64_t s_b_stride_0;
    int64_t v_merged_stride_0;
    int64_t v_merged_stride_1;
    int64_t s_merged_stride_0;
    int64_t tokens;
    int64_t heads;
    int64_t head_dim;
};

constant int merge_state_kernel_head_dim [[function_constant(0)]];

// One team for each t < tokens, h < heads.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
[[kernel, max_total_threads_per_threadgroup(512)]] void merge_state_kernel(
    device const T* v_a [[buffer(0)]],
    device const float* s_a [[buffer(1)]],
    device const T* v_b [[buffer(2)]],
    device const float* s_b [[buffer(3)]],
    device T* v_merged [[buffer(4)]],
    device float* s_merged [[buffer(5)]],
    constant merge_state_params& params [[buffer(6)]],
    constant sgl::Launch& launch [[buffer(7)]],
    threadgroup uint32_t* exchange [[threadgroup(0)]],
    uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]],
    uint thread_index [[thread_index_in_threadgroup]]) {
    const sgl::Team team = sgl::make_team(launch, exchange, group, groups, thread_index);
    if (team.item >= launch.teams) return;
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
    const index_t head_dim = sgl::size<index_t>(merge_state_kernel_head_dim, params.head_dim);

    const index_t t = index_t(team.item) / heads;
    const index_t h = index_t(team.item) % heads;
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
    const float a = holds ? -INFINITY : !holds ? sgl::load(s_a, t * s_a_stride_0 + h) : 0.0f;
    const bool holds_2 = sgl::isinf(sgl::load(s_b, t * s_b_stride_0 + h));
    const float b = holds_2 ? -INFINITY : !holds_2 ? sgl::load(s_b, t * s_b_stride_0 + h) : 0.0f;
    const float peak = sgl::maximum(a, b);
    const float share_a = peak > -INFINITY ? sgl::exp(a - peak) : 0.0f;
    const float share_b = peak > -INFINITY ? sgl::exp(b - peak) : 0.0f;
    const float total = share_a + share_b;
    if (team.is_first()) sgl::store(s_merged, t * s_merged_stride_0 + h,
            peak > -INFINITY ? peak + sgl::log(total) : -INFINITY);
    const float weight_a = peak > -INFINITY ? share_a / total : 0.0f;
    const float weight_b = peak > -INFINITY ? share_b / total : 0.0f;
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

SGL_KERNEL("merge_state_f32_wide", merge_state_kernel<float, int64_t, 4, false, 0>)
SGL_KERNEL("merge_state_f32_aligned_wide", merge_state_kernel<float, int64_t, 4, true, 0>)
SGL_KERNEL("merge_state_f32_aligned_turns4_wide", merge_state_kernel<float, int64_t, 4, true, 4>)
SGL_KERNEL("merge_state_f32", merge_state_kernel<float, int32_t, 4, false, 0>)
SGL_KERNEL("merge_state_f32_turns2", merge_state_kernel<float, int32_t, 4, false, 2>)
SGL_KERNEL("merge_state_f32_aligned", merge_state_kernel<float, int32_t, 4, true, 0>)
SGL_KERNEL("merge_state_f32_aligned_turns1", merge_state_kernel<float, int32_t, 4, true, 1>)
SGL_KERNEL("merge_state_f32_aligned_turns2", merge_state_kernel<float, int32_t, 4, true, 2>)
SGL_KERNEL("merge_state_f32_aligned_turns4", merge_state_kernel<float, int32_t, 4, true, 4>)
SGL_KERNEL("merge_state_f16_wide", merge_state_kernel<half, int64_t, 8, false, 0>)
SGL_KERNEL("merge_state_f16_aligned_wide", merge_state_kernel<half, int64_t, 8, true, 0>)
SGL_KERNEL("merge_state_f16_aligned_turns4_wide", merge_state_kernel<half, int64_t, 8, true, 4>)
SGL_KERNEL("merge_state_f16", merge_state_kernel<half, int32_t, 8, false, 0>)
SGL_KERNEL("merge_state_f16_turns2", merge_state_kernel<half, int32_t, 8, false, 2>)
SGL_KERNEL("merge_state_f16_aligned", merge_state_kernel<half, int32_t, 8, true, 0>)
SGL_KERNEL("merge_state_f16_aligned_turns1", merge_state_kernel<half, int32_t, 8, true, 1>)
SGL_KERNEL("merge_state_f16_aligned_turns2", merge_state_kernel<half, int32_t, 8, true, 2>)
SGL_KERNEL("merge_state_f16_aligned_turns4", merge_state_kernel<half, int32_t, 8, true, 4>)
SGL_KERNEL("merge_state_bf16_wide", merge_state_kernel<bfloat, int64_t, 8, false, 0>)
SGL_KERNEL("merge_state_bf16_aligned_wide", merge_state_kernel<bfloat, int64_t, 8, true, 0>)
SGL_KERNEL("merge_state_bf16_aligned_turns4_wide", merge_state_kernel<bfloat, int64_t, 8, true, 4>)
SGL_KERNEL("merge_state_bf16", merge_state_kernel<bfloat, int32_t, 8, false, 0>)
SGL_KERNEL("merge_state_bf16_turns2", merge_state_kernel<bfloat, int32_t, 8, false, 2>)
SGL_KERNEL("merge_state_bf16_aligned", merge_state_kernel<bfloat, int32_t, 8, true, 0>)
SGL_KERNEL("merge_state_bf16_aligned_turns1", merge_state_kernel<bfloat, int32_t, 8, true, 1>)
SGL_KERNEL("merge_state_bf16_aligned_turns2", merge_state_kernel<bfloat, int32_t, 8, true, 2>)
SGL_KERNEL("merge_state_bf16_aligned_turns4", merge_state_kernel<bfloat, int32_t, 8, true, 4>)

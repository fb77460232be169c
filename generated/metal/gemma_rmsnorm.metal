// gemma_rmsnorm: Scale each row by the reciprocal of its root mean square, with weights stored less one.
// Generated from specs/norm/gemma_rmsnorm.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct gemma_rmsnorm_params {
    int64_t input_stride_0;
    int64_t out_stride_0;
    int64_t rows;
    int64_t width;
    float eps;
};

constant int gemma_rmsnorm_kernel_width [[function_constant(0)]];

// One team for each r < rows.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
[[kernel, max_total_threads_per_threadgroup(512)]] void gemma_rmsnorm_kernel(
    device const T* input [[buffer(0)]],
    device const T* weight [[buffer(1)]],
    device T* out [[buffer(2)]],
    constant gemma_rmsnorm_params& params [[buffer(3)]],
    constant sgl::Launch& launch [[buffer(4)]],
    threadgroup uint32_t* exchange [[threadgroup(0)]],
    uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]],
    uint thread_index [[thread_index_in_threadgroup]]) {
    const sgl::Team team = sgl::make_team(launch, exchange, group, groups, thread_index);
    if (team.item >= launch.teams) return;
    const index_t input_stride_0 = index_t(params.input_stride_0);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t width = sgl::size<index_t>(gemma_rmsnorm_kernel_width, params.width);
    const float eps = params.eps;

    const index_t r = index_t(team.item);
    sgl::Held<T, chunk, is_aligned, turns> input_held;
    SGL_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
        const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= width) break;
        input_held.load(turn, input, r * input_stride_0 + c_base, width - c_base);
    }
    sgl::Accumulator<sgl::Sum<float>> sum_c_state;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= width) break;
        const auto input_chunk = input_held.get(turn, input, r * input_stride_0 + c_base, width - c_base);
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t c = c_base + step;
            if (!is_aligned && c >= width) break;
            const float input_r_c = input_chunk.get(step);
            sum_c_state.add(c, input_r_c * input_r_c);
        }
    }
    sgl::Held<T, chunk, is_aligned, turns> weight_held;
    SGL_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
        const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= width) break;
        weight_held.load(turn, weight, c_base, width - c_base);
    }
    sum_c_state.combine(team);
    const float sum_c = sum_c_state.result();
    const float mean_square = sum_c / float(width);
    const float scale = sgl::rsqrt(mean_square + eps);
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= width) break;
        const auto input_chunk = input_held.get(turn, input, r * input_stride_0 + c_base, width - c_base);
        const auto weight_chunk = weight_held.get(turn, weight, c_base, width - c_base);
        sgl::Chunk<T, chunk> out_chunk;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t c = c_base + step;
            if (!is_aligned && c >= width) break;
            out_chunk.set(step, input_chunk.get(step) * scale * (1.0f + weight_chunk.get(step)));
        }
        sgl::store_chunk<is_aligned>(out, r * out_stride_0 + c_base, width - c_base, out_chunk);
    }
}

SGL_KERNEL("gemma_rmsnorm_f32_wide", gemma_rmsnorm_kernel<float, int64_t, 4, false, 0>)
SGL_KERNEL("gemma_rmsnorm_f32_aligned_wide", gemma_rmsnorm_kernel<float, int64_t, 4, true, 0>)
SGL_KERNEL("gemma_rmsnorm_f32_aligned_turns4_wide", gemma_rmsnorm_kernel<float, int64_t, 4, true, 4>)
SGL_KERNEL("gemma_rmsnorm_f32", gemma_rmsnorm_kernel<float, int32_t, 4, false, 0>)
SGL_KERNEL("gemma_rmsnorm_f32_turns2", gemma_rmsnorm_kernel<float, int32_t, 4, false, 2>)
SGL_KERNEL("gemma_rmsnorm_f32_aligned", gemma_rmsnorm_kernel<float, int32_t, 4, true, 0>)
SGL_KERNEL("gemma_rmsnorm_f32_aligned_turns1", gemma_rmsnorm_kernel<float, int32_t, 4, true, 1>)
SGL_KERNEL("gemma_rmsnorm_f32_aligned_turns2", gemma_rmsnorm_kernel<float, int32_t, 4, true, 2>)
SGL_KERNEL("gemma_rmsnorm_f32_aligned_turns4", gemma_rmsnorm_kernel<float, int32_t, 4, true, 4>)
SGL_KERNEL("gemma_rmsnorm_f16_wide", gemma_rmsnorm_kernel<half, int64_t, 8, false, 0>)
SGL_KERNEL("gemma_rmsnorm_f16_aligned_wide", gemma_rmsnorm_kernel<half, int64_t, 8, true, 0>)
SGL_KERNEL("gemma_rmsnorm_f16_aligned_turns4_wide", gemma_rmsnorm_kernel<half, int64_t, 8, true, 4>)
SGL_KERNEL("gemma_rmsnorm_f16", gemma_rmsnorm_kernel<half, int32_t, 8, false, 0>)
SGL_KERNEL("gemma_rmsnorm_f16_turns2", gemma_rmsnorm_kernel<half, int32_t, 8, false, 2>)
SGL_KERNEL("gemma_rmsnorm_f16_aligned", gemma_rmsnorm_kernel<half, int32_t, 8, true, 0>)
SGL_KERNEL("gemma_rmsnorm_f16_aligned_turns1", gemma_rmsnorm_kernel<half, int32_t, 8, true, 1>)
SGL_KERNEL("gemma_rmsnorm_f16_aligned_turns2", gemma_rmsnorm_kernel<half, int32_t, 8, true, 2>)
SGL_KERNEL("gemma_rmsnorm_f16_aligned_turns4", gemma_rmsnorm_kernel<half, int32_t, 8, true, 4>)
SGL_KERNEL("gemma_rmsnorm_bf16_wide", gemma_rmsnorm_kernel<bfloat, int64_t, 8, false, 0>)
SGL_KERNEL("gemma_rmsnorm_bf16_aligned_wide", gemma_rmsnorm_kernel<bfloat, int64_t, 8, true, 0>)
SGL_KERNEL("gemma_rmsnorm_bf16_aligned_turns4_wide", gemma_rmsnorm_kernel<bfloat, int64_t, 8, true, 4>)
SGL_KERNEL("gemma_rmsnorm_bf16", gemma_rmsnorm_kernel<bfloat, int32_t, 8, false, 0>)
SGL_KERNEL("gemma_rmsnorm_bf16_turns2", gemma_rmsnorm_kernel<bfloat, int32_t, 8, false, 2>)
SGL_KERNEL("gemma_rmsnorm_bf16_aligned", gemma_rmsnorm_kernel<bfloat, int32_t, 8, true, 0>)
SGL_KERNEL("gemma_rmsnorm_bf16_aligned_turns1", gemma_rmsnorm_kernel<bfloat, int32_t, 8, true, 1>)
SGL_KERNEL("gemma_rmsnorm_bf16_aligned_turns2", gemma_rmsnorm_kernel<bfloat, int32_t, 8, true, 2>)
SGL_KERNEL("gemma_rmsnorm_bf16_aligned_turns4", gemma_rmsnorm_kernel<bfloat, int32_t, 8, true, 4>)

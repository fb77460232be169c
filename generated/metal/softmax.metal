// softmax: Exponentials of each row, scaled to sum to one.
// Generated from specs/softmax/softmax.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct softmax_params {
    int64_t x_stride_0;
    int64_t out_stride_0;
    int64_t rows;
    int64_t width;
};

constant int softmax_kernel_width [[function_constant(0)]];

// One team for each r < rows.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
[[kernel, max_total_threads_per_threadgroup(512)]] void softmax_kernel(
    device const T* x [[buffer(0)]],
    device T* out [[buffer(1)]],
    constant softmax_params& params [[buffer(2)]],
    constant sgl::Launch& launch [[buffer(3)]],
    threadgroup uint32_t* exchange [[threadgroup(0)]],
    uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]],
    uint thread_index [[thread_index_in_threadgroup]]) {
    const sgl::Team team = sgl::make_team(launch, exchange, group, groups, thread_index);
    if (team.item >= launch.teams) return;
    const index_t x_stride_0 = index_t(params.x_stride_0);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t width = sgl::size<index_t>(softmax_kernel_width, params.width);

    const index_t r = index_t(team.item);
    sgl::Held<T, chunk, is_aligned, turns> x_held;
    SGL_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
        const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= width) break;
        x_held.load(turn, x, r * x_stride_0 + c_base, width - c_base);
    }
    sgl::Accumulator<sgl::OnlineSoftmax<float>> p_max_state;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= width) break;
        const auto x_chunk = x_held.get(turn, x, r * x_stride_0 + c_base, width - c_base);
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t c = c_base + step;
            if (!is_aligned && c >= width) break;
            const float p_value = x_chunk.get(step);
            p_max_state.add(c, p_value);
        }
    }
    p_max_state.combine(team);
    const float p_max = p_max_state.maximum();
    const float p_sum = p_max_state.total();
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= width) break;
        const auto x_chunk = x_held.get(turn, x, r * x_stride_0 + c_base, width - c_base);
        sgl::Chunk<T, chunk> out_chunk;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t c = c_base + step;
            if (!is_aligned && c >= width) break;
            out_chunk.set(step, p_max != -INFINITY ? sgl::exp(x_chunk.get(step) - p_max) / p_sum : 0.0f);
        }
        sgl::store_chunk<is_aligned>(out, r * out_stride_0 + c_base, width - c_base, out_chunk);
    }
}

SGL_KERNEL("softmax_f32_wide", softmax_kernel<float, int64_t, 4, false, 0>)
SGL_KERNEL("softmax_f32_aligned_wide", softmax_kernel<float, int64_t, 4, true, 0>)
SGL_KERNEL("softmax_f32_aligned_turns8_wide", softmax_kernel<float, int64_t, 4, true, 8>)
SGL_KERNEL("softmax_f32", softmax_kernel<float, int32_t, 4, false, 0>)
SGL_KERNEL("softmax_f32_turns4", softmax_kernel<float, int32_t, 4, false, 4>)
SGL_KERNEL("softmax_f32_aligned", softmax_kernel<float, int32_t, 4, true, 0>)
SGL_KERNEL("softmax_f32_aligned_turns1", softmax_kernel<float, int32_t, 4, true, 1>)
SGL_KERNEL("softmax_f32_aligned_turns2", softmax_kernel<float, int32_t, 4, true, 2>)
SGL_KERNEL("softmax_f32_aligned_turns4", softmax_kernel<float, int32_t, 4, true, 4>)
SGL_KERNEL("softmax_f32_aligned_turns8", softmax_kernel<float, int32_t, 4, true, 8>)
SGL_KERNEL("softmax_f16_wide", softmax_kernel<half, int64_t, 8, false, 0>)
SGL_KERNEL("softmax_f16_aligned_wide", softmax_kernel<half, int64_t, 8, true, 0>)
SGL_KERNEL("softmax_f16_aligned_turns8_wide", softmax_kernel<half, int64_t, 8, true, 8>)
SGL_KERNEL("softmax_f16", softmax_kernel<half, int32_t, 8, false, 0>)
SGL_KERNEL("softmax_f16_turns4", softmax_kernel<half, int32_t, 8, false, 4>)
SGL_KERNEL("softmax_f16_aligned", softmax_kernel<half, int32_t, 8, true, 0>)
SGL_KERNEL("softmax_f16_aligned_turns1", softmax_kernel<half, int32_t, 8, true, 1>)
SGL_KERNEL("softmax_f16_aligned_turns2", softmax_kernel<half, int32_t, 8, true, 2>)
SGL_KERNEL("softmax_f16_aligned_turns4", softmax_kernel<half, int32_t, 8, true, 4>)
SGL_KERNEL("softmax_f16_aligned_turns8", softmax_kernel<half, int32_t, 8, true, 8>)
SGL_KERNEL("softmax_bf16_wide", softmax_kernel<bfloat, int64_t, 8, false, 0>)
SGL_KERNEL("softmax_bf16_aligned_wide", softmax_kernel<bfloat, int64_t, 8, true, 0>)
SGL_KERNEL("softmax_bf16_aligned_turns8_wide", softmax_kernel<bfloat, int64_t, 8, true, 8>)
SGL_KERNEL("softmax_bf16", softmax_kernel<bfloat, int32_t, 8, false, 0>)
SGL_KERNEL("softmax_bf16_turns4", softmax_kernel<bfloat, int32_t, 8, false, 4>)
SGL_KERNEL("softmax_bf16_aligned", softmax_kernel<bfloat, int32_t, 8, true, 0>)
SGL_KERNEL("softmax_bf16_aligned_turns1", softmax_kernel<bfloat, int32_t, 8, true, 1>)
SGL_KERNEL("softmax_bf16_aligned_turns2", softmax_kernel<bfloat, int32_t, 8, true, 2>)
SGL_KERNEL("softmax_bf16_aligned_turns4", softmax_kernel<bfloat, int32_t, 8, true, 4>)
SGL_KERNEL("softmax_bf16_aligned_turns8", softmax_kernel<bfloat, int32_t, 8, true, 8>)

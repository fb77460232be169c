// per_token_quant_fp8: Quantise each row to fp8 with a scale of its own.
// Generated from specs/quant/per_token_quant_fp8.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct per_token_quant_fp8_params {
    int64_t input_stride_0;
    int64_t output_q_stride_0;
    int64_t output_s_stride_0;
    int64_t rows;
    int64_t width;
};

constant int per_token_quant_fp8_kernel_width [[function_constant(0)]];

// One team for each r < rows.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
[[kernel, max_total_threads_per_threadgroup(512)]] void per_token_quant_fp8_kernel(
    device const T* input [[buffer(0)]],
    device sgl::f8e4m3* output_q [[buffer(1)]],
    device float* output_s [[buffer(2)]],
    constant per_token_quant_fp8_params& params [[buffer(3)]],
    constant sgl::Launch& launch [[buffer(4)]],
    threadgroup uint32_t* exchange [[threadgroup(0)]],
    uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]],
    uint thread_index [[thread_index_in_threadgroup]]) {
    const sgl::Team team = sgl::make_team(launch, exchange, group, groups, thread_index);
    if (team.item >= launch.teams) return;
    const index_t input_stride_0 = index_t(params.input_stride_0);
    const index_t output_q_stride_0 = index_t(params.output_q_stride_0);
    const index_t output_s_stride_0 = index_t(params.output_s_stride_0);
    const index_t width = sgl::size<index_t>(per_token_quant_fp8_kernel_width, params.width);

    const index_t r = index_t(team.item);
    sgl::Held<T, chunk, is_aligned, turns> input_held;
    SGL_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
        const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= width) break;
        input_held.load(turn, input, r * input_stride_0 + c_base, width - c_base);
    }
    sgl::Accumulator<sgl::Max<float>> max_c_state;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= width) break;
        const auto input_chunk = input_held.get_if(width > 0, turn, input, r * input_stride_0 + c_base,
                width - c_base);
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t c = c_base + step;
            if (!is_aligned && c >= width) break;
            max_c_state.add(c, sgl::abs(input_chunk.get(step)));
        }
    }
    max_c_state.combine(team);
    const float max_c = max_c_state.result();
    const float peak = width > 0 ? max_c : 0.0f;
    const float factor = peak > 0.0f ? sgl::minimum(448.0f / peak, 3e+38f) : 0.0f;
    if (team.is_first()) sgl::store(output_s, r * output_s_stride_0 + 0, peak / 448.0f);
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= width) break;
        const auto input_chunk = input_held.get(turn, input, r * input_stride_0 + c_base, width - c_base);
        sgl::Chunk<sgl::f8e4m3, chunk> output_q_chunk;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t c = c_base + step;
            if (!is_aligned && c >= width) break;
            output_q_chunk.set(step, input_chunk.get(step) * factor);
        }
        sgl::store_chunk<is_aligned>(output_q, r * output_q_stride_0 + c_base, width - c_base,
                output_q_chunk);
    }
}

SGL_KERNEL("per_token_quant_fp8_f32_wide", per_token_quant_fp8_kernel<float, int64_t, 8, false, 0>)
SGL_KERNEL("per_token_quant_fp8_f32_aligned_wide", per_token_quant_fp8_kernel<float, int64_t, 8, true, 0>)
SGL_KERNEL("per_token_quant_fp8_f32_aligned_turns4_wide", per_token_quant_fp8_kernel<float, int64_t, 8, true, 4>)
SGL_KERNEL("per_token_quant_fp8_f32", per_token_quant_fp8_kernel<float, int32_t, 8, false, 0>)
SGL_KERNEL("per_token_quant_fp8_f32_turns2", per_token_quant_fp8_kernel<float, int32_t, 8, false, 2>)
SGL_KERNEL("per_token_quant_fp8_f32_aligned", per_token_quant_fp8_kernel<float, int32_t, 8, true, 0>)
SGL_KERNEL("per_token_quant_fp8_f32_aligned_turns1", per_token_quant_fp8_kernel<float, int32_t, 8, true, 1>)
SGL_KERNEL("per_token_quant_fp8_f32_aligned_turns2", per_token_quant_fp8_kernel<float, int32_t, 8, true, 2>)
SGL_KERNEL("per_token_quant_fp8_f32_aligned_turns4", per_token_quant_fp8_kernel<float, int32_t, 8, true, 4>)
SGL_KERNEL("per_token_quant_fp8_f16_wide", per_token_quant_fp8_kernel<half, int64_t, 8, false, 0>)
SGL_KERNEL("per_token_quant_fp8_f16_aligned_wide", per_token_quant_fp8_kernel<half, int64_t, 8, true, 0>)
SGL_KERNEL("per_token_quant_fp8_f16_aligned_turns8_wide", per_token_quant_fp8_kernel<half, int64_t, 8, true, 8>)
SGL_KERNEL("per_token_quant_fp8_f16", per_token_quant_fp8_kernel<half, int32_t, 8, false, 0>)
SGL_KERNEL("per_token_quant_fp8_f16_turns4", per_token_quant_fp8_kernel<half, int32_t, 8, false, 4>)
SGL_KERNEL("per_token_quant_fp8_f16_aligned", per_token_quant_fp8_kernel<half, int32_t, 8, true, 0>)
SGL_KERNEL("per_token_quant_fp8_f16_aligned_turns1", per_token_quant_fp8_kernel<half, int32_t, 8, true, 1>)
SGL_KERNEL("per_token_quant_fp8_f16_aligned_turns2", per_token_quant_fp8_kernel<half, int32_t, 8, true, 2>)
SGL_KERNEL("per_token_quant_fp8_f16_aligned_turns4", per_token_quant_fp8_kernel<half, int32_t, 8, true, 4>)
SGL_KERNEL("per_token_quant_fp8_f16_aligned_turns8", per_token_quant_fp8_kernel<half, int32_t, 8, true, 8>)
SGL_KERNEL("per_token_quant_fp8_bf16_wide", per_token_quant_fp8_kernel<bfloat, int64_t, 8, false, 0>)
SGL_KERNEL("per_token_quant_fp8_bf16_aligned_wide", per_token_quant_fp8_kernel<bfloat, int64_t, 8, true, 0>)
SGL_KERNEL("per_token_quant_fp8_bf16_aligned_turns8_wide", per_token_quant_fp8_kernel<bfloat, int64_t, 8, true, 8>)
SGL_KERNEL("per_token_quant_fp8_bf16", per_token_quant_fp8_kernel<bfloat, int32_t, 8, false, 0>)
SGL_KERNEL("per_token_quant_fp8_bf16_turns4", per_token_quant_fp8_kernel<bfloat, int32_t, 8, false, 4>)
SGL_KERNEL("per_token_quant_fp8_bf16_aligned", per_token_quant_fp8_kernel<bfloat, int32_t, 8, true, 0>)
SGL_KERNEL("per_token_quant_fp8_bf16_aligned_turns1", per_token_quant_fp8_kernel<bfloat, int32_t, 8, true, 1>)
SGL_KERNEL("per_token_quant_fp8_bf16_aligned_turns2", per_token_quant_fp8_kernel<bfloat, int32_t, 8, true, 2>)
SGL_KERNEL("per_token_quant_fp8_bf16_aligned_turns4", per_token_quant_fp8_kernel<bfloat, int32_t, 8, true, 4>)
SGL_KERNEL("per_token_quant_fp8_bf16_aligned_turns8", per_token_quant_fp8_kernel<bfloat, int32_t, 8, true, 8>)

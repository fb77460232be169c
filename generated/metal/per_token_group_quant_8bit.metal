// per_token_group_quant_8bit: Quantise each group of a row to 8 bits with a scale of its own.
// Generated from specs/quant/per_token_group_quant_8bit.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct per_token_group_quant_8bit_params {
    int64_t input_stride_0;
    int64_t output_q_stride_0;
    int64_t output_s_stride_0;
    int64_t rows;
    int64_t groups;
    int64_t group_size;
    float eps;
    float fp8_min;
    float fp8_max;
    uint8_t scale_ue8m0;
};

constant int per_token_group_quant_8bit_kernel_group_size [[function_constant(0)]];

// One team for each r < rows, g < groups.
template <class T, class Q, class index_t, int chunk, bool is_aligned, int turns>
[[kernel, max_total_threads_per_threadgroup(512)]] void per_token_group_quant_8bit_kernel(
    device const T* input [[buffer(0)]],
    device Q* output_q [[buffer(1)]],
    device float* output_s [[buffer(2)]],
    constant per_token_group_quant_8bit_params& params [[buffer(3)]],
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
    const index_t groups_2 = index_t(params.groups);
    const index_t group_size = sgl::size<index_t>(per_token_group_quant_8bit_kernel_group_size, params.group_size);
    const float eps = params.eps;
    const float fp8_min = params.fp8_min;
    const float fp8_max = params.fp8_max;
    const bool scale_ue8m0 = params.scale_ue8m0 != 0;

    const index_t r = index_t(team.item) / groups_2;
    const index_t g = index_t(team.item) % groups_2;
    sgl::Held<T, chunk, is_aligned, turns> input_held;
    SGL_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
        const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (i_base >= group_size) break;
        input_held.load(turn, input, r * input_stride_0 + (g * group_size + i_base), group_size - i_base);
    }
    sgl::Accumulator<sgl::Max<float>> max_i_state;
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (i_base >= group_size) break;
        const auto input_chunk = input_held.get(turn, input, r * input_stride_0 + (g * group_size + i_base),
                group_size - i_base);
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t i = i_base + step;
            if (!is_aligned && i >= group_size) break;
            max_i_state.add(i, sgl::abs(input_chunk.get(step)));
        }
    }
    max_i_state.combine(team);
    const float max_i = max_i_state.result();
    const float peak = sgl::maximum(eps, max_i);
    const float exact = peak / fp8_max;
    const float scale = scale_ue8m0 ? sgl::exp2(sgl::ceil(sgl::log2(exact))) : exact;
    const float factor = 1.0f / scale;
    if (team.is_first()) sgl::store(output_s, r * output_s_stride_0 + g, scale);
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
        if (i_base >= group_size) break;
        const auto input_chunk = input_held.get(turn, input, r * input_stride_0 + (g * group_size + i_base),
                group_size - i_base);
        sgl::Chunk<Q, chunk> output_q_chunk;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t i = i_base + step;
            if (!is_aligned && i >= group_size) break;
            output_q_chunk.set(step,
                    sgl::minimum(sgl::maximum(input_chunk.get(step) * factor, fp8_min), fp8_max));
        }
        sgl::store_chunk<is_aligned>(output_q, r * output_q_stride_0 + (g * group_size + i_base),
                group_size - i_base, output_q_chunk);
    }
}

SGL_KERNEL("per_token_group_quant_8bit_f32_f8e4m3_wide", per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int64_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f32_f8e4m3_aligned_wide", per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int64_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f32_f8e4m3_aligned_turns4_wide", per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int64_t, 8, true, 4>)
SGL_KERNEL("per_token_group_quant_8bit_f32_f8e4m3", per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f32_f8e4m3_turns2", per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, false, 2>)
SGL_KERNEL("per_token_group_quant_8bit_f32_f8e4m3_aligned", per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f32_f8e4m3_aligned_turns1", per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, true, 1>)
SGL_KERNEL("per_token_group_quant_8bit_f32_f8e4m3_aligned_turns2", per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, true, 2>)
SGL_KERNEL("per_token_group_quant_8bit_f32_f8e4m3_aligned_turns4", per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, true, 4>)
SGL_KERNEL("per_token_group_quant_8bit_f32_i8_wide", per_token_group_quant_8bit_kernel<float, int8_t, int64_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f32_i8_aligned_wide", per_token_group_quant_8bit_kernel<float, int8_t, int64_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f32_i8_aligned_turns4_wide", per_token_group_quant_8bit_kernel<float, int8_t, int64_t, 8, true, 4>)
SGL_KERNEL("per_token_group_quant_8bit_f32_i8", per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f32_i8_turns2", per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, false, 2>)
SGL_KERNEL("per_token_group_quant_8bit_f32_i8_aligned", per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f32_i8_aligned_turns1", per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, true, 1>)
SGL_KERNEL("per_token_group_quant_8bit_f32_i8_aligned_turns2", per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, true, 2>)
SGL_KERNEL("per_token_group_quant_8bit_f32_i8_aligned_turns4", per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, true, 4>)
SGL_KERNEL("per_token_group_quant_8bit_f16_f8e4m3_wide", per_token_group_quant_8bit_kernel<half, sgl::f8e4m3, int64_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f16_f8e4m3_aligned_wide", per_token_group_quant_8bit_kernel<half, sgl::f8e4m3, int64_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f16_f8e4m3_aligned_turns8_wide", per_token_group_quant_8bit_kernel<half, sgl::f8e4m3, int64_t, 8, true, 8>)
SGL_KERNEL("per_token_group_quant_8bit_f16_f8e4m3", per_token_group_quant_8bit_kernel<half, sgl::f8e4m3, int32_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f16_f8e4m3_turns4", per_token_group_quant_8bit_kernel<half, sgl::f8e4m3, int32_t, 8, false, 4>)
SGL_KERNEL("per_token_group_quant_8bit_f16_f8e4m3_aligned", per_token_group_quant_8bit_kernel<half, sgl::f8e4m3, int32_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f16_f8e4m3_aligned_turns1", per_token_group_quant_8bit_kernel<half, sgl::f8e4m3, int32_t, 8, true, 1>)
SGL_KERNEL("per_token_group_quant_8bit_f16_f8e4m3_aligned_turns2", per_token_group_quant_8bit_kernel<half, sgl::f8e4m3, int32_t, 8, true, 2>)
SGL_KERNEL("per_token_group_quant_8bit_f16_f8e4m3_aligned_turns4", per_token_group_quant_8bit_kernel<half, sgl::f8e4m3, int32_t, 8, true, 4>)
SGL_KERNEL("per_token_group_quant_8bit_f16_f8e4m3_aligned_turns8", per_token_group_quant_8bit_kernel<half, sgl::f8e4m3, int32_t, 8, true, 8>)
SGL_KERNEL("per_token_group_quant_8bit_f16_i8_wide", per_token_group_quant_8bit_kernel<half, int8_t, int64_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f16_i8_aligned_wide", per_token_group_quant_8bit_kernel<half, int8_t, int64_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f16_i8_aligned_turns8_wide", per_token_group_quant_8bit_kernel<half, int8_t, int64_t, 8, true, 8>)
SGL_KERNEL("per_token_group_quant_8bit_f16_i8", per_token_group_quant_8bit_kernel<half, int8_t, int32_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f16_i8_turns4", per_token_group_quant_8bit_kernel<half, int8_t, int32_t, 8, false, 4>)
SGL_KERNEL("per_token_group_quant_8bit_f16_i8_aligned", per_token_group_quant_8bit_kernel<half, int8_t, int32_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_f16_i8_aligned_turns1", per_token_group_quant_8bit_kernel<half, int8_t, int32_t, 8, true, 1>)
SGL_KERNEL("per_token_group_quant_8bit_f16_i8_aligned_turns2", per_token_group_quant_8bit_kernel<half, int8_t, int32_t, 8, true, 2>)
SGL_KERNEL("per_token_group_quant_8bit_f16_i8_aligned_turns4", per_token_group_quant_8bit_kernel<half, int8_t, int32_t, 8, true, 4>)
SGL_KERNEL("per_token_group_quant_8bit_f16_i8_aligned_turns8", per_token_group_quant_8bit_kernel<half, int8_t, int32_t, 8, true, 8>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_f8e4m3_wide", per_token_group_quant_8bit_kernel<bfloat, sgl::f8e4m3, int64_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_f8e4m3_aligned_wide", per_token_group_quant_8bit_kernel<bfloat, sgl::f8e4m3, int64_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_f8e4m3_aligned_turns8_wide", per_token_group_quant_8bit_kernel<bfloat, sgl::f8e4m3, int64_t, 8, true, 8>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_f8e4m3", per_token_group_quant_8bit_kernel<bfloat, sgl::f8e4m3, int32_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_f8e4m3_turns4", per_token_group_quant_8bit_kernel<bfloat, sgl::f8e4m3, int32_t, 8, false, 4>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_f8e4m3_aligned", per_token_group_quant_8bit_kernel<bfloat, sgl::f8e4m3, int32_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_f8e4m3_aligned_turns1", per_token_group_quant_8bit_kernel<bfloat, sgl::f8e4m3, int32_t, 8, true, 1>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_f8e4m3_aligned_turns2", per_token_group_quant_8bit_kernel<bfloat, sgl::f8e4m3, int32_t, 8, true, 2>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_f8e4m3_aligned_turns4", per_token_group_quant_8bit_kernel<bfloat, sgl::f8e4m3, int32_t, 8, true, 4>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_f8e4m3_aligned_turns8", per_token_group_quant_8bit_kernel<bfloat, sgl::f8e4m3, int32_t, 8, true, 8>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_i8_wide", per_token_group_quant_8bit_kernel<bfloat, int8_t, int64_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_i8_aligned_wide", per_token_group_quant_8bit_kernel<bfloat, int8_t, int64_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_i8_aligned_turns8_wide", per_token_group_quant_8bit_kernel<bfloat, int8_t, int64_t, 8, true, 8>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_i8", per_token_group_quant_8bit_kernel<bfloat, int8_t, int32_t, 8, false, 0>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_i8_turns4", per_token_group_quant_8bit_kernel<bfloat, int8_t, int32_t, 8, false, 4>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_i8_aligned", per_token_group_quant_8bit_kernel<bfloat, int8_t, int32_t, 8, true, 0>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_i8_aligned_turns1", per_token_group_quant_8bit_kernel<bfloat, int8_t, int32_t, 8, true, 1>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_i8_aligned_turns2", per_token_group_quant_8bit_kernel<bfloat, int8_t, int32_t, 8, true, 2>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_i8_aligned_turns4", per_token_group_quant_8bit_kernel<bfloat, int8_t, int32_t, 8, true, 4>)
SGL_KERNEL("per_token_group_quant_8bit_bf16_i8_aligned_turns8", per_token_group_quant_8bit_kernel<bfloat, int8_t, int32_t, 8, true, 8>)

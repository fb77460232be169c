// per_token_group_quant_8bit: Quantise each group of a row to 8 bits with a scale of its own.
// Generated from specs/quant/per_token_group_quant_8bit.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "per_token_group_quant_8bit_params.h"

namespace {

// One team for each r < rows, g < groups.
template <class T, class Q, class index_t, int chunk, bool is_aligned, int turns>
__global__ void __launch_bounds__(sgl::kMostLanes, sgl::least_blocks(is_aligned ? turns * 1 : 0, turns <= 2 && sizeof(T) * chunk <= 16)) per_token_group_quant_8bit_kernel(
    const per_token_group_quant_8bit_params params,
    const sgl::Launch launch) {
    const sgl::Team team = sgl::make_team(launch);
    if (team.item >= launch.teams) return;
    const T* __restrict__ const input = static_cast<const T*>(params.input);
    Q* const output_q = static_cast<Q*>(params.output_q);
    float* const output_s = static_cast<float*>(params.output_s);
    const index_t input_stride_0 = index_t(params.input_stride_0);
    const index_t output_q_stride_0 = index_t(params.output_q_stride_0);
    const index_t output_s_stride_0 = index_t(params.output_s_stride_0);
    const index_t groups_2 = index_t(params.groups);
    const index_t group_size = index_t(params.group_size);
    const float eps = params.eps;
    const float fp8_min = params.fp8_min;
    const float fp8_max = params.fp8_max;
    const bool scale_ue8m0 = params.scale_ue8m0 != 0;

    const index_t r = index_t(team.item) / groups_2;
    const index_t g = index_t(team.item) % groups_2;
    if (team.is_among_first()) {
        SGL_UNROLL
        for (int turn = 0; turn < turns; ++turn) {
            const index_t i_base = (index_t(turn) * team.lanes + team.lane) * chunk;
            if (i_base >= group_size) break;
            sgl::bring_near<chunk>(input, r * input_stride_0 + (g * group_size + i_base));
        }
    }
    sgl::wait_for_inputs();
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
    input_held.widen_anew();
    const float peak = sgl::maximum(eps, max_i);
    const float exact = sgl::divide(peak, fp8_max);
    const float scale = scale_ue8m0 ? sgl::exp2(sgl::ceil(sgl::log2(exact))) : exact;
    const float factor = sgl::divide(1.0f, scale);
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

const void* const kernels[] = {
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int64_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, false, 2>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, sgl::f8e4m3, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, int8_t, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, int8_t, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, int8_t, int64_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, false, 2>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<float, int8_t, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, sgl::f8e4m3, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, sgl::f8e4m3, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, sgl::f8e4m3, int64_t, 8, true, 8>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, sgl::f8e4m3, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, sgl::f8e4m3, int32_t, 8, false, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, sgl::f8e4m3, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, sgl::f8e4m3, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, sgl::f8e4m3, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, sgl::f8e4m3, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, sgl::f8e4m3, int32_t, 8, true, 8>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, int8_t, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, int8_t, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, int8_t, int64_t, 8, true, 8>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, int8_t, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, int8_t, int32_t, 8, false, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, int8_t, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, int8_t, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, int8_t, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, int8_t, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__half, int8_t, int32_t, 8, true, 8>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, sgl::f8e4m3, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, sgl::f8e4m3, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, sgl::f8e4m3, int64_t, 8, true, 8>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, sgl::f8e4m3, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, sgl::f8e4m3, int32_t, 8, false, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, sgl::f8e4m3, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, sgl::f8e4m3, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, sgl::f8e4m3, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, sgl::f8e4m3, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, sgl::f8e4m3, int32_t, 8, true, 8>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, int8_t, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, int8_t, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, int8_t, int64_t, 8, true, 8>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, int8_t, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, int8_t, int32_t, 8, false, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, int8_t, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, int8_t, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, int8_t, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, int8_t, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_group_quant_8bit_kernel<__nv_bfloat16, int8_t, int32_t, 8, true, 8>),
};

}  // namespace

extern "C" const void* sgl_cuda_per_token_group_quant_8bit(int position) {
    return kernels[position];
}

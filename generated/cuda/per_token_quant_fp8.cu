// per_token_quant_fp8: Quantise each row to fp8 with a scale of its own.
// Generated from specs/quant/per_token_quant_fp8.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "per_token_quant_fp8_params.h"

namespace {

// One team for each r < rows.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
__global__ void __launch_bounds__(sgl::kMostLanes, sgl::least_blocks(is_aligned ? turns * 1 : 0, turns <= 2 && sizeof(T) * chunk <= 16)) per_token_quant_fp8_kernel(
    const per_token_quant_fp8_params params,
    const sgl::Launch launch) {
    const sgl::Team team = sgl::make_team(launch);
    if (team.item >= launch.teams) return;
    const T* __restrict__ const input = static_cast<const T*>(params.input);
    sgl::f8e4m3* const output_q = static_cast<sgl::f8e4m3*>(params.output_q);
    float* const output_s = static_cast<float*>(params.output_s);
    const index_t input_stride_0 = index_t(params.input_stride_0);
    const index_t output_q_stride_0 = index_t(params.output_q_stride_0);
    const index_t output_s_stride_0 = index_t(params.output_s_stride_0);
    const index_t width = index_t(params.width);

    const index_t r = index_t(team.item);
    if (team.is_among_first()) {
        SGL_UNROLL
        for (int turn = 0; turn < turns; ++turn) {
            const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
            if (c_base >= width) break;
            sgl::bring_near<chunk>(input, r * input_stride_0 + c_base);
        }
    }
    sgl::wait_for_inputs();
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
    input_held.widen_anew();
    const float peak = width > 0 ? max_c : 0.0f;
    const float factor = peak > 0.0f ? sgl::minimum(sgl::divide(448.0f, peak), 3e+38f) : 0.0f;
    if (team.is_first()) sgl::store(output_s, r * output_s_stride_0 + 0, sgl::divide(peak, 448.0f));
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

const void* const kernels[] = {
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<float, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<float, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<float, int64_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<float, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<float, int32_t, 8, false, 2>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<float, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<float, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<float, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<float, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__half, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__half, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__half, int64_t, 8, true, 8>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__half, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__half, int32_t, 8, false, 4>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__half, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__half, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__half, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__half, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__half, int32_t, 8, true, 8>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__nv_bfloat16, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__nv_bfloat16, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__nv_bfloat16, int64_t, 8, true, 8>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__nv_bfloat16, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__nv_bfloat16, int32_t, 8, false, 4>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__nv_bfloat16, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__nv_bfloat16, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__nv_bfloat16, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__nv_bfloat16, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&per_token_quant_fp8_kernel<__nv_bfloat16, int32_t, 8, true, 8>),
};

}  // namespace

extern "C" const void* sgl_cuda_per_token_quant_fp8(int position) {
    return kernels[position];
}

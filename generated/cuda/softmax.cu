// softmax: Exponentials of each row, scaled to sum to one.
// Generated from specs/softmax/softmax.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "softmax_params.h"

namespace {

// One team for each r < rows.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
__global__ void __launch_bounds__(sgl::kMostLanes, sgl::least_blocks(is_aligned ? turns * 1 : 0, turns <= 2 && sizeof(T) * chunk <= 16)) softmax_kernel(
    const softmax_params params,
    const sgl::Launch launch) {
    const sgl::Team team = sgl::make_team(launch);
    if (team.item >= launch.teams) return;
    const T* __restrict__ const x = static_cast<const T*>(params.x);
    T* const out = static_cast<T*>(params.out);
    const index_t x_stride_0 = index_t(params.x_stride_0);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t width = index_t(params.width);

    const index_t r = index_t(team.item);
    if (team.is_among_first()) {
        SGL_UNROLL
        for (int turn = 0; turn < turns; ++turn) {
            const index_t c_base = (index_t(turn) * team.lanes + team.lane) * chunk;
            if (c_base >= width) break;
            sgl::bring_near<chunk>(x, r * x_stride_0 + c_base);
        }
    }
    sgl::wait_for_inputs();
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
    x_held.widen_anew();
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
            out_chunk.set(step,
                    p_max != -CUDART_INF_F ? sgl::divide(sgl::exp(x_chunk.get(step) - p_max), p_sum) : 0.0f);
        }
        sgl::store_chunk<is_aligned>(out, r * out_stride_0 + c_base, width - c_base, out_chunk);
    }
}

const void* const kernels[] = {
    reinterpret_cast<const void*>(&softmax_kernel<float, int64_t, 4, false, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<float, int64_t, 4, true, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<float, int64_t, 4, true, 8>),
    reinterpret_cast<const void*>(&softmax_kernel<float, int32_t, 4, false, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<float, int32_t, 4, false, 4>),
    reinterpret_cast<const void*>(&softmax_kernel<float, int32_t, 4, true, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<float, int32_t, 4, true, 1>),
    reinterpret_cast<const void*>(&softmax_kernel<float, int32_t, 4, true, 2>),
    reinterpret_cast<const void*>(&softmax_kernel<float, int32_t, 4, true, 4>),
    reinterpret_cast<const void*>(&softmax_kernel<float, int32_t, 4, true, 8>),
    reinterpret_cast<const void*>(&softmax_kernel<__half, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<__half, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<__half, int64_t, 8, true, 8>),
    reinterpret_cast<const void*>(&softmax_kernel<__half, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<__half, int32_t, 8, false, 4>),
    reinterpret_cast<const void*>(&softmax_kernel<__half, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<__half, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&softmax_kernel<__half, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&softmax_kernel<__half, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&softmax_kernel<__half, int32_t, 8, true, 8>),
    reinterpret_cast<const void*>(&softmax_kernel<__nv_bfloat16, int64_t, 8, false, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<__nv_bfloat16, int64_t, 8, true, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<__nv_bfloat16, int64_t, 8, true, 8>),
    reinterpret_cast<const void*>(&softmax_kernel<__nv_bfloat16, int32_t, 8, false, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<__nv_bfloat16, int32_t, 8, false, 4>),
    reinterpret_cast<const void*>(&softmax_kernel<__nv_bfloat16, int32_t, 8, true, 0>),
    reinterpret_cast<const void*>(&softmax_kernel<__nv_bfloat16, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&softmax_kernel<__nv_bfloat16, int32_t, 8, true, 2>),
    reinterpret_cast<const void*>(&softmax_kernel<__nv_bfloat16, int32_t, 8, true, 4>),
    reinterpret_cast<const void*>(&softmax_kernel<__nv_bfloat16, int32_t, 8, true, 8>),
};

}  // namespace

extern "C" const void* sgl_cuda_softmax(int position) {
    return kernels[position];
}

// combine_experts_scaled: Sum the outputs of each token's experts, and scale the sum.
// Generated from specs/moe/combine_experts_scaled.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "combine_experts_scaled_params.h"

namespace {

// One team for each t < tokens, a tile of c < width.
template <class T, class index_t, int chunk, bool is_aligned>
__global__ void __launch_bounds__(256, sgl::least_tiles(256, 0)) combine_experts_scaled_kernel(
    const combine_experts_scaled_params params,
    const sgl::Launch launch) {
    const sgl::Team team = sgl::make_team(launch);
    if (team.item >= launch.teams) return;
    const T* __restrict__ const input = static_cast<const T*>(params.input);
    T* const out = static_cast<T*>(params.out);
    const index_t input_stride_0 = index_t(params.input_stride_0);
    const index_t input_stride_1 = index_t(params.input_stride_1);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t experts = index_t(params.experts);
    const index_t width = index_t(params.width);
    const float routed_scaling_factor = params.routed_scaling_factor;

    const index_t tile = index_t(team.item) % index_t(launch.tiles);
    const index_t t = index_t(team.item) / index_t(launch.tiles);
    const index_t tile_begin = tile * launch.tile;
    const index_t tile_end = sgl::minimum(width, tile_begin + launch.tile);
    const int terms = int(sgl::minimum(experts, 16));
    if (team.is_among_first(terms)) {
        for (index_t c_base = tile_begin + team.lane * chunk; c_base < tile_end; c_base += team.lanes
                * chunk) {
            for (int e = 0; e < terms; ++e) {
                sgl::bring_near<chunk>(input, t * input_stride_0 + e * input_stride_1 + c_base);
            }
        }
    }
    sgl::wait_for_inputs();
    for (index_t c_base = tile_begin + team.lane * chunk; c_base < tile_end; c_base += team.lanes * chunk) {
        sgl::Chunk<T, chunk> out_chunk;
        sgl::Accumulator<sgl::Sum<float>> sum_e_state[chunk];
        _Pragma("unroll 4")
        for (index_t e = 0; e < experts; ++e) {
            const auto input_chunk = sgl::load_chunk<chunk, is_aligned>(input,
                    t * input_stride_0 + e * input_stride_1 + c_base, tile_end - c_base);
            SGL_UNROLL
            for (int step = 0; step < chunk; ++step) {
                const index_t c = c_base + step;
                if (!is_aligned && c >= tile_end) break;
                sum_e_state[step].add(e, input_chunk.get(step));
            }
        }
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t c = c_base + step;
            if (!is_aligned && c >= tile_end) break;
            out_chunk.set(step, routed_scaling_factor * float(sum_e_state[step].result()));
        }
        sgl::store_chunk<is_aligned>(out, t * out_stride_0 + c_base, tile_end - c_base, out_chunk);
    }
}

const void* const kernels[] = {
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<float, int64_t, 4, false>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<float, int64_t, 4, true>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<float, int32_t, 4, false>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<float, int32_t, 4, true>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<__half, int64_t, 8, false>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<__half, int64_t, 8, true>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<__half, int32_t, 8, false>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<__half, int32_t, 8, true>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<__nv_bfloat16, int64_t, 8, false>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<__nv_bfloat16, int64_t, 8, true>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<__nv_bfloat16, int32_t, 8, false>),
    reinterpret_cast<const void*>(&combine_experts_scaled_kernel<__nv_bfloat16, int32_t, 8, true>),
};

}  // namespace

extern "C" const void* sgl_cuda_combine_experts_scaled(int position) {
    return kernels[position];
}

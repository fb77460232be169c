// combine_experts: Sum the outputs of each token's experts.
// Generated from specs/moe/combine_experts.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "combine_experts_params.h"

namespace {

// One team for each t < tokens, a tile of c < width.
template <class T, class index_t>
__global__ void __launch_bounds__(sgl::kMostLanes) combine_experts_kernel(
    const combine_experts_params params,
    const sgl::Launch launch) {
    sgl::wait_for_inputs();
    const sgl::Team team = sgl::make_team(launch);
    if (team.item >= launch.teams) return;
    const T* __restrict__ const input = static_cast<const T*>(params.input);
    T* const out = static_cast<T*>(params.out);
    const index_t input_stride_0 = index_t(params.input_stride_0);
    const index_t input_stride_1 = index_t(params.input_stride_1);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t experts = index_t(params.experts);
    const index_t width = index_t(params.width);

    const index_t tile = index_t(team.item) % index_t(launch.tiles);
    const index_t t = index_t(team.item) / index_t(launch.tiles);
    const index_t tile_begin = tile * launch.tile;
    const index_t tile_end = sgl::minimum(width, tile_begin + launch.tile);
    for (index_t c = tile_begin + team.lane; c < tile_end; c += team.lanes) {
        sgl::Accumulator<sgl::Sum<float>> sum_e_state;
        for (index_t e = 0; e < experts; ++e) {
            sum_e_state.add(e, sgl::load(input, t * input_stride_0 + e * input_stride_1 + c));
        }
        const float sum_e = sum_e_state.result();
        sgl::store(out, t * out_stride_0 + c, sum_e);
    }
}

const void* const kernels[] = {
    reinterpret_cast<const void*>(&combine_experts_kernel<float, int64_t>),
    reinterpret_cast<const void*>(&combine_experts_kernel<float, int32_t>),
    reinterpret_cast<const void*>(&combine_experts_kernel<__half, int64_t>),
    reinterpret_cast<const void*>(&combine_experts_kernel<__half, int32_t>),
    reinterpret_cast<const void*>(&combine_experts_kernel<__nv_bfloat16, int64_t>),
    reinterpret_cast<const void*>(&combine_experts_kernel<__nv_bfloat16, int32_t>),
};

}  // namespace

extern "C" const void* sgl_cuda_combine_experts(int position) {
    return kernels[position];
}

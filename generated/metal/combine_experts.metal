// combine_experts: Sum the outputs of each token's experts.
// Generated from specs/moe/combine_experts.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct combine_experts_params {
    int64_t input_stride_0;
    int64_t input_stride_1;
    int64_t out_stride_0;
    int64_t tokens;
    int64_t experts;
    int64_t width;
};

constant int combine_experts_kernel_experts [[function_constant(0)]];

// One team for each t < tokens, a tile of c < width.
template <class T, class index_t>
[[kernel]] void combine_experts_kernel(
    device const T* input [[buffer(0)]],
    device T* out [[buffer(1)]],
    constant combine_experts_params& params [[buffer(2)]],
    constant sgl::Launch& launch [[buffer(3)]],
    threadgroup uint32_t* exchange [[threadgroup(0)]],
    uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]],
    uint thread_index [[thread_index_in_threadgroup]]) {
    const sgl::Team team = sgl::make_team(launch, exchange, group, groups, thread_index);
    if (team.item >= launch.teams) return;
    const index_t input_stride_0 = index_t(params.input_stride_0);
    const index_t input_stride_1 = index_t(params.input_stride_1);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t experts = sgl::size<index_t>(combine_experts_kernel_experts, params.experts);
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

SGL_KERNEL("combine_experts_f32_wide", combine_experts_kernel<float, int64_t>)
SGL_KERNEL("combine_experts_f32", combine_experts_kernel<float, int32_t>)
SGL_KERNEL("combine_experts_f16_wide", combine_experts_kernel<half, int64_t>)
SGL_KERNEL("combine_experts_f16", combine_experts_kernel<half, int32_t>)
SGL_KERNEL("combine_experts_bf16_wide", combine_experts_kernel<bfloat, int64_t>)
SGL_KERNEL("combine_experts_bf16", combine_experts_kernel<bfloat, int32_t>)

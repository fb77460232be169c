// combine_experts_scaled: Sum the outputs of each token's experts, and scale the sum.
// Generated from specs/moe/combine_experts_scaled.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct combine_experts_scaled_params {
    int64_t input_stride_0;
    int64_t input_stride_1;
    int64_t out_stride_0;
    int64_t tokens;
    int64_t experts;
    int64_t width;
    float routed_scaling_factor;
};

constant int combine_experts_scaled_kernel_experts [[function_constant(0)]];

// One team for each t < tokens, a tile of c < width.
template <class T, class index_t, int chunk, bool is_aligned>
[[kernel, max_total_threads_per_threadgroup(128)]] void combine_experts_scaled_kernel(
    device const T* input [[buffer(0)]],
    device T* out [[buffer(1)]],
    constant combine_experts_scaled_params& params [[buffer(2)]],
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
    const index_t experts = sgl::size<index_t>(combine_experts_scaled_kernel_experts, params.experts);
    const index_t width = index_t(params.width);
    const float routed_scaling_factor = params.routed_scaling_factor;

    const index_t tile = index_t(team.item) % index_t(launch.tiles);
    const index_t t = index_t(team.item) / index_t(launch.tiles);
    const index_t tile_begin = tile * launch.tile;
    const index_t tile_end = sgl::minimum(width, tile_begin + launch.tile);
    for (index_t c_base = tile_begin + team.lane * chunk; c_base < tile_end; c_base += team.lanes * chunk) {
        sgl::Chunk<T, chunk> out_chunk;
        sgl::Accumulator<sgl::Sum<float>> sum_e_state[chunk];
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

SGL_KERNEL("combine_experts_scaled_f32_wide", combine_experts_scaled_kernel<float, int64_t, 4, false>)
SGL_KERNEL("combine_experts_scaled_f32_aligned_wide", combine_experts_scaled_kernel<float, int64_t, 4, true>)
SGL_KERNEL("combine_experts_scaled_f32", combine_experts_scaled_kernel<float, int32_t, 4, false>)
SGL_KERNEL("combine_experts_scaled_f32_aligned", combine_experts_scaled_kernel<float, int32_t, 4, true>)
SGL_KERNEL("combine_experts_scaled_f16_wide", combine_experts_scaled_kernel<half, int64_t, 8, false>)
SGL_KERNEL("combine_experts_scaled_f16_aligned_wide", combine_experts_scaled_kernel<half, int64_t, 8, true>)
SGL_KERNEL("combine_experts_scaled_f16", combine_experts_scaled_kernel<half, int32_t, 8, false>)
SGL_KERNEL("combine_experts_scaled_f16_aligned", combine_experts_scaled_kernel<half, int32_t, 8, true>)
SGL_KERNEL("combine_experts_scaled_bf16_wide", combine_experts_scaled_kernel<bfloat, int64_t, 8, false>)
SGL_KERNEL("combine_experts_scaled_bf16_aligned_wide", combine_experts_scaled_kernel<bfloat, int64_t, 8, true>)
SGL_KERNEL("combine_experts_scaled_bf16", combine_experts_scaled_kernel<bfloat, int32_t, 8, false>)
SGL_KERNEL("combine_experts_scaled_bf16_aligned", combine_experts_scaled_kernel<bfloat, int32_t, 8, true>)

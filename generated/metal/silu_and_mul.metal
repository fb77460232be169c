// silu_and_mul: Multiply the gate half, passed through SiLU, by the other half.
// Generated from specs/activation/silu_and_mul.yaml. Do not edit.
#include "sgl_metal.h"

// Strides count elements.
struct silu_and_mul_params {
    int64_t input_stride_0;
    int64_t out_stride_0;
    int64_t rows;
    int64_t width;
};

// One team for each r < rows, a tile of c < width.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
[[kernel, max_total_threads_per_threadgroup(128)]] void silu_and_mul_kernel(
    device const T* input [[buffer(0)]],
    device T* out [[buffer(1)]],
    constant silu_and_mul_params& params [[buffer(2)]],
    constant sgl::Launch& launch [[buffer(3)]],
    threadgroup uint32_t* exchange [[threadgroup(0)]],
    uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]],
    uint thread_index [[thread_index_in_threadgroup]]) {
    const sgl::Team team = sgl::make_team(launch, exchange, group, groups, thread_index);
    if (team.item >= launch.teams) return;
    const index_t input_stride_0 = index_t(params.input_stride_0);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t width = index_t(params.width);

    const index_t tile = index_t(team.item) % index_t(launch.tiles);
    const index_t r = index_t(team.item) / index_t(launch.tiles);
    const index_t tile_begin = tile * launch.tile;
    const index_t tile_end = sgl::minimum(width, tile_begin + launch.tile);
    sgl::Held<T, chunk, is_aligned, turns> input_held;
    sgl::Held<T, chunk, is_aligned, turns> input_held_2;
    SGL_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
        const index_t c_base = tile_begin + (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= tile_end) break;
        input_held.load(turn, input, r * input_stride_0 + c_base, tile_end - c_base);
        input_held_2.load(turn, input, r * input_stride_0 + (c_base + width), tile_end - c_base);
    }
    SGL_UNROLL
    for (int turn = 0; turns == 0 || turn < turns; ++turn) {
        const index_t c_base = tile_begin + (index_t(turn) * team.lanes + team.lane) * chunk;
        if (c_base >= tile_end) break;
        const auto input_chunk = input_held.get(turn, input, r * input_stride_0 + c_base, tile_end - c_base);
        const auto input_chunk_2 = input_held_2.get(turn, input, r * input_stride_0 + (c_base + width),
                tile_end - c_base);
        sgl::Chunk<T, chunk> out_chunk;
        SGL_UNROLL
        for (int step = 0; step < chunk; ++step) {
            const index_t c = c_base + step;
            if (!is_aligned && c >= tile_end) break;
            const float v = input_chunk.get(step);
            out_chunk.set(step, v / (1.0f + sgl::exp(-v)) * input_chunk_2.get(step));
        }
        sgl::store_chunk<is_aligned>(out, r * out_stride_0 + c_base, tile_end - c_base, out_chunk);
    }
}

SGL_KERNEL("silu_and_mul_f32_turns2_wide", silu_and_mul_kernel<float, int64_t, 4, false, 2>)
SGL_KERNEL("silu_and_mul_f32_aligned_turns2_wide", silu_and_mul_kernel<float, int64_t, 4, true, 2>)
SGL_KERNEL("silu_and_mul_f32_turns2", silu_and_mul_kernel<float, int32_t, 4, false, 2>)
SGL_KERNEL("silu_and_mul_f32_aligned_turns2", silu_and_mul_kernel<float, int32_t, 4, true, 2>)
SGL_KERNEL("silu_and_mul_f16_turns2_wide", silu_and_mul_kernel<half, int64_t, 8, false, 2>)
SGL_KERNEL("silu_and_mul_f16_aligned_turns2_wide", silu_and_mul_kernel<half, int64_t, 8, true, 2>)
SGL_KERNEL("silu_and_mul_f16_turns2", silu_and_mul_kernel<half, int32_t, 8, false, 2>)
SGL_KERNEL("silu_and_mul_f16_aligned_turns2", silu_and_mul_kernel<half, int32_t, 8, true, 2>)
SGL_KERNEL("silu_and_mul_bf16_turns2_wide", silu_and_mul_kernel<bfloat, int64_t, 8, false, 2>)
SGL_KERNEL("silu_and_mul_bf16_aligned_turns2_wide", silu_and_mul_kernel<bfloat, int64_t, 8, true, 2>)
SGL_KERNEL("silu_and_mul_bf16_turns2", silu_and_mul_kernel<bfloat, int32_t, 8, false, 2>)
SGL_KERNEL("silu_and_mul_bf16_aligned_turns2", silu_and_mul_kernel<bfloat, int32_t, 8, true, 2>)

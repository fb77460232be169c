// silu_and_mul: Multiply the gate half, passed through SiLU, by the other half.
// Generated from specs/activation/silu_and_mul.yaml. Do not edit.
#include "sgl_cuda.cuh"
#include "silu_and_mul_params.h"

namespace {

// One team for each r < rows, a tile of c < width.
template <class T, class index_t, int chunk, bool is_aligned, int turns>
__global__ void __launch_bounds__(256, sgl::least_tiles(256, is_aligned ? turns * 4 : 0)) silu_and_mul_kernel(
    const silu_and_mul_params params,
    const sgl::Launch launch) {
    const sgl::Team team = sgl::make_team(launch);
    if (team.item >= launch.teams) return;
    const T* __restrict__ const input = static_cast<const T*>(params.input);
    T* const out = static_cast<T*>(params.out);
    const index_t input_stride_0 = index_t(params.input_stride_0);
    const index_t out_stride_0 = index_t(params.out_stride_0);
    const index_t width = index_t(params.width);

    const index_t tile = index_t(team.item) % index_t(launch.tiles);
    const index_t r = index_t(team.item) / index_t(launch.tiles);
    const index_t tile_begin = tile * launch.tile;
    const index_t tile_end = sgl::minimum(width, tile_begin + launch.tile);
    if (team.is_among_first()) {
        SGL_UNROLL
        for (int turn = 0; turn < turns; ++turn) {
            const index_t c_base = tile_begin + (index_t(turn) * team.lanes + team.lane) * chunk;
            if (c_base >= tile_end) break;
            sgl::bring_near<chunk>(input, r * input_stride_0 + c_base);
            sgl::bring_near<chunk>(input, r * input_stride_0 + (c_base + width));
        }
    }
    sgl::wait_for_inputs();
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
            out_chunk.set(step, sgl::divide(v, 1.0f + sgl::exp(-v)) * input_chunk_2.get(step));
        }
        sgl::store_chunk<is_aligned>(out, r * out_stride_0 + c_base, tile_end - c_base, out_chunk);
    }
}

const void* const kernels[] = {
    reinterpret_cast<const void*>(&silu_and_mul_kernel<float, int64_t, 4, false, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<float, int64_t, 4, true, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<float, int32_t, 4, false, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<float, int32_t, 4, true, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<__half, int64_t, 8, false, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<__half, int64_t, 8, true, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<__half, int32_t, 8, false, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<__half, int32_t, 8, true, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<__nv_bfloat16, int64_t, 8, false, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<__nv_bfloat16, int64_t, 8, true, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<__nv_bfloat16, int32_t, 8, false, 1>),
    reinterpret_cast<const void*>(&silu_and_mul_kernel<__nv_bfloat16, int32_t, 8, true, 1>),
};

}  // namespace

extern "C" const void* sgl_cuda_silu_and_mul(int position) {
    return kernels[position];
}

"""From shaders to what MLX loads: Apple's Metal compiler, its cache, and what stands beside the extension.

On an Apple silicon Mac, a build puts these beside `_metal`:

    sgl_metal_kernels.json       always: the manifest, which says which of the two follows
    sgl_metal_kernels.metallib   where Metal's compiler works: every shader, compiled
    shaders/<op>.metal           elsewhere: each op's shader, includes inlined, compiled by MLX at first use

The manifest is an object with these members, and an import compares them with what it finds:

    edition             1
    files               for each file above but itself, by its path beside the extension: {"sha256", "bytes"}
    language            the language version, such as "metal3.1"
    deployment_target   the oldest macOS that the files are for, such as "14.0"
    compiler            the Metal compiler's version line; empty where the shaders are source
    mlx, nanobind       the versions that the extension was built against

Other systems get none of these: without Apple's GPU, MLX runs the CPU kernels.
"""

from __future__ import annotations

MANIFEST = "sgl_metal_kernels.json"
LIBRARY = "sgl_metal_kernels.metallib"
SOURCES = "shaders"

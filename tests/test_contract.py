"""What is written agrees with the record it came from, and a text that does not is found out."""

from __future__ import annotations

import functools
import re

import pytest
from every_spec import NAMES, load

from backends.cuda import contract as cuda
from backends.cuda.emit import emit as emit_cuda
from backends.cuda.emit import launch_records as cuda_launches
from backends.cuda.emit import table_symbol
from backends.metal import contract as metal
from backends.metal.emit import emit as emit_metal
from backends.metal.emit import launch_records as metal_launches
from codegen.contract import differences
from codegen.host.contract import check_op_files
from codegen.host.native import op_files
from codegen.pipeline import Compiled, compile_spec
from kernel_ir.errors import CompilerBug
from kernel_ir.load import load_text

Files = dict[str, str]


@functools.cache
def compiled(name: str) -> Compiled:
    return compile_spec(load(name))


@functools.cache
def files(target: str, name: str) -> Files:
    item = compiled(name)
    match target:
        case "metal":
            return dict(emit_metal(item.program, item.record))
        case "cuda":
            return dict(emit_cuda(item.program, item.record))
        case _:
            return {path: text.decode() for path, text in op_files(item.record).items()}


def check(target: str, name: str, changed: Files) -> None:
    """Raises CompilerBug where `changed` is not what the record says."""
    item = compiled(name)
    match target:
        case "metal":
            metal.check_files(changed, metal_launches(item.program, item.record), item.record)
        case "cuda":
            launches = cuda_launches(item.program, item.record)
            cuda.check_files(changed, launches, item.record, table_symbol(item.record))
        case _:
            check_op_files({path: text.encode() for path, text in changed.items()}, item.record)


@pytest.mark.parametrize("target", ["metal", "cuda", "host"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_what_the_record_says(name: str, target: str) -> None:
    check(target, name, files(target, name))


# One fact each: what is looked for, what is put there, and what the message is about.
SHADER = [
    (r"\[\[buffer\(1\)\]\]", "[[buffer(2)]]", "buffers"),
    (r"device const T\* (\w+) \[\[buffer\(0\)\]\]", r"device T* \1 [[buffer(0)]]", "buffers"),
    (r"device const T\* \w+", "device const T* other", "buffers"),
    (r"device float\* (\w+) \[\[", r"device int32_t* \1 [[", "buffers"),
    (r"constant sgl::Launch& launch \[\[buffer\(\d+\)\]\],\n", "", "buffers"),
    (r"\[\[threadgroup\(0\)\]\]", "[[threadgroup(1)]]", "threadgroup memory"),
    (r"\[\[function_constant\(1\)\]\]", "[[function_constant(0)]]", "constants"),
    (r"constant int (\w+)_k ", r"constant int \1_other ", "constants"),
    (r"constant int ", "constant uint ", "constants"),
    (r"    int64_t (\w+);\n    int64_t (\w+);", r"    int64_t \2;\n    int64_t \1;", "parameters"),
    (r"    int64_t (\w+);", r"    int32_t \1;", "parameters"),
    (r"struct \w+_params", "struct other_params", "parameters"),
    (r'SGL_KERNEL\("route_tokens_f32_wide"', 'SGL_KERNEL("route_tokens_f32_wider"', "instances"),
    (r"_kernel<float, int64_t", "_kernel<float, int32_t", "instances"),
    (r"SGL_KERNEL\(.*\n", "", "instances"),
    (r"\]\] void route_tokens_kernel", "]] void other_kernel", "other_kernel"),
    (r"max_total_threads_per_threadgroup\(\d+\)", "max_total_threads_per_threadgroup(32)", "threads"),
    (r"group \[\[threadgroup_position_in_grid", "group [[threadgroups_per_grid", "positions"),
    (r"groups \[\[threadgroups_per_grid", "groups [[threads_per_grid", "positions"),
    (r"uint thread_index \[\[thread_index_in_threadgroup", "uint thread_index [[thread_index_in_simdgroup",
     "positions"),
    (r"make_team\(launch, exchange, group, groups", "make_team(launch, exchange, groups, group", "team"),
    (r"index_t\(params\.logits_stride_0\)", "index_t(params.ids_stride_0)", "locals"),
    (r"route_tokens_kernel_k, params\.k\)", "route_tokens_kernel_k, params.tokens)", "locals"),
    (r"route_tokens_kernel_k, params\.k\)", "route_tokens_kernel_experts, params.k)", "locals"),
    (r"(\(ids, t \* )ids_stride_0", r"\1logits_stride_0", "strides"),
]  # fmt: skip
METAL = [
    (r'"route_tokens_f32_wide"', '"route_tokens_f32"', "kernel names"),
    (r"\{0, size_k, 1\}", "{0, size_k, 0}", "constant rows"),
    (r"\{0, size_k, 1\}", "{0, size_tokens, 1}", "constant rows"),
    (r"\.shader = \"route_tokens\"", '.shader = "other"', "shader"),
    (r"first_value = \d", "first_value = 1", "first_value"),
    (r"sizeof\(route_tokens_params", "sizeof(other_params", "params_bytes"),
    (r"exchange_bytes = \d+", "exchange_bytes = 16", "exchange_bytes"),
]
LAUNCHES = [
    (r"\{tensor_\w+\}|    tensor_\w+,\n    (tensor_\w+),", r"    \1,\n    \1,", "tensors"),
    (r"given_0\[\] = \{\n    \w+,", "given_0[] = {\n    tensor_other,", "given"),
    (r"Owner::team", "Owner::lane", "scratch"),
    (r"(scratch_0\[\] = \{\n    \{\w+), 4", r"\1, 8", "scratch"),
    (r"\.grid = grid_0", ".grid = {}", "grid"),
    (r"\.longest = \w+", ".longest = measure_9", "longest"),
    (r"\.tiled = \w+", ".tiled = measure_0", "tiled"),
    (r"(teams_0\[\] = \{\n    \{\w+, )\d+", r"\g<1>7", "teams"),
    (r"\{kHoweverLong, ", "{100000, ", "teams"),
    (r"tile_turns = \d+", "tile_turns = 99", "tile_turns"),
    (r"teams_per_group = \d+", "teams_per_group = 99", "teams_per_group"),
    (r"part_lanes = \d+", "part_lanes = 99", "part_lanes"),
    (r"bounds_0\[\] = \{\n.*\n", "bounds_0[] = {\n", "bounds"),
    (r"dealt_0\[\] = \{\n.*\n", "dealt_0[] = {\n", "dealt"),
    (r"(kernels_0\[\] = \{\n    \{0, 0, \d, \d), true", r"\1, false", "kernels"),
    (r"(kernels_0\[\] = \{\n    \{0, 0), \d", r"\1, 16", "kernels"),
    (r"(kernels_0\[\] = \{\n    \{0), 0", r"\1, 1", "kernels"),
    (r"kernels_0\[\] = \{\n    \{0", "kernels_0[] = {\n    {1", "kernels"),
    (r"(enum SizeIndex : int16_t \{ )(size_\w+), (size_\w+),", r"\1\3, \2,", "sizes"),
    (r"(enum TensorIndex : int16_t \{ )(tensor_\w+), (tensor_\w+),", r"\1\3, \2,", "tensors"),
    (r"V\.sizes\[size_tokens\]", "V.sizes[size_experts]", "grid"),
    (r"return tokens;", "return tokens + 1;", "grid"),
]  # fmt: skip
CUDA = [
    (".cu", r"(&route_tokens_kernel<float, )int64_t", r"\1int32_t", "table"),
    (".cu", r"    reinterpret_cast<const void\*>\(&.*\n", "", "table"),
    (".cu", r"    const route_tokens_params params,\n", "", "arguments"),
    (".cu", r"(sgl::Launch launch,\n +)\w+\*", r"\1int64_t*", "arguments"),
    (".cu", r'(extern "C" const void\* )sgl_cuda_route_tokens', r"\1sgl_cuda_other", "symbol"),
    ("_launches.cpp", r"\.kernel = sgl_cuda_route_tokens", ".kernel = sgl_cuda_other", "kernel"),
]
HOST = [
    ("_params.h", r"  void\* (\w+);.*\n  void\* (\w+);", r"  void* \2;\n  void* \1;", "members"),
    ("_params.h", r"  int64_t (\w+);", r"  int32_t \1;", "members"),
    ("_params.h", r"struct route_tokens_params", "struct other", "struct"),
    ("_host.cpp", r'\.name = "(\w+)",\n     \.type', '.name = "other",\n     .type', "tensors"),
    ("_host.cpp", r"Role::result", "Role::mutated", "roles"),
    ("_host.cpp", r"is_zero_filled = false", "is_zero_filled = true", "roles"),
    ("_host.cpp", r"(pointer_offset = offsetof\(Params, )\w+", r"\1tokens", "roles"),
    ("_host.cpp", r'\{"tokens", offsetof', '{"other", offsetof', "sizes"),
    ("_host.cpp", r'"tokens", offsetof\(Params, tokens\)', '"tokens", offsetof(Params, k)', "offsets"),
]  # fmt: skip
EVERY = [
    *(("metal", "route_tokens", ".metal", *row) for row in SHADER),
    ("metal", "group_offsets", ".metal", r"_constant\(2\)", "_constant(0)", "constants"),
    *(("metal", "route_tokens", "_launches.cpp", *row) for row in METAL),
    *((target, "route_tokens", "_launches.cpp", *row) for row in LAUNCHES for target in ("metal", "cuda")),
    *(("cuda", "route_tokens", *row) for row in CUDA),
    *(("host", "route_tokens", *row) for row in HOST),
]


@pytest.mark.parametrize(("target", "name", "suffix", "pattern", "instead", "about"), EVERY)
def test_a_changed_fact_is_found(
    target: str, name: str, suffix: str, pattern: str, instead: str, about: str
) -> None:
    path = next(path for path in files(target, name) if path.endswith(suffix))
    text, count = re.subn(pattern, instead, files(target, name)[path], count=1)
    assert count == 1 and text != files(target, name)[path], "nothing was changed"
    with pytest.raises(CompilerBug, match=f"{path} is not what its record says: .*({about})"):
        check(target, name, {**files(target, name), path: text})


NAMED = """
edition: 1
name: odd
summary: A name that targets have a use for.
arguments:
  {tensor}: {{type: "f32[d, {size}]", doc: "a"}}
  {tensor}_2: {{type: "f32[d, {size}]", doc: "b"}}
  {scalar}: {{type: f32, doc: "c"}}
results:
  res: {{type: "f32[d, {size}]", doc: "d"}}
body: |
  for r in range(d):
      top = max({tensor}[r, c] + {tensor}_2[r, c] for c in range({size}))
      for c in range({size}):
          res[r, c] = {tensor}[r, c] * {scalar} + top
examples:
  - {{d: 3, {size}: 70}}
"""
OWN = """
    params launch team exchange group groups thread_index chunk turns sgl item items lane lanes turn step
    part share odd_kernel values memory
""".split()


@pytest.mark.parametrize("role", ["tensor", "scalar", "size"])
@pytest.mark.parametrize("name", OWN)
def test_what_a_kernel_has_of_its_own_may_be_a_name_in_a_spec(name: str, role: str) -> None:
    words = {"tensor": "x", "scalar": "y", "size": "w", role: name}
    item = compile_spec(load_text(NAMED.format(**words), "odd.yaml"))
    for emit in (emit_metal, emit_cuda):
        assert emit(item.program, item.record)


def test_differences_name_what_differs() -> None:
    found = {"a": (1, 2, 3), "b": 1, "c": 0}
    wanted = {"a": (1, 5, 3), "b": 1, "d": 0}
    assert differences(found, wanted) == (
        "a: the text has 2, the record 5",
        "c: the record does not have it",
        "d: the text does not have it",
    )
    assert differences(wanted, wanted) == ()

"""The CUDA source of every spec: its table of kernels, and that nvcc takes it without a warning."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from every_spec import NAMES, load

from backends.cuda.emit import TARGET, emit, launch_records
from codegen import lowered as low
from codegen.gpu.plan import plan
from codegen.gpu.taking import Taking
from codegen.host.native import op_files
from codegen.pipeline import Compiled, compile_spec
from kernel_ir import nodes as ir
from kernel_ir.dtypes import U32
from kernel_ir.load import load_text

BACKENDS = Path(__file__).parent.parent / "backends"
NVCC = shutil.which("nvcc")
# Together: chunks, rows in registers, rows in memory, optional tensors.
COMPILED = ("rms_norm", "attend_pages", "route_tokens")


def source(name: str) -> str:
    compiled = compile_spec(load(name))
    return emit(compiled.program, compiled.record)[f"cuda/{name}.cu"]


def nvcc(compiled: Compiled, text: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Compiles an op's kernels in a folder, with warnings as errors and more flags."""
    for path, content in op_files(compiled.record).items():
        (folder / Path(path).name).write_bytes(content)
    (folder / "kernel.cu").write_text(text)
    folders = (folder, BACKENDS / "cuda" / "runtime", BACKENDS / "gpu_runtime")
    includes = (f"-I{path}" for path in folders)
    flags = ("-std=c++20", "--fmad=false", "-Werror", "all-warnings", *more)
    command = [str(NVCC), *flags, *includes, "-c", "kernel.cu", "-o", "kernel.o"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", NAMES)
def test_table_holds_the_kernels_that_the_record_names_in_its_order(name: str) -> None:
    compiled = compile_spec(load(name))
    records = launch_records(compiled.program, compiled.record)
    text = emit(compiled.program, compiled.record)[f"cuda/{name}.cu"]
    table = re.findall(r"reinterpret_cast<const void\*>\(&(\w+)<", text)
    kernels = [(record, kernel) for record in records for kernel in record.kernels]
    assert [kernel.position for _, kernel in kernels] == list(range(len(table)))
    assert table == [f"{record.function(kernel.variant.points)}_kernel" for record, kernel in kernels]
    assert len({kernel.name for _, kernel in kernels}) == len(kernels)


@pytest.mark.parametrize("name", NAMES)
def test_text_is_the_same_every_time(name: str) -> None:
    assert source(name) == source(name)


@pytest.mark.skipif(NVCC is None, reason="there is no nvcc on this machine's PATH")
@pytest.mark.parametrize("name", COMPILED)
def test_nvcc_accepts_every_kernel(name: str, tmp_path: Path) -> None:
    done = nvcc(compile_spec(load(name)), source(name), tmp_path, "-arch=sm_80", "--keep")
    assert done.returncode == 0, done.stderr
    assert ".local" not in (tmp_path / "kernel.ptx").read_text(), "a kernel keeps an array in local memory"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_read_before_the_kernel_ahead_is_done(name: str) -> None:
    for kernel in source(name).split("__global__")[1:]:
        before, _, after = kernel.partition("sgl::wait_for_inputs();")
        assert after, "a kernel does not wait"
        assert not re.search(r"sgl::(load|Held|store)|\.get\(", before), before
        assert "bring_near" not in after


def test_a_waiting_kernel_asks_for_what_the_grid_places_alone() -> None:
    assert re.findall(r"bring_near<chunk>\((\w+),", source("rms_norm")) == ["x", "weight"]
    assert "bring_near" not in source("rope_pool_fused"), "what is read there says where the rest is"


CLAMPED = """
edition: 1
name: clamped
summary: Indices between 0 and the last one, written in both ways.
arguments: {x: {type: "f32[m]"}, ids: {type: "i32[n]"}, last: {type: i32}}
results: {near: {type: "f32[n]"}, is_last: {type: "bool[n]"}}
in_range: {ids: clamp}
body: |
  for i in range(n):
      near[i] = x[ids[i]]
      is_last[i] = max(min(ids[i], last), 0) == last
"""


def test_a_maximum_with_zero_is_not_one_that_ptxas_compares_wrongly() -> None:
    compiled = compile_spec(load_text(CLAMPED, "clamped.yaml"))
    text = emit(compiled.program, compiled.record)["cuda/clamped.cu"]
    assert text.count("sgl::at_least_zero(sgl::minimum(") == 2
    assert not re.search(r"sgl::maximum\([^;]*, 0\)", text)


def test_words_that_are_taken_one_by_one_are_put_in_order_first() -> None:
    assert "sgl::RankedWords<chunk, turns>" in source("route_sigmoid")
    compiled = compile_spec(load("route_sigmoid"))
    (item,) = plan(compiled.program, compiled.record, TARGET)
    loops = [loop for loop in item.launch.body if isinstance(loop, low.Loop) and loop.kind == "serial"]
    (taking,) = (found for loop in loops if (found := Taking.of(loop, item)) is not None)
    read_again = ir.Let("again", ir.At(taking.row, ir.Var(taking.fold.var, U32), U32))
    other = replace(item, launch=replace(item.launch, body=(*item.launch.body, read_again)))
    assert not any(Taking.of(loop, other) for loop in loops)


@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler on this machine's PATH")
def test_words_are_taken_in_order_by_teams_of_any_size(tmp_path: Path) -> None:
    program = tmp_path / "ranked_words"
    source = Path(__file__).parent / "cpp" / "ranked_words.cpp"
    includes = [f"-I{BACKENDS / folder}" for folder in ("cuda/runtime", "gpu_runtime")]
    flags = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-pthread"]
    subprocess.run(["c++", *flags, *includes, str(source), "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_kernel_is_bound_to_no_fewer_threads_than_its_groups_have() -> None:
    """A group of several small teams, of a kernel whose teams have parts, is as large as them all."""
    text = """\
edition: 1
name: averages
summary: Averages of ranges of values by the softmax of scores.
arguments:
  scores: {type: "f32[rows, entries]"}
  values: {type: "f32[entries, width]"}
  ends: {type: "i32[rows]"}
results:
  out: {type: "f32[rows, width]"}
in_range: {ends: clamp}
schedule: {cuda: {team: 32, teams_per_group: 2}}
body: |
  for r in range(rows):
      p = softmax(scores[r, e] for e in range(min(ends[r], entries)))
      for c in range(width):
          out[r, c] = sum(p[e] * values[e, c] for e in range(min(ends[r], entries)))
"""
    compiled = compile_spec(load_text(text, "averages.yaml"))
    (launch,) = launch_records(compiled.program, compiled.record)
    assert launch.schedule.part_lanes and launch.schedule.most_threads == 64
    source = emit(compiled.program, compiled.record)["cuda/averages.cu"]
    assert "__launch_bounds__(64)" in source


@pytest.mark.skipif(NVCC is None, reason="there is no nvcc on this machine's PATH")
@pytest.mark.parametrize("architecture", ["sm_80", "sm_86"])
def test_small_teams_ask_for_no_more_blocks_than_a_multiprocessor_has(
    architecture: str, tmp_path: Path
) -> None:
    text = """edition: 1
name: twice
summary: Doubles.
arguments:
  x: {type: "f32[n]"}
results:
  out: {type: "f32[n]"}
schedule: {cuda: {team: 32, teams_per_group: 1}}
body: |
  for i in range(n):
      out[i] = x[i] + x[i]
"""
    compiled = compile_spec(load_text(text, "twice.yaml"))
    source = emit(compiled.program, compiled.record)["cuda/twice.cu"]
    assert "__launch_bounds__(32, sgl::least_tiles(32, is_aligned ? turns" in source
    done = nvcc(compiled, source, tmp_path, f"-arch={architecture}")
    assert done.returncode == 0, done.stderr

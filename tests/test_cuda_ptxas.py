"""What is kept of the assembler's report, and that machine code moves whole vectors, in registers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backends.cuda import ptxas
from backends.cuda.emit import emit
from backends.cuda.ptxas import KernelUse
from backends.tools import find_program
from codegen.host.native import op_files
from codegen.pipeline import compile_spec
from kernel_ir.load import load_text

ROOT = Path(__file__).parent.parent
NVCC = find_program("nvcc") or find_program("/usr/local/cuda/bin/nvcc")

OUTPUT = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z5plainIfEvT_' for 'sm_80'
ptxas info    : Function properties for _Z5plainIfEvT_
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 32 registers, used 1 barriers, 512 bytes smem, 400 bytes cmem[0]
ptxas info    : Compile time = 18.695 ms
ptxas info    : Compiling entry function '_Z5spilli' for 'sm_90'
ptxas info    : Function properties for _Z5spilli
    24 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 255 registers, 364 bytes cmem[0]
"""


def test_every_kernel_is_read() -> None:
    plain, spilling = ptxas.parse(OUTPUT, "op")
    assert plain == KernelUse("op", "_Z5plainIfEvT_", "sm_80", 32, 0, 0, 0, 512)
    assert spilling == KernelUse("op", "_Z5spilli", "sm_90", 255, 24, 8, 12, 0)
    assert not plain.has_local_memory and spilling.has_local_memory


def test_a_report_is_gathered_and_what_is_wrong_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objects = [tmp_path / "op.cu.o", tmp_path / "older.cu.o"]
    Path(f"{objects[0]}.ptxas").write_text(OUTPUT)
    report = tmp_path / "ptxas.json"
    assert ptxas.main([str(report), *map(str, objects)]) == 0
    assert [row["op"] for row in json.loads(report.read_text())["kernels"]] == ["op", "op"]
    assert "for sm_90 has 24 bytes of stack, 20 of spills" in capsys.readouterr().err
    assert ptxas.main([str(report)]) == 0
    assert re.search(r"^op +sm_90 +1 +255 +0 +24 +20$", capsys.readouterr().out, re.MULTILINE)


# ---- machine code ------------------------------------------------------------------------------

OPS = ("rms_norm", "silu_and_mul")
IN_REGISTERS = ("silu_and_mul",)
FLAGS = ("-std=c++20", "-O3", "--fmad=false", "--expt-relaxed-constexpr", "--extended-lambda", "-cubin")
FOLDERS = ("generated", "generated/host", "backends", "backends/cuda/runtime", "backends/gpu_runtime")


def find_disassembler() -> str | None:
    """cuobjdump: the toolkit's, or the one of its wheel, which needs nvdisasm from another beside it."""
    found = [find_program("cuobjdump"), find_program("/usr/local/cuda/bin/cuobjdump")]
    wheels = (Path(place) / "nvidia" for place in sys.path)
    found += [str(path) for place in wheels for path in place.glob("*/bin/cuobjdump")]
    return next(filter(None, found), None)


DISASSEMBLER = find_disassembler()
COMPARED_WRONGLY = r"VIMNMX\S*RELU \w+, P\d"  # with the predicate that ptxas 13.0 takes for equality


def machine_code(source: Path, folder: Path, architecture: str = "90") -> dict[str, str]:
    """The instructions of each kernel of a source, by its mangled name."""
    cubin = folder / f"{source.stem}.cubin"
    includes = [f"-I{folder}", *(f"-I{ROOT / name}" for name in FOLDERS)]
    code = f"-gencode=arch=compute_{architecture},code=sm_{architecture}"
    command = [str(NVCC), *FLAGS, code, *includes, str(source), "-o", str(cubin)]
    subprocess.run(command, check=True, capture_output=True)
    places = {**os.environ, "PATH": f"{Path(str(DISASSEMBLER)).parent}:{os.environ.get('PATH', '')}"}
    dump = [str(DISASSEMBLER), "--dump-sass", str(cubin)]
    text = subprocess.run(dump, check=True, capture_output=True, text=True, env=places).stdout
    parts = re.split(r"Function : (\S+)", text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


disassembles = pytest.mark.skipif(
    NVCC is None or DISASSEMBLER is None, reason="there is no nvcc, or no cuobjdump"
)


@disassembles
@pytest.mark.parametrize("op", OPS)
def test_aligned_kernels_move_whole_vectors_after_they_have_waited(op: str, tmp_path: Path) -> None:
    kernels = machine_code(ROOT / "generated" / "cuda" / f"{op}.cu", tmp_path)
    loads = {name for name, code in kernels.items() if "LDG.E.128" in code}
    stores = {name for name in loads if "STG.E.128" in kernels[name]}
    assert len(loads) >= len(kernels) // 2, "half of the variants are for aligned arrays"
    assert len(stores) >= len(kernels) // 4, "and half of those have 32-bit indices"
    for name, code in kernels.items():
        assert not re.search(COMPARED_WRONGLY, code), name
        is_in_registers = not re.search(r"\b(LDL|STL)\b", code)
        assert is_in_registers or op not in IN_REGISTERS, f"{name} uses local memory"
        waits, first = code.find("ACQBULK"), re.search(r"\b(LDG|STG)\b", code)
        assert first is None or 0 <= waits < first.start(), f"{name} reads before it waits"


BYTES = """
#include "sgl_cuda.cuh"
extern "C" __global__ void bytes(const float* x, const int32_t* n, uint8_t* stored, float* rest) {
  stored[0] = sgl::Codec<uint8_t>::narrow(x[0]);
  rest[0] = float(sgl::modulo(sgl::load(stored, 0), 255));
  stored[1] = sgl::Codec<uint8_t>::narrow(n[0]);
  rest[1] = float(sgl::modulo(sgl::load(stored, 1), 255));
  rest[2] = sgl::at_least_zero(sgl::minimum(n[0], n[1])) == n[1] ? 1.0f : 2.0f;
}
"""


@disassembles
def test_what_was_clamped_is_not_compared_by_what_clamped_it(tmp_path: Path) -> None:
    """VIMNMX.RELU tells which operand it took, and ptxas 13.0 reads that as what the result equals."""
    source = tmp_path / "bytes.cu"
    source.write_text(BYTES)
    code = machine_code(source, tmp_path)["bytes"]
    assert "STG.E.U8" in code
    assert not re.search(COMPARED_WRONGLY, code)


# Clamps and equality in many words.
SPELLINGS = """
edition: 1
name: spellings
summary: Clamps, in many words, compared with what clamped them.
arguments: {x: {type: "i32[n]"}, lasts: {type: "i32[n]"}, last: {type: i32}}
results: {a: {type: "i32[n, 20]"}, z: {type: "i32[n]"}}
body: |
  for i in range(n):
      t = min(x[i], last)
      r = t if t > 0 else 0
      a[i, 0] = (1 if r == last else 0)
      s = 0 if t < 0 else t
      a[i, 1] = (1 if s == last else 0)
      a[i, 2] = (1 if max(t, last - last) == last else 0)
      a[i, 3] = (1 if r >= last and r <= last else 0)
      a[i, 4] = (1 if not (r < last or r > last) else 0)
      a[i, 5] = (1 if r - last == 0 else 0)
      u = max(x[i] if x[i] < 7 else 7, 0)
      a[i, 6] = (1 if u == 7 else 0)
      v = x[i] if x[i] < 7 else 7
      w = v if v > 0 else 0
      a[i, 7] = (1 if w == 7 else 0)
      a[i, 8] = 1 if w < 7 else (2 if w < 8 else 3)
      a[i, 9] = (1 if r != last else 0)
      a[i, 10] = (1 if i64(r) == i64(last) else 0)
      a[i, 11] = (1 if abs(r - last) < 1 else 0)
      a[i, 12] = (1 if (1 if t > 0 else 0) * t == last else 0)
      a[i, 13] = (1 if -min(-t, 0) == last else 0)
      q = x[i] if x[i] > last else last
      a[i, 14] = (1 if (q if q > 0 else 0) == last else 0)
      k = i64(x[i])
      kk = k if k < i64(last) else i64(last)
      a[i, 15] = (1 if (kk if kk > 0 else 0) == i64(last) else 0)
      m = 0
      for j in sequential(0, 2):
          m = max(m, t if j == 1 else 0)
      a[i, 16] = (1 if m == last else 0)
      y = min(x[i], lasts[i])
      a[i, 17] = (1 if (y if y > 0 else 0) == lasts[i] else 0)
      a[i, 18] = (1 if u32(r) == u32(last) else 0)
      g = t
      if g < 0:
          g = 0
      a[i, 19] = (1 if g == last else 0)
      z[i] = r
"""


@disassembles
@pytest.mark.parametrize("architecture", ["90", "100"])
def test_no_spelling_of_a_clamp_is_compared_by_what_clamped_it(architecture: str, tmp_path: Path) -> None:
    compiled = compile_spec(load_text(SPELLINGS, "spellings.yaml"))
    for path, content in op_files(compiled.record).items():
        (tmp_path / Path(path).name).write_bytes(content)
    source = tmp_path / "spellings.cu"
    source.write_text(emit(compiled.program, compiled.record)["cuda/spellings.cu"])
    for name, code in machine_code(source, tmp_path, architecture).items():
        assert "VIMNMX" in code and not re.search(COMPARED_WRONGLY, code), name


def test_a_report_that_is_not_there_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert ptxas.main(["nowhere.json"]) == 1
    assert "nowhere.json is not there" in capsys.readouterr().err

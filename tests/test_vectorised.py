"""What the compiler makes of CPU kernels: hot loops on whole registers, and sums that stay in them.

Instructions are read from the assembly that the build's own flags give for AVX2.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from backends.cpu.toolchain import KERNEL_FLAGS, isa_levels
from backends.cxx import STANDARD

ROOT = Path(__file__).resolve().parent.parent
INCLUDES = ("backends/cpu/runtime", "generated/host")

ARITHMETIC = re.compile(r"\bv(?:add|sub|mul|div|sqrt|max|min)p[sd]\b.*%ymm")
SCALAR_ARITHMETIC = re.compile(r"\bv(?:add|sub|mul|div|sqrt)s[sd]\b")
SUM = re.compile(r"\bvaddps\b.*%ymm")
SPILL = re.compile(r"%ymm\d+, -?\d*\(%r[sb]p\)$")
_JUMP = re.compile(r"^\tj\w+\t(\.L\w+)$")

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the instructions that are looked for are those of x86-64"
)

Loop = list[str]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The assembly of a row reduction and of an elementwise kernel."""
    folder = tmp_path_factory.mktemp("assembly")
    return {name: compile_to_assembly(name, folder) for name in ("rms_norm", "silu_and_mul")}


def compile_to_assembly(kernel: str, folder: Path) -> str:
    (level,) = [item for item in isa_levels("x86_64") if item.name == "avx2"]
    compiler = shlex.split(os.environ.get("CXX", "c++"))
    includes = [f"-I{ROOT / path}" for path in INCLUDES]
    flags = [STANDARD, *KERNEL_FLAGS, *level.flags, level.define, "-fPIC", "-fopenmp", *includes]
    output = folder / f"{kernel}.s"
    source = ROOT / "generated/cpu" / f"{kernel}.cpp"
    subprocess.run([*compiler, *flags, "-S", str(source), "-o", str(output)], check=True)
    return output.read_text()


def innermost_loops(assembly: str, storage: str) -> list[Loop]:
    """The instructions of each innermost loop of the kernel's instantiation for a storage type."""
    found: list[Loop] = []
    for function in re.split(r"^(?=[_a-zA-Z]\w*:$)", assembly, flags=re.MULTILINE):
        if re.match(rf"_Z\w*3runI{storage}", function) or re.match(rf"_Z\w*3runIN\w*{storage}E", function):
            found += loops_of(function.splitlines())
    return found


def loops_of(lines: list[str]) -> list[Loop]:
    """From a label to the last jump back to it; those that hold no other loop."""
    labels = {
        line[:-1]: index for index, line in enumerate(lines) if line.startswith(".L") and line.endswith(":")
    }
    ends: dict[int, int] = {}
    for index, line in enumerate(lines):
        jump = _JUMP.match(line)
        if jump and labels.get(jump[1], index) < index:
            ends[labels[jump[1]]] = index
    spans = sorted(ends.items())
    is_inner = [not any(a < other and end <= b for other, end in spans) for a, b in spans]
    return [lines[a : b + 1] for (a, b), inner in zip(spans, is_inner, strict=True) if inner]


def vector_loops(assembly: str, storage: str) -> list[Loop]:
    """The loops that compute on whole registers."""
    loops = innermost_loops(assembly, storage)
    return [loop for loop in loops if any(ARITHMETIC.search(line) for line in loop)]


SPILLING = """
.L1:
.L2:
\tvmulps\t%ymm4, %ymm4, %ymm0
\tvaddps\t-120(%rsp), %ymm0, %ymm2
\tvmovaps\t%ymm2, -120(%rsp)
\tcmpq\t%rcx, %r8
\tjne\t.L2
\tvaddss\t%xmm0, %xmm1, %xmm1
\tjne\t.L1
"""


def test_a_spilt_sum_would_be_seen() -> None:
    ((label, *loop),) = loops_of(SPILLING.splitlines())
    assert label == ".L2:"
    assert [line for line in loop if SPILL.search(line)] == ["\tvmovaps\t%ymm2, -120(%rsp)"]
    assert sum(bool(ARITHMETIC.search(line)) for line in loop) == 2


@pytest.mark.parametrize("storage", ["f", "4bf16"])
def test_a_row_reduction_adds_in_registers(assembly: dict[str, str], storage: str) -> None:
    sums = [loop for loop in vector_loops(assembly["rms_norm"], storage) if any(map(SUM.search, loop))]
    assert sums, "no loop adds whole registers"
    spilled = [line for loop in sums for line in loop if SPILL.search(line)]
    assert not spilled, f"partial sums leave their registers: {spilled}"


@pytest.mark.parametrize("storage", ["f", "4bf16"])
@pytest.mark.parametrize("kernel", ["rms_norm", "silu_and_mul"])
def test_hot_loops_compute_on_whole_registers(assembly: dict[str, str], kernel: str, storage: str) -> None:
    loops = vector_loops(assembly[kernel], storage)
    assert len(loops) >= {"rms_norm": 2, "silu_and_mul": 1}[kernel]
    for loop in loops:
        scalar = [line for line in loop if SCALAR_ARITHMETIC.search(line) or "\tcall" in line]
        assert not scalar, f"single elements in a loop over packs: {scalar}"

"""The CUDA extension where there is nvcc but no GPU: it compiles, imports, and refuses what it must."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from every_spec import NAMES, SHIPPED, load

from backends.build_generated import BuildOptions, build, find_toolchain
from backends.cuda import ptxas, toolchain
from backends.cuda.emit import emit
from backends.cuda.toolchain import CudaCompiler, find_cuda_compiler, find_device_architectures
from backends.machine import this_machine
from backends.tools import Outcome, ProbeCache
from codegen.pipeline import compile_spec
from codegen.settings import SettingError, Settings, read_settings

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "cuda_check"

Choices = dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped kernels, compiled for the oldest architecture and kept between runs."""
    if find_cuda_compiler((), ProbeCache(tmp_path_factory.mktemp("probes") / "probes.json")) is None:
        pytest.skip("no nvcc was found")
    return build(BuildOptions(build=FOLDER), Settings(cuda_architectures=("80",)))


def run(code: str, folder: Path) -> str:
    """What a fresh Python prints that has `folder` on its path."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_kernel_compiles_and_every_op_is_there(package: Path) -> None:
    code = """
from sgl_kernel import cuda
assert cuda.is_available(), cuda._IMPORT_ERROR
print(sorted(set(cuda.__all__) - set(dir(cuda._native))))
"""
    assert run(code, package) == "[]\n"


# Bytes of a lane's own memory that kernels of an op may have (docs/cuda.md says why); no other may have any.
LOCAL_MEMORY = {"paged_attention_decode": 112}


@pytest.mark.usefixtures("package")
def test_kernels_keep_to_registers() -> None:
    uses = ptxas.read(FOLDER / "cuda" / "ptxas.json")
    assert {use.op for use in uses} == set(SHIPPED)
    spilling = [use for use in uses if use.stack > LOCAL_MEMORY.get(use.op, 0)]
    assert not spilling
    assert {use.op for use in uses if use.has_local_memory} == LOCAL_MEMORY.keys()


def test_arrays_that_are_not_on_a_gpu_are_refused_by_name(package: Path) -> None:
    code = """
import numpy as np
from sgl_kernel import cuda
for array in (np.zeros((2, 8), "f4"), [[1.0]]):
    try:
        cuda.rms_norm(array, array)
    except TypeError as error:
        print(error)
"""
    numpy, other = run(code, package).splitlines()
    assert numpy == "rms_norm: argument 'x' is on the CPU, expected CUDA"
    assert other.startswith("rms_norm: argument 'x' must be a CUDA tensor of a framework with ")
    assert other.endswith("got list")


def test_nothing_is_built_for_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.build_generated.find_device_architectures", lambda: ())
    monkeypatch.setattr(
        "backends.build_generated.find_cuda_compiler", lambda wanted, cache: CudaCompiler(("nvcc",), "13.0")
    )
    tools = find_toolchain(tmp_path, Settings(), this_machine())
    assert tools.cuda is None
    assert tools.without_cuda.startswith("there is no GPU here to compile for (to name some: SGL_CUDA_ARCHS=")
    asked = find_toolchain(tmp_path, Settings(cuda_architectures=("90",)), this_machine()).cuda
    assert asked is not None and asked.architectures == ("90",)


@pytest.mark.parametrize(
    ("printed", "found"),
    [("9.0\n9.0\n", ("90",)), ("10.0\n8.6\n7.5\n", ("86", "100")), ("no devices were found\n", ())],
)
def test_the_driver_names_what_to_compile_for(
    monkeypatch: pytest.MonkeyPatch, printed: str, found: tuple[str, ...]
) -> None:
    monkeypatch.setattr(toolchain, "try_command", lambda command: Outcome(0, printed))
    assert find_device_architectures() == found
    monkeypatch.setattr(toolchain, "try_command", lambda command: Outcome(127, printed))
    assert find_device_architectures() == ()


def test_code_is_made_for_each_architecture_and_for_what_comes_after() -> None:
    assert CudaCompiler(("nvcc",), "13.0", ("80", "100", "90a")).code_flags == (
        "-gencode=arch=compute_80,code=sm_80",
        "-gencode=arch=compute_100,code=sm_100",
        "-gencode=arch=compute_90a,code=sm_90a",
        "-gencode=arch=compute_100,code=compute_100",
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", ()),
        ("80", ("80",)),
        ("8.0;9.0a", ("80", "90a")),
        (" 90, 80 90;", ("90", "80")),
        ("12.0", ("120",)),
    ],
)
def test_architectures_are_read_in_any_spelling(written: str, read: tuple[str, ...]) -> None:
    assert read_settings({"SGL_CUDA_ARCHS": written}).cuda_architectures == read


@pytest.mark.parametrize("wrong", ["75", "sm_90", "90 hopper", "9"])
def test_other_architectures_are_refused(wrong: str) -> None:
    with pytest.raises(SettingError, match=r"SGL_CUDA_ARCHS names .*, expected architectures from 80 on"):
        read_settings({"SGL_CUDA_ARCHS": wrong})


# ---- how kernels are launched ------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_launch_tables_are_cpp(name: str, tmp_path: Path) -> None:
    compiled = compile_spec(load(name))
    source = tmp_path / "launches.cpp"
    source.write_text(emit(compiled.program, compiled.record)[f"cuda/{name}_launches.cpp"])
    command = ["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{ROOT / 'backends'}"]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Choices:
    """What `cpp/choose_launch.cpp` prints: a choice for each of its calls."""
    folder = tmp_path_factory.mktemp("choose")
    backends = ROOT / "backends"
    sources = [ROOT / "tests/cpp/choose_launch.cpp", backends / "gpu_host/choose.cpp"]
    sources += [backends / "host_runtime" / name for name in ("resolve.cpp", "messages.cpp")]
    flags = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", f"-I{backends}"]
    program = folder / "choose"
    subprocess.run(["c++", *flags, *map(str, sources), "-o", str(program)], check=True)
    printed = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout
    return {row.pop("call"): row for row in map(json.loads, printed.splitlines())}


def test_a_small_call_has_narrow_indices_whole_chunks_and_rows_in_registers(chosen: Choices) -> None:
    assert chosen["small"] == {
        "position": 2, "teams": 18, "tiles": 2, "lanes": 32, "tile": 128, "x": 5, "y": 1, "groups": 5,
        "threads": 128,
        "given": 1, "scratch": 0,
    }  # fmt: skip


def test_long_rows_have_larger_teams_and_go_to_memory(chosen: Choices) -> None:
    assert chosen["long"] == {
        "position": 0, "teams": 15, "tiles": 5, "lanes": 256, "tile": 1024, "x": 15, "y": 1, "groups": 15,
        "threads": 256,
        "given": 1, "scratch": 15 * 5000 * 4,
    }  # fmt: skip


@pytest.mark.parametrize("call", ["unaligned pointer", "odd width", "odd stride"])
def test_what_is_not_aligned_moves_by_elements(chosen: Choices, call: str) -> None:
    assert chosen[call]["position"] == 3


@pytest.mark.parametrize("call", ["no rows", "no columns"])
def test_without_work_there_is_no_launch(chosen: Choices, call: str) -> None:
    assert chosen[call]["groups"] == 0


def test_groups_beyond_two_to_the_thirty_go_on_along_y(chosen: Choices) -> None:
    most, more = chosen["most groups along x"], chosen["more groups"]
    assert (most["groups"], most["x"], most["y"]) == (3 << 30, 1 << 30, 3)
    assert (more["groups"], more["x"], more["y"]) == (3 * ((1 << 31) + 1), 1 << 30, 7)


@pytest.mark.parametrize(
    ("call", "position", "teams"),
    [
        ("many rows", 7, 128), ("many full rows", 8, 128), ("few rows", 3, 252), ("odd rows", 3, 514),
        ("long rows", 0, 512), ("many rows apart", 1, 512),
    ],
)  # fmt: skip
def test_teams_work_on_several_rows_where_there_are_many_and_a_multiple(
    chosen: Choices, call: str, position: int, teams: int
) -> None:
    assert (chosen[call]["position"], chosen[call]["teams"]) == (position, teams)


@pytest.mark.parametrize("call", ["wide tensor", "wide product"])
def test_large_calls_have_wide_indices_also_where_products_overflow(chosen: Choices, call: str) -> None:
    assert chosen[call]["position"] == 6

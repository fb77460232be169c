"""Builds the programs of tests/cpp once for every instruction set that this machine can run."""

from __future__ import annotations

import ctypes
import hashlib
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
HEADERS = ROOT / "backends" / "cpu" / "runtime"
PROGRAMS = ROOT / "tests" / "cpp"

FLAGS = (
    *("-std=c++20", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", "-Wno-psabi"),
    *("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv"),
    *(("-fopenmp",) if platform.system() == "Linux" else ()),
)

INSTRUCTION_SETS: dict[str, tuple[str, ...]] = {
    "baseline": (),
    "avx2": ("-mavx2", "-mfma", "-mf16c"),
    "avx512": ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma", "-mf16c"),
}


def available() -> list[str]:
    """The instruction sets that this machine can run."""
    info = Path("/proc/cpuinfo")
    if platform.machine() != "x86_64" or not info.exists():
        return ["baseline"]
    flags = set(info.read_text().split())
    needed = {name: {flag[2:] for flag in options} for name, options in INSTRUCTION_SETS.items()}
    return [name for name, options in needed.items() if options <= flags]


@dataclass(frozen=True, slots=True)
class Build:
    """A program compiled for one instruction set."""

    name: str
    library: ctypes.CDLL

    def call(self, function: str, *arguments: object) -> None:
        getattr(self.library, function)(*(_as_c(argument) for argument in arguments))


def _as_c(argument: object) -> object:
    if isinstance(argument, np.ndarray):
        return argument.ctypes.data_as(ctypes.c_void_p)
    return ctypes.c_bool(argument) if isinstance(argument, bool) else ctypes.c_int64(argument)


def build_all(program: str, folder: Path) -> list[Build]:
    """Compile `program` for each instruction set, at once; reuse what is built from the same text."""
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler found (looked for g++ and c++)")
    sources = [PROGRAMS / f"{program}.cpp", *sorted(HEADERS.glob("*.h"))]
    text = "".join(source.read_text() for source in sources)
    outputs, running = {}, []
    for name in available():
        options = [*FLAGS, *INSTRUCTION_SETS[name]]
        key = hashlib.sha256(" ".join([compiler, *options, text]).encode()).hexdigest()[:16]
        outputs[name] = folder / f"{program}-{name}-{key}.so"
        if not outputs[name].exists():
            command = [compiler, *options, f"-I{HEADERS}", str(sources[0]), "-o", str(outputs[name])]
            running.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    for process in running:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    return [Build(name, ctypes.CDLL(str(path))) for name, path in outputs.items()]

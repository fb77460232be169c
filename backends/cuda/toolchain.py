"""Finding nvcc, and the flags that CUDA kernels are compiled with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backends.tools import ProbeCache, find_program, fingerprint, try_command

_DEFAULT_PLACE = "/usr/local/cuda/bin/nvcc"
_OLDEST_ARCHITECTURE = 80
_CAPABILITY = re.compile(r"^(\d+)\.(\d)$", re.MULTILINE)
_RELEASE = re.compile(r"release (\d+)\.(\d+)")

INSTALL = "install the CUDA toolkit and put nvcc on PATH, or set CUDACXX to it"
BUILD = "SGL_CUDA_ARCHS='80;90' python build.py build"

# As on the CPU, contraction stays off: a result must not depend on what the compiler chose to fuse.
KERNEL_FLAGS = (
    "-std=c++20",
    "-O3",
    "--fmad=false",
    "--expt-relaxed-constexpr",
    "--extended-lambda",
    "--ptxas-options=-v",
    "-Xcompiler=-fPIC,-fvisibility=hidden",
)
HOST_FLAGS = ("-std=c++20", "-O2", "-DNDEBUG", "-Xcompiler=-fPIC,-fvisibility=hidden,-fno-strict-aliasing")
# CUDA's runtime is linked in; its symbols stay in here, beside those of other packages in the process.
MODULE_FLAGS = ("-shared", "-Xcompiler=-fopenmp", "-Xlinker=--exclude-libs=ALL")


@dataclass(frozen=True, slots=True)
class CudaCompiler:
    """An nvcc that answered: the words that start it, its release, and what it is to compile for."""

    command: tuple[str, ...]
    version: str
    architectures: tuple[str, ...] = ()

    @property
    def code_flags(self) -> tuple[str, ...]:
        """Code for each architecture, and PTX of the newest for GPUs that come after it."""
        codes = [(name, f"sm_{name}") for name in self.architectures]
        plain = [name for name in self.architectures if name.isdecimal()]
        newest = [(name, f"compute_{name}") for name in sorted(plain, key=int)[-1:]]
        return tuple(f"-gencode=arch=compute_{name},code={code}" for name, code in (*codes, *newest))


def find_cuda_compiler(wanted: tuple[str, ...], cache: ProbeCache) -> CudaCompiler | None:
    """The nvcc that `wanted` names, or the one on PATH or in the usual place; None where none works."""
    command = wanted or (find_program("nvcc") or _DEFAULT_PLACE,)
    path = find_program(command[0]) or ""
    identity = fingerprint(path)
    if not identity:
        return None
    command = (path, *command[1:])
    found = cache.recall(f"nvcc {' '.join(command)}", identity, lambda: {"version": _release(command)})
    return CudaCompiler(command, found["version"]) if found["version"] else None


def find_device_architectures() -> tuple[str, ...]:
    """The architectures of this machine's GPUs that kernels can be compiled for, as the driver names them."""
    outcome = try_command(("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"))
    found = _CAPABILITY.findall(outcome.text) if outcome.status == 0 else []
    names = {major + minor for major, minor in found}
    return tuple(sorted((name for name in names if int(name) >= _OLDEST_ARCHITECTURE), key=int))


def _release(command: tuple[str, ...]) -> str:
    """`12.8`; empty where the program does not answer as nvcc does."""
    outcome = try_command((*command, "--version"))
    match = _RELEASE.search(outcome.text) if outcome.status == 0 else None
    return ".".join(match.groups()) if match else ""

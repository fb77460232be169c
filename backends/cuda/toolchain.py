"""Finding nvcc, and the flags that CUDA kernels are compiled with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backends.tools import ProbeCache, find_program, fingerprint, try_command

_DEFAULT_PLACE = "/usr/local/cuda/bin/nvcc"
_RELEASE = re.compile(r"release (\d+)\.(\d+)")

INSTALL = "install the CUDA toolkit and put nvcc on PATH, or set CUDACXX to it"

# Code for Ampere and Hopper; PTX of the newest lets the driver compile for what comes after.
_ARCHITECTURES = (
    "arch=compute_80,code=sm_80",
    "arch=compute_90,code=sm_90",
    "arch=compute_90,code=compute_90",
)

# As on the CPU, contraction stays off: a result must not depend on what the compiler chose to fuse.
KERNEL_FLAGS = (
    "-std=c++20",
    "-O3",
    "--fmad=false",
    "--expt-relaxed-constexpr",
    "--extended-lambda",
    "-Xcompiler=-fPIC,-fvisibility=hidden",
    *(f"-gencode={item}" for item in _ARCHITECTURES),
)
HOST_FLAGS = ("-std=c++20", "-O2", "-DNDEBUG", "-Xcompiler=-fPIC,-fvisibility=hidden,-fno-strict-aliasing")
MODULE_FLAGS = ("-shared", "-Xcompiler=-fopenmp")


@dataclass(frozen=True, slots=True)
class CudaCompiler:
    """An nvcc that answered: the words that start it and its release."""

    command: tuple[str, ...]
    version: str


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


def _release(command: tuple[str, ...]) -> str:
    """`12.8`; empty where the program does not answer as nvcc does."""
    outcome = try_command((*command, "--version"))
    match = _RELEASE.search(outcome.text) if outcome.status == 0 else None
    return ".".join(match.groups()) if match else ""

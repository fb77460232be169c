"""The host's C++ compiler: which one, whether it can do C++20 and OpenMP; and the Python it builds for."""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.machine import Machine
from backends.tools import ProbeCache, ToolError, fingerprint, try_command

CANDIDATES = ("c++", "g++", "clang++")
STANDARD = "-std=c++20"

# Templated lambdas, concepts and std::popcount: what gcc 11 and clang 14 have and older ones lack.
_TRIAL = """\
#include <bit>
#include <concepts>
template <std::integral T> int ones(T value) { return std::popcount(static_cast<unsigned>(value)); }
int main() { return []<class T>(T value) { return ones(value); }(7) - 3; }
"""


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler that was tried: the words that start it, its version line, and whether OpenMP works."""

    command: tuple[str, ...]
    version: str
    openmp: bool


@dataclass(frozen=True, slots=True)
class PythonTarget:
    """The Python that extensions are built for: its headers and its file name suffix."""

    include: str
    suffix: str


def find_compiler(wanted: tuple[str, ...], cache: ProbeCache, machine: Machine) -> Compiler:
    """The compiler that `wanted` names, or the first candidate that can do C++20.

    Raises ToolError that lists what was tried and how each failed.
    """
    commands = (wanted,) if wanted else tuple((name,) for name in CANDIDATES)
    failures = []
    for command in commands:
        found = _probe_cached(command, cache, machine)
        if found["works"]:
            return Compiler(command, found["version"], found["openmp"])
        failures.append(f"{' '.join(command)} ({found['version']})")
    mend = "set CXX to a working compiler" if wanted else machine.platform.install
    raise ToolError("a C++20 compiler (gcc 11, clang 14 or newer)", ", ".join(failures), mend)


def find_python_target() -> PythonTarget:
    """What this Python's extensions need. Raises ToolError where its headers are not installed."""
    include = sysconfig.get_path("include")
    if not (Path(include) / "Python.h").is_file():
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ToolError("Python.h", f"none in {include}", f"apt-get install python{version}-dev")
    return PythonTarget(include, sysconfig.get_config_var("EXT_SUFFIX"))


def _probe_cached(command: tuple[str, ...], cache: ProbeCache, machine: Machine) -> Mapping[str, Any]:
    path = shutil.which(command[0])
    if path is None:
        return {"works": False, "version": "not found", "openmp": False}
    key = " ".join((fingerprint(path), machine.system, *command[1:]))
    return cache.recall(f"c++ {' '.join(command)}", key, lambda: _probe(command, machine))


def _probe(command: tuple[str, ...], machine: Machine) -> Mapping[str, Any]:
    """Compile and link the trial program, with OpenMP and, where that fails, without."""
    version = try_command((*command, "--version"))
    flags = machine.platform.openmp
    for extra in (flags, ()) if flags else ((),):
        if _can_build((*command, *extra)):
            return {"works": True, "version": version.first_line, "openmp": bool(extra)}
    said = version.first_line if version.status == 0 else f"--version failed: {version.first_line}"
    return {"works": False, "version": f"{said}; cannot build a C++20 program", "openmp": False}


def _can_build(command: tuple[str, ...]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "trial.cpp"), Path(folder, "trial")
        source.write_text(_TRIAL)
        outcome = try_command((*command, STANDARD, str(source), "-o", str(program)))
        # A wrapper that fails without saying so leaves no program.
        return outcome.status == 0 and program.is_file() and program.stat().st_size > 0

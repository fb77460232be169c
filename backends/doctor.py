"""What this machine can build: each tool that is looked for, what was found, and what mends it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backends.cuda.toolchain import BUILD as CUDA_BUILD
from backends.cuda.toolchain import INSTALL as CUDA_INSTALL
from backends.cuda.toolchain import find_cuda_compiler, find_device_architectures
from backends.cxx import find_compiler, find_python_target
from backends.libraries import find_mlx, find_nanobind, require_same_abi
from backends.machine import Machine
from backends.metal import ziglang
from backends.metal.toolchain.report import examine_metal
from backends.tools import ProbeCache, ToolError, find_program, try_command
from codegen.settings import Settings

_OLDEST_PYTHON = (3, 10)
_INSTALL_MLX = "pip install 'mlx[cpu]' on Linux, pip install mlx on macOS"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: `works` says whether it was found; without a `required` one nothing can be built."""

    tool: str
    works: bool
    found: str
    mend: str = ""
    required: bool = False

    @property
    def state(self) -> str:
        return "ok" if self.works else "MISSING" if self.required else "absent"


@dataclass(frozen=True, slots=True)
class Scene:
    """What every look is given: the settings, a memory of what this run found, and the machine."""

    settings: Settings
    cache: ProbeCache
    machine: Machine


def examine(settings: Settings, machine: Machine) -> tuple[Finding, ...]:
    """Look for every tool, afresh: what an earlier build remembers is not asked."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(settings, ProbeCache(Path(folder, "probes.json")), machine)
        return (*(look(scene) for look in _LOOKS), *_look_at_metal(scene))


def render(findings: tuple[Finding, ...]) -> str:
    """The table, and below it how to mend what is not there."""
    width = max(len(item.tool) for item in findings)
    rows = [f"{item.tool:<{width}}  {item.state:<7}  {item.found}" for item in findings]
    mends = [f"  {item.tool}: {item.mend}" for item in findings if not item.works and item.mend]
    return "\n".join((*rows, *(("", "to mend:", *mends) if mends else ())))


def can_build(findings: tuple[Finding, ...]) -> bool:
    return all(item.works for item in findings if item.required)


def _look_for_python(scene: Scene) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    recent = sys.version_info >= _OLDEST_PYTHON
    return Finding("Python", recent, version, "use Python 3.10 or newer", required=True)


def _look_for_python_headers(scene: Scene) -> Finding:
    return _required("Python headers", lambda: find_python_target().include)


def _look_for_compiler(scene: Scene) -> Finding:
    def describe() -> str:
        compiler = find_compiler(scene.settings.compiler, scene.cache, scene.machine)
        threads = "OpenMP" if compiler.openmp else "no OpenMP: kernels run on one thread"
        return f"{' '.join(compiler.command)}: {compiler.version}; C++20; {threads}"

    return _required("C++ compiler", describe)


def _look_for_ninja(scene: Scene) -> Finding:
    path = find_program("ninja")
    found = f"{path} {try_command([path, '--version']).first_line}" if path else "none"
    return Finding("ninja", path is not None, found, "pip install ninja", required=True)


def _look_for_launcher(scene: Scene) -> Finding:
    name = scene.settings.launcher[0] if scene.settings.launcher else "ccache"
    path = find_program(name)
    mend = f"install {name}: unchanged files are then not compiled again"
    return Finding("compiler launcher", path is not None, path or f"no {name}", mend)


def _look_for_nanobind(scene: Scene) -> Finding:
    def describe() -> str:
        nanobind = find_nanobind()
        return f"{nanobind.version}, internals version {nanobind.internals}"

    return _required("nanobind", describe)


def _look_for_mlx(scene: Scene) -> Finding:
    mlx = find_mlx(scene.cache)
    found = f"{mlx.version}, key {mlx.key or 'not found'}" if mlx else "none"
    return Finding("MLX", mlx is not None, found, _INSTALL_MLX)


def _look_at_pair(scene: Scene) -> Finding:
    def describe() -> str:
        mlx = find_mlx(scene.cache)
        if mlx is None:
            return "no MLX: nothing to match"
        require_same_abi(find_nanobind(), mlx)
        return "the same ABI"

    return _required("MLX/nanobind pair", describe)


def _look_for_nvcc(scene: Scene) -> Finding:
    cuda = find_cuda_compiler(scene.settings.cuda_compiler, scene.cache)
    wanted = " ".join(scene.settings.cuda_compiler)
    why = f"CUDACXX={wanted} does not answer as nvcc, and " if wanted else ""
    found = f"{cuda.command[0]} {cuda.version}" if cuda else f"none: {why}_cuda is not built"
    return Finding("nvcc", cuda is not None, found, CUDA_INSTALL)


def _look_for_architectures(scene: Scene) -> Finding:
    names = scene.settings.cuda_architectures or find_device_architectures()
    found = ", ".join(f"sm_{name}" for name in names) or "no GPU here, and none named: _cuda is not built"
    return Finding("CUDA GPUs", bool(names), found, CUDA_BUILD)


def _look_for_ziglang(scene: Scene) -> Finding:
    wanted, there = ziglang.locked_version(), ziglang.installed_version()
    if (scene.machine.system, scene.machine.processor) != ("linux", "x86_64"):
        return Finding("ziglang", False, "the Metal emulator runs on Linux on x86-64")
    has = there if there == wanted else f"{there or 'none'}: the Metal emulator needs {wanted}"
    return Finding("ziglang", there == wanted, has, ziglang.install_command())


def _look_at_metal(scene: Scene) -> tuple[Finding, ...]:
    """The Metal toolchain, piece by piece; on other systems, that there is none."""
    rows = examine_metal(scene.machine, scene.settings, scene.cache)
    return tuple(Finding(row.piece, row.works, row.found, row.mend) for row in rows)


def _required(tool: str, describe: Callable[[], str]) -> Finding:
    """A row for what a build cannot do without: what `describe` says, or the ToolError that it raises."""
    try:
        return Finding(tool, True, describe(), required=True)
    except ToolError as error:
        return Finding(
            tool, False, f"{error.found} (looked for {error.looked_for})", error.mend, required=True
        )


_LOOKS: tuple[Callable[[Scene], Finding], ...] = (
    _look_for_python,
    _look_for_python_headers,
    _look_for_compiler,
    _look_for_ninja,
    _look_for_launcher,
    _look_for_nanobind,
    _look_for_mlx,
    _look_at_pair,
    _look_for_nvcc,
    _look_for_architectures,
    _look_for_ziglang,
)

"""The objects of the extension, compiled for a Mac: with the steps that a build there plans, under zig."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from backends.cxx import Compiler, PythonTarget
from backends.machine import Machine
from backends.metal.mac_host.headers import python_headers
from backends.metal.mac_host.wheels import Libraries
from backends.ninja import Edge, NinjaFile, Rule, render
from backends.plan import Layout, Toolchain, plan, read_units
from backends.tools import ToolError, find_program, write_if_changed
from codegen.failures import Failure

ROOT = Path(__file__).resolve().parents[3]
STUBS = Path(__file__).parent / "stubs"
OLDEST_SYSTEM = "14.0"
ZIG = (sys.executable, "-m", "ziglang", "c++", "-target", f"aarch64-macos.{OLDEST_SYSTEM}")
_MAC = Machine("darwin", "aarch64")
_MODULE = "_metal"
# What is compiled is looked at, never run. The target says which system it is for.
_CHANGES = ("-O0", "-g0", "-fno-sanitize=undefined", "-isystem", str(STUBS))
_NOT_FOR_ZIG = f"-mmacosx-version-min={OLDEST_SYSTEM}"


def compile_all(libraries: Mapping[str, Libraries], folder: Path) -> dict[str, tuple[Path, ...]]:
    """The objects of the extension for each version of MLX, and last the ghost's. What does not depend on MLX
    is compiled once. Raises Failure where something does not compile; the compiler's words are printed.
    """
    versions = folder / "compiler.txt"
    steps = {version: tuple(_steps(version, found, folder)) for version, found in libraries.items()}
    ghost = Edge("cxx", (_relative(folder / "ghost.o"),), (_relative(STUBS / "ghost.cpp"),))
    every = {edge.outputs: edge for edges in steps.values() for edge in edges}
    write_if_changed(versions, f"{_zig_version()}\n")
    command = f"{shlex.join(ZIG)} -MMD -MF $out.d $flags -c $in -o $out".replace("$$", "$")
    rule = Rule("cxx", command, "compile $out", depfile="$out.d")
    edges = tuple(_after(edge, _relative(versions)) for edge in (*every.values(), ghost))
    _run_ninja(NinjaFile(_relative(folder), (rule,), edges), folder)
    return {
        version: (*(ROOT / edge.outputs[0] for edge in edges), folder / "ghost.o")
        for version, edges in steps.items()
    }


def _steps(version: str, found: Libraries, folder: Path) -> Iterator[Edge]:
    """What a Mac build compiles for the extension; objects that do not see MLX go to a folder for all."""
    own, shared = f"{_relative(folder)}/{version}/build", f"{_relative(folder)}/shared"
    units = read_units((ROOT / "generated/build.json").read_text())
    planned = plan(units, (), _tools(found, folder), _layout(own))
    (link,) = [edge for edge in planned.edges if f"/{_MODULE}." in edge.outputs[0]]
    for edge in planned.edges:
        if edge.outputs[0] not in link.inputs:
            continue
        flags = shlex.split(dict(edge.variables)["flags"])
        sees_mlx = any(str(found.mlx.folder.parent) in word for word in flags)
        place = edge.outputs[0] if sees_mlx else edge.outputs[0].replace(own, shared, 1)
        yield Edge("cxx", (place,), edge.inputs, variables=(("flags", shlex.join(_for_zig(flags))),))


def _for_zig(flags: list[str]) -> tuple[str, ...]:
    strict = () if "-w" in flags else ("-Werror",)
    return (*(word for word in flags if word != _NOT_FOR_ZIG), *_CHANGES, *strict)


def _tools(found: Libraries, folder: Path) -> Toolchain:
    include, multiarch = Path(sysconfig.get_path("include")), sysconfig.get_config_var("MULTIARCH") or ""
    python = PythonTarget(str(python_headers(include, multiarch, folder / "python")), ".so")
    compiler = Compiler(ZIG, "zig", False)
    return Toolchain(_MAC, compiler, python, found.nanobind, found.mlx, None, None, ())


def _layout(build: str) -> Layout:
    return Layout(str(ROOT), "generated", build, "backends", "sgl_kernel", OLDEST_SYSTEM)


def _relative(path: Path) -> str:
    return Path(os.path.relpath(path, ROOT)).as_posix()


def _after(edge: Edge, versions: str) -> Edge:
    return Edge(edge.rule, edge.outputs, edge.inputs, (versions,), edge.variables)


def _zig_version() -> str:
    done = subprocess.run([*ZIG[:3], "version"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolError("zig", "no ziglang in this Python", "pip install ziglang==0.17.1")
    return done.stdout.strip()


def _run_ninja(build: NinjaFile, folder: Path) -> None:
    ninja = find_program("ninja")
    if ninja is None:
        raise ToolError("ninja", "none on PATH", "pip install ninja")
    write_if_changed(folder / "build.ninja", render(build))
    command = [ninja, "--quiet", "-k", "0", "-f", _relative(folder / "build.ninja")]
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise Failure("the extension does not compile for macOS; the compiler's words stand above")

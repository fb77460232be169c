"""From the generated tree's list of translation units to the steps of its build.

`generated/build.json` names each unit and its target; the table `_UNITS` says how a target's units are
compiled, and `_MODULES` which objects an extension module is linked from. Everything else follows.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from backends.cpu.toolchain import KERNEL_FLAGS, IsaLevel, isa_levels
from backends.cuda.ptxas import SUFFIX
from backends.cuda.toolchain import HOST_FLAGS as CUDA_HOST_FLAGS
from backends.cuda.toolchain import KERNEL_FLAGS as CUDA_KERNEL_FLAGS
from backends.cuda.toolchain import MODULE_FLAGS as CUDA_MODULE_FLAGS
from backends.cuda.toolchain import CudaCompiler
from backends.cxx import STANDARD, Compiler, PythonTarget
from backends.libraries import Mlx, Nanobind
from backends.machine import Machine
from backends.metal.toolchain.prepare import MetalBuild
from backends.metal.toolchain.steps import MetalPlace, metal_edges, metal_rules
from backends.ninja import Edge, NinjaFile, Rule

_ONCE = (IsaLevel(""),)
_HOST_FLAGS = ("-O2", "-fno-strict-aliasing", "-DNDEBUG")


@dataclass(frozen=True, slots=True)
class UnitKind:
    """How the units of one target are compiled.

    `each_isa` compiles a unit for every ISA level, `is_device_code` for every GPU asked for. Includes are
    looked for in the generated tree and in the runtime folder, and in `generated` and `runtime`, which are
    folders inside the two. `uses_mlx` adds the headers of MLX and nanobind, through which its arrays come.
    """

    rule: str = "cxx"
    flags: tuple[str, ...] = _HOST_FLAGS
    each_isa: bool = False
    is_device_code: bool = False
    uses_mlx: bool = False
    generated: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()


_UNITS: dict[str, UnitKind] = {
    "cpu-kernel": UnitKind(flags=KERNEL_FLAGS, each_isa=True, generated=("host",), runtime=("cpu/runtime",)),
    "host": UnitKind(),
    "gpu-host": UnitKind(),
    "arrays": UnitKind(),
    "dlpack": UnitKind(),
    "mlx": UnitKind(uses_mlx=True),
    "metal-host": UnitKind(),
    "cuda": UnitKind(
        rule="nvcc-kernels",
        flags=CUDA_KERNEL_FLAGS,
        is_device_code=True,
        generated=("host",),
        runtime=("cuda/runtime", "gpu_runtime"),
    ),
    "cuda-host": UnitKind(rule="nvcc", flags=CUDA_HOST_FLAGS),
    "cuda-stub": UnitKind(),
}
_SHADERS = "metal"  # they have a compiler, a cache and steps of their own
_SHADER_HEADERS = ("metal/runtime", "gpu_runtime")


@dataclass(frozen=True, slots=True)
class Unit:
    """A source and the target it is compiled for.

    `path` is in the generated tree or, where `runtime` says that a person wrote it, in the runtime folder.
    """

    path: str
    target: str
    runtime: bool = False

    def source(self, layout: Layout) -> str:
        return f"{layout.runtime if self.runtime else layout.generated}/{self.path}"


@dataclass(frozen=True, slots=True)
class Module:
    """An extension module, and the targets whose objects it is linked from.

    The last target is its bindings: without units of it there is no module.
    """

    name: str
    targets: tuple[str, ...]
    rule: str = "link"
    links_mlx: bool = False


_CPU = Module("_cpu", ("cpu-kernel", "host", "arrays", "dlpack"))
_METAL = Module("_metal", ("cpu-kernel", "host", "gpu-host", "metal-host", "mlx"), links_mlx=True)
_CUDA = Module("_cuda", ("cpu-kernel", "host", "gpu-host", "arrays", "cuda", "cuda-host"), rule="nvcc-link")
_CUDA_STUB = Module("_cuda", ("cuda-stub",))


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Every tool that a build uses; `mlx`, `cuda` and `metal` are None where there is none."""

    machine: Machine
    compiler: Compiler
    python: PythonTarget
    nanobind: Nanobind
    mlx: Mlx | None
    cuda: CudaCompiler | None
    metal: MetalBuild | None
    launcher: tuple[str, ...]
    without_cuda: str = ""  # why there is none, and what mends it

    def describe(self) -> str:
        """The versions that objects depend on without naming them in their command lines."""
        rows = {
            "compiler": self.compiler.version,
            "nanobind": self.nanobind.version,
            "mlx": self.mlx.version if self.mlx else "none",
            "cuda": self.cuda.version if self.cuda else "none",
        }
        return "".join(f"{name}: {value}\n" for name, value in rows.items())


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are: `root` is the folder that ninja runs in, the rest is relative to it."""

    root: str
    generated: str
    build: str
    runtime: str
    package: str
    deployment_target: str

    @property
    def staged(self) -> str:
        """The importable package."""
        return f"{self.build}/python/{self.package}"

    @property
    def versions(self) -> str:
        """A file that changes when a tool does; every object depends on it."""
        return f"{self.build}/toolchain.txt"


def read_units(text: str) -> tuple[Unit, ...]:
    """The units of a `build.json`. Raises ValueError where it is malformed or names an unknown target."""
    try:
        rows = json.loads(text)["units"]
        units = tuple(Unit(row["path"], row["target"], row.get("runtime", False)) for row in rows)
    except (KeyError, TypeError) as error:
        raise ValueError(f"build.json is not a list of units: {error!r}") from error
    unknown = sorted({unit.target for unit in units} - {*_UNITS, _SHADERS})
    if unknown:
        raise ValueError(f"build.json names targets that this build does not know: {', '.join(unknown)}")
    return units


def plan(units: tuple[Unit, ...], python_files: Iterable[str], tools: Toolchain, layout: Layout) -> NinjaFile:
    """The build of `units` and the staging of `python_files` (paths inside the package's source folder)."""
    modules = _modules(units, tools)
    wanted = {target for module in modules for target in module.targets}
    kept = tuple(unit for unit in units if unit.target in wanted)
    objects = {unit: _objects(unit, tools, layout) for unit in kept}
    edges = [
        *(edge for unit in kept for edge in _compile_edges(unit, tools, layout)),
        *(_nanobind_edge(tools, layout) for module in modules if module.links_mlx),
        *(_link_edge(module, objects, tools, layout) for module in modules),
        *_ptxas_edges(objects, layout),
        *_metal_edges(units, tools, layout),
        *(_stage_edge(path, layout) for path in sorted(python_files)),
    ]
    return NinjaFile(layout.build, _rules(tools), tuple(edges))


def _modules(units: tuple[Unit, ...], tools: Toolchain) -> tuple[Module, ...]:
    """The modules that can be built here and that the tree has bindings for."""
    present = {unit.target for unit in units}
    cuda = _CUDA if tools.cuda and "cuda-host" in present else _CUDA_STUB
    possible = (_CPU, _METAL, cuda) if tools.mlx else (_CPU, cuda)
    return tuple(module for module in possible if module.targets[-1] in present)


def _rules(tools: Toolchain) -> tuple[Rule, ...]:
    cxx = _Driver("cxx", "link", tools.compiler.command)
    nvcc = _Driver("nvcc", "nvcc-link", tools.cuda.command if tools.cuda else ("nvcc",))
    # What nvcc says of kernels goes beside the object; where it fails, to the reader.
    said = f"$out{SUFFIX}"
    compiling = f"{nvcc.compiling(tools.launcher)} >{said} 2>&1 || {{ cat {said}; exit 1; }}"
    kernels = Rule("nvcc-kernels", compiling, "compile $out", depfile="$out.d")
    gather = f"{_shell((sys.executable,))} -m backends.cuda.ptxas $out $in"
    report = Rule("ptxas", gather, "report $out", restat=True)
    stage = Rule("stage", "cmp -s $in $out || cp $in $out", "stage $out", restat=True)
    drivers = (*cxx.rules(tools.launcher), *nvcc.rules(tools.launcher))
    return (*drivers, kernels, report, *metal_rules(), stage)


@dataclass(frozen=True, slots=True)
class _Driver:
    """A compiler driver and the names of its two rules."""

    compile_rule: str
    link_rule: str
    command: tuple[str, ...]

    def compiling(self, launcher: tuple[str, ...]) -> str:
        return f"{_shell((*launcher, *self.command))} -MMD -MF $out.d $flags -c $in -o $out"

    def rules(self, launcher: tuple[str, ...]) -> tuple[Rule, Rule]:
        """Compiling goes through the launcher; linking, which no cache can hold, does not."""
        linking = f"{_shell(self.command)} $in $flags -o $out"
        return (
            Rule(self.compile_rule, self.compiling(launcher), "compile $out", depfile="$out.d"),
            Rule(self.link_rule, linking, "link $out"),
        )


def _shell(words: Iterable[str]) -> str:
    """Words as shell text inside a ninja rule."""
    return shlex.join(words).replace("$", "$$")


def _levels(kind: UnitKind, tools: Toolchain) -> tuple[IsaLevel, ...]:
    return isa_levels(tools.machine.processor) if kind.each_isa else _ONCE


def _objects(unit: Unit, tools: Toolchain, layout: Layout) -> tuple[str, ...]:
    return tuple(_object(unit, level, layout) for level in _levels(_UNITS[unit.target], tools))


def _object(unit: Unit, level: IsaLevel, layout: Layout) -> str:
    variant = f".{level.name}" if level.name else ""
    return f"{layout.build}/objects/{PurePosixPath(unit.path)}{variant}.o"


def _compile_edges(unit: Unit, tools: Toolchain, layout: Layout) -> Iterable[Edge]:
    """One step for each ISA level of a unit."""
    kind = _UNITS[unit.target]
    common = _common_flags(tools, layout) if kind.rule == "cxx" else ()
    includes = (*_project_includes(kind, layout), "-isystem", tools.python.include)
    mlx = _mlx_flags(tools) if kind.uses_mlx else ()
    code = tools.cuda.code_flags if kind.is_device_code and tools.cuda else ()
    for level in _levels(kind, tools):
        isa = (*level.flags, level.define) if level.name else ()
        flags = (*common, *kind.flags, *code, *isa, *includes, *mlx)
        yield _edge(kind.rule, _object(unit, level, layout), (unit.source(layout),), flags, layout)


def _project_includes(kind: UnitKind, layout: Layout) -> tuple[str, ...]:
    generated = (layout.generated, *(f"{layout.generated}/{folder}" for folder in kind.generated))
    runtime = (layout.runtime, *(f"{layout.runtime}/{folder}" for folder in kind.runtime))
    return tuple(word for folder in (*generated, *runtime) for word in ("-I", folder))


def _ptxas_edges(objects: Mapping[Unit, tuple[str, ...]], layout: Layout) -> tuple[Edge, ...]:
    """The report on the kernels of every op."""
    kernels = [made for unit, made in objects.items() if unit.target == "cuda" and not unit.runtime]
    inputs = tuple(item for made in kernels for item in made)
    return (Edge("ptxas", (f"{layout.build}/cuda/ptxas.json",), inputs),) if inputs else ()


def _nanobind_edge(tools: Toolchain, layout: Layout) -> Edge:
    """nanobind's own source; its warnings are not ours to mend."""
    python = ("-isystem", tools.python.include)
    flags = (*_common_flags(tools, layout), *_HOST_FLAGS, "-w", *python, *_nanobind_flags(tools.nanobind))
    return _edge("cxx", _nanobind_object(layout), (tools.nanobind.source,), flags, layout)


def _nanobind_object(layout: Layout) -> str:
    return f"{layout.build}/objects/nanobind.o"


def _common_flags(tools: Toolchain, layout: Layout) -> tuple[str, ...]:
    """What every C++ unit is compiled with. Prefix maps keep this folder's place out of the objects."""
    openmp = tools.machine.platform.openmp if tools.compiler.openmp else ()
    minimum = _minimum_system(tools, layout)
    warnings = ("-Wall", "-Wextra", "-Wno-psabi")
    here = f"-ffile-prefix-map={layout.root}=."
    return (STANDARD, "-fPIC", "-fvisibility=hidden", *openmp, *minimum, *warnings, here)


def _minimum_system(tools: Toolchain, layout: Layout) -> tuple[str, ...]:
    """macOS alone compiles for a system version."""
    return (f"-mmacosx-version-min={layout.deployment_target}",) if tools.machine.platform.frameworks else ()


def _mlx_flags(tools: Toolchain) -> tuple[str, ...]:
    """MLX's headers; on macOS also Metal's, and the macro under which MLX declares its Metal side."""
    if tools.mlx is None:
        return ()
    include = tools.mlx.folder / "include"
    metal = ("-D_METAL_", "-isystem", str(include / "metal_cpp")) if tools.machine.platform.frameworks else ()
    return (*_nanobind_flags(tools.nanobind), "-isystem", str(include), *metal)


def _nanobind_flags(nanobind: Nanobind) -> tuple[str, ...]:
    """MLX's arrays cross between extensions of one nanobind domain, and MLX's is called `mlx`."""
    return ("-DNB_COMPACT_ASSERTIONS", "-DNB_DOMAIN=mlx", *nanobind.include_flags)


def _link_edge(
    module: Module, objects: Mapping[Unit, tuple[str, ...]], tools: Toolchain, layout: Layout
) -> Edge:
    mine = tuple(item for unit, made in objects.items() if unit.target in module.targets for item in made)
    openmp = tools.machine.platform.openmp[:1] if tools.compiler.openmp else ()
    platform = tools.machine.platform.module
    flags = (*platform, *openmp, *_minimum_system(tools, layout), *_mlx_library_flags(module, tools))
    if module.rule == "nvcc-link":
        flags = CUDA_MODULE_FLAGS
    output = f"{layout.staged}/{module.name}{tools.python.suffix}"
    nanobind = (_nanobind_object(layout),) if module.links_mlx else ()
    return _edge(module.rule, output, (*mine, *nanobind), flags, layout)


def _mlx_library_flags(module: Module, tools: Toolchain) -> tuple[str, ...]:
    """MLX is found beside the installed package first, then where it was at build."""
    if not module.links_mlx or tools.mlx is None:
        return ()
    library = str(tools.mlx.folder / "lib")
    places = (f"{tools.machine.platform.beside}/../mlx/lib", library)
    frameworks = (word for name in tools.machine.platform.frameworks for word in ("-framework", name))
    return (f"-L{library}", "-lmlx", *(f"-Wl,-rpath,{place}" for place in places), *frameworks)


def metal_place(tools: Toolchain, layout: Layout) -> MetalPlace:
    """Where shaders' steps find and leave things."""
    headers = tuple(f"{layout.runtime}/{folder}" for folder in _SHADER_HEADERS)
    mlx = tools.mlx.version if tools.mlx else ""
    return MetalPlace(f"{layout.build}/metal", layout.staged, headers, mlx, tools.nanobind.version)


def _metal_edges(units: tuple[Unit, ...], tools: Toolchain, layout: Layout) -> tuple[Edge, ...]:
    """What the MLX extension runs on a GPU; without the extension, nothing."""
    if tools.metal is None or _METAL not in _modules(units, tools):
        return ()
    shaders = [unit.source(layout) for unit in units if unit.target == _SHADERS]
    return metal_edges(shaders, tools.metal, metal_place(tools, layout))


def _stage_edge(path: str, layout: Layout) -> Edge:
    source = f"{layout.generated}/python/sgl_kernel/{path}"
    return Edge("stage", (f"{layout.staged}/{path}",), (source,))


def _edge(rule: str, output: str, inputs: tuple[str, ...], flags: tuple[str, ...], layout: Layout) -> Edge:
    """A step of a tool: a new version of one makes everything anew."""
    return Edge(rule, (output,), inputs, (layout.versions,), (("flags", shlex.join(flags)),))

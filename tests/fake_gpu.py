"""The MLX extension with its Metal side where there is no Metal: a fake device whose runner is the emulator.

The extension's own C++ binds buffers, constants and threads; the fake hands each dispatch to `Gpu`, which
runs the shader's text with every check on and writes the results to the very buffers that were bound.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from backends.build_generated import BuildOptions, build
from backends.libraries import find_mlx, find_nanobind
from backends.metal.emit import RUNTIME
from backends.metal.emulator import Finding, Launch, Shader, load
from backends.metal.source import inline_includes
from backends.plan import Unit, read_units
from backends.tools import ProbeCache
from benchmarks.frameworks import Mlx
from codegen.settings import read_settings

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "fake_metal"
STRIDED = ROOT / "backends/metal/runtime/_strided.metal"
_SOURCES = Path(__file__).parent / "fake_metal"
_SHARED = ("cpu-kernel", "host", "gpu-host", "metal-host")  # targets that do not see MLX
_FLAGS = ("-std=c++20", "-O1", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-fopenmp",
          "-D_METAL_", "-DNB_COMPACT_ASSERTIONS", "-DNB_DOMAIN=mlx")  # fmt: skip

BYTES, INPUT, OUTPUT = range(3)


class _Binding(ctypes.Structure):
    _fields_ = (
        ("position", ctypes.c_int32), ("kind", ctypes.c_int32), ("data", ctypes.c_void_p),
        ("size", ctypes.c_int64),
    )  # fmt: skip


class _Constant(ctypes.Structure):
    _fields_ = (("position", ctypes.c_int32), ("value", ctypes.c_int32))


class _Dispatch(ctypes.Structure):
    _fields_ = (
        ("kernel", ctypes.c_char_p), ("key", ctypes.c_char_p), ("path", ctypes.c_char_p),
        ("source", ctypes.c_char_p), ("constants", ctypes.POINTER(_Constant)),
        ("bindings", ctypes.POINTER(_Binding)), ("constant_count", ctypes.c_int32),
        ("binding_count", ctypes.c_int32), ("threadgroup_bytes", ctypes.c_int32),
        ("has_barrier", ctypes.c_uint32), ("groups", ctypes.c_uint64 * 3), ("threads", ctypes.c_uint64 * 3),
    )  # fmt: skip


_RUNNER = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Dispatch))


@dataclass(frozen=True)
class Bound:
    """A buffer of a dispatch: `kind` is BYTES, INPUT or OUTPUT, `content` a copy from before the dispatch."""

    kind: int
    address: int
    content: np.ndarray


@dataclass(frozen=True)
class Dispatch:
    """What the host code encoded."""

    kernel: str
    key: str
    path: str
    source: str
    constants: dict[int, int]
    buffers: dict[int, Bound]
    threadgroup_bytes: int
    has_barrier: bool
    groups: tuple[int, ...]
    threads: tuple[int, ...]


@dataclass
class Gpu:
    """Runs dispatches as they come. `sources` are the shaders of a compiled library, which has no text."""

    native: ModuleType
    driver: ModuleType
    dispatches: list[Dispatch] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_running: bool = True

    def __post_init__(self) -> None:
        self._written: set[int] = set()  # where buffers hold values
        self._callback = _RUNNER(lambda given: self._run(given.contents))
        self.driver.set_runner(ctypes.cast(self._callback, ctypes.c_void_p).value)

    def evaluate(self, arrays: Any) -> None:
        """Evaluate what an op gave back; raises what the host code does."""
        for array in arrays if isinstance(arrays, tuple) else (arrays,):
            self._written = set(self.driver.evaluate_inputs(array))
            self.driver.evaluate(array)
        assert not self.findings, "\n".join(map(str, self.findings))
        assert not self.problems, "\n".join(self.problems)

    def _run(self, given: _Dispatch) -> None:
        """Called from C: what goes wrong is kept, since nothing can be raised through it."""
        try:
            dispatch = _read(given)
            self.dispatches.append(dispatch)
            if self.is_running:
                self._emulate(dispatch)
        except Exception as error:
            self.problems.append(f"{given.kernel.decode()}: {error!r}")

    def _emulate(self, dispatch: Dispatch) -> None:
        shader = _shader(dispatch.source or _text_of(dispatch.kernel))
        blank = {
            position
            for position, bound in dispatch.buffers.items()
            if bound.kind == OUTPUT and bound.address not in self._written
        }
        memory = {0: dispatch.threadgroup_bytes} if dispatch.threadgroup_bytes else {}
        buffers = {position: bound.content for position, bound in dispatch.buffers.items()}
        launch = Launch(
            dispatch.kernel, buffers, dispatch.groups, dispatch.threads, constants=dispatch.constants,
            memory=memory, blank=blank,
        )  # fmt: skip
        outcome = shader.run(launch, "random", seed=len(self.dispatches))
        self.findings.extend(outcome.findings)
        for position, bound in dispatch.buffers.items():
            made = outcome.buffers[position]
            if bound.kind == OUTPUT:
                self._written.add(bound.address)
                ctypes.memmove(bound.address, made.ctypes.data, made.nbytes)
            elif made.tobytes() != bound.content.tobytes():
                self.problems.append(f"{dispatch.kernel} writes buffer {position}, which is bound as input")


class GpuMlx(Mlx):
    """MLX arrays whose ops run on the fake GPU."""

    def __init__(self, gpu: Gpu) -> None:
        super().__init__()
        self.gpu = gpu

    def finish(self, arrays: Any) -> None:
        self.gpu.evaluate(arrays)


def _read(given: _Dispatch) -> Dispatch:
    buffers = {}
    for binding in given.bindings[: given.binding_count]:
        size = max(binding.size, 0)
        content = np.frombuffer(ctypes.string_at(binding.data, size), np.uint8)
        buffers[binding.position] = Bound(binding.kind, binding.data or 0, content)
    return Dispatch(
        given.kernel.decode(), given.key.decode(), given.path.decode(), given.source.decode(),
        {item.position: item.value for item in given.constants[: given.constant_count]},
        buffers, given.threadgroup_bytes, bool(given.has_barrier), tuple(given.groups), tuple(given.threads),
    )  # fmt: skip


@functools.cache
def _shader(source: str) -> Shader:
    return load(source)


def shader_texts(generated: Path = ROOT / "generated") -> Iterator[tuple[str, str]]:
    """Every shader of a tree, by its name, with its includes put in."""
    for path in (*sorted((generated / "metal").glob("*.metal")), STRIDED):
        yield path.stem, inline_includes(path.read_text(), RUNTIME)


def _text_of(kernel: str) -> str:
    return next(text for _, text in shader_texts() if f'"{kernel}"' in text)


def stage_sources(folder: Path, generated: Path = ROOT / "generated") -> Path:
    """The shaders as a build without Metal's compiler stages them."""
    for name, text in shader_texts(generated):
        (folder / f"{name}.metal").write_text(text)
    return folder


@functools.cache
def load_gpu(generated: Path = ROOT / "generated", package: str = "") -> Gpu:
    """The extension of a generated tree with its Metal side, built anew where a source has changed.

    `package` is the import name that the tree is built under, the shipped one unless it says otherwise.
    """
    library = _build(generated, package)
    return Gpu(*(_import(name, library, package) for name in ("_metal", "_fake_gpu")))


def _import(name: str, path: Path, package: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"fake_metal_{package}.{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def built(generated: Path, package: str) -> Path:
    """The folder to import a tree's package from."""
    settings, folder = read_settings(), FOLDER / package / "build" if package else ROOT / "build"
    named = replace(settings, package=package, cuda_compiler=("no-such-nvcc",)) if package else settings
    return build(BuildOptions(generated, folder), named)


def _build(generated: Path, package: str) -> Path:
    """Links the package's own objects with those that see MLX's Metal side, compiled against the fake."""
    folder, place = built(generated, package).parent, FOLDER / (package or "shipped")
    units = read_units((generated / "build.json").read_text())
    made = [path for unit in units if unit.target in _SHARED for path in _objects(folder, unit)]
    mine = [_SOURCES / "fake_gpu.cpp", *(_source(unit, generated) for unit in units if unit.target == "mlx")]
    mlx, nanobind = find_mlx(ProbeCache(FOLDER / "probes.json")), find_nanobind()
    assert mlx is not None
    includes = ["-I", str(_SOURCES), "-I", str(generated), "-I", str(ROOT / "backends"),
                "-isystem", str(mlx.folder / "include"), "-isystem", sysconfig.get_paths()["include"],
                *nanobind.include_flags]  # fmt: skip
    place.mkdir(parents=True, exist_ok=True)
    objects = [_compile(path, includes, place) for path in mine]
    library = place / "_metal.so"
    newest = max(path.stat().st_mtime for path in (*objects, *made))
    if not library.exists() or library.stat().st_mtime < newest:
        staged = library.with_suffix(".new")
        places = [f"-L{mlx.folder / 'lib'}", "-lmlx", f"-Wl,-rpath,{mlx.folder / 'lib'}"]
        inputs = [*map(str, objects), *map(str, made), str(folder / "objects/nanobind.o")]
        subprocess.run(["c++", "-shared", "-fopenmp", *inputs, *places, "-o", str(staged)], check=True)
        staged.rename(library)
    return library


def _source(unit: Unit, generated: Path) -> Path:
    return (ROOT / "backends" if unit.runtime else generated) / unit.path


def _objects(folder: Path, unit: Unit) -> list[Path]:
    path = folder / "objects" / unit.path
    return [item for item in path.parent.glob(f"{path.name}*.o") if item.is_file()]


def _compile(source: Path, includes: list[str], place: Path) -> Path:
    """An object, through ccache where there is one; made again where anything it was made from is newer."""
    target = place / f"{source.stem}.o"
    deps = target.with_suffix(".d")
    if not (target.exists() and deps.exists() and _is_fresh(target, deps)):
        command = [*read_settings().launcher, "c++", *_FLAGS, *includes, "-MD", "-MF", str(deps)]
        subprocess.run([*command, "-c", str(source), "-o", str(target)], check=True)
    return target


def _is_fresh(target: Path, deps: Path) -> bool:
    names = deps.read_text().replace("\\\n", " ").split(":", 1)[1].split()
    made = target.stat().st_mtime
    return all(Path(name).exists() and Path(name).stat().st_mtime <= made for name in names)

"""Build the importable package from the generated tree: `python -m backends.build_generated`.

Needs a C++20 compiler, ninja and nanobind, MLX where the MLX extension is wanted and nvcc where CUDA is;
nothing that the generator needs. Writes `build.ninja`, runs it, and leaves the package in `<build>/python`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from backends.cuda.toolchain import BUILD as CUDA_BUILD
from backends.cuda.toolchain import INSTALL as CUDA_INSTALL
from backends.cuda.toolchain import CudaCompiler, find_cuda_compiler, find_device_architectures
from backends.cxx import find_compiler, find_python_target
from backends.libraries import find_mlx, find_nanobind, require_same_abi
from backends.machine import Machine, this_machine
from backends.metal.toolchain.prepare import MODES, prepare_metal
from backends.metal.toolchain.probe import NATIVE
from backends.ninja import render
from backends.plan import Layout, Toolchain, Unit, metal_place, plan, read_units
from backends.tools import ProbeCache, ToolError, find_program, try_command, write_if_changed
from codegen.failures import Failure
from codegen.settings import Settings, read_settings
from codegen.swap import locked

ROOT = Path(__file__).resolve().parent.parent
_GENERATED = ROOT / "generated"
_BUILD = ROOT / "build"
_SOURCE_PACKAGE = "python/sgl_kernel"
_PYTHON_FILES = frozenset({".py", ".pyi", ".typed"})
_LONGEST_BUILD = 3600.0


class BuildError(Failure):
    """The build cannot start or did not succeed; the message stands by itself."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """`jobs` of 0 leaves the number to ninja; `verbose` shows whole command lines.

    `metal` is one of `MODES`, and `machine` what the build takes itself to run on.
    """

    generated: Path = _GENERATED
    build: Path = _BUILD
    jobs: int = 0
    verbose: bool = False
    metal: str = "auto"
    machine: Machine = field(default_factory=this_machine)


def build(options: BuildOptions, settings: Settings) -> Path:
    """Bring the package up to date and give the folder to import it from.

    Raises BuildError, or ToolError where a tool is missing or wrong.
    """
    folder = Path(os.path.abspath(options.build))
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, _LONGEST_BUILD):
        ninja = find_program("ninja")
        if ninja is None:
            raise ToolError("ninja", "none on PATH", "pip install ninja")
        script = _configure(options, folder, ninja, settings)
        _run_ninja([ninja, "-f", script], options)
    return folder / "python"


def find_toolchain(
    build_folder: Path, settings: Settings, machine: Machine, metal_mode: str = "auto"
) -> Toolchain:
    """Every tool of a build on `machine`, from the cache of earlier probes where nothing has changed.

    Raises ToolError.
    """
    cache = ProbeCache(build_folder / "probes.json")
    nanobind = find_nanobind()
    mlx = find_mlx(cache) if machine.runs_mlx else None
    if mlx is not None:
        require_same_abi(nanobind, mlx)
    cuda, without_cuda = _find_cuda(settings, cache)
    return Toolchain(
        machine=machine,
        compiler=find_compiler(settings.compiler, cache, machine),
        python=find_python_target(),
        nanobind=nanobind,
        mlx=mlx,
        cuda=cuda,
        metal=prepare_metal(machine, settings, metal_mode, cache) if mlx else None,
        launcher=settings.launcher or _ccache(),
        without_cuda=without_cuda,
    )


def _find_cuda(settings: Settings, cache: ProbeCache) -> tuple[CudaCompiler | None, str]:
    """nvcc with what it is to compile for, or None and why CUDA is left out.

    Without a GPU nobody here could run the kernels, so they are compiled only where they are asked for.
    """
    found = find_cuda_compiler(settings.cuda_compiler, cache)
    if found is None:
        return None, f"no nvcc was found ({CUDA_INSTALL})"
    architectures = settings.cuda_architectures or find_device_architectures()
    if not architectures:
        return None, f"there is no GPU here to compile for (to name some: {CUDA_BUILD})"
    return replace(found, architectures=architectures), ""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m backends.build_generated", description=__doc__)
    add_options(parser)
    return run(options_from(parser.parse_args(arguments)))


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--generated", type=Path, default=_GENERATED, help="the tree to build")
    parser.add_argument("--build-dir", type=Path, default=_BUILD, help="where to build it")
    parser.add_argument("-j", "--jobs", type=int, default=0, help="how many compilers to run at once")
    parser.add_argument("-v", "--verbose", action="store_true", help="show whole command lines")
    modes = "; ".join(f"{name}: {meaning}" for name, meaning in MODES.items())
    parser.add_argument("--metal", choices=MODES, default="auto", help=f"shaders on a Mac. {modes}")


def options_from(parsed: argparse.Namespace) -> BuildOptions:
    return BuildOptions(parsed.generated, parsed.build_dir, parsed.jobs, parsed.verbose, parsed.metal)


def run(options: BuildOptions) -> int:
    """Build and say where the package is, or say in one line why not; the exit status."""
    try:
        package = build(options, read_settings())
    except (Failure, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"built {os.path.relpath(package)}")
    return 0


def _configure(options: BuildOptions, folder: Path, ninja: str, settings: Settings) -> str:
    """Write the ninja file and what goes with it; the file's path relative to ROOT."""
    generated = Path(os.path.abspath(options.generated))
    units = _read_units(generated / "build.json")
    tools = find_toolchain(folder, settings, options.machine, options.metal)
    _say_what_is_left_out(tools, {unit.target for unit in units})
    layout = _layout(generated, folder, settings)
    write_if_changed(folder / "toolchain.txt", tools.describe())
    write_if_changed(ROOT / layout.staged / "_build_info.py", _build_info(tools))
    if tools.metal and tools.metal.tools:
        write_if_changed(ROOT / metal_place(tools, layout).tools, tools.metal.tools.to_json())
    script = f"{layout.build}/build.ninja"
    if write_if_changed(folder / "build.ninja", render(plan(units, _python_files(generated), tools, layout))):
        _after_change(ninja, script, folder)
    return script


def _read_units(path: Path) -> tuple[Unit, ...]:
    try:
        return read_units(path.read_text())
    except OSError as error:
        raise BuildError(
            f"{path} cannot be read ({error.strerror}); run `python build.py generate`"
        ) from error
    except ValueError as error:
        raise BuildError(f"{path}: {error}; run `python build.py generate`") from error


def _layout(generated: Path, folder: Path, settings: Settings) -> Layout:
    def relative(path: Path) -> str:
        return Path(os.path.relpath(path, ROOT)).as_posix()

    return Layout(
        root=str(ROOT),
        generated=relative(generated),
        build=relative(folder),
        runtime="backends",
        package=settings.package,
        deployment_target=settings.deployment_target,
    )


def _python_files(generated: Path) -> list[str]:
    source = generated / _SOURCE_PACKAGE
    found = (path for path in source.rglob("*") if path.suffix in _PYTHON_FILES or path.name == "py.typed")
    return [path.relative_to(source).as_posix() for path in found]


def _build_info(tools: Toolchain) -> str:
    """A module for the package: what it was built against, to compare with what is there when it runs."""
    mlx_version, key = (tools.mlx.version, tools.mlx.key) if tools.mlx else ("", "")
    cuda_version = tools.cuda.version if tools.cuda else ""
    lines = (
        '"""What this package was built against. Written by the build."""',
        "",
        f"MLX_VERSION = {mlx_version!r}",
        f"NANOBIND_KEY = {key!r}",
        f"NANOBIND_VERSION = {tools.nanobind.version!r}",
        f"CUDA_VERSION = {cuda_version!r}",
    )
    return "\n".join(lines) + "\n"


def _ccache() -> tuple[str, ...]:
    path = find_program("ccache")
    return (path,) if path else ()


def _say_what_is_left_out(tools: Toolchain, targets: Set[str]) -> None:
    if not tools.machine.runs_mlx:
        print(f"leaving out _metal: MLX needs Apple silicon ({NATIVE})")
    elif tools.mlx is None and "mlx" in targets:
        print("leaving out _metal: MLX is not installed (pip install 'mlx[cpu]' on Linux, mlx on macOS)")
    if tools.cuda is None and "cuda" in targets:
        print(f"leaving out _cuda: {tools.without_cuda}")
    if tools.metal and tools.metal.notice:
        print(tools.metal.notice)


def _after_change(ninja: str, script: str, folder: Path) -> None:
    """Remove outputs that no step makes any more, and tell editors how each file is compiled."""
    try_command([ninja, "-f", script, "-t", "cleandead"], folder=ROOT)
    database = try_command([ninja, "-f", script, "-t", "compdb", "cxx"], folder=ROOT)
    if database.status == 0:
        write_if_changed(folder / "compile_commands.json", database.text)


def _run_ninja(command: list[str], options: BuildOptions) -> None:
    command += ["-j", str(options.jobs)] if options.jobs > 0 else []
    command += ["-v"] if options.verbose else []
    sys.stdout.flush()
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise BuildError("the build failed; the first failing command stands above")


if __name__ == "__main__":
    sys.exit(main())

"""The state of the Metal toolchain, a line for each piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backends.machine import Machine
from backends.metal.toolchain.cache import ContentCache, cache_folder
from backends.metal.toolchain.compiler import DOWNLOAD, MetalTools, metal_environment
from backends.metal.toolchain.flags import release_flags
from backends.metal.toolchain.language import choose_target
from backends.metal.toolchain.probe import (
    MetalProbe,
    explain_trial,
    find_component,
    find_metal_compiler,
    mend_for,
    try_flags,
)
from backends.tools import ProbeCache, ToolError, find_program, try_command
from codegen.settings import Settings

_COMPILER = "Metal compiler"
_LIBRARY = "Metal library"


@dataclass(frozen=True, slots=True)
class Row:
    """A piece of the toolchain: whether it works, what was found, and what mends it."""

    piece: str
    works: bool
    found: str
    mend: str = ""


def examine_metal(machine: Machine, settings: Settings, cache: ProbeCache) -> tuple[Row, ...]:
    """Every piece on Apple silicon; elsewhere one line, which says why there are no others."""
    probe = find_metal_compiler(machine, settings, cache)
    if not machine.has_metal:
        return (Row(_COMPILER, False, probe.found, probe.mend),)
    return tuple(_rows(probe, machine, settings, cache))


def _rows(probe: MetalProbe, machine: Machine, settings: Settings, cache: ProbeCache) -> Iterator[Row]:
    yield _program("macOS", "sw_vers", ("-productVersion",), machine)
    yield _program("Xcode", "xcodebuild", ("-version",), machine)
    component = find_component(machine)
    words = " ".join(word for word in (component.status, component.identifier) if word)
    # Before Xcode 26 the compiler was part of Xcode itself.
    is_needed = probe.compiler is None
    found = words or ("unknown to this Xcode" if is_needed else "not needed: part of Xcode")
    yield Row("Metal toolchain", component.status == "installed" or not is_needed, found, DOWNLOAD)
    yield Row(_COMPILER, not is_needed, probe.found, probe.mend)
    yield _library(probe, settings, machine, cache)
    yield _cache(machine)


def _program(piece: str, name: str, arguments: tuple[str, ...], machine: Machine) -> Row:
    """What a program of Apple's says of itself."""
    path = find_program(name)
    if path is None:
        return Row(piece, False, f"no {name}", "xcode-select --install")
    outcome = try_command((path, *arguments), machine.patience, environment=metal_environment(""))
    lines = " ".join(line.strip() for line in outcome.text.strip().split("\n"))
    works = outcome.status == 0 and bool(lines)
    return Row(piece, works, lines or "prints nothing", mend_for(lines, "xcode-select --install"))


def _library(probe: MetalProbe, settings: Settings, machine: Machine, cache: ProbeCache) -> Row:
    """Whether a library can be made for the language and the system that the settings ask for."""
    try:
        target = choose_target(settings)
    except ToolError as error:
        return Row(_LIBRARY, False, error.found, error.mend)
    about = f"{target.language} for macOS {target.system} and newer"
    if probe.compiler is None:
        return Row(_LIBRARY, False, "shaders ship as source, which MLX compiles at first use", probe.mend)
    tools = MetalTools(probe.compiler, ContentCache(cache_folder(machine)))
    problem = try_flags(tools, release_flags(target), cache)
    return Row(_LIBRARY, not problem, problem or about, explain_trial(problem, settings))


def _cache(machine: Machine) -> Row:
    cache = ContentCache(cache_folder(machine))
    problem = cache.problem()
    size = f"{cache.size() / 2**20:.1f} of {cache.most_bytes / 2**20:.0f} MiB"
    found = f"{cache.folder} ({problem or size})"
    return Row("Metal cache", not problem, found, "make it yours, or set XDG_CACHE_HOME to a folder that is")

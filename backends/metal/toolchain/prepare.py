"""How a build makes its shaders, decided from the machine, the settings and what the build was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from backends.machine import Machine
from backends.metal.toolchain.cache import ContentCache, cache_folder
from backends.metal.toolchain.compiler import MetalTools
from backends.metal.toolchain.flags import MetalFlags, debug_flags, release_flags
from backends.metal.toolchain.language import MetalTarget, choose_target
from backends.metal.toolchain.probe import MetalProbe, explain_trial, find_metal_compiler, try_flags
from backends.tools import ProbeCache, ToolError
from codegen.settings import Settings

MODES = {
    "auto": "a library where Metal's compiler works, and source elsewhere",
    "library": "a library, or an error",
    "debug": "a library that holds its source, for captures and Xcode's GPU debugger, or an error",
    "source": "source, which MLX compiles at first use",
}
_WITHOUT_COMPILER = frozenset({"auto", "source"})
_LOOKED_FOR = "Apple's Metal compiler"


@dataclass(frozen=True, slots=True)
class MetalBuild:
    """How the shaders are built. `tools` is None where their source ships, and `notice` then says why."""

    target: MetalTarget
    flags: MetalFlags
    tools: MetalTools | None
    notice: str = ""


def prepare_metal(machine: Machine, settings: Settings, mode: str, cache: ProbeCache) -> MetalBuild | None:
    """The way to build shaders; None where MLX has no GPU to run them on.

    Raises ToolError where `mode` asks for what this machine cannot make.
    """
    if not machine.has_metal:
        _refuse_elsewhere(machine, settings, mode, cache)
        return None
    target = choose_target(settings)
    flags = debug_flags(target) if mode == "debug" else release_flags(target)
    if mode == "source":
        return MetalBuild(target, flags, None, _notice("as asked"))
    probe = find_metal_compiler(machine, settings, cache)
    if probe.compiler is not None:
        tools = MetalTools(probe.compiler, ContentCache(cache_folder(machine)))
        problem = try_flags(tools, flags, cache)
        if not problem:
            return MetalBuild(target, flags, tools)
        probe = MetalProbe(None, problem, explain_trial(problem, settings))
    if mode not in _WITHOUT_COMPILER:
        raise ToolError(_LOOKED_FOR, probe.found, probe.mend)
    return MetalBuild(target, flags, None, _notice(f"{probe.found}; for a compiled library: {probe.mend}"))


def _refuse_elsewhere(machine: Machine, settings: Settings, mode: str, cache: ProbeCache) -> None:
    """Nothing to build, unless a library was asked for by name."""
    if mode not in _WITHOUT_COMPILER:
        probe = find_metal_compiler(machine, settings, cache)
        raise ToolError(_LOOKED_FOR, probe.found, probe.mend)


def _notice(reason: str) -> str:
    return f"shaders ship as source, which MLX compiles at first use: {reason}"

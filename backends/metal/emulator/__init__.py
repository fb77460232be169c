"""Runs Metal shaders on Linux, and checks every access that they make. `docs/emulator.md` explains it."""

from backends.metal.emulator.compile import EmulatorUnavailable
from backends.metal.emulator.findings import Finding
from backends.metal.emulator.rewrite import ShaderError
from backends.metal.emulator.shader import Launch, LaunchError, Outcome, Shader, load

__all__ = [
    "EmulatorUnavailable",
    "Finding",
    "Launch",
    "LaunchError",
    "Outcome",
    "Shader",
    "ShaderError",
    "load",
]

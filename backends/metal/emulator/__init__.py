"""Runs Metal shaders on Linux, and checks every access that they make. `docs/emulator.md` explains it."""

from backends.metal.emulator.compile import EmulatorUnavailable
from backends.metal.emulator.findings import Finding
from backends.metal.emulator.rewrite import ShaderError
from backends.metal.emulator.shader import CanaryError, Launch, LaunchError, Outcome, Shader, Traffic, load

__all__ = [
    "CanaryError",
    "EmulatorUnavailable",
    "Finding",
    "Launch",
    "LaunchError",
    "Outcome",
    "Shader",
    "ShaderError",
    "Traffic",
    "load",
]

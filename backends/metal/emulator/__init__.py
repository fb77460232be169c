"""Runs Metal shaders on Linux, and checks every access that they make. `docs/emulator.md` explains it."""

from backends.metal.emulator.arguments import LaunchError
from backends.metal.emulator.compile import EmulatorUnavailable
from backends.metal.emulator.findings import Finding
from backends.metal.emulator.shader import CanaryError, Launch, Outcome, Shader, Traffic, load
from backends.metal.emulator.tokens import ShaderError

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

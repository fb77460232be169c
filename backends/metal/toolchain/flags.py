"""The flags that shaders are compiled and linked with."""

from __future__ import annotations

from dataclasses import dataclass

from backends.metal.toolchain.language import MetalTarget

# Fast math may assume that there is no NaN and no infinity; kernels use both as values.
_ALWAYS = ("-O3", "-fno-fast-math", "-Wall", "-Wextra", "-Wno-c++17-extensions")
# Xcode's GPU debugger and captures show a kernel's lines where its source is part of the library.
_RECORD = "-frecord-sources"


@dataclass(frozen=True, slots=True)
class MetalFlags:
    """How one flavour is made. `linker` is the tool that makes the library: `metal` or `metallib`."""

    compiling: tuple[str, ...]
    linker: str
    linking: tuple[str, ...]


def release_flags(target: MetalTarget) -> MetalFlags:
    return MetalFlags((*target.flags, *_ALWAYS), "metallib", ())


def debug_flags(target: MetalTarget) -> MetalFlags:
    """As fast as a release; the source and the line numbers come on top."""
    compiling = (*target.flags, *_ALWAYS, "-gline-tables-only", _RECORD)
    return MetalFlags(compiling, "metal", (target.system_flag, _RECORD))

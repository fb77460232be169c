"""Finding Apple's Metal compiler. Without it shaders ship as source, and MLX compiles them at first use."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from backends.tools import find_program, try_command

XCODE = "xcode-select --install"
TOOLCHAIN = "xcodebuild -downloadComponent MetalToolchain"
_METAL = ("-sdk", "macosx", "metal")


@dataclass(frozen=True, slots=True)
class MetalProbe:
    """What was found. `command` is empty where no Metal compiler works; then `mend` says what to do."""

    command: tuple[str, ...] = ()
    version: str = ""
    found: str = ""
    mend: str = ""


def probe_metal_compiler() -> MetalProbe:
    """Try the Metal compiler. Xcode installs a stub of that name, so only an answer proves it."""
    if sys.platform != "darwin":
        return MetalProbe(found="not a macOS machine", mend="build on macOS; MLX runs the CPU kernels here")
    xcrun = find_program("xcrun")
    if xcrun is None:
        return MetalProbe(found="no xcrun", mend=XCODE)
    command = (xcrun, *_METAL)
    outcome = try_command((*command, "--version"))
    if outcome.status == 0 and "metal" in outcome.text.lower():
        return MetalProbe(command, outcome.first_line)
    return MetalProbe(found=outcome.first_line or "a compiler that prints nothing", mend=TOOLCHAIN)

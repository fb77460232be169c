"""The machine that a build is for, as a value: probes and plans take one, so that tests can name another."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from backends.tools import ToolError


@dataclass(frozen=True, slots=True)
class Platform:
    """How an operating system links an extension module, and finds the libraries beside one."""

    module: tuple[str, ...]
    beside: str
    install: str
    openmp: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()


PLATFORMS = {
    "linux": Platform(
        module=("-shared", "-Wl,--gc-sections", "-Wl,--build-id=none"),
        beside="$ORIGIN",
        install="apt-get install g++",
        openmp=("-fopenmp", "-fopenmp-simd"),
    ),
    # macOS has no OpenMP of its own; its threads come from Grand Central Dispatch.
    "darwin": Platform(
        module=("-bundle", "-undefined", "dynamic_lookup"),
        beside="@loader_path",
        install="xcode-select --install",
        frameworks=("Metal", "Foundation", "QuartzCore"),
    ),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """A system as `sys.platform` names it, a processor family, and how long its probes may take.

    `processor` has one spelling on every system: `x86_64` or `aarch64`. `patience` is in seconds.
    """

    system: str
    processor: str
    patience: float = 120.0

    @property
    def platform(self) -> Platform:
        """The system's row. Raises ToolError on a system that has none."""
        row = PLATFORMS.get(self.system)
        if row is None:
            raise ToolError("Linux or macOS", self.system, "build on one of these")
        return row

    @property
    def has_metal(self) -> bool:
        """Whether MLX runs on a GPU here: on Apple silicon, from a Python that is built for it."""
        return self.system == "darwin" and self.processor == "aarch64"

    @property
    def runs_mlx(self) -> bool:
        """Whether there is an MLX for it at all: a Mac must be of Apple silicon, Linux may be either."""
        return self.system != "darwin" or self.has_metal


def this_machine() -> Machine:
    """The machine that this Python runs on. An x86-64 Python under Rosetta is on an x86-64 machine."""
    spelt = platform.machine().lower()
    return Machine(sys.platform, {"amd64": "x86_64", "arm64": "aarch64"}.get(spelt, spelt))


def core_count() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def processor_name() -> str:
    """What the processor is called by who makes it; its family where nothing says so."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()

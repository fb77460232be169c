"""What the emulator found, told with the shader's lines."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

KINDS = (
    "race", "race between threadgroups", "divergence", "out of bounds", "misaligned", "uninitialised",
    "write to constant memory", "another thread's memory", "arithmetic", "crash", "endless", "refused",
)  # fmt: skip
MEMORIES = ("", "buffer {index}", "threadgroup memory {index}", "{name}")  # in the order of `Memory` in abi.h
NO_MEMORY, THREADGROUP_VARIABLE = 0, 3
REFUSED = "refused"  # what a kernel cannot be launched with, seen once it runs: no finding, but a LaunchError
ACCESSES = ("read", "write", "atomic")


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a finding. `lines`: where it stood, innermost first, as `file:line`."""

    access: str
    threadgroup: int
    thread: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        place = " from ".join(self.lines) or "an unknown line"
        return f"{self.access} by thread {self.thread} of threadgroup {self.threadgroup} at {place}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; `count` is how often it was made. `memory` names the buffer or variable, with the offset
    and size of the access in bytes, and `origin` the line of a spec that the shader was made from."""

    kernel: str
    kind: str
    memory: str
    note: str
    count: int
    now: Party
    before: Party | None
    origin: str = ""

    def __str__(self) -> str:
        beside = "" if self.before is None else f"beside {self.before}"
        origin = f"from {self.origin}" if self.origin else ""
        parts = filter(None, (self.memory, self.note, str(self.now), beside, origin))
        times = f" ({self.count} times)" if self.count > 1 else ""
        return f"{self.kernel}: {self.kind}: {'; '.join(parts)}{times}"


class Lines:
    """Addresses of a shader's library as lines of its source; those of `hidden` are left out."""

    def __init__(self, library: Path, base: int, hidden: Path) -> None:
        self.library = library
        self.base = base
        self.hidden = str(hidden)
        self.known: dict[int, str] = {}

    def look_up(self, addresses: set[int]) -> None:
        """Ask for many at once."""
        wanted = sorted(addresses - self.known.keys())
        if not wanted:
            return
        offsets = [hex(address - self.base - 1) for address in wanted]  # a return address is past its call
        command = ["addr2line", "-e", str(self.library), *offsets]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        except (OSError, subprocess.CalledProcessError):
            answer = offsets
        self.known.update(zip(wanted, answer, strict=True))

    def of(self, addresses: list[int]) -> tuple[str, ...]:
        """The lines of a chain of calls, innermost first, as far as they were asked for."""
        known = (self.known.get(address, "?") for address in addresses)
        found = [line.split(" (discriminator")[0].removeprefix("./") for line in known]
        return tuple(line for line in found if not line.startswith(self.hidden) and not line.endswith("?"))

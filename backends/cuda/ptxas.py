"""What the assembler says of every kernel: registers, shared memory, and what did not fit registers.

    python -m backends.cuda.ptxas build/cuda/ptxas.json    prints the report of a build as a table

A build has nvcc print it, keeps it beside each object as `<object>.ptxas`, and gathers it into one file. What
does not fit registers goes through the caches to memory, so a kernel that has such is named when it is built.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from backends.tools import find_program, try_command, write_if_changed

SUFFIX = ".ptxas"

_ENTRY = re.compile(r"Compiling entry function '([^']+)' for '([^']+)'")
_LOCAL = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")
_FOLDER = "(anonymous namespace)::"


@dataclass(frozen=True, slots=True)
class KernelUse:
    """One kernel for one architecture. `stack`, `spill_stores`, `spill_loads` and `shared` are bytes."""

    op: str
    kernel: str
    architecture: str
    registers: int
    stack: int
    spill_stores: int
    spill_loads: int
    shared: int

    @property
    def has_local_memory(self) -> bool:
        return self.stack + self.spill_stores + self.spill_loads > 0


def parse(text: str, op: str) -> Iterator[KernelUse]:
    """The kernels that nvcc's output names, in its order; `kernel` is as the assembler spells it."""
    name, architecture, local = "", "", (0, 0, 0)
    for line in text.splitlines():
        if match := _ENTRY.search(line):
            name, architecture, local = match[1], match[2], (0, 0, 0)
        elif match := _LOCAL.search(line):
            local = (int(match[1]), int(match[2]), int(match[3]))
        elif name and (match := _USED.search(line)):
            shared = _SHARED.search(line)
            yield KernelUse(op, name, architecture, int(match[1]), *local, int(shared[1]) if shared else 0)
            name = ""


def gather(objects: Iterable[Path]) -> list[KernelUse]:
    """The kernels of some objects, with names as C++ has them where there is a program that knows."""
    texts = [(path, Path(f"{path}{SUFFIX}")) for path in objects]
    found = [use for path, file in texts if file.exists() for use in parse(file.read_text(), _op_of(path))]
    return [
        KernelUse(**{**asdict(use), "kernel": name})
        for use, name in zip(found, _readable([use.kernel for use in found]), strict=True)
    ]


def _op_of(path: Path) -> str:
    return path.name.partition(".")[0]


def _readable(names: Sequence[str]) -> Sequence[str]:
    program = find_program("c++filt") or find_program("cu++filt")
    outcome = try_command((program, *names)) if program and names else None
    lines = outcome.text.splitlines() if outcome and outcome.status == 0 else []
    if len(lines) != len(names):
        return names
    return [line.removeprefix("void ").removeprefix(_FOLDER).partition("(")[0] for line in lines]


def read(path: Path) -> list[KernelUse]:
    """The report of a build. Raises OSError where there is none."""
    return [KernelUse(**row) for row in json.loads(path.read_text())["kernels"]]


def render(uses: Iterable[KernelUse]) -> str:
    """A line for each op and architecture: its kernels, and the most that one of them takes."""
    groups: dict[tuple[str, str], list[KernelUse]] = {}
    for use in uses:
        groups.setdefault((use.op, use.architecture), []).append(use)
    head = f"{'op':32} {'arch':8} {'kernels':>7} {'registers':>9} {'shared':>7} {'stack':>6} {'spills':>6}"
    rows = (_row(op, architecture, group) for (op, architecture), group in sorted(groups.items()))
    return "\n".join((head, *rows))


def _row(op: str, architecture: str, group: Sequence[KernelUse]) -> str:
    most = [max(getattr(use, name) for use in group) for name in ("registers", "shared", "stack")]
    spills = max(use.spill_stores + use.spill_loads for use in group)
    return f"{op:32} {architecture:8} {len(group):7} {most[0]:9} {most[1]:7} {most[2]:6} {spills:6}"


def complaints(uses: Iterable[KernelUse]) -> Iterator[str]:
    """A line for each kernel with memory that is local to a thread."""
    for use in uses:
        if use.has_local_memory:
            spills = use.spill_stores + use.spill_loads
            yield f"{use.kernel} for {use.architecture} has {use.stack} bytes of stack, {spills} of spills"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a report, or gather one: the exit status."""
    parser = argparse.ArgumentParser(prog="python -m backends.cuda.ptxas", description=__doc__.split("\n")[0])
    parser.add_argument("report", type=Path, help="the file that a build left, such as build/cuda/ptxas.json")
    parser.add_argument("objects", type=Path, nargs="*", help="gather the report of these objects into it")
    parsed = parser.parse_args(arguments)
    if not parsed.objects and not parsed.report.exists():
        print(f"error: {parsed.report} is not there; a build with nvcc leaves it", file=sys.stderr)
        return 1
    if not parsed.objects:
        print(render(read(parsed.report)))
        return 0
    uses = gather(parsed.objects)
    report = {"edition": 1, "kernels": [asdict(use) for use in uses]}
    write_if_changed(parsed.report, json.dumps(report, indent=1) + "\n")
    for line in complaints(uses):
        print(f"warning: {line}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Load a Metal shader and run its kernels on this machine, every access checked.

shader = load(text)
outcome = shader.run("scale", {0: x, 1: factor}, grid=4, threadgroup=64)
assert not outcome.findings
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backends.metal.emulator import native
from backends.metal.emulator.arguments import (
    LaunchError,
    copy_of,
    require_buffers,
    require_constants,
    require_known,
    require_memory,
    require_offsets,
)
from backends.metal.emulator.compile import (
    CANARY,
    CANARY_THREADS,
    SHIM,
    compile_runtime,
    compile_shader,
    require,
)
from backends.metal.emulator.findings import (
    ACCESSES,
    KINDS,
    MEMORIES,
    NO_MEMORY,
    REFUSED,
    THREADGROUP_VARIABLE,
    Finding,
    Lines,
    Party,
)
from backends.metal.emulator.slots import BUFFER, THREADGROUP
from backends.metal.emulator.tokens import ShaderError

ORDERS = ("forward", "reverse", "random")
REDUCTIONS = ("pairwise", "in order")
MOST_THREADS = 1024
MOST_GRID_THREADS = 1 << 28  # what the emulator counts threadgroups in, and would take minutes for
MOST_ACCESSES = 1 << 32
MOST_THREADGROUP_BYTES = 32 << 10

Extent = int | Sequence[int]


class CanaryError(RuntimeError):
    """The emulator does not see what it must see: nothing that it says of this shader can be trusted."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of a buffer that were read and written; how many different ones; and how many different ones
    each threadgroup did, summed over threadgroups. An atomic counts as both."""

    read: int
    written: int
    distinct_read: int
    distinct_written: int
    read_by_groups: int
    written_by_groups: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: the buffers after it by index, what was found, and how much memory was touched.

    `traffic` is by buffer index, and there only where `run` was asked to count.
    """

    buffers: dict[int, np.ndarray]
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    traffic: dict[int, Traffic]
    order: str
    reduction: str
    seed: int


@dataclass(frozen=True, slots=True)
class Launch:
    """What a kernel is started with.

    `buffers`: arrays by buffer index. `grid`: threadgroups, unless `threads` gives the threads of the whole
    grid. `threadgroup`: threads of one. `constants`: function constants by index. `memory`: bytes of
    threadgroup arguments by index. `blank`: buffers that hold no values yet. `offsets`: how many bytes, less
    than 16, a buffer begins behind a place where any access may, by index.
    """

    kernel: str
    buffers: Mapping[int, np.ndarray]
    grid: Extent = 1
    threadgroup: Extent = 32
    threads: Extent | None = None
    constants: Mapping[int, float] | None = None
    memory: Mapping[int, int] | None = None
    blank: Collection[int] = ()
    offsets: Mapping[int, int] | None = None


class Shader:
    """A compiled shader; `kernels` are the names that can be run."""

    def __init__(self, library: Path) -> None:
        self.native = native.NativeShader(library)
        self.lines = Lines(library, self.native.image[0], SHIM)
        self.native.construct()
        refuse_shader(self._findings(""))
        self.kernels = tuple(sorted(self.native.kernels.keys() - {CANARY}))
        self._require_canary(library)

    def _require_canary(self, library: Path) -> None:
        """Raises CanaryError unless what is planted into every shader is found."""
        blank = {0: np.zeros(CANARY_THREADS, np.float32)}
        outcome = self.run(Launch(CANARY, blank, threadgroup=CANARY_THREADS, blank={0}))
        kinds = {finding.kind for finding in outcome.findings}
        seen = (outcome.counts["device_reads"], outcome.counts["device_writes"])
        if kinds != {"race", "uninitialised"} or seen != (CANARY_THREADS, 2 * CANARY_THREADS):
            raise CanaryError(f"{library}: of what is planted here, {sorted(kinds)} were found, in {seen}")

    def run(
        self, launch: Launch, order: str = "forward", reduction: str = "pairwise", seed: int = 0,
        most_accesses: int = MOST_ACCESSES, is_flushing: bool = False, is_counted: bool = False,
    ) -> Outcome:  # fmt: skip
        """Run once, on copies. Raises LaunchError.

        `is_flushing`: denormal floats count as zero, as a GPU may treat them. `is_counted`: tell the bytes
        of buffers apart for `Outcome.traffic`.
        """
        arrays = {index: copy_of(index, given) for index, given in launch.buffers.items()}
        request = self._request(launch, arrays)
        request.order = _number_of(order, ORDERS, "order of threads")
        request.reduction = _number_of(reduction, REDUCTIONS, "way to sum over a simdgroup")
        request.seed, request.most_accesses = seed, most_accesses
        request.is_flushing, request.is_counted = is_flushing, is_counted
        constants = None if launch.kernel == CANARY else launch.constants or {}
        self._require_buffers(launch.kernel, request, arrays, constants)
        self.native.run(request, constants)
        findings = self._findings(launch.kernel)
        refuse_launch(findings)
        traffic = _traffic(self.native.traffic()) if is_counted else {}
        return Outcome(arrays, findings, self.native.counts(), traffic, order, reduction, seed)

    def check(
        self, launch: Launch, seeds: Sequence[int] = (1,), most_accesses: int = MOST_ACCESSES
    ) -> tuple[Outcome, ...]:
        """Run in every order and with both reductions; each of `seeds` is one random order.

        A kernel that does not end is not run again.
        """
        plans = [("forward", 0), ("reverse", 0), *(("random", seed) for seed in seeds)]
        outcomes: list[Outcome] = []
        for (order, seed), reduction in itertools.product(plans, REDUCTIONS):
            outcomes.append(self.run(launch, order, reduction, seed, most_accesses))
            if any(finding.kind == "endless" for finding in outcomes[-1].findings):
                break
        return tuple(outcomes)

    def _request(self, launch: Launch, arrays: dict[int, np.ndarray]) -> native.Launch:
        kernel = self.native.kernels.get(launch.kernel)
        if kernel is None:
            known = ", ".join(self.kernels) or "none"
            raise LaunchError(f"no kernel is called {launch.kernel!r}; the shader has {known}")
        require_constants(self.native.constants, launch.constants or {})
        request = native.Launch(kernel=ctypes.pointer(kernel))
        self._set_buffers(request, kernel, launch, arrays)
        self._set_memory(request, kernel, launch)
        _require_constants(kernel, launch)
        _set_grid(request, kernel, launch)
        return request

    def _set_buffers(
        self, request: native.Launch, kernel: native.Kernel, launch: Launch, arrays: dict[int, np.ndarray]
    ) -> None:
        slots = tuple(kernel.of_kind(BUFFER))
        require_known("buffer", launch.kernel, (*arrays, *launch.blank), (slot.index for slot in slots))
        offsets = launch.offsets or {}
        require_offsets(launch.kernel, offsets, arrays)
        writable = {slot.index for slot in slots if slot.is_writable}
        rows = [
            native.Buffer(
                given.ctypes.data,
                given.nbytes,
                index in writable,
                index not in launch.blank,
                index,
                offsets.get(index, 0),
            )
            for index, given in arrays.items()
        ]
        request.buffers = (native.Buffer * len(rows))(*rows)
        request.buffer_count = len(rows)

    def _require_buffers(
        self,
        kernel: str,
        request: native.Launch,
        given: Collection[int],
        constants: Mapping[int, float] | None,
    ) -> None:
        """Raises LaunchError for a parameter without a buffer, unless function constants leave it out."""
        slots = self.native.kernels[kernel].of_kind(BUFFER)
        missing = [slot for slot in slots if slot.index not in given]
        if any(slot.condition for slot in missing):
            groups, request.groups[:] = request.groups[:], (0, 0, 0)
            self.native.run(request, constants)  # works the constants out
            request.groups[:] = groups
        require_buffers(kernel, [slot for slot in missing if not slot.condition or slot.condition[0]])

    def _set_memory(self, request: native.Launch, kernel: native.Kernel, launch: Launch) -> None:
        given = dict(launch.memory or {})
        slots = tuple(kernel.of_kind(THREADGROUP))
        require_known("threadgroup argument", launch.kernel, given, (slot.index for slot in slots))
        require_memory(launch.kernel, slots, given)
        total = sum(given.values())
        if total > MOST_THREADGROUP_BYTES:
            raise LaunchError(f"{total} bytes of threadgroup memory; Metal has {MOST_THREADGROUP_BYTES}")
        for index, size in given.items():
            request.threadgroup_bytes[index] = size

    def _findings(self, kernel: str) -> tuple[Finding, ...]:
        reports = self.native.reports()
        asked = () if kernel == CANARY else reports  # nobody reads where the canary stands
        parties = (party for each in asked for party in (each.now, each.before))
        self.lines.look_up({address for party in parties for address in self.native.chain(party)})
        return tuple(self._finding(kernel, each) for each in reports)

    def _finding(self, kernel: str, report: native.Report) -> Finding:
        def party(side: native.Party) -> Party:
            lines = self.lines.of(self.native.chain(side))
            return Party(ACCESSES[side.access], side.group, side.thread, lines)

        note = report.note.decode(errors="replace")
        memory = ""
        if report.memory != NO_MEMORY:
            place = MEMORIES[report.memory].format(index=report.index, name=note)
            memory = f"{report.size} bytes at byte {report.offset} of {place}"
        note = "" if report.memory == THREADGROUP_VARIABLE else note
        before = party(report.before) if report.before.pc else None
        return Finding(kernel, KINDS[report.kind], memory, note, report.count, party(report.now), before)


def _traffic(rows: Sequence[native.Traffic]) -> dict[int, Traffic]:
    names = [name for name, _ in native.Traffic._fields_ if name != "index"]
    return {row.index: Traffic(*(getattr(row, name) for name in names)) for row in rows}


def refuse_shader(findings: Collection[Finding]) -> None:
    """Raises ShaderError for what was found while the shader's own constants were worked out."""
    said = []
    for finding in findings:
        *inner, place = finding.now.lines or ("an unknown line",)
        what = "; ".join(filter(None, (finding.kind, finding.memory, finding.note)))
        where = f" at {inner[0]}" if inner else ""
        said.append(f"{place}: error: a constant's value cannot be worked out: {what}{where}")
    if said:
        raise ShaderError("\n".join(said))


def refuse_launch(findings: Collection[Finding]) -> None:
    """Raises LaunchError for what only shows once a kernel runs: memory that it declares, say."""
    for finding in findings:
        if finding.kind == REFUSED:
            place = finding.now.lines[0] if finding.now.lines else "an unknown line"
            raise LaunchError(f"kernel {finding.kernel}, at {place}: {finding.note}")


def _require_constants(kernel: native.Kernel, launch: Launch) -> None:
    for index, name in kernel.needed_constants().items():
        if index not in (launch.constants or {}):
            what = f"function constant {index}, {name}"
            raise LaunchError(f"kernel {launch.kernel} reads {what}, which the launch does not set")


def _triple(extent: Extent, name: str) -> tuple[int, int, int]:
    given = (extent,) if isinstance(extent, int) else tuple(extent)
    if not 1 <= len(given) <= 3 or min(given) < 1:
        raise LaunchError(f"{name}: expected one to three numbers of at least 1, not {given}")
    x, y, z = (*given, 1, 1)[:3]
    return x, y, z


def _set_grid(request: native.Launch, kernel: native.Kernel, launch: Launch) -> None:
    size = _triple(launch.threadgroup, "threads of a threadgroup")
    if math.prod(size) > MOST_THREADS:
        raise LaunchError(f"a threadgroup of {size} threads; Metal has 1 to {MOST_THREADS}")
    if 0 < kernel.needs.most_threads < math.prod(size):
        declared = f"kernel {launch.kernel} declares to have at most {kernel.needs.most_threads}"
        raise LaunchError(f"a threadgroup of {size} threads; {declared}")
    if launch.threads is None:
        groups = _triple(launch.grid, "threadgroups of the grid")
        total = tuple(count * each for count, each in zip(groups, size, strict=True))
    else:
        total = _triple(launch.threads, "threads of the grid")
        groups = tuple(-(-count // each) for count, each in zip(total, size, strict=True))  # type: ignore[assignment]
    if math.prod(total) > MOST_GRID_THREADS:
        raise LaunchError(f"a grid of {total} threads; the emulator runs up to {MOST_GRID_THREADS}")
    request.groups[:], request.threads[:], request.total[:] = groups, size, total


def _number_of(name: str, known: Sequence[str], what: str) -> int:
    """Where a choice stands among those that there are. Raises LaunchError."""
    if name not in known:
        raise LaunchError(f"{what}: expected one of {', '.join(known)}, not {name!r}")
    return known.index(name)


@functools.cache
def _runtime() -> None:
    native.load_runtime(compile_runtime())


def load(
    source: str, name: str = "shader.metal", includes: tuple[Path, ...] = (), is_quick: bool = False
) -> Shader:
    """The shader of a text; quoted includes are looked for in `includes`. Raises ShaderError.

    `is_quick`: compiled in half the time, to run slower.
    """
    require()
    _runtime()
    return Shader(compile_shader(source, name, includes, is_quick))

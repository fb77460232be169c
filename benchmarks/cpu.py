"""The CPU kernels beside what users would call instead: `python -m benchmarks cpu`.

For one row and for many, each op is called through `sgl_kernel.cpu` and `sgl_kernel.metal`, in turn with its
peers, and the median of the rounds is kept. GB/s counts every tensor once for each time it must be read or
written: arguments once, results once, updated arguments twice.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.calls import Call, is_supported, package_module, prepare, read_records
from benchmarks.frameworks import Framework, available
from benchmarks.inputs import Example, element_count, make_arguments, shape_of
from benchmarks.machine import Machine, describe_machine
from benchmarks.peers import PEERS, Peer
from benchmarks.tables import render_markdown
from codegen.record import Entry, OpRecord
from kernel_ir.rounding import decode

# The largest example is cut along its first size until its tensors have so many elements in all.
MOST_ELEMENTS = 2**24
ROUNDS = 7
SECONDS_A_ROUND = 0.02

# A peer that is further off computes something else. 16-bit intermediates explain about 1 %.
PEER_TOLERANCE = 0.03


@dataclass(frozen=True, slots=True)
class Measurement:
    """One call: who ran it, its median and its best seconds, and the bytes it must move."""

    op: str
    dtypes: str
    sizes: dict[str, int | float | bool]
    runner: str
    seconds: float
    best: float
    bytes: int

    @property
    def bandwidth(self) -> float:
        """GB/s."""
        return self.bytes / self.seconds / 1e9


def main(specs: Path, results: Path, command: str) -> None:
    """Measure everything, print the table, and write it as Markdown and JSON."""
    machine = describe_machine()
    groups = [group for record in read_records(specs) for group in measure_op(record)]
    after = describe_machine()  # a pause of other jobs may come at either end
    machine = replace(machine, copy_bandwidth=max(machine.copy_bandwidth, after.copy_bandwidth))
    text = _render(machine, groups, command)
    results.mkdir(parents=True, exist_ok=True)
    (results / "cpu.md").write_text(text)
    everything = [asdict(item) for group in groups for item in group]
    document = {"command": command, "machine": asdict(machine), "measurements": everything}
    (results / "cpu.json").write_text(json.dumps(document, indent=1) + "\n")
    print(text)


def measure_op(record: OpRecord) -> Iterator[list[Measurement]]:
    """One group for each example and combination of dtypes: our modules first, then the peers."""
    for example in choose_examples(record):
        for entry in record.entries:
            yield measure_entry(record, entry, example)


def choose_examples(record: OpRecord) -> list[Example]:
    """The smallest example, and the largest cut to fit."""
    by_size = sorted(record.examples, key=lambda example: element_count(record, example))
    chosen = [by_size[0], _cut(record, by_size[-1])]
    return chosen[:1] if chosen[0] == chosen[1] else chosen


def measure_entry(record: OpRecord, entry: Entry, example: Example) -> list[Measurement]:
    """Every way to run one example with one combination of dtypes, measured in turn."""
    arguments = make_arguments(record, example, entry)
    calls = [prepare(record, entry, framework, arguments) for framework in _frameworks(record, entry)]
    runners: dict[str, Callable[[], Any]] = {
        f"sgl_kernel.{call.framework.target} ({_short(call.framework)})": call.run for call in calls
    }
    for call in calls:
        for peer in PEERS.get(record.name, ()):
            if peer.framework == call.framework.name:
                runners[f"{_short(call.framework)}: {peer.title}"] = _peer_runner(peer, call, arguments)
    seconds = measure(runners)
    sizes, dtypes = dict(example), " ".join(dtype.name for _, dtype in entry.dtypes)
    moved = bytes_moved(record, entry, example)
    return [Measurement(record.name, dtypes, sizes, name, *seconds[name], moved) for name in runners]


def measure(runners: Mapping[str, Callable[[], Any]]) -> dict[str, tuple[float, float]]:
    """Median and best seconds of a call of each. All have a turn in every round, and so see the same load."""
    counts = {name: _calls_a_round(run) for name, run in runners.items()}
    rounds: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(ROUNDS):
        for name, run in runners.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                run()
            rounds[name].append((time.perf_counter() - start) / counts[name])
    return {name: (median(values), min(values)) for name, values in rounds.items()}


def bytes_moved(record: OpRecord, entry: Entry, example: Example) -> int:
    """Bytes of every tensor, those of updated arguments twice."""
    total = 0
    for item in record.kernel.tensors().values():
        elements = math.prod(shape_of(item, example))
        total += elements * entry.resolve(item.dtype).bytes * (2 if item.role == "mutated" else 1)
    return total


def _cut(record: OpRecord, example: Example) -> Example:
    """The example with its first size halved until the tensors are small enough."""
    first = next(name for name in record.kernel.sizes if name in example)
    shrunk = dict(example)
    while element_count(record, shrunk) > MOST_ELEMENTS and shrunk[first] > 1:
        shrunk[first] = int(shrunk[first]) // 2
    return shrunk


def _frameworks(record: OpRecord, entry: Entry) -> list[Framework]:
    found = [item for item in available() if is_supported(record, entry, item)]
    return [item for item in found if item.target == "cpu" or package_module(item.target).is_available()]


def _calls_a_round(run: Callable[[], Any]) -> int:
    run()
    start = time.perf_counter()
    run()
    return max(1, math.ceil(SECONDS_A_ROUND / (time.perf_counter() - start)))


def _peer_runner(peer: Peer, call: Call, arguments: Mapping[str, Any]) -> Callable[[], Any]:
    """A call of the peer, once it has been seen to compute the same. Raises ValueError where it does not."""
    own = prepare(call.record, call.entry, call.framework, arguments)
    function = peer.build(call.framework.module)

    def run() -> Any:
        given = function(own.arguments)
        call.framework.finish(given)
        return given

    fresh = prepare(call.record, call.entry, call.framework, arguments)
    _require_same(call, fresh.outputs(fresh.run()), run(), peer)
    return run


def _require_same(call: Call, ours: Mapping[str, Any], given: Any, peer: Peer) -> None:
    values = given if isinstance(given, tuple) else (given,)
    for (name, array), other in zip(ours.items(), values, strict=True):
        dtype = call.entry.resolve(call.record.kernel.tensors()[name].dtype)
        left = decode(array, dtype)
        right = decode(call.framework.unwrap(other, dtype), dtype)
        if np.max(np.abs(left - right), initial=0.0) > PEER_TOLERANCE * np.max(np.abs(left), initial=0.0):
            raise ValueError(f"{peer.title} does not compute {call.record.name}: {name} differs")


# ---- report ------------------------------------------------------------------------------------


def _short(framework: Framework) -> str:
    return framework.name.partition(".")[0]


def _render(machine: Machine, groups: Sequence[Sequence[Measurement]], command: str) -> str:
    """The page: the machine, then a row for each runner."""
    lines = [
        "# CPU kernels beside their peers",
        "",
        f"`{command}` on {machine.processor}, {machine.cores} cores, {machine.system},",
        f"Python {machine.python}. Load average at the start: {machine.load}; figures of a busy one scatter.",
        f"A copy of 64 MiB over all cores moves {machine.copy_bandwidth} GB/s at best in the same run.",
        "",
        "Microseconds of a call, median and best. GB/s is by the median, and counts arguments once, results",
        "once and updated arguments twice; `of copy` is its share of the copy's, above 100 % where the data",
        "fits in a cache. `speedup` is the peer's median over that of our module for the same arrays.",
        "Tensors count whole, also where a call touches few of their rows, as with a cache's pools.",
        "",
    ]
    headings = ("op", "dtypes", "sizes", "run by", "us", "best us", "GB/s", "of copy", "speedup")
    rows = [row for group in groups for row in _rows(group, machine)]
    return "\n".join([*lines, render_markdown(headings, rows), ""])


def _rows(group: Sequence[Measurement], machine: Machine) -> Iterator[tuple[str, ...]]:
    for item in group:
        library = item.runner.partition(":")[0]
        ours = next((other for other in group if other.runner.endswith(f"({library})")), None)
        sizes = " ".join(f"{name}={value:g}" for name, value in item.sizes.items())
        yield (
            item.op,
            item.dtypes,
            sizes,
            item.runner,
            f"{item.seconds * 1e6:.1f}",
            f"{item.best * 1e6:.1f}",
            f"{item.bandwidth:.2f}",
            f"{100 * item.bandwidth / machine.copy_bandwidth:.0f} %",
            f"{item.seconds / ours.seconds:.2f}" if ours else "",
        )

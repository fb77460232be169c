"""Every shader that ships, on the Metal emulator beside the interpreter: `build.py emulate --all`.

Each kernel runs with every combination of its dtypes and in every variant: over the spec's examples in all
orders of threads, with denormal floats and without, and over odd sizes in one such way after another. The
exit status is 1 where anything was found, where results are further from the interpreter's than rounding
explains, or where the order of threads changes a bit.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from backends.metal.emulator import EmulatorUnavailable, ShaderError
from backends.metal.emulator.compile import require
from backends.metal.emulator.dispatch import Choice, plan
from backends.metal.emulator.ops import EmulatedOp, How, Run, emulate_spec
from backends.metal.emulator.shader import ORDERS, REDUCTIONS
from benchmarks.agreement import Agreement, Reference, compare, make_reference
from benchmarks.emulator_cases import MOST_ELEMENTS, MOST_ROWS, odd_examples, scaled_examples
from benchmarks.emulator_traffic import COUNTED, EXCEPTIONS, OpTraffic, excess, measure_examples
from benchmarks.inputs import Example, make_arguments
from benchmarks.tables import render_text
from codegen.failures import Failure, describe
from codegen.record import Entry, make_record
from kernel_ir.errors import SpecError, TargetError
from kernel_ir.load import LoadedSpec, load_bytes
from kernel_ir.typecheck.check import check_spec
from kernel_ir.wording import counted

SPECS = Path(__file__).resolve().parent.parent / "specs"
EXIT_FOUND, EXIT_WRONG = 1, 2
CHOICES = tuple(Choice(*each) for each in itertools.product((False, True), repeat=3))
PLANS = (
    *(How(order=order, reduction=reduction) for order in ORDERS for reduction in REDUCTIONS),
    How(order="forward", reduction="pairwise", is_flushing=True),
    How(order="random", reduction="in order", is_flushing=True),
)
FLUSHED = 4 * 2.0**-126  # what denormals that count as zero may change, about
MOST_ACCESSES = 1_000_000  # of a run; larger ones are made in the first and the last of the ways only
SHOWN = 8  # complaints a kernel

HEADINGS = ("kernel", "dtypes", "sizes", "variants", "runs", "threads", "of allowed", "CPU time", "verdict")


@dataclass(slots=True)
class Tally:
    """What became of one kernel with one combination of dtypes."""

    name: str
    dtypes: str
    sizes: int = 0
    runs: int = 0
    last_accesses: int = 0
    threads: int = 0
    worst_share: float = 0.0
    seconds: float = 0.0
    variants: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    traffic: list[tuple[Example, OpTraffic]] = field(default_factory=list)

    def add(self, run: Run) -> None:
        self.last_accesses = run.total("private_accesses")
        self.runs += 1
        self.threads += run.total("threads")
        self.variants |= {step.dispatch.kernel.variant.suffix for step in run.steps}

    def complain(self, example: Example, how: How, text: str) -> None:
        sizes = " ".join(f"{name}={value}" for name, value in example.items())
        self.complaints.append(f"{self.name} {self.dtypes}, {sizes}, {how}: {text}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table, and give the exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        require()
        tasks = _tasks(parsed.kernels)
        tallies = run_all(tasks, parsed.jobs, parsed.stats)
    except (EmulatorUnavailable, Failure, ShaderError, SpecError, TargetError) as error:
        message = (
            f"error: {error}" if isinstance(error, EmulatorUnavailable | ShaderError) else describe(error)[0]
        )
        print(message, file=sys.stderr)
        return EXIT_WRONG
    print(render_text(HEADINGS, [_row(tally) for tally in tallies]))
    if parsed.stats:
        print(_render_traffic(tallies))
    complaints = [text for tally in tallies for text in tally.complaints[:SHOWN]]
    print("".join(f"\n{text}" for text in complaints))
    wrong = sum(bool(tally.complaints) for tally in tallies)
    runs, kernels = sum(tally.runs for tally in tallies), len({tally.name for tally in tallies})
    said = f"{counted(runs, 'run')} of {counted(kernels, 'kernel')}"
    print(f"{said}; {wrong} of {counted(len(tallies), 'row')} not clean")
    print(f"examples of over {MOST_ELEMENTS} elements or {MOST_ROWS} rows were scaled: fewer, shorter rows")
    return EXIT_FOUND if wrong else 0


def _parser() -> argparse.ArgumentParser:
    title = (__doc__ or "").split(": ")[0]
    parser = argparse.ArgumentParser(prog="build.py emulate --all", description=f"{title}.")
    parser.add_argument("--all", action="store_true", help="every kernel that ships, instead of one shader")
    parser.add_argument("kernels", nargs="*", help="only these kernels")
    parser.add_argument(
        "--stats", action="store_true", help="bytes moved beside the least, and what teams wait for"
    )
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    return parser


def _tasks(kernels: Sequence[str]) -> list[tuple[Path, int]]:
    """A spec's path and the position of an entry. Raises Failure for a kernel without a spec."""
    paths = {path.stem: path for path in sorted(SPECS.rglob("*.yaml"))}
    for name in kernels:
        if name not in paths:
            raise Failure(f"no spec is called {name!r}; there are {', '.join(paths)}")
    chosen = [path for name, path in paths.items() if not kernels or name in kernels]
    counts = [len(make_record(loaded, check_spec(loaded)).entries) for loaded in map(_load, chosen)]
    # Entry after entry of all kernels: so that no shader is compiled by two processes at once.
    return [
        (path, n) for n in range(max(counts)) for path, count in zip(chosen, counts, strict=True) if n < count
    ]


def _load(path: Path) -> LoadedSpec:
    return load_bytes(path.read_bytes(), f"specs/{path.relative_to(SPECS).as_posix()}")


def run_all(tasks: Sequence[tuple[Path, int]], jobs: int, is_counted: bool) -> list[Tally]:
    """The tallies by kernel, several processes at work."""
    run = functools.partial(run_one, is_counted=is_counted)
    if jobs <= 1:
        tallies = [_told(run(*task)) for task in tasks]
    else:
        # An interrupt, which processes get too, ends each at once and not after what it was given last.
        end_at_once = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        with ProcessPoolExecutor(jobs, initializer=end_at_once) as pool:
            tallies = [_told(tally) for tally in pool.map(run, *zip(*tasks, strict=True))]
    return [tally for _, tally in sorted(zip(tasks, tallies, strict=True), key=lambda pair: pair[0])]


def _told(tally: Tally) -> Tally:
    """Says on the way what is done, for whoever waits."""
    print(f"{tally.name} {tally.dtypes}: {tally.runs} runs", file=sys.stderr)
    return tally


def run_one(path: Path, position: int, is_counted: bool = False) -> Tally:
    """One kernel with one combination of dtypes, over all sizes; the last combination is counted."""
    op = emulate_spec(_load(path))
    entry = op.record.entries[position]
    tally = Tally(op.record.name, " ".join(dtype.name for _, dtype in entry.dtypes) or "-")
    start = time.process_time()
    for example in scaled_examples(op.record):
        _run_sizes(op, entry, example, PLANS, tally)
    for number, example in enumerate(odd_examples(op.record)):
        _run_sizes(op, entry, example, [PLANS[number % len(PLANS)]], tally)
    if is_counted and position == len(op.record.entries) - 1:
        _count(op, tally)
    tally.seconds = time.process_time() - start
    return tally


def _count(op: EmulatedOp, tally: Tally) -> None:
    tally.traffic = list(measure_examples(op))
    for example, traffic in tally.traffic if op.record.name in EXCEPTIONS else ():
        for item in excess(op.record.name, traffic):
            moved = f"{item.name}: {item.read} bytes read, {item.written} written"
            text = f"{moved}; the least is {item.least_read} and {item.least_written}"
            tally.complain(example, COUNTED, text)


def _run_sizes(op: EmulatedOp, entry: Entry, example: Example, plans: Sequence[How], tally: Tally) -> None:
    """Every variant in the given ways, beside the interpreter and beside one another."""
    arguments = make_arguments(op.record, example, entry, seed=tally.sizes)
    exact = make_reference(op.record, entry, arguments)
    flushed = Reference(exact.outputs, {name: bound + FLUSHED for name, bound in exact.bounds.items()})
    tally.sizes += 1
    for choice in _distinct_choices(op, entry, example):
        bits: dict[tuple[str, bool], dict[str, bytes]] = {}
        for way in plans:
            if tally.last_accesses > MOST_ACCESSES and way not in (PLANS[0], PLANS[-1], *plans[:1]):
                continue
            how = replace(way, choice=choice, seed=tally.runs)
            run = op.run(arguments, entry, how)
            tally.add(run)
            agreement = compare(op.record, entry, run.outputs, flushed if how.is_flushing else exact)
            tally.worst_share = max(tally.worst_share, agreement.worst_share)
            made = {name: array.tobytes() for name, array in run.outputs.items()}
            same = bits.setdefault((how.reduction, how.is_flushing), made)
            for text in _complaints(op, run, agreement, made == same):
                tally.complain(example, how, text)


def _complaints(op: EmulatedOp, run: Run, agreement: Agreement, is_same: bool) -> Iterator[str]:
    yield from map(str, run.findings)
    if not agreement.is_allowed:
        yield f"off by {agreement.worst_share:.3g} times what is allowed"
    if not is_same:
        yield "another order of threads gives other bits"
    least = sum(
        run.outputs[item.name].nbytes for item in op.kernel.results if item.name not in op.zero_filled
    )
    if run.total("device_bytes_written") < least:
        yield f"{run.total('device_bytes_written')} bytes were seen to be written, not {least}"


def _distinct_choices(op: EmulatedOp, entry: Entry, example: Example) -> Iterator[Choice]:
    """One choice for each set of instantiations that the sizes can be run with."""
    seen: set[tuple[str, ...]] = set()
    for choice in CHOICES:
        kernels = tuple(plan(record, entry.suffix, example, choice).kernel.name for record in op.launches)
        if kernels not in seen:
            seen.add(kernels)
            yield choice


def _row(tally: Tally) -> tuple[str, ...]:
    return (
        tally.name,
        tally.dtypes,
        str(tally.sizes),
        str(len(tally.variants)),
        str(tally.runs),
        str(tally.threads),
        f"{tally.worst_share:.2f}",
        f"{tally.seconds:.1f} s",
        f"{len(tally.complaints)} complaints" if tally.complaints else "clean",
    )


TRAFFIC_HEADINGS = (
    "kernel", "sizes", "bytes read", "of least", "written", "of least", "barriers", "simd ops",
    "shared bytes", "moved more often",
)  # fmt: skip


def _render_traffic(tallies: Sequence[Tally]) -> str:
    rows = [_traffic_row(tally, *each) for tally in tallies for each in tally.traffic]
    reasons = sorted(
        {(tally.name, *each) for tally in tallies for each in EXCEPTIONS.get(tally.name, {}).items()}
    )
    lines = [f"{kernel}, {tensor}: {reason}" for kernel, tensor, reason in reasons]
    return "\n".join(["", render_text(TRAFFIC_HEADINGS, rows), "", *lines, ""])


def _traffic_row(tally: Tally, example: Example, traffic: OpTraffic) -> tuple[str, ...]:
    total = traffic.total
    more = [
        f"{item.name} {item.times_read:.3g}x" if item.read > item.least_read else f"{item.name} written"
        for item in traffic.tensors
        if not item.is_least
    ]
    return (
        tally.name,
        " ".join(f"{name}={value}" for name, value in example.items()),
        str(total.read),
        f"{total.times_read:.2f}",
        str(total.written),
        f"{total.times_written:.2f}",
        f"{traffic.barriers:g}",
        f"{traffic.simd_operations:g}",
        str(traffic.threadgroup_bytes),
        ", ".join(more) or "-",
    )


if __name__ == "__main__":
    sys.exit(main())

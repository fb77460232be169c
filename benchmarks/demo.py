"""Every op of the built package against the interpreter: `make demo`, or `python -m benchmarks.demo`.

Arguments are drawn as each spec's examples say; numpy (and torch) arrays go through `sgl_kernel.cpu`, MLX
arrays through `sgl_kernel.metal`. The exit status is 1 where a result is further from the interpreter's than
the rounding of f32 arithmetic explains.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.agreement import Agreement, compare, make_reference
from benchmarks.calls import BUILD_HINT, Call, is_supported, package_module, prepare, read_records
from benchmarks.frameworks import Framework, available
from benchmarks.inputs import Example, element_count, make_arguments
from benchmarks.tables import render_text
from codegen.artifacts import read_specs, stale_specs
from codegen.failures import Failure, describe
from codegen.record import Entry, OpRecord
from kernel_ir.errors import SpecError
from kernel_ir.wording import suggest

SPECS = Path(__file__).resolve().parent.parent / "specs"
GENERATED = SPECS.parent / "generated"

# The interpreter takes about a microsecond an element; the largest example up to here is shown.
MOST_ELEMENTS = 50_000
REPEATS = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """One op, one combination of dtypes, one framework; `seconds` is the median of a few calls."""

    record: OpRecord
    entry: Entry
    framework: Framework
    example: Example
    agreement: Agreement
    seconds: float


HEADINGS = ("op", "dtypes", "sizes", "arrays", "module", "worst ulp", "of allowed", "time", "verdict")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table, and give the exit status."""
    parser = argparse.ArgumentParser(prog="build.py demo", description=(__doc__ or "").split(": ")[0] + ".")
    parser.add_argument("ops", nargs="*", help="kernels to show; default: all")
    try:
        records = choose_records(parser.parse_args(arguments).ops)
        outcomes = [outcome for record in records for outcome in show(record)]
    except (Failure, SpecError) as error:
        print(describe(error)[0], file=sys.stderr)
        return 1
    print(render_text(HEADINGS, [_row(item) for item in outcomes]))
    wrong = sum(not item.agreement.is_allowed for item in outcomes)
    print(
        f"\n{len(outcomes)} runs of {len(records)} ops; {wrong} differ by more than f32 arithmetic explains"
    )
    return 1 if wrong or not outcomes else 0


def choose_records(ops: Sequence[str]) -> list[OpRecord]:
    """The records of the kernels so named, or of all.

    Raises Failure for a name without a spec, or a spec that changed since generated/ was written.
    """
    records = {item.name: item for item in read_records(SPECS)}
    for name in ops:
        if name not in records:
            raise Failure(f"no spec is called {name!r}; {_meant(name, records)}")
    chosen = [item for name, item in records.items() if not ops or name in ops]
    paths = {item.spec_path for item in chosen}
    stale = [path for path in stale_specs(GENERATED, read_specs(SPECS)) if f"specs/{path}" in paths]
    if stale:
        raise Failure(f"specs/{stale[0]} is not what generated/ was made from; {BUILD_HINT}")
    return chosen


def _meant(name: str, records: Mapping[str, OpRecord]) -> str:
    """The kernel that an export, a folder and a name, or a misspelt name stands for."""
    owners = {export.name: item.name for item in records.values() for export in item.exports}
    own = owners.get(name) or name.rpartition("/")[2]
    return suggest(name, records, "specs/*/*.yaml are the kernels") if own not in records else f"try {own!r}"


def show(record: OpRecord) -> Iterator[Outcome]:
    """Every combination of dtypes in every framework that has them, on one example of the spec."""
    example = choose_example(record)
    for position, entry in enumerate(record.entries):
        arguments = make_arguments(record, example, entry, seed=position)
        reference = make_reference(record, entry, arguments)
        for framework in available():
            if not is_supported(record, entry, framework) or not _is_built(framework):
                continue
            call = prepare(record, entry, framework, arguments)
            agreement = compare(record, entry, call.outputs(call.run()), reference)
            seconds = median(_time(call) for _ in range(REPEATS))
            yield Outcome(record, entry, framework, example, agreement, seconds)


def choose_example(record: OpRecord) -> Example:
    """The largest example that the interpreter runs at once; else the smallest."""
    by_size = sorted(record.examples, key=lambda example: element_count(record, example))
    small = [example for example in by_size if element_count(record, example) <= MOST_ELEMENTS]
    return small[-1] if small else by_size[0]


def _is_built(framework: Framework) -> bool:
    """Whether the package has the framework's module; `cpu` has to be there."""
    return framework.target == "cpu" or package_module(framework.target).is_available()


def _time(call: Call) -> float:
    start = time.perf_counter()
    call.run()
    return time.perf_counter() - start


def _row(item: Outcome) -> tuple[str, ...]:
    dtypes = " ".join(dtype.name for _, dtype in item.entry.dtypes) or "-"
    sizes = "x".join(str(item.example[name]) for name in item.record.kernel.sizes if name in item.example)
    return (
        item.record.name,
        dtypes,
        sizes,
        item.framework.name.partition(".")[0],
        item.framework.target,
        f"{item.agreement.worst_ulp:.3g}",
        f"{item.agreement.worst_share:.2f}",
        f"{item.seconds * 1e6:.0f} us",
        "ok" if item.agreement.is_allowed else "WRONG",
    )


if __name__ == "__main__":
    sys.exit(main())

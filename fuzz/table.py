"""`python -m fuzz.table FILE...`: one page of the runs that `build.py fuzz --record` kept in these files.

The runs may be blocks of one, on several machines. A program counts once on each executor; runs that had the
same programs on the same executor are refused.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from benchmarks.tables import render_markdown
from codegen.failures import Failure
from codegen.output import run_for_reader
from fuzz.coverage import LEAST, least_seen
from fuzz.finding import reasons
from fuzz.record import Record, read_record
from fuzz.summary import LEAST_SEEN, many, share_of


def page(records: Sequence[Record]) -> str:
    """The page as Markdown. Raises Failure where programs would count twice."""
    for one, other in combinations(records, 2):
        both = set(one.executors) & set(other.executors)
        if both and (shared := _seeds([one]) & _seeds([other])):
            who = ", ".join(sorted(both))
            raise Failure(f"two of the runs had program {min(shared)} on {who}; give each program once")
    ordered = sorted(records, key=lambda item: item.asked)
    parts = [_start(ordered), _runs(ordered), _machines(ordered), _executors(ordered), _refused(ordered)]
    parts += [_relations(ordered), _findings(ordered), _coverage(ordered)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _seeds(records: Sequence[Record]) -> set[int]:
    return {seed for item in records for first, last in item.programs for seed in range(first, last + 1)}


def _start(records: Sequence[Record]) -> str:
    found = sum(len(item.findings) for item in records)
    refused = {row["seed"] for item in records for row in item.refusals}
    calls = sum(sum(item.calls.values()) for item in records)
    unfinished = [item for item in records if item.state != "complete"]
    unstable = share_of(sum(item.unstable for item in records), sum(item.elements for item in records))
    said = [
        f"{many(len(_seeds(records)), 'program')} in {many(len(records), 'run')}: "
        f"{many(calls, 'call')} of all executors, {many(found, 'finding') if found else 'no finding'}.",
        f"{many(len(refused), 'program')} refused by the checker or by a target; "
        f"{unstable} of outputs too ill-conditioned to be compared.",
        "docs/verification.md says what each executor checks.",
    ]
    for item in unfinished:
        said.append(f"The run from program {item.asked[0]} on did not come to its end ({item.state}).")
    return "# Random programs\n\n" + "\n".join(said)


def _runs(records: Sequence[Record]) -> str:
    """Each run's command, where it ran, and how long it took."""
    machines = _numbered(records)
    rows = [
        (
            f"`{item.command}`",
            str(machines[_machine(item)]),
            f"{len(_seeds([item])):,}",
            f"{item.seconds:,.0f}",
            f"{sum(item.core_seconds.values()):,.0f}",
            f"`{item.sources}`",
        )
        for item in records
    ]
    headings = ("command", "machine", "programs", "seconds", "seconds of cores", "sources")
    same = "" if len({item.sources for item in records}) == 1 else "\n\nThe runs had different sources."
    explained = "\n\nSources are a hash of the compiler and the fuzzer (`fuzz/record.py`)."
    return f"## Runs\n\n{render_markdown(headings, rows)}{explained}{same}"


def _machine(record: Record) -> str:
    """What a run was on, in one line."""
    machine = record.machine
    parts = [f"{machine['processor']}, {many(machine['cores'], 'core')}", machine["gpu"]]
    parts.append(f"Python {machine['python']}")
    parts += [f"{name} by {version}" for name, version in machine["compilers"].items()]
    return "; ".join(part for part in parts if part) + f"; {many(record.jobs, 'worker')}"


def _numbered(records: Sequence[Record]) -> dict[str, int]:
    return {name: n for n, name in enumerate(dict.fromkeys(map(_machine, records)), 1)}


def _machines(records: Sequence[Record]) -> str:
    return "\n".join(f"{number}. {name}" for name, number in _numbered(records).items())


def _executors(records: Sequence[Record]) -> str:
    ran, calls = _summed(item.ran for item in records), _summed(item.calls for item in records)
    refused = Counter(row["target"] for item in records for row in item.refusals)
    names = dict.fromkeys(("check", *(name for item in records for name in item.executors)))
    drawn = {
        name: len(_seeds([item for item in records if name == "check" or name in item.executors]))
        for name in names
    }
    rows = [
        (
            name,
            f"{drawn[name]:,}",
            f"{ran[name]:,}" if name != "check" else "",
            f"{calls[name]:,}" if name != "check" else "",
            f"{refused[name]:,} ({refused[name] / max(1, drawn[name]):.2%})",
        )
        for name in names
    ]
    headings = ("executor", "programs drawn", "ran", "calls", "refused")
    return f"## Executors\n\n{render_markdown(headings, rows)}{_only_compiled(records)}"


def _only_compiled(records: Sequence[Record]) -> str:
    """A program that is compiled for CUDA and has no call there has not run."""
    silent = [item for item in records if item.ran.get("cuda") and not item.calls.get("cuda")]
    return "\n\nThere was no NVIDIA GPU: programs were compiled for CUDA, and not run." if silent else ""


def _refused(records: Sequence[Record]) -> str:
    by_target: dict[str, list[str]] = {}
    for row in (row for item in records for row in item.refusals):
        by_target.setdefault(row["target"], []).append(row["construct"])
    rows = [
        (target, f"{count:,}", _cell(why))
        for target, constructs in by_target.items()
        for why, count in reasons(constructs)
    ]
    return f"## Refused\n\n{render_markdown(('by', 'programs', 'why'), rows)}" if rows else ""


def _relations(records: Sequence[Record]) -> str:
    total = _summed(item.relations for item in records)
    rows = [(name, f"{count:,}") for name, count in sorted(total.items())]
    return f"## Relations\n\n{render_markdown(('relation', 'times asked'), rows)}" if rows else ""


def _findings(records: Sequence[Record]) -> str:
    kinds: dict[tuple[str, str], list[int]] = {}
    for row in (row for item in records for row in item.findings):
        kinds.setdefault((row["executor"], row["kind"]), []).append(row["seed"])
    rows = [
        (executor, kind, str(len(seeds)), ", ".join(map(str, sorted(set(seeds)))))
        for (executor, kind), seeds in kinds.items()
    ]
    notes = "".join(f"\n- {_cell(note)}" for item in records for note in item.notes)
    died = f"\n\nWorkers that ended early:\n{notes}" if notes else ""
    table = render_markdown(("executor", "kind", "findings", "programs"), rows) if rows else "None."
    return f"## Findings\n\n{table}{died}"


def _coverage(records: Sequence[Record]) -> str:
    """The pairs that the fewest programs had, over all runs."""
    pairs = _summed(item.coverage for item in records)
    if not pairs:
        return ""
    by_executor: dict[str, list[int]] = {}
    for pair, count in pairs.items():
        by_executor.setdefault(pair.partition(" / ")[2].split()[0], []).append(count)
    rows = [
        (name, f"{len(own):,}", f"{sum(count >= LEAST for count in own):,}", f"{min(own):,}")
        for name, own in by_executor.items()
    ]
    headings = ("executor", "pairs", f"in {LEAST} programs or more", "least")
    seen = [(f"`{pair}`", f"{count:,}") for pair, count in least_seen(pairs, LEAST_SEEN)]
    return (
        "## Coverage\n\nPairs of a construct and a way of running it, which random programs must have.\n\n"
        f"{render_markdown(headings, rows)}\n\nThose that the fewest programs had:\n\n"
        f"{render_markdown(('pair', 'programs'), seen)}"
    )


def _summed(counts: Iterator[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for item in counts:
        for name, count in item.items():  # `update` keeps what is 0 too
            total[name] += count
    return total


def _cell(text: str) -> str:
    """What may stand in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: Sequence[str]) -> int:
    """Print the page; the exit status."""
    if not arguments or any(name.startswith("-") for name in arguments):
        print("usage: python -m fuzz.table FILE...", file=sys.stderr)
        return 0 if arguments and arguments[0] in ("-h", "--help") else 1
    try:
        print(page([read_record(Path(name)) for name in arguments]), end="")
    except (Failure, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_for_reader(lambda: main(sys.argv[1:])))

"""Trust in the fuzzer: the standard run finds each planted fault.

`python -m fuzz.faults [NAME...]` plants each fault (or those named) in a copy of the tree and runs the
programs of the standard run until one shows it: in their order, but first the one that is recorded to have
shown it. Programs that the fault cannot concern are passed over: those of which the compiler makes what it
made without the fault, or whose text does not use what a header's fault is in.
"""

from __future__ import annotations

import argparse
import compileall
import functools
import hashlib
import json
import re
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from codegen.failures import Failure
from fuzz.batch import takes
from fuzz.command import EXIT_INTERRUPTED, whole_number
from fuzz.coverage import STANDARD_RUN
from fuzz.finding import Finding
from fuzz.found_faults import Found, digest_of_calls, is_stale, keep, load_found, save
from fuzz.plant import PACKAGES, ROOT, Fault, planted, run_in, start, stop
from fuzz.planted_faults import FAULTS
from fuzz.program import make_program
from fuzz.run_cpu import require_cpu
from fuzz.run_metal import require_metal
from fuzz.texts import load

FORMS = ROOT / "build" / "fuzz" / "forms"
PROGRAMS_A_FILE = 25
GENERATOR = (
    "expressions",
    "further",
    "in_rows",
    "indices",
    "patterns",
    "program",
    "rare",
    "scope",
    "signature",
    "statements",
    "streams",
    "texts",
)
MOST_FILES = 16  # that are compared at once
FEWEST_A_RUN, MOST_A_RUN = 4, 20  # programs that are run at once; the first few mostly show a fault


def find(fault: Fault, most: int = STANDARD_RUN, known: Sequence[int] = ()) -> tuple[Finding | None, int]:
    """What shows a fault among the first `most` programs, and how many were run for it.

    `known`: seeds to try ahead of all others.
    """
    run = 0
    with planted(fault) as root:
        for seeds in _in_turn([seed for seed in known if seed <= most], _concerned(fault, root, most)):
            executors = _executors(fault, is_first=run == 0 and len(seeds) == FEWEST_A_RUN)
            finding = run_in(root, executors, [make_program(seed) for seed in seeds])
            if finding is not None and run_in(ROOT, executors, [make_program(finding.seed)]) is None:
                return finding, run + seeds.index(finding.seed) + 1
            run += len(seeds)
    return None, run


def _in_turn(known: list[int], concerned: Iterator[int]) -> Iterator[list[int]]:
    """What is run at once: few programs to begin with, then more."""
    if known:
        yield known
    run = 0
    while seeds := list(islice(concerned, max(FEWEST_A_RUN, min(run, MOST_A_RUN)))):
        yield seeds
        run += len(seeds)


def _executors(fault: Fault, is_first: bool) -> str:
    """Those that are run: what a pass has spoilt may show in greater sizes only."""
    return "passes,cpu" if fault.shown_by == "passes" and not is_first else fault.shown_by


def _concerned(fault: Fault, root: Path, most: int) -> Iterator[int]:
    """The seeds of the programs that a fault may change."""
    batches, size = list(range(1, most + 1, PROGRAMS_A_FILE)), 1
    while batches:
        paths = [kept_forms(first) for first in batches[:size]]
        found = (seed for seed in _among(fault, root, paths) if seed <= most)
        yield from (seed for seed in found if takes(fault.shown_by, seed))
        batches, size = batches[size:], min(2 * size, MOST_FILES)


def _among(fault: Fault, root: Path, paths: Sequence[Path]) -> list[int]:
    """Those of the programs in files that a fault may change; all of them where the compiler dies."""
    if fault.used:
        texts = [item for path in paths for item in _texts(path, fault.shown_by).items()]
        return [seed for seed, text in texts if re.search(fault.used, text)]
    done = start(root, "fuzz.texts", "differ", fault.shown_by, *map(str, paths))
    if done.returncode != 0:
        return [seed for path in paths for seed in _texts(path, fault.shown_by)]
    found: list[int] = json.loads(done.stdout)
    return found


@functools.cache
def _texts(path: Path, executor: str) -> dict[int, str]:
    return {seed: form.texts[executor] for seed, form in load(path).items()}


@functools.cache
def _compiler() -> str:
    """A hash of what programs and their texts depend on."""
    folders = [ROOT / package for package in PACKAGES if package != "fuzz"]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".j2")]
    files += [ROOT / "fuzz" / f"{name}.py" for name in GENERATOR]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


_making: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


def kept_forms(first: int) -> Path:
    """The file of the programs from `first` on, made by the compiler without a fault."""
    path = FORMS / f"{_compiler()}_{first}"
    with _making[path]:
        if not path.exists():
            FORMS.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=FORMS) as folder:
                made = Path(folder) / path.name
                done = start(ROOT, "fuzz.texts", "make", str(first), str(first + PROGRAMS_A_FILE), str(made))
                if done.returncode != 0:
                    raise RuntimeError(done.stderr)
                made.replace(path)
    return path


# ---- the command ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Search:
    """What came of the search for one fault."""

    fault: Fault
    finding: Finding | None
    run: int
    seconds: float

    def __str__(self) -> str:
        if self.finding is None:
            return f"{self.fault.name}: NOT FOUND; {self.run} programs were concerned"
        said = f"{self.finding.kind} of {self.finding.executor}"
        return f"{self.fault.name}: program {self.finding.seed}, {said}; {self.run} run, {self.seconds:.0f} s"


def _search(fault: Fault, most: int) -> Search:
    began = time.monotonic()
    row = load_found().get(fault.name)
    finding, run = find(fault, most, () if row is None else (row.seed,))
    return Search(fault, finding, run, time.monotonic() - began)


def search_all(
    faults: Sequence[Fault], most: int, jobs: int, report: Callable[[Search], None]
) -> list[Search]:
    """Look for each fault, some at a time; `report` hears of each as it ends."""
    made = []
    for package in PACKAGES:  # once, and not in every copy
        compileall.compile_dir(ROOT / package, quiet=2)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for search in as_completed([pool.submit(_search, fault, most) for fault in faults]):
                report(search.result())
                made.append(search.result())
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return made


def main(arguments: Sequence[str]) -> int:
    """Plant and look for each fault; 1 where one is not found, or where nothing can be looked for."""
    try:
        return _look(arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Failure as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _look(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="fuzz.faults", description="Look for each planted fault.")
    parser.add_argument("names", nargs="*", help="parts of names (default: every fault)")
    parser.add_argument("--programs", default=str(STANDARD_RUN), help="how many to draw at most")
    parser.add_argument("--jobs", default="2", help="how many faults at a time")
    parser.add_argument("--new", action="store_true", help="only those of which no program is kept")
    parser.add_argument(
        "--stale", action="store_true", help="only those whose program or calls the standard run has no more"
    )
    parser.add_argument("--record", action="store_true", help="keep the programs that show them")
    parsed = parser.parse_args(arguments)
    most = whole_number("--programs", parsed.programs, 1)
    jobs = whole_number("--jobs", parsed.jobs, 1)
    if strange := [name for name in parsed.names if not any(name in item.name for item in FAULTS)]:
        raise Failure(f"no fault is called {' or '.join(strange)}; fuzz/planted_faults/ names them")
    faults = [item for item in FAULTS if not parsed.names or any(name in item.name for name in parsed.names)]
    require_cpu()
    require_metal()
    found = load_found()
    if parsed.new or parsed.stale:
        faults = [
            item
            for item in faults
            if (parsed.new and item.name not in found)
            or (parsed.stale and item.name in found and is_stale(found[item.name]))
        ]
        # First those that the fewest programs showed, so that a search that is stopped has found the most.
        faults.sort(key=lambda item: found[item.name].run if item.name in found else 0)

    def report(search: Search) -> None:
        print(search, flush=True)
        if parsed.record:
            _record(search)

    with planted() as root:
        if (finding := run_in(root, "passes,cpu,metal", [make_program(1)])) is not None:
            raise Failure(f"without a fault there is {finding}")
    made = search_all(faults, most, jobs, report)
    missed = [item.fault.name for item in made if item.finding is None]
    print(
        f"{len(made) - len(missed)} of {len(made)} faults were found"
        + "".join(f"\nmissed: {name}" for name in missed)
    )
    return 1 if missed else 0


def _record(search: Search) -> None:
    """Keep what came of a search beside what is known of other faults; one that goes unseen has no row."""
    names, name = {fault.name for fault in FAULTS}, search.fault.name
    found = {other: row for other, row in load_found().items() if other in names - {name}}
    if (finding := search.finding) is not None:
        program = make_program(finding.seed)
        calls = digest_of_calls(program)
        found[name] = Found(finding.seed, search.run, finding.executor, finding.kind, keep(program), calls)
    save(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`build.py fuzz`: run random programs on every executor and say what was found."""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from backends.machine import core_count
from codegen.failures import Failure
from fuzz.coverage import COVERAGE, LEAST, STANDARD_RUN, covered
from fuzz.finding import SMALL_TEAMS, Finding
from fuzz.record import Recorder
from fuzz.run import Interrupted, Outcome, run_programs
from fuzz.shrink import shrink_all
from fuzz.summary import counts, has_failed, summary

TARGETS = ("cpu", "metal", "cuda")
MODES = ("both", "float", "exact")
MOST_SHRUNK = 3  # findings of one run
SECONDS_BETWEEN_LINES = 10.0

EXIT_FOUND = 1
EXIT_INTERRUPTED = 130


def fuzz(parsed: argparse.Namespace) -> int:
    """Run programs; 1 where something was found."""
    seed, programs, jobs = _numbers(parsed)
    targets = _targets(parsed.targets)
    wanted = executors_of(targets, _mode(parsed.mode), parsed.no_passes)
    if parsed.record and Path(parsed.record).is_dir():
        raise Failure(f"--record {parsed.record}: expected the name of a file to write, and this is a folder")
    print(f"programs {seed} to {seed + programs - 1} on {', '.join(targets)}", flush=True)
    if parsed.coverage_only:
        wanted = (COVERAGE, *covered(wanted))
    command = _command(parsed, seed)
    progress = _Progress(Recorder(Path(parsed.record), command, wanted, jobs) if parsed.record else None)
    try:
        outcome = run_programs(seed, programs, wanted, jobs, progress)
    except Interrupted as stopped:
        progress.finish(stopped.outcome, "interrupted")
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    progress.finish(outcome, "complete")
    if not parsed.no_shrink:
        _shrink_findings(outcome, jobs)
    if has_failed(outcome):
        return EXIT_FOUND
    print(_passed(outcome))
    return 0


def _numbers(parsed: argparse.Namespace) -> tuple[int, int, int]:
    """The first seed, a fresh one where none is given, how many programs, and how many workers."""
    fresh = random.SystemRandom().randrange(10**9)
    seed = fresh if parsed.seed is None else whole_number("--seed", parsed.seed, 0)
    programs = whole_number("--programs", parsed.programs, 1)
    jobs = whole_number("--jobs", parsed.jobs, 0, "; 0 is one a core")
    return seed, programs, jobs or core_count()


def whole_number(name: str, given: str, least: int, more: str = "") -> int:
    """An option's value. Raises Failure that says what was expected and what came."""
    if not re.fullmatch(r"[0-9]{1,18}", given) or int(given) < least:
        most = " of at most 18 digits" if re.fullmatch(r"[0-9]{19,}", given) else ""
        raise Failure(f"{name} {given}: expected a whole number from {least} on{most}{more}")
    return int(given)


def _mode(given: str) -> str:
    if given not in MODES:
        raise Failure(f"unknown mode {given!r}; expected one of {', '.join(MODES)}")
    return given


def _command(parsed: argparse.Namespace, seed: int) -> str:
    """The command that makes the same run, with the options that decide what is run."""
    words = [f"--seed {seed} --programs {parsed.programs} --targets {parsed.targets}"]
    words += [f"--mode {parsed.mode}"] if parsed.mode != "both" else []
    words += ["--no-passes"] if parsed.no_passes else []
    words += ["--coverage-only"] if parsed.coverage_only else []
    return f"build.py fuzz {' '.join(words)}"


def _passed(outcome: Outcome) -> str:
    """What a run without findings has shown; the standard run, that its programs reached everything too."""
    reached = f", and each pair of construct and way was in {LEAST} programs or more"
    return f"passed: no finding{reached if len(outcome.drawn) >= STANDARD_RUN else ''}"


def executors_of(targets: Sequence[str], mode: str, no_passes: bool) -> tuple[str, ...]:
    """What programs run on: the targets, the targets in the exact mode, and the steps of the compiler.

    Raises Failure where that is nothing.
    """
    from fuzz.batch import EXACT

    exact = tuple(name for name in (f"exact-{target}" for target in targets) if name in EXACT)
    wanted = (*targets, SMALL_TEAMS) if "metal" in targets else tuple(targets)
    plain = () if mode == "exact" else wanted if no_passes else ("passes", *wanted)
    chosen = plain if mode == "float" else (*plain, *exact)
    if not chosen:
        known = ", ".join(name.removeprefix("exact-") for name in EXACT)
        raise Failure(f"nothing would run: the exact mode is for {known}")
    return chosen


def _targets(written: str) -> tuple[str, ...]:
    """The targets, each of which this machine can run or compile for."""
    targets = tuple(dict.fromkeys(written.split(",")))
    for name in targets:
        if name not in TARGETS:
            raise Failure(f"unknown target {name!r}; expected some of {', '.join(TARGETS)}")
    from fuzz.batch import TARGETS as KNOWN

    for name in targets:
        KNOWN[name].require()
    return targets


def _shrink_findings(outcome: Outcome, jobs: int) -> None:
    """Shrink the first finding of each kind, and keep it among the regressions."""
    made = (item for item in reversed(outcome.findings) if item.executor != "generate")
    first = {(item.executor, item.kind): item for item in made}
    chosen = list(first.values())[-MOST_SHRUNK:]
    for finding in chosen:
        print(f"shrinking: {finding}", flush=True)
    shrink_all(chosen, jobs, _say_kept)


def _say_kept(finding: Finding, path: Path) -> None:
    wrote = f"wrote {os.path.relpath(path)} of program {finding.seed}"
    print(f"{wrote}; `build.py test tests/test_fuzz.py` runs it from now on", flush=True)


class _Progress:
    """Prints what was found as it comes and a line now and then, and keeps the record."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self.recorder = recorder
        self.shown = self.noted = 0
        self.line = ""
        self.told = monotonic()

    def __call__(self, outcome: Outcome) -> None:
        self._print_news(outcome)
        if monotonic() - self.told < SECONDS_BETWEEN_LINES:
            return
        self.told, self.line = monotonic(), counts(outcome)
        print(self.line, flush=True)
        self._record(outcome, "under way")

    def finish(self, outcome: Outcome, state: str) -> None:
        """Print the summary, whose first line may stand there, and what was not told yet."""
        self._record(outcome, state)
        self._print_news(outcome)
        lines = summary(outcome).split("\n")
        print("".join(f"{line}\n" for line in lines if line != self.line), end="", flush=True)

    def _print_news(self, outcome: Outcome) -> None:
        for finding in outcome.findings[self.shown :]:
            print(finding, flush=True)
        for note in outcome.notes[self.noted :]:
            print(note, flush=True)
        self.shown, self.noted = len(outcome.findings), len(outcome.notes)

    def _record(self, outcome: Outcome, state: str) -> None:
        if self.recorder is not None:
            self.recorder.write(outcome, state)

"""`build.py fuzz`: run random programs on every executor and say what was found."""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from codegen.failures import Failure
from fuzz.coverage import COVERAGE, LEAST, STANDARD_RUN, WAYS
from fuzz.finding import Finding, Refusal
from fuzz.run import Interrupted, Outcome, run_programs
from fuzz.shrink import shrink_all
from kernel_ir.wording import counted

TARGETS = ("cpu", "metal", "cuda")
MOST_SHRUNK = 3  # findings of one run
MOST_REFUSED = 0.02  # of the programs, on any target

EXIT_FOUND = 1
EXIT_INTERRUPTED = 130


def fuzz(parsed: argparse.Namespace) -> int:
    """Run programs; 1 where something was found."""
    targets = _targets(parsed.targets)
    if parsed.programs < 1 or (parsed.seed is not None and parsed.seed < 0):
        raise Failure("--programs is at least 1, and --seed at least 0")
    if parsed.jobs < 0:
        raise Failure("--jobs is at least 1, or 0 for one a core")
    wanted = executors_of(targets, parsed.mode, parsed.no_passes)
    seed = random.SystemRandom().randrange(10**9) if parsed.seed is None else parsed.seed
    print(f"programs {seed} to {seed + parsed.programs - 1} on {', '.join(targets)}", flush=True)
    if parsed.coverage_only:
        wanted = (COVERAGE, *(name for name in wanted if name in WAYS))
    progress = _Progress()
    jobs = parsed.jobs or os.cpu_count() or 1
    try:
        outcome = run_programs(seed, parsed.programs, wanted, jobs, progress)
    except Interrupted as stopped:
        progress.finish(stopped.outcome)
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    progress.finish(outcome)
    if not parsed.no_shrink:
        _shrink_findings(outcome, jobs)
    if has_failed(outcome):
        return EXIT_FOUND
    print(_passed(outcome))
    return 0


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
    plain = () if mode == "exact" else tuple(targets) if no_passes else ("passes", *targets)
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
    """Prints each finding as it comes, and a line now and then."""

    def __init__(self) -> None:
        self.shown = 0
        self.line = ""

    def __call__(self, outcome: Outcome) -> None:
        for finding in outcome.findings[self.shown :]:
            print(finding, flush=True)
        self.shown = len(outcome.findings)
        self.line = _counts(outcome)
        print(self.line, flush=True)

    def finish(self, outcome: Outcome) -> None:
        """Print the summary, whose first line may stand there."""
        lines = summary(outcome).split("\n")
        print("".join(f"{line}\n" for line in lines if line != self.line), end="", flush=True)


def _counts(outcome: Outcome) -> str:
    counts = {"program": outcome.programs, "call": outcome.calls, "finding": len(outcome.findings)}
    return ", ".join(counted(number, noun) for noun, number in counts.items())


def summary(outcome: Outcome) -> str:
    """What a run did and found."""
    lines = [_counts(outcome), *_times(outcome)]
    if is_only_compiled(outcome.targets):
        lines.append("there is no NVIDIA GPU: programs were compiled for CUDA, and none of them ran there")
    if outcome.exact:
        lines.append(f"{counted(outcome.exact, 'program')} of them ran in the exact mode too")
    if outcome.unstable:
        lines.append(f"too ill-conditioned to be compared: {counted(outcome.unstable, 'element')}")
    if outcome.relations:
        counts = (f"{name} {count}" for name, count in sorted(outcome.relations.items()))
        lines.append(f"relations: {', '.join(counts)}")
    for target, found in _by_target(outcome.refusals).items():
        lines.append(f"{target} refused {counted(len(found), 'program')}:")
        for construct, count in Counter(item.construct for item in found).most_common(10):
            lines.append(f"  {counted(count, 'time')} {construct}")
    missing = outcome.coverage.missing(_covered(outcome.targets))
    if missing and len(outcome.drawn) >= STANDARD_RUN:
        lines.append(f"{len(missing)} pairs of construct and way were in fewer than {LEAST} programs:")
        lines += [f"  {pair}" for pair in missing]
    lines += [f"{target} refused more than {MOST_REFUSED:.0%}" for target in too_many_refused(outcome)]
    if outcome.findings:
        lines.append(f"programs and findings are in {outcome.folder}")
        one = outcome.findings[0].seed
        targets = ",".join(
            dict.fromkeys(name.removeprefix("exact-") for name in outcome.targets if name != "passes")
        )
        lines.append(f"to see one again: build.py fuzz --seed {one} --programs 1 --targets {targets}")
    return "\n".join(lines)


def is_only_compiled(targets: Sequence[str]) -> bool:
    """Whether programs are compiled for CUDA on a machine that cannot run them."""
    from fuzz.run_cuda import has_gpu

    return "cuda" in targets and COVERAGE not in targets and not has_gpu()


def _times(outcome: Outcome) -> list[str]:
    """How fast it went, and what the cores worked at."""
    if not outcome.wall or not outcome.seconds:
        return []
    total = sum(outcome.seconds.values())
    rate = outcome.programs / outcome.wall
    parts = (f"{stage} {spent:.0f}" for stage, spent in outcome.seconds.most_common() if spent >= 0.5)
    return [
        f"{outcome.wall:.0f} seconds, {rate:.2f} programs a second, {total / outcome.wall:.1f} cores at work",
        f"seconds of a core: {', '.join(parts)}",
    ]


def has_failed(outcome: Outcome) -> bool:
    """Whether anything is wrong: a finding, a target that refuses, or a generator that no longer reaches."""
    is_standard = len(outcome.drawn) >= STANDARD_RUN
    is_short = is_standard and outcome.coverage.missing(_covered(outcome.targets))
    return bool(outcome.findings or too_many_refused(outcome) or is_short)


def _covered(targets: Sequence[str]) -> list[str]:
    return [name for name in targets if name in ("passes", "cpu", "metal")]


def too_many_refused(outcome: Outcome) -> list[str]:
    """The targets that refused more programs than they may."""
    return [
        target
        for target, found in _by_target(outcome.refusals).items()
        if len(found) > max(1, MOST_REFUSED * len(outcome.drawn))
    ]


def _by_target(refusals: Sequence[Refusal]) -> dict[str, list[Refusal]]:
    found: dict[str, list[Refusal]] = {}
    for item in refusals:
        found.setdefault(item.target, []).append(item)
    return found

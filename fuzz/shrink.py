"""Shrinking: from a program in which something was found to a small one in which the same is found.

In each round, the programs that are one step smaller are run as one batch, and the smallest in which the
finding stands goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from time import monotonic

from fuzz.finding import Finding
from fuzz.program import Program, make_program
from fuzz.reduce_spec import Spec, read, reductions, write
from fuzz.run import ROOT, SECONDS_TO_COMPILE
from fuzz.stop import Stop, Stopped
from kernel_ir.errors import SpecError
from kernel_ir.load import load_text
from kernel_ir.typecheck.check import check_spec

REGRESSIONS = ROOT / "tests" / "regressions"
SECONDS_TO_SHRINK = 180.0  # one finding
_CANDIDATES = 24  # of one batch
_parsing = threading.Lock()  # Python 3.11 counts the depth of what it parses for all threads together
_HEADER = re.compile(r"# calls (\d+) (whole|real)\n")


def shrink_all(
    findings: Sequence[Finding],
    jobs: int,
    report: Callable[[Finding, Path], None],
    seconds: float = SECONDS_TO_SHRINK,
) -> None:
    """Shrink each finding's program, `jobs` at once, and keep what is left; `report` is told where.

    An interrupt ends all of it, the workers that run too; what was not done by then is not kept.
    """
    stopped = Stop()

    def work(finding: Finding) -> None:
        with _parsing:
            program = make_program(finding.seed)
        with contextlib.suppress(Stopped):
            small = shrink(program, finding, seconds, stopped)
            report(finding, save(small, finding))

    with ThreadPoolExecutor(jobs) as pool:
        try:
            for done in as_completed([pool.submit(work, finding) for finding in findings]):
                done.result()
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def shrink(
    program: Program,
    finding: Finding,
    seconds: float = SECONDS_TO_SHRINK,
    stopped: Stop | None = None,
) -> Program:
    """The smallest program found in which the finding's executor still fails in the same way.

    No round begins after so many seconds. Raises Stopped.
    """
    stopped = stopped or Stop()
    until = monotonic() + seconds
    targets = finding.executor if not finding.executor.startswith("pass") else "passes"
    with _parsing:
        spec = read(program.text)
    tried: set[str] = set()
    while monotonic() < until:
        fresh = _smaller(spec, tried)
        with _parsing:
            candidates = list(islice(fresh, _CANDIDATES))
        if not candidates:
            break
        failing = _failing(program, candidates, targets, finding, stopped)
        if failing:
            spec = min(failing, key=lambda item: len(write(item)))
    return replace(program, text=write(spec), calls_seed=program.drawn_from)


def _smaller(spec: Spec, tried: set[str]) -> Iterator[Spec]:
    """The valid specs that are one step smaller and have not been tried yet."""
    size = len(write(spec))
    for item in reductions(spec):
        text = write(item)
        if len(text) < size and text not in tried:
            tried.add(text)
            if _is_valid(item):
                yield item


def _is_valid(spec: Spec) -> bool:
    try:
        check_spec(load_text(write(spec), "smaller.yaml"))
    except SpecError:
        return False
    return True


def _failing(
    program: Program, specs: Sequence[Spec], targets: str, finding: Finding, stopped: Stop
) -> list[Spec]:
    """The specs in which the finding stands. A worker that dies is told which one it was at."""
    programs = {
        number: replace(
            program, seed=number, name=f"smaller_{number}", calls_seed=program.drawn_from,
            text=write({**spec, "name": f"smaller_{number}"}),
        )
        for number, spec in enumerate(specs)
    }  # fmt: skip
    found: set[int] = set()
    while programs:
        at, ended = _run(list(programs.values()), targets, finding, stopped, found)
        if ended:
            break
        if finding.kind in ("crash", "hang"):
            found.add(at)
        programs = {number: item for number, item in programs.items() if number > at}
    return [specs[number] for number in sorted(found)]


def _run(
    programs: list[Program], targets: str, finding: Finding, stopped: Stop, found: set[int]
) -> tuple[int, bool]:
    """Run a batch; where the worker was last, and whether it came to its end."""
    command = [sys.executable, "-m", "fuzz.worker", targets, "-"]
    given = json.dumps([asdict(item) for item in programs])
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
    try:
        done = stopped.run(command, given, ROOT, environment, SECONDS_TO_COMPILE)
        lines, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        lines, status = str(late.output), -1
    at = programs[-1].seed
    for message in map(json.loads, lines.splitlines()):
        at = message.get("at", at)
        if "finding" in message:
            one = Finding.from_json(message["finding"])
            if (one.executor, one.kind) == (finding.executor, finding.kind):
                found.add(one.seed)
    return at, status == 0


# ---- regressions -------------------------------------------------------------------------------


def save(program: Program, finding: Finding, folder: Path = REGRESSIONS) -> Path:
    """Keep a program for ever: its text, and what its calls are drawn from."""
    with _parsing:
        spec = read(program.text)
    spec["name"] = program.name
    spec["summary"] = f"Once {finding.executor} gave: {finding.kind}."
    path = folder / f"{program.name}.yaml"
    path.write_text(write(spec, f"# calls {program.drawn_from} {program.style}\n"), encoding="ascii")
    return path


def load_regression(path: Path, number: int) -> Program:
    """A program of `tests/regressions`; those written by hand take calls of whole numbers."""
    text = path.read_text(encoding="ascii")
    found = _HEADER.match(text)
    drawn_from, style = (int(found[1]), found[2]) if found else (0, "whole")
    sizes = check_spec(load_text(text, path.name)).sizes
    return Program(number, path.stem, style, text, (tuple(sizes),), calls_seed=drawn_from)

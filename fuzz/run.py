"""A run: programs in batches, each in a process of its own, and what they told.

A worker that dies or falls silent is a finding of the program it was at; the rest of its batch goes to a new
one. A finding is on disk as soon as the worker tells it; what else it tells counts when the worker has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzz.coverage import Coverage
from fuzz.finding import Finding, Refusal
from fuzz.program import make_program
from fuzz.streams import STREAMS

ROOT = Path(__file__).resolve().parent.parent
MOST_A_BATCH, LEAST_A_BATCH = 128, 8  # programs; a batch costs what four of them do
SECONDS_A_STEP = 120.0  # of one program in one executor
SECONDS_TO_COMPILE = 600.0  # a batch
SECONDS_TO_STOP = 5.0


@dataclass(slots=True)
class Outcome:
    """What a run has seen so far."""

    seed: int
    targets: tuple[str, ...]
    asked: int = 0  # programs
    drawn: set[int] = field(default_factory=set)  # programs that a worker is through with, refused ones too
    programs: int = 0
    streams: int = 0  # that ran beside programs (`fuzz/streams.py`)
    calls: int = 0  # of those that ran
    ran: Counter[str] = field(default_factory=Counter)  # programs by executor
    runs: Counter[str] = field(default_factory=Counter)  # their calls, with those that go with them
    exact: int = 0  # programs that ran in the exact mode
    elements: int = 0  # of what calls give
    unstable: int = 0  # of these, those that no target is held to
    unmade: int = 0  # calls for which no sizes were found that a program takes
    uncalled: list[int] = field(default_factory=list)  # programs that some executor has no call of
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what else went wrong, and was tried again
    refusals: list[Refusal] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    seconds: Counter[str] = field(default_factory=Counter)  # of a core, by what they went into
    wall: float = 0.0
    relations: Counter[str] = field(default_factory=Counter)

    @property
    def lost(self) -> list[int]:
        """Programs that were asked for, and of which no worker has told anything."""
        return [seed for seed in range(self.seed, self.seed + self.asked) if seed not in self.drawn]

    def program_of(self, seed: int) -> int:
        """The program that was asked for of which a seed is, or beside which its stream runs."""
        return seed if 0 <= seed - self.seed < self.asked else seed % STREAMS

    @property
    def folder(self) -> Path:
        """Where findings and their programs are kept."""
        return ROOT / "build" / "fuzz" / str(self.seed)

    def hear(self, message: dict[str, Any]) -> None:
        """Take in one message of a worker."""
        if "finding" in message:
            self.find(Finding.from_json(message["finding"]))
        elif "refusal" in message:
            refusal = Refusal(**message["refusal"])
            known = {(item.seed, item.target) for item in self.refusals}
            if (refusal.seed, refusal.target) not in known:  # as the same with another schedule may be
                self.refusals.append(refusal)
            self.drawn.add(self.program_of(refusal.seed))
        elif "coverage" in message:
            self.coverage.add(message["coverage"])
        elif "relation" in message:
            self.relations[message["relation"]] += 1
        elif "seconds" in message:
            self.seconds.update(message["seconds"])
        elif "done" in message:
            self.calls += message["calls"]
            self.runs.update(message.get("runs", {}))
            if message["done"] != self.program_of(message["done"]):
                self.streams += 1
            else:
                self.programs += 1
                self.drawn.add(message["done"])
                self.ran.update(message.get("runs", {}).keys())
            self.exact += message.get("exact", False)
            self.elements += message.get("elements", 0)
            self.unstable += message["unstable"]
            self.unmade += message.get("unmade", 0)
            self.uncalled += [message["done"]] if message.get("uncalled") else []

    def find(self, finding: Finding) -> None:
        if finding in self.findings:
            return
        self.findings.append(finding)
        self.drawn.add(self.program_of(finding.seed))
        self.folder.mkdir(parents=True, exist_ok=True)
        _add_line(self.folder / "findings.jsonl", json.dumps(finding.as_json()))
        try:
            program = make_program(finding.seed)
        except Exception:  # the finding is that it cannot be made
            return
        (self.folder / f"{program.name}.yaml").write_text(program.text, encoding="ascii")


def _add_line(path: Path, line: str) -> None:
    """Add a line to a file, which may have it from an earlier run."""
    with path.open("a+", encoding="utf-8") as file:
        file.seek(0)
        if f"{line}\n" not in file:
            file.write(f"{line}\n")


def run_programs(
    seed: int, programs: int, targets: Sequence[str], jobs: int, report: Callable[[Outcome], None]
) -> Outcome:
    """Run `programs` programs from `seed` on. An interrupt leaves with what was found."""
    outcome = Outcome(seed, tuple(targets), programs)
    waiting: queue.SimpleQueue[tuple[int, ...]] = queue.SimpleQueue()
    for batch in batches(range(seed, seed + programs), jobs):
        waiting.put(batch)
    crew = _Crew(outcome, waiting, report)
    threads = [threading.Thread(target=crew.work, daemon=True) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
    except KeyboardInterrupt:
        crew.stop()
        for thread in threads:  # they take in what the workers told last
            thread.join(SECONDS_TO_STOP)
        raise Interrupted(outcome) from None
    finally:
        crew.tell_time()
    return outcome


def batches(seeds: Sequence[int], jobs: int) -> Iterator[tuple[int, ...]]:
    """Large ones, which compile best, then smaller and smaller ones, so that all workers end together."""
    while seeds:
        count = max(LEAST_A_BATCH, min(MOST_A_BATCH, len(seeds) // (2 * jobs)))
        if len(seeds) - count < LEAST_A_BATCH // 2:
            count = len(seeds)
        yield tuple(seeds[:count])
        seeds = seeds[count:]


class Interrupted(KeyboardInterrupt):
    """The run was stopped; it holds what it found until then."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass(slots=True)
class _Crew:
    """Threads that each lead one worker at a time."""

    outcome: Outcome
    waiting: queue.SimpleQueue[tuple[int, ...]]
    report: Callable[[Outcome], None]
    lock: threading.Lock = field(default_factory=threading.Lock)
    running: set[subprocess.Popen[str]] = field(default_factory=set)
    is_stopped: bool = False
    begun: float = field(default_factory=time.monotonic)

    def work(self) -> None:
        while not self.is_stopped:
            try:
                seeds = self.waiting.get_nowait()
            except queue.Empty:
                return
            while seeds and not self.is_stopped:
                seeds = self._lead(seeds)

    def tell_time(self) -> None:
        self.outcome.wall = time.monotonic() - self.begun

    def stop(self) -> None:
        self.is_stopped = True
        for process in tuple(self.running):
            kill(process)

    def _lead(self, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """Run one worker; the programs that are left if it did not get through."""
        worker = _Worker(self.outcome.targets, seeds, self.running)
        if self.is_stopped:  # while it started
            kill(worker.process)
        at: dict[str, Any] = {"at": seeds[0], "executor": "start"}
        done: set[int] = set()
        kept: list[dict[str, Any]] = []
        for message in worker:
            if "finding" in message:
                with self.lock:
                    self.outcome.hear(message)
                    self.report(self.outcome)
                continue
            if "at" in message:
                at = message
            elif "done" in message:
                done.add(message["done"])
            kept.append(message)
        failed = worker.failure()
        left = tuple(seed for seed in seeds if seed not in done) if failed else ()
        if self.is_stopped:  # which ended the worker
            failed = ""
        is_shared = at.get("batch", 1) > 1 and len(left) > 1  # a compiler died on many programs at once
        if failed and not is_shared:
            left = tuple(seed for seed in left if seed != self.outcome.program_of(at["at"]))
        with self.lock:
            for message in kept:
                if "seed" not in message or self.outcome.program_of(message["seed"]) not in left:
                    self.outcome.hear(message)  # a new worker tells of those that are left
            if failed and not is_shared:
                self._blame(at, failed, worker)
            elif failed:
                self.outcome.notes.append(_note(at, failed))
            self.tell_time()
            if not self.is_stopped:  # the rest is told at once, when all have stopped
                self.report(self.outcome)
            if not failed and not self.is_stopped:
                self._miss(seeds, at)
        if not is_shared:
            return left
        half = len(left) // 2
        self.waiting.put(left[half:])
        return left[:half]

    def _miss(self, seeds: tuple[int, ...], at: dict[str, Any]) -> None:
        """Blame programs that a worker, which ended as it should, never told to be through."""
        for seed in seeds:
            if seed not in self.outcome.drawn:
                why = "the worker ended and had told nothing of it"
                self.outcome.find(Finding(seed, at["executor"], "lost", why))

    def _blame(self, at: dict[str, Any], failed: str, worker: _Worker) -> None:
        kind = "hang" if worker.is_hung else "crash"
        self.outcome.find(Finding(at["at"], at["executor"], kind, failed, at.get("call", -1)))


def _note(at: dict[str, Any], failed: str) -> str:
    """What is said of a worker that died of one of many programs."""
    programs = f"{at['batch']} programs from {at['at']} on"
    return f"{programs}, {at['executor']}: worker ended: {failed.splitlines()[-1]}; tried again in two halves"


class _Worker:
    """A worker's process; iterating gives its messages until it ends or is silent for too long."""

    def __init__(
        self, targets: Sequence[str], seeds: Sequence[int], running: set[subprocess.Popen[str]]
    ) -> None:
        command = [sys.executable, "-m", "fuzz.worker", ",".join(targets), *map(str, seeds)]
        environment = {**os.environ, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.running = running
        self.is_hung = False
        self.errors = ""
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        running.add(self.process)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors = (self.errors + line)[-2000:]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        patience = SECONDS_A_STEP
        while True:
            try:
                line = self.lines.get(timeout=patience)
            except queue.Empty:
                self.is_hung = True
                kill(self.process)
                return
            if line is None:
                return
            message = json.loads(line)
            patience = SECONDS_TO_COMPILE if "batch" in message else SECONDS_A_STEP
            yield message

    def failure(self) -> str:
        """How the worker failed; empty if it did not."""
        status = self.process.wait()
        self.running.discard(self.process)
        if self.is_hung:
            return "no answer"
        if status == 0:
            return ""
        name = _name_of(-status) if status < 0 else f"status {status}"
        return f"{name} {self.errors[-500:].strip()}".strip()


def _name_of(number: int) -> str:
    """A signal's name; of the one that no program sends itself, where it comes from."""
    name = signal.Signals(number).name
    whence = " (from outside, or because memory ran out)"
    return f"{name}{whence}" if number == signal.SIGKILL else name


def kill(process: subprocess.Popen[str]) -> None:
    """End a worker and the compilers that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)

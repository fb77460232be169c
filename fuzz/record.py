"""What a run did, as one JSON file: `build.py fuzz --record FILE` writes it, and `fuzz.table` reads it.

The file is written anew while the run goes on, so that whatever ends the run leaves what it did until then.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from backends.machine import core_count, processor_name
from backends.tools import try_command, write_if_changed
from codegen.failures import Failure
from fuzz.coverage import required
from fuzz.plant import PACKAGES
from fuzz.run import ROOT, Outcome

EDITION = 1
Range = tuple[int, int]  # the first seed and the last


@dataclass(frozen=True, slots=True)
class Record:
    """One run, as far as it went. What counts programs or calls by a name is a mapping from the name.

    `sources`: a hash of what the fuzzer and the compiler are made of. `asked`, `programs`: seeds. `ran` and
    `calls`: by executor, `calls` with those that go with others for a relation. `seconds` are of the clock,
    `core_seconds` of a core, by what they went into. `notes`: workers that were tried again.
    """

    command: str
    state: str  # complete, interrupted, or under way
    sources: str
    machine: Mapping[str, Any]
    jobs: int
    executors: Sequence[str]
    asked: Range
    programs: Sequence[Range]
    ran: Mapping[str, int]
    calls: Mapping[str, int]
    unstable: int
    refusals: Sequence[Mapping[str, Any]]
    relations: Mapping[str, int]
    findings: Sequence[Mapping[str, Any]]
    notes: Sequence[str]
    coverage: Mapping[str, int]
    seconds: float
    core_seconds: Mapping[str, float]
    elements: int = 0  # of the calls' outputs; 0 in records from before they were counted

    def write(self, path: Path) -> None:
        """In one step, so that whoever reads it meanwhile finds one or the other."""
        write_if_changed(path, json.dumps({"edition": EDITION, **asdict(self)}, indent=1) + "\n")


def read_record(path: Path) -> Record:
    """Raises Failure where the file is no record, and OSError where it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Failure(f"{path} is no record of a run: {error}") from None
    names, later = {item.name for item in fields(Record)}, {"elements"}
    is_one = isinstance(found, dict) and found.pop("edition", None) == EDITION
    if not is_one or found.keys() | later != names:
        raise Failure(f"{path} is no record of a run as `build.py fuzz --record` writes it now")
    return Record(**found)


class Recorder:
    """Writes a run's record to a file, again and again."""

    def __init__(self, path: Path, command: str, executors: Sequence[str], jobs: int) -> None:
        self.path = path
        self.given: dict[str, Any] = {
            "command": command,
            "sources": hash_of_sources(),
            "machine": describe_machine(executors),
            "jobs": jobs,
        }

    def write(self, outcome: Outcome, state: str) -> None:
        Record(
            **self.given,
            state=state,
            executors=outcome.targets,
            asked=(outcome.seed, outcome.seed + outcome.asked - 1),
            programs=ranges(outcome.drawn),
            ran=dict(outcome.ran),
            calls=dict(outcome.runs),
            unstable=outcome.unstable,
            elements=outcome.elements,
            refusals=[asdict(item) for item in outcome.refusals],
            relations=dict(sorted(outcome.relations.items())),
            findings=[item.as_json() for item in outcome.findings],
            notes=outcome.notes,
            coverage={pair: outcome.coverage.pairs[pair] for pair in required(outcome.targets)},
            seconds=round(outcome.wall, 1),
            core_seconds={stage: round(spent, 1) for stage, spent in outcome.seconds.most_common()},
        ).write(self.path)


def ranges(seeds: set[int]) -> list[Range]:
    """Neighbours put together."""
    found: list[Range] = []
    for seed in sorted(seeds):
        if found and found[-1][1] == seed - 1:
            found[-1] = (found[-1][0], seed)
        else:
            found.append((seed, seed))
    return found


def hash_of_sources(root: Path = ROOT) -> str:
    """Twelve digits of SHA-256 over the names and bytes of the packages' files, in the order of the names."""
    digest = hashlib.sha256()
    made = ("__pycache__", ".pyc")
    files = {
        path.relative_to(root).as_posix(): path
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and not any(part.endswith(made) for part in path.parts)
    }
    for name, path in sorted(files.items()):
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def describe_machine(executors: Sequence[str]) -> dict[str, Any]:
    """The processor, what it runs, and what compiles the executors' programs there."""
    from fuzz.run_cpu import require_cpu
    from fuzz.run_cuda import has_gpu, require_cuda

    commands: dict[str, Callable[[], tuple[str, ...]]] = {
        "cpu": lambda: (*require_cpu(), "--version"),
        "metal": lambda: (sys.executable, "-m", "ziglang", "version"),
        "cuda": lambda: (*require_cuda(), "--version"),
    }
    wanted = [name for name in commands if name in executors or f"exact-{name}" in executors]
    versions = {name: _version(commands[name]()) for name in wanted}
    if "metal" in versions:
        versions["metal"] = f"zig {versions['metal']}"
    gpu = try_command(("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")).first_line
    return {
        "processor": processor_name(),
        "cores": core_count(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "compilers": versions,
        "gpu": gpu if "cuda" in executors and has_gpu() else "",
    }


def _version(command: Sequence[str]) -> str:
    """The line in which a compiler says which one it is: the first, or nvcc's with its release."""
    outcome = try_command(command)
    lines = outcome.text.strip().split("\n")
    told = next((line for line in lines if line.startswith("Cuda compilation tools")), lines[0])
    return told.strip() if outcome.status == 0 else "unknown"

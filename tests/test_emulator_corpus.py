"""Planted bugs are found at their lines, and nothing is found in their correct twins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import needs_emulator  # noqa: F401
import numpy as np
import pytest

from backends.metal.emulator import Finding, Launch, Outcome, Shader, load
from backends.metal.emulator.findings import KINDS

CORPUS = Path(__file__).parent / "emulator_corpus"
_PAIR = re.compile(r"^// ([a-z ]+): (.+)\nkernel void (\w+)_bug\(", re.MULTILINE)
LEAST_PAIRS = 79
MOST_ACCESSES = 1 << 18


@dataclass(frozen=True)
class Pair:
    """A bug of the corpus: the file and kernel it is in, and the kind that must be reported."""

    file: Path
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.file.stem}-{self.name}"


PAIRS = [
    Pair(path, kind, name)
    for path in sorted(CORPUS.glob("*.metal"))
    for kind, _, name in _PAIR.findall(path.read_text(encoding="ascii"))
]


BOTH_BUILDS = pytest.mark.parametrize("is_quick", [False, True], ids=["optimised", "quick"])


@cache
def shader(path: Path, is_quick: bool = False) -> Shader:
    return load(path.read_text(encoding="ascii"), path.name, (CORPUS,), is_quick)


def run(pair: Pair, which: str, is_quick: bool) -> tuple[Outcome, ...]:
    data = np.linspace(-1, 1, 128, dtype=np.float32)
    sizes = np.array([128, 64, 1, 0], np.int32)
    buffers = {0: data, 1: np.zeros(128, np.float32), 2: sizes}
    launch = Launch(f"{pair.name}_{which}", buffers, grid=2, threadgroup=64, blank={1})
    return shader(pair.file, is_quick).check(launch, most_accesses=MOST_ACCESSES)


def marked_lines(pair: Pair) -> set[str]:
    lines = pair.file.read_text(encoding="ascii").split("\n")
    return {f"{pair.file.name}:{n}" for n, line in enumerate(lines, 1) if line.endswith("// found")}


def lines_of(finding: Finding) -> set[str]:
    parties = [finding.now, *([finding.before] if finding.before else [])]
    return {line for party in parties for line in party.lines}


def test_corpus_is_whole() -> None:
    assert len(PAIRS) >= LEAST_PAIRS
    assert {pair.kind for pair in PAIRS} <= set(KINDS)
    for path in CORPUS.glob("*.metal"):
        mine = {f"{pair.name}_{which}" for pair in PAIRS if pair.file == path for which in ("bug", "twin")}
        assert set(shader(path).kernels) == mine


@BOTH_BUILDS
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_bug_is_found_in_every_order(pair: Pair, is_quick: bool) -> None:
    for outcome in run(pair, "bug", is_quick):
        found = [finding for finding in outcome.findings if finding.kind == pair.kind]
        assert found, f"{outcome.order}, {outcome.reduction}: {[str(item) for item in outcome.findings]}"
        assert any(lines_of(finding) & marked_lines(pair) for finding in found), [str(item) for item in found]


@BOTH_BUILDS
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_twin_is_clean(pair: Pair, is_quick: bool) -> None:
    for outcome in run(pair, "twin", is_quick):
        assert not outcome.findings, "\n".join(map(str, outcome.findings))
        seen = ("device_reads", "device_writes", "threadgroup_writes", "atomics")
        assert sum(outcome.counts[name] for name in seen) > 0

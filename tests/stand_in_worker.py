"""A worker that stands in for the fuzzer's own, so that a test says what it tells and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.run import Outcome


def quietly(outcome: Outcome) -> None:
    """Nothing is printed on the way."""


def stand_in(monkeypatch: pytest.MonkeyPatch, folder: Path, *lines: str) -> None:
    """A worker in place of the real one: `seeds` are its programs, and `say` tells a message."""
    worker = folder / "fuzz" / "worker.py"
    worker.parent.mkdir()
    start = (
        "import json, os, sys, time",
        "seeds = [int(word) for word in sys.argv[2:] if word != '-']",
        "def say(**message): print(json.dumps(message), flush=True)",
        "def done(seed): say(done=seed, calls=1, exact=False, unstable=0)",
    )
    worker.write_text("\n".join([*start, *lines, ""]))
    monkeypatch.delenv("PYTHONPATH", raising=False)  # which would lead to the real worker
    monkeypatch.setattr("fuzz.run.ROOT", folder)

"""Finding and trying programs: what is missing is said once, with the command that mends it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegen.failures import Failure


class ToolError(Failure):
    """A tool is missing or wrong: what was looked for, what was found, the command that mends it."""

    def __init__(self, looked_for: str, found: str, mend: str) -> None:
        self.looked_for, self.found, self.mend = looked_for, found, mend
        super().__init__(f"looked for {looked_for}; found {found}; to mend it: {mend}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program printed (both streams), and its exit status; 127 where it cannot start."""

    status: int
    text: str

    @property
    def first_line(self) -> str:
        return self.text.strip().split("\n")[0].strip()


def find_program(name: str) -> str | None:
    """The path of a program: beside this Python first, because a virtual environment need not be active."""
    beside = Path(sys.executable).parent / name
    return str(beside) if os.access(beside, os.X_OK) and beside.is_file() else shutil.which(name)


def try_command(
    command: Sequence[str],
    seconds: float = 120.0,
    folder: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Outcome:
    """Run a command in `folder` with no input, in the C locale, and keep what it prints."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            env={**environment, "LC_ALL": "C"},
            cwd=folder,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Outcome(127, str(error))
    return Outcome(done.returncode, done.stdout)


def fingerprint(path: str | Path) -> str:
    """A file's identity, cheap to take: its real path, size and time of change. Empty where it is missing."""
    try:
        real = os.path.realpath(path)
        state = os.stat(real)
    except OSError:
        return ""
    return f"{real}:{state.st_size}:{state.st_mtime_ns}"


@dataclass(frozen=True, slots=True)
class ProbeCache:
    """Remembers what probes found, in one small file, for as long as what they looked at stays the same."""

    path: Path

    def recall(self, name: str, key: str, probe: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """What `probe` found when the probe `name` last ran with this `key`; runs it otherwise."""
        rows = self._read()
        row = rows.get(name)
        if isinstance(row, dict) and row.get("key") == key and isinstance(row.get("found"), dict):
            return dict(row["found"])
        found = dict(probe())
        rows[name] = {"key": key, "found": found}
        write_if_changed(self.path, json.dumps(rows, indent=1, sort_keys=True) + "\n")
        return found

    def _read(self) -> dict[str, Any]:
        try:
            rows = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return rows if isinstance(rows, dict) else {}


def write_if_changed(path: Path, text: str | bytes) -> bool:
    """Write a file in one step, and only where its content differs. Says whether it did."""
    content = text.encode() if isinstance(text, str) else text
    try:
        if path.read_bytes() == content:
            return False
    except OSError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_bytes(content)
    os.replace(staged, path)
    return True

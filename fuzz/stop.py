"""Processes that an interrupt of the command ends at once, whichever thread waits for them."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from fuzz.run import kill


class Stopped(Exception):
    """The command was interrupted: nothing more is run."""


class Stop(threading.Event):
    """Once it is set, the processes that were started with it have ended, and no more start."""

    def __init__(self) -> None:
        super().__init__()
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def set(self) -> None:
        with self._lock:
            super().set()
            for process in self._running:
                kill(process)

    def run(
        self, command: Sequence[str], given: str, folder: Path, environment: Mapping[str, str], seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Raises Stopped, and TimeoutExpired with what was printed by then."""
        process = self._start(command, folder, environment)
        try:
            printed, errors = process.communicate(given, seconds)
        except subprocess.TimeoutExpired:
            kill(process)
            raise subprocess.TimeoutExpired(command, seconds, process.communicate()[0]) from None
        finally:
            with self._lock:
                self._running.discard(process)
        if self.is_set():
            raise Stopped
        return subprocess.CompletedProcess(command, process.returncode, printed, errors)

    def _start(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        with self._lock:
            if self.is_set():
                raise Stopped
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, start_new_session=True,
            )  # fmt: skip
            self._running.add(process)
        return process

"""One line that counts up on a terminal, and nothing where the output is a file or a pipe."""

from __future__ import annotations

import shutil
import sys
from types import TracebackType
from typing import TextIO


class Progress:
    """`with Progress("generate") as report: report(1, 9, "x")` rewrites a line, and clears it at the end."""

    def __init__(self, verb: str, stream: TextIO | None = None) -> None:
        self._verb = verb
        self._stream = stream or sys.stderr
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __call__(self, done: int, total: int, name: str) -> None:
        if not self._stream.isatty():
            return
        line = f"[{done}/{total}] {self._verb} {name}"
        self._stream.write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])
        self._stream.flush()
        self._shown = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

"""Output that nobody reads on: `build.py COMMAND | head -1` ends quietly.

    python -m codegen.output MODULE ARGUMENTS...

runs a module as `python -m MODULE` does, and ends it so. An interrupt, which `build.py` gets too and says,
ends it without a word as well.
"""

from __future__ import annotations

import os
import runpy
import select
import sys
from collections.abc import Callable

EXIT_UNREAD = 141  # as a program ends that the signal for it stops
EXIT_INTERRUPTED = 130


def run_for_reader(run: Callable[[], int]) -> int:
    """What `run` gives; EXIT_UNREAD, and not a word, where standard output is closed meanwhile."""
    try:
        try:
            return run()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _is_unread():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is written at exit
        return EXIT_UNREAD


def _is_unread() -> bool:
    """Whether standard output is the pipe that broke."""
    waiting = select.poll()
    waiting.register(sys.stdout.fileno(), select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in waiting.poll(0))


def _run_module() -> int:
    del sys.argv[0]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(run_for_reader(_run_module))

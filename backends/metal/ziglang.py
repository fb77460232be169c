"""The `ziglang` package, whose clang compiles shaders for the emulator: which version is wanted and there."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

LOCK = Path(__file__).resolve().parents[2] / "requirements" / "emulator.txt"
_LOCKED = re.compile(r"^ziglang==(\S+)", re.MULTILINE)


def locked_version() -> str:
    """The version that the emulator is tested with. Raises OSError where the lock is not there."""
    found = _LOCKED.search(LOCK.read_text(encoding="utf-8"))
    assert found is not None, f"{LOCK} names no version of ziglang"
    return found[1]


def installed_version() -> str:
    """The version that this Python has; empty where it has none."""
    try:
        return importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError:
        return ""


def install_command() -> str:
    """What brings the wanted version."""
    return f"python -m pip install ziglang=={locked_version()}"

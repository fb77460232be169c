"""One shader as one text: what ships where MLX compiles shaders at first use."""

from __future__ import annotations

import re
from pathlib import Path

_INCLUDE = re.compile(r'^#include "([\w.]+)"$')


def inline_includes(text: str, folders: tuple[Path, ...]) -> str:
    """`text` with every quoted include replaced by the file, once each. Raises FileNotFoundError."""
    return "\n".join(_expand(text, folders, set()))


def _expand(text: str, folders: tuple[Path, ...], seen: set[str]) -> list[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        found = _INCLUDE.match(line)
        if found is None:
            lines += [] if line == "#pragma once" else [line]
        elif found[1] not in seen:
            seen.add(found[1])
            lines += _expand(_find(found[1], folders).read_text(encoding="ascii"), folders, seen)
    return lines


def _find(name: str, folders: tuple[Path, ...]) -> Path:
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(name)

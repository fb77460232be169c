"""One shader as one text: what is compiled, and what ships where MLX compiles shaders at first use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codegen.failures import Failure

_INCLUDE = re.compile(r'^#include "([\w.]+)"$')
_ANY_INCLUDE = re.compile(r'^\s*#\s*(?:include|import)\s*"')


class SourceError(Failure):
    """A shader's text cannot be put together; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Shader:
    """A shader's whole text, and the files that it was put together from, its own first."""

    text: str
    files: tuple[Path, ...]


def read_shader(path: Path, folders: Sequence[Path]) -> Shader:
    """The shader in `path` with its quoted includes replaced by files of `folders`, once each.

    Raises SourceError where one cannot be, since the text would then not say all that decides the result.
    """
    seen: dict[str, Path] = {}
    try:
        lines = _expand(path.read_text(encoding="ascii"), folders, seen)
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: a shader is ASCII: {error}") from error
    except FileNotFoundError as error:
        places = ", ".join(map(str, folders))
        raise SourceError(f"{path}: {error.filename or error} is in none of {places}") from error
    for line in lines:
        if _ANY_INCLUDE.match(line):
            raise SourceError(f'{path}: write {line.strip()!r} as #include "name.h" on a line of its own')
    return Shader("\n".join(lines), (path, *seen.values()))


def inline_includes(text: str, folders: Sequence[Path]) -> str:
    """`text` with every quoted include replaced by the file, once each. Raises FileNotFoundError."""
    return "\n".join(_expand(text, folders, {}))


def _expand(text: str, folders: Sequence[Path], seen: dict[str, Path]) -> list[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        found = _INCLUDE.match(line)
        if found is None:
            lines += [] if line == "#pragma once" else [line]
        elif found[1] not in seen:
            seen[found[1]] = _find(found[1], folders)
            lines += _expand(seen[found[1]].read_text(encoding="ascii"), folders, seen)
    return lines


def _find(name: str, folders: Sequence[Path]) -> Path:
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(name)

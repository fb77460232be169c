"""Break long lines of C-like text where a reader would: after a comma, before an operator."""

from __future__ import annotations

import re

WIDTH = 110
_CONTINUED = " " * 8
_PLACE = re.compile(r"(?<=,) | (?=(?:\+|-|\*|/|&&|\|\||\?|:) )")

_OPENING = re.compile(r"[(\[]|(?<=\w)<(?=\w)")
_CLOSING = re.compile(r"[)\]]|(?<=\w)>(?=\W)")


def wrap(line: str) -> tuple[str, ...]:
    """The line, in as many pieces as it takes; the later ones are indented two levels more."""
    indent = line[: len(line) - len(line.lstrip())] + _CONTINUED
    pieces: list[str] = []
    while len(line) > WIDTH and not line.lstrip().startswith(("#", "//")):
        places = [item for item in _PLACE.finditer(line, len(indent) + 1) if item.start() <= WIDTH]
        if not places:
            break
        best = min(places, key=lambda item: _cost(line[: item.start()]))
        pieces.append(line[: best.start()])
        line = indent + line[best.end() :]
    return (*pieces, line)


def _cost(before: str) -> tuple[int, bool, int]:
    """How ill a line breaks after a text: inside few brackets, after a comma and late is best."""
    return _depth(before), not before.endswith(","), -len(before)


def _depth(text: str) -> int:
    """How many brackets are open at the end of a text; those of templates stand against a word."""
    return len(_OPENING.findall(text)) - len(_CLOSING.findall(text))

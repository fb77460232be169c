"""How messages quote what an author wrote, and what they suggest instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 48
_COMPARED = 200


def show(value: object) -> str:
    """A YAML value in a message: ASCII, on one line, at most `SHOWN` characters and the quotes."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case int() | float():
            return _cut(repr(value))
    text = str(value)
    return f'"{_cut("".join(ch if " " <= ch <= "~" else ascii(ch)[1:-1] for ch in text[: SHOWN + 1]))}"'


def suggest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """`did you mean "x"?` where a known word is close, else what there is to choose from."""
    words = list(known)[:_COMPARED]
    near = [item for item in words if not _is_another(word, item)]
    close = difflib.get_close_matches(word, near, n=1, cutoff=0.6) if len(word) <= SHOWN else []
    if close:
        return f'did you mean "{close[0]}"?'
    return otherwise or (f"one of: {join(words)}" if 0 < len(words) <= 12 else "")


def _is_another(word: str, known: str) -> bool:
    """Whether a short word has other letters than a known one, and so means something else: gpu is no cpu."""
    return len(word) == len(known) <= 3 and sorted(word) != sorted(known)


def join(words: Iterable[str], last: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def counted(count: int, noun: str) -> str:
    """`1 argument`, `2 arguments`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

"""Brackets in the words of a shader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">", "[[": "]]"}


class Words(Protocol):
    """The words of a text in order; nothing beyond the ends."""

    def __len__(self) -> int: ...

    def __getitem__(self, at: int, /) -> str: ...


def closing(words: Words, at: int) -> int:
    """The bracket that closes the one at `at`; the end where none does."""
    opened, closed, depth = words[at], CLOSING[words[at]], 0
    for position in range(at, len(words)):
        word = words[position]
        if opened == "<" and word in (";", "{"):
            break
        depth += (word == opened) - (word == closed)
        if depth == 0:
            return position
    return len(words)


def between_commas(words: Words, first: int, last: int) -> Iterator[tuple[int, int]]:
    """The parts of [first, last) between commas that stand in no bracket."""
    depth, start = 0, first
    for at in range(first, last):
        depth += (words[at] in CLOSING) - (words[at] in CLOSING.values())
        if depth == 0 and words[at] == ",":
            yield start, at
            start = at + 1
    if start < last:
        yield start, last

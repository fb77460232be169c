"""Brackets in the words of a shader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">", "[[": "]]"}


_DEPTHS = dict.fromkeys(CLOSING, 1) | dict.fromkeys(CLOSING.values(), -1)


def closing(words: Sequence[str], at: int) -> int:
    """The bracket that closes the one at `at`; the end where none does."""
    opened, closed, depth = words[at], CLOSING[words[at]], 0
    ends = (";", "{") if opened == "<" else ()
    for position in range(at, len(words)):
        word = words[position]
        if word == closed:
            depth -= 1
            if depth == 0:
                return position
        elif word == opened:
            depth += 1
        elif word in ends:
            break
    return len(words)


def between_commas(words: Sequence[str], first: int, last: int) -> Iterator[tuple[int, int]]:
    """The parts of [first, last) between commas that stand in no bracket."""
    depth, start = 0, first
    for at in range(first, min(last, len(words))):
        depth += _DEPTHS.get(words[at], 0)
        if depth == 0 and words[at] == ",":
            yield start, at
            start = at + 1
    if start < last:
        yield start, last

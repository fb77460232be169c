"""A shader's text as words and signs with their lines; comments and directives are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

_PIECE = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/) | (?P<directive>^[ \t]*\#(?:\\\n|[^\n])*) | (?P<space>\s+)
      | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*') | (?P<word>[A-Za-z_]\w*)
      | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*) | (?P<sign>::|->|\[\[|\]\]|[=!<>]=|&&|\|\||.)""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_DEFINE = re.compile(r"\s*#\s*define\s+(\w+)(?!\()[ \t]+(.*)", re.DOTALL)
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">", "[[": "]]"}

Macros = Mapping[str, tuple[str, ...]]  # macros without parameters, by name: the words they stand for


@dataclass(frozen=True, slots=True)
class Word:
    """`line` counts from 1."""

    text: str
    kind: Literal["word", "number", "string", "sign"]
    line: int


class Words:
    """The words of a text in order, with macros that have no parameters expanded."""

    def __init__(self, text: str, macros: Macros) -> None:
        known = {**macros, **macros_of(text)}
        self.items = list(_expanded(_read(text), known))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, at: int) -> str:
        """The text at a position; nothing beyond the ends."""
        return self.items[at].text if 0 <= at < len(self.items) else ""

    def line(self, at: int) -> int:
        return self.items[min(at, len(self.items) - 1)].line if self.items else 1

    def is_word(self, at: int) -> bool:
        return 0 <= at < len(self.items) and self.items[at].kind == "word"

    def matching(self, at: int) -> int:
        """The bracket that closes the one at `at`; the end where none does."""
        opening, closing, depth = self[at], _CLOSING[self[at]], 0
        for position in range(at, len(self)):
            if opening == "<" and self[position] in (";", "{"):
                break
            depth += (self[position] == opening) - (self[position] == closing)
            if depth == 0:
                return position
        return len(self)

    def split(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts of [first, last) between commas that stand in no bracket."""
        depth, start = 0, first
        for at in range(first, last):
            depth += (self[at] in _CLOSING) - (self[at] in _CLOSING.values())
            if depth == 0 and self[at] == ",":
                yield start, at
                start = at + 1
        if start < last:
            yield start, last


def macros_of(text: str) -> dict[str, tuple[str, ...]]:
    """The macros without parameters that a text defines."""
    found: dict[str, tuple[str, ...]] = {}
    for piece in _PIECE.finditer(text):
        define = _DEFINE.match(piece[0]) if piece.lastgroup == "directive" else None
        if define is not None:
            found[define[1]] = tuple(word.text for word in _read(define[2].replace("\\\n", " ")))
    return found


def _read(text: str) -> Iterator[Word]:
    line = 1
    for piece in _PIECE.finditer(text):
        match piece.lastgroup:
            case "word" | "number" | "string" | "sign" as kind:
                yield Word(piece[0], kind, line)
            case _:
                pass
        line += piece[0].count("\n")


def _expanded(words: Iterator[Word], macros: Macros, inside: frozenset[str] = frozenset()) -> Iterator[Word]:
    for word in words:
        if word.kind != "word" or word.text not in macros or word.text in inside:
            yield word
            continue
        pieces = (Word(text, _kind(text), word.line) for text in macros[word.text])
        yield from _expanded(pieces, macros, inside | {word.text})


def _kind(text: str) -> Literal["word", "number", "string", "sign"]:
    if text[0].isalpha() or text[0] == "_":
        return "word"
    if text[0].isdigit():
        return "number"
    return "string" if text[0] in "\"'" else "sign"

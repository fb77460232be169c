"""A shader's text as words and signs with their lines; comments and directives are left out."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from backends.metal.brackets import between_commas, closing

PIECE = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/) | (?P<directive>^[ \t]*\#(?:\\\n|[^\n])*) | (?P<space>\s+)
      | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*') | (?P<word>[A-Za-z_]\w*)
      | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*) | (?P<sign>::|->|\[\[|\]\]|[=!<>]=|&&|\|\||.)""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_DEFINE = re.compile(r"\s*#\s*define\s+(\w+)(?:\(([^)]*)\))?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Macro:
    """The words that a macro stands for, and its parameters; None where it has no brackets."""

    parameters: tuple[str, ...] | None
    words: tuple[str, ...]


Macros = Mapping[str, Macro]


@dataclass(frozen=True, slots=True)
class Word:
    """`line` counts from 1."""

    text: str
    kind: Literal["word", "number", "string", "sign"]
    line: int


class Words:
    """The words of a text in order, with macros expanded: what they stand for has the line of their use."""

    def __init__(self, text: str, macros: Macros) -> None:
        known = {**macros, **macros_of(text)}
        self.items = _expanded(list(_read(text)), known)
        self.texts = [item.text for item in self.items]
        self._pairs: dict[int, int] = {}  # brackets that were asked for, and what closes them
        self._places: dict[str, list[int]] = {}
        for at, word in enumerate(self.texts):
            self._places.setdefault(word, []).append(at)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __getitem__(self, at: int) -> str:
        """The text at a position; nothing beyond the ends."""
        return self.texts[at] if 0 <= at < len(self.texts) else ""

    def places(self, text: str, span: tuple[int, int] | None = None) -> Sequence[int]:
        """Where a text stands, in order; of those, the ones in [first, last)."""
        found = self._places.get(text, [])
        return found if span is None else found[bisect_left(found, span[0]) : bisect_left(found, span[1])]

    def line(self, at: int) -> int:
        return self.items[min(at, len(self.items) - 1)].line if self.items else 1

    def is_word(self, at: int) -> bool:
        return 0 <= at < len(self.items) and self.items[at].kind == "word"

    def matching(self, at: int) -> int:
        """The bracket that closes the one at `at`; the end where none does."""
        if at not in self._pairs:
            self._pairs[at] = closing(self.texts, at)
        return self._pairs[at]

    def split(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts of [first, last) between commas that stand in no bracket."""
        return between_commas(self.texts, first, last)


def macros_of(text: str) -> dict[str, Macro]:
    """The macros that a text defines."""
    found: dict[str, Macro] = {}
    for piece in PIECE.finditer(text):
        define = _DEFINE.match(piece[0]) if piece.lastgroup == "directive" else None
        if define is None:
            continue
        name, listed, body = define.groups()
        parameters = None if listed is None else tuple(word.strip() for word in listed.split(","))
        words = tuple(word.text for word in _read((body or "").replace("\\\n", " ")))
        if words:  # others say what is there, or leave out what only some compilers know
            found[name] = Macro(parameters, words)
    return found


def _read(text: str) -> Iterator[Word]:
    line = 1
    for piece in PIECE.finditer(text):
        match piece.lastgroup:
            case "word" | "number" | "string" | "sign" as kind:
                yield Word(piece[0], kind, line)
            case _:
                pass
        line += piece[0].count("\n")


def _expanded(words: Sequence[Word], macros: Macros, inside: frozenset[str] = frozenset()) -> list[Word]:
    found: list[Word] = []
    at = 0
    while at < len(words):
        word = words[at]
        macro = macros.get(word.text) if word.kind == "word" and word.text not in inside else None
        arguments, end = _arguments(words, at, macro)
        if macro is None or arguments is None:
            found.append(word)
        else:
            given = [_expanded(each, macros, inside) for each in arguments]
            body = _substituted(macro, given, word.line)
            found += _expanded(body, macros, inside | {word.text})
        at = end
    return found


def _arguments(words: Sequence[Word], at: int, macro: Macro | None) -> tuple[list[list[Word]] | None, int]:
    """What a macro's use at `at` is given, None where it is no use; and where that ends."""
    if macro is None or macro.parameters is None:
        return [] if macro is not None else None, at + 1
    if at + 1 >= len(words) or words[at + 1].text != "(":
        return None, at + 1
    found: list[list[Word]] = [[]]
    depth = 0
    for end in range(at + 1, len(words)):
        text = words[end].text
        depth += (text == "(") - (text == ")")
        if depth == 0:
            return found, end + 1
        if text == "," and depth == 1:
            found.append([])
        elif end > at + 1:
            found[-1].append(words[end])
    return None, at + 1


def _substituted(macro: Macro, given: list[list[Word]], line: int) -> list[Word]:
    """A macro's words with its parameters replaced; `##` joins its neighbours."""
    names = list(macro.parameters or ())
    if names and names[-1] == "...":
        last = len(names) - 1
        rest = [[Word(",", "sign", line), *each] for each in given[last:]]
        given = [*given[:last], [word for each in rest for word in each][1:]]
        names[-1] = "__VA_ARGS__"
    found: list[Word] = []
    joins = False
    for at, text in enumerate(macro.words):
        if text == "#" and macro.words[at + 1 : at + 2] == ("#",):
            joins = bool(found)
        elif text != "#":
            place = names.index(text) if text in names else len(given)
            put = [replace(word, line=line) for word in given[place]] if place < len(given) else None
            pieces = [Word(text, _kind(text), line)] if put is None else put
            if joins and pieces:
                joined = found.pop().text + pieces[0].text
                pieces = [Word(joined, _kind(joined), line), *pieces[1:]]
            joins = False
            found += pieces
    return found


def _kind(text: str) -> Literal["word", "number", "string", "sign"]:
    if text[0].isalpha() or text[0] == "_":
        return "word"
    if text[0].isdigit():
        return "number"
    return "string" if text[0] in "\"'" else "sign"

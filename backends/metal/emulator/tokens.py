"""A preprocessed shader as tokens that are replaced in place, so that lines stay where they are."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.metal.brackets import CLOSING, between_commas, closing

_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<word>[A-Za-z_]\w*)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*) | (?P<sign>::|->|.)""",
    re.VERBOSE,
)
_DIRECTIVE = re.compile(r"^(#[^\n]*)", re.MULTILINE)
_MARK = re.compile(r'# (\d+) "((?:\\.|[^"\\])*)"')
_ESCAPED = re.compile(r"\\(.)")
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_NO_FILES = ("<built-in>", "<command line>", "<scratch space>")


class ShaderError(Exception):
    """The shader is refused: what stands there, and where."""


@dataclass(slots=True)
class Token:
    """`text` is what is written in the end; `was` what was read."""

    kind: str
    was: str
    text: str


class Tokens:
    """The tokens of the shader's own files; what is of files in `library` stays as it is.

    Positions count all tokens. `text` is the whole, replaced tokens included.
    """

    def __init__(self, source: str, library: Path) -> None:
        self.items: list[Token] = []
        self.own: list[int] = []  # positions of the shader's words and signs
        self.marks: list[tuple[int, int, str]] = [(0, 1, "shader")]  # position, line and file
        first, *others = _DIRECTIVE.split(source)
        self._read(first)
        is_own = True
        for directive, rest in zip(others[::2], others[1::2], strict=True):
            mark = _MARK.match(directive)
            if mark is not None:
                file = _ESCAPED.sub(r"\1", mark[2])
                is_own = not file.startswith(f"{library}/") and file not in _NO_FILES
                self.marks.append((len(self.items), int(mark[1]) - 1, file))
            self.items.append(Token("mark", directive, directive))
            if is_own:
                self._read(rest)
            else:
                self.items.append(Token("space", rest, rest))
        self.place = {position: n for n, position in enumerate(self.own)}
        self.words = [self.items[position].was for position in self.own]
        self.pairs: dict[int, int] = {}  # brackets that are known, and what closes them
        self._places: dict[str, list[int]] = {}
        for number, word in enumerate(self.words):
            self._places.setdefault(word, []).append(number)

    def _read(self, text: str) -> None:
        """Take in what is the shader's own, without directives."""
        for found in _TOKEN.finditer(text):
            kind, word = str(found.lastgroup), found[0]
            if kind != "space":
                self.own.append(len(self.items))
            self.items.append(Token(kind, word, word))

    def refusal(self, number: int, why: str) -> ShaderError:
        """An error at a token's line; at the last one's where `number` is beyond the end."""
        position = self.own[min(number, len(self.own) - 1)] if self.own else 0
        mark, line, file = self.marks[bisect_right(self.marks, position, key=lambda each: each[0]) - 1]
        line += sum(item.was.count("\n") for item in self.items[mark:position])
        return ShaderError(f"{file}:{line}: error: {why}")

    def require_pairs(self) -> None:
        """Raises ShaderError where a bracket is not closed, or by another kind of bracket."""
        opened: list[int] = []
        for at, word in enumerate(self):
            if word in ("(", "[", "{"):
                opened.append(at)
            elif word in (")", "]", "}"):
                if not opened:
                    raise self.refusal(at, f"'{word}' closes nothing")
                if CLOSING[self[opened[-1]]] != word:
                    raise self.refusal(opened[-1], f"'{self[opened[-1]]}' is not closed before '{word}'")
                self.pairs[opened.pop()] = at
        if opened:
            raise self.refusal(opened[-1], f"'{self[opened[-1]]}' is never closed")

    @property
    def text(self) -> str:
        return "".join(item.text for item in self.items)

    def __len__(self) -> int:
        return len(self.own)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __getitem__(self, number: int) -> str:
        """The shader's `number`-th token as read; nothing beyond the ends."""
        return self.words[number] if 0 <= number < len(self.words) else ""

    def places(self, word: str) -> Sequence[int]:
        """Where a word stands, in order."""
        return self._places.get(word, ())

    def kind(self, number: int) -> str:
        return self.items[self.own[number]].kind if 0 <= number < len(self.own) else ""

    def replace(self, number: int, text: str) -> None:
        self.items[self.own[number]].text = text

    def replace_range(self, first: int, last: int, text: str) -> None:
        """Write `text` for tokens [first, last); the line breaks among them stay."""
        for position in range(self.own[first], self.own[last - 1] + 1):
            item = self.items[position]
            item.text = "\n" * item.was.count("\n") if item.kind == "space" else ""
        self.replace(first, text)

    def append(self, number: int, text: str) -> None:
        """Write `text` after a token."""
        self.items[self.own[number]].text += text

    def written(self, first: int, last: int) -> str:
        """What stands for tokens [first, last) by now."""
        if first >= last:
            return ""
        return "".join(item.text for item in self.items[self.own[first] : self.own[last - 1] + 1])

    def current(self, number: int) -> str:
        """What stands for a token by now."""
        return self.items[self.own[number]].text

    def matching(self, number: int) -> int:
        """The bracket that closes the one at `number`; len(self) where none does."""
        if number not in self.pairs:
            self.pairs[number] = closing(self.words, number)
        return self.pairs[number]

    def find(self, text: str, first: int) -> int:
        """The first token from `first` on that is `text` outside of brackets; len(self) where none is."""
        words, depth = self.words, 0
        for at in range(first, len(words)):
            word = words[at]
            if depth == 0 and word == text:
                return at
            if word in _BRACKETS:
                depth += _BRACKETS[word]
                if depth < 0:
                    break
        return len(words)

    def split(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts of [first, last) between commas that stand in no bracket."""
        return between_commas(self.words, first, last)

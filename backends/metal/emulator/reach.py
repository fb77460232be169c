"""Which function constants a kernel reads whatever happens: those that a launch must set.

Functions are told apart by their names alone, so a kernel reaches every function that has the name of one
that it calls. A constant that the shader anywhere asks `is_function_constant_defined` for may be left out:
whether it is read all the same shows when the kernel runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from backends.metal.emulator.overloads import functions
from backends.metal.emulator.tokens import Tokens

ASK = "is_function_constant_defined"
_CLASSES = frozenset(("struct", "class", "union"))
_NO_NAMES = frozenset(("alignas", "decltype", "__attribute__"))


class Mentions:
    """The words that stand behind each name of a shader: of a function's text, or a constant's value."""

    def __init__(self, tokens: Tokens, values: Mapping[str, Iterable[int]]) -> None:
        """`values`: the positions of the tokens that a constant is worked out from, by its name."""
        self.words: dict[str, set[str]] = {}
        self.asked = {tokens[at + 2] for at in tokens.places(ASK)}
        for first, last, scope in functions(tokens):
            for name in (_name(tokens, first, last), _class_name(tokens, scope)):
                self._add(name, _words(tokens, range(first, last)))
        for name, places in values.items():
            self._add(name, _words(tokens, places))

    def _add(self, name: str, words: Iterator[str]) -> None:
        if name:
            self.words.setdefault(name, set()).update(words)

    def reached(self, names: Collection[str], wanted: Collection[str]) -> list[str]:
        """Those of `wanted` that one of `names` mentions, by itself or through others, in order."""
        seen, left = set(names), list(names)
        while left:
            found = self.words.get(left.pop(), set()) - seen
            seen |= found
            left += found
        return [each for each in wanted if each in seen and each not in self.asked]


def _words(tokens: Tokens, places: Iterable[int]) -> Iterator[str]:
    return (tokens[n] for n in places if tokens.kind(n) == "word" and tokens[n - 1] not in (".", "->"))


def _name(tokens: Tokens, first: int, last: int) -> str:
    """Of a function: the word in front of its parameters, which no attribute holds."""
    at = first
    while at < last:
        if tokens[at] == "[" or (tokens[at] == "<" and tokens[at - 1] == "template"):
            at = tokens.matching(at)
        elif tokens[at + 1] == "(" and tokens.kind(at) == "word" and tokens[at] not in _NO_NAMES:
            return tokens[at]
        at += 1
    return ""


def _class_name(tokens: Tokens, brace: int) -> str:
    """Of the class whose body opens at `brace`; empty where that is none."""
    at = brace - 1
    while at >= 0 and tokens[at] not in (";", "{", "}"):
        if tokens[at] in _CLASSES and tokens[at - 1] not in ("<", ","):
            return tokens[at + 1]
        at -= 1
    return ""

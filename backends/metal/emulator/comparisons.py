"""Comparisons in brackets, as an argument, stored or returned, which have the type of booleans.

    take(a < b);

becomes

    take(emu::truth(a < b));

Clang's vectors compare to integers that are -1 where Metal has true. Stored as integers, such a comparison
is refused, as Metal does.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from backends.metal.emulator.tokens import Tokens

_BRACKETS = frozenset("([{")
_CONDITIONS = frozenset("if while for switch constexpr".split())
_NO_COMPARISON = frozenset("= ? : ; typename template class struct".split())
_MAY_COMPARE = frozenset("= ! < >".split())
_NO_ASSIGNMENT = frozenset("= ! < > operator".split())
_BEFORE_VALUE = frozenset("( , = return".split())
_BEHIND_VALUE = frozenset("; ) ] }".split())
_BEHIND_TEMPLATE = frozenset("( :: { ) , * & > ; ] ? |".split())


class Comparisons:
    """The comparisons of a shader; `types` are the names of its types, and others that do no harm."""

    def __init__(self, tokens: Tokens, types: Collection[str]) -> None:
        self.tokens = tokens
        self.types = types

    def mark(self) -> None:
        """Let those that C++ would give another type have it."""
        tokens = self.tokens
        for at, word in enumerate(tokens):
            if word == "(" and tokens[at - 1] not in _CONDITIONS:
                self._compared(at, tokens.matching(at))
            elif word == "return" or (word == "=" and self._is_assignment(at)):
                self._compared(at, self._end_of_value(at + 1))

    def _is_assignment(self, at: int) -> bool:
        tokens = self.tokens
        is_alone = tokens[at + 1] != "=" and tokens[at - 1] not in _NO_ASSIGNMENT
        return is_alone and tokens[at - 2] != "using" and at not in self.template_parameters

    @cached_property
    def template_parameters(self) -> frozenset[int]:
        """The tokens between `template <` and its end."""
        tokens = self.tokens
        openings = [n + 1 for n in tokens.places("template") if tokens[n + 1] == "<"]
        return frozenset(n for opening in openings for n in range(opening, tokens.matching(opening)))

    def _end_of_value(self, first: int) -> int:
        tokens = self.tokens
        at = first
        while at < len(tokens) and tokens[at] not in _BEHIND_VALUE:
            at = tokens.matching(at) + 1 if tokens[at] in _BRACKETS else at + 1
        return at

    def _compared(self, opening: int, end: int) -> None:
        """Mark the parts between commas of what follows `opening` that compare something."""
        tokens = self.tokens
        is_compared, is_other, at = False, False, opening + 1
        while at <= end:
            word = tokens[at]
            pair = word + tokens[at + 1] if word in _MAY_COMPARE else ""
            if at == end or word == ",":
                if is_compared and not is_other and tokens.current(opening) in _BEFORE_VALUE:
                    tokens.append(opening, " emu::truth(")
                    tokens.append(at - 1, ")")
                is_compared, is_other, opening = False, False, at
            elif word in _BRACKETS:
                at = min(tokens.matching(at), end - 1)
            elif word == "<" and self._is_template(at, end):
                at = tokens.matching(at)
            elif pair in ("==", "!=", "<=", ">="):
                is_compared, at = True, at + 1
            elif pair in ("<<", ">>"):
                at += 1
            elif word in ("<", ">"):
                is_compared = True
            elif word in _NO_COMPARISON:
                is_other = True
            at += 1

    def _is_template(self, at: int, end: int) -> bool:
        """Whether `<` opens arguments: of a type, or what stands behind them follows no comparison."""
        tokens = self.tokens
        last = tokens.matching(at)
        if last >= end or tokens.kind(at - 1) != "word":
            return False
        is_joined = any(tokens[n] + tokens[n + 1] in ("&&", "||") for n in range(at, last))
        behind = tokens[last + 1]
        is_followed = behind in _BEHIND_TEMPLATE or behind + tokens[last + 2] in ("==", "!=")
        return tokens[at - 1] in self.types or (is_followed and not is_joined)

"""Integers that a shader's text gives: literals, named constants, and sums and products of them."""

from __future__ import annotations

import ast
import operator
import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from types import MappingProxyType

from backends.metal.lint.outline import Span
from backends.metal.lint.words import Words

Numbers = Mapping[str, int | None]  # None: a name of several values

_LITERAL = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)[uUlL]*")
_OPERATIONS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_MOST_WORDS = 32


def known_numbers(
    words: Words, span: Span | None = None, outer: Numbers = MappingProxyType({})
) -> dict[str, int | None]:
    """The constants whose values the text gives, `constexpr int N = 4;`, from those of around it."""
    found: dict[str, int | None] = {}
    known = ChainMap(found, dict(outer))
    first, last = (0, len(words)) if span is None else span
    for at in words.places("constexpr", (first, last)):
        end = at
        while end < last and words[end] not in (";", "(", "{"):
            end += 1
        equals = next((n for n in range(at, end) if words[n] == "="), None)
        if equals is not None:
            name, value = words[equals - 1], value_of(words, (equals + 1, end), known)
            found[name] = value if found.get(name, value) == value else None
    return found


def value_of(words: Words, span: Span, numbers: Numbers) -> int | None:
    """The value of a short expression; None where the text does not give it."""
    texts = []
    for at in range(*span):
        literal = _LITERAL.fullmatch(words[at])
        texts.append(str(int(literal[1], 0)) if literal else words[at])
    if not 0 < len(texts) <= _MOST_WORDS:
        return None
    try:
        return _value(ast.parse(" ".join(texts), mode="eval").body, numbers)
    except (SyntaxError, ValueError):
        return None


def _value(node: ast.expr, numbers: Numbers) -> int | None:
    match node:
        case ast.Constant(int() as value):
            return value
        case ast.Name(name):
            return numbers.get(name)
        case ast.BinOp(left, kind, right) if type(kind) in _OPERATIONS:
            a, b = _value(left, numbers), _value(right, numbers)
            return None if a is None or b is None else _OPERATIONS[type(kind)](a, b)
        case _:
            return None

"""Functions that a shader has once for each address space, where C++ without them knows one.

    float get() const device { return v; }  float get() const thread { return v; }

The first stays and what is the same but for address spaces goes. A method's own address space, which C++ has
no word for, goes too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from backends.metal.emulator.tokens import Tokens

SPACES = frozenset("device thread threadgroup constant".split())
_BEFORE = frozenset({"", ";", "{", "}"})
_QUALIFIERS = SPACES | {"const", "volatile"}


def methods_of_spaces(tokens: Tokens) -> list[int]:
    """The address spaces that stand behind a method's parameters."""
    found = []
    for at in spaces(tokens):
        if tokens[_behind(tokens, at)] not in ("{", ";", ":"):
            continue
        before = at - 1
        while tokens[before] in _QUALIFIERS:
            before -= 1
        if tokens[before] == ")":
            found.append(at)
    return found


def is_constructors(tokens: Tokens, at: int) -> bool:
    """Whether the address space at `at` stands behind a constructor's parameters."""
    while tokens[at] != ")":
        at -= 1
    depth = 0
    while True:  # to the bracket that opens the parameters
        depth += (tokens[at] == ")") - (tokens[at] == "(")
        if depth == 0:
            break
        at -= 1
    before = at - 2
    while tokens[before] in ("constexpr", "inline", "explicit"):
        before -= 1
    return tokens[before] in ("", ";", "{", "}", ":", ">")


def spaces(tokens: Tokens) -> list[int]:
    """All address spaces that are written down."""
    return sorted(at for word in SPACES for at in tokens.places(word))


def drop_copies(tokens: Tokens, ignored: Collection[int]) -> None:
    """Leave out functions whose tokens, but for those ignored, were there before in the same scope."""
    seen: set[tuple[int, tuple[str, ...]]] = set()
    for first, last, scope in list(functions(tokens)):
        words = enumerate(tokens.words[first:last], first)
        key = (scope, tuple(word for n, word in words if n not in ignored))
        if key in seen:
            tokens.replace_range(first, last, " ")
        seen.add(key)


def functions(tokens: Tokens) -> Iterator[tuple[int, int, int]]:
    """Tokens [first, last) of each function with a body, and the bracket that opens its scope (-1: none)."""
    scopes = [-1]
    at, first = 0, 0
    while at < len(tokens):
        word = tokens.words[at]
        if word == "{" and _is_body(tokens, first, at):
            end = tokens.matching(at) + 1
            yield first, end, scopes[-1]
            at = first = end
            continue
        if word == "{":
            scopes.append(at)
        if word == "}" and len(scopes) > 1:
            scopes.pop()
        at += 1
        if word in _BEFORE or (word == ":" and tokens[at - 2] in ("public", "private", "protected")):
            first = at


def _is_body(tokens: Tokens, first: int, brace: int) -> bool:
    """Whether the brace follows a function's parameters, and not `struct S` or an initial value."""
    while tokens[first] == "template" and tokens[first + 1] == "<":
        first = tokens.matching(first + 1) + 1
    words = tokens.words[first:brace]
    before = words[: words.index("(")] if "(" in words else ["="]
    return "=" not in before or "operator" in before


def _behind(tokens: Tokens, at: int) -> int:
    while tokens[at] in _QUALIFIERS:
        at += 1
    return at

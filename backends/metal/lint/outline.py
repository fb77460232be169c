"""What a shader declares: its functions, its classes and its variables outside of functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from backends.metal.lint.words import Words

Span = tuple[int, int]  # of words: the first, and the one behind the last
_NO_NAMES = frozenset("if for while switch return sizeof alignof decltype catch operator".split())


@dataclass(frozen=True, slots=True)
class Function:
    """A function with a body. `head` reaches from the end of the declaration before to the body."""

    scope: tuple[str, ...]
    name: str
    head: Span
    parameters: tuple[Span, ...]
    body: Span

    @property
    def identity(self) -> tuple[tuple[str, ...], str, int]:
        return self.scope, self.name, len(self.parameters)


@dataclass(frozen=True, slots=True)
class Variable:
    """A declaration outside of functions and classes."""

    span: Span


@dataclass(slots=True)
class Outline:
    """`classes` are the heads of class definitions, from `struct` to the brace; `prototypes` declare
    functions whose bodies stand elsewhere.
    """

    functions: list[Function] = field(default_factory=list)
    prototypes: list[Function] = field(default_factory=list)
    classes: list[Span] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)


def outline_of(words: Words) -> Outline:
    """Everything that a text declares."""
    found = Outline()
    _declarations(words, (0, len(words)), (), False, found)
    return found


def _declarations(words: Words, span: Span, scope: tuple[str, ...], is_class: bool, found: Outline) -> None:
    start, end = span
    while start < end:
        stop = _stop(words, start, end)
        head = (start, stop)
        if words[stop] != "{":
            if words[stop] == ";" and not is_class and _is_variable(words, head):
                found.variables.append(Variable(head))
            elif (prototype := _function(words, head, (stop, stop), scope)) is not None:
                found.prototypes.append(prototype)
            start = stop + 1
            continue
        closing = words.matching(stop)
        keyword = _keyword(words, head)
        if keyword is None:
            function = _function(words, head, (stop + 1, closing), scope)
            if function is not None:
                found.functions.append(function)
            elif not is_class and _is_braced_variable(words, head):
                found.variables.append(Variable((behind_template(words, head), closing + 1)))
        elif words[keyword] != "enum":
            if words[keyword] != "namespace":
                found.classes.append((keyword, stop))
            inner = (*scope, _name(words, keyword, stop))
            _declarations(words, (stop + 1, closing), inner, words[keyword] != "namespace", found)
        start = closing + 1


def _stop(words: Words, start: int, end: int) -> int:
    """Where a declaration's head ends: at `{`, `;`, or `:` behind an access specifier."""
    at = start
    while at < end:
        if words[at] in ("(", "[", "[["):
            at = words.matching(at)
        elif words[at] in ("{", ";") or (words[at] == ":" and words[at - 1] in ("public", "private")):
            return at
        at += 1
    return end


def _keyword(words: Words, head: Span) -> int | None:
    """What a braced head defines, if no function: `namespace`, `struct`, `class`, `union` or `enum`."""
    at = behind_template(words, head)
    while words[at] in ("inline", "constexpr", "static", "typedef"):
        at += 1
    return at if words[at] in ("namespace", "struct", "class", "union", "enum") else None


def behind_template(words: Words, head: Span) -> int:
    """Where a declaration begins behind its template parameters."""
    at = head[0]
    while at < head[1] and words[at] == "template":
        at = words.matching(at + 1) + 1 if words[at + 1] == "<" else at + 1
    return at


def _name(words: Words, keyword: int, stop: int) -> str:
    """The name behind `struct`, with what it is specialised for."""
    texts = []
    for at in range(keyword + 1, stop):
        if words[at] == ":":
            break
        if words[at] not in ("alignas",) and (words.is_word(at) or words[at] in ("<", ">", "::", ",")):
            texts.append(words[at])
    return "".join(texts)


def _function(words: Words, head: Span, body: Span, scope: tuple[str, ...]) -> Function | None:
    at = behind_template(words, head) - 1
    while (at := at + 1) < head[1]:
        if words[at] == "[[":
            at = words.matching(at)
            continue
        is_call = words[at + 1] == "(" and words.is_word(at) and words[at] not in _NO_NAMES
        if not is_call or words[at] in ("alignas", "__attribute__"):
            continue
        if words[at - 1] == "=":
            return None
        closing = words.matching(at + 1)
        parameters = tuple(words.split(at + 2, closing))
        return Function(scope, words[at], head, parameters, body)
    return None


def _is_braced_variable(words: Words, head: Span) -> bool:
    """Whether a declaration that ends with a brace initialises a variable."""
    texts = _texts(words, (behind_template(words, head), head[1]))
    return bool({"=", "constant"} & set(texts)) and "operator" not in texts and texts[0] != "using"


def _is_variable(words: Words, head: Span) -> bool:
    """Whether a declaration that ends with `;` makes a variable."""
    if words[head[0]] == "template" and words[head[0] + 1] != "<":  # an explicit instantiation
        return False
    head = (behind_template(words, head), head[1])
    first = words[head[0]]
    if first in (
        "using",
        "typedef",
        "template",
        "static_assert",
        "struct",
        "class",
        "enum",
        "union",
        "extern",
        "",
    ):
        return False
    texts = _texts(words, head)
    if {"=", "constant", "function_constant"} & set(texts) and "operator" not in texts:
        return "(" not in texts or texts[0] not in ("inline", "static") or "=" in texts
    return "(" not in texts and "operator" not in texts and len(texts) >= 2


def types_of(words: Words, function: Function) -> tuple[str, ...]:
    """The types of a function's parameters, which tell overloads apart."""
    return tuple(_type_of(words, span) for span in function.parameters)


def _type_of(words: Words, span: Span) -> str:
    texts = [text for text in _texts(words, span) if text != "const"]
    return " ".join(texts[:-1] if len(texts) > 1 and texts[-1].isidentifier() else texts)


def _texts(words: Words, span: Span) -> list[str]:
    return [words[at] for at in range(*span)]


def calls_in(words: Words, span: Span) -> Iterator[int]:
    """Where names are called, or types constructed: a word in front of a parenthesis."""
    for at in range(*span):
        if words.is_word(at) and words[at + 1] == "(" and words[at] not in _NO_NAMES:
            yield at

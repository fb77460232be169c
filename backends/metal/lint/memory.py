"""How much threadgroup memory a kernel declares, also one that a template gives.

Sizes are those that the text gives; what it does not give counts as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from backends.metal.lint.numbers import Numbers, known_numbers, value_of
from backends.metal.lint.outline import Function, Outline, Span
from backends.metal.lint.words import Words

ELEMENT_BYTES = {
    "bool": 1, "char": 1, "uchar": 1, "int8_t": 1, "uint8_t": 1, "short": 2, "ushort": 2, "half": 2,
    "bfloat": 2, "int16_t": 2, "uint16_t": 2, "int": 4, "uint": 4, "float": 4, "int32_t": 4,
    "uint32_t": 4, "long": 8, "ulong": 8, "int64_t": 8, "uint64_t": 8, "size_t": 8,
}  # fmt: skip
VECTOR = re.compile(r"(bool|u?char|u?short|u?int|u?long|half|bfloat|float)([234])")


@dataclass(frozen=True, slots=True)
class Layout:
    """Bytes of a type, and of how many its addresses are multiples."""

    size: int
    alignment: int


Layouts = Mapping[str, Layout | None]  # None: a name of several types
_NEUTRAL = frozenset("const volatile struct static typename metal ::".split())
_NOT_PLAIN = frozenset("( { : static using template typedef alignas * &".split())


@dataclass(frozen=True, slots=True)
class Instance:
    """`template [[host_name("a")]] kernel void f<9>(...);`, or `kernel decltype(f<9>) f<9>;` for short: a
    function's template, and what it is given.
    """

    name: str
    at: int
    texts: tuple[str, ...]
    arguments: tuple[Span, ...]


def instances(words: Words) -> Iterator[Instance]:
    """The explicit instantiations of functions."""
    for at in words.places("template"):
        if words[at + 1] == "<" or words[at - 1] not in ("", ";", "}"):
            continue
        end = semicolon(words, at)
        texts = tuple(words[n] for n in range(at, end))
        for opening in range(at + 2, end):
            closing = words.matching(opening) if words[opening] == "<" else end
            if closing < end and words[closing + 1] in ("(", ";") and words.is_word(opening - 1):
                given = tuple(words.split(opening + 1, closing))
                yield Instance(words[opening - 1], at, texts, given)
                break


def template_names(words: Words, function: Function) -> list[tuple[str, Span | None]]:
    """The parameters of a function's template, each with its default."""
    first = function.head[0]
    if words[first] != "template" or words[first + 1] != "<":
        return []
    found: list[tuple[str, Span | None]] = []
    for start, end in words.split(first + 2, words.matching(first + 1)):
        equals = next((at for at in range(start, end) if words[at] == "="), end)
        found.append((words[equals - 1], (equals + 1, end) if equals < end else None))
    return found


def instantiated(
    words: Words, function: Function, instance: Instance | None, numbers: Numbers, layouts: Layouts
) -> tuple[Numbers, Layouts]:
    """The values and types of names in a body whose template is given these arguments, or unknown ones."""
    names, types = dict(numbers), dict(layouts)
    for position, (name, given) in enumerate(template_names(words, function)):
        if instance is None:
            given = None
        elif position < len(instance.arguments):
            given = instance.arguments[position]
        names[name] = None if given is None else value_of(words, given, names)
        types[name] = None if given is None else layout_of(words, given, types, names)
    return names | known_numbers(words, function.body, names), types


def known_layouts(words: Words, outline: Outline, numbers: Numbers) -> Layouts:
    """The types that a text names: by `typedef` and `using`, and its plain structs."""
    found: dict[str, Layout | None] = {}
    heads = {keyword: brace for keyword, brace in outline.classes if words[keyword] == "struct"}
    for at, word in enumerate(words):
        name, layout = "", None
        if word == "using" and words[at + 2] == "=":
            name, layout = words[at + 1], layout_of(words, (at + 3, semicolon(words, at)), found, numbers)
        elif word == "typedef" and words[at + 1] != "struct":
            last = semicolon(words, at) - 1
            name, layout = words[last], layout_of(words, (at + 1, last), found, numbers)
        elif at in heads:
            name, layout = words[at + 1], _layout_of_struct(words, at, heads[at], found, numbers)
        if name:
            found[name] = layout if found.get(name, layout) == layout else None
    return found


def _layout_of_struct(words: Words, at: int, brace: int, known: Layouts, numbers: Numbers) -> Layout | None:
    """Only of one with no methods, bases, bit fields or attributes: `struct S { float a[4]; int b, c; };`."""
    last = words.matching(brace)
    is_plain = brace == at + 2 and words[at - 1] != ">"
    if not is_plain or _NOT_PLAIN & {words[n] for n in range(brace + 1, last)}:
        return None
    size, alignment, start = 0, 1, brace + 1
    while start < last:
        end = semicolon(words, start)
        for layout in _layouts_in(words, (start, end), known, numbers):
            if layout is None:
                return None
            size = -(-size // layout.alignment) * layout.alignment + layout.size
            alignment = max(alignment, layout.alignment)
        start = end + 1
    return Layout(-(-size // alignment) * alignment, alignment)


def _layouts_in(words: Words, span: Span, known: Layouts, numbers: Numbers) -> Iterator[Layout | None]:
    """Of each variable in `float a[4], b`."""
    first = _first_name(words, span)
    of_type = layout_of(words, (span[0], first), known, numbers)
    for start, end in words.split(first, span[1]):
        lengths = [
            value_of(words, (at + 1, words.matching(at)), numbers)
            for at in range(start, end)
            if words[at] == "["
        ]
        if of_type is None or None in lengths:
            yield None
        else:
            yield Layout(of_type.size * prod(it for it in lengths if it is not None), of_type.alignment)


def _first_name(words: Words, span: Span) -> int:
    """Where the first variable of a declaration is named: the last word in front of `[`, `,` or the end."""
    at = span[0]
    while at < span[1] and words[at] not in ("[", ",", "=", "[["):
        at = words.matching(at) + 1 if words[at] in ("<", "(") else at + 1
    return at - 1


def layout_of(words: Words, span: Span, known: Layouts, numbers: Numbers) -> Layout | None:
    """The size of a type's words; None where the text does not give it."""
    texts = [words[at] for at in range(*span)]
    if texts[:2] == ["alignas", "("]:
        span = (words.matching(span[0] + 1) + 1, span[1])
    places = [at for at in range(*span) if words[at] not in _NEUTRAL]
    texts = [words[at] for at in places]
    if texts[1:2] == ["<"] and texts[-1] == ">" and texts[0] in ("vec", "array"):
        given = list(words.split(places[1] + 1, places[-1]))
        of_element = layout_of(words, given[0], known, numbers) if len(given) == 2 else None
        count = value_of(words, given[1], numbers) if len(given) == 2 else None
        if of_element is None or count is None:
            return None
        return _vector(of_element.size, count) if texts[0] == "vec" else _array(of_element, count)
    match texts:
        case ["unsigned" | "signed"]:
            return Layout(4, 4)
        case [name] | ["unsigned" | "signed", name]:
            return known[name] if name in known else _built_in(name)
        case _:
            return None


def _built_in(name: str) -> Layout | None:
    vector = VECTOR.fullmatch(name)
    if vector is not None:
        return _vector(ELEMENT_BYTES[vector[1]], int(vector[2]))
    size = ELEMENT_BYTES.get({"atomic_int": "int", "atomic_uint": "uint"}.get(name, name))
    return None if size is None else Layout(size, size)


def _vector(size: int, count: int) -> Layout:
    whole = size * (4 if count == 3 else count)
    return Layout(whole, whole)


def _array(element: Layout, count: int) -> Layout:
    return Layout(element.size * count, element.alignment)


def shared_variables(words: Words, body: Span) -> Iterator[Span]:
    """A body's declarations in threadgroup memory, behind that word; not those of pointers and references,
    nor those that a template may leave out.
    """
    at = body[0]
    while words.places("threadgroup", (at, body[1])):
        if words[at] == "if" and words[at + 1] == "constexpr":
            at = _behind_branches(words, at)
            continue
        if words[at] == "threadgroup" and words[at - 1] in (";", "{", "}", "static"):
            span = (at + 1, semicolon(words, at))
            named = _first_name(words, span)
            if not {"*", "&", "="} & {words[n] for n in (*range(at, named), named + 1)}:
                yield span
        at += 1


def _behind_branches(words: Words, at: int) -> int:
    """Behind `if constexpr (...) {...} else {...}`."""
    at += 1 + (words[at + 1] == "constexpr")
    while True:
        at = words.matching(at) + 1 if words[at] == "(" else at
        at = (words.matching(at) if words[at] == "{" else semicolon(words, at)) + 1
        if words[at] != "else":
            return at
        at += 1
        if words[at] == "if":
            at += 1 + (words[at + 1] == "constexpr")


def shared_bytes(words: Words, body: Span, numbers: Numbers, layouts: Layouts) -> int:
    """What a body's threadgroup variables take."""
    found = 0
    for span in shared_variables(words, body):
        found += sum(it.size for it in _layouts_in(words, span, layouts, numbers) if it is not None)
    return found


def semicolon(words: Words, at: int) -> int:
    return next(iter(words.places(";", (at, len(words)))), max(at, len(words)))

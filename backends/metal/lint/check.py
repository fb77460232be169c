"""The rules, one function each, in the order in which their findings are shown.

The shader's text is read as it ships, before any preprocessing but the expansion of macros. What needs types
(which space an expression points into, say) is decided from the names that a function declares, so a rule
stays silent where it cannot tell.
The restrictions are those of the Metal Shading Language Specification, chapter 1 and 4 and the limits of
the Metal feature set tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

from backends.metal.lint.numbers import Numbers, known_numbers, value_of
from backends.metal.lint.outline import Function, Outline, Span, calls_in, outline_of, types_of
from backends.metal.lint.words import Macros, Words
from kernel_ir.names import MSL

MOST_BUFFERS = 31
MOST_THREADGROUP_BYTES = 32 * 1024
MOST_THREADS = 1024
SPACES = frozenset(("device", "constant", "threadgroup", "thread"))
ELEMENT_BYTES = {
    "bool": 1, "char": 1, "uchar": 1, "int8_t": 1, "uint8_t": 1, "short": 2, "ushort": 2, "half": 2,
    "bfloat": 2, "int16_t": 2, "uint16_t": 2, "int": 4, "uint": 4, "float": 4, "int32_t": 4,
    "uint32_t": 4, "long": 8, "ulong": 8, "int64_t": 8, "uint64_t": 8, "size_t": 8,
}  # fmt: skip
_VECTOR = re.compile(r"(bool|u?char|u?short|u?int|u?long|half|bfloat|float)([234])")

# Words that no shader may contain, and what is wrong with each.
REFUSED = {
    **dict.fromkeys(("double", "double2", "double3", "double4"), "Metal has no double"),
    **dict.fromkeys(("try", "throw", "catch"), "Metal has no exceptions"),
    **dict.fromkeys(("new", "delete"), "Metal has no dynamic memory"),
    **dict.fromkeys(("dynamic_cast", "typeid", "virtual"), "Metal has no run-time types"),
    **dict.fromkeys(("register", "thread_local", "asm"), "Metal does not have this keyword"),
    "goto": "Metal has no goto",
    "std": "Metal has no standard C++ library; its own is the namespace metal",
}
_QUALIFIERS = SPACES | set("const constexpr static inline unsigned signed volatile typename struct".split())


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and at which line of the text."""

    rule: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Shader:
    words: Words
    outline: Outline


def lint(text: str, macros: Macros | None = None) -> list[Finding]:
    """What Metal refuses in a shader's text, by line. `macros` are those of headers that it includes."""
    words = Words(text, macros or {})
    shader = Shader(words, outline_of(words))
    return sorted((item for rule in RULES for item in rule(shader)), key=lambda item: (item.line, item.rule))


def refused_words(shader: Shader) -> Iterator[Finding]:
    words = shader.words
    for at in range(len(words)):
        reason = REFUSED.get(words[at]) if words.is_word(at) else None
        if reason is not None and not (words[at] == "delete" and words[at - 1] == "="):
            yield Finding("refused word", words.line(at), f"`{words[at]}`: {reason}")


def recursion(shader: Shader) -> Iterator[Finding]:
    """A function that calls itself through functions of the same text, with as many arguments."""
    words = shader.words
    overloads: dict[Identity, set[tuple[str, ...]]] = {}
    for item in (*shader.outline.functions, *shader.outline.prototypes):
        overloads.setdefault(item.identity, set()).add(types_of(words, item))
    functions = shader.outline.functions
    known = {item.identity: item for item in functions if len(overloads[item.identity]) == 1}
    calls = {name: set(_called(words, item, known)) for name, item in known.items()}
    for name, item in known.items():
        reached, left = set(), list(calls[name])
        while left:
            other = left.pop()
            if other not in reached:
                reached.add(other)
                left += calls[other]
        if name in reached:
            yield Finding("recursion", words.line(item.body[0] - 1), f"`{item.name}` calls itself")


Identity = tuple[tuple[str, ...], str, int]


def _called(words: Words, function: Function, known: dict[Identity, Function]) -> Iterator[Identity]:
    """Unqualified calls, looked up from the innermost scope outwards."""
    for at in calls_in(words, function.body):
        is_own = words[at - 1] == "->" and words[at - 2] == "this"
        if words[at - 1] in ("::", ".", "->") and not is_own:
            continue
        count = len(list(words.split(at + 2, words.matching(at + 1))))
        for depth in range(len(function.scope), -1, -1):
            identity = (function.scope[:depth], words[at], count)
            if identity in known:
                yield identity
                break


def initialisers(shader: Shader) -> Iterator[Finding]:
    """Variables outside of functions are constant, and their values known to the compiler."""
    words = shader.words
    for variable in shader.outline.variables:
        first, last = variable.span
        texts = [words[at] for at in range(first, last)]
        if "constant" not in texts and not any(text.isupper() and text.isidentifier() for text in texts[:2]):
            message = "a variable outside of functions must be in the address space `constant`"
            yield Finding("program scope", words.line(first), message)
        opening = next((n for n, text in enumerate(texts) if text in ("=", "{", "(")), None)
        if "constexpr" not in texts and "function_constant" not in texts and opening is not None:
            yield from _dynamic(words, (first + opening, last))
    for function in shader.outline.functions:
        for at in range(*function.body):
            if words[at] == "static" and "constexpr" not in (words[at + 1], words[at + 2]):
                message = "a static variable of a function must be `constexpr constant`"
                yield Finding("program scope", words.line(at), message)


def _dynamic(words: Words, span: Span) -> Iterator[Finding]:
    for at in calls_in(words, span):
        name = words[at]
        is_type = name in ELEMENT_BYTES or _VECTOR.fullmatch(name)
        is_limit = words[at - 1] == "::" and "numeric_limits" in (words[n] for n in range(at - 8, at))
        if not is_type and not is_limit and name != "is_function_constant_defined":
            message = f"the initialiser calls `{name}`; it must be known to the compiler"
            yield Finding("dynamic initialiser", words.line(at), message)


def lambdas(shader: Shader) -> Iterator[Finding]:
    """`[` opens a lambda where no value or name stands before it."""
    words = shader.words
    for at in range(len(words)):
        before = words[at - 1]
        follows_value = words.is_word(at - 1) and before not in ("return", "else")
        if words[at] != "[" or follows_value or before in (")", "]", "]]", ">"):
            continue
        if words[words.matching(at) + 1] in ("(", "{", "mutable"):
            yield Finding("lambda", words.line(at), "Metal has no lambdas")


def address_spaces(shader: Shader) -> Iterator[Finding]:
    """Parameters that point have an address space, and casts stay within it."""
    words = shader.words
    for function in shader.outline.functions:
        spaces: dict[str, str] = {}
        for span in function.parameters:
            texts = [words[at] for at in range(*span)]
            declared = [text for text in texts if text in SPACES]
            if not {"*", "&", "&&"} & set(texts):
                continue
            if declared:
                spaces |= {text: declared[0] for text in texts if text.isidentifier()}
            elif "(" not in texts:
                message = f"`{' '.join(texts)}` points, and names no address space"
                yield Finding("address space", words.line(span[0]), message)
        spaces |= dict(_local_spaces(words, function.body))
        known = {name: space for name, space in spaces.items() if name not in SPACES}
        yield from _casts(words, function.body, known)


def _local_spaces(words: Words, body: Span) -> Iterator[tuple[str, str]]:
    """Pointers that a body declares, and its threadgroup arrays, with the space that they point into."""
    for at in range(*body):
        if words[at] not in SPACES or words[at - 1] in ("<", "("):
            continue
        end = at
        while end < body[1] and words[end] not in (";", "=", "(", "{"):
            end += 1
        texts = [words[n] for n in range(at, end)]
        stars = [n for n, text in enumerate(texts) if text in ("*", "&")]
        if stars and stars[-1] + 1 < len(texts):
            yield texts[stars[-1] + 1], words[at]
        elif words[at] == "threadgroup" and "[" in texts:
            yield texts[texts.index("[") - 1], "threadgroup"


def _casts(words: Words, body: Span, spaces: dict[str, str]) -> Iterator[Finding]:
    for at in range(*body):
        if words[at] in ("reinterpret_cast", "static_cast", "const_cast") and words[at + 1] == "<":
            closing = words.matching(at + 1)
            span, value = (at + 2, closing), closing + 2
        elif words[at] == "(" and words[words.matching(at) - 1] == "*":
            closing = words.matching(at)
            span, value = (at + 1, closing), closing + 1
        else:
            continue
        texts = [words[n] for n in range(*span)]
        if not texts or texts[-1] not in ("*", "&"):
            continue
        target = next((text for text in texts if text in SPACES), None)
        name = words[value + (words[value] in ("&", "*", "("))]
        if target is None:
            message = f"the cast to `{' '.join(texts)}` names no address space"
            yield Finding("address space", words.line(at), message)
        elif spaces.get(name, target) != target:
            message = f"the cast to `{target}` of `{name}`, which points to `{spaces[name]}`"
            yield Finding("address space", words.line(at), message)


def vector_casts(shader: Shader) -> Iterator[Finding]:
    """`(float4)v`: C++ compilers with vector extensions copy bits where Metal converts."""
    words = shader.words
    for at in range(len(words)):
        first = at + 3 if words[at + 1] == "metal" and words[at + 2] == "::" else at + 1
        is_generic = words[first] == "vec" and words[first + 1] == "<"
        last = words.matching(first + 1) if is_generic else first
        is_cast = words[at] == "(" and words[last + 1] == ")"
        is_operand = words.is_word(last + 2) or words[last + 2] in ("(", "-", "~", "!")
        if not is_cast or not is_operand or not (is_generic or _VECTOR.fullmatch(words[first])):
            continue
        if words[at - 1] == "return" or not words.is_word(at - 1):
            name = "".join(words[n] for n in range(first, last + 1))
            yield Finding("vector cast", words.line(at), f"write {name}(...) for the cast `({name})`")


def reserved_names(shader: Shader) -> Iterator[Finding]:
    """Declarations under a name that Metal has a meaning for."""
    words = shader.words
    for at in range(len(words)):
        if words[at] not in MSL or words[at - 1] in _QUALIFIERS | {"return", "namespace", "using"}:
            continue
        before = words[at - 1]
        is_typed = before == "void" or before in ELEMENT_BYTES or _VECTOR.fullmatch(before)
        is_declared = words.is_word(at - 1) and words[at + 1] in ("=", ";", "[", ",")
        if is_declared or (is_typed and words[at + 1] in ("(", ")", "{")):
            yield Finding("reserved name", words.line(at), f"`{words[at]}` is a word of Metal's")


def kernel_limits(shader: Shader) -> Iterator[Finding]:
    """Buffers, threadgroup memory and threads of each kernel."""
    words = shader.words
    numbers = known_numbers(words)
    for function in shader.outline.functions:
        head = [words[at] for at in range(*function.head)]
        if "kernel" not in head:
            continue
        line = words.line(function.head[0])
        buffers = [span for span in function.parameters if _is_buffer(words, span)]
        indices = [_index(words, span, n, numbers) for n, span in enumerate(buffers)]
        highest = max(indices, default=-1)
        for index in sorted({index for index in indices if indices.count(index) > 1}):
            yield Finding("buffers", line, f"`{function.name}` binds two parameters to buffer {index}")
        if len(buffers) > MOST_BUFFERS or highest >= MOST_BUFFERS:
            count = max(len(buffers), highest + 1)
            yield Finding(
                "buffers", line, f"`{function.name}` binds {count} buffers; Metal has {MOST_BUFFERS}"
            )
        used = sum(_shared_bytes(words, function.body, numbers))
        if used > MOST_THREADGROUP_BYTES:
            message = f"`{function.name}` has {used} bytes in threadgroup memory of {MOST_THREADGROUP_BYTES}"
            yield Finding("threadgroup memory", line, message)
        if "max_total_threads_per_threadgroup" in head:
            at = function.head[0] + head.index("max_total_threads_per_threadgroup") + 1
            threads = value_of(words, (at + 1, words.matching(at)), numbers)
            if threads is not None and threads > MOST_THREADS:
                message = f"`{function.name}` asks for {threads} threads; a threadgroup has {MOST_THREADS}"
                yield Finding("threads", line, message)


def _is_buffer(words: Words, span: Span) -> bool:
    texts = [words[at] for at in range(*span)]
    return "buffer" in texts or ("[[" not in texts and bool({"device", "constant"} & set(texts)))


def _index(words: Words, span: Span, position: int, numbers: Numbers) -> int:
    """The buffer of a parameter: as it says, or by its place."""
    texts = [words[at] for at in range(*span)]
    if "buffer" not in texts:
        return position
    at = span[0] + texts.index("buffer") + 1
    given = value_of(words, (at + 1, words.matching(at)), numbers)
    return position if given is None else given


def _shared_bytes(words: Words, body: Span, numbers: Numbers) -> Iterator[int]:
    """The sizes of a body's threadgroup variables whose lengths the text gives."""
    for at in range(*body):
        if words[at] != "threadgroup" or words[at - 1] not in (";", "{", "}"):
            continue
        name = words[at + 1]
        vector = _VECTOR.fullmatch(name)
        size = ELEMENT_BYTES.get(vector[1] if vector else name, 0)
        lanes = {None: 1, "2": 2, "3": 4, "4": 4}[vector[2] if vector else None]
        for first, last in words.split(at + 2, _semicolon(words, at)):
            texts = [words[n] for n in range(first, last)]
            if "=" not in texts and words[at + 2] not in ("*", "&"):
                yield size * lanes * prod(_lengths(words, (first, last), numbers))


def _lengths(words: Words, span: Span, numbers: Numbers) -> Iterator[int]:
    for at in range(*span):
        if words[at] == "[":
            yield value_of(words, (at + 1, words.matching(at)), numbers) or 0


def _semicolon(words: Words, at: int) -> int:
    while at < len(words) and words[at] != ";":
        at += 1
    return at


RULES: tuple[Callable[[Shader], Iterator[Finding]], ...] = (
    refused_words, recursion, initialisers, lambdas, address_spaces, vector_casts,
    reserved_names, kernel_limits,
)  # fmt: skip

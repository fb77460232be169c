"""The rules, one function each, in the order in which their findings are shown.

The shader's text is read as it ships, with its conditions evaluated and its macros expanded. What needs types
(which space an expression points into, say) is decided from the names that a function declares, so a rule
stays silent where it cannot tell.
The restrictions are those of the Metal Shading Language Specification, chapter 1 and 4 and the limits of
the Metal feature set tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backends.metal.lint.conditions import live_text
from backends.metal.lint.memory import (
    ELEMENT_BYTES,
    VECTOR,
    Instance,
    Layouts,
    instances,
    instantiated,
    known_layouts,
    shared_bytes,
    shared_variables,
)
from backends.metal.lint.numbers import Numbers, known_numbers, value_of
from backends.metal.lint.outline import (
    Function,
    Outline,
    Span,
    behind_template,
    calls_in,
    outline_of,
    types_of,
)
from backends.metal.lint.words import Macros, Words
from kernel_ir.names import MSL

MOST_BUFFERS = 31
MOST_THREADGROUP_BYTES = 32 * 1024
MOST_THREADS = 1024
STAGES = frozenset(("vertex", "fragment", "mesh", "object", "tile", "stitchable", "visible"))
SPACES = frozenset(("device", "constant", "threadgroup", "thread"))

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
    live = live_text(text, macros or {})
    words = Words(live.text, macros or {})
    shader = Shader(words, outline_of(words))
    found = [item for rule in RULES for item in rule(shader) if item.line not in live.undecided]
    return sorted(found, key=lambda item: (item.line, item.rule))


def refused_words(shader: Shader) -> Iterator[Finding]:
    words = shader.words
    for at, word in enumerate(words):
        if word in REFUSED and words.is_word(at) and not (word == "delete" and words[at - 1] == "="):
            yield Finding("refused word", words.line(at), f"`{word}`: {REFUSED[word]}")


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
    late = _known_late(shader)
    for variable in shader.outline.variables:
        first, last = variable.span
        texts = [words[at] for at in range(first, last)]
        if "constant" not in texts and not any(text.isupper() and text.isidentifier() for text in texts[:2]):
            message = "a variable outside of functions must be in the address space `constant`"
            yield Finding("program scope", words.line(first), message)
        opening = next((n for n, text in enumerate(texts) if text in ("=", "{", "(")), None)
        if "constexpr" not in texts and "function_constant" not in texts and opening is not None:
            yield from _dynamic(words, (first + opening, last), late)
    for function in shader.outline.functions:
        for at in words.places("static", function.body):
            if "constexpr" not in (words[at + 1], words[at + 2]):
                message = "a static variable of a function must be `constexpr constant`"
                yield Finding("program scope", words.line(at), message)


def _known_late(shader: Shader) -> set[str]:
    """Functions of the text whose value no call gives the compiler: none of that name is `constexpr`."""
    words = shader.words
    late: set[str] = set()
    early = {words[keyword + 1] for keyword, _ in shader.outline.classes}
    for item in (*shader.outline.functions, *shader.outline.prototypes):
        names = early if "constexpr" in (words[at] for at in range(*item.head)) else late
        names.add(item.name)
    return late - early


def _dynamic(words: Words, span: Span, late: set[str]) -> Iterator[Finding]:
    for at in calls_in(words, span):
        name = words[at]
        if name in late and words[at - 1] not in ("::", ".", "->"):
            message = f"the initialiser calls `{name}`; it must be known to the compiler"
            yield Finding("dynamic initialiser", words.line(at), message)


def lambdas(shader: Shader) -> Iterator[Finding]:
    """`[` opens a lambda where no value or name stands before it."""
    words = shader.words
    for at in words.places("["):
        before = words[at - 1]
        follows_value = words.is_word(at - 1) and before not in ("return", "else")
        if follows_value or before in (")", "]", "]]", ">"):
            continue
        if words[words.matching(at) + 1] in ("(", "{", "mutable"):
            yield Finding("lambda", words.line(at), "Metal has no lambdas")


def address_spaces(shader: Shader) -> Iterator[Finding]:
    """Parameters that point have an address space, and casts stay within it."""
    words = shader.words
    for function in shader.outline.functions:
        places: list[tuple[str, _Place]] = []
        for span in function.parameters:
            texts = _declared(words, span)
            declared = [text for text in texts if text in SPACES]
            signs = [text for text in texts if text in ("*", "&", "&&")]
            if not signs:
                continue
            if declared:
                if len({*declared}) == len({*signs}) == 1:
                    places.append((texts[-1], _Place(declared[0], signs[0])))
            elif "(" not in texts and not any(_is_macro(text) for text in texts):
                message = f"`{' '.join(texts)}` points, and names no address space"
                yield Finding("address space", words.line(span[0]), message)
        places += _local_places(words, function.body)
        names = [name for name, _ in places]
        known = {name: it for name, it in places if names.count(name) == 1 and name.isidentifier()}
        for name in _declared_otherwise(words, function.body, known):
            known.pop(name, None)
        yield from _casts(words, function.body, known)


@dataclass(frozen=True, slots=True)
class _Place:
    """The space of a name: of what it points to where `sign` is `*`, else of the reference or array."""

    space: str
    sign: str


def _declared(words: Words, span: Span) -> list[str]:
    """A parameter without its attributes and its default."""
    texts: list[str] = []
    at = span[0]
    while at < span[1] and words[at] != "=":
        if words[at] == "[[":
            at = words.matching(at)
        else:
            texts.append(words[at])
        at += 1
    return texts


def _is_macro(text: str) -> bool:
    """Whether a word may stand for others: of a header that is not here."""
    return text.isidentifier() and text.isupper() and len(text) > 1


def _local_places(words: Words, body: Span) -> Iterator[tuple[str, _Place]]:
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
            yield texts[stars[-1] + 1], _Place(words[at], texts[stars[-1]])
        elif words[at] == "threadgroup" and "[" in texts:
            yield texts[texts.index("[") - 1], _Place("threadgroup", "[")


def _declared_otherwise(words: Words, body: Span, places: dict[str, _Place]) -> Iterator[str]:
    """Names that a body declares again, as what their words alone do not tell."""
    for at in range(*body):
        place = places.get(words[at])
        if place is None or words[at - 1] in ("return", "else"):
            continue
        is_array = place.sign == "[" and words[at + 1] == "["
        is_auto = words[at - 1] in ("*", "&") and "auto" in (words[at - 2], words[at - 3])
        if is_auto or (words.is_word(at - 1) and not is_array):
            yield words[at]


def _casts(words: Words, body: Span, places: dict[str, _Place]) -> Iterator[Finding]:
    for at in range(*body):
        if words[at] in ("reinterpret_cast", "static_cast", "const_cast") and words[at + 1] == "<":
            closing = words.matching(at + 1)
            if words[closing + 1] != "(":
                continue
            span, operand = (at + 2, closing), (closing + 2, words.matching(closing + 1))
        elif words[at] == "(" and words[words.matching(at) - 1] == "*":
            closing = words.matching(at)
            span, operand = (at + 1, closing), _operand(words, closing + 1)
        else:
            continue
        texts = [words[n] for n in range(*span)]
        if not texts or texts[-1] not in ("*", "&"):
            continue
        target = next((text for text in texts if text in SPACES), None)
        if target is None:
            message = f"the cast to `{' '.join(texts)}` names no address space"
            yield Finding("address space", words.line(at), message)
            continue
        name = _pointer_in(words, operand, places, is_reference=texts[-1] == "&")
        if name is not None and places[name].space != target:
            message = f"the cast to `{target}` of `{name}`, which points to `{places[name].space}`"
            yield Finding("address space", words.line(at), message)


def _operand(words: Words, at: int) -> Span:
    """What a C cast binds to; nothing where it is no name or bracket, or one that is read through."""
    first = at
    at += words[at] == "&"
    if words[at] == "(" and first == at:
        first, last = at + 1, words.matching(at)
        return (first, first) if words[last + 1] in _READS else (first, last)
    while words.is_word(at) or (words[at] in ("::", ".", "->") and words.is_word(at + 1)):
        at += 1
    while words[at] == "[":
        at = words.matching(at) + 1
    return first, at


_READS = frozenset(("[", ".", "->", "("))


def _pointer_in(words: Words, span: Span, places: dict[str, _Place], *, is_reference: bool) -> str | None:
    """The one pointer of a sum like `x + 4`, or whose element is in `&x[4]`; None where that is not sure."""
    first, last = span
    if first < last and words[first] == "&":
        name, behind = words[first + 1], first + 2
        if name not in places or is_reference:
            return None
        is_element = words[behind] in ("[", "->") and behind < last
        rest = words.matching(behind) if is_element and words[behind] == "[" else behind
        is_read = {"[", "->", "&"} & {words[at] for at in range(rest + 1, last)}
        return name if not is_read and (is_element or places[name].sign != "*") else None
    found: list[str] = []
    for at in range(first, last):
        if words[at] in _NO_SUM:
            return None
        ends = at + 1 == last or words[at + 1] in ("+", "-")
        if words[at] in places and ends and (at == first or words[at - 1] == "+"):
            found.append(words[at])
    if len(found) != 1 or places[found[0]].sign == ("*" if is_reference else "&"):
        return None
    return found[0]


_NO_SUM = frozenset("( [ { ? < > == && || * . ->".split())


def vector_casts(shader: Shader) -> Iterator[Finding]:
    """`(float4)v`: C++ compilers with vector extensions copy bits where Metal converts."""
    words = shader.words
    for at in words.places("("):
        first = at + 3 if words[at + 1] == "metal" and words[at + 2] == "::" else at + 1
        is_generic = words[first] == "vec" and words[first + 1] == "<"
        last = words.matching(first + 1) if is_generic else first
        is_operand = words.is_word(last + 2) or words[last + 2] in ("(", "-", "~", "!")
        if words[last + 1] != ")" or not is_operand or not (is_generic or VECTOR.fullmatch(words[first])):
            continue
        if words[at - 1] == "return" or not words.is_word(at - 1):
            name = "".join(words[n] for n in range(first, last + 1))
            yield Finding("vector cast", words.line(at), f"write {name}(...) for the cast `({name})`")


def reserved_names(shader: Shader) -> Iterator[Finding]:
    """Declarations under a name that Metal has a meaning for."""
    words = shader.words
    for at, word in enumerate(words):
        if word not in MSL or words[at - 1] in _QUALIFIERS | {"return", "namespace", "using"}:
            continue
        before = words[at - 1]
        is_typed = before == "void" or before in ELEMENT_BYTES or VECTOR.fullmatch(before)
        is_declared = words.is_word(at - 1) and words[at + 1] in ("=", ";", "[", ",")
        if is_declared or (is_typed and words[at + 1] in ("(", ")", "{")):
            yield Finding("reserved name", words.line(at), f"`{word}` is a word of Metal's")


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
        asked = _argument(words, function.head, "max_total_threads_per_threadgroup")
        if asked is not None:
            threads = value_of(words, asked, numbers)
            if threads is not None and threads > MOST_THREADS:
                message = f"`{function.name}` asks for {threads} threads; a threadgroup has {MOST_THREADS}"
                yield Finding("threads", line, message)


def _is_buffer(words: Words, span: Span) -> bool:
    texts = [words[at] for at in range(*span)]
    is_said = _argument(words, span, "buffer") is not None
    return is_said or ("[[" not in texts and bool({"device", "constant"} & set(texts)))


def _index(words: Words, span: Span, position: int, numbers: Numbers) -> int:
    """The buffer of a parameter: as it says, or by its place."""
    said = _argument(words, span, "buffer")
    given = None if said is None else value_of(words, said, numbers)
    return position if given is None else given


def _argument(words: Words, span: Span, name: str) -> Span | None:
    """What an attribute is given: `0` of `[[buffer(0)]]`."""
    for at in range(*span):
        if words[at] == name and words[at + 1] == "(":
            return at + 2, words.matching(at + 1)
    return None


def threadgroup_memory(shader: Shader) -> Iterator[Finding]:
    """What each kernel, or each instance of its template, takes; other functions have none."""
    words = shader.words
    numbers = known_numbers(words)
    layouts = known_layouts(words, shader.outline, numbers)
    made = list(instances(words))
    for function in shader.outline.functions:
        own = [item for item in made if item.name == function.name]
        is_kernel = "kernel" in _head(words, function) or any("kernel" in item.texts for item in own)
        is_one = [item.name for item in shader.outline.functions].count(function.name) == 1
        if is_kernel and any(shared_variables(words, function.body)):
            for instance in own if own and is_one else (None,):
                yield from _memory_of(words, function, instance, numbers, layouts)
        elif not _may_have_stage(words, function):
            for first, _ in shared_variables(words, function.body):
                message = f"`{function.name}` is no kernel; only those declare threadgroup variables"
                yield Finding("threadgroup memory", words.line(first), message)


def _memory_of(
    words: Words, function: Function, instance: Instance | None, numbers: Numbers, layouts: Layouts
) -> Iterator[Finding]:
    names, types = instantiated(words, function, instance, numbers, layouts)
    used = shared_bytes(words, function.body, names, types)
    if used > MOST_THREADGROUP_BYTES:
        line = words.line(function.head[0] if instance is None else instance.at)
        message = f"`{function.name}` has {used} bytes in threadgroup memory of {MOST_THREADGROUP_BYTES}"
        yield Finding("threadgroup memory", line, message)


def _head(words: Words, function: Function) -> list[str]:
    return [words[at] for at in range(*function.head)]


def _may_have_stage(words: Words, function: Function) -> bool:
    """Whether a function is an entry point other than a kernel, or a macro may make it one."""
    head = _head(words, function)
    return bool(STAGES & set(head)) or any(_is_macro(text) for text in head)


def signatures(shader: Shader) -> Iterator[Finding]:
    """Kernels return nothing, and no function takes any number of arguments as in C."""
    words = shader.words
    for function in shader.outline.functions:
        line = words.line(function.head[0])
        named = function.parameters[0][0] if function.parameters else function.head[1]
        result = _declared(words, (behind_template(words, function.head), named))
        gives = "<" not in result and any(_is_built_in(text) for text in result)
        if gives and "kernel" in _head(words, function):
            yield Finding("signature", line, f"`{function.name}` is a kernel, and returns a value")
        last = _declared(words, function.parameters[-1]) if function.parameters else []
        if last == [".", ".", "."] and words[function.head[0]] != "template":
            message = f"`{function.name}` takes any number of arguments, which only a template can"
            yield Finding("signature", line, message)


def _is_built_in(name: str) -> bool:
    return name in ELEMENT_BYTES or VECTOR.fullmatch(name) is not None


def repeated(shader: Shader) -> Iterator[Finding]:
    """One name of two kernels, one index of two function constants."""
    words = shader.words
    numbers = known_numbers(words)
    heads = [item.head for item in shader.outline.functions]
    heads += [(item.at, item.at + len(item.texts)) for item in instances(words)]
    names: set[str] = set()
    indices: set[int | None] = set()
    for at in sorted(at for head in heads for at in range(*head) if words[at] == "host_name"):
        closing = words.matching(at + 1) if words[at + 1] == "(" else at
        name = " ".join(words[n] for n in range(at + 2, closing))
        if name and name in names:
            yield Finding("repeated name", words.line(at), f"{name} is the name of two kernels")
        names.add(name)
    for first, last in (item.span for item in shader.outline.variables):
        said = _argument(words, (first, last), "function_constant")
        index = None if said is None else value_of(words, said, numbers)
        if index is not None and index in indices:
            message = f"two function constants have the index {index}"
            yield Finding("repeated name", words.line(first), message)
        indices.add(index)


RULES: tuple[Callable[[Shader], Iterator[Finding]], ...] = (
    refused_words, recursion, initialisers, lambdas, address_spaces, vector_casts,
    reserved_names, kernel_limits, threadgroup_memory, signatures, repeated,
)  # fmt: skip

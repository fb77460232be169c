"""A preprocessed Metal shader as C++ that the shim's headers and clang understand.

    [[kernel]] void scale(device float* x [[buffer(0)]], uint i [[thread_position_in_grid]]) { x[i] *= 2; }

becomes

    void scale(float* x, uint i) { x[i] *= 2; } static const emu::Slot ...; static const emu::Registered ...;
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path

from backends.metal.emulator.absent import refuse_absent
from backends.metal.emulator.comparisons import Comparisons
from backends.metal.emulator.indices import evaluate, integers
from backends.metal.emulator.overloads import drop_copies, is_constructors, methods_of_spaces, spaces
from backends.metal.emulator.pointers import note_casts
from backends.metal.emulator.reach import ASK, Mentions
from backends.metal.emulator.slots import BUFFER, KINDS, MOST_BUFFERS, POSITION, Slot, slot_of
from backends.metal.emulator.tokens import Tokens

MOST_CONSTANTS = 65536
ELEMENTS = "char uchar short ushort int uint long ulong half bfloat float bool".split()
VECTORS = frozenset(f"{element}{count}" for element in ELEMENTS for count in (2, 3, 4))
_VECTORS_BEGIN = VECTORS | {f"packed_{name}" for name in VECTORS} | {"vec"}
INLINE = frozenset({"always_inline", "__always_inline__"})  # such functions would be optimised
SPACES = {"device": "", "thread": "", "threadgroup": "", "constant": "const", "kernel": ""}
_BOOLEANS = {f"vec<bool,{count}>": f"bool{count}" for count in (2, 3, 4)}
# Names of types, those behind `struct alignas(8)` as well, and others that do no harm.
_TYPE = re.compile(r"(?:\b(?:struct|class|union|using|typename)\s+|\)\s*)(\w+)")
_HALF = re.compile(r"(.*\d\.?|.*\.)[hH]")

Attributes = dict[int, list[tuple[str, str]]]  # by the token that the attribute opens at


class Rewriter:
    """The steps, in an order in which each finds what it looks for; `run` gives the C++."""

    spaces = SPACES

    def __init__(self, source: str, library: Path) -> None:
        self.tokens = Tokens(source, library)
        self.attributes: Attributes = {}
        self.behind: dict[int, int] = {}  # the token behind an attribute, and where that attribute opens
        self.slots: dict[str, list[Slot]] = {}
        self.derived: dict[str, int | None] = {}  # function constants and what depends on them
        self.scopes: dict[str, str] = {}  # of function constants and what depends on them
        self.values: dict[str, range] = {}  # of those that depend on others: the tokens of their values
        self.threads: dict[str, str] = {}  # by kernel: the most threads of a threadgroup that it declares
        self.types = frozenset(_TYPE.findall(source))
        self.integers = integers(self.tokens)
        self.count = 0

    def run(self) -> str:
        self.tokens.require_pairs()
        refuse_absent(self.tokens, self.types)
        self._take_attributes()
        self._function_constants()
        self._threadgroup_variables()
        self._vectors()
        self._pointers()
        self._spellings()
        self._overloads()
        self._comparisons()
        self._kernels()
        self._instantiations()
        return self.tokens.text

    def _take_attributes(self) -> None:
        """`[[a, b(1)]]` is remembered where it stood and removed."""
        tokens = self.tokens
        last = -1
        for at in tokens.places("["):
            if at > last and tokens[at + 1] == "[":
                last = tokens.matching(at)
                self.attributes[at] = list(self._parse_attributes(at + 2, last - 1))
                self.behind[last + 1] = at
                tokens.replace_range(at, last + 1, " ")

    def _parse_attributes(self, first: int, last: int) -> Iterator[tuple[str, str]]:
        for begin, end in self.tokens.split(first, last):
            words = [self.tokens[n] for n in range(begin, end)]
            if not words:
                raise self.tokens.refusal(begin, "an attribute is missing beside a comma")
            yield words[0], "".join(words[2:-1])

    @cached_property
    def inside(self) -> frozenset[int]:
        """The tokens of attributes, asked for once all are taken."""
        return frozenset(n for at in self.attributes for n in range(at, self.tokens.matching(at) + 1))

    def _attributes_in(self, first: int, last: int) -> list[tuple[str, str]]:
        return [item for at in range(first, last) for item in self.attributes.get(at, ())]

    def _skip_attributes(self, at: int) -> int:
        while at in self.attributes:
            at = self.tokens.matching(at) + 1
        return at

    def _function_constants(self) -> None:
        """Constants that a launch sets, and those worked out from them, are set before each launch."""
        tokens = self.tokens
        for at in tokens.places("constant"):
            if not self._begins_statement(at):
                continue
            end = tokens.find(";", at)
            given = [value for name, value in self._attributes_in(at, end) if name == "function_constant"]
            if given:
                if len(self._constant_words(at, end)) < 2:
                    raise tokens.refusal(at, "a function constant has a type and a name")
                index = self._index(at, "function_constant", given[0])
                name = self._constant_name(at, end)
                value = f'emu::function_constant<{{type}}>({index}, {name}, "{name}")'
                self._set_constant(at, end, value)
                tokens.append(at, self._declare(index, name))
                self.derived[name] = index
                self.scopes[name] = self._scope(at)
            else:
                self._derived_constant(at, end)
        self._ask_for_constants(0, len(tokens))

    @cached_property
    def mentions(self) -> Mentions:
        """Asked for once all constants are known."""
        return Mentions(self.tokens, self.values)

    def _declare(self, index: int, name: str) -> str:
        """Tells a launch of a function constant."""
        return f'; static emu::Declared emu_declared_{name}({index}, "{name}", &{name})'

    def _index(self, at: int, attribute: str, written: str) -> int:
        """The number that an attribute's argument stands for. Raises ShaderError."""
        index = evaluate(written, self.integers)
        most = MOST_CONSTANTS if attribute == "function_constant" else MOST_BUFFERS
        if index is None:
            said = f"a number, or a constant integer's name, not `{written}`"
            raise self.tokens.refusal(at, f"expected in [[{attribute}(...)]] {said}")
        if not 0 <= index < most:
            raise self.tokens.refusal(at, f"[[{attribute}({index})]]: indices are 0 to {most - 1}")
        return index

    def _begins_statement(self, at: int) -> bool:
        while self.tokens[at - 1] in ("static", "constexpr", "const", "inline", "extern"):
            at -= 1
        return at == 0 or self.tokens[at - 1] in (";", "{", "}")

    def _derived_constant(self, at: int, end: int) -> None:
        equals = self.tokens.find("=", at)
        if equals >= end or not any(self.tokens[n] in self.derived for n in range(equals, end)):
            return
        if len(self._constant_words(at, end)) < 2:
            return  # the compiler says it
        self._ask_for_constants(equals, end)
        value = self.tokens.written(equals + 1, end).replace("{", "{{").replace("}", "}}")
        name = self._constant_name(at, end)
        self._set_constant(at, end, f"{value}; emu_derived(&{name}, sizeof {name})")
        self.derived[name] = None
        self.scopes[name] = self._scope(at)
        self.values[name] = range(equals, end)

    def _ask_for_constants(self, first: int, last: int) -> None:
        for n in self.tokens.places(ASK):
            if first <= n < last and self.tokens.current(n) == ASK and self.tokens[n + 1] == "(":
                asked = f"(emu_constant({self.derived.get(self.tokens[n + 2])}) != nullptr)"
                self.tokens.replace_range(n, self.tokens.matching(n + 1) + 1, asked)

    def _constant_words(self, at: int, end: int) -> list[str]:
        """The type and the name that tokens [at, end) declare."""
        words = []
        for n in range(at, end):
            if n in self.attributes or self.tokens[n] == "=":
                break
            if self.tokens[n] not in ("constant", "constexpr", "const", "static"):
                words.append(self.tokens[n])
        return words

    def _constant_name(self, at: int, end: int) -> str:
        return self._constant_words(at, end)[-1]

    def _set_constant(self, at: int, end: int, value: str) -> None:
        *kind, name = self._constant_words(at, end)
        written = " ".join(kind)
        setter = f"{name} = {value.format(type=written)};"
        text = f"static {written} {name}; static emu::Initialiser emu_set_{name}([] {{ {setter} }})"
        self.tokens.replace_range(at, end, text)

    def _threadgroup_variables(self) -> None:
        """A variable in threadgroup memory lives once for all threads, far from any other."""
        tokens = self.tokens
        for at in tokens.places("threadgroup"):
            if tokens[at - 1] in (";", "{", "}"):
                end = tokens.find(";", at)
                declared = [tokens[n] for n in range(at, min(end, len(tokens)))]
                if not {"*", "&", "("} & set(declared[: _first_array(declared)]):
                    tokens.replace_range(at, end, self._shared(at + 1, end))

    def _shared(self, first: int, end: int) -> str:
        parts = list(self.tokens.split(first, end))
        if first + 1 >= end or parts[0][1] - parts[0][0] < 2:
            raise self.tokens.refusal(first, "a variable has a type and a name")
        begin, last = parts[0]
        opening = self.tokens.find("[", begin)
        name_at = opening - 1 if opening < last else last - 1
        kind = self.tokens.written(begin, name_at)
        declarators = [(name_at, last), *parts[1:]]
        return "; ".join(self._shared_variable(kind, *each) for each in declarators)

    def _shared_variable(self, kind: str, first: int, last: int) -> str:
        name = self.tokens[first]
        sizes = self.tokens.written(first + 1, last) if first + 1 < last else ""
        return (
            f"typedef {kind} emu_type_{name}{sizes}; static emu::SharedKey emu_{name}; "
            f'auto& {name} = *(emu_type_{name}*)emu_share(&emu_{name}, sizeof(emu_type_{name}), "{name}")'
        )

    def _vectors(self) -> None:
        """Constructors, `static_cast` and C casts to vectors convert, as Metal's do."""
        tokens = self.tokens
        for at, word in enumerate(tokens):
            if word not in _VECTORS_BEGIN:
                continue
            packed = word.removeprefix("packed_")
            if packed != word and tokens[at + 1] == "(":
                tokens.replace(at, f"{word}(emu::make<{packed}>")
                tokens.append(tokens.matching(at + 1), ")")
            elif packed != word and self._declares_with_parts(at, at + 1):
                tokens.replace(at + 1, f"{tokens[at + 1]} = emu::make<{packed}>")
            last = self._vector_end(at)
            if last == at:
                continue
            kind = "".join(tokens[n] for n in range(at, last))
            if kind in _BOOLEANS:
                kind = _BOOLEANS[kind]
                tokens.replace_range(at, last, kind)
            if tokens[at - 2] == "static_cast" and tokens[at - 1] == "<" and tokens[last] == ">":
                tokens.replace(at - 2, "emu::make")
            elif tokens[last] == "(" and tokens[at - 1] not in ("operator", "."):
                first = at - 2 if tokens[at - 1] == "::" else at
                tokens.replace_range(first, last, f"emu::make<{kind}>")
            elif self._declares_with_parts(at, last):
                tokens.replace(last, f"{tokens[last]} = emu::make<{kind}>")
            elif self._is_cast(at - 1, last):
                tokens.replace_range(at - 1, last + 1, f"emu::Cast<{kind}>{{}}->*")

    def _declares_with_parts(self, at: int, name: int) -> bool:
        """Whether `float2 name(a, b);` stands here, a variable and no function."""
        tokens = self.tokens
        if tokens.kind(name) != "word" or tokens[name + 1] != "(" or tokens[name + 2] == ")":
            return False
        is_statement = tokens[at - 1] in (";", "{", "}", "const", "thread")
        has_names = tokens.kind(name + 2) == "word" and tokens.kind(name + 3) == "word"
        return is_statement and not has_names and tokens[tokens.matching(name + 1) + 1] in (";", ",")

    def _vector_end(self, at: int) -> int:
        """The end of the vector type that begins at `at`, or `at`."""
        if self.tokens[at] in VECTORS:
            return at + 1
        if self.tokens[at] == "vec" and self.tokens[at + 1] == "<":
            last = self.tokens.matching(at + 1)
            return last + 1 if last < len(self.tokens) else at
        return at

    def _is_cast(self, before: int, after: int) -> bool:
        tokens = self.tokens
        if tokens[before] != "(" or tokens[after] != ")":
            return False
        is_operand = tokens.kind(after + 1) in ("word", "number") or tokens[after + 1] == "("
        follows_value = tokens.kind(before - 1) == "word" and tokens[before - 1] != "return"
        return is_operand and not follows_value and tokens[before - 1] not in (")", "]", ">")

    def _pointers(self) -> None:
        note_casts(self.tokens, self.spaces)

    def _spellings(self) -> None:
        """Address spaces are not told apart when a shader runs; half literals are casts."""
        for at in methods_of_spaces(self.tokens):
            is_const = self.tokens[at] == "constant" and not is_constructors(self.tokens, at)
            self.tokens.replace(at, "const" if is_const and self.tokens[at - 1] != "const" else " ")
        for at, word in enumerate(self.tokens):
            is_left_out = word in self.spaces or word in INLINE
            if not (is_left_out or word[-1] in "hH") or self.tokens.current(at) != word:
                continue
            if is_left_out:
                self.tokens.replace(at, self.spaces.get(word, ""))
            elif self.tokens.kind(at) == "number" and _is_half(word):
                self.tokens.replace(at, f"((half){_as_float(word[:-1])})")

    def _overloads(self) -> None:
        """Functions for each address space are one by now."""
        drop_copies(self.tokens, frozenset(spaces(self.tokens)))

    def _comparisons(self) -> None:
        Comparisons(self.tokens, self.types).mark()

    def _kernels(self) -> None:
        """Each kernel is registered after its body; a template's where it is instantiated."""
        tokens = self.tokens
        marked = [at for at, given in self.attributes.items() if "kernel" in dict(given)]
        spelt = [at for at in tokens.places("kernel") if at not in self.inside]
        for at in sorted(marked + spelt):
            void = self._skip_attributes(at if at in self.attributes else at + 1)
            if tokens[void] == "void" and tokens[void + 2] == "(":
                self._kernel(at, void)

    def _kernel(self, at: int, void: int) -> None:
        tokens = self.tokens
        name, opening = tokens[void + 1], void + 2
        closing = tokens.matching(opening)
        if tokens[self._skip_attributes(closing + 1)] != "{":
            return
        self.slots[name] = self._slots(name, list(tokens.split(opening + 1, closing)))
        begin = self._attributes_before(at)
        given = dict(self._attributes_in(begin, void))
        self.threads[name] = given.get("max_total_threads_per_threadgroup", "0")
        if tokens[begin - 1] == ">":
            return
        shown = given.get("host_name", f'"{name}"')
        end = tokens.matching(self._skip_attributes(closing + 1))
        tokens.append(end, self._register(name, f"{self._scope(at)}::{name}", shown))

    def _scope(self, at: int) -> str:
        """The namespaces around a token: a kernel may have the name of a function of the library."""
        around = (words for opening, closing, words in self.namespaces if opening < at < closing)
        return "".join(around).removesuffix("::")

    @cached_property
    def namespaces(self) -> list[tuple[int, int, str]]:
        """Where each opens and closes, and its name; in their order."""
        tokens = self.tokens
        found = []
        for at in tokens.places("namespace"):
            opening = tokens.find("{", at)
            if tokens[at - 1] != "using" and opening < len(tokens):
                name = "".join(("::", *(tokens[word] for word in range(at + 1, opening))))
                found.append((opening, tokens.matching(opening), name))
        return found

    def _attributes_before(self, at: int) -> int:
        while at in self.behind:
            at = self.behind[at]
        return at

    def _slots(self, kernel: str, parameters: list[tuple[int, int]]) -> list[Slot]:
        """Parameters that say no index take the buffers that are left, in order."""
        slots = [self._slot(kernel, *each) for each in parameters]
        taken = {slot.index for slot in slots if slot is not None and slot.kind == BUFFER}
        left = iter([index for index in range(MOST_BUFFERS) if index not in taken])
        found: list[Slot] = []
        for slot, each in zip(slots, parameters, strict=True):
            words = self._words(*each)
            if slot is None and {"device", "constant"} & set(words):
                index = next(left, None)
                if index is None:
                    raise self.tokens.refusal(each[0], f"kernel {kernel} has over {MOST_BUFFERS} buffers")
                slot = slot_of([("buffer", str(index))], words)
            if slot is None:
                why = f"kernel {kernel}: the emulator binds no attribute of parameter `{' '.join(words)}`"
                raise self.tokens.refusal(each[0], why)
            self._require_alone(kernel, slot, found, each[0])
            found.append(slot)
        return found

    def _slot(self, kernel: str, first: int, last: int) -> Slot | None:
        given = [
            (name, str(self._index(first, name, value)) if name in KINDS else value)
            for name, value in self._attributes_in(first, last)
        ]
        words = self._words(first, last)
        if not words:
            raise self.tokens.refusal(first, f"kernel {kernel}: a parameter is missing beside a comma")
        slot = slot_of(given, words)
        if slot is not None and slot.condition and slot.condition not in self.derived:
            why = f"kernel {kernel}: {slot.condition} in the attribute of {slot.name} is no function constant"
            raise self.tokens.refusal(first, why)
        return slot

    def _require_alone(self, kernel: str, slot: Slot, others: list[Slot], at: int) -> None:
        """Parameters share an index only where function constants choose between them."""
        for other in others:
            is_same = (other.kind, other.index) == (slot.kind, slot.index) and slot.kind != POSITION
            if is_same and not (slot.condition and other.condition):
                why = f"kernel {kernel}: {other.name} and {slot.name} are both {slot.place}"
                raise self.tokens.refusal(at, why)

    def _words(self, first: int, last: int) -> list[str]:
        """A parameter's words without its attributes."""
        return [self.tokens[n] for n in range(first, last) if n not in self.inside]

    def _register(self, base: str, function: str, shown: str, arguments: Collection[str] = ()) -> str:
        """`arguments`: the words of a template's arguments, which may be functions or classes too."""
        self.count += 1
        indices = {name: index for name, index in self.derived.items() if index is not None}
        reached = self.mentions.reached([base, *arguments], indices)
        needed = ", ".join(f'{{{indices[name]}, "{name}"}}' for name in reached) or "{}"
        rows = ", ".join(map(self._row, self.slots[base])) or "{}"
        return (
            f" static const emu::Slot emu_slots_{self.count}[] = {{{rows}}};"
            f" static const emu::NeededConstant emu_needed_{self.count}[] = {{{needed}}};"
            f" static emu::Registered emu_kernel_{self.count}({shown}, &{function}, emu_slots_{self.count},"
            f" {{{self.threads[base]}, {len(reached)}, emu_needed_{self.count}}});"
        )

    def _row(self, slot: Slot) -> str:
        condition = f"&{self.scopes[slot.condition]}::{slot.condition}" if slot.condition else "nullptr"
        return f'{{{slot.kind}, {slot.index}, {int(slot.is_writable)}, "{slot.name}", {condition}}}'

    def _instantiations(self) -> None:
        """`template [[host_name("a")]] [[kernel]] decltype(f<T>) f<T>;` registers f<T> as a."""
        tokens = self.tokens
        for at in tokens.places("template"):
            if tokens[at + 1] == "<":
                continue
            end = tokens.find(";", at)
            shown = dict(self._attributes_in(at, end)).get("host_name")
            first = self._skip_attributes(at + 1)
            if tokens[first] == "kernel":
                first = self._skip_attributes(first + 1)
            if shown is None:
                continue
            if end == len(tokens):
                raise tokens.refusal(at, f"the instantiation of {shown} has no ';' at its end")
            tokens.replace_range(at, end + 1, self._instantiation(first, end, shown))

    def _instantiation(self, first: int, end: int, shown: str) -> str:
        tokens = self.tokens
        if tokens[first] == "decltype" and tokens[first + 1] == "(":
            first, last = tokens.matching(first + 1) + 1, end
        else:  # void name<arguments>(parameters)
            first += 1
            opening = tokens.find("<", first)
            last = tokens.matching(opening) + 1 if opening < end else end
        opening = tokens.find("<", first)
        if opening >= end or last > end:
            raise tokens.refusal(first, f"the instantiation of {shown} names no `kernel<arguments>`")
        base = tokens[opening - 1]
        if base not in self.slots:
            raise tokens.refusal(first, f"{shown} instantiates {base}, which is no kernel of this shader")
        words = {tokens[n] for n in range(first, last)}
        return self._register(base, tokens.written(first, last), shown, words)


def _first_array(words: list[str]) -> int:
    return words.index("[") if "[" in words else len(words)


def _is_half(number: str) -> bool:
    return _HALF.fullmatch(number) is not None and not number.startswith("0x")


def _as_float(digits: str) -> str:
    return f"{digits}f" if "." in digits or "e" in digits.lower() else f"{digits}.0f"


def rewrite(source: str, library: Path) -> str:
    """C++ for a shader that has been preprocessed with the shim in `library`. Raises ShaderError."""
    return Rewriter(source, library).run()

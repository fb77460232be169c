"""Whether a shader keeps address spaces apart: compiled with them as attributes, and never run.

    device float* x; threadgroup float* y = x;

becomes

    __attribute__((address_space(1))) float* x; __attribute__((address_space(2))) float* y = x;

which clang refuses as Metal does. It refuses more: C++ copies an object only if it is in no address space,
where Metal has constructors for each. Such refusals are left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from backends.metal.emulator.overloads import drop_copies, methods_of_spaces
from backends.metal.emulator.reach import ASK
from backends.metal.emulator.rewrite import Rewriter

_NUMBERS = {"device": 1, "threadgroup": 2, "constant": 3}
_ATTRIBUTE = "__attribute__((address_space({})))"
SPACES = {
    "device": _ATTRIBUTE.format(1),
    "threadgroup": _ATTRIBUTE.format(2),
    "constant": _ATTRIBUTE.format(3) + " const",
    "thread": "",
    "kernel": "",
}
_DIAGNOSTIC = re.compile(r"^\S.*?:\d+: (?:fatal )?(error|warning|note): ", re.MULTILINE)
_ALLOWED = re.compile(
    r"implicit (?:copy|move) (?:constructor|assignment operator)\) not viable:[^\n]*address space"
    r"|cannot be used to construct an object in address space"
    r"|template ignored: substitution failure \[[^\n]*\]$",  # for no reason but such an error in it
    re.MULTILINE,
)
_TYPES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"(\w+) __attribute__\(\(ext_vector_type\((\d)\)\)\)", r"\1\2"),
        (r"(?:emu::)?Truths<lanes<\w+?(\d)>>", r"bool\1"),
        (r"(?:emu::)?Truths<(\d)>", r"bool\1"),
        (r"(?:emu::)?Packed<(\w+), (\d)>", r"packed_\1\2"),
        (r"('\w+') \(aka \1\)", r"\1"),
        (r"\b_Float16\b", "half"),
        (r"(?m)^\S+/emulator/shim/\S+ note: candidate .*\n?", ""),
        (r"\b__bf16\b", "bfloat"),
    )
)


class Checker(Rewriter):
    """The same steps, but that address spaces stay and nothing is registered."""

    spaces = SPACES

    def _set_constant(self, at: int, end: int, value: str) -> None:
        """A function constant is declared; what is worked out from it keeps its text."""
        if "function_constant" in value:
            *kind, name = self._constant_words(at, end)
            self.tokens.replace_range(at, end, f"extern {SPACES['constant']} {' '.join(kind)} {name}")

    def _declare(self, index: int, name: str) -> str:
        return ""

    def _ask_for_constants(self, first: int, last: int) -> None:
        for n in self.tokens.places(ASK):
            if first <= n < last and self.tokens.current(n) == ASK and self.tokens[n + 1] == "(":
                self.tokens.replace_range(n, self.tokens.matching(n + 1) + 1, "true")

    def _shared(self, first: int, end: int) -> str:
        return f"static {SPACES['threadgroup']} {self.tokens.written(first, end)}"

    def _register(self, base: str, function: str, shown: str, arguments: Collection[str] = ()) -> str:
        return ""

    def _instantiation(self, first: int, end: int, shown: str) -> str:
        super()._instantiation(first, end, shown)  # refuses what is no kernel
        return f"template {self.tokens.written(first, end)};"

    def _pointers(self) -> None:
        """Casts stay as they are."""

    def _spellings(self) -> None:
        """A method's own address space is left out."""
        for at in methods_of_spaces(self.tokens):
            self.tokens.replace(at, " ")
        super()._spellings()

    def _overloads(self) -> None:
        """Methods that only their own address space tells apart; other functions stay as they are."""
        drop_copies(self.tokens, frozenset(methods_of_spaces(self.tokens)))

    @property
    def has_methods_of_spaces(self) -> bool:
        """Whether objects in an address space other than a thread's have methods."""
        return any(self.tokens[at] != "thread" for at in methods_of_spaces(self.tokens))


def errors_in(said: str, has_methods_of_spaces: bool) -> str:
    """What a compiler says of a shader, without the objects that Metal allows; empty where nothing is left.

    Where objects in an address space have methods, only what is said of pointers counts.
    """
    starts = [match for match in _DIAGNOSTIC.finditer(said) if match[1] != "note"]
    ends = [*(match.start() for match in starts[1:]), len(said)]
    parts = [said[match.start() : end] for match, end in zip(starts, ends, strict=False)]
    left = [part for part in parts if not _ALLOWED.search(part)]
    if has_methods_of_spaces:
        left = [part for part in left if "*'" in part.split("\n")[0]]
    return _readable("".join(left))


def _readable(text: str) -> str:
    for name, number in _NUMBERS.items():
        text = text.replace(_ATTRIBUTE.format(number), name)
    return in_metals_terms(text)


def in_metals_terms(said: str) -> str:
    """What a compiler says, with the types of the shim by the names that they have in Metal."""
    for pattern, name in _TYPES:
        said = pattern.sub(name, said)
    return said.strip()

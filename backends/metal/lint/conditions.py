"""The preprocessor's conditions: which parts of a text a compiler reads, and which parts depend on it.

A name that the text never defines is not defined, unless it could come from a header that is not here.
Where a condition cannot be told, all of its branches are left out if each holds whole declarations or
statements. Otherwise the first stays, for the sake of what surrounds it, and nothing is said about its lines.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from backends.metal.lint.words import PIECE, Macros

Verdict = bool | None  # None: it cannot be told

_DIRECTIVE = re.compile(r"\s*#\s*(\w+)\s*(.*)", re.DOTALL)
_DEFINED = re.compile(r"\bdefined\s*(?:\(\s*(\w+)\s*\)|(\w+))")
_COMMENT = re.compile(r"//.*|/\*.*?\*/", re.DOTALL)
_INTEGER = re.compile(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\b")
_NOT = re.compile(r"!(?!=)")
_OF_METAL = frozenset(("__METAL_VERSION__", "__METAL__", "__cplusplus"))
_PAIRS = {")": "(", "]": "[", "}": "{"}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt,
    ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Live:
    """A text with the same lines, of which some are blank; findings at `undecided` ones mean nothing."""

    text: str
    undecided: frozenset[int]


@dataclass(slots=True)
class _Branch:
    start: int
    verdict: Verdict
    end: int = 0


@dataclass(slots=True)
class _Group:
    """From an `#if` to its `#endif`. `taken`: whether a branch before was; `outer`: whether any can be."""

    outer: Verdict
    branches: list[_Branch] = field(default_factory=list)
    taken: Verdict = False

    def begin(self, start: int, condition: Verdict) -> None:
        verdict = _all([self.outer, condition, _not(self.taken)])
        self.branches.append(_Branch(start, verdict))
        self.taken = _not(_all([_not(self.taken), _not(condition)]))


def live_text(text: str, macros: Macros) -> Live:
    """What a compiler reads of a text that includes a header with these macros."""
    reader = _Reader(text, dict.fromkeys(macros, True))
    for piece in PIECE.finditer(text):
        if piece.lastgroup == "directive":
            reader.read(piece[0], piece.start(), piece.end())
    while reader.groups:
        reader.close(len(text))
    return Live("".join(reader.left), frozenset(reader.undecided))


class _Reader:
    def __init__(self, text: str, defined: dict[str, Verdict]) -> None:
        self.text = text
        self.left = list(text)
        self.undecided: set[int] = set()
        self.groups: list[_Group] = []
        self.defined = defined
        self.values: dict[str, str] = {}
        self.includes = re.search(r'^[ \t]*#\s*include\s*"', text, re.MULTILINE) is not None

    @property
    def verdict(self) -> Verdict:
        return self.groups[-1].branches[-1].verdict if self.groups else True

    def read(self, piece: str, start: int, end: int) -> None:
        directive = _DIRECTIVE.match(_COMMENT.sub(" ", piece.replace("\\\n", " ")))
        if directive is None:
            return
        kind, rest = directive[1], directive[2].strip()
        match kind:
            case "if" | "ifdef" | "ifndef":
                group = _Group(self.verdict)
                self.groups.append(group)
                is_guard = kind == "ifndef" and self._guards(rest, end)
                group.begin(end, True if is_guard else self._condition(kind, rest))
            case "elif" | "elifdef" | "elifndef" | "else" if self.groups:
                self.groups[-1].branches[-1].end = start
                self.groups[-1].begin(end, self._condition(kind, rest))
            case "endif" if self.groups:
                self.close(start)
            case "define" | "undef" if self.verdict is not False:
                self._define(kind, rest)
            case _:
                pass

    def close(self, end: int) -> None:
        """Ends the innermost group, and blanks what no compiler or not every compiler reads of it."""
        group = self.groups.pop()
        group.branches[-1].end = end
        for branch in group.branches:
            if branch.verdict is False:
                self._blank(branch)
        unknown = [branch for branch in group.branches if branch.verdict is None]
        is_whole = all(self._is_whole(branch) for branch in unknown)
        for position, branch in enumerate(unknown):
            first = 1 + self.text.count("\n", 0, branch.start)
            self.undecided |= set(range(first, first + self.text.count("\n", branch.start, branch.end) + 1))
            if is_whole or position > 0:
                self._blank(branch)

    def _blank(self, branch: _Branch) -> None:
        for at in range(branch.start, branch.end):
            if self.left[at] != "\n":
                self.left[at] = " "

    def _is_whole(self, branch: _Branch) -> bool:
        """Whether a branch can be left out and its surroundings still be read."""
        opened, last = [], ";"
        for piece in PIECE.finditer("".join(self.left[branch.start : branch.end])):
            if piece.lastgroup not in ("word", "number", "string", "sign"):
                continue
            last = piece[0]
            for sign in last if piece.lastgroup == "sign" else "":
                if sign in _PAIRS.values():
                    opened.append(sign)
                elif sign in _PAIRS and (not opened or opened.pop() != _PAIRS[sign]):
                    return False
        return not opened and last in (";", "}")

    def _guards(self, name: str, end: int) -> bool:
        following = re.compile(rf"\s*#\s*define\s+{re.escape(name)}\b")
        return following.match(self.text, end) is not None and name not in self.defined

    def _define(self, kind: str, rest: str) -> None:
        name, _, value = rest.partition(" ")
        name = name.partition("(")[0]
        if name:
            self.defined[name] = None if self.verdict is None else kind == "define"
            self.values[name] = value.strip() if self.verdict else ""

    def _condition(self, kind: str, rest: str) -> Verdict:
        match kind:
            case "else":
                return True
            case "ifdef" | "elifdef":
                return self._is_defined(rest)
            case "ifndef" | "elifndef":
                return _not(self._is_defined(rest))
        text = _DEFINED.sub(lambda found: f" {self._is_defined(found[1] or found[2])} ", rest)
        text = _NOT.sub(" not ", text.replace("&&", " and ").replace("||", " or "))
        try:
            text = _INTEGER.sub(lambda found: str(int(found[1], 0)), text)
            value = self._value(ast.parse(text.strip(), mode="eval").body)
        except (SyntaxError, ValueError):
            return None
        return None if value is None else value != 0

    def _is_defined(self, name: str) -> Verdict:
        if name in self.defined or name in _OF_METAL:
            return self.defined.get(name, True)
        return None if name.startswith("_") or self.includes else False

    def _value(self, node: ast.expr) -> int | None:
        match node:
            case ast.Constant(int() as value):
                return int(value)
            case ast.Name("true" | "false" as name):
                return int(name == "true")
            case ast.Name(name) if self._is_defined(name) is False:
                return 0
            case ast.Name(name):
                literal = _INTEGER.fullmatch(self.values.get(name, ""))
                return int(literal[1], 0) if literal and self.defined[name] else None
            case ast.UnaryOp(ast.Not(), ast.Compare()):  # `not` binds otherwise than `!`
                return None
            case ast.UnaryOp(ast.Not(), operand):
                return _not(_truth(self._value(operand)))
            case ast.BoolOp(kind, operands):
                given = [_truth(self._value(each)) for each in operands]
                return _all(given) if isinstance(kind, ast.And) else _not(_all([_not(it) for it in given]))
            case ast.Compare(left, [kind], [right]):
                a, b = self._value(left), self._value(right)
                compare = _COMPARISONS.get(type(kind))
                return None if a is None or b is None or compare is None else compare(a, b)
            case _:
                return None


def _truth(value: int | None) -> Verdict:
    return None if value is None else value != 0


def _not(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def _all(verdicts: list[Verdict]) -> Verdict:
    if False in verdicts:
        return False
    return None if None in verdicts else True

"""Spec text as plain data with a position for every key and value.

The YAML read here is a strict subset, so that a file means one thing to every reader: printable
ASCII, one document, YAML 1.2 core scalars (`1e-6` is a number, `no` is a string, `0123` is 123),
string keys without duplicates, and none of anchors, aliases, merge keys and tags. Its size is
bounded before its meaning is looked at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import yaml  # type: ignore[import-untyped]

from kernel_ir.errors import Diagnostic, Span, SpecError
from kernel_ir.wording import show

Key: TypeAlias = "str | int"
Path: TypeAlias = "tuple[Key, ...]"

MAX_BYTES = 256 * 1024
MAX_SCALAR = 16 * 1024
MAX_NODES = 10_000
MAX_DEPTH = 32
MAX_NUMBER = 40
MAX_REPORTED = 20

FILE_START = Span(1, 1, 1, 1)

# The compiled parser where PyYAML has it; both give the same events.
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_FOREIGN = re.compile(r"[^\x20-\x7e\n]")
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BLANK_LINES = re.compile(r"(?: *\n)*")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NAN = frozenset((".nan", ".NaN", ".NAN"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands. `key` is its key (or itself, in a list); `style` its YAML quoting."""

    key: Span
    value: Span
    style: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A spec file: its text, its data, and where each part of the data was written."""

    path: str
    text: str
    lines: tuple[str, ...] = field(compare=False, repr=False)
    data: Any = field(compare=False)
    places: dict[Path, Place] = field(compare=False, repr=False)

    def span(self, *keys: Key) -> Span:
        """The value at a key path, or the nearest enclosing value that exists."""
        return self._place(keys).value

    def key_span(self, *keys: Key) -> Span:
        """The key at a key path (the item itself in a list), or the nearest that exists."""
        return self._place(keys).key

    def type_span(self, keys: Path, start: int, end: int) -> Span:
        """Characters `start` to `end` of the one-line scalar at `keys`.

        Where the text in the file is not the value itself (escapes, folding), the whole scalar.
        """
        place, value = self._place(keys), self._value(keys)
        at = place.value
        quotes = 1 if place.style in ("'", '"') else 0
        line = self.lines[at.line - 1]
        first = at.column - 1 + quotes
        if at.line != at.end_line or not line.startswith(value, first):
            return at
        return Span(at.line, first + 1 + start, at.line, first + 1 + max(end, start + 1))

    def body_span(self, line: int, column: int, end_line: int, end_column: int) -> Span:
        """A stretch of the body, in `ast` positions (lines from 1, columns from 0), in the file.

        Exact for a literal block and for a one-line scalar; the whole body otherwise.
        """
        keys: Path = ("body",)
        place, value = self._place(keys), self._value(keys)
        if place.style != "|":
            one_line = line == end_line == 1 and "\n" not in value
            return self.type_span(keys, column, end_column) if one_line else place.value
        indent = self._block_indent(place.value.line, value)
        top = place.value.line
        return Span(top + line, indent + column + 1, top + end_line, indent + end_column + 1)

    def _place(self, keys: Path) -> Place:
        while keys not in self.places:
            keys = keys[:-1]
        return self.places[keys]

    def _value(self, keys: Path) -> str:
        found = self.data
        for key in keys:
            found = found[key]
        return found if isinstance(found, str) else ""

    def _block_indent(self, header_line: int, value: str) -> int:
        """How many columns a literal block leaves out on the left."""
        blank = _BLANK_LINES.match(value)
        start = blank.end() if blank else 0
        end = value.find("\n", start)
        line = self.lines[header_line + value.count("\n", 0, start)]
        return len(line) - len(value[start : end if end >= 0 else len(value)])


def read_source(text: str, path: str) -> Source:
    """Parse spec text. Raises SpecError with every problem found."""
    _check_text(text, path)
    composer = _Composer(text, path)
    data = composer.document()
    if not isinstance(data, dict):
        problem = f"a spec is a mapping of keys to values, not {show(data)}"
        composer.problems.append(Diagnostic("not-a-mapping", problem, FILE_START, 'start with "edition: 1"'))
    if composer.problems:
        refuse(path, text, composer.problems)
    return Source(path, text, tuple(composer.lines), data, composer.places)


def refuse(path: str, text: str, problems: list[Diagnostic]) -> NoReturn:
    """Raise SpecError with the first `MAX_REPORTED` problems in file order."""
    ordered = sorted(problems, key=lambda item: (item.span.line, item.span.column))
    shown, more = ordered[:MAX_REPORTED], len(ordered) - MAX_REPORTED
    if more > 0:
        message = f"{more} more problems are not shown"
        shown.append(Diagnostic("more-problems", message, shown[-1].span, "mend the ones above first"))
    raise SpecError(path, text, tuple(shown))


def _check_text(text: str, path: str) -> None:
    if len(text) > MAX_BYTES:
        message = f"a spec has at most {MAX_BYTES} characters, this one has {len(text)}"
        refuse(path, "", [Diagnostic("too-large", message, hint="split it into several specs")])
    lines = text.split("\n")
    problems = [
        Diagnostic("bad-character", f"{_describe(found.group())} is not allowed in a spec", at, hint)
        for number, line in enumerate(lines, 1)
        if (found := _FOREIGN.search(line)) is not None
        for at in [Span(number, found.start() + 1, number, found.start() + 2)]
        for hint in [_FOREIGN_HINTS.get(found.group(), "specs are printable ASCII")]
    ]
    if problems:
        refuse(path, text, problems)


_FOREIGN_HINTS = {
    "\t": "indent and separate with spaces",
    "\r": "save the file with Unix line endings",
    "\ufeff": "save the file without a byte order mark",
}


def _describe(character: str) -> str:
    names = {"\t": "a tab", "\r": "a carriage return", "\ufeff": "a byte order mark"}
    return names.get(character, f"the character U+{ord(character):04X}")


class _Composer:
    """Turns parser events into data, noting positions and problems on the way."""

    def __init__(self, text: str, path: str) -> None:
        self.text, self.path = text, path
        self.lines = text.split("\n")
        self.problems: list[Diagnostic] = []
        self.places: dict[Path, Place] = {(): Place(FILE_START, FILE_START)}
        self.nodes = 0
        self.events: Iterator[Any] = iter(())

    def document(self) -> Any:
        try:
            self.events = yaml.parse(self.text, Loader=_PARSER)
            return self._document()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = Span(mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2) if mark else FILE_START
            start = error.context_mark
            hint = f"{error.context}, which starts on line {start.line + 1}" if start else ""
            self._stop("bad-yaml", f"this is not valid YAML: {error.problem}", at, hint)
        except yaml.YAMLError as error:
            self._stop("bad-yaml", f"this is not valid YAML: {error}", FILE_START)

    def _document(self) -> Any:
        next(self.events)  # the start of the stream
        start = next(self.events)
        if not isinstance(start, yaml.DocumentStartEvent):
            return None
        data = self._node(next(self.events), (), None)
        next(self.events)  # the end of the document
        after = next(self.events)
        if isinstance(after, yaml.DocumentStartEvent):
            self._stop(
                "several-documents", "a spec file holds one document", _span(after), 'remove this "---"'
            )
        return data

    def _node(self, event: Any, path: Path, key: Span | None) -> Any:
        """The value that starts with `event`; its place goes under `path`."""
        self.nodes += 1
        at = self._span(event)
        if self.nodes > MAX_NODES:
            self._stop(
                "too-large", f"a spec has at most {MAX_NODES} values", at, "split it into several specs"
            )
        if len(path) > MAX_DEPTH:
            self._stop("too-deep", f"values nest at most {MAX_DEPTH} levels deep", at)
        self._refuse_references(event, at)
        self.places.setdefault(path, Place(key or at, at, getattr(event, "style", None) or ""))
        match event:
            case yaml.MappingStartEvent():
                return self._mapping(path)
            case yaml.SequenceStartEvent():
                return self._sequence(path)
            case yaml.ScalarEvent():
                return self._scalar(event, at)
        return None

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            at = self._span(event)
            key = self._key(event, path, at)
            if key is not None and key in found:
                first: Path = (*path, key)
                hint = f"it is first given on line {self.places[first].key.line}"
                self._report("duplicate-key", f"{show(key)} is given twice", at, hint)
                key = None
            value = self._node(next(self.events), (*path, self._nowhere() if key is None else key), at)
            if key is not None:
                found[key] = value
        return found

    def _key(self, event: Any, path: Path, at: Span) -> str | None:
        """A mapping's key, or None (with a problem noted) where it is not a plain name."""
        key = self._node(event, (*path, self._nowhere()), at)
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and not event.style:
            self._report("merge-key", "merge keys are not allowed", at, "write the keys out")
            return None
        if not isinstance(key, str):
            hint = "put it in quotes" if isinstance(event, yaml.ScalarEvent) else "keys are names"
            self._report("bad-key", f"a key is a string, not {show(key)}", at, hint)
            return None
        return key

    def _nowhere(self) -> int:
        """A path element for what is not part of the data: no list has negative positions."""
        return -1 - self.nodes

    def _sequence(self, path: Path) -> tuple[Any, ...]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), None))
        return tuple(items)

    def _scalar(self, event: Any, at: Span) -> Any:
        text: str = event.value
        if len(text) > MAX_SCALAR:
            self._stop(
                "too-large", f"one value has at most {MAX_SCALAR} characters, this has {len(text)}", at
            )
        if event.style:
            return text
        value, problem = _resolve(text)
        if problem:
            self._report("bad-number", problem, at)
        return value

    def _refuse_references(self, event: Any, at: Span) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._report(
                "alias", f"aliases (*{event.anchor[:40]}) are not allowed", at, "write the value out"
            )
        elif event.anchor is not None:
            self._report(
                "alias", f"anchors (&{event.anchor[:40]}) are not allowed", at, "write the value out"
            )
        if getattr(event, "tag", None) is not None:
            self._report("tag", f"tags ({show(event.tag)}) are not allowed", at, "remove the tag")

    def _span(self, event: Any) -> Span:
        at = _span(event)
        if getattr(event, "style", None) not in ("|", ">"):
            return at
        # A block's end mark stands at the next token; its last line with text is what belongs to it.
        last = at.end_line if at.end_column > 1 else at.end_line - 1
        while last > at.line and not self.lines[last - 1].strip():
            last -= 1
        return Span(at.line, at.column, last, len(self.lines[last - 1]) + 1)

    def _report(self, code: str, message: str, at: Span, hint: str = "") -> None:
        self.problems.append(Diagnostic(code, message, at, hint))

    def _stop(self, code: str, message: str, at: Span, hint: str = "") -> NoReturn:
        refuse(self.path, self.text, [*self.problems, Diagnostic(code, message, at, hint)])


def _span(event: Any) -> Span:
    start, end = event.start_mark, event.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _resolve(text: str) -> tuple[Any, str]:
    """A plain scalar by the YAML 1.2 core schema, and what is wrong with it ("" if nothing)."""
    if text in _NULL:
        return None, ""
    if text in _BOOL:
        return _BOOL[text], ""
    if text in _NAN:
        return math.nan, ""
    if infinite := _INFINITE.fullmatch(text):
        return float(infinite.group(1) + "inf"), ""
    if text[0] not in "-+.0123456789" or (
        not (is_integer := _INTEGER.fullmatch(text)) and not _FLOAT.fullmatch(text)
    ):
        return text, ""
    if len(text) > MAX_NUMBER:
        return 0, f"a number has at most {MAX_NUMBER} characters, this one has {len(text)}"
    if is_integer:
        return int(text, 0 if text[:2] in ("0o", "0x") else 10), ""
    value = float(text)
    return value, f"{text} is too large for a number" if math.isinf(value) else ""

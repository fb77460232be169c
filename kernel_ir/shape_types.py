"""The types that a signature writes as text: `T[*rows, 2 * width]`, `f32`, `size`.

    type      = NAME | NAME "[" dimension {"," dimension} "]"
    dimension = "*" NAME (the first one only) | sum
    sum       = product {("+" | "-") product}
    product   = atom {("*" | "//") atom}
    atom      = NAME | INTEGER | "(" sum ")"

Dimensions become the IR's own i64 expressions over `Size` and `Const`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kernel_ir.dtypes import I64
from kernel_ir.errors import NOWHERE, Span
from kernel_ir.nodes import Apply, Const, Expr, Size
from kernel_ir.wording import show

MAX_TEXT = 400
MAX_NESTING = 16
MAX_DIMENSIONS = 8

Locate = Callable[[int, int], Span]

_TOKEN = re.compile(r" *(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9]+)|(?P<symbol>//|[-+*\[\](),]))")
_SUMS = {"+": "add", "-": "subtract"}
_PRODUCTS = {"*": "multiply", "//": "floor_divide"}


@dataclass(frozen=True, slots=True)
class ParsedType:
    """A type as written. `shape` is None for a scalar; `leading` names collapsed dimensions."""

    dtype: str
    leading: str | None = None
    shape: tuple[Expr, ...] | None = None

    @property
    def is_tensor(self) -> bool:
        return self.shape is not None


class ShapeError(Exception):
    """The text is not a type or size expression; `start` and `end` are offsets into it."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        self.message, self.start, self.end, self.hint = message, start, end, hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def parse_type(text: str, locate: Locate = lambda start, end: NOWHERE) -> ParsedType:
    """A tensor or scalar type. `locate` turns offsets into spans. Raises ShapeError."""
    parser = _Parser(text, locate)
    dtype = parser.expect("name", "a dtype").text
    if parser.at_end():
        return ParsedType(dtype)
    parser.expect("[", '"["')
    leading, shape = parser.dimensions()
    parser.expect_end()
    return ParsedType(dtype, leading, shape)


def parse_tensor_type(
    text: str, locate: Locate = lambda start, end: NOWHERE
) -> tuple[str, str | None, tuple[Expr, ...]]:
    """A tensor type as (dtype, leading, shape). Raises ShapeError, also for a scalar type."""
    parsed = parse_type(text, locate)
    if parsed.shape is None:
        message = f"expected a tensor type, got {show(text)}"
        raise ShapeError(message, 0, len(text), f'give it dimensions, such as "{parsed.dtype[:40]}[rows]"')
    return parsed.dtype, parsed.leading, parsed.shape


def parse_size(text: str, locate: Locate = lambda start, end: NOWHERE) -> Expr:
    """A size expression such as `2 * width`. Raises ShapeError."""
    parser = _Parser(text, locate)
    found = parser.sum()
    parser.expect_end()
    return found


def size_names(expr: Expr) -> Iterator[str]:
    """The sizes in a size expression, left to right, repeats included."""
    match expr:
        case Size(name):
            yield name
        case Apply(_, args):
            for arg in args:
                yield from size_names(arg)


class _Parser:
    """Recursive descent over one short line; `depth` bounds the recursion."""

    def __init__(self, text: str, locate: Locate) -> None:
        if len(text) > MAX_TEXT:
            message = f"a type has at most {MAX_TEXT} characters, this one has {len(text)}"
            raise ShapeError(message, 0, len(text))
        self.text, self.locate = text, locate
        self.tokens = list(_tokens(text))
        self.next = 0
        self.depth = 0

    def dimensions(self) -> tuple[str | None, tuple[Expr, ...]]:
        leading: str | None = None
        if self._is("*"):
            self.next += 1
            leading = self.expect("name", "a name after *").text
            shape: list[Expr] = [Size(leading, I64, self._locate(self.tokens[self.next - 1]))]
        else:
            shape = [self._dimension()]
        while not self._is("]"):
            self.expect(",", '"," or "]"')
            shape.append(self._dimension())
        self.next += 1
        if len(shape) > MAX_DIMENSIONS:
            message = f"a tensor has at most {MAX_DIMENSIONS} dimensions, this one has {len(shape)}"
            raise ShapeError(message, 0, len(self.text))
        return leading, tuple(shape)

    def _dimension(self) -> Expr:
        token = self._peek()
        match token.text:
            case "*":
                hint = 'write it as "[*rows, width]"'
                raise ShapeError("only the first dimension may collapse others", token.start, token.end, hint)
            case "]":
                hint = 'a single value has shape "[1]"'
                raise ShapeError("a tensor has at least one dimension", token.start, token.end, hint)
        found = self.sum()
        if isinstance(found, Const) and found.value == 0:
            raise ShapeError("a dimension that is a number is at least 1", token.start, token.end)
        return found

    def sum(self) -> Expr:
        return self._chain(_SUMS, lambda: self._chain(_PRODUCTS, self._atom))

    def _chain(self, ops: dict[str, str], operand: Callable[[], Expr]) -> Expr:
        first = self._peek().start
        found = operand()
        while not self.at_end() and (op := ops.get(self.tokens[self.next].text)):
            self.next += 1
            right = operand()
            found = Apply(op, (found, right), I64, self.locate(first, self.tokens[self.next - 1].end))
        return found

    def _atom(self) -> Expr:
        token = self._peek()
        self.next += 1
        match token.kind:
            case "name":
                return Size(token.text, I64, self._locate(token))
            case "number":
                return self._number(token)
            case "(":
                return self._group(token)
        raise ShapeError(f"expected a size, got {_shown(token)}", token.start, token.end)

    def _number(self, token: _Token) -> Expr:
        if len(token.text) > 18:
            raise ShapeError("a number in a type has at most 18 digits", token.start, token.end)
        return Const(int(token.text), I64, self._locate(token))

    def _group(self, token: _Token) -> Expr:
        self.depth += 1
        if self.depth > MAX_NESTING:
            message = f"parentheses nest at most {MAX_NESTING} deep"
            raise ShapeError(message, token.start, token.end)
        found = self.sum()
        self.expect(")", '")"')
        self.depth -= 1
        return found

    def at_end(self) -> bool:
        return self.next >= len(self.tokens)

    def expect(self, kind: str, wanted: str) -> _Token:
        token = self._peek()
        if token.kind != kind:
            raise ShapeError(f"expected {wanted}, got {_shown(token)}", token.start, token.end)
        self.next += 1
        return token

    def expect_end(self) -> None:
        if not self.at_end():
            token = self._peek()
            raise ShapeError(f"expected the end, got {_shown(token)}", token.start, token.end)

    def _peek(self) -> _Token:
        end = len(self.text)
        return _Token("end", "", end, end + 1) if self.at_end() else self.tokens[self.next]

    def _is(self, symbol: str) -> bool:
        return self._peek().kind == symbol

    def _locate(self, token: _Token) -> Span:
        return self.locate(token.start, token.end)


def _shown(token: _Token) -> str:
    return show(token.text) if token.text else "the end"


def _tokens(text: str) -> Iterator[_Token]:
    at, end = 0, len(text.rstrip(" "))
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip(" "))
            raise ShapeError(
                f"{show(text[at])} has no meaning in a type", at, at + 1, _HINTS.get(text[at], "")
            )
        group = found.lastgroup or ""
        if group == "number" and text[found.end() :][:1].isalnum():
            message = f"{show(text[found.start(group) :].split(',')[0].rstrip(' ])'))} is no number"
            raise ShapeError(message, found.start(group), found.end(), "sizes are whole decimal numbers")
        kind = found.group(group) if group == "symbol" else group
        yield _Token(kind, found.group(group), found.start(group), found.end(group))
        at = found.end()


_HINTS = {"/": 'sizes divide with "//"', ".": "sizes are integers"}

"""What a random body may refer to at one place, and what is known of each value there."""

from __future__ import annotations

from dataclasses import dataclass, replace

EXACT_LIMIT = 2.0**22  # whole numbers up to here have room for another sum or two in f32


@dataclass(frozen=True, slots=True)
class Value:
    """An expression as text, and its compute type.

    `is_exact`: f32 arithmetic gives the very value that exact arithmetic gives, so that it may decide a
    condition. `peak`: the greatest magnitude of a finite f32 value, roughly.
    """

    text: str
    type: str
    is_exact: bool = True
    peak: float = 0.0


@dataclass(frozen=True, slots=True)
class Loop:
    """A variable that runs over `range(size)` or a part of it."""

    var: str
    size: str
    is_ragged: bool = False  # data says where it starts and ends


@dataclass(frozen=True, slots=True)
class Dim:
    """A dimension, `factor * size + extra` or `size * inner`."""

    size: str
    factor: int = 1
    extra: int = 0
    inner: str = ""

    def __str__(self) -> str:
        whole = f"{self.factor} * {self.size}" if self.factor > 1 else self.size
        whole = f"{whole} * {self.inner}" if self.inner else whole
        return f"{whole} + {self.extra}" if self.extra else whole

    @property
    def is_plain(self) -> bool:
        return str(self) == self.size


@dataclass(frozen=True, slots=True)
class Row:
    """A named row of values over `range(size)`."""

    name: str
    size: str
    element: Value


@dataclass(frozen=True, slots=True)
class Element:
    """A result that may be read here: at `index` only, or anywhere where that is empty."""

    name: str
    dims: tuple[Dim, ...]
    value: Value
    index: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that are visible at one place of a body."""

    loops: tuple[Loop, ...] = ()
    values: tuple[Value, ...] = ()
    rows: tuple[Row, ...] = ()
    elements: tuple[Element, ...] = ()
    is_whole: bool = True  # whether the loops around it run over all of their ranges

    def inside(self, loop: Loop) -> Scope:
        return replace(self, loops=(*self.loops, loop))

    def having(self, *values: Value) -> Scope:
        return replace(self, values=(*self.values, *values))

    def with_row(self, row: Row) -> Scope:
        return replace(self, rows=(*self.rows, row))

    def with_element(self, element: Element) -> Scope:
        return replace(self, elements=(*self.elements, element))

    def over(self, size: str) -> list[str]:
        """The variables that lie in `range(size)`."""
        return [loop.var for loop in self.loops if loop.size == size]

    def surely_over(self, size: str) -> list[str]:
        """The variables that the checker can place in `range(size)` in any expression."""
        return [loop.var for loop in self.loops if loop.size == size and not loop.is_ragged]

    def sure(self) -> Scope:
        """The scope without loops whose variables the checker may fail to place."""
        return replace(self, loops=tuple(loop for loop in self.loops if not loop.is_ragged))

    def path(self) -> tuple[str, ...]:
        """The sizes of the loops that enclose this place."""
        return tuple(loop.size for loop in self.loops)

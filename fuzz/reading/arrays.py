"""What a body indexes: tensors, named rows, and the terms of a reduction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fuzz.reading.values import Integer, zero
from kernel_ir.dtypes import DType
from kernel_ir.rounding import Array, round_to


class ReadingError(Exception):
    """The body does what the language refuses, as an index out of range that follows from no data."""


@dataclass(slots=True)
class Sketch:
    """Whether only the types of values are asked for: then elements have no value, and loops no turns.

    So a branch that is not taken and a range without elements still say what type a value has.
    """

    depth: int = 0

    def of(self, make: Callable[[], Any]) -> Any:
        self.depth += 1
        try:
            return make()
        finally:
            self.depth -= 1


@dataclass(frozen=True, slots=True)
class Tensor:
    """An array of the signature. `loaded`: the type of its elements in a body.

    `entry`: what reads see, None where it was not passed. `live`: what stores go to, None for an input.
    """

    name: str
    dtype: DType
    loaded: str
    policies: Mapping[str, str]
    sketch: Sketch
    entry: Array | None
    live: Array | None

    def __getitem__(self, index: Any) -> Any:
        if self.sketch.depth:
            return self._value(zero(self.loaded))
        if self.entry is None:
            raise ReadingError(f"{self.name} was not passed, and is read")
        place, policy = self._place(index, self.entry.shape)
        if place is not None:
            return self._value(self.entry[place])
        if self.dtype.is_float:
            return np.float64(0.0 if policy == "clamp" else np.nan)
        empty = self._value(zero(self.loaded))
        return replace(empty, is_lost=policy != "clamp") if isinstance(empty, Integer) else empty

    def _value(self, element: Any) -> Any:
        if self.dtype.is_float:
            return np.float64(element)
        if self.dtype.name == "bool":
            return bool(element)
        value = element.value if isinstance(element, Integer) else int(element)
        return Integer(value, self.loaded, frozenset({self.name}))

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.live is None:
            raise ReadingError(f"{self.name} is stored to, and is neither a result nor updated")
        place, _ = self._place(index, self.live.shape)
        if place is not None:
            kept = np.int64(value.value) if isinstance(value, Integer) else value
            self.live[place] = round_to(np.float64(kept) if self.dtype.is_float else kept, self.dtype)

    def _place(self, index: Any, shape: tuple[int, ...]) -> tuple[tuple[int, ...] | None, str]:
        """The element's place, or None where the policy of an index out of range says that there is none."""
        items = index if isinstance(index, tuple) else (index,)
        at = tuple(item.value for item in items)
        sides = zip(items, shape, strict=True)
        outside = [item for item, extent in sides if item.is_lost or not 0 <= item.value < extent]
        if not outside:
            return at, ""
        origins = frozenset[str]().union(*(item.origins for item in outside))
        policies = {self.policies.get(origin, "nan") for origin in origins}
        if not policies or "trust" in policies:
            why = "which was trusted" if policies else "and follows from no data"
            raise ReadingError(f"{self.name}{list(at)} is outside {list(shape)}, {why}")
        if "clamp" not in policies:
            return None, "nan"
        nearest = tuple(max(0, min(i, extent - 1)) for i, extent in zip(at, shape, strict=True))
        return (None if 0 in shape else nearest), "clamp"


@dataclass(frozen=True, slots=True)
class Row:
    """Values from index `low` on, all of the type of `kind`."""

    low: int
    items: list[Any]
    kind: Any
    sketch: Sketch

    def __getitem__(self, index: Integer) -> Any:
        if self.sketch.depth:
            return self.kind
        if not 0 <= index.value - self.low < len(self.items):
            raise ReadingError(
                f"index {index.value} is outside a row of {len(self.items)} from {self.low} on"
            )
        return self.items[index.value - self.low]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a generator gives: a range, which indices of it take part, and the value at each.

    `at`: the variable's value for an index.
    """

    span: range
    at: Callable[[int], Integer]
    where: Callable[[Integer], Any]
    value: Callable[[Integer], Any]
    sketch: Sketch

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Each index with its value, None where it takes no part."""
        for index in () if self.sketch.depth else self.span:
            var = self.at(index)
            yield index, self.value(var) if self.where(var) else None

    def used(self) -> list[tuple[int, Any]]:
        return [(index, item) for index, item in self if item is not None]

    def values(self) -> list[Any]:
        return [item for _, item in self.used()]

    def kind(self) -> Any:
        """A value of the type that all of them have."""
        return self.sketch.of(lambda: self.value(self.at(self.span.start)))

    def row(self, items: list[Any], kind: Any) -> Row:
        """A row over the same range."""
        return Row(self.span.start, items, kind, self.sketch)

"""Batch invariance: the bits of a row do not depend on the rows beside it, on their number or their order.

A size counts rows where it is nothing but the end of parallel loops from 0 on, whose variable indexes the
dimensions of that size, and every such dimension is indexed so. Then a call with the rows in any order, with
some of them or with some twice, must give each row the bits that it had.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from codegen.build_ir import ZERO
from fuzz.inputs import Call, draw_layout, place
from kernel_ir import nodes as ir
from kernel_ir.load import LoadedSpec
from kernel_ir.rounding import Array
from kernel_ir.traverse import walk, walk_expressions, walk_statements

MOST_ROWS = 24  # of a call with rows added
_LAYOUTS = ("packed", "packed", "padded", "spaced")


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of a call another call has, in its order. `size` counts them, `axes` says where they lie."""

    size: str
    axes: Mapping[str, tuple[int, ...]]
    taken: Array

    @property
    def is_whole(self) -> bool:
        """Whether the other call has the same rows in another order."""
        return bool(np.array_equal(np.sort(self.taken), np.arange(len(self.taken))))

    def of(self, name: str, values: Array) -> Array:
        """A tensor with these rows."""
        for axis in self.axes.get(name, ()):
            values = np.take(values, self.taken, axis)
        return values

    def outputs(self, given: Mapping[str, Array], rows: int) -> dict[str, Array]:
        """What of a call's outputs the other call gives too: what else a row writes, only all rows do."""
        is_same = len(self.taken) == rows and self.is_whole
        return {name: self.of(name, values) for name, values in given.items() if is_same or name in self.axes}


def draw_rows(draw: random.Random, loaded: LoadedSpec, kernel: ir.Kernel, call: Call) -> Rows | None:
    """Other rows of a call, if a size of the kernel counts rows."""
    found = [size for size in row_sizes(kernel) if call.sizes[size] > 1]
    if not found:
        return None
    size = draw.choice(found)
    axes = axes_of(kernel, size)
    return Rows(size, axes, _draw(draw, call.sizes[size], any(name in axes for name in loaded.spec.unique)))


def _draw(draw: random.Random, rows: int, is_unique: bool) -> Array:
    """All of them in another order, a part of them, or more of them."""
    every = list(range(rows))
    way = draw.choice(("shuffled", "one", "some", "first" if is_unique else "more"))
    match way:
        case "one":
            every = [draw.randrange(rows)]
        case "first":
            every = every[: draw.randint(1, rows)]
        case "some":
            every = draw.sample(every, draw.randint(1, rows))
        case "more":
            every = every[:MOST_ROWS] + [draw.randrange(rows) for _ in range(draw.choice((1, 3, 8)))]
        case _:
            draw.shuffle(every)
    return np.asarray(every)


def with_rows(draw: random.Random, call: Call, rows: Rows) -> Call:
    """The call with these rows, in memory of another layout where it has some."""
    tensors = {
        name: item if item is None or name not in rows.axes
        else place(np.ascontiguousarray(rows.of(name, item.view())), *draw_layout(draw, _LAYOUTS))
        for name, item in call.tensors.items()
    }  # fmt: skip
    count = len(rows.taken)
    numbers = {name: count if name == rows.size else value for name, value in call.numbers.items()}
    return replace(call, tensors=tensors, numbers=numbers, sizes={**call.sizes, rows.size: count})


# ---- which sizes count rows --------------------------------------------------------------------


def row_sizes(kernel: ir.Kernel) -> list[str]:
    """The sizes that count rows."""
    return [size for size in kernel.sizes if _counts_rows(kernel, size)]


def axes_of(kernel: ir.Kernel, size: str) -> dict[str, tuple[int, ...]]:
    """The dimensions of a size, by tensor."""
    found = {
        name: tuple(axis for axis, extent in enumerate(item.shape) if _is_size(extent, size))
        for name, item in kernel.tensors().items()
    }
    return {name: axes for name, axes in found.items() if axes}


def _is_size(expr: ir.Expr, size: str) -> bool:
    return isinstance(expr, ir.Size) and expr.name == size


def _counts_rows(kernel: ir.Kernel, size: str) -> bool:
    axes = axes_of(kernel, size)
    loops = [item for item in walk_statements(kernel.body) if isinstance(item, ir.For)]
    whole = [item for item in loops if _is_size(item.high, size) and item.low == ZERO]
    rows = [item for item in whole if not item.is_ordered]
    variables = {item.var for item in rows}
    if not axes or not rows or any(_is_inside(item, rows) for item in rows):
        return False
    uses = sum(_is_size(item, size) for item in walk_expressions(kernel.body))
    shapes = [extent for item in kernel.tensors().values() for extent in item.shape]
    others = [*kernel.requires, *(extent for extent in shapes if not _is_size(extent, size))]
    if uses != len(rows) or any(_is_size(item, size) for expr in others for item in walk(expr)):
        return False
    indexed = [_is_row_access(item, axes, variables) for item in _accesses(kernel)]
    reads = sum(isinstance(item, ir.Var) and item.name in variables for item in walk_expressions(kernel.body))
    return all(count is not None for count in indexed) and reads == sum(count or 0 for count in indexed)


def _is_inside(loop: ir.For, outer: Sequence[ir.For]) -> bool:
    return any(item is loop for other in outer for item in walk_statements(other.body))


def _accesses(kernel: ir.Kernel) -> Iterator[ir.Load | ir.Store]:
    yield from (item for item in walk_expressions(kernel.body) if isinstance(item, ir.Load))
    yield from (item for item in walk_statements(kernel.body) if isinstance(item, ir.Store))


def _is_row_access(
    access: ir.Load | ir.Store, axes: Mapping[str, tuple[int, ...]], variables: set[str]
) -> int | None:
    """How many dimensions an access indexes by a row's variable; None where it leaves its row."""
    mine = axes.get(access.tensor, ())
    indices = [access.index[axis] for axis in mine]
    return len(mine) if all(isinstance(item, ir.Var) and item.name in variables for item in indices) else None

"""What lanes load once and hold in registers, for all dealt loops that read it.

before:  `for c over lanes: s += x[c]`       after:  `x_held = this lane's elements of x`
         `...`                                        `for c over lanes: s += x_held[c]`
         `for c over lanes: out[c] = x[c] / s`        `...`
                                                      `for c over lanes: out[c] = x_held[c] / s`

Loads of arguments give the value at entry wherever they stand, so they may move up to where their
index is known: all of a block's loads are then under way before the first is used. Loops over one
range are dealt alike, which is why the lane that loads an element is the lane that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from codegen import lowered as low
from codegen.gpu.chunks import Block, Chunk, ChunkedLoop, accumulated
from codegen.gpu.split import names_in
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.prove import Facts
from kernel_ir.traverse import substitute

Range: TypeAlias = tuple[ir.Expr, ir.Expr]
Place: TypeAlias = tuple[ir.Expr, ir.Expr, Chunk]  # of what is held: the range of its loops, and the chunk

# Stands for the variable of whichever loop reads what is held.
PLACE = "the place of what is held"


@dataclass(frozen=True, slots=True)
class Hold:
    """Chunks of dealt loops over one range, loaded in front of a statement of their block.

    The chunks' indices are over `PLACE`; `var` is the variable of the first loop that reads them. What
    only a loop behind a reduction reads `is_late`: it may be loaded while lanes exchange what they have
    reduced, and takes no registers before.
    """

    low: ir.Expr
    high: ir.Expr
    var: str
    chunks: tuple[Chunk, ...]
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class _Use:
    """A chunk that a loop over a range may hold."""

    range: Range
    chunk: Chunk

    def without_condition(self) -> _Use:
        return replace(self, chunk=replace(self.chunk, condition=None))


@dataclass(frozen=True, slots=True)
class Holding:
    """What may be held in a launch: loads of `arguments` in `chunked` loops, placed by what never changes."""

    chunked: Mapping[str, ChunkedLoop]
    arguments: frozenset[str]
    changing: frozenset[str]
    kernel: ir.Kernel
    facts: Facts

    @staticmethod
    def of_launch(launch: low.Launch, kernel: ir.Kernel, chunked: Mapping[str, ChunkedLoop]) -> Holding:
        arguments = {item.name for item in kernel.tensors().values() if item.role != "result"}
        inside = tuple(low.walk(launch.body))
        changing = {item.name for item in inside if isinstance(item, ir.Update)}
        changing |= {item.row for item in inside if isinstance(item, low.Put)}
        facts = Facts.for_sizes(kernel.sizes, (item.name for item in kernel.results))
        for condition in kernel.requires:
            facts = facts.with_requirement(condition)
        for axis in launch.grid:
            facts = facts.with_range(axis.var, axis.low, axis.high)
        return Holding(chunked, frozenset(arguments), frozenset(changing), kernel, facts)

    def place(self, block: Block) -> dict[int, tuple[Hold, ...]]:
        """What dealt loops of a block of the team hold, by the statement to load it in front of."""
        bound = _bound_after(block)
        uses = self._uses(block)
        positions: dict[tuple[int, bool, Range], dict[Chunk, None]] = {}
        for use, loops in uses.items():
            names = use.chunk.names | names_in(loops[0].low) | names_in(loops[0].high)
            first = max((bound.get(name, 0) for name in names), default=0)
            fold = _last_fold(block, first, block.index(loops[0]))
            place = (first, False) if fold is None else (fold, True)
            positions.setdefault((*place, use.range), {})[use.chunk] = None
        placed: dict[int, tuple[Hold, ...]] = {}
        for (position, is_late, range_), chunks in positions.items():
            var = next(loops[0].var for use, loops in uses.items() if use.range == range_)
            ordered = sorted(chunks, key=lambda item: item.condition is not None)  # which may have to wait
            hold = Hold(*range_, var, tuple(ordered), is_late)
            placed[position] = (*placed.get(position, ()), hold)
        return placed

    def _uses(self, block: Block) -> dict[_Use, list[low.Loop | low.Fold]]:
        """What a block's loops may hold, with the loops that do, in order.

        Loops that load the same elements on different conditions share one load on none, where none is
        needed to stay in range.
        """
        found: dict[_Use, list[low.Loop | low.Fold]] = {}
        for loop in block:
            for chunk in self.chunks(loop):
                assert isinstance(loop, (low.Loop, low.Fold))
                found.setdefault(_Use((loop.low, loop.high), chunk), []).append(loop)
        merged: dict[_Use, list[low.Loop | low.Fold]] = {}
        for use, loops in found.items():
            free = use.without_condition()
            is_twice = sum(item.without_condition() == free for item in found) > 1
            kept = free if is_twice and self._is_safe(free) else use
            merged.setdefault(kept, []).extend(loops)
        return merged

    def read_again(self, block: Block, fold: low.Fold) -> tuple[Place, ...]:
        """What a reduction of a block holds and a later loop reads again."""
        uses = self._uses(block).items()
        return tuple((*use.range, use.chunk) for use, loops in uses if fold in loops and loops[-1] != fold)

    def _is_safe(self, use: _Use) -> bool:
        """Whether a chunk's elements are there without any condition."""
        facts = self.facts.with_range(PLACE, *use.range)
        tensor = self.kernel.tensors()[use.chunk.tensor]
        pairs = zip(use.chunk.index, tensor.shape, strict=True)
        return not tensor.is_optional and all(facts.proves_in_range(part, extent) for part, extent in pairs)

    def chunks(self, loop: low.Stmt) -> tuple[Chunk, ...]:
        """What a dealt loop may hold: its loads of which nothing inside the loop says where they are."""
        if not isinstance(loop, (low.Loop, low.Fold)) or loop.var not in self.chunked:
            return ()
        values = accumulated(loop) if isinstance(loop, low.Fold) else ()
        moving = {name for item in low.walk(loop.body) for name in low.bound_names(item)} | self.changing
        found = self.chunked[loop.var].of_block(loop.body, values)
        return tuple(
            at_place(item, loop.var)
            for item in found
            if not item.is_store and item.loaded <= self.arguments and not item.names & moving
        )

    def loops(self, body: Block) -> set[str]:
        """The variables of the loops that hold something."""
        inside = (item for item in low.walk(body) if isinstance(item, (low.Loop, low.Fold)))
        return {item.var for item in inside if self.chunks(item)}

    def all(self, body: Block) -> Iterator[Hold]:
        """What is held in a block of the team and in those inside it."""
        for holds in self.place(body).values():
            yield from holds
        for statement in body:
            is_dealt = isinstance(statement, (low.Loop, low.Fold)) and statement.kind == "lanes"
            for inner in () if is_dealt else low.blocks(statement):
                yield from self.all(inner)


def _last_fold(block: Block, first: int, end: int) -> int | None:
    """The position of the last reduction over lanes in a part of a block."""
    folds = (n for n in range(first, end) if isinstance(item := block[n], low.Fold) and item.kind == "lanes")
    return max(folds, default=None)


def at_place(chunk: Chunk, var: str) -> Chunk:
    """A chunk of a loop as its range's holds have it."""
    index = tuple(substitute(part, {var: ir.Var(PLACE, I64)}) for part in chunk.index)
    return replace(chunk, index=index)


def _bound_after(block: Block) -> dict[str, int]:
    """The names that a block binds, each with the position from which on it stands."""
    found: dict[str, int] = {}
    for position, statement in enumerate(block):
        match statement:
            case low.Loop():
                names: tuple[str, ...] = ()
            case low.Fold(accumulators):
                names = tuple(name for item in accumulators for name in item.names)
            case _:
                names = low.bound_names(statement)
        found.update((name, position + 1) for name in names)
    return found

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

from codegen import lowered as low
from codegen.gpu.chunks import Block, Chunk, ChunkedLoop, accumulated
from codegen.gpu.split import names_in
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.traverse import substitute

# Stands for the variable of whichever loop reads what is held.
PLACE = "the place of what is held"


@dataclass(frozen=True, slots=True)
class Hold:
    """Chunks of dealt loops over one range, loaded in front of a statement of their block.

    The chunks' indices are over `PLACE`; `var` is the variable of the first loop that reads them.
    """

    low: ir.Expr
    high: ir.Expr
    var: str
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """What may be held in a launch: loads of `arguments` in `chunked` loops, placed by what never changes."""

    chunked: Mapping[str, ChunkedLoop]
    arguments: frozenset[str]
    changing: frozenset[str]

    @staticmethod
    def of_launch(launch: low.Launch, kernel: ir.Kernel, chunked: Mapping[str, ChunkedLoop]) -> Holding:
        arguments = {item.name for item in kernel.tensors().values() if item.role != "result"}
        inside = tuple(low.walk(launch.body))
        changing = {item.name for item in inside if isinstance(item, ir.Update)}
        changing |= {item.row for item in inside if isinstance(item, low.Put)}
        return Holding(chunked, frozenset(arguments), frozenset(changing))

    def place(self, block: Block) -> dict[int, tuple[Hold, ...]]:
        """What dealt loops of a block of the team hold, by the statement to load it in front of."""
        bound = _bound_after(block)
        found: dict[tuple[int, ir.Expr, ir.Expr], tuple[str, dict[Chunk, None]]] = {}
        for loop in block:
            for chunk in self.chunks(loop):
                assert isinstance(loop, (low.Loop, low.Fold))
                names = chunk.names | names_in(loop.low) | names_in(loop.high)
                key = (max((bound.get(name, 0) for name in names), default=0), loop.low, loop.high)
                is_held = any(chunk in held for at, (_, held) in found.items() if at[1:] == key[1:])
                if not is_held:
                    found.setdefault(key, (loop.var, {}))[1][chunk] = None
        placed: dict[int, tuple[Hold, ...]] = {}
        for (position, first, end), (var, chunks) in found.items():
            placed[position] = (*placed.get(position, ()), Hold(first, end, var, tuple(chunks)))
        return placed

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

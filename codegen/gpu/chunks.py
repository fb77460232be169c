"""Which dealt loops give each lane runs of neighbouring elements, moved in one access.

A loop of short iterations that reads or writes neighbouring elements is dealt in *chunks*: a lane takes a
few iterations that follow one another. What it loads in steps of one is then loaded once a chunk,
before the chunk's iterations, and what it stores so is stored once, after them. The chunk's length
depends on the dtypes alone, so the order in which a reduction meets its terms does too.

Whether a chunk moves as one wide access is for host code to decide: it may where pointers, strides
and the extents in `multiples` are multiples of the chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from codegen import lowered as low
from codegen.build_ir import ZERO, op
from codegen.gpu.split import names_in
from codegen.passes.simplify import simplify_expression
from codegen.teams import steps_by_one
from codegen.work import is_host_known
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.traverse import children, substitute, walk


@dataclass(frozen=True, slots=True)
class Chunk:
    """A tensor's elements that one chunk of a loop moves. `index` is the access as the body has it.

    A load may have a `condition`, the same for the whole loop, without which memory is not touched.
    """

    tensor: str
    index: tuple[ir.Expr, ...]
    is_store: bool
    condition: ir.Expr | None = None


@dataclass(frozen=True, slots=True)
class ChunkedLoop:
    """How one dealt loop moves its elements; `multiples` are extents that must be whole chunks."""

    chunks: tuple[Chunk, ...]
    multiples: tuple[ir.Expr, ...]

    def find(self, tensor: str, index: tuple[ir.Expr, ...], is_store: bool) -> Chunk | None:
        """The chunk that an access belongs to."""
        found = (item for item in self.chunks if item.tensor == tensor and item.is_store == is_store)
        return next((item for item in found if item.index == index), None)


def find_chunks(launch: low.Launch, kernel: ir.Kernel) -> dict[str, ChunkedLoop]:
    """Every loop of a launch that is dealt in chunks, by its variable."""
    roles = {item.name: item.role for item in kernel.tensors().values()}
    found: dict[str, ChunkedLoop] = {}
    for statement in low.walk(launch.body):
        if isinstance(statement, (low.Loop, low.Fold)) and statement.kind == "lanes":
            loop = _Candidate(statement, roles).chunked()
            if loop.chunks:
                found[statement.var] = loop
    return found


@dataclass(slots=True)
class _Candidate:
    """A dealt loop whose accesses are being looked at."""

    loop: low.Loop | low.Fold
    roles: Mapping[str, str]
    inside: set[str] = field(init=False)

    def __post_init__(self) -> None:
        bound = {name for item in low.walk(self.loop.body) for name in low.bound_names(item)}
        self.inside = bound | {self.loop.var}

    def chunked(self) -> ChunkedLoop:
        extent = _difference(self.loop.high, self.loop.low)
        if not is_host_known(extent) or self._has_loops():
            return ChunkedLoop((), ())
        multiples: dict[ir.Expr, None] = {extent: None}
        chunks: dict[Chunk, None] = {}
        for chunk in self._candidates():
            starts = self._starts(chunk.index[-1])
            if starts is not None:
                chunks[chunk] = None
                multiples.update(dict.fromkeys(starts))
        kept = tuple(item for item in chunks if not self._is_mixed(item, chunks))
        return ChunkedLoop(kept, tuple(item for item in multiples if item != ZERO) if kept else ())

    def _has_loops(self) -> bool:
        """Whether each iteration is long; then neighbours are better left to neighbouring lanes."""
        return any(isinstance(item, (low.Loop, low.Fold)) for item in low.walk(self.loop.body))

    def _candidates(self) -> Iterator[Chunk]:
        """Accesses that happen once in every iteration and step by one."""
        for statement in self.loop.body:
            if isinstance(statement, ir.Store) and self._moves_in_order(statement.index):
                yield Chunk(statement.tensor, statement.index, True)
            if isinstance(statement, (ir.Let, ir.Update, ir.Store, low.Put)):
                for expr in low.expressions(statement):
                    yield from self._loads(expr)
        if isinstance(self.loop, low.Fold):
            for item in self.loop.accumulators:
                for part in (item.where, item.value):
                    yield from self._loads(part) if part is not None else ()

    def _loads(self, expr: ir.Expr) -> Iterator[Chunk]:
        match expr:
            case ir.Apply("select", (condition, ir.Load(tensor, index), otherwise)):
                if self._moves_in_order(index) and not self._changes(condition):
                    yield Chunk(tensor, index, False, condition)
                yield from self._loads(condition)
                yield from self._loads(otherwise)
            case ir.Load(tensor, index):
                if self._moves_in_order(index):
                    yield Chunk(tensor, index, False)
            case _:
                for child in children(expr):
                    yield from self._loads(child)

    def _moves_in_order(self, index: tuple[ir.Expr, ...]) -> bool:
        outer, last = index[:-1], index[-1]
        rest = substitute(last, {self.loop.var: ZERO})
        return steps_by_one(last, self.loop.var) and not any(map(self._changes, (*outer, rest)))

    def _changes(self, expr: ir.Expr) -> bool:
        return bool(names_in(expr) & self.inside)

    def _starts(self, last: ir.Expr) -> tuple[ir.Expr, ...] | None:
        """Extents that make the first index a multiple of the chunk, or None where none can."""
        return _terms(simplify_expression(substitute(last, {self.loop.var: self.loop.low})))

    def _is_mixed(self, chunk: Chunk, chunks: Mapping[Chunk, None]) -> bool:
        """Whether moving a chunk early or late could be seen by the loop's other accesses."""
        tensor = chunk.tensor
        stores = [item for item in low.walk(self.loop.body) if isinstance(item, ir.Store)]
        stores = [item for item in stores if item.tensor == tensor]
        if not stores:
            return False
        is_read = self.roles[tensor] == "result" and any(
            isinstance(item, ir.Load) and item.tensor == tensor for item in _expressions_in(self.loop)
        )
        return is_read or any(Chunk(tensor, item.index, True) not in chunks for item in stores)


def _expressions_in(loop: low.Loop | low.Fold) -> Iterator[ir.Expr]:
    for statement in low.walk((loop,)):
        for expr in low.expressions(statement):
            yield from walk(expr)


def _difference(high: ir.Expr, first: ir.Expr) -> ir.Expr:
    return high if first == ZERO else op("subtract", high, first)


def _terms(expr: ir.Expr) -> tuple[ir.Expr, ...] | None:
    """Host-known expressions whose being multiples of a number makes `expr` one; None: cannot tell."""
    if is_host_known(expr):
        return () if expr == ZERO else (expr,)
    match expr:
        case ir.Apply("add" | "subtract", (left, right)):
            a, b = _terms(left), _terms(right)
            return None if a is None or b is None else (*a, *b)
        case ir.Apply("multiply", (left, right)) if expr.type == I64:
            return next((found for part in (right, left) if (found := _terms(part)) is not None), None)
        case _:
            return None

"""Which dealt loops give each lane runs of neighbouring elements, moved in one access.

A dealt loop that reads or writes neighbouring elements is dealt in *chunks*: a lane takes a few iterations
that follow one another. What it loads in steps of one is then loaded once a chunk, in front of the
chunk's iterations, and what it stores so is stored once, after them. The chunk's length depends on the
dtypes alone, so the order in which a reduction meets its terms does too.

Loops in order and branches inside such a loop that all iterations of a chunk take alike stay one for the
chunk: it goes through them together, with chunks of their own in each of their blocks.

Whether a chunk moves as one wide access is for host code to decide: it may where pointers, strides
and the extents in `multiples` are multiples of the chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from codegen import lowered as low
from codegen.build_ir import ZERO, extent_of
from codegen.gpu.split import names_in
from codegen.passes.simplify import simplify_expression
from codegen.teams import steps_by_one
from codegen.work import is_host_known
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.traverse import children, substitute, walk

Block: TypeAlias = "tuple[low.Stmt, ...]"
Index: TypeAlias = "tuple[ir.Expr, ...]"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A tensor's elements that one chunk of a loop moves. `index` is the access as the body has it.

    A load may have a `condition`, the same for the whole chunk, without which memory is not touched.
    """

    tensor: str
    index: tuple[ir.Expr, ...]
    is_store: bool
    condition: ir.Expr | None = None

    @property
    def names(self) -> set[str]:
        """The variables and rows that say where the chunk is."""
        return {name for expr in self._place() for name in names_in(expr)}

    @property
    def loaded(self) -> set[str]:
        """The tensors that are read to load the chunk."""
        inner = (item for expr in self._place() for item in walk(expr))
        return {self.tensor, *(item.tensor for item in inner if isinstance(item, ir.Load))}

    def _place(self) -> tuple[ir.Expr, ...]:
        return self.index if self.condition is None else (*self.index, self.condition)


@dataclass(frozen=True, slots=True)
class ChunkedLoop:
    """How one dealt loop moves its elements.

    `multiples` are extents that must be whole chunks, `varying` the names that differ between the
    iterations of a chunk. Iterations that do not go together are made one by one throughout.
    """

    var: str
    varying: frozenset[str]
    chunks: tuple[Chunk, ...] = ()
    multiples: tuple[ir.Expr, ...] = ()
    goes_together: bool = True

    def find(self, tensor: str, index: tuple[ir.Expr, ...], is_store: bool) -> Chunk | None:
        """The chunk that an access belongs to."""
        found = (item for item in self.chunks if item.tensor == tensor and item.is_store == is_store)
        return next((item for item in found if item.index == index), None)

    def of_block(self, block: Block, values: tuple[ir.Expr, ...] = ()) -> tuple[Chunk, ...]:
        """The chunks that one block moves itself, loads first; `values` are computed at its end."""
        made = _candidates(block, values, self.var, self.varying)
        found = dict.fromkeys(item for item in made if item in self.chunks)
        return tuple(sorted(found, key=lambda item: item.is_store))

    def is_shared(self, statement: low.Stmt) -> bool:
        """Whether the iterations of a chunk go through a statement together rather than one by one."""
        return self.goes_together and _is_shared(statement, self.varying)


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


def deal_without_chunks(loop: low.Loop | low.Fold) -> ChunkedLoop:
    """The loop dealt in chunks that it moves nothing in, as others over its range are."""
    varying = _varying_names(loop)
    return ChunkedLoop(loop.var, varying, goes_together=_goes_together(loop, varying))


def accumulated(fold: low.Fold) -> tuple[ir.Expr, ...]:
    """The expressions that a fold computes at the end of each iteration."""
    parts = (part for item in fold.accumulators for part in (item.where, item.value))
    return tuple(part for part in parts if part is not None)


@dataclass(slots=True)
class _Candidate:
    """A dealt loop whose accesses are being looked at."""

    loop: low.Loop | low.Fold
    roles: Mapping[str, str]
    varying: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.varying = _varying_names(self.loop)

    def chunked(self) -> ChunkedLoop:
        extent = extent_of(self.loop.low, self.loop.high)
        nothing = ChunkedLoop(self.loop.var, self.varying)
        if not is_host_known(extent) or not _goes_together(self.loop, self.varying):
            return nothing
        multiples: dict[ir.Expr, None] = {extent: None}
        chunks: dict[Chunk, None] = {}
        for chunk in self._all_candidates(self.loop):
            starts = self._starts(chunk.index[-1])
            if starts is not None:
                chunks[chunk] = None
                multiples.update(dict.fromkeys(starts))
        kept = tuple(
            item for item in chunks if not self._is_mixed(item, chunks) and not self._is_doubtful(item)
        )
        whole = tuple(item for item in multiples if item != ZERO)
        return ChunkedLoop(self.loop.var, self.varying, kept, whole) if kept else nothing

    def _all_candidates(self, loop: low.Loop | low.Fold) -> Iterator[Chunk]:
        """The accesses of every block that a chunk goes through together."""
        values = accumulated(loop) if isinstance(loop, low.Fold) else ()
        yield from self._of_block(loop.body, values)

    def _of_block(self, block: Block, values: tuple[ir.Expr, ...]) -> Iterator[Chunk]:
        yield from _candidates(block, values, self.loop.var, self.varying)
        for statement in block:
            if not _is_shared(statement, self.varying):
                continue
            ends = accumulated(statement) if isinstance(statement, low.Fold) else ()
            for inner in low.blocks(statement):
                yield from self._of_block(inner, ends)

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
        if any(Chunk(tensor, item.index, True) not in chunks for item in stores):
            return True
        if _is_stored_inside_too(self.loop.body, tensor):
            return True
        if self.roles[tensor] != "result":
            return False
        ends = accumulated(self.loop) if isinstance(self.loop, low.Fold) else ()
        return not chunk.is_store or not self._reads_back(self.loop.body, ends, tensor, frozenset())

    def _is_doubtful(self, chunk: Chunk) -> bool:
        """Whether the same elements are loaded without this chunk's condition, or on another one."""
        if chunk.condition is None:
            return False
        exprs = (expr for item in low.walk((self.loop,)) for expr in low.expressions(item))
        guards = (guard for expr in exprs for guard in _guards(expr, chunk))
        return any(guard != chunk.condition for guard in guards)

    def _reads_back(
        self, block: Block, values: tuple[ir.Expr, ...], tensor: str, written: frozenset[Index]
    ) -> bool:
        """Whether a block reads only those elements of a result that the same iteration has just written."""
        for statement in block:
            ends = accumulated(statement) if isinstance(statement, low.Fold) else ()
            own = tuple(item for item in low.expressions(statement) if item not in ends)
            if not _read(own, tensor) <= written:
                return False
            if not all(self._reads_back(item, ends, tensor, written) for item in low.blocks(statement)):
                return False
            if isinstance(statement, ir.Store) and statement.tensor == tensor:
                written |= {statement.index}
        return _read(values, tensor) <= written


# ---- what a chunk goes through together ------------------------------------------------------------


def _varying_names(loop: low.Loop | low.Fold) -> frozenset[str]:
    """The names whose values differ between the iterations of a loop; what may change is one of them."""
    found = {loop.var}
    while True:
        before = len(found)
        _collect_varying(loop.body, found)
        if len(found) == before:
            return frozenset(found)


def _collect_varying(block: Block, found: set[str]) -> None:
    for statement in block:
        names = {name for expr in low.expressions(statement) for name in names_in(expr)}
        match statement:
            case ir.Let(name, _, is_mutable) if is_mutable or names & found:
                found.add(name)
            case ir.Update(name) | low.Put(name) | low.Allocate(name):
                found.add(name)
            case low.Loop(var) if names & found:
                found.add(var)
            case low.Fold(accumulators, var, first, end):
                found.update(name for item in accumulators for name in item.names)
                found |= {var} if (names_in(first) | names_in(end)) & found else set()
            case _:
                pass
        for inner in low.blocks(statement):
            _collect_varying(inner, found)


def _goes_together(loop: low.Loop | low.Fold, varying: frozenset[str]) -> bool:
    """Whether the loops inside are the same for all iterations of a chunk, whose rows none shares."""
    inside = tuple(low.walk(loop.body))
    if any(isinstance(item, low.Allocate) for item in inside):
        return not any(low.blocks(item) for item in inside)
    return _is_uniform(loop.body, varying)


def _is_uniform(block: Block, varying: frozenset[str]) -> bool:
    for statement in block:
        has_loops = any(isinstance(item, (low.Loop, low.Fold)) for item in low.walk((statement,)))
        if has_loops and not _is_shared(statement, varying):
            return False
        if not all(_is_uniform(item, varying) for item in low.blocks(statement)):
            return False
    return True


def _is_shared(statement: low.Stmt, varying: frozenset[str]) -> bool:
    match statement:
        case ir.Let(name):
            return name not in varying
        case low.If(condition):
            return not names_in(condition) & varying
        case low.Loop(_, first, end) | low.Fold(_, _, first, end):
            return not (names_in(first) | names_in(end)) & varying
        case _:
            return False


# ---- accesses --------------------------------------------------------------------------------------


def _candidates(
    block: Block, values: tuple[ir.Expr, ...], var: str, varying: frozenset[str]
) -> Iterator[Chunk]:
    """Accesses of a block that happen once in every iteration and step by one."""
    for statement in block:
        if isinstance(statement, ir.Store) and _moves_in_order(statement.index, var, varying):
            yield Chunk(statement.tensor, statement.index, True)
        if isinstance(statement, (ir.Let, ir.Update, ir.Store, low.Put)):
            for expr in low.expressions(statement):
                yield from _loads(expr, var, varying)
    for expr in values:
        yield from _loads(expr, var, varying)


def _loads(expr: ir.Expr, var: str, varying: frozenset[str]) -> Iterator[Chunk]:
    match expr:
        case ir.Apply("select", (condition, ir.Load(tensor, index), otherwise)):
            if _moves_in_order(index, var, varying) and not names_in(condition) & varying:
                yield Chunk(tensor, index, False, condition)
            yield from _loads(condition, var, varying)
            yield from _loads(otherwise, var, varying)
        case ir.Load(tensor, index):
            if _moves_in_order(index, var, varying):
                yield Chunk(tensor, index, False)
        case _:
            for child in children(expr):
                yield from _loads(child, var, varying)


def _is_stored_inside_too(block: Block, tensor: str) -> bool:
    """Whether a block stores a tensor, and so does a block in it, whose chunks are stored before."""
    inner = tuple(item for statement in block for item in low.blocks(statement))
    is_own = any(_stores(statement, tensor) for statement in block)
    is_inner = any(_stores(statement, tensor) for item in inner for statement in low.walk(item))
    return (is_own and is_inner) or any(_is_stored_inside_too(item, tensor) for item in inner)


def _stores(statement: low.Stmt, tensor: str) -> bool:
    return isinstance(statement, ir.Store) and statement.tensor == tensor


def _guards(expr: ir.Expr, chunk: Chunk) -> Iterator[ir.Expr | None]:
    """The condition of each load of a chunk's elements; None where there is none."""
    match expr:
        case ir.Apply("select", (condition, ir.Load(tensor, index) as load, otherwise)):
            if (tensor, index) == (chunk.tensor, chunk.index):
                yield condition
            for part in (condition, *children(load), otherwise):
                yield from _guards(part, chunk)
        case _:
            if isinstance(expr, ir.Load) and (expr.tensor, expr.index) == (chunk.tensor, chunk.index):
                yield None
            for child in children(expr):
                yield from _guards(child, chunk)


def _moves_in_order(index: tuple[ir.Expr, ...], var: str, varying: frozenset[str]) -> bool:
    outer, last = index[:-1], index[-1]
    rest = substitute(last, {var: ZERO})
    return steps_by_one(last, var) and not any(names_in(part) & varying for part in (*outer, rest))


def _read(exprs: tuple[ir.Expr, ...], tensor: str) -> set[Index]:
    """The elements of a tensor that expressions read."""
    inside = (item for expr in exprs for item in walk(expr))
    return {item.index for item in inside if isinstance(item, ir.Load) and item.tensor == tensor}


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

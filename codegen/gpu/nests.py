"""Which parallel loops are shared out over a team, beside the loop that its lanes share.

before:  `for h in range(heads): for d over lanes: out[h, d] = x[h, d]`
after:   the team falls into shares, as many as leave each lane a run of d; share n takes every so many-th h

So does a parallel loop inside a dealt one, each share then computing what stands in front of it for
itself: `for i over lanes: c = cos(i); for h in range(heads): out[h, i] = x[h, i] * c`. Neither may
exchange data between lanes, be it by a tensor that is written and read there, nor use rows, whose elements
belong to lanes of the whole team.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from codegen import lowered as low
from codegen.gpu.barriers import place_barriers
from codegen.gpu.chunks import Block
from codegen.gpu.split import names_in
from kernel_ir import nodes as ir
from kernel_ir.traverse import walk


def find_nests(body: Block, chunked: frozenset[str]) -> frozenset[str]:
    """The variables of the loops that are shared out, in a block of the team; `chunked` as for barriers."""
    found: set[str] = set()
    for statement in body:
        match statement:
            case low.Loop(kind="serial", is_parallel=True) if _is_shared_out(statement, chunked):
                found.add(statement.var)
            case low.Loop(kind="lanes"):
                found |= _inside_lanes(statement)
            case low.Fold(kind="lanes"):
                pass
            case _:
                for block in low.blocks(statement):
                    found |= find_nests(block, chunked)
    return frozenset(found)


def _is_shared_out(loop: low.Loop, chunked: frozenset[str]) -> bool:
    """Whether all that a loop does beside scalars and single stores happens in dealt loops, and lanes never
    wait for one another.

    The first of those says how large a share is, so its length must be known in front of the loop.
    """
    block = loop.body
    dealt = [item for item in low.walk(block) if isinstance(item, low.Loop) and item.kind == "lanes"]
    if not dealt or _uses_rows(block) or not all(map(_has_no_exchange, block)):
        return False
    inside = {name for item in low.walk((loop,)) for name in low.bound_names(item)}
    if (names_in(dealt[0].low) | names_in(dealt[0].high)) & inside:
        return False
    placed = place_barriers(block, frozenset(_written(block)), chunked)
    return not any(isinstance(item, low.Barrier) for item in low.walk(placed))


def _has_no_exchange(statement: low.Stmt) -> bool:
    match statement:
        case ir.Let(_, _, is_mutable):
            return not is_mutable
        case low.If():
            return all(_has_no_exchange(item) for block in low.blocks(statement) for item in block)
        case low.Loop(kind="lanes") | ir.Store():
            return True
        case _:
            return False


def _inside_lanes(loop: low.Loop) -> set[str]:
    """The parallel loops that do all the work of a dealt loop's iterations, each apart from the rest."""
    inner = set()
    for statement in loop.body:
        match statement:
            case low.Loop(var, is_parallel=True):
                inner.add(var)
            case ir.Let(_, _, False):
                pass
            case _:
                return set()
    return inner if _is_apart(loop.body) and not _uses_rows(loop.body) else set()


def _is_apart(block: Block) -> bool:
    """Whether no statement of a block writes what another one reads or writes."""
    touched = ((_written((item,)), _loaded((item,))) for item in block)
    return not any(
        (first[0] & (second[0] | second[1])) | (first[1] & second[0])
        for first, second in combinations(touched, 2)
    )


def _written(block: Block) -> set[str]:
    return {item.tensor for item in low.walk(block) if isinstance(item, ir.Store)}


def _loaded(block: Block) -> set[str]:
    return {item.tensor for item in _expressions(block) if isinstance(item, ir.Load)}


def _uses_rows(block: Block) -> bool:
    is_written = any(isinstance(item, (low.Put, low.Allocate)) for item in low.walk(block))
    return is_written or any(isinstance(item, ir.At) for item in _expressions(block))


def _expressions(block: Block) -> Iterator[ir.Expr]:
    """Every expression in a block, parts of others too."""
    for statement in low.walk(block):
        for expr in low.expressions(statement):
            yield from walk(expr)

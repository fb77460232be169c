"""Which parallel loops are shared out over a team, beside the loop that its lanes share.

before:  `for h in range(heads): for d over lanes: out[h, d] = x[h, d]`
after:   the team falls into shares, as many as leave each lane a run of d; share n takes every so many-th h

So does a parallel loop inside a dealt one, each share then computing what stands in front of it for
itself: `for i over lanes: c = cos(i); for h in range(heads): out[h, i] = x[h, i] * c`. Neither may
exchange data between lanes, nor use rows, whose elements belong to lanes of the whole team.
"""

from __future__ import annotations

from codegen import lowered as low
from codegen.gpu.chunks import Block
from codegen.gpu.split import names_in
from kernel_ir import nodes as ir
from kernel_ir.traverse import walk


def find_nests(body: Block) -> frozenset[str]:
    """The variables of the loops that are shared out, in a block of the team."""
    found: set[str] = set()
    for statement in body:
        match statement:
            case low.Loop(kind="serial", is_parallel=True) if _is_shared_out(statement):
                found.add(statement.var)
            case low.Loop(kind="lanes"):
                found |= _inside_lanes(statement)
            case low.Fold(kind="lanes"):
                pass
            case _:
                for block in low.blocks(statement):
                    found |= find_nests(block)
    return frozenset(found)


def _is_shared_out(loop: low.Loop) -> bool:
    """Whether all that a loop does beside scalars and single stores happens in dealt loops.

    The first of those says how large a share is, so its length must be known in front of the loop.
    """
    block = loop.body
    dealt = [item for item in low.walk(block) if isinstance(item, low.Loop) and item.kind == "lanes"]
    if not dealt or _uses_rows(block) or not all(map(_has_no_exchange, block)):
        return False
    inside = {name for item in low.walk((loop,)) for name in low.bound_names(item)}
    return not (names_in(dealt[0].low) | names_in(dealt[0].high)) & inside


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
    """The parallel loops that do all the work of a dealt loop's iterations."""
    inner = set()
    for statement in loop.body:
        match statement:
            case low.Loop(var, is_parallel=True):
                inner.add(var)
            case ir.Let(_, _, False):
                pass
            case _:
                return set()
    return set() if _uses_rows(loop.body) else inner


def _uses_rows(block: Block) -> bool:
    inside = tuple(low.walk(block))
    exprs = (item for statement in inside for expr in low.expressions(statement) for item in walk(expr))
    is_written = any(isinstance(item, (low.Put, low.Allocate)) for item in inside)
    return is_written or any(isinstance(item, ir.At) for item in exprs)

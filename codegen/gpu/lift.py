"""Compute in front of a dealt loop what each of its iterations would compute alike.

before:  `for d over lanes: at = i64(slot); out[d] = pool[at, d]`
after:   `at = i64(slot)`
         `for d over lanes: out[d] = pool[at, d]`

Arithmetic alone is moved, which is safe also in front of a loop that runs no iteration. An access
whose other indices then stand outside the loop can move in chunks.
"""

from __future__ import annotations

from dataclasses import replace

from codegen import lowered as low
from codegen.gpu.split import names_in
from kernel_ir import nodes as ir
from kernel_ir.traverse import walk


def lift(body: tuple[low.Stmt, ...]) -> tuple[low.Stmt, ...]:
    """The block, with such bindings in front of the dealt loops in it."""
    out: list[low.Stmt] = []
    for statement in body:
        match statement:
            case low.Loop() | low.Fold():
                statement = replace(statement, body=lift(statement.body))
                lets = _invariant(statement) if statement.kind == "lanes" else ()
                kept = tuple(item for item in statement.body if item not in lets)
                out += [*lets, replace(statement, body=kept)]
            case low.If(_, then, orelse):
                out.append(replace(statement, then=lift(then), orelse=lift(orelse)))
            case _:
                out.append(statement)
    return tuple(out)


def _invariant(loop: low.Loop | low.Fold) -> tuple[ir.Let, ...]:
    """The bindings of a loop's body that hold for all of its iterations."""
    changing = {name for item in low.walk((loop,)) for name in low.bound_names(item)}
    changing |= {item.name for item in low.walk(loop.body) if isinstance(item, ir.Update)}
    found: list[ir.Let] = []
    for statement in loop.body:
        if not isinstance(statement, ir.Let) or not _is_arithmetic(statement):
            continue
        if not names_in(statement.value) & changing:
            found.append(statement)
            changing.discard(statement.name)
    return tuple(found)


def _is_arithmetic(let: ir.Let) -> bool:
    return not let.is_mutable and not any(isinstance(item, (ir.Load, ir.At)) for item in walk(let.value))

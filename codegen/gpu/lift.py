"""Compute in front of a dealt loop what each of its iterations would compute alike.

before:  `for d over lanes: at = i64(slot); out[d] = pool[at, d]`
after:   `at = i64(slot)`
         `for d over lanes: out[d] = pool[at, d]`

Arithmetic is moved, and loads with a condition of their own, which are safe also in front of a loop that
runs no iteration. An access whose other indices then stand outside the loop can move in chunks.
"""

from __future__ import annotations

from dataclasses import replace

from codegen import lowered as low
from codegen.gpu.split import names_in
from kernel_ir import nodes as ir
from kernel_ir.traverse import children


def lift(body: tuple[low.Stmt, ...], inputs: frozenset[str]) -> tuple[low.Stmt, ...]:
    """The block, with such bindings in front of the dealt loops in it; `inputs` are never written."""
    out: list[low.Stmt] = []
    for statement in body:
        match statement:
            case low.Loop() | low.Fold():
                statement = replace(statement, body=lift(statement.body, inputs))
                lets = _invariant(statement, inputs) if statement.kind == "lanes" else ()
                kept = tuple(item for item in statement.body if item not in lets)
                out += [*lets, replace(statement, body=kept)]
            case low.If(_, then, orelse):
                out.append(replace(statement, then=lift(then, inputs), orelse=lift(orelse, inputs)))
            case _:
                out.append(statement)
    return tuple(out)


def _invariant(loop: low.Loop | low.Fold, inputs: frozenset[str]) -> tuple[ir.Let, ...]:
    """The bindings of a loop's body that hold for all of its iterations."""
    changing = {name for item in low.walk((loop,)) for name in low.bound_names(item)}
    changing |= {item.name for item in low.walk(loop.body) if isinstance(item, ir.Update)}
    found: list[ir.Let] = []
    for statement in loop.body:
        if not isinstance(statement, ir.Let) or statement.is_mutable or not _is_safe(statement.value, inputs):
            continue
        if not names_in(statement.value) & changing:
            found.append(statement)
            changing.discard(statement.name)
    return tuple(found)


def _is_safe(expr: ir.Expr, inputs: frozenset[str]) -> bool:
    """Whether an expression may be computed where nothing is known of its operands."""
    match expr:
        case ir.Apply("select", (condition, ir.Load(tensor, index), otherwise)):
            return tensor in inputs and all(_is_safe(part, inputs) for part in (condition, *index, otherwise))
        case ir.Load() | ir.At():
            return False
        case _:
            return all(_is_safe(child, inputs) for child in children(expr))

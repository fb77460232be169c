"""Remove bindings and folds that nothing reads.

before:  `scale = rsqrt(total)`  `out[r] = total`
after:   `out[r] = total`
"""

from __future__ import annotations

from dataclasses import replace

from codegen import lowered as low
from codegen.names import Names
from kernel_ir import nodes as ir
from kernel_ir.traverse import walk


def drop_unused(program: low.Program, names: Names) -> low.Program:
    """The program without unread bindings, and without those that only such bindings read."""
    while True:
        read = _read(program)
        launches = tuple(replace(item, body=_kept(item.body, read)) for item in program.launches)
        if launches == program.launches:
            return program
        program = replace(program, launches=launches)


def _read(program: low.Program) -> frozenset[str]:
    """Every name that some expression reads, or that an update keeps alive."""
    found: set[str] = set()
    for launch in program.launches:
        for axis in launch.grid:
            found.update(_names_in(axis.low), _names_in(axis.high))
        for statement in low.walk(launch.body):
            if isinstance(statement, ir.Update):
                found.add(statement.name)
            for expr in low.expressions(statement):
                found.update(_names_in(expr))
    return frozenset(found)


def _names_in(expr: ir.Expr) -> set[str]:
    return {item.name for item in walk(expr) if isinstance(item, ir.Var)}


def _kept(body: tuple[low.Stmt, ...], read: frozenset[str]) -> tuple[low.Stmt, ...]:
    kept: list[low.Stmt] = []
    for statement in body:
        match statement:
            case ir.Let(name) if name not in read:
                continue
            case low.Fold(accumulators) if not any(name in read for item in accumulators for name in item.names):
                continue
            case low.Loop() | low.Fold():
                kept.append(replace(statement, body=_kept(statement.body, read)))
            case low.If(_, then, orelse):
                kept.append(replace(statement, then=_kept(then, read), orelse=_kept(orelse, read)))
            case _:
                kept.append(statement)
    return tuple(kept)

"""Remove bindings and rows that nothing reads, before anything is decided by them.

before:  `scale = rsqrt(total)`  `out[r] = total`
after:   `out[r] = total`
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kernel_ir import nodes as ir
from kernel_ir.traverse import statement_expressions, walk, walk_statements


def drop_unread(kernel: ir.Kernel) -> ir.Kernel:
    """The kernel without unread names, without those that only such names read, and without empty blocks."""
    while True:
        body = _kept(kernel.body, _read(kernel.body))
        if body == kernel.body:
            return kernel
        kernel = replace(kernel, body=body)


def _read(body: tuple[ir.Stmt, ...]) -> set[str]:
    """Every name that a store, a loop's range or a condition reads, directly or through other names."""
    found: set[str] = set()
    sources: list[tuple[tuple[str, ...], set[str]]] = []
    for statement in walk_statements(body):
        reads = set(_names_in(expr for expr, _ in statement_expressions(statement)))
        match statement:
            case ir.Let(name) | ir.Update(name):
                sources.append(((name,), reads))
            case ir.Row(names):
                sources.append((names, reads))
            case _:
                found |= reads
    while more := {name for names, reads in sources if not found.isdisjoint(names) for name in reads} - found:
        found |= more
    return found


def _names_in(exprs: Iterable[ir.Expr]) -> Iterable[str]:
    for item in (item for expr in exprs for item in walk(expr)):
        match item:
            case ir.Var(name) | ir.At(name):
                yield name
            case _:
                pass


def _kept(body: tuple[ir.Stmt, ...], read: set[str]) -> tuple[ir.Stmt, ...]:
    kept: list[ir.Stmt] = []
    for statement in body:
        match statement:
            case ir.Let(name) | ir.Update(name) if name not in read:
                continue
            case ir.Row(names) if read.isdisjoint(names):
                continue
            case ir.For():
                inner = _kept(statement.body, read)
                kept += [replace(statement, body=inner)] if inner else []
            case ir.If(_, then, orelse):
                branches = _kept(then, read), _kept(orelse, read)
                kept += [replace(statement, then=branches[0], orelse=branches[1])] if any(branches) else []
            case _:
                kept.append(statement)
    return tuple(kept)

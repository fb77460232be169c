"""Remove bindings, folds and rows that nothing reads.

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
    """Every name that something with an effect reads, directly or through other names."""
    found: set[str] = set()
    sources: list[tuple[tuple[str, ...], set[str]]] = []
    for launch in program.launches:
        for axis in launch.grid:
            found.update(_names_in(axis.low), _names_in(axis.high))
        for statement in low.walk(launch.body):
            reads = {name for expr in low.expressions(statement) for name in _names_in(expr)}
            match statement:
                case ir.Let(name) | ir.Update(name) | low.Put(name):
                    sources.append(((name,), reads))
                case low.Fold(accumulators):
                    sources.append((tuple(name for item in accumulators for name in item.names), reads))
                case low.Loop(online=low.Online() as online):
                    found |= reads | _carried(online)
                case _:
                    found |= reads
    return _closure(found, sources)


def _closure(found: set[str], sources: list[tuple[tuple[str, ...], set[str]]]) -> frozenset[str]:
    """`found`, and what the sources of names in it read."""
    while True:
        more = {name for names, reads in sources if not found.isdisjoint(names) for name in reads} - found
        if not more:
            return frozenset(found)
        found |= more


def _names_in(expr: ir.Expr) -> set[str]:
    names = {item.name for item in walk(expr) if isinstance(item, ir.Var)}
    return names | {item.row for item in walk(expr) if isinstance(item, ir.At)}


def _carried(online: low.Online) -> set[str]:
    """The names and rows that a loop over a stream's blocks joins at its end."""
    sums = (online.weights, *online.rows)
    return {online.peak, *(name for item in sums for name in (item.total, item.lost, item.part))}


def _without_value(item: low.Accumulator, read: frozenset[str]) -> low.Accumulator:
    """A choice of which only the place is read, without a name for the value there."""
    if item.monoid not in ("best", "top") or item.names[-1] in read:
        return item
    return replace(item, names=item.names[:1])


def _kept(body: tuple[low.Stmt, ...], read: frozenset[str]) -> tuple[low.Stmt, ...]:
    kept: list[low.Stmt] = []
    for statement in body:
        match statement:
            case ir.Let(name) | ir.Update(name) | low.Allocate(name) | low.Put(name) if name not in read:
                continue
            case low.Fold(accumulators) if not any(
                name in read for item in accumulators for name in item.names
            ):
                continue
            case low.Fold(accumulators):
                named = tuple(_without_value(item, read) for item in accumulators)
                kept.append(replace(statement, accumulators=named, body=_kept(statement.body, read)))
            case low.Loop():
                inner = _kept(statement.body, read)
                kept += [replace(statement, body=inner)] if inner else []
            case low.If(_, then, orelse):
                branches = _kept(then, read), _kept(orelse, read)
                kept += [replace(statement, then=branches[0], orelse=branches[1])] if any(branches) else []
            case _:
                kept.append(statement)
    return tuple(kept)

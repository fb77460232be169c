"""Give memory to what one launch binds and a later one reads.

before:  launch: `total = fold ...`
         launch over r in range(rows): `out[r] = x[r] / total`
after:   launch: `total = fold ...; total_kept[0] = total`
         launch over r in range(rows): `total = total_kept[0]; out[r] = x[r] / total`

Only launches without a grid bind names that later launches see. A name that several launches change
is kept by each of them; a row keeps its elements where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from codegen import lowered as low
from codegen.build_ir import ONE, ZERO
from codegen.names import author_name
from kernel_ir import nodes as ir
from kernel_ir.dtypes import DType
from kernel_ir.traverse import walk


@dataclass(frozen=True, slots=True)
class Kept:
    """Memory that outlives a launch: `extent` elements under the row's name."""

    row: str
    type: DType
    extent: ir.Expr


def split(program: low.Program) -> tuple[low.Program, tuple[Kept, ...]]:
    """The program with shared values passed through memory, and that memory."""
    if len(program.launches) < 2:
        return program, ()
    shared = _shared_names(program.launches)
    kept: dict[str, Kept] = {}
    for launch in program.launches:
        for statement in launch.body:
            for name, value in _bindings(statement):
                if name in shared:
                    kept[name] = value
    launches = tuple(_rewrite(launch, kept) for launch in program.launches)
    return replace(program, launches=launches), tuple(kept.values())


def _shared_names(launches: tuple[low.Launch, ...]) -> set[str]:
    """Names bound at the top of a launch without a grid and read in another launch."""
    bound: dict[str, int] = {}
    shared: set[str] = set()
    for number, launch in enumerate(launches):
        shared |= {name for name in _names_used(launch) if bound.get(name, number) != number}
        if not launch.grid:
            names = (name for statement in launch.body for name, _ in _bindings(statement))
            bound.update((name, number) for name in names)
    return shared


def _bindings(statement: low.Stmt) -> Iterator[tuple[str, Kept]]:
    """What a statement binds for the rest of its block, each with the memory it would need."""
    match statement:
        case ir.Let(name, value):
            yield name, Kept(f"{author_name(name)}_kept.{name}", value.type, ONE)
        case low.Fold(accumulators):
            for item in accumulators:
                for name, type_ in zip(item.names, item.result_types, strict=True):
                    yield name, Kept(f"{author_name(name)}_kept.{name}", type_, ONE)
        case low.Allocate(row, type_, extent):
            yield row, Kept(row, type_, extent)
        case _:
            return


def _rewrite(launch: low.Launch, kept: dict[str, Kept]) -> low.Launch:
    used, own = _names_used(launch), {name for item in launch.body for name, _ in _bindings(item)}
    changed = {item.name for item in low.walk(launch.body) if isinstance(item, ir.Update)}
    reads: list[low.Stmt] = []
    writes: list[low.Stmt] = []
    for name, memory in kept.items():
        if memory.row == name:
            continue
        if name in used and name not in own:
            value = ir.At(memory.row, ZERO, memory.type)
            reads.append(ir.Let(name, value, is_mutable=name in changed))
        if name in own or name in changed:
            writes.append(low.Put(memory.row, ZERO, ir.Var(name, memory.type)))
    body = (item for item in launch.body if not (isinstance(item, low.Allocate) and item.row in kept))
    return replace(launch, body=(*reads, *body, *writes))


def _names_used(launch: low.Launch) -> set[str]:
    used: set[str] = set()
    for statement in low.walk(launch.body):
        match statement:
            case ir.Update(name):
                used.add(name)
            case low.Put(row):
                used.add(row)
            case _:
                pass
        for expr in low.expressions(statement):
            used |= names_in(expr)
    return used


def names_in(expr: ir.Expr) -> set[str]:
    """The variables and rows that an expression reads."""
    found: set[str] = set()
    for item in walk(expr):
        match item:
            case ir.Var(name):
                found.add(name)
            case ir.At(row):
                found.add(row)
            case _:
                pass
    return found

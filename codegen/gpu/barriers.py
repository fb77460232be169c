"""Where the lanes of a team wait for one another.

before:  `for c over lanes: row[c] = f(x[c])`     after:  `for c over lanes: row[c] = f(x[c])`
         `m = row[0]`                                     `barrier`
                                                          `m = row[0]`

A barrier stands between two statements of the team where one lane may write what another lane read
or wrote before, or read what another lane wrote. None is needed where both accesses are by the same
lane: in loops dealt alike, at an index that tells iterations apart. Nothing is placed inside dealt
loops, whose iterations do not exchange data. A loop of the team is looked at as it runs, its end
followed by its beginning, or not at all; a barrier that its first iteration alone needs stands in front.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from codegen import lowered as low
from codegen.gpu.split import names_in
from codegen.teams import steps_by_one
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.traverse import substitute, walk

# Which lane makes an access: facts that, where two accesses share one, prove that their lanes are one.
LaneFact: TypeAlias = tuple[object, ...]
FIRST_LANE: LaneFact = ("first",)
_ANY = ir.Var("the loop's variable", I64)


@dataclass(frozen=True, slots=True)
class Access:
    """A read or write of a tensor or row by lanes that `facts` describe; `names` occur in the facts."""

    memory: str
    is_write: bool
    facts: frozenset[LaneFact] = frozenset()
    names: frozenset[str] = frozenset()

    def conflicts(self, later: Access) -> bool:
        """Whether lanes must wait between this access and a later one."""
        is_shared = self.memory == later.memory and (self.is_write or later.is_write)
        return is_shared and not self.facts & later.facts


Pending: TypeAlias = frozenset[Access]


@dataclass(frozen=True, slots=True)
class Dealing:
    """What accesses are shared and how loops are dealt.

    `shared` names the memory that lanes may exchange data through. `chunked` holds the variables of
    loops dealt in chunks, which go to other lanes than single iterations do; `nests` those of loops that
    parts of the team share, whose accesses may be any lane's; `mutable` names change.
    """

    shared: frozenset[str]
    chunked: frozenset[str] = frozenset()
    nests: frozenset[str] = frozenset()
    mutable: frozenset[str] = frozenset()

    def is_nest(self, statement: low.Stmt) -> bool:
        """Whether parts of the team share a loop, or the loops in a dealt one."""
        match statement:
            case low.Loop(var, kind="serial"):
                return var in self.nests
            case low.Loop(kind="lanes"):
                return any(isinstance(item, low.Loop) and item.var in self.nests for item in statement.body)
            case _:
                return False


def place_barriers(
    body: tuple[low.Stmt, ...],
    shared: frozenset[str],
    chunked: frozenset[str] = frozenset(),
    nests: frozenset[str] = frozenset(),
) -> tuple[low.Stmt, ...]:
    """A launch's body with barriers. `shared`: tensors written in it, and rows that all lanes reach."""
    mutable = {item.name for item in low.walk(body) if isinstance(item, ir.Update)}
    mutable |= {item.name for item in low.walk(body) if isinstance(item, ir.Let) and item.is_mutable}
    return _block(body, frozenset(), Dealing(shared, chunked, nests, frozenset(mutable)))[0]


def _block(
    body: tuple[low.Stmt, ...], pending: Pending, dealing: Dealing
) -> tuple[tuple[low.Stmt, ...], Pending]:
    """The block with barriers, and the accesses since the last one at its end."""
    out: list[low.Stmt] = []
    for statement in body:
        made = _own_accesses(statement, dealing)
        if _any_conflict(pending, made):
            out.append(low.Barrier())
            pending = frozenset()
        pending |= made
        statements, pending = _nested(statement, pending, dealing)
        out += statements
    return tuple(out), pending


def _nested(
    statement: low.Stmt, pending: Pending, dealing: Dealing
) -> tuple[tuple[low.Stmt, ...], Pending]:
    """The statement with barriers in its blocks, where the team runs them together, and in front of it."""
    match statement:
        case _ if dealing.is_nest(statement):
            return (statement,), pending
        case low.If(_, then, orelse):
            then, after_then = _block(then, pending, dealing)
            orelse, after_else = _block(orelse, pending, dealing)
            return (replace(statement, then=then, orelse=orelse),), after_then | after_else
        case low.Loop(kind="serial"):
            return _repeated(statement, pending, dealing)
        case low.Fold(kind="serial"):
            values = _reads(_accumulated(statement), dealing, frozenset(), None)
            return _repeated(statement, pending, dealing, values)
        case _:
            return (statement,), pending


def _repeated(
    loop: low.Loop | low.Fold, pending: Pending, dealing: Dealing, last: Pending = frozenset()
) -> tuple[tuple[low.Stmt, ...], Pending]:
    """A loop of the team, which may run no iteration; `last` is read at the end of each."""
    inside = {name for item in low.walk((loop,)) for name in low.bound_names(item)}

    def once(before: Pending) -> tuple[tuple[low.Stmt, ...], Pending]:
        made, after = _block(loop.body, before, dealing)
        if _any_conflict(after, last):
            made, after = (*made, low.Barrier()), frozenset()
        return made, after | last

    _, after = once(frozenset())
    around = frozenset(_forget(item, inside) for item in after)
    body, after = once(around)
    repeated = replace(loop, body=body)
    if once(pending | around)[0] != body:
        return (low.Barrier(), repeated), after
    return (repeated,), pending | after


def _forget(access: Access, inside: set[str]) -> Access:
    """An access of the iteration before: what its facts say about names of this one is void."""
    return replace(access, facts=frozenset()) if access.names & inside else access


def _any_conflict(pending: Pending, made: Pending) -> bool:
    return any(before.conflicts(later) for before in pending for later in made)


# ---- what a statement touches ------------------------------------------------------------------


def _own_accesses(statement: low.Stmt, dealing: Dealing) -> Pending:
    """The accesses of a statement of the team, without those in blocks that `_nested` looks at."""
    match statement:
        case _ if dealing.is_nest(statement):
            return frozenset(_in_nest(statement, dealing))
        case low.Loop(kind="lanes") | low.Fold(kind="lanes"):
            bounds = _reads((statement.low, statement.high), dealing, frozenset(), None)
            return bounds | frozenset(_in_lanes(statement, dealing))
        case ir.Store() | low.Put():
            first = frozenset({FIRST_LANE})
            return frozenset(_writes(statement, dealing, first, None)) | _reads(
                low.expressions(statement), dealing, first, None
            )
        case low.Fold():
            return _reads((statement.low, statement.high), dealing, frozenset(), None)
        case _:
            return _reads(low.expressions(statement), dealing, frozenset(), None)


def _in_lanes(loop: low.Loop | low.Fold, dealing: Dealing) -> Iterator[Access]:
    values = _accumulated(loop) if isinstance(loop, low.Fold) else ()
    yield from _reads(values, dealing, frozenset(), loop)
    for statement in low.walk(loop.body):
        yield from _reads(low.expressions(statement), dealing, frozenset(), loop)
        yield from _writes(statement, dealing, frozenset(), loop)


def _in_nest(nest: low.Stmt, dealing: Dealing) -> Iterator[Access]:
    for statement in low.walk((nest,)):
        yield from _reads(low.expressions(statement), dealing, frozenset(), None)
        yield from _writes(statement, dealing, frozenset(), None)


def _accumulated(fold: low.Fold) -> tuple[ir.Expr, ...]:
    parts = (part for item in fold.accumulators for part in (item.where, item.value))
    return tuple(part for part in parts if part is not None)


def _reads(
    exprs: tuple[ir.Expr, ...], dealing: Dealing, facts: frozenset[LaneFact], loop: low.Loop | low.Fold | None
) -> Pending:
    found = set()
    for expr in exprs:
        for item in walk(expr):
            match item:
                case ir.Load(memory, index) if memory in dealing.shared:
                    found.add(_access(memory, index, False, dealing, facts, loop))
                case ir.At(memory, place) if memory in dealing.shared:
                    found.add(_access(memory, (place,), False, dealing, facts, loop))
                case _:
                    pass
    return frozenset(found)


def _writes(
    statement: low.Stmt, dealing: Dealing, facts: frozenset[LaneFact], loop: low.Loop | low.Fold | None
) -> Iterator[Access]:
    match statement:
        case ir.Store(memory, index) if memory in dealing.shared:
            yield _access(memory, index, True, dealing, facts, loop)
        case low.Put(memory, place) if memory in dealing.shared:
            yield _access(memory, (place,), True, dealing, facts, loop)
        case _:
            pass


def _access(
    memory: str,
    index: tuple[ir.Expr, ...],
    is_write: bool,
    dealing: Dealing,
    facts: frozenset[LaneFact],
    loop: low.Loop | low.Fold | None,
) -> Access:
    if loop is None:
        return Access(memory, is_write, facts)
    found: dict[LaneFact, set[str]] = dict(_lane_facts(index, loop, dealing))
    names = frozenset(name for used in found.values() for name in used)
    return Access(memory, is_write, facts | frozenset(found), names)


def _lane_facts(
    index: tuple[ir.Expr, ...], loop: low.Loop | low.Fold, dealing: Dealing
) -> Iterator[tuple[LaneFact, set[str]]]:
    """Each axis along which an index tells the iterations of a dealt loop apart, as a fact."""
    inside = {name for item in low.walk(loop.body) for name in low.bound_names(item)}
    dealt = (loop.low, loop.high, loop.var in dealing.chunked)
    for axis, part in enumerate(index):
        parts = (part, loop.low, loop.high)
        names = {name for item in parts for name in names_in(item)}
        is_fixed = not names & (inside | dealing.mutable) and not any(map(_reads_memory, parts))
        if is_fixed and steps_by_one(part, loop.var):
            place: Mapping[str, ir.Expr] = {loop.var: _ANY}
            yield ("dealt", axis, substitute(part, dict(place)), *dealt), names - {loop.var}


def _reads_memory(expr: ir.Expr) -> bool:
    return any(isinstance(item, (ir.Load, ir.At)) for item in walk(expr))

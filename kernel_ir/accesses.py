"""Every access to the tensors that a kernel writes, with the way that leads to it.

The way is a tuple of steps, outermost first: the loops entered, the names bound and the conditions
taken before the access. Two accesses share a step exactly where it is the same object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, TypeGuard

from kernel_ir import nodes as ir
from kernel_ir.errors import NOWHERE, Span
from kernel_ir.prove import Facts
from kernel_ir.traverse import children, map_children, statement_expressions, walk


@dataclass(frozen=True, slots=True, eq=False)
class Enter:
    """One iteration of `range(low, high)`. A `reduce` is the term of a reduction or of a row."""

    kind: Literal["parallel", "ordered", "reduce"]
    var: str
    low: ir.Expr
    high: ir.Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A name bound to a value; `value` is None where it may change, or names a row."""

    name: str
    value: ir.Expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Assume:
    """The branch where `condition` is `holds`. `choice` is one object for both branches of an `If`."""

    condition: ir.Expr
    holds: bool
    choice: object


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """Names that may have other values since the step before, and results that may have been stored to."""

    names: frozenset[str]


Step: TypeAlias = Enter | Name | Assume | Change
_last: tuple[ir.Kernel, Facts, tuple[Access, ...]] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """One load or store. `statement` counts statements in program order; `facts` hold at the access."""

    tensor: str
    index: tuple[ir.Expr, ...]
    policy: ir.Policy | None
    is_store: bool
    statement: int
    steps: tuple[Step, ...]
    facts: Facts
    span: Span

    @property
    def loops(self) -> tuple[Enter, ...]:
        return tuple(step for step in self.steps if isinstance(step, Enter))


@dataclass(frozen=True, slots=True)
class _Place:
    """A point of the body: the way to it and what is known there."""

    steps: tuple[Step, ...]
    facts: Facts

    def then(self, step: Step) -> _Place:
        return _Place((*self.steps, step), take(self.facts, step))


def take(facts: Facts, step: Step) -> Facts:
    """What is known after a step."""
    match step:
        case Enter(_, var, low, high):
            return facts.with_range(var, low, high)
        case Name(name, value) if value is not None and value.type.is_integer:
            return facts.with_let(name, value)
        case Assume(condition, holds):
            return facts.with_condition(condition, holds)
        case _:
            return facts


def accesses(kernel: ir.Kernel, facts: Facts) -> tuple[Access, ...]:
    """The stores of a kernel and the loads of what it stores to, in program order.

    A statement's loads come before its store. Each check of a kernel asks for them, so the last are kept.
    """
    global _last
    if _last is None or _last[0] is not kernel or _last[1] is not facts:
        written = frozenset(name for name, item in kernel.tensors().items() if item.role != "input")
        results = frozenset(item.name for item in kernel.results)
        _last = (kernel, facts, tuple(_Collector(written, results).block(kernel.body, _Place((), facts))))
    return _last[2]


def names_of(steps: tuple[Step, ...]) -> Iterator[str]:
    """The names that steps bind, in order."""
    for step in steps:
        match step:
            case Enter(_, var):
                yield var
            case Name(name):
                yield name
            case Assume() | Change():
                pass


def common_loops(left: Access, right: Access) -> tuple[Enter, ...]:
    """The loops that enclose both accesses, outermost first; one access shares all with itself."""
    return tuple(step for step in left.steps[: common_steps(left, right)] if isinstance(step, Enter))


def common_steps(left: Access, right: Access) -> int:
    """How many leading steps two accesses share."""
    count = 0
    for one, other in zip(left.steps, right.steps, strict=False):
        if one is not other:
            break
        count += 1
    return count


def are_exclusive(left: Access, right: Access) -> bool:
    """Whether the two stand in different branches of one `If`."""
    count = common_steps(left, right)
    match left.steps[count : count + 1], right.steps[count : count + 1]:
        case (Assume() as one,), (Assume() as other,):
            return one.choice is other.choice
        case _:
            return False


def run_in_different_calls(left: Access, right: Access) -> bool:
    """Whether the two stand in different branches of a condition that is one for a whole call."""
    taken = {id(step.choice): step.holds for step in left.steps if _is_uniform(step)}
    return any(
        isinstance(step, Assume) and taken.get(id(step.choice), step.holds) != step.holds
        for step in right.steps
    )


def _is_uniform(step: Step) -> TypeGuard[Assume]:
    """Whether a step is a condition on sizes and scalars alone."""
    kinds = (ir.Apply, ir.Const, ir.Size, ir.Param, ir.Given)
    return isinstance(step, Assume) and all(isinstance(item, kinds) for item in walk(step.condition))


class _Collector:
    """Walks a body once, keeping the way."""

    def __init__(self, written: frozenset[str], results: frozenset[str]) -> None:
        self.written = written
        self.results = results
        self.count = 0

    def block(self, body: tuple[ir.Stmt, ...], place: _Place) -> Iterator[Access]:
        for statement in body:
            self.count += 1
            yield from self._loads_of(statement, place)
            match statement:
                case ir.Store(tensor, index, _, policy, span):
                    yield Access(tensor, index, policy, True, self.count, place.steps, place.facts, span)
                case ir.For(var, low, high, inner, is_ordered, span):
                    kind: Literal["parallel", "ordered"] = "ordered" if is_ordered else "parallel"
                    entered = place.then(Enter(kind, var, low, high, span))
                    yield from self.block(inner, self._after(inner, entered) if is_ordered else entered)
                case ir.If(condition, then, orelse):
                    choice = object()
                    yield from self.block(then, place.then(Assume(condition, True, choice)))
                    yield from self.block(orelse, place.then(Assume(condition, False, choice)))
                case ir.Let(name, value, is_mutable):
                    place = place.then(Name(name, None if is_mutable else value))
                case ir.Row(names):
                    for name in names:
                        place = place.then(Name(name, None))
                case ir.Update():
                    pass
            place = self._after((statement,), place)

    def _after(self, body: tuple[ir.Stmt, ...], place: _Place) -> _Place:
        """The place with what these statements may have changed, if anything."""
        changed = frozenset(self._changed_by(body))
        return place.then(Change(changed)) if changed else place

    def _changed_by(self, body: tuple[ir.Stmt, ...]) -> Iterator[str]:
        for statement in body:
            match statement:
                case ir.Update(name):
                    yield name
                case ir.Store(tensor) if tensor in self.results:
                    yield tensor
                case ir.For(_, _, _, inner):
                    yield from self._changed_by(inner)
                case ir.If(_, then, orelse):
                    yield from self._changed_by((*then, *orelse))
                case _:
                    pass

    def _loads_of(self, statement: ir.Stmt, place: _Place) -> Iterator[Access]:
        match statement:
            case ir.Row(_, _, var, low, high, where, value, count):
                for outer in (low, high, count):
                    if outer is not None:
                        yield from self._loads(outer, place)
                yield from self._terms(var, low, high, where, value, place)
            case _:
                for expr, _ in statement_expressions(statement):
                    yield from self._loads(expr, place)

    def _loads(self, expr: ir.Expr, place: _Place) -> Iterator[Access]:
        if not any(isinstance(item, ir.Load) and item.tensor in self.written for item in walk(expr)):
            return
        match expr:
            case ir.Load(tensor, index, _, policy, span) if tensor in self.written:
                yield Access(tensor, index, policy, False, self.count, place.steps, place.facts, span)
            case ir.Reduce(_, var, low, high, where, value):
                yield from self._loads(low, place)
                yield from self._loads(high, place)
                yield from self._terms(var, low, high, where, value, place)
                return
            case ir.Apply("select" | "logical_and" | "logical_or" as op, (first, *rest)):
                yield from self._loads(first, place)
                choice = object()
                for part, holds in zip(rest, (op != "logical_or", False), strict=False):
                    yield from self._loads(part, place.then(Assume(first, holds, choice)))
                return
            case ir.Bind(name, value, body):
                yield from self._loads(value, place)
                yield from self._loads(body, place.then(Name(name, value)))
                return
            case _:
                pass
        for child in children(expr):
            yield from self._loads(child, place)

    def _terms(
        self, var: str, low: ir.Expr, high: ir.Expr, where: ir.Expr | None, value: ir.Expr, place: _Place
    ) -> Iterator[Access]:
        inner = place.then(Enter("reduce", var, low, high))
        if where is not None:
            yield from self._loads(where, inner)
            inner = inner.then(Assume(where, True, object()))
        yield from self._loads(value, inner)


def renamed_step(step: Step, names: dict[str, str]) -> Step:
    """The step with its own names, and those it uses, replaced."""
    match step:
        case Enter(kind, var, low, high, span):
            return Enter(kind, names.get(var, var), renamed(low, names), renamed(high, names), span)
        case Name(name, value):
            return Name(names.get(name, name), None if value is None else renamed(value, names))
        case Assume(condition):
            return replace(step, condition=renamed(condition, names))
        case Change():
            return step


def renamed(expr: ir.Expr, names: dict[str, str]) -> ir.Expr:
    """The expression with variables and rows replaced by name."""
    match expr:
        case ir.Var(name) if name in names:
            return replace(expr, name=names[name])
        case ir.At(row, index) if row in names:
            return replace(expr, row=names[row], index=renamed(index, names))
        case _:
            return map_children(expr, lambda child: renamed(child, names))

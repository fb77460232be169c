"""Which elements of a result are stored for sure: before a read of it, or at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import islice, product
from typing import TypeAlias

from kernel_ir import nodes as ir
from kernel_ir.accesses import (
    Access,
    Assume,
    Change,
    Enter,
    Step,
    accesses,
    common_loops,
    common_steps,
    names_of,
    renamed,
    renamed_step,
    take,
)
from kernel_ir.disjoint import TWIN, is_open, join
from kernel_ir.dtypes import I64
from kernel_ir.polynomials import ZERO, Polynomial
from kernel_ir.prove import Facts
from kernel_ir.traverse import walk

# Branches taken: what was decided (the `If`, and the iterations in which it stands), and how.
Choices: TypeAlias = tuple[tuple[object, bool], ...]

# What a load reads and what a store writes, for each dimension.
Equations: TypeAlias = tuple[tuple[Polynomial, Polynomial], ...]

_MOST_TRIED = 64  # assignments of a load's loops to a store's


# ---- before a read -----------------------------------------------------------------------------


def covers_load(stores: list[Access], load: Access) -> bool:
    """Whether the element that `load` reads has been stored, by the same iteration, before it.

    A store covers the load where its loops have iterations whose index is the load's. Loops that
    enclose both are in the same iteration, or, if ordered, in an earlier one. Stores in both
    branches of an `If` cover together.
    """
    covered = [choices for store in stores for choices in _ways_to_cover(store, load)]
    return bool(_merged(covered))


def _ways_to_cover(store: Access, load: Access) -> Iterator[Choices]:
    """The branches under which `store` covers `load`, for each way in which it may come before."""
    if (store.policy == "clamp") != (load.policy == "clamp"):
        return
    loops = common_loops(store, load)
    if store.statement < load.statement:
        yield from _match(store, load, frozenset(loops), None)
    for position, loop in enumerate(loops):
        if loop.kind == "ordered":
            inner = loops[position + 1 :]
            shared = {*loops[:position], *(item for item in inner if item.kind == "parallel")}
            yield from _match(store, load, frozenset(shared), loop)


def _match(store: Access, load: Access, shared: frozenset[Enter], earlier: Enter | None) -> Iterator[Choices]:
    """Find the iteration of the store's own loops that stores what is loaded, and verify it."""
    twins = join(load, store, shared)
    cut = _own_steps(store, load, shared)
    own = [step for step in cut if isinstance(step, Enter) and step not in shared]
    names = {name: name + TWIN for name in names_of(cut) if name not in {loop.var for loop in shared}}
    solved = _solve(twins.equations, own, load, twins.facts)
    facts, taken, choices = load.facts, [], []
    renamed_cut = tuple(renamed_step(step, names) for step in cut)
    for position, step in enumerate(renamed_cut):
        match step:
            case Enter(_, var, low, _) if var.endswith(TWIN):
                value = solved.get(var, facts.polynomial(low))
                if not _lies_in(value, step, facts):
                    return
                facts = facts.with_value(var, value)
                taken.append(value)
            case Assume(condition, holds, choice):
                before, start = renamed_cut[:position], len(store.steps) - len(cut)
                if not (facts.proves(condition, holds) or _has_taken(load, step, start, before)):
                    choices.append(((choice, *taken), holds))
            case _:
                facts = take(facts, step)
    if earlier is not None:
        now, then = (facts.polynomial(ir.Var(name, I64)) for name in (earlier.var, earlier.var + TWIN))
        if not facts.holds((now - then).plus(-1)):
            return
    pairs = zip(store.index, load.index, strict=True)
    if all(facts.equals_zero(facts.polynomial(renamed(a, names)) - facts.polynomial(b)) for a, b in pairs):
        yield tuple(choices)


def _own_steps(store: Access, load: Access, shared: frozenset[Enter]) -> tuple[Step, ...]:
    """The store's steps from the first that the load does not share."""
    common = common_steps(store, load)
    cut = next((i for i, step in enumerate(store.steps[:common]) if is_open(step, shared)), common)
    return store.steps[cut:]


def _solve(equations: Equations, loops: list[Enter], load: Access, facts: Facts) -> dict[str, Polynomial]:
    """Values for the store's loop variables: what an index says, else variables of the load's loops."""
    unknown = {f"var {loop.var}{TWIN}": loop for loop in loops}
    solved = _solve_by_index(unknown.keys(), equations, {})
    likely = {name: _likely(unknown[name], load, facts) for name in unknown.keys() - solved.keys()}
    likely = dict(sorted(likely.items()))
    named = {name for _, stored in equations for name in stored.atoms()}

    def left(picked: tuple[Polynomial | None, ...]) -> int:
        return sum(value is None and name in named for name, value in zip(likely, picked, strict=True))

    def solve(picked: tuple[Polynomial | None, ...]) -> dict[str, Polynomial]:
        return _solve_by_index(unknown.keys(), equations, {**solved, **_known(likely, picked)})

    # An index makes up for one wrong guess by another variable: guesses of all that it names come first.
    picks = tuple(islice(product(*likely.values()), _MOST_TRIED))
    tried = map(solve, sorted(picks, key=left))
    best = next((item for item in tried if _fits(equations, item)), None) or solve(picks[0])
    return {name.removeprefix("var "): value for name, value in best.items()}


def _solve_by_index(
    unknown: Set[str], equations: Equations, solved: Mapping[str, Polynomial]
) -> dict[str, Polynomial]:
    """What is solved, with the values that follow from it."""
    made = dict(solved)
    for _ in unknown:
        for wanted, stored in equations:
            found = _solve_for(unknown - made.keys(), wanted, _replaced(stored, made))
            if found is not None:
                made[found[0]] = found[1]
    return made


def _fits(equations: Equations, solved: Mapping[str, Polynomial]) -> bool:
    return all(_replaced(stored, solved) == wanted for wanted, stored in equations)


def _replaced(polynomial: Polynomial, values: Mapping[str, Polynomial]) -> Polynomial:
    for name, value in values.items():
        polynomial = polynomial.replaced(name, value)
    return polynomial


def _solve_for(unknown: Set[str], wanted: Polynomial, stored: Polynomial) -> tuple[str, Polynomial] | None:
    """The one unknown of `stored == wanted`, where it stands alone."""
    inside = {name for name in stored.atoms() if name in unknown}
    if len(inside) != 1:
        return None
    name = inside.pop()
    unit = Polynomial.atom(name)
    for rest, value in ((stored - unit, wanted - (stored - unit)), (stored + unit, stored + unit - wanted)):
        if name not in rest.atoms():
            return name, value
    return None


def _known(likely: Iterable[str], picked: tuple[Polynomial | None, ...]) -> dict[str, Polynomial]:
    return {name: value for name, value in zip(likely, picked, strict=True) if value is not None}


def _likely(loop: Enter, load: Access, facts: Facts) -> tuple[Polynomial | None, ...]:
    """What a loop's variable may be: one of the load's own loops over the same range, or None where there is
    none, or another that its index names.
    """
    bounds = facts.polynomial(loop.low), facts.polynomial(loop.high)
    named = {item.name for part in load.index for item in walk(part) if isinstance(item, ir.Var)}
    own = {item.var: (facts.polynomial(item.low), facts.polynomial(item.high)) for item in load.loops}
    alike = sorted((var for var in own if own[var] == bounds), key=lambda var: var not in named)
    others = [var for var in own if own[var] != bounds and var in named]
    values = {var: facts.polynomial(ir.Var(var, I64)) for var in (*alike, *others)}
    return (*(values[var] for var in alike), *(() if alike else (None,)), *(values[var] for var in others))


def _lies_in(value: Polynomial, loop: Enter, facts: Facts) -> bool:
    below_high = (facts.polynomial(loop.high) - value).plus(-1)
    return facts.holds(value - facts.polynomial(loop.low)) and facts.holds(below_high)


def _has_taken(load: Access, wanted: Assume, shared: int, own: tuple[Step, ...]) -> bool:
    """Whether the load's iteration took the branch that the store took behind its `own` steps, which follow
    those that both share, and nothing in the condition may have changed from one to the other.
    """
    named = frozenset(_named_in(wanted.condition))
    for position, step in enumerate(load.steps):
        if isinstance(step, Assume) and (step.condition, step.holds) == (wanted.condition, wanted.holds):
            between = load.steps[min(position, shared) : max(position, shared)]
            changes = (item for item in (*between, *own) if isinstance(item, Change))
            if not any(item.names & named for item in changes):
                return True
    return False


def _named_in(condition: ir.Expr) -> Iterator[str]:
    """The names and tensors of a condition."""
    for item in walk(condition):
        match item:
            case ir.Var(name) | ir.Load(name):
                yield name
            case _:
                pass


def _merged(covered: list[Choices]) -> bool:
    """Whether the ways to cover leave no choice open: both branches of an `If` close it."""
    found = set(covered)
    while True:
        closed = {
            one[:-1] for one in found if one and (*one[:-1], (one[-1][0], not one[-1][1])) in found
        } - found  # fmt: skip
        if not closed:
            return () in found
        found |= closed


# ---- at all ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    """What one store covers: `[start, end)` in each dimension, under some branches.

    `key` is the index over the loops that enclose those branches: two stores with one key store
    the same elements whichever branch is taken.
    """

    intervals: tuple[tuple[Polynomial, Polynomial], ...]
    choices: Choices
    key: tuple[Polynomial, ...]


def uncovered_results(kernel: ir.Kernel, facts: Facts) -> frozenset[str]:
    """The results of which not every element is stored for sure (these are zero-filled)."""
    stores = [item for item in accesses(kernel, facts) if item.is_store]
    return frozenset(
        result.name
        for result in kernel.results
        if not _is_covered(result.shape, [item for item in stores if item.tensor == result.name], facts)
    )


def _is_covered(shape: tuple[ir.Expr, ...], stores: list[Access], facts: Facts) -> bool:
    extents = tuple(facts.polynomial(extent) for extent in shape)
    boxes = _unconditional([box for store in stores for box in _boxes(store, facts)])
    if not shape:
        return bool(boxes)
    return any(_fills(boxes, dim, extents, facts) for dim in range(len(extents)))


def _fills(boxes: list[Box], dim: int, extents: tuple[Polynomial, ...], facts: Facts) -> bool:
    """Whether boxes that are full in every other dimension reach from 0 to the extent in `dim`."""
    waiting = [box.intervals[dim] for box in boxes if _is_full_beside(box, dim, extents, facts)]
    reached = ZERO
    while not facts.holds(reached - extents[dim]):
        found = next((item for item in waiting if facts.holds(reached - item[0])), None)
        if found is None:
            return False
        waiting.remove(found)
        if facts.holds(found[1] - reached):
            reached = found[1]
    return True


def _is_full_beside(box: Box, dim: int, extents: tuple[Polynomial, ...], facts: Facts) -> bool:
    return all(
        facts.holds(-start) and facts.holds(end - extent)
        for other, ((start, end), extent) in enumerate(zip(box.intervals, extents, strict=True))
        if other != dim
    )


def _unconditional(boxes: list[Box]) -> list[Box]:
    """The boxes that are stored whatever the branches taken."""
    by_key: dict[tuple[object, ...], Box] = {(box.key, box.choices): box for box in boxes}
    waiting = list(by_key.values())
    while waiting:
        box = waiting.pop()
        if not box.choices:
            continue
        choice, holds = box.choices[-1]
        if (box.key, (*box.choices[:-1], (choice, not holds))) in by_key:
            merged = Box(box.intervals, box.choices[:-1], box.key)
            if (merged.key, merged.choices) not in by_key:
                by_key[merged.key, merged.choices] = merged
                waiting.append(merged)
    return [box for box in by_key.values() if not box.choices]


def _boxes(store: Access, facts: Facts) -> Iterator[Box]:
    """The box that a store covers, if its loops run through one; `facts` are those of the whole body."""
    if store.policy is not None:
        return
    index = tuple(store.facts.polynomial(part) for part in store.index)
    free = {f"var {loop.var}": loop for loop in store.loops}
    intervals = []
    for value in index:
        interval = _interval(value, free, store.facts, facts)
        if interval is None:
            return
        intervals.append(interval)
    if all(_runs(loop, store.facts, facts) for loop in free.values()):
        yield Box(tuple(intervals), _choices(store, facts), _key(store, index))


def _interval(
    value: Polynomial, free: dict[str, Enter], inner: Facts, outer: Facts
) -> tuple[Polynomial, Polynomial] | None:
    """The interval that `value` runs through; the loops it uses are taken out of `free`.

    It is a sum of loop variables times strides and a start, each stride the size of what the
    finer variables run through: `8 * page + slot` with `slot` in `range(8)`.
    """
    names = [name for name in dict.fromkeys(value.atoms()) if name in free]
    start, end = value, Polynomial.constant(1)
    while names:
        fitting = next((name for name in names if _has_stride(value, name, end, outer)), None)
        if fitting is None:
            return None
        names.remove(fitting)
        loop = free.pop(fitting)
        low, high = inner.polynomial(loop.low), inner.polynomial(loop.high)
        start = start.replaced(fitting, low)
        end = end * (high - low)
    return start, start + end


def _has_stride(value: Polynomial, name: str, wanted: Polynomial, facts: Facts) -> bool:
    stride = _stride(value, name)
    return stride is not None and facts.equals_zero(stride - wanted)


def _stride(value: Polynomial, name: str) -> Polynomial | None:
    """What `value` grows by when the atom does, where that is the same everywhere."""
    at_zero = value.replaced(name, ZERO)
    stride = value.replaced(name, Polynomial.constant(1)) - at_zero
    return stride if value == at_zero + stride * Polynomial.atom(name) else None


def _runs(loop: Enter, inner: Facts, outer: Facts) -> bool:
    """Whether a loop that no index uses has an iteration for sure."""
    return outer.holds((inner.polynomial(loop.high) - inner.polynomial(loop.low)).plus(-1))


def _choices(store: Access, facts: Facts) -> Choices:
    """The branches a store stands in, less those that are always taken."""
    steps = (step for step in store.steps if isinstance(step, Assume))
    return tuple((step.choice, step.holds) for step in steps if not facts.proves(step.condition, step.holds))


def _key(store: Access, index: tuple[Polynomial, ...]) -> tuple[Polynomial, ...]:
    """The index, with the loops inside the first branch named by their depth and bounds."""
    first = next((i for i, step in enumerate(store.steps) if isinstance(step, Assume)), len(store.steps))
    inner = [step for step in store.steps[first:] if isinstance(step, Enter)]
    for depth, loop in enumerate(inner):
        bounds = store.facts.polynomial(loop.low), store.facts.polynomial(loop.high)
        canonical = Polynomial.atom(f"inner {depth} {bounds[0]} {bounds[1]}")
        index = tuple(part.replaced(f"var {loop.var}", canonical) for part in index)
    return index

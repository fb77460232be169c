"""Whether two accesses to one tensor can meet in one element.

The second access is given iterations of its own: every name that the loops in question bind gets
a twin (`c` and `c'`), and everything known of the one is known of the other. Then the indices are
equations between the two sides: where they force a loop's variable to equal its twin, different
iterations of that loop never meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kernel_ir import nodes as ir
from kernel_ir.accesses import Access, Enter, common_loops, common_steps, names_of, renamed, renamed_step, take
from kernel_ir.dtypes import I64
from kernel_ir.polynomials import ZERO, Polynomial
from kernel_ir.prove import Facts

Equation = tuple[Polynomial, Polynomial]

TWIN = "'"


@dataclass(frozen=True, slots=True)
class Twins:
    """Two accesses side by side: what is known, and one equation a dimension."""

    facts: Facts
    equations: tuple[Equation, ...]

    def are_apart(self, *assumed: Polynomial) -> bool:
        """Whether some dimension differs for sure, where each of `assumed` is >= 0."""
        open_equations = [left - right for left, right in self.equations if left != right]
        for position, difference in enumerate(open_equations):
            others = [item for item in open_equations[:position] + open_equations[position + 1 :]]
            facts = self.facts.assuming(*assumed, *others, *(-item for item in others))
            if facts.holds(difference.plus(-1)) or facts.holds((-difference).plus(-1)):
                return True
        return False

    def equates(self, loop: Enter) -> bool:
        """Whether an index is the loop's variable and nothing else that differs."""
        sides = (self.facts.polynomial(ir.Var(name, I64)) for name in (loop.var, loop.var + TWIN))
        difference = next(sides) - next(sides)
        return any(_is_multiple(one - other, difference) for one, other in self.equations)

    def pins(self, left: Polynomial, right: Polynomial, both_orders: bool = True) -> bool:
        """Whether meeting in one element forces `left == right` (or, for one order, `left >= right`)."""
        if any(_is_multiple(one - other, left - right) for one, other in self.equations):
            return True
        if not self.are_apart((right - left).plus(-1)):
            return False
        return not both_orders or self.are_apart((left - right).plus(-1))


def join(first: Access, second: Access, shared: frozenset[Enter]) -> Twins:
    """The two accesses in one iteration of the `shared` loops and in any iterations of the others."""
    common = common_steps(first, second)
    cut = next((i for i, step in enumerate(first.steps[:common]) if is_open(step, shared)), common)
    own = second.steps[cut:]
    kept = {loop.var for loop in shared}
    names = {name: name + TWIN for name in names_of(own) if name not in kept}
    facts = first.facts
    for step in own:
        facts = take(facts, renamed_step(step, names))
    pairs = zip(first.index, second.index)
    return Twins(facts, tuple((facts.polynomial(a), facts.polynomial(renamed(b, names))) for a, b in pairs))


def is_open(step: object, shared: frozenset[Enter]) -> bool:
    """Whether the step is a loop whose iterations are not shared."""
    return isinstance(step, Enter) and step not in shared


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two accesses to one tensor. `dims` are the dimensions whose index says which element it is."""

    first: Access
    second: Access
    dims: tuple[int, ...]
    unique: frozenset[str]
    is_one: bool  # both are one access

    def is_impossible_within(self) -> bool:
        """Whether the two never meet in one iteration of the loops that enclose both."""
        return self._twins(frozenset(common_loops(self.first, self.second))).are_apart()

    def is_impossible_across(self, loop: Enter, both_orders: bool = True) -> bool:
        """Whether the two never meet in different iterations of `loop`, in one of all outer loops.

        Without `both_orders`, only a first access in an earlier iteration than the second counts.
        """
        loops = common_loops(self.first, self.second)
        position = loops.index(loop)
        shared, waiting = frozenset(loops[:position]), loops[position:]
        while True:
            twins = self._twins(shared)
            if twins.equates(loop):
                return True
            if not self.is_one and twins.are_apart():
                return True
            twins = Twins(twins.facts, tuple(self._unfolded(twins)))
            pinned = {item for item in waiting if _pins_loop(twins, item, both_orders or item is not loop, self.is_one)}
            if loop in pinned or not pinned:
                return loop in pinned
            shared, waiting = shared | pinned, tuple(item for item in waiting if item not in pinned)

    def _twins(self, shared: frozenset[Enter]) -> Twins:
        twins = join(self.first, self.second, shared)
        return Twins(twins.facts, tuple(twins.equations[dim] for dim in self.dims))

    def _unfolded(self, twins: Twins) -> Iterator[Equation]:
        """The equations, and those of the index of every unique load that they pin."""
        yield from twins.equations
        for left, right in self._unique_loads(twins):
            if twins.pins(Polynomial.atom(left), Polynomial.atom(right)):
                parts = zip(twins.facts.atoms[left].operands, twins.facts.atoms[right].operands)
                yield from parts

    def _unique_loads(self, twins: Twins) -> Iterator[tuple[str, str]]:
        """Pairs of loads from `unique` tensors, from the one side and the other."""
        for left_side, right_side in twins.equations:
            loads = (list(self._loads_in(side, twins.facts)) for side in (left_side, right_side))
            yield from (pair for pair in zip(*loads) if _reads_same(pair, twins.facts))

    def _loads_in(self, value: Polynomial, facts: Facts) -> Iterator[str]:
        for name in dict.fromkeys(value.atoms()):
            atom = facts.atoms[name]
            if atom.tensor in self.unique:
                yield name
            else:
                for operand in atom.operands:
                    yield from self._loads_in(operand, facts)


def _reads_same(pair: tuple[str, str], facts: Facts) -> bool:
    return pair[0] != pair[1] and facts.atoms[pair[0]].tensor == facts.atoms[pair[1]].tensor


def _pins_loop(twins: Twins, loop: Enter, both_orders: bool, is_one: bool) -> bool:
    """Whether meeting forces one iteration of the loop. One access with itself is symmetric."""
    facts = twins.facts
    if twins.equates(loop):
        return True
    if facts.holds((facts.polynomial(loop.low) - facts.polynomial(loop.high)).plus(1)):
        return True  # there is only one
    left, right = (facts.polynomial(ir.Var(name, I64)) for name in (loop.var, loop.var + TWIN))
    return twins.pins(left, right, both_orders and not is_one)


def _is_multiple(value: Polynomial, unit: Polynomial) -> bool:
    """Whether `value` is a nonzero integer times `unit`."""
    if value == ZERO or len(value.terms) != len(unit.terms):
        return False
    ratio = value.terms[0][1] // unit.terms[0][1]
    return ratio != 0 and value == unit * Polynomial.constant(ratio)


def meeting(
    first: Access, second: Access, shape: Iterable[ir.Expr], unique: frozenset[str] = frozenset()
) -> Meeting:
    """Two accesses to a tensor of this shape.

    A `clamp` moves indices together, so where either access has one, only the dimensions that are
    in range anyway tell elements apart.
    """
    dims = tuple(dim for dim, extent in enumerate(shape) if _tells(first, dim, extent) and _tells(second, dim, extent))
    return Meeting(first, second, dims, unique, first is second)


def _tells(access: Access, dim: int, extent: ir.Expr) -> bool:
    return access.policy != "clamp" or access.facts.proves_in_range(access.index[dim], extent)

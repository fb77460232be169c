"""Whether two accesses to one tensor can meet in one element.

The second access is given iterations of its own: every name that the loops in question bind gets
a twin (`c` and `c'`), and everything known of the one is known of the other. Then the indices are
equations between the two sides: where they force a loop's variable to equal its twin, different
iterations of that loop never meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kernel_ir import nodes as ir
from kernel_ir.accesses import (
    Access,
    Enter,
    common_loops,
    common_steps,
    names_of,
    renamed,
    renamed_step,
    take,
)
from kernel_ir.dtypes import I64
from kernel_ir.lemmas import Atom
from kernel_ir.polynomials import ZERO, Polynomial
from kernel_ir.prove import Facts

Equation = tuple[Polynomial, Polynomial]

TWIN = "'"


@dataclass(frozen=True, slots=True)
class Twins:
    """Two accesses side by side: what is known, and one equation a dimension."""

    facts: Facts
    equations: tuple[Equation, ...]

    def are_apart(self) -> bool:
        """Whether some dimension differs for sure."""
        return any(_is_nonzero(left - right, self.facts) for left, right in self.equations)

    def equate(self, left: Polynomial, right: Polynomial) -> bool:
        """Whether an equation says `left == right` itself."""
        return any(_is_multiple(one - other, left - right) for one, other in self.equations)

    def force(self, left: Polynomial, right: Polynomial, both_orders: bool = True) -> bool:
        """Whether meeting in one element excludes `left < right`, and `left > right` too if asked."""
        if not self._are_apart_where((right - left).plus(-1)):
            return False
        return not both_orders or self._are_apart_where((left - right).plus(-1))

    def _are_apart_where(self, assumed: Polynomial) -> bool:
        """`are_apart` where `assumed` is >= 0 and, for each dimension, where the others are equal."""
        if self.facts.holds((-assumed).plus(-1)):
            return True  # it never is
        differences = [left - right for left, right in self.equations if left != right]
        facts = self.facts.assuming(assumed)
        if any(_is_nonzero(item, facts) for item in differences):
            return True
        for position, difference in enumerate(differences if len(differences) > 1 else ()):
            others = differences[:position] + differences[position + 1 :]
            if _is_nonzero(difference, facts.assuming(*others, *(-item for item in others))):
                return True
        return False


def _is_nonzero(value: Polynomial, facts: Facts) -> bool:
    return facts.holds(value.plus(-1)) or facts.holds((-value).plus(-1))


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
    pairs = zip(first.index, second.index, strict=True)
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
            if twins.are_apart():
                return True
            twins = unfold(twins, self.unique)
            pinned = self._pinned(twins, waiting, loop, both_orders)
            if loop in pinned or not pinned:
                return loop in pinned
            shared |= pinned
            waiting = tuple(item for item in waiting if item not in pinned)

    def _pinned(
        self, twins: Twins, waiting: tuple[Enter, ...], loop: Enter, both_orders: bool
    ) -> frozenset[Enter]:
        """The loops of which meeting forces one iteration, by the cheapest argument that finds any."""
        pairs = {item: _variables(item, twins.facts) for item in waiting}
        pinned = frozenset(item for item, pair in pairs.items() if twins.equate(*pair))
        if pinned:
            return pinned
        for item, pair in pairs.items():
            # One access with itself is symmetric: one order says all.
            orders = not self.is_one and (both_orders or item is not loop)
            if twins.force(*pair, orders):
                return frozenset({item})
        return frozenset()

    def _twins(self, shared: frozenset[Enter]) -> Twins:
        twins = join(self.first, self.second, shared)
        return Twins(twins.facts, tuple(twins.equations[dim] for dim in self.dims))


def unfold(twins: Twins, unique: frozenset[str]) -> Twins:
    """With the equations that follow from equal atoms.

    Equal loads from a `unique` tensor are loads of one element; `a // b` and `a % b` give `a`; and
    equal sums, even those that wrap, with an equal part have an equal other part.
    """
    found = list(twins.equations)
    halves: dict[tuple[Polynomial, ...], str] = {}
    for left, right in found:  # grows on the way
        pair = _equal_atoms(left, right, twins.facts)
        if pair is None:
            continue
        one, other = pair
        if one.kind == other.kind == "load" and one.tensor == other.tensor and one.tensor in unique:
            found.extend(zip(one.operands, other.operands, strict=True))
        elif one.kind == other.kind and one.kind in ("add", "subtract"):
            parts = [pair for pair in zip(one.operands, other.operands, strict=True) if pair[0] != pair[1]]
            found.extend(parts if len(parts) == 1 else ())
        elif one.kind == other.kind and one.kind in ("floor_divide", "modulo"):
            (dividend, divisor), (twin, twin_divisor) = one.operands, other.operands
            key = (dividend, twin, divisor, twin_divisor)
            is_whole = halves.setdefault(key, one.kind) != one.kind
            if is_whole and divisor == twin_divisor and twins.facts.holds(divisor.plus(-1)):
                found.append((dividend, twin))
    return Twins(twins.facts, tuple(found))


def _equal_atoms(left: Polynomial, right: Polynomial, facts: Facts) -> tuple[Atom, Atom] | None:
    """The atoms, one of each side, of which an equation says that they are equal."""
    match (left - right).terms:
        case (((one,), a), ((other,), b)) if a == -b:
            if one not in left.atoms():
                one, other = other, one
            return facts.atoms[one], facts.atoms[other]
        case _:
            return None


def _variables(loop: Enter, facts: Facts) -> Equation:
    """A loop's variable, and its twin."""
    return facts.polynomial(ir.Var(loop.var, I64)), facts.polynomial(ir.Var(loop.var + TWIN, I64))


def _is_multiple(value: Polynomial, unit: Polynomial) -> bool:
    """Whether `value` is a nonzero integer times `unit`."""
    if value == ZERO or len(value.terms) != len(unit.terms):
        return False
    ratio = value.terms[0][1] // unit.terms[0][1]
    return value == unit * Polynomial.constant(ratio)


def meeting(
    first: Access, second: Access, shape: Iterable[ir.Expr], unique: frozenset[str] = frozenset()
) -> Meeting:
    """Two accesses to a tensor of this shape.

    A `clamp` moves indices together, so where either access has one, only the dimensions that are
    in range anyway tell elements apart.
    """
    both = (first, second)
    dims = tuple(
        dim for dim, extent in enumerate(shape) if all(_tells(access, dim, extent) for access in both)
    )
    return Meeting(first, second, dims, unique, first is second)


def _tells(access: Access, dim: int, extent: ir.Expr) -> bool:
    return access.policy != "clamp" or access.facts.proves_in_range(access.index[dim], extent)

"""Small worlds in which everything known holds: a claim that fails in one need not be searched for.

A witness gives every atom a value. Sizes are drawn from a fixed table, loop variables from their
range, data by a hash of its name; what is computed (`a // b`, a minimum) follows. A witness that a
new fact contradicts is dropped, so having none left only means that nothing is refuted early.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from zlib import crc32

from kernel_ir.lemmas import Atom
from kernel_ir.polynomials import Polynomial

_SIZES = (
    (0,), (1,), (2,), (8,), (0, 1, 2), (1, 2, 4), (2, 4, 8), (1, 2, 8, 16),
    (2, 3), (4, 6, 12), (3, 5, 7), (1, 3, 9), (16, 32), (8, 24), (1, 64), (10, 100),
)  # fmt: skip
_DATA = (-1, 0, 1, 2, 3, 5, 8, 100)


@dataclass(frozen=True, slots=True)
class Witness:
    """One world. `values` grows as atoms are asked for; it is no part of the witness's identity."""

    seed: int
    values: dict[str, int | None] = field(default_factory=dict, compare=False)

    def value(self, polynomial: Polynomial, atoms: Mapping[str, Atom]) -> int | None:
        """The value of a polynomial here, or None where an atom has none that could be relied on."""
        total = 0
        for monomial, coefficient in polynomial.terms:
            for name in monomial:
                if name not in self.values:
                    self.values[name] = self._atom(name, atoms)
                factor = self.values[name]
                if factor is None:
                    return None
                coefficient *= factor
            total += coefficient
        return total

    def entering(self, name: str, low: int, high: int) -> Witness:
        """This world in one iteration of a loop: the first, the last or one between."""
        chosen = low + (0, high - 1 - low, (high - low) // 2)[_draw(name, self.seed) % 3]
        return Witness(self.seed, {**self.values, name: chosen})

    def _atom(self, name: str, atoms: Mapping[str, Atom]) -> int | None:
        atom = atoms[name]
        if atom.kind == "size":
            choices = _SIZES[self.seed]
            return choices[_draw(name, self.seed) % len(choices)]
        if atom.kind in ("load", "param", "count"):
            value = _DATA[_draw(name, self.seed) % len(_DATA)]
            return max(value, 0) if atom.kind == "count" or atom.type.kind == "uint" else value
        operands = [self.value(part, atoms) for part in atom.operands]
        return _computed(atom.kind, [item for item in operands if item is not None], len(operands))


def _computed(kind: str, operands: list[int], arity: int) -> int | None:
    if len(operands) < arity or arity != 2:
        return None
    left, right = operands
    match kind:
        case "floor_divide":
            return left // right if right else 0
        case "modulo":
            return left % right if right else 0
        case "minimum":
            return min(left, right)
        case "maximum":
            return max(left, right)
        case "bit_and":
            return left & right
        case _:
            return None


def _draw(name: str, seed: int) -> int:
    return crc32(f"{seed} {name}".encode()) >> 8


def first_witnesses() -> tuple[Witness, ...]:
    """One for each way of choosing sizes."""
    return tuple(Witness(seed) for seed in range(len(_SIZES)))


def entering(
    witnesses: Iterable[Witness], name: str, low: Polynomial, high: Polynomial, atoms: Mapping[str, Atom]
) -> tuple[Witness, ...]:
    """The witnesses with an iteration of the loop over atom `name`; without it where it has none."""
    found = []
    for witness in witnesses:
        first, end = witness.value(low, atoms), witness.value(high, atoms)
        if first is not None and end is not None and first < end:
            found.append(witness.entering(name, first, end))
    return tuple(found)


def agreeing(
    witnesses: Iterable[Witness], inequalities: Iterable[Polynomial], atoms: Mapping[str, Atom]
) -> tuple[Witness, ...]:
    """The witnesses in which every polynomial is >= 0."""
    wanted = tuple(inequalities)
    return tuple(
        witness
        for witness in witnesses
        if all((value := witness.value(item, atoms)) is not None and value >= 0 for item in wanted)
    )


def refutes(witnesses: Iterable[Witness], goal: Polynomial, atoms: Mapping[str, Atom]) -> bool:
    """Whether some witness shows the polynomial to be negative."""
    return any((value := witness.value(goal, atoms)) is not None and value < 0 for witness in witnesses)

"""Integer polynomials over named atoms: the normal form in which the prover reasons.

An atom is the canonical text of an integer that is not taken apart further (a size, a loop
variable, `a // b`, a load); equal texts mean equal values. A monomial is a sorted tuple of atoms,
repeated for powers; `()` is the constant one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from math import gcd
from typing import TypeAlias

Monomial: TypeAlias = tuple[str, ...]

ONE: Monomial = ()

MAX_TERMS = 48  # a polynomial with more terms than this is not worth reasoning about
MAX_DEGREE = 8  # nor is one with more factors in a term
MAX_COEFFICIENT = 1 << 128
LONGEST_NAME = 1000


def atom_name(text: str) -> str:
    """The name of the atom that `text` describes: a digest where names inside names have made it long."""
    return text if len(text) <= LONGEST_NAME else sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A sum of integer multiples of monomials; `terms` is sorted and holds no zero coefficient."""

    terms: tuple[tuple[Monomial, int], ...] = ()

    @staticmethod
    def of(terms: Mapping[Monomial, int]) -> Polynomial:
        """The normal form of a sum given as monomial -> coefficient."""
        return Polynomial(tuple(sorted(item for item in terms.items() if item[1])))

    @staticmethod
    def constant(value: int) -> Polynomial:
        return Polynomial(((ONE, value),)) if value else ZERO

    @staticmethod
    def atom(name: str) -> Polynomial:
        return Polynomial((((name,), 1),))

    def __add__(self, other: Polynomial) -> Polynomial:
        return combine(1, self, 1, ONE, other)

    def __sub__(self, other: Polynomial) -> Polynomial:
        return combine(1, self, -1, ONE, other)

    def __neg__(self) -> Polynomial:
        return Polynomial(tuple((monomial, -coefficient) for monomial, coefficient in self.terms))

    def __mul__(self, other: Polynomial) -> Polynomial:
        total: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in other.terms:
                product = times(left, right)
                total[product] = total.get(product, 0) + a * b
        return Polynomial.of(total)

    def is_small(self) -> bool:
        """Whether it is worth reasoning about."""
        return len(self.terms) <= MAX_TERMS and all(
            len(monomial) <= MAX_DEGREE and abs(coefficient) <= MAX_COEFFICIENT
            for monomial, coefficient in self.terms
        )

    def plus(self, value: int) -> Polynomial:
        """This polynomial and a constant."""
        return self + Polynomial.constant(value)

    def as_constant(self) -> int | None:
        """The value, where there is no atom."""
        if not self.terms:
            return 0
        if len(self.terms) == 1 and self.terms[0][0] == ONE:
            return self.terms[0][1]
        return None

    def as_atom(self) -> str | None:
        """The atom, where this is a single one times 1."""
        if len(self.terms) == 1:
            monomial, coefficient = self.terms[0]
            if coefficient == 1 and len(monomial) == 1:
                return monomial[0]
        return None

    def atoms(self) -> Iterator[str]:
        """Every atom, with repetition, in order."""
        for monomial, _ in self.terms:
            yield from monomial

    def split(self, divisor: int) -> tuple[Polynomial, Polynomial]:
        """`(q, r)` with `self == divisor * q + r`, every coefficient of `r` in `[0, divisor)`."""
        quotient = {monomial: value // divisor for monomial, value in self.terms}
        rest = {monomial: value % divisor for monomial, value in self.terms}
        return Polynomial.of(quotient), Polynomial.of(rest)

    def tightened(self) -> Polynomial:
        """A polynomial that is >= 0 for the same integers and fewest rationals: for what is known."""
        divisor = self._content()
        return self if divisor <= 1 else self.split(divisor)[0]

    def loosened(self) -> Polynomial:
        """A polynomial that is >= 0 for the same integers and most rationals: for what is asked."""
        divisor = self._content()
        if divisor <= 1:
            return self
        constant = self.terms[0][1] if self.terms[0][0] == ONE else 0
        return self.plus(divisor - 1 - constant % divisor)

    def _content(self) -> int:
        """The greatest common divisor of the coefficients beside the constant."""
        return gcd(*(value for monomial, value in self.terms if monomial))

    def replaced(self, atom: str, value: Polynomial) -> Polynomial:
        """This polynomial with `value` in place of `atom`."""
        total = ZERO
        for monomial, coefficient in self.terms:
            kept = tuple(item for item in monomial if item != atom)
            term = Polynomial(((kept, coefficient),))
            for _ in range(len(monomial) - len(kept)):
                term = term * value
            total = total + term
        return total

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        return " + ".join("*".join([str(value), *monomial]) for monomial, value in self.terms)


ZERO = Polynomial()


def combine(scale: int, base: Polynomial, weight: int, cofactor: Monomial, other: Polynomial) -> Polynomial:
    """`scale * base + weight * cofactor * other`."""
    total = {monomial: scale * value for monomial, value in base.terms}
    for monomial, value in other.terms:
        product = times(cofactor, monomial)
        total[product] = total.get(product, 0) + weight * value
    return Polynomial.of(total)


def times(left: Monomial, right: Monomial) -> Monomial:
    """The product of two monomials."""
    if not left:
        return right
    return tuple(sorted(left + right)) if right else left


@lru_cache(maxsize=4096)
def divisors(monomial: Monomial) -> tuple[tuple[Monomial, Monomial], ...]:
    """Every way to write a monomial as `part * cofactor`, the whole first, the constant last."""
    found: set[tuple[Monomial, Monomial]] = {(ONE, ONE)}
    for atom in monomial:
        found = {pair for part, rest in found for pair in _deal(atom, part, rest)}
    return tuple(sorted(found, key=lambda pair: (-len(pair[0]), pair)))


def _deal(atom: str, part: Monomial, rest: Monomial) -> Iterable[tuple[Monomial, Monomial]]:
    return (times(part, (atom,)), rest), (part, times(rest, (atom,)))

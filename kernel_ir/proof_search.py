"""The search behind the prover: cancel what may be negative with multiples of what is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from math import gcd
from typing import TYPE_CHECKING, TypeAlias

from kernel_ir.polynomials import Monomial, Polynomial, combine, divisors

if TYPE_CHECKING:
    from kernel_ir.prove import Facts

MAX_SPLITS = 4  # case distinctions within each other
LAST = 1 << 20  # the rank of what is not above 0, and >= 0 only by facts that contradict each other or fix it

Term: TypeAlias = tuple[Monomial, int]
Candidate: TypeAlias = tuple[Polynomial, int, Monomial]
Index: TypeAlias = dict[tuple[Monomial, bool], list[tuple[Polynomial, int]]]


@dataclass(slots=True, order=True)
class Attempt:
    """A polynomial that remains to be shown >= 0; the simplest are tried first."""

    rank: int
    serial: int
    goal: Polynomial = field(compare=False)
    harmful: list[Term] = field(compare=False)  # the terms that may be negative
    parent: Attempt | None = field(compare=False, default=None)  # what this one would show


class Search:
    """One bounded search for a proof that a polynomial is >= 0."""

    def __init__(self, facts: Facts, steps: int) -> None:
        self.facts = facts
        self.steps = steps
        self.seen: set[Polynomial] = set()
        self.shown: set[Polynomial] = set()  # in one case, for the other cases
        self.indexed: set[str] = set()
        self.by_term: Index = {}
        if facts.cache.by_term is None:
            facts.cache.by_term = {}
            for item in facts.known:
                _index(facts.cache.by_term, item)

    def run(self, goal: Polynomial, splits: int = MAX_SPLITS) -> bool:
        """Cancel harmful terms, going on where the fewest are left."""
        waiting: list[Attempt] = []
        self._push(waiting, goal)
        while waiting:
            attempt = heappop(waiting)
            if not attempt.harmful:
                self._note_shown(attempt)
                return True
            if self.steps <= 0 or self.facts.cache.left <= 0:
                return False
            self._count_step()
            for child in self._children(attempt.goal, attempt.harmful):
                self._push(waiting, child, attempt)
            if waiting and not waiting[0].harmful:
                continue  # one of them is plain: no need to look at cases
            if splits and self._by_cases(attempt, splits - 1):
                self._note_shown(attempt)
                return True
        return False

    def _note_shown(self, attempt: Attempt | None) -> None:
        """Remember what a proof shows on its way."""
        while attempt is not None:
            self.shown.add(attempt.goal)
            attempt = attempt.parent

    def _push(self, waiting: list[Attempt], goal: Polynomial, parent: Attempt | None = None) -> None:
        goal = goal.loosened()
        if goal in self.shown:
            heappush(waiting, Attempt(0, len(self.seen), goal, [], parent))
            return
        if goal in self.seen or not goal.is_small():
            return
        self.seen.add(goal)
        self._count_step()
        self._index_atoms(goal)
        harmful = [term for term in goal.terms if term[1] < 0 or not self._is_nonnegative(term[0])]
        degree = sum(len(monomial) for monomial, _ in goal.terms)
        rank = LAST if harmful and self._is_below_zero(goal) else 3 * len(harmful) + degree
        heappush(waiting, Attempt(rank, len(self.seen), goal, harmful, parent))

    def _is_below_zero(self, goal: Polynomial) -> bool:
        """Whether no term can be positive: going on from one to the next, their numbers grow without end."""
        return all(value < 0 and self._is_nonnegative(monomial) for monomial, value in goal.terms)

    def _count_step(self) -> None:
        self.steps -= 1
        self.facts.cache.left -= 1

    def _children(self, goal: Polynomial, harmful: list[Term]) -> Iterator[Polynomial]:
        """The goal with the harmful term that has the fewest remedies cancelled, in each way."""
        options = [self._candidates(*term) for term in harmful]
        chosen = min(range(len(harmful)), key=lambda i: (-len(harmful[i][0]), len(options[i])))
        weight = abs(harmful[chosen][1])
        for inequality, coefficient, cofactor in options[chosen]:
            unit = gcd(coefficient, weight)
            yield combine(coefficient // unit, goal, -weight // unit, cofactor, inequality)

    def _is_nonnegative(self, monomial: Monomial) -> bool:
        return all(self.facts.is_nonnegative(name) for name in monomial)

    def _candidates(self, monomial: Monomial, value: int) -> list[Candidate]:
        """Inequalities with a term of this sign that divides the monomial, the nearest first."""
        found: list[Candidate] = []
        for part, cofactor in divisors(monomial):
            if self._is_nonnegative(cofactor) and (part or not found):
                for index in (self.facts.cache.by_term or {}, self.by_term):
                    for inequality, coefficient in index.get((part, value > 0), ()):
                        found.append((inequality, coefficient, cofactor))
        return found

    def _by_cases(self, attempt: Attempt, splits: int) -> bool:
        """Prove the goal for each value that a minimum, maximum or select in it can take."""
        goal = attempt.goal
        for name in dict.fromkeys(name for monomial, _ in attempt.harmful for name in monomial):
            atom = self.facts.atoms[name]
            if atom.kind in ("minimum", "maximum"):
                if all(self.run(goal.replaced(name, part), splits) for part in atom.operands):
                    return True
            elif atom.kind == "select" and atom.condition is not None:
                then, orelse = (goal.replaced(name, part) for part in atom.operands)
                if name in self.facts.split:  # taking its condition for granted led back to it
                    continue
                facts = replace(self.facts, split=self.facts.split | {name})
                yes, no = (facts.with_condition(atom.condition, holds) for holds in (True, False))
                if yes.ask(then) and no.ask(orelse):
                    return True
        return False

    def _index_atoms(self, goal: Polynomial) -> None:
        """Make the lemmas of every atom in sight available."""
        waiting = list(goal.atoms())
        while waiting:
            name = waiting.pop()
            if name not in self.indexed:
                self.indexed.add(name)
                for item in self.facts.lemmas(name):
                    _index(self.by_term, item)
                    waiting.extend(item.atoms())


def _index(index: Index, inequality: Polynomial) -> None:
    for monomial, coefficient in inequality.terms:
        index.setdefault((monomial, coefficient > 0), []).append((inequality, abs(coefficient)))

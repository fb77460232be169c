"""A small, sound prover for integer facts: what bounds checks and write checks rest on.

`Facts` holds what is known at a point of a body and answers questions about integer expressions.
"No" means "not proven"; "yes" is always true. The method: bring everything to polynomials, then
cancel the terms of the goal that could make it negative with multiples of known inequalities, in
a bounded search. A goal with `a // b` in it may first be multiplied by `b`, and a goal with a
minimum, maximum or select is proven for each of its branches.

Arithmetic on i64 built from sizes, loop variables and widened 32-bit values is taken not to
overflow (the host refuses shapes that large). Sums of *wide* values (i64 loads and scalars) and
of 32-bit values that may leave their type wrap, so they are opaque here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64, DType
from kernel_ir.lemmas import Atom, is_nonnegative, lemmas_of
from kernel_ir.normal_form import Reader
from kernel_ir.polynomials import ONE, ZERO, Polynomial, atom_name
from kernel_ir.proof_search import Index, Search
from kernel_ir.witnesses import Witness, agreeing, entering, first_witnesses, refutes

STEPS = (40, 300)  # search steps for one form of a goal: a short try of each form, then a long one
EFFORT = 600  # search steps for one question, with the questions that it raises
SIDE_EFFORT = 100  # search steps for one question that another one raises

_NEGATED = {
    "less": "greater_equal",
    "greater_equal": "less",
    "greater": "less_equal",
    "less_equal": "greater",
    "equal": "not_equal",
    "not_equal": "equal",
}


@dataclass(slots=True)
class _Cache:
    """What one `Facts` has worked out; never part of its value."""

    lemmas: dict[str, tuple[Polynomial, ...]] = field(default_factory=dict)
    answers: dict[Polynomial, bool] = field(default_factory=dict)
    asking: set[Polynomial] = field(default_factory=set)
    left: int = 0  # search steps that the question being asked may still take
    by_term: Index | None = None  # the known inequalities, for the search


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the integers at a point of a body. Immutable; `with_...` adds to it.

    Start with `Facts.for_sizes`. A variable that neither `with_range` nor `with_let` introduced
    may change: nothing is concluded about it, not even that it equals itself.
    """

    sizes: frozenset[str] = frozenset()
    unstable: frozenset[str] = frozenset()
    known: tuple[Polynomial, ...] = ()  # each >= 0
    nonnegative: frozenset[str] = frozenset()
    zeros: frozenset[str] = frozenset()  # atoms `a % b` that are 0
    split: frozenset[str] = frozenset()  # choices one of whose branches is being taken
    values: Mapping[str, Polynomial] = field(default_factory=dict)  # variable -> what it is
    witnesses: tuple[Witness, ...] = ()
    rows: Mapping[str, Atom] = field(default_factory=dict)  # row of indices -> what each element is
    atoms: dict[str, Atom] = field(default_factory=dict, compare=False, repr=False)  # shared, grows only
    cache: _Cache = field(default_factory=_Cache, compare=False, repr=False)

    # ---- building ------------------------------------------------------------------------------

    @staticmethod
    def for_sizes(names: Iterable[str], unstable: Iterable[str] = ()) -> Facts:
        """Every named size is >= 0. Loads of the `unstable` tensors (results) may differ in time."""
        sizes = frozenset(names)
        nonnegative = frozenset(f"size {name}" for name in sizes)
        return Facts(sizes, frozenset(unstable), nonnegative=nonnegative, witnesses=first_witnesses())

    def with_range(self, var: str, low: ir.Expr, high: ir.Expr) -> Facts:
        """Inside `for var in range(low, high)`: `low <= var < high`, so the range is not empty."""
        first, end = self.polynomial(low), self.polynomial(high)
        name = f"var {var}"
        is_wide = not (self._is_beside(first, "maximum") and self._is_beside(end, "minimum"))
        self.atoms[name] = Atom("loop", I64, is_wide=is_wide)
        value = Polynomial.atom(name)
        worlds = entering(self.witnesses, name, first, end, self.atoms)
        inner = replace(self, values={**self.values, var: value}, witnesses=worlds, cache=_Cache())
        return inner.assuming(value - first, (end - value).plus(-1), (end - first).plus(-1))

    def with_let(self, name: str, value: ir.Expr) -> Facts:
        """`Var(name)` stands for the integer `value` from here on."""
        return self.with_value(name, self.polynomial(value))

    def with_value(self, name: str, value: Polynomial) -> Facts:
        """`with_let` of a value in normal form."""
        return replace(self, values={**self.values, name: value}, cache=_Cache())

    def with_indices(self, row: str, low: ir.Expr, high: ir.Expr, is_full: bool) -> Facts:
        """The elements of `row` are indices in `range(low, high)`, and -1 unless the row `is_full`."""
        bounds = (self.polynomial(low), self.polynomial(high))
        atom = Atom("index" if is_full else "position", I64, bounds, any(self.is_wide(end) for end in bounds))
        return replace(self, rows={**self.rows, row: atom}, cache=_Cache())

    def with_requirement(self, condition: ir.Expr) -> Facts:
        """Where the host has checked a condition."""
        return self.with_condition(condition, is_exact=True)

    def with_condition(self, condition: ir.Expr, holds: bool = True, is_exact: bool = False) -> Facts:
        """Where the bool `condition` is known to be `holds`. What is not understood adds nothing."""
        match condition:
            case ir.Apply("logical_not", (inner,)):
                return self.with_condition(inner, not holds, is_exact)
            case ir.Apply("logical_and", (left, right)) if holds:
                return self.with_condition(left, True, is_exact).with_condition(right, True, is_exact)
            case ir.Apply("logical_or", (left, right)) if not holds:
                return self.with_condition(left, False, is_exact).with_condition(right, False, is_exact)
            case ir.Apply(op, (left, right)) if op in _NEGATED and _are_integers(left, right):
                return self._with_comparison(op if holds else _NEGATED[op], left, right, is_exact)
            case _:
                return self

    def _with_comparison(self, op: str, left: ir.Expr, right: ir.Expr, is_exact: bool) -> Facts:
        difference = self.polynomial(right, is_exact) - self.polynomial(left, is_exact)
        match op:
            case "less":
                return self.assuming(difference.plus(-1))
            case "less_equal":
                return self.assuming(difference)
            case "greater":
                return self.assuming((-difference).plus(-1))
            case "greater_equal":
                return self.assuming(-difference)
            case "equal":
                return self._with_zero(difference).assuming(difference, -difference)
            case _:
                return self._with_different(difference)

    def _with_zero(self, value: Polynomial) -> Facts:
        name = value.as_atom() or (-value).as_atom()
        if name is None or self.atoms[name].kind != "modulo":
            return self
        return replace(self, zeros=self.zeros | {name}, cache=_Cache())

    def _with_different(self, difference: Polynomial) -> Facts:
        if self.holds(difference):
            return self.assuming(difference.plus(-1))
        if self.holds(-difference):
            return self.assuming((-difference).plus(-1))
        return self

    def assuming(self, *inequalities: Polynomial) -> Facts:
        """Where each polynomial is >= 0, with the signs of atoms that follow."""
        fresh = tuple(item.tightened() for item in inequalities if item.as_constant() is None)
        worlds = agreeing(self.witnesses, inequalities, self.atoms)
        facts = replace(self, known=(*self.known, *fresh), witnesses=worlds, cache=_Cache())
        factors = tuple(factor for item in fresh for factor in facts._positive_factors(item))
        if factors:
            facts = replace(facts, known=(*facts.known, *factors), cache=_Cache())
        for name in dict.fromkeys(name for item in fresh for name in item.atoms()):
            if not facts.is_nonnegative(name) and facts.ask(Polynomial.atom(name)):
                facts = replace(facts, nonnegative=facts.nonnegative | {name}, cache=_Cache())
        return facts

    def _positive_factors(self, inequality: Polynomial) -> Iterator[Polynomial]:
        """`width * pages >= 1` says that both are: where one product must outweigh all the rest."""
        positive = [monomial for monomial, value in inequality.terms if value > 0]
        if len(positive) != 1 or len(positive[0]) < 2 or inequality.terms[0][0] != ONE:
            return
        if all(self.is_nonnegative(name) for name in inequality.atoms()):
            for name in dict.fromkeys(positive[0]):
                yield Polynomial.atom(name).plus(-1)

    # ---- asking --------------------------------------------------------------------------------

    def proves_nonnegative(self, expr: ir.Expr) -> bool:
        return self.holds(self.polynomial(expr))

    def proves_less(self, left: ir.Expr, right: ir.Expr) -> bool:
        return self.holds((self.polynomial(right) - self.polynomial(left)).plus(-1))

    def proves_less_equal(self, left: ir.Expr, right: ir.Expr) -> bool:
        return self.holds(self.polynomial(right) - self.polynomial(left))

    def proves_equal(self, left: ir.Expr, right: ir.Expr) -> bool:
        difference = self.polynomial(right) - self.polynomial(left)
        return self.holds(difference) and self.holds(-difference)

    def proves_in_range(self, index: ir.Expr, extent: ir.Expr) -> bool:
        """Whether `0 <= index < extent`."""
        value = self.polynomial(index)
        return self.holds(value) and self.holds((self.polynomial(extent) - value).plus(-1))

    def proves(self, condition: ir.Expr, holds: bool = True) -> bool:
        """Whether a comparison of integers, or a combination of them, is proven to be `holds`."""
        match condition:
            case ir.Apply("logical_not", (inner,)):
                return self.proves(inner, not holds)
            case ir.Apply("logical_and" | "logical_or" as op, args):
                combined = all if (op == "logical_and") == holds else any
                return combined(self.proves(arg, holds) for arg in args)
            case ir.Apply(op, (left, right)) if op in _NEGATED and _are_integers(left, right):
                return self._proves_comparison(op if holds else _NEGATED[op], left, right)
            case _:
                return False

    def _proves_comparison(self, op: str, left: ir.Expr, right: ir.Expr) -> bool:
        match op:
            case "less":
                return self.proves_less(left, right)
            case "less_equal":
                return self.proves_less_equal(left, right)
            case "greater":
                return self.proves_less(right, left)
            case "greater_equal":
                return self.proves_less_equal(right, left)
            case "equal":
                return self.proves_equal(left, right)
            case _:
                return self.proves_less(left, right) or self.proves_less(right, left)

    def equals_zero(self, value: Polynomial) -> bool:
        """Whether `value == 0` is proven."""
        return value == ZERO or (self.holds(value) and self.holds(-value))

    def holds(self, goal: Polynomial) -> bool:
        """Whether `goal >= 0` is proven."""
        return self.ask(goal, EFFORT)

    def ask(self, goal: Polynomial, effort: int = SIDE_EFFORT) -> bool:
        """`holds`, with a limit on the search steps."""
        cache = self.cache
        if goal in cache.answers:
            return cache.answers[goal]
        if goal in cache.asking:
            return False  # a question that comes back while it is being asked proves nothing
        if refutes(self.witnesses, goal, self.atoms):
            cache.answers[goal] = False
            return False
        is_side = bool(cache.asking)
        granted = min(cache.left, SIDE_EFFORT) if is_side else effort
        outer, cache.left = cache.left, granted
        cache.asking.add(goal)
        found = self._search(goal)
        cache.asking.remove(goal)
        cache.left += outer - granted
        if found or not is_side:
            cache.answers[goal] = found
        return found

    def _search(self, goal: Polynomial) -> bool:
        """Try each form of the goal, all of them briefly before any of them at length."""
        brief, long = STEPS
        if Search(self, brief).run(goal):
            return True
        forms = tuple(self._forms(goal, 2)) if self.cache.left > 0 else ()
        return any(Search(self, brief).run(form) for form in forms[1:]) or any(
            Search(self, long).run(form) for form in forms
        )

    def _forms(self, goal: Polynomial, depth: int) -> Iterator[Polynomial]:
        """Polynomials whose being >= 0 shows the goal: itself, then with multiples and divisors in it.

        Where `a % b == 0`, `a` is `b * (a // b)`, which shows what a common factor leaves of the rest.
        For `b >= 1`, `b * goal + b - 1 >= 0` says the same of integers, and `b * (a // b)` has
        bounds that `a // b` alone has not.
        """
        yield goal
        if depth == 0:
            return
        for multiple, value in self._multiples():
            if multiple in goal.atoms():
                yield from self._forms(goal.replaced(multiple, value), depth - 1)
        for name in dict.fromkeys(goal.atoms()):
            atom = self.atoms.get(name)
            if atom is not None and atom.kind == "floor_divide":
                divisor = atom.operands[1]
                if self.holds(divisor.plus(-1)):
                    yield from self._forms(goal * divisor + divisor.plus(-1), depth - 1)

    def _multiples(self) -> Iterator[tuple[str, Polynomial]]:
        """Atoms that are known to be multiples, and what they are in terms of their quotient."""
        for zero in sorted(self.zeros):
            left, right = self.atoms[zero].operands
            name = left.as_atom()
            if name is not None and self.holds(right.plus(-1)):
                quotient = self.operation("floor_divide", (left, right), self.atoms[zero].type)
                yield name, right * quotient

    # ---- what the parts of the prover share ----------------------------------------------------

    def polynomial(self, expr: ir.Expr, is_exact: bool = False) -> Polynomial:
        """The normal form of an integer expression. Total: what is not understood is an atom."""
        return Reader(self, is_exact).read(expr)

    def operation(
        self, op: str, parts: tuple[Polynomial, ...], type_: DType, *, may_overflow: bool = False
    ) -> Polynomial:
        """The atom for an operation that polynomials cannot express."""
        key = atom_name(f"{op}.{type_}({', '.join(str(part) for part in parts)})")
        is_wide = type_ == I64 and (may_overflow or any(self.is_wide(part) for part in parts))
        self.atoms.setdefault(key, Atom(op, type_, parts, is_wide))
        return Polynomial.atom(key)

    def is_wide(self, value: Polynomial) -> bool:
        """Whether arithmetic on the value may overflow."""
        return any(self.atoms[name].is_wide for name in value.atoms())

    def _is_beside(self, value: Polynomial, op: str) -> bool:
        """Whether a value is not wide, or is cut off (by `op`, a minimum or maximum) at one that is not.

        Asked of a value's form alone: an atom is the same wherever it stands, whatever is known there.
        """
        if not self.is_wide(value):
            return True
        name = value.as_atom()
        if name is None or self.atoms[name].kind != op:
            return False
        return any(self._is_beside(part, op) for part in self.atoms[name].operands)

    def is_nonnegative(self, name: str) -> bool:
        """Whether an atom is known to be >= 0."""
        return name in self.nonnegative or is_nonnegative(self, name)

    def lemmas(self, name: str) -> tuple[Polynomial, ...]:
        """Polynomials >= 0 that hold by the meaning of an atom."""
        known = self.cache.lemmas
        if name not in known:
            known[name] = ()  # while the sides of a lemma are being proven, it proves nothing
            found = tuple(item.tightened() for item in lemmas_of(self, name) if item.as_constant() is None)
            if self.cache.asking and not self.cache.left:
                del known[name]  # the search gave up: ask again another time
                return found
            known[name] = found
        return known[name]


def _are_integers(*operands: ir.Expr) -> bool:
    return all(operand.type.is_integer for operand in operands)

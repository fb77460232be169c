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
from heapq import heappop, heappush
from typing import TypeAlias

from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64, DType
from kernel_ir.polynomials import ONE, ZERO, Monomial, Polynomial, combine, divisors
from kernel_ir.traverse import walk

MAX_TERMS = 48  # a product of polynomials with more terms than this stays opaque
STEPS = (6, 40)  # search steps for one form of a goal: a short try of each form, then a long one
EFFORT = 120  # search steps for one question, with the questions that it raises
MAX_SPLITS = 4  # case distinctions within each other
SIDE_EFFORT = 16  # search steps for one question that another one raises
UNBOUNDED = 1 << 200  # stands for infinity in intervals

_NEGATED = {
    "less": "greater_equal",
    "greater_equal": "less",
    "greater": "less_equal",
    "less_equal": "greater",
    "equal": "not_equal",
    "not_equal": "equal",
}


@dataclass(frozen=True, slots=True)
class Atom:
    """What an atom of the polynomials stands for. `is_wide`: it may lie near the limits of i64."""

    kind: str
    type: DType
    operands: tuple[Polynomial, ...] = ()
    is_wide: bool = False
    condition: ir.Expr | None = None
    tensor: str = ""  # what a load reads


Term: TypeAlias = tuple[Monomial, int]
Candidate: TypeAlias = tuple[Polynomial, int, Monomial]
State: TypeAlias = tuple[int, int, int, Polynomial, list[Term]]
Index: TypeAlias = dict[tuple[Monomial, bool], list[tuple[Polynomial, int]]]


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
    values: Mapping[str, Polynomial] = field(default_factory=dict)  # variable -> what it is
    rows: Mapping[str, Atom] = field(default_factory=dict)  # row of indices -> what each element is
    atoms: dict[str, Atom] = field(default_factory=dict, compare=False, repr=False)  # shared, grows only
    cache: _Cache = field(default_factory=_Cache, compare=False, repr=False)

    # ---- building ------------------------------------------------------------------------------

    @staticmethod
    def for_sizes(names: Iterable[str], unstable: Iterable[str] = ()) -> Facts:
        """Every named size is >= 0. Loads of the `unstable` tensors (results) may differ in time."""
        sizes = frozenset(names)
        return Facts(sizes, frozenset(unstable), nonnegative=frozenset(f"size {name}" for name in sizes))

    def with_range(self, var: str, low: ir.Expr, high: ir.Expr) -> Facts:
        """Inside `for var in range(low, high)`: `low <= var < high`, so the range is not empty."""
        first, end = self.polynomial(low), self.polynomial(high)
        name = f"var {var}"
        is_wide = self._is_wide(first) or self._is_wide(end)
        self.atoms[name] = Atom("loop", I64, is_wide=is_wide)
        inner = replace(self, values={**self.values, var: Polynomial.atom(name)}, cache=_Cache())
        value = Polynomial.atom(name)
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
        atom = Atom("index" if is_full else "position", I64, bounds, any(self._is_wide(end) for end in bounds))
        return replace(self, rows={**self.rows, row: atom}, cache=_Cache())

    def with_condition(self, condition: ir.Expr, holds: bool = True) -> Facts:
        """Where the bool `condition` is known to be `holds`. What is not understood adds nothing."""
        match condition:
            case ir.Apply("logical_not", (inner,)):
                return self.with_condition(inner, not holds)
            case ir.Apply("logical_and", (left, right)) if holds:
                return self.with_condition(left, True).with_condition(right, True)
            case ir.Apply("logical_or", (left, right)) if not holds:
                return self.with_condition(left, False).with_condition(right, False)
            case ir.Apply(op, (left, right)) if op in _NEGATED and left.type.is_integer and right.type.is_integer:
                return self._with_comparison(op if holds else _NEGATED[op], left, right)
            case _:
                return self

    def _with_comparison(self, op: str, left: ir.Expr, right: ir.Expr) -> Facts:
        difference = self.polynomial(right) - self.polynomial(left)
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
        facts = replace(self, known=(*self.known, *fresh), cache=_Cache())
        factors = tuple(factor for item in fresh for factor in facts._positive_factors(item))
        if factors:
            facts = replace(facts, known=(*facts.known, *factors), cache=_Cache())
        for name in dict.fromkeys(name for item in fresh for name in item.atoms()):
            if not facts.is_nonnegative(name) and facts._ask(Polynomial.atom(name), SIDE_EFFORT):
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
            case ir.Apply(op, (left, right)) if op in _NEGATED and left.type.is_integer and right.type.is_integer:
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
        return self._ask(goal, EFFORT)

    def _ask(self, goal: Polynomial, effort: int) -> bool:
        cache = self.cache
        if goal in cache.answers:
            return cache.answers[goal]
        if goal in cache.asking:
            return False  # a question that comes back while it is being asked proves nothing
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
        if _Search(self, STEPS[0]).run(goal):
            return True
        forms = tuple(self._forms(goal, 2)) if self.cache.left else ()
        return any(_Search(self, steps).run(form) for steps in STEPS for form in forms)

    def _forms(self, goal: Polynomial, depth: int) -> Iterator[Polynomial]:
        """Polynomials whose being >= 0 shows the goal: itself, then it times the divisors in it.

        For `b >= 1`, `b * goal + b - 1 >= 0` says the same of integers, and `b * (a // b)` has
        bounds that `a // b` alone has not.
        """
        yield goal
        if depth == 0:
            return
        for name in dict.fromkeys(goal.atoms()):
            atom = self.atoms.get(name)
            if atom is not None and atom.kind == "floor_divide":
                divisor = atom.operands[1]
                if self.holds(divisor.plus(-1)):
                    yield from self._forms(goal * divisor + divisor.plus(-1), depth - 1)

    # ---- expressions to polynomials ------------------------------------------------------------

    def polynomial(self, expr: ir.Expr) -> Polynomial:
        """The normal form of an integer expression. Total: what is not understood is an atom."""
        match expr:
            case ir.Const(value) if isinstance(value, int):
                return Polynomial.constant(int(value))
            case ir.Size(name):
                return self._atom(f"size {name}", Atom("size", I64))
            case ir.Param(name, type_):
                return self._atom(f"param {name}", Atom("param", type_, is_wide=type_ == I64))
            case ir.Var(name) if name in self.values:
                return self.values[name]
            case ir.At(row, index) if row in self.rows:
                return self._atom(f"{row}[{self.polynomial(index)}]", self.rows[row])
            case ir.Bind(name, value, body):
                return (self.with_let(name, value) if value.type.is_integer else self).polynomial(body)
            case ir.Load(tensor, index, type_, policy) if tensor not in self.unstable:
                parts = tuple(self.polynomial(part) for part in index)
                text = ", ".join(str(part) for part in parts)
                key = f"{tensor}[{text}]!{policy}"
                return self._atom(key, Atom("load", type_, parts, is_wide=type_ == I64, tensor=tensor))
            case ir.Apply(op, args, type_):
                return self._apply(op, args, type_, expr)
            case _:
                return self._opaque(expr)

    def _apply(self, op: str, args: tuple[ir.Expr, ...], type_: DType, expr: ir.Expr) -> Polynomial:
        if not all(arg.type.is_integer for arg in args if op != "select"):
            return self._opaque(expr)
        match op:
            case "add" | "subtract" | "multiply" | "negate":
                return self._arithmetic(op, tuple(self.polynomial(arg) for arg in args), type_)
            case "floor_divide" | "modulo":
                left, right = (self.polynomial(arg) for arg in args)
                return self._divide(left, right, type_) if op == "floor_divide" else self._modulo(left, right, type_)
            case "shift_right" if _is_shift_count(args[1], type_):
                by = Polynomial.constant(1 << args[1].value)
                return self._divide(self.polynomial(args[0]), by, type_)
            case "shift_left" if _is_shift_count(args[1], type_):
                by = Polynomial.constant(1 << args[1].value)
                return self._arithmetic("multiply", (self.polynomial(args[0]), by), type_)
            case "minimum" | "maximum" | "bit_and":
                return self._operation(op, tuple(self.polynomial(arg) for arg in args), type_)
            case "abs":
                value = self.polynomial(args[0])
                return self._operation("maximum", (value, self._arithmetic("negate", (value,), type_)), type_)
            case "select":
                return self._select(args, type_)
            case "i32" | "u32" | "i64":
                value = self.polynomial(args[0])
                return value if self._fits(value, type_) else self._operation(op, (value,), type_)
            case _:
                return self._opaque(expr)

    def _arithmetic(self, op: str, parts: tuple[Polynomial, ...], type_: DType) -> Polynomial:
        small = op != "multiply" or len(parts[0].terms) * len(parts[1].terms) <= MAX_TERMS
        if small and not any(self._is_wide(part) for part in parts):
            match op:
                case "add":
                    value = parts[0] + parts[1]
                case "subtract":
                    value = parts[0] - parts[1]
                case "multiply":
                    value = parts[0] * parts[1]
                case _:
                    value = -parts[0]
            if self._fits(value, type_):
                return value
        return self._operation(op, parts, type_)

    def _divide(self, left: Polynomial, right: Polynomial, type_: DType) -> Polynomial:
        divisor = right.as_constant()
        if divisor is None or divisor < 0:
            return self._operation("floor_divide", (left, right), type_)
        if divisor == 0:
            return ZERO
        quotient, rest = left.split(divisor)
        if rest.as_constant() is not None:
            return quotient
        return quotient + self._operation("floor_divide", (rest, right), type_ if rest == left else I64)

    def _modulo(self, left: Polynomial, right: Polynomial, type_: DType) -> Polynomial:
        divisor = right.as_constant()
        if divisor is not None and divisor >= 0:
            rest = left.split(divisor)[1] if divisor else ZERO
            if rest.as_constant() is not None:
                return rest
            left, type_ = rest, type_ if rest == left else I64
        value = self._operation("modulo", (left, right), type_)
        return ZERO if self._divides(right, left) else value

    def _divides(self, right: Polynomial, left: Polynomial) -> bool:
        """Whether `left % right == 0` is known, directly or by a multiple of a constant `right`."""
        step = right.as_constant()
        for name in sorted(self.zeros):
            dividend, divisor = self.atoms[name].operands
            if dividend != left:
                continue
            multiple = divisor.as_constant()
            if divisor == right or (step and multiple and multiple % step == 0):
                return True
        return False

    def _select(self, args: tuple[ir.Expr, ...], type_: DType) -> Polynomial:
        condition, then, otherwise = args
        parts = (self.polynomial(then), self.polynomial(otherwise))
        if parts[0] == parts[1]:
            return parts[0]
        key = f"select({self._key(condition)}, {parts[0]}, {parts[1]})"
        wide = any(self._is_wide(part) for part in parts)
        return self._atom(key, Atom("select", type_, parts, wide, condition))

    def _operation(self, op: str, parts: tuple[Polynomial, ...], type_: DType) -> Polynomial:
        """The atom for an operation that polynomials cannot express."""
        key = f"{op}.{type_}({', '.join(str(part) for part in parts)})"
        is_wide = type_ == I64 and any(self._is_wide(part) for part in parts)
        return self._atom(key, Atom(op, type_, parts, is_wide))

    def _opaque(self, expr: ir.Expr) -> Polynomial:
        match expr:
            case ir.Reduce("argmax" | "argmin", _, low, high):
                bounds = (self.polynomial(low), self.polynomial(high))
                atom = Atom("position", expr.type, bounds, any(self._is_wide(end) for end in bounds))
            case ir.Reduce(kind):
                atom = Atom(kind, expr.type, is_wide=expr.type == I64 and kind != "count")
            case _:
                atom = Atom("opaque", expr.type, is_wide=expr.type == I64)
        return self._atom(self._key(expr), atom)

    def _key(self, expr: ir.Expr) -> str:
        """A text that equal values share; one of its own where the value may change in time."""
        bound = _bound_within(expr)
        for item in walk(expr):
            match item:
                case ir.Load(tensor) if tensor in self.unstable:
                    return f"unstable {len(self.atoms)}"
                case ir.Var(name) if name not in self.values and name not in bound:
                    return f"unstable {len(self.atoms)}"
                case _:
                    pass
        return repr(expr)

    def _atom(self, name: str, atom: Atom) -> Polynomial:
        self.atoms.setdefault(name, atom)
        return Polynomial.atom(name)

    # ---- widths and signs ----------------------------------------------------------------------

    def _is_wide(self, value: Polynomial) -> bool:
        return any(self.atoms[name].is_wide for name in value.atoms())

    def _fits(self, value: Polynomial, type_: DType) -> bool:
        """Whether the value, computed without wrapping, lies in `type_`."""
        if type_ == I64:
            return True
        low, high = 0, 0
        for monomial, coefficient in value.terms:
            ends = {coefficient}
            for name in monomial:
                ends = {end * bound for end in ends for bound in self._interval(name)}
            low, high = low + min(ends), high + max(ends)
        return type_.lowest <= low and high <= type_.highest

    def _interval(self, name: str) -> tuple[int, int]:
        """Constant bounds of an atom, both inclusive."""
        type_ = self.atoms[name].type
        low, high = (-UNBOUNDED, UNBOUNDED) if type_ == I64 else (int(type_.lowest), int(type_.highest))
        if self.is_nonnegative(name):
            low = max(low, 0)
        for item in (*self.known, *self.lemmas(name)):
            if item.terms[-1][0] != (name,) or len(item.terms) > 2 or item.terms[0][0] not in (ONE, (name,)):
                continue
            constant = item.terms[0][1] if len(item.terms) == 2 else 0
            coefficient = item.terms[-1][1]
            if coefficient > 0:
                low = max(low, -(constant // coefficient))
            else:
                high = min(high, constant // -coefficient)
        return low, high

    def is_nonnegative(self, name: str) -> bool:
        if name in self.nonnegative:
            return True
        atom = self.atoms[name]
        signs = (self.holds(part) for part in atom.operands)
        match atom.kind:
            case "size" | "count":
                return True
            case "floor_divide" | "minimum":
                return all(signs)
            case "maximum" | "bit_and":
                return any(signs)
            case "modulo":
                return self.holds(atom.operands[1])
            case _:
                return atom.type.kind == "uint"

    # ---- lemmas --------------------------------------------------------------------------------

    def lemmas(self, name: str) -> tuple[Polynomial, ...]:
        """Polynomials >= 0 that hold by the meaning of an atom."""
        known = self.cache.lemmas
        if name not in known:
            known[name] = ()  # while the sides of a lemma are being proven, it proves nothing
            found = tuple(item.tightened() for item in self._lemmas(name) if item.as_constant() is None)
            if self.cache.asking and not self.cache.left:
                del known[name]  # the search gave up: ask again another time
                return found
            known[name] = found
        return known[name]

    def _lemmas(self, name: str) -> tuple[Polynomial, ...]:
        atom, value = self.atoms[name], Polynomial.atom(name)
        match atom.kind:
            case "floor_divide":
                return self._quotient_lemmas(value, *atom.operands)
            case "modulo":
                return self._remainder_lemmas(value, *atom.operands, atom.type)
            case "minimum":  # at most each operand, and at most their mean
                left, right = atom.operands
                return left - value, right - value, left + right - value - value
            case "maximum":
                left, right = atom.operands
                return value - left, value - right, value + value - left - right
            case "bit_and":
                return tuple(part - value for part in atom.operands if self.holds(part))
            case "index":
                low, high = atom.operands
                return value - low, (high - value).plus(-1)
            case "position":  # -1 where there is no term
                low, high = atom.operands
                first = (value.plus(1),) if self.holds(low.plus(1)) else ()
                return (*first, (high - value).plus(-1)) if self.holds(high) else first
            case _:
                return ()

    def _quotient_lemmas(self, value: Polynomial, left: Polynomial, right: Polynomial) -> tuple[Polynomial, ...]:
        product = right * value
        below = left - product
        sign = (left - value,) if self.holds(left) else ()
        if self.holds(right.plus(-1)):
            above = product - left if self._divides(right, left) else (product - left + right).plus(-1)
            return (below, above, *sign)
        if not self.holds(right):
            return ()
        if self.holds(value.plus(-1)):  # a quotient by zero is 0
            return (right.plus(-1), below, (product - left + right).plus(-1), *sign)
        return (below, *sign) if sign else ()

    def _remainder_lemmas(
        self, value: Polynomial, left: Polynomial, right: Polynomial, type_: DType
    ) -> tuple[Polynomial, ...]:
        sign = (left - value,) if self.holds(left) else ()
        if self.holds(right.plus(-1)):
            whole = left - value - right * self._operation("floor_divide", (left, right), type_)
            return ((right - value).plus(-1), whole, -whole, *sign)
        return sign if self.holds(right) else ()


def _is_shift_count(count: ir.Expr, type_: DType) -> bool:
    return isinstance(count, ir.Const) and isinstance(count.value, int) and 0 <= count.value < type_.bits - 1


def _bound_within(expr: ir.Expr) -> frozenset[str]:
    """The names that reductions and bindings inside the expression introduce."""
    found = set()
    for item in walk(expr):
        match item:
            case ir.Reduce(_, var):
                found.add(var)
            case ir.Bind(name):
                found.add(name)
            case _:
                pass
    return frozenset(found)


class _Search:
    """One bounded search for a proof that a polynomial is >= 0."""

    def __init__(self, facts: Facts, steps: int) -> None:
        self.facts = facts
        self.steps = steps
        self.seen: set[Polynomial] = set()
        self.indexed: set[str] = set()
        self.by_term: Index = {}
        if facts.cache.by_term is None:
            facts.cache.by_term = {}
            for item in facts.known:
                _index(facts.cache.by_term, item)

    def run(self, goal: Polynomial) -> bool:
        """Cancel harmful terms, trying the goals with the fewest left first."""
        open_goals: list[State] = []
        self._push(open_goals, goal)
        while open_goals:
            _, _, _, goal, harmful = heappop(open_goals)
            if not harmful:
                return True
            if self.steps == 0 or self.facts.cache.left <= 0:
                return False
            self.steps -= 1
            self.facts.cache.left -= 1
            for child in self._children(goal, harmful):
                self._push(open_goals, child)
            if self._by_cases(goal, harmful):
                return True
        return False

    def _children(self, goal: Polynomial, harmful: list[Term]) -> Iterator[Polynomial]:
        """The goal with the harmful term that has the fewest remedies cancelled, in each way."""
        options = [self._candidates(*term) for term in harmful]
        chosen = min(range(len(harmful)), key=lambda i: (harmful[i][0] == ONE, len(options[i])))
        weight = abs(harmful[chosen][1])
        for inequality, coefficient, cofactor in options[chosen]:
            yield combine(coefficient, goal, -weight, cofactor, inequality)

    def _push(self, open_goals: list[State], goal: Polynomial) -> None:
        goal = goal.loosened()
        if goal in self.seen or len(goal.terms) > MAX_TERMS:
            return
        self.seen.add(goal)
        self._index_atoms(goal)
        harmful = [term for term in goal.terms if term[1] < 0 or not self._is_nonnegative(term[0])]
        degree = sum(len(monomial) for monomial, _ in goal.terms)
        heappush(open_goals, (len(harmful), degree, len(self.seen), goal, harmful))

    def _is_nonnegative(self, monomial: Monomial) -> bool:
        return all(self.facts.is_nonnegative(name) for name in monomial)

    def _candidates(self, monomial: Monomial, value: int) -> list[Candidate]:
        """Inequalities with a term of this sign that divides the monomial, the nearest first."""
        found = []
        for part, cofactor in divisors(monomial):
            if self._is_nonnegative(cofactor):
                for index in (self.facts.cache.by_term or {}, self.by_term):
                    for inequality, coefficient in index.get((part, value > 0), ()):
                        found.append((inequality, coefficient, cofactor))
        return found

    def _by_cases(self, goal: Polynomial, harmful: list[Term]) -> bool:
        """Prove the goal for each value that a minimum, maximum or select in it can take."""
        for name in dict.fromkeys(name for monomial, _ in harmful for name in monomial):
            atom = self.facts.atoms[name]
            if atom.kind in ("minimum", "maximum"):
                if all(self.run(goal.replaced(name, part)) for part in atom.operands):
                    return True
            elif atom.kind == "select" and atom.condition is not None:
                branches = zip((True, False), atom.operands)
                if all(self._branch(atom.condition, holds, goal.replaced(name, part)) for holds, part in branches):
                    return True
        return False

    def _branch(self, condition: ir.Expr, holds: bool, goal: Polynomial) -> bool:
        return self.facts.with_condition(condition, holds)._ask(goal, min(self.facts.cache.left, SIDE_EFFORT))

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

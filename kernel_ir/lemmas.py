"""What holds of an atom by its meaning: its sign, its constant bounds, its lemmas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64, U32, DType
from kernel_ir.polynomials import ONE, Polynomial

if TYPE_CHECKING:
    from kernel_ir.prove import Facts

UNBOUNDED = 1 << 200  # stands for infinity in intervals


@dataclass(frozen=True, slots=True)
class Atom:
    """What an atom of the polynomials stands for. `is_wide`: it may lie near the limits of i64."""

    kind: str
    type: DType
    operands: tuple[Polynomial, ...] = ()
    is_wide: bool = False
    condition: ir.Expr | None = None
    tensor: str = ""  # what a load reads; clamped ones may meet in one element and have none


def fits(facts: Facts, value: Polynomial, type_: DType) -> bool:
    """Whether the value, computed without wrapping, lies in `type_`."""
    if type_ == I64:
        return _fits_i64(facts, value)
    low, high = 0, 0
    for monomial, coefficient in value.terms:
        ends = {coefficient}
        for name in monomial:
            ends = {end * bound for end in ends for bound in _interval(facts, name)}
        low, high = low + min(ends), high + max(ends)
    return type_.lowest <= low and high <= type_.highest


def _fits_i64(facts: Facts, value: Polynomial) -> bool:
    """Products of sizes and of loops over them are taken to fit; a third factor from data may not.

    Each factor is taken for at most a 32-bit value: wide ones never get here.
    """
    most = 0
    for monomial, coefficient in value.terms:
        atoms = [facts.atoms[name] for name in monomial]
        if any(atom.kind not in ("size", "loop") for atom in atoms):
            most += abs(coefficient) << sum(32 if atom.type == U32 else 31 for atom in atoms)
    return most <= I64.highest


def _interval(facts: Facts, name: str) -> tuple[int, int]:
    """Constant bounds of an atom, both inclusive."""
    type_ = facts.atoms[name].type
    low, high = (-UNBOUNDED, UNBOUNDED) if type_ == I64 else (int(type_.lowest), int(type_.highest))
    if facts.is_nonnegative(name):
        low = max(low, 0)
    for item in (*facts.known, *facts.lemmas(name)):
        if item.terms[-1][0] != (name,) or len(item.terms) > 2 or item.terms[0][0] not in (ONE, (name,)):
            continue
        constant = item.terms[0][1] if len(item.terms) == 2 else 0
        coefficient = item.terms[-1][1]
        if coefficient > 0:
            low = max(low, -(constant // coefficient))
        else:
            high = min(high, constant // -coefficient)
    return low, high


def is_nonnegative(facts: Facts, name: str) -> bool:
    if name in facts.nonnegative:
        return True
    atom = facts.atoms[name]
    known_first = sorted(atom.operands, key=lambda part: part.as_constant() is None)
    signs = (facts.holds(part) for part in known_first)
    match atom.kind:
        case "size" | "count":
            return True
        case "floor_divide" | "minimum":
            return all(signs)
        case "maximum" | "bit_and":
            return any(signs)
        case "modulo":
            return facts.holds(atom.operands[1])
        case _:
            return atom.type.kind == "uint"


def divides(facts: Facts, right: Polynomial, left: Polynomial) -> bool:
    """Whether `left % right == 0` is known, directly or by a multiple of a constant `right`."""
    step = right.as_constant()
    for name in sorted(facts.zeros):
        dividend, divisor = facts.atoms[name].operands
        if dividend != left:
            continue
        multiple = divisor.as_constant()
        if divisor == right or (step and multiple and multiple % step == 0):
            return True
    return False


def lemmas_of(facts: Facts, name: str) -> tuple[Polynomial, ...]:
    """Polynomials >= 0 that hold by the meaning of an atom."""
    atom, value = facts.atoms[name], Polynomial.atom(name)
    match atom.kind:
        case "floor_divide":
            return _quotient_lemmas(facts, value, *atom.operands)
        case "modulo":
            left, right = atom.operands
            return _remainder_lemmas(facts, value, left, right, atom.type)
        case "minimum":  # at most each operand, and at most their mean
            left, right = atom.operands
            return left - value, right - value, left + right - value - value
        case "maximum":
            left, right = atom.operands
            return value - left, value - right, value + value - left - right
        case "bit_and":
            return tuple(part - value for part in atom.operands if facts.holds(part))
        case "index":
            low, high = atom.operands
            return value - low, (high - value).plus(-1)
        case "position":  # -1 where there is no term
            low, high = atom.operands
            first = (value.plus(1),) if facts.holds(low.plus(1)) else ()
            return (*first, (high - value).plus(-1)) if facts.holds(high) else first
        case _:
            return ()


def _quotient_lemmas(
    facts: Facts, value: Polynomial, left: Polynomial, right: Polynomial
) -> tuple[Polynomial, ...]:
    product = right * value
    below = left - product
    sign = (left - value,) if facts.holds(left) else ()
    if facts.holds(right.plus(-1)):
        if not divides(facts, right, left):
            return (below, (product - left + right).plus(-1), *sign)
        is_positive = right.as_constant() is None and facts.holds(left.plus(-1))
        return (below, -below, *sign, *((value.plus(-1),) if is_positive else ()))
    if not facts.holds(right):
        return ()
    if facts.holds(value.plus(-1)):  # a quotient by zero is 0
        return (right.plus(-1), below, (product - left + right).plus(-1), *sign)
    return (below, *sign) if sign else ()


def _remainder_lemmas(
    facts: Facts, value: Polynomial, left: Polynomial, right: Polynomial, type_: DType
) -> tuple[Polynomial, ...]:
    sign = (left - value,) if facts.holds(left) else ()
    if facts.holds(right.plus(-1)):
        whole = left - value - right * facts.operation("floor_divide", (left, right), type_)
        return ((right - value).plus(-1), whole, -whole, *sign)
    return sign if facts.holds(right) else ()

"""Integer expressions in normal form: polynomials over the atoms that facts are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64, DType
from kernel_ir.lemmas import Atom, divides, fits
from kernel_ir.polynomials import MAX_TERMS, ZERO, Polynomial, atom_name
from kernel_ir.traverse import walk

if TYPE_CHECKING:
    from kernel_ir.prove import Facts


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads expressions in the light of what is known.

    What `is_exact` is computed by the host, in integers that do not wrap whatever their types: sums and
    products are then themselves, and no operation that would wrap is taken for one of the body's.
    """

    facts: Facts
    is_exact: bool = False

    def read(self, expr: ir.Expr) -> Polynomial:
        """The normal form of an integer expression. Total: what is not understood is an atom."""
        match expr:
            case ir.Const(value) if isinstance(value, int):
                return Polynomial.constant(int(value))
            case ir.Size(name):
                return self._atom(f"size {name}", Atom("size", I64))
            case ir.Param(name, type_):
                return self._atom(f"param {name}", Atom("param", type_, is_wide=type_ == I64))
            case ir.Var(name) if name in self.facts.values:
                return self.facts.values[name]
            case ir.At(row, index) if row in self.facts.rows:
                return self._atom(f"{row}[{self.read(index)}]", self.facts.rows[row])
            case ir.Bind(name, value, body):
                inner = self.facts.with_let(name, value) if value.type.is_integer else self.facts
                return inner.polynomial(body)
            case ir.Load(tensor, index, type_, policy) if tensor not in self.facts.unstable:
                parts = tuple(self.read(part) for part in index)
                text = ", ".join(str(part) for part in parts)
                key = f"{tensor}[{text}]!{policy}"
                read = "" if policy == "clamp" else tensor
                atom = Atom("load", type_, parts, is_wide=type_ == I64, tensor=read)
                return self._atom(key, atom)
            case ir.Apply(op, args, type_):
                return self._apply(op, args, type_, expr)
            case _:
                return self._opaque(expr)

    def _apply(self, op: str, args: tuple[ir.Expr, ...], type_: DType, expr: ir.Expr) -> Polynomial:
        if not all(arg.type.is_integer for arg in args if op != "select"):
            return self._opaque(expr)
        match op:
            case "add" | "subtract" | "multiply" | "negate":
                return self._arithmetic(op, tuple(self.read(arg) for arg in args), type_)
            case "floor_divide" | "modulo":
                left, right = (self.read(arg) for arg in args)
                divided = self._divide if op == "floor_divide" else self._modulo
                return divided(left, right, type_)
            case "shift_right" | "shift_left":
                return self._shift(op, args, type_, expr)
            case "minimum" | "maximum" | "bit_and":
                return self.facts.operation(op, tuple(self.read(arg) for arg in args), type_)
            case "abs":
                value = self.read(args[0])
                opposite = self._arithmetic("negate", (value,), type_)
                return self.facts.operation("maximum", (value, opposite), type_)
            case "select":
                return self._select(args, type_)
            case "i32" | "u32" | "i64":
                value = self.read(args[0])
                return (
                    value
                    if self.is_exact or fits(self.facts, value, type_)
                    else self.facts.operation(op, (value,), type_)
                )
            case _:
                return self._opaque(expr)

    def _arithmetic(self, op: str, parts: tuple[Polynomial, ...], type_: DType) -> Polynomial:
        small = op != "multiply" or len(parts[0].terms) * len(parts[1].terms) <= MAX_TERMS
        if small and (self.is_exact or not any(self.facts.is_wide(part) for part in parts)):
            match op:
                case "add":
                    value = parts[0] + parts[1]
                case "subtract":
                    value = parts[0] - parts[1]
                case "multiply":
                    value = parts[0] * parts[1]
                case _:
                    value = -parts[0]
            if not (self.is_exact or fits(self.facts, value, type_)):
                return self.facts.operation(op, parts, type_, may_overflow=True)
            if value.is_small():
                return value
        return self._operation(op, parts, type_)

    def _operation(self, op: str, parts: tuple[Polynomial, ...], type_: DType) -> Polynomial:
        """The atom of an operation; one of its own where the body's would wrap and the host's does not."""
        is_safe = op == "floor_divide" and self.facts.holds(parts[1])
        kind = op if is_safe or not self.is_exact else f"exact {op}"
        return self.facts.operation(kind, parts, type_)

    def _shift(self, op: str, args: tuple[ir.Expr, ...], type_: DType, expr: ir.Expr) -> Polynomial:
        """A shift by a constant is a floor division or a multiplication by a power of two."""
        match args:
            case (operand, ir.Const(count)) if isinstance(count, int) and 0 <= count < type_.bits - 1:
                value, power = self.read(operand), Polynomial.constant(1 << count)
                if op == "shift_right":
                    return self._divide(value, power, type_)
                return self._arithmetic("multiply", (value, power), type_)
            case _:
                return self._opaque(expr)

    def _divide(self, left: Polynomial, right: Polynomial, type_: DType) -> Polynomial:
        divisor = right.as_constant()
        if divisor is None or divisor < 0:
            return self._operation("floor_divide", (left, right), type_)
        if divisor == 0:
            return ZERO
        quotient, rest = left.split(divisor)
        if rest.as_constant() is not None:
            return quotient
        return quotient + self.facts.operation("floor_divide", (rest, right), type_ if rest == left else I64)

    def _modulo(self, left: Polynomial, right: Polynomial, type_: DType) -> Polynomial:
        divisor = right.as_constant()
        if divisor is not None and divisor >= 0:
            rest = left.split(divisor)[1] if divisor else ZERO
            if rest.as_constant() is not None:
                return rest
            left, type_ = rest, type_ if rest == left else I64
        value = self.facts.operation("modulo", (left, right), type_)
        return ZERO if divides(self.facts, right, left) else value

    def _select(self, args: tuple[ir.Expr, ...], type_: DType) -> Polynomial:
        condition, then, otherwise = args
        parts = (self.read(then), self.read(otherwise))
        if parts[0] == parts[1]:
            return parts[0]
        key = f"select({self._key(condition)}, {parts[0]}, {parts[1]})"
        wide = any(self.facts.is_wide(part) for part in parts)
        return self._atom(key, Atom("select", type_, parts, wide, condition))

    def _opaque(self, expr: ir.Expr) -> Polynomial:
        match expr:
            case ir.Reduce("argmax" | "argmin", _, low, high):
                bounds = (self.read(low), self.read(high))
                atom = Atom("position", expr.type, bounds, any(self.facts.is_wide(end) for end in bounds))
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
                case ir.Load(tensor) if tensor in self.facts.unstable:
                    return f"unstable {len(self.facts.atoms)}"
                case ir.Var(name) if name not in self.facts.values and name not in bound:
                    return f"unstable {len(self.facts.atoms)}"
                case _:
                    pass
        return repr(expr)

    def _atom(self, name: str, atom: Atom) -> Polynomial:
        name = atom_name(name)
        self.facts.atoms.setdefault(name, atom)
        return Polynomial.atom(name)


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

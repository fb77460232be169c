"""Random expressions, typed and in range by construction.

In the `whole` style every float of the inputs is a small whole number, and sums and products of them are
kept where f32 is exact: such values may decide anything, and their results are compared bit for bit. In the
`real` style inputs are any numbers; what has been rounded decides nothing, since it could go either way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fuzz.indices import Indices
from fuzz.scope import EXACT_LIMIT, Element, Loop, Row, Scope, Value

LONGEST = 1000  # the greatest extent that sizes are drawn from
MOST_LOOPS = 5  # around one place
_LITERALS = {
    "whole": ("1.0", "2.0", "-3.0", "0.0", "-0.0"),
    "real": ("0.5", "1.0", "-0.25", "3.0", "0.1", "-0.0"),
}
_INTEGERS = ("i32", "i64", "u32")
_INTEGER_OPS = (
    "+",
    "-",
    "*",
    "//",
    "%",
    "&",
    "|",
    "^",
    "<<",
    ">>",
    "min",
    "max",
    "(~{})",
    "(-{})",
    "abs({})",
)
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
# (text, whether it keeps a value exact, the peak of what it gives); arguments are capped before
_SMOOTH: tuple[tuple[str, float, float], ...] = (
    ("exp({})", 20.0, 5e8), ("exp2({})", 30.0, 1.1e9), ("tanh({})", 1e30, 1.0), ("erf({})", 1e30, 1.0),
    ("sin({})", 100.0, 1.0), ("cos({})", 100.0, 1.0), ("log(abs({}) + 0.5)", 1e30, 70.0),
    ("log2(abs({}) + 0.25)", 1e30, 100.0), ("sqrt(abs({}))", 1e30, 1e15), ("rsqrt(abs({}) + 0.5)", 1e30, 1.5),
    ("1.0 / (1.0 + exp(-{}))", 20.0, 1.0), ("1.0 / (1.0 + abs({}))", 1e30, 1.0),
    ("(abs({}) + 0.5) ** 1.5", 1e6, 1e9), ("(abs({}) + 1.0) ** -2", 1e6, 1.0), ("{} ** 2", 1e9, 1e18),
    ("pi * {}", 1e30, 3.2e30), ("{} / 3.0", 1e30, 1e30),
)  # fmt: skip
# (text, a factor that makes whole numbers need more digits than the type has)
_STEPS: tuple[tuple[str, float], ...] = (
    ("floor({})", 1.0), ("ceil({})", 1.0), ("round({})", 1.0), ("trunc({})", 1.0), ("f16({})", 1001.0),
    ("bf16({})", 1001.0), ("f8e4m3({})", 5.0),
)  # fmt: skip


@dataclass(slots=True)
class Function:
    """An inlined function of one or two floats.

    `decides`: its value may jump where an operand moves a little. `peak` bounds it by its operands' peaks.
    """

    name: str
    arity: int
    keeps_exact: bool
    decides: bool
    peak: Callable[..., float]


@dataclass(slots=True)
class Expressions(Indices):
    """Draws expressions, and asks the signature for what they read."""

    style: str = field(kw_only=True)
    functions: list[Function] = field(default_factory=list)

    # -- floats ---------------------------------------------------------------------------------

    def real(self, scope: Scope, depth: int, is_exact: bool = False) -> Value:
        """An f32 expression; one that may decide a condition where `is_exact` asks for it."""
        self.paths.add(scope.path())
        if depth <= 0 or self.chance(0.2):
            return self._leaf(scope, is_exact)
        makers: list[Callable[[Scope, int, bool], Value]] = [
            self._arithmetic, self._arithmetic, self._arithmetic, self._between, self._choice, self._unary,
            self._reduction, self._converted, self._call,
        ]  # fmt: skip
        if not is_exact:
            makers.append(self._smooth)
        return self._settle(self.draw.choice(makers)(scope, depth - 1, is_exact))

    def _settle(self, value: Value) -> Value:
        """The value, kept where f32 holds it."""
        limit = EXACT_LIMIT if self.style == "whole" and value.is_exact else 1e30
        return value if value.peak <= limit else self.capped(value, 64.0)

    def capped(self, value: Value, peak: float) -> Value:
        if value.peak <= peak:
            return value
        return Value(f"min(max({value.text}, {-peak!r}), {peak!r})", "f32", value.is_exact, peak)

    def _leaf(self, scope: Scope, is_exact: bool) -> Value:
        found = [item for item in scope.values if item.type == "f32" and (item.is_exact or not is_exact)]
        makers: list[Callable[[], Value]] = [lambda: self.draw.choice(found)] * (3 if found else 0)
        makers += [lambda: self._load(scope, is_exact)] * (4 if scope.loops else 1)
        makers += [lambda: self._literal(), lambda: Value(self.signature.number("f32"), "f32", True, 8.0)]
        named = [row for row in scope.rows if row.element.type == "f32"]
        named = [row for row in named if row.element.is_exact or not is_exact]
        rows = [(row, var) for row in named for var in scope.surely_over(row.size)]
        if rows:
            makers += [lambda: self._at(*self.draw.choice(rows))] * 5
        elements = [item for item in scope.elements if item.value.is_exact or not is_exact]
        elements = [item for item in elements if item.value.type != "bool"]
        if elements:
            makers += [lambda: self._element(scope, self.draw.choice(elements))] * 3
        return self.draw.choice(makers)()

    def _literal(self) -> Value:
        text = self.draw.choice(_LITERALS[self.style])
        return Value(text, "f32", True, abs(float(text)))

    def _at(self, row: Row, var: str) -> Value:
        place = self.draw.choice((var, var, f"{row.size} - 1 - {var}"))
        return Value(f"{row.name}[{place}]", row.element.type, row.element.is_exact, row.element.peak)

    def _element(self, scope: Scope, item: Element) -> Value:
        read = self._read_back(scope, item)
        if read is None:
            return self._literal()
        if item.value.type == "f32":
            return Value(read, "f32", item.value.is_exact, item.value.peak)
        return Value(f"f32({read} % 255)", "f32", True, 255.0)

    def _read_back(self, scope: Scope, item: Element) -> str | None:
        """A result's element, if one that is stored can be named here."""
        place = item.index or self.place(scope.sure(), item.dims, is_proven=True)
        is_named = bool(place) and place.count(", ") + 1 == len(item.dims)
        return f"{item.name}[{place}]" if is_named else None

    def _reads_back(self, scope: Scope, type_: str) -> list[str]:
        """Elements of results that load to an integer type or to bool."""
        found = [self._read_back(scope, item) for item in scope.elements if item.value.type == type_]
        return [read for read in found if read is not None]

    def _load(self, scope: Scope, is_exact: bool) -> Value:
        dims = self.dims(scope)
        tensor = self.signature.floats(dims, is_optional=self.chance(0.05))
        place = self.place(scope, dims)
        read = Value(f"{tensor.name}[{place}]", "f32", True, 8.0 if self.style == "whole" else 1e4)
        if not tensor.is_optional:
            return read
        text = f"({read.text} if given({tensor.name}) else {self._literal().text})"
        return Value(text, "f32", True, read.peak)

    def _arithmetic(self, scope: Scope, depth: int, is_exact: bool) -> Value:
        if is_exact and self.style == "real":
            return self._leaf(scope, is_exact)
        one, two = self.real(scope, depth, is_exact), self.real(scope, depth, is_exact)
        symbol = self.draw.choice("++--**")
        peak = one.peak * two.peak if symbol == "*" else one.peak + two.peak
        keeps = one.is_exact and two.is_exact and self.style == "whole"
        return Value(f"({one.text} {symbol} {two.text})", "f32", keeps and peak <= EXACT_LIMIT, peak)

    def _between(self, scope: Scope, depth: int, is_exact: bool) -> Value:
        parts = [self.real(scope, depth, is_exact) for _ in range(self.draw.choice((2, 2, 3)))]
        text = f"{self.draw.choice(('min', 'max'))}({', '.join(part.text for part in parts)})"
        return Value(text, "f32", all(part.is_exact for part in parts), max(part.peak for part in parts))

    def _choice(self, scope: Scope, depth: int, is_exact: bool) -> Value:
        one, two = self.real(scope, depth, is_exact), self.real(scope, depth, is_exact)
        text = f"({one.text} if {self.condition(scope, depth)} else {two.text})"
        return Value(text, "f32", one.is_exact and two.is_exact, max(one.peak, two.peak))

    def _unary(self, scope: Scope, depth: int, is_exact: bool) -> Value:
        value = self.real(scope, depth, is_exact)
        if self.chance(0.5):
            text = self.draw.choice(("abs({})", "(-{})")).format(value.text)
            return Value(text, "f32", value.is_exact, value.peak)
        if not value.is_exact:
            return value
        text, factor = self.draw.choice(_STEPS)
        if self.style == "whole" and factor > 1.0 and value.peak * factor <= 6e4:
            value = Value(f"{_atom(value.text)} * {factor!r}", "f32", True, value.peak * factor)
        return Value(text.format(value.text), "f32", True, value.peak * 1.1 + 1)

    def _smooth(self, scope: Scope, depth: int, is_exact: bool) -> Value:
        text, most, peak = self.draw.choice(_SMOOTH)
        value = self.capped(self.real(scope, depth), most)
        return Value(f"({text.format(_atom(value.text))})", "f32", False, peak)

    def _converted(self, scope: Scope, depth: int, is_exact: bool) -> Value:
        """An integer as a float: small enough for f32 to hold it."""
        if self.chance(0.2):
            word = self.integer(scope, depth, "u32").text
            return Value(f"bits_to_f32((u32({word}) & 65535) | 1065353216)", "f32", self.style == "real", 2.0)
        divisor = self.draw.choice((7, 31, 255))
        whole = self.integer(scope, depth, self.draw.choice(_INTEGERS)).text
        return Value(f"f32({whole} % {divisor})", "f32", True, float(divisor))

    def _call(self, scope: Scope, depth: int, is_exact: bool) -> Value:
        known = [item for item in self.functions if item.keeps_exact or not is_exact]
        if not known or (is_exact and self.style == "real"):
            return self._between(scope, depth, is_exact)
        function = self.draw.choice(known)
        needs_exact = is_exact or function.decides
        parts = [self.capped(self.real(scope, depth, needs_exact), 64.0) for _ in range(function.arity)]
        keeps = function.keeps_exact and self.style == "whole" and all(part.is_exact for part in parts)
        text = f"{function.name}({', '.join(part.text for part in parts)})"
        return Value(text, "f32", keeps, function.peak(*(part.peak for part in parts)))

    # -- reductions -----------------------------------------------------------------------------

    def terms(self, scope: Scope, depth: int, is_exact: bool = False) -> tuple[Value, str]:
        """A float for each index of a new range, and the `for` that follows it in a generator."""
        loop, span, inner = (self.chance(0.15) and self.ragged(scope)) or self.loop(scope)
        value = self.real(inner, depth, is_exact)
        return value, self._generator(loop, span, inner, depth)

    def _generator(self, loop: Loop, span: str, inner: Scope, depth: int) -> str:
        where = f" if {self.condition(inner, min(depth, 1))}" if self.chance(0.35) else ""
        return f"for {loop.var} in range({span}){where}"

    def _reduction(self, scope: Scope, depth: int, is_exact: bool) -> Value:
        if len(scope.loops) >= MOST_LOOPS:
            return self._leaf(scope, is_exact)
        kind = self.draw.choice(("sum", "sum", "max", "min"))
        if kind == "sum" and is_exact and self.style == "real":
            kind = "max"
        value, generator = self.terms(scope, depth, is_exact)
        if kind != "sum":
            text = f"{kind}({value.text} {generator})"
            return Value(text, "f32", value.is_exact, value.peak)
        value = self.capped(value, EXACT_LIMIT / LONGEST if self.style == "whole" else 1e20)
        keeps = value.is_exact and self.style == "whole"
        return Value(f"sum({value.text} {generator})", "f32", keeps, value.peak * LONGEST)

    # -- integers -------------------------------------------------------------------------------

    def integer(self, scope: Scope, depth: int, type_: str) -> Value:
        """An expression of an integer type."""
        self.paths.add(scope.path())
        if depth <= 0 or self.chance(0.25):
            return self._integer_leaf(scope, type_)
        makers = [self._integer_arithmetic] * 4
        makers += [self._integer_choice, self._integer_cast, self._integer_reduction]
        return self.draw.choice(makers)(scope, depth - 1, type_)

    def _integer_leaf(self, scope: Scope, type_: str) -> Value:
        found = [item for item in scope.values if item.type == type_]
        found.append(Value(f"{type_}({self._whole_literal()})", type_))
        found.append(Value(self.signature.number(type_), type_))
        if type_ == "i64":
            found += [Value(loop.var, "i64") for loop in scope.loops] * 2
            found += [Value(size, "i64") for size in scope.path()]
        if scope.loops and self.chance(0.6):
            return Value(self.read_integer(scope, type_), type_)
        found += [Value(read, type_) for read in self._reads_back(scope, type_)] * 3
        return self.draw.choice(found)

    def _whole_literal(self) -> str:
        return str(self.draw.choice((1, 2, 3, 7, 255, 65537)))

    def _integer_arithmetic(self, scope: Scope, depth: int, type_: str) -> Value:
        one = self.integer(scope, depth, type_).text
        symbol = self.draw.choice(_INTEGER_OPS)
        if "{" in symbol:
            return Value(symbol.format(one), type_)
        if symbol in ("<<", ">>"):
            return Value(f"({one} {symbol} {self.integer(scope, depth, type_).text})", type_)
        narrower = "i32" if type_ == "i64" and self.chance(0.3) else type_
        is_literal = self.chance(0.5 if symbol in ("//", "%") else 0.2)
        two = self._whole_literal() if is_literal else self.integer(scope, depth, narrower).text
        if symbol in ("min", "max"):
            return Value(f"{symbol}({one}, {two})", type_)
        return Value(f"({one} {symbol} {two})", type_)

    def _integer_choice(self, scope: Scope, depth: int, type_: str) -> Value:
        one, two = (self.integer(scope, depth, type_).text for _ in range(2))
        return Value(f"({one} if {self.condition(scope, depth)} else {two})", type_)

    def _integer_cast(self, scope: Scope, depth: int, type_: str) -> Value:
        if type_ == "u32" and self.chance(0.4):
            return Value(f"f32_to_bits({self._whole_number(scope, depth)})", "u32")
        if self.chance(0.5):
            return Value(f"{type_}({self.real(scope, depth, is_exact=True).text})", type_)
        other = self.draw.choice([item for item in _INTEGERS if item != type_])
        return Value(f"{type_}({self.integer(scope, depth, other).text})", type_)

    def _whole_number(self, scope: Scope, depth: int) -> str:
        """A float that is no NaN, whose bits may differ between targets, and no zero, whose sign may."""
        return f"f32({self.integer(scope, depth, 'i64').text} % 1023) + 1.0"

    def _integer_reduction(self, scope: Scope, depth: int, type_: str) -> Value:
        if len(scope.loops) >= MOST_LOOPS:
            return self._integer_leaf(scope, type_)
        loop, span, inner = self.loop(scope)
        if type_ == "i64" and self.chance(0.7):
            if self.chance(0.4):
                return Value(f"count({self.condition(inner, depth)} for {loop.var} in range({span}))", "i64")
            kind = self.draw.choice(("argmax", "argmin"))
            typed = self.draw.choice(("f32", "f32", "i32"))
            value = self.real(inner, depth, True) if typed == "f32" else self.integer(inner, depth, typed)
            return Value(f"{kind}({value.text} {self._generator(loop, span, inner, depth)})", "i64")
        kind = self.draw.choice(("sum", "max", "min"))
        value = self.integer(inner, depth, type_)
        return Value(f"{kind}({value.text} {self._generator(loop, span, inner, depth)})", type_)

    def total(self, scope: Scope, kind: str, type_: str) -> Value:
        """A reduction, as a whole number, of terms of a type."""
        loop, span, inner = self.loop(scope)
        if kind == "count":
            return Value(f"count({self.condition(inner, 1)} for {loop.var} in range({span}))", "i64")
        value = self.real(inner, 1, True) if type_ == "f32" else self.integer(inner, 1, type_)
        gives = "i64" if kind in ("argmin", "argmax") else type_
        return Value(f"{kind}({value.text} {self._generator(loop, span, inner, 1)})", gives)

    # -- conditions -----------------------------------------------------------------------------

    def condition(self, scope: Scope, depth: int) -> str:
        """A condition that rounding cannot turn."""
        makers = [self._comparison] * 3
        if depth > 0:
            makers += [self._logic, self._negation, self._quantifier, self._classified, self._flag]
        return self.draw.choice(makers)(scope, depth - 1)

    def _comparison(self, scope: Scope, depth: int) -> str:
        if self.chance(0.5):
            one, two = (self.real(scope, depth, is_exact=True).text for _ in range(2))
        else:
            type_ = self.draw.choice(_INTEGERS)
            one, two = (self.integer(scope, depth, type_).text for _ in range(2))
            if self.chance(0.15):
                return f"({one} {self._comparator()} {two} {self._comparator()} {one})"
        return f"({one} {self._comparator()} {two})"

    def _comparator(self) -> str:
        return self.draw.choice(_COMPARISONS)

    def _logic(self, scope: Scope, depth: int) -> str:
        one, two = self.condition(scope, depth), self.condition(scope, depth)
        return f"({one} {self.draw.choice(('and', 'or'))} {two})"

    def _negation(self, scope: Scope, depth: int) -> str:
        return f"(not {self.condition(scope, depth)})"

    def _classified(self, scope: Scope, depth: int) -> str:
        return f"{self.draw.choice(('isnan', 'isinf'))}({self.real(scope, depth, is_exact=True).text})"

    def _flag(self, scope: Scope, depth: int) -> str:
        stored = self._reads_back(scope, "bool")
        if stored and self.chance(0.3):
            return self.draw.choice(stored)
        if self.chance(0.15):
            return self.draw.choice(("True", "False"))
        if scope.loops and self.chance(0.7):
            return self.read_integer(scope, "bool")
        return self.signature.number("bool")

    def _quantifier(self, scope: Scope, depth: int) -> str:
        if len(scope.loops) >= MOST_LOOPS:
            return self._comparison(scope, depth)
        loop, span, inner = self.loop(scope)
        condition = self.condition(inner, depth)
        return f"{self.draw.choice(('any', 'all'))}({condition} for {loop.var} in range({span}))"


def _atom(text: str) -> str:
    """The text, in parentheses where an operator beside it could take it apart."""
    return text if text.isidentifier() or (text.endswith((")", "]")) and text[0] != "-") else f"({text})"

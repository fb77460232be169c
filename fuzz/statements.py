"""Random bodies: nests of parallel loops with what stands between them, and what they store."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from fuzz.expressions import Expressions, Function
from fuzz.patterns import attend, carry, chain, ordered, relay, route, turn
from fuzz.rare import write_rare, write_seldom
from fuzz.scope import Dim, Element, Loop, Row, Scope, Value

_FUNCTIONS: tuple[tuple[str, int, str, bool, Callable[..., float]], ...] = (
    ("twice", 1, "return a * 2.0 - 1.0", True, lambda a: 2 * a + 1),
    ("mix", 2, "t = a - b\nreturn t * t + a", True, lambda a, b: (a + b) ** 2 + a),
    ("gate", 1, "return a / (1.0 + exp(-a))", False, lambda a: a),
    ("pick", 2, "return a if a > b else b - 1.0", True, lambda a, b: a + b + 1),
)

RARELY, SELDOM = 0.5, 0.1  # of the programs have one of the constructs of `fuzz/rare.py`
_TOTALS = (
    *(("sum", type_) for type_ in ("i64", "u32")),
    *((kind, type_) for kind in ("min", "max") for type_ in ("i64", "u32", "i32")),
    *((kind, type_) for kind in ("argmin", "argmax") for type_ in ("f32", "i32", "i32")),
    ("max", "i64"), ("count", "bool"),
)  # fmt: skip


@dataclass(slots=True)
class Body:
    """The lines of a body, as they are drawn."""

    make: Expressions
    lines: list[str] = field(default_factory=list)
    depth: int = 0
    whole: tuple[Element, ...] = ()  # results that earlier nests have stored throughout
    stored: tuple[Element, ...] = ()  # and this nest
    is_scattered: bool = False

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def write(self) -> list[str]:
        """A body: functions, names at the top, one to three nests, and now and then a loop alone."""
        self._functions()
        scope = Scope()
        if self.make.chance(0.25):
            scope = self.statement(scope)
        for _ in range(self.make.draw.choice((1, 1, 2, 2, 3))):
            self.nest(scope)
        if self.make.chance(0.1):
            self.make.draw.choice((relay, carry))(self, scope)
        before = self.make.draw.getstate()
        if self.make.chance(0.4):
            self.totals()
        if self.make.chance(RARELY):
            write_rare(self)
        if self.make.chance(SELDOM):
            write_seldom(self)
        self.make.draw.setstate(before)  # what is drawn from here on does not depend on these
        words = set(re.findall(r"\w+", "\n".join(self.lines)))
        if all(item.is_optional for name, item in self.make.signature.tensors.items() if name in words):
            self._copy()
        return self.lines

    def _copy(self) -> None:
        """An op finds its device by an array, so there is one at least."""
        loop, span, _ = self.make.loop(Scope(), is_plain=True)
        tensor = self.make.signature.floats((Dim(loop.size),))
        result = self.make.signature.result("f32", (Dim(loop.size),))
        self.lines.append(f"for {loop.var} in range({span}):")
        self.lines.append(f"    {result.name}[{loop.var}] = {tensor.name}[{loop.var}]")

    def _functions(self) -> None:
        chosen = [item for item in _FUNCTIONS if self.make.chance(0.15)]
        for name, arity, body, keeps, peak in chosen:
            self.lines.append(f"def {name}({', '.join('ab'[:arity])}):")
            self.lines += [*(f"    {line}" for line in body.split("\n")), ""]
            self.make.functions.append(Function(name, arity, keeps, name == "pick", peak))

    def totals(self) -> None:
        """A nest of the reductions that expressions seldom have."""
        depth = self.depth
        scope = self.enter(Scope())
        for kind, type_ in self.make.draw.sample(_TOTALS, 2):
            value = self.make.total(scope, kind, type_)
            dims, place = self.target(scope)
            result = self.make.signature.result(self.make.signature.result_type(value.type, True), dims)
            self.line(f"{result.name}[{place}] = {value.text}")
        self.depth = depth

    # -- nests ----------------------------------------------------------------------------------

    def nest(self, scope: Scope) -> None:
        """Parallel loops, one in another, with statements between; the innermost stores."""
        depth = self.depth
        scope = Scope(scope.loops, scope.values, scope.rows, self.whole)
        for level in range(self.make.draw.choice((1, 2, 2, 2, 3, 4))):
            scope = self.enter(scope)
            for _ in range(self.make.draw.choice((0, 0, 1, 1, 2) if level < 3 else (0,))):
                scope = self.statement(scope)
            if self.make.chance(0.2):
                scope = self.store(scope)
            if self.make.chance(0.15):
                self._sibling(scope)
        self.leaf(scope)
        self.depth = depth
        self.whole += tuple(item for item in self.stored if item not in self.whole)
        self._unused_functions()

    def enter(self, scope: Scope) -> Scope:
        """A parallel loop; the scope inside it."""
        loop, span, inner = self.make.loop(scope, is_plain=self.make.chance(0.8))
        self.line(f"for {loop.var} in range({span}):")
        self.depth += 1
        return inner

    def _sibling(self, scope: Scope) -> None:
        """A loop of its own beside the rest of the nest."""
        depth = self.depth
        inner = self.enter(scope)
        self.leaf(inner)
        self.depth = depth

    def leaf(self, scope: Scope) -> None:
        kinds = [self.store] * 5 + [self.guarded, self.halves, self.in_place, self.scatter, self.scan]
        kinds += [partial(item, self) for item in (attend, attend, ordered, chain, relay, carry, turn)]
        self.make.draw.choice(kinds)(scope)
        if self.make.chance(0.3):
            self.store(scope)

    def _unused_functions(self) -> None:
        """Every function is used: a call that nothing else made is stored."""
        text = "\n".join(self.lines)
        for item in [item for item in self.make.functions if text.count(f"{item.name}(") < 2]:
            result = self.make.signature.result("f32", (Dim("1"),))
            self.line(f"{result.name}[0] = {item.name}({', '.join(['2.0'] * item.arity)})")

    # -- stores ---------------------------------------------------------------------------------

    def value(self, scope: Scope, depth: int = 3) -> Value:
        """What is to be stored: mostly a float."""
        kind = self.make.draw.choice(("f32",) * 7 + ("i32", "i64", "u32", "bool"))
        if kind == "f32":
            return self.make.real(scope, depth)
        if kind == "bool":
            return Value(self.make.condition(scope, 2), "bool")
        return self.make.integer(scope, depth, kind)

    def target(self, scope: Scope) -> tuple[tuple[Dim, ...], str]:
        """Dimensions in which each iteration has a place of its own, and that place."""
        loops = list(scope.loops)
        self.make.draw.shuffle(loops) if self.make.chance(0.2) else None
        dims, places = [Dim(loop.size) for loop in loops], [self._own_place(loop) for loop in loops]
        if len(loops) > 1 and loops[0].size != loops[1].size and self.make.chance(0.15):
            dims[:2] = [Dim(loops[0].size, inner=loops[1].size)]
            places[:2] = [f"{loops[0].var} * {loops[1].size} + {loops[1].var}"]
        elif self.make.chance(0.1):
            dims[-1], places[-1] = Dim(loops[-1].size, extra=1), f"{loops[-1].var} + 1"
        return tuple(dims), ", ".join(places)

    def _own_place(self, loop: Loop) -> str:
        return f"{loop.size} - 1 - {loop.var}" if self.make.chance(0.1) else loop.var

    def store(self, scope: Scope) -> Scope:
        """A new result, stored here; it may be read back in what follows."""
        value = self.value(scope)
        dims, place = self.target(scope)
        result = self.make.signature.result(self.make.signature.result_type(value.type, value.is_exact), dims)
        self.line(f"{result.name}[{place}] = {value.text}")
        stored = self._stored(value, result.dtype)
        is_covered = scope.loops and scope.is_whole and not any(dim.extra for dim in dims)
        if is_covered and self.make.chance(0.5):
            self.stored = (*self.stored, Element(result.name, dims, stored))
        return scope.with_element(Element(result.name, dims, stored, place))

    def _stored(self, value: Value, dtype: str) -> Value:
        """What a read gives back: rounded, so no exact value where rounding could go either way."""
        if value.type != "f32":
            return Value("", value.type)
        if dtype in ("i8", "u8"):
            return Value("", "i32", value.is_exact)
        return Value("", "f32", value.is_exact, value.peak)

    def guarded(self, scope: Scope) -> None:
        dims, place = self.target(scope)
        value = self.value(scope, 2)
        result = self.make.signature.result(self.make.signature.result_type(value.type, value.is_exact), dims)
        self.line(f"if {self.make.condition(scope, 2)}:")
        self.line(f"    {result.name}[{place}] = {value.text}")
        if self.make.chance(0.4):
            other = self.make.real(scope, 2) if value.type == "f32" else value
            if value.is_exact and not other.is_exact:
                other = value
            self.line("else:")
            self.line(f"    {result.name}[{place}] = {other.text}")

    def halves(self, scope: Scope) -> None:
        """Two elements for each iteration: neighbours, or one in each half."""
        loop = scope.loops[-1]
        dims = (*(Dim(item.size) for item in scope.loops[:-1]), Dim(loop.size, factor=2))
        before = "".join(f"{item.var}, " for item in scope.loops[:-1])
        ways = ((f"2 * {loop.var}", f"2 * {loop.var} + 1"), (loop.var, f"{loop.var} + {loop.size}"))
        result = self.make.signature.result(self.make.signature.result_type("f32", False), dims)
        for place in self.make.draw.choice(ways):
            self.line(f"{result.name}[{before}{place}] = {self.make.real(scope, 2).text}")

    def in_place(self, scope: Scope) -> None:
        """An argument that is updated where it stands."""
        dims = tuple(Dim(loop.size) for loop in scope.loops)
        place = ", ".join(loop.var for loop in scope.loops)
        pool = self.make.signature.add("pool", self.make.draw.choice(("f32", "f16", "bf16")), dims)
        self.make.signature.mutated.append(pool.name)
        name = self.make.name("v")
        peak = 8.0 if self.make.style == "whole" else 1e4
        self.line(f"{name} = {pool.name}[{place}]")
        old = Value(name, "f32", True, peak)
        value = self.make.real(scope.having(old, old), 2)
        self.line(f"{pool.name}[{place}] = {value.text}")

    def scatter(self, scope: Scope) -> None:
        """Stores through distinct slots, some of them out of range."""
        if self.is_scattered or len({loop.size for loop in scope.loops}) < 1:
            self.store(scope)
            return
        self.is_scattered = True
        slot, *rest = scope.loops
        others = [name for name in self.make.sizes if name != slot.size] or [slot.size]
        pool_size = self.make.draw.choice(others)
        type_ = self.make.draw.choice(("i32", "i64"))
        slots = self.make.signature.add("slots", type_, (Dim(slot.size),), "slots", pool_size)
        self.make.signature.unique.append(slots.name)
        if self.make.chance(0.5):
            self.make.signature.in_range[slots.name] = "skip"
        dims = (Dim(pool_size), *(Dim(loop.size) for loop in rest))
        pool = self.make.signature.add("pool", self.make.draw.choice(("f32", "f16", "bf16")), dims)
        self.make.signature.mutated.append(pool.name)
        place = ", ".join((f"{slots.name}[{slot.var}]", *(loop.var for loop in rest)))
        if guarded := self.make.chance(0.5):
            self.line(f"if {slots.name}[{slot.var}] >= 0:")
        self.line(f"{'    ' * guarded}{pool.name}[{place}] = {self.make.real(scope, 2).text}")

    def scan(self, scope: Scope) -> None:
        """A recurrence in order that stores each of its states."""
        state = self.make.name("state")
        self.line(f"{state} = {self.make.capped(self.make.real(scope, 1), 16.0).text}")
        step, span, inner = self.make.loop(scope, is_plain=True)
        self.line(f"for {step.var} in sequential({span}):")
        self.depth += 1
        is_exact = self.make.style == "whole"
        next_ = self.next_state(inner, Value(state, "f32", is_exact, 64.0))
        self.line(f"{state} = {next_.text}")
        dims, place = self.target(inner)
        result = self.make.signature.result(self.make.signature.result_type("f32", False), dims)
        self.line(f"{result.name}[{place}] = {state}")
        self.depth -= 1

    def next_state(self, scope: Scope, state: Value) -> Value:
        is_exact = self.make.style == "whole"
        term = self.make.capped(self.make.real(scope, 2, is_exact), 8.0)
        share = "" if is_exact else "0.5 * "
        return Value(f"min(max({share}{state.text} - {term.text}, -64.0), 64.0)", "f32", is_exact, 64.0)

    # -- statements that bind names -------------------------------------------------------------

    def statement(self, scope: Scope) -> Scope:
        """One statement that binds names; the scope after it."""
        kinds = [self._let] * 4 + [self._let_integer, self._each, self._softmax, self._cumsum, self._topk]
        kinds += [self._recurrence, self._updated, self._argument_choice, partial(route, self)]
        return self.make.draw.choice(kinds)(scope)

    def _bind(self, scope: Scope, stem: str, value: Value) -> Scope:
        name = self.make.name(stem)
        self.line(f"{name} = {value.text}")
        bound = Value(name, value.type, value.is_exact, value.peak)
        return scope.having(bound, bound)

    def _let(self, scope: Scope) -> Scope:
        return self._bind(scope, "v", self.make.real(scope, 3))

    def _let_integer(self, scope: Scope) -> Scope:
        type_ = self.make.draw.choice(("i32", "i64", "u32"))
        value = self.make.integer(scope, 3, type_)
        return self._bind(scope, "c", Value(f"{type_}({value.text})", type_))

    def _argument_choice(self, scope: Scope) -> Scope:
        """A value where an optional tensor was passed, and another where it was not."""
        dims = self.make.dims(scope)
        tensor = self.make.signature.floats(dims, is_optional=True)
        peak = 8.0 if self.make.style == "whole" else 1e4
        place = self.make.place(scope, dims, is_proven=True)
        text = f"{tensor.name}[{place}] if given({tensor.name}) else 1.0"
        return self._bind(scope, "v", Value(text, "f32", True, peak))

    def _row(
        self, scope: Scope, kind: str, size: str, var: str, value: Value, where: str, gives: Value
    ) -> Scope:
        name = self.make.name("row")
        inner = f"{value.text} for {var} in range({size}){where}"
        self.line(f"{name} = [{inner}]" if kind == "each" else f"{name} = {kind}({inner})")
        return scope.with_row(Row(name, size, gives))

    def _row_parts(self, scope: Scope, is_exact: bool = False) -> tuple[Loop, Value, str]:
        loop, _, inner = self.make.loop(scope, is_plain=True)
        value = self.make.real(inner, 2, is_exact)
        where = f" if {self.make.condition(inner, 1)}" if self.make.chance(0.3) else ""
        return loop, value, where

    def _each(self, scope: Scope) -> Scope:
        loop, value, _ = self._row_parts(scope)
        return self._row(scope, "each", loop.size, loop.var, value, "", value)

    def _row_of(self, scope: Scope, value: Value) -> Scope:
        """A row that is made of a name, which may change before the row is read."""
        loop, term, _ = self._row_parts(scope)
        is_exact = value.is_exact and term.is_exact and self.make.style == "whole"
        text = f"({value.text} - {term.text})"
        made = self.make.capped(Value(text, "f32", is_exact, value.peak + term.peak), 64.0)
        return self._row(scope, "each", loop.size, loop.var, made, "", made)

    def _softmax(self, scope: Scope) -> Scope:
        loop, value, where = self._row_parts(scope)
        value = self.make.capped(value, 1e4)
        return self._row(scope, "softmax", loop.size, loop.var, value, where, Value("", "f32", False, 1.0))

    def _cumsum(self, scope: Scope) -> Scope:
        loop, value, where = self._row_parts(scope)
        is_whole = self.make.style == "whole"
        value = self.make.capped(value, 4000.0 if is_whole else 1e20)
        gives = Value("", "f32", value.is_exact and is_whole, value.peak * 1000)
        return self._row(scope, "cumsum", loop.size, loop.var, value, where, gives)

    def _topk(self, scope: Scope) -> Scope:
        loop, value, where = self._row_parts(scope, is_exact=True)
        count = self.make.size()
        self.make.searches(scope, loop.size, count)
        best, ids = self.make.name("best"), self.make.name("at")
        terms = f"{value.text} for {loop.var} in range({loop.size}){where}"
        self.line(f"{best}, {ids} = topk(({terms}), {count})")
        scope = scope.with_row(Row(best, count, Value("", "f32", True, value.peak)))
        return scope.with_row(Row(ids, count, Value("", "i64")))

    def _recurrence(self, scope: Scope) -> Scope:
        """A state that a sequential loop carries, updated under a condition or always."""
        state = self.make.name("state")
        is_exact = self.make.style == "whole"
        self.line(f"{state} = {self.make.capped(self.make.real(scope, 1, is_exact), 16.0).text}")
        step, span, inner = self.make.loop(scope, is_plain=self.make.chance(0.7))
        self.line(f"for {step.var} in sequential({span}):")
        bound = Value(state, "f32", is_exact, 64.0)
        next_ = self.next_state(inner, bound)
        if self.make.chance(0.4):
            self.line(f"    if {self.make.condition(inner, 1)}:")
            self.line(f"        {state} = {next_.text}")
        else:
            self.line(f"    {state} = {next_.text}")
        return scope.having(bound, bound)

    def _updated(self, scope: Scope) -> Scope:
        name = self.make.name("v")
        first, other = self.make.real(scope, 2), self.make.real(scope, 2)
        self.line(f"{name} = {first.text}")
        if self.make.chance(0.2):
            scope = self._row_of(scope, Value(name, "f32", first.is_exact, first.peak))
        self.line(f"if {self.make.condition(scope, 2)}:")
        self.line(f"    {name} = {other.text}")
        if self.make.chance(0.3):
            third = self.make.real(scope, 1)
            self.line(f"elif {self.make.condition(scope, 1)}:")
            self.line(f"    {name} -= {third.text}")
            keeps = self.make.style == "whole" and third.is_exact
            other = Value("", "f32", keeps and other.is_exact, first.peak + third.peak + other.peak)
        value = Value(name, "f32", first.is_exact and other.is_exact, max(first.peak, other.peak))
        return scope.having(value, value)

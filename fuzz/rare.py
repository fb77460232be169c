"""Constructs that expressions drawn at random would hardly ever meet, each a nest of its own.

What they need is a coincidence: a condition that proves an index, a name that changes between two uses, a
guard that stands twice. `python -m fuzz.faults` says which faults nothing else shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fuzz.scope import Dim, Loop, Scope
from fuzz.signature import SIZES

if TYPE_CHECKING:
    from fuzz.statements import Body


class Nest:
    """What a nest is written with: a loop `r` over `rows`, and a range `n` in it that no other loop has."""

    def __init__(self, body: Body) -> None:
        self.body, self.make = body, body.make
        self.rows, self.n, self.w = self.make.draw.sample(SIZES, 3)
        self.r, self.j, self.k = (self.make.name(stem) for stem in "rjk")
        self.outer = Scope((Loop(self.r, self.rows),))
        self.inner = self.outer.inside(Loop(self.j, self.n))
        self.make.signature.use(Dim(self.rows), Dim(self.n))
        self.make.paths |= {self.inner.path(), (*self.outer.path(), self.n)}

    def lines(self, *texts: str) -> None:
        for text in texts:
            self.body.line(text)

    def define(self, functions: Mapping[str, tuple[str, str]]) -> None:
        """Functions ahead of the body: parameters and text by name."""
        made: list[str] = []
        for name, (parameters, text) in functions.items():
            made += [f"def {name}({parameters}):", *(f"    {line}" for line in text.split("\n")), ""]
        self.body.lines[:0] = made

    def count(self) -> str:
        """How many of a range `n` are to be found: a size, or a number."""
        count = self.make.draw.choice((self.w, "1", "3", "8"))
        self.make.signature.use(Dim(count))
        self.make.searches(self.outer, self.n, count)
        return count

    def floats(self, *dims: str | Dim, dtype: str = "") -> str:
        """A tensor of floats, of a dtype where that matters."""
        made = tuple(item if isinstance(item, Dim) else Dim(item) for item in dims)
        signature = self.make.signature
        return (signature.add("x", dtype, made) if dtype else signature.floats(made)).name

    def integers(self, type_: str, *dims: str) -> str:
        return self.make.signature.integers(type_, tuple(map(Dim, dims))).name

    def result(self, dtype: str, *dims: str | Dim) -> str:
        made = tuple(item if isinstance(item, Dim) else Dim(item) for item in dims)
        return self.make.signature.result(dtype, made).name

    def chance(self, share: float) -> bool:
        return self.make.chance(share)

    def literal(self) -> str:
        return self.make.draw.choice(("1.0", "-2.0", "0.5", "3.0"))

    def exact(self, scope: Scope, peak: float = 16.0) -> str:
        """A float that may decide a condition."""
        return self.make.capped(self.make.real(scope, 1, is_exact=True), peak).text


def neighbours(nest: Nest) -> None:
    """Elements beside one's own, where a condition says that they are there."""
    x, r, j, k, n, rows = nest.floats(nest.rows, nest.n), nest.r, nest.j, nest.k, nest.n, nest.rows
    flag, old = nest.make.signature.number("bool"), nest.make.name("v")
    out, other = nest.result("f32", rows, n), nest.result("f32", rows)
    ahead = f"{x}[{r}, {k} + 1] for {k} in range({n}) if {k} + 1 < {n}"
    below = f"{x}[{r} + 1, {{}}] if {r} + 1 < {rows}"
    kind = nest.make.draw.choice(("sum", "max", "min"))
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {old} = sum(({below.format(k)} else {nest.literal()}) for {k} in range({n}))",
        f"    {other}[{r}] = {kind}({ahead}) - {old}",
        f"    for {j} in range({n}):",
        f"        {out}[{r}, {j}] = ({below.format(j)} and {flag} else {nest.literal()}) "
        f"- ({x}[{r}, {j} - 1] if {j} > 0 else 1.0) + ({x}[{r}, 0] if {flag} else 2.0)",
    )


def revised(nest: Nest) -> None:
    """A name that changes between uses of it, of a function of it, and of a condition on it."""
    r, j, n, rows = nest.r, nest.j, nest.n, nest.rows
    v, old, first, then, test = (nest.make.name(stem) for stem in ("v", "old", "f", "f", "c"))
    function = nest.make.draw.choice(("tanh", "exp", "sin"))
    outs = [nest.result("f32", rows) for _ in range(3)]
    out = nest.result("f32", rows, n)
    x = nest.floats(rows, n)
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {v} = {nest.exact(nest.outer)}",
        f"    {old} = {v}",
        f"    {first} = {function}({v})",
        f"    if {v} > -1.0:",
        f"        {v} = {v} - 3.0",
        f"    if {v} > -1.0:",
        f"        {v} = {v} - 5.0",
        f"    {then} = {function}({v})",
        f"    {test} = {nest.exact(nest.outer)} > {old}",
        f"    if {test}:",
        f"        {outs[0]}[{r}] = {v}",
        f"    if {test}:",
        f"        {outs[1]}[{r}] = {first}",
        f"        {outs[2]}[{r}] = {then} - {old}",
        f"    for {j} in range({n}):",
        f"        {out}[{r}, {j}] = max({x}[{r}, {j}], {old}) - {v}",
    )


def recurrent(nest: Nest) -> None:
    """A function of a state that a loop in order changes, and an element that it stores again and again."""
    r, j, n, rows = nest.r, nest.j, nest.n, nest.rows
    state, x = nest.make.name("state"), nest.floats(rows, n)
    out, total = nest.result("f32", rows, n), nest.result("f32", rows)
    function = nest.make.draw.choice(("tanh", "sin", "cos"))
    term = f"min(max({x}[{r}, {j}], -4.0), 4.0)"
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {state} = {nest.literal()}",
        f"    {total}[{r}] = {nest.literal()}",
        f"    for {j} in sequential({n}):",
        f"        {state} = {function}({state}) * 0.5 - {term}",
        f"        {out}[{r}, {j}] = {state}",
        f"        {total}[{r}] = {total}[{r}] * 0.5 + {term}",
    )


def integers(nest: Nest) -> None:
    """Integers beyond 32 bits, of every origin."""
    r, j, n, rows = nest.r, nest.j, nest.n, nest.rows
    a, b = nest.integers("i32", rows, n), nest.integers("i32", rows)
    signature, name = nest.make.signature, nest.make.name
    far, s, flag = (signature.number(type_) for type_ in ("i64", "i32", "bool"))
    table = signature.add("ids", "I", (Dim(n),), "indices", n).name
    signature.variables.setdefault("I", ("i32", "i64"))
    wide, here, there = f"i64({a}[{r}, {j}])", name("c"), name("c")
    x = nest.floats(rows, n)
    values = nest.make.draw.sample(
        (
            f"max({far}, {j})", f"min({far}, {j})", f"{far} // 3", f"{far} if {flag} else {r}",
            f"{wide} + i64({b}[{r}])", f"{wide} + {j}", f"{wide} - i64({s})", f"{wide} * {n}", f"-{wide}",
            f"abs({wide})", f"-i64({b}[{r}])", f"{wide} * 65537",
            f"i64(i32({wide} * 65537 + {far}))", f"i64(u32({far} - {j}))", f"1 << ({wide} & 63)",
            f"3 << ({far} & 63)", f"({table}[{j}] << 33) + {j}", f"{table}[{j}] * 1099511627776",
            f"i64({x}[{r}, {j}] * 1073741824.0)", f"i64({x}[{r}, {j}] * 4294967296.0) // 7",
        ),
        4,
    )  # fmt: skip
    outs = [nest.result("i64", rows, n) for _ in values]
    nest.lines(f"for {r} in range({rows}):", f"    for {j} in range({n}):")
    nest.lines(f"        {here} = {values[0]}", f"        {there} = {values[1]}")
    for out, value in zip(outs, (here, f"{there} + {here}", *values[2:]), strict=True):
        nest.lines(f"        {out}[{r}, {j}] = {value}")


def ranges(nest: Nest) -> None:
    """Loops over integers from data: inside of a range, and at the upper end of what 32 bits hold."""
    r, j, k, n, rows = nest.r, nest.j, nest.k, nest.n, nest.rows
    far, b = nest.make.signature.number("i64"), nest.integers("i32", rows)
    out, other, last = nest.result("i64", rows, n), nest.result("i64", rows), nest.result("i64", rows)
    low = f"min(max(i64({b}[{r}]), 0), {n})"
    top = f"i64(max({b}[{r}], 2147483600)), i64({b}[{r}])"
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {other}[{r}] = sum({k} * 65537 for {k} in range({low}, {n}))",
        f"    {last}[{r}] = sum(({k} + {b}[{k} % {rows}]) % 1001 for {k} in range({top}))",
        f"    for {j} in range({low}, {n}):",
        f"        {out}[{r}, {j}] = max({far}, {j}) * 65537 - {j}",
    )


def rounded(nest: Nest) -> None:
    """Small numbers, in every stored format; and what each of the rules of arithmetic would leave out."""
    r, j, n, rows = nest.r, nest.j, nest.n, nest.rows
    x, flag = nest.floats(rows, n), nest.make.signature.number("bool")
    test = f"{nest.exact(nest.inner)} > 0.0"
    v = nest.make.name("v")
    nest.lines(f"for {r} in range({rows}):", f"    for {j} in range({n}):", f"        {v} = {x}[{r}, {j}]")
    for dtype in nest.make.draw.sample(("f8e4m3", "f8e4m3", "f16", "bf16"), 2):
        scale = nest.make.draw.choice((2.0**-7, 2.0**-10, 2.0**-11, 2.0**-22))
        nest.lines(f"        {nest.result(dtype, rows, n)}[{r}, {j}] = {v} * {scale!r}")
    low = f"min(max({v}, -8.0), 8.0)"
    logic = nest.make.draw.choice(("({} and True)", "({} or False)", "(True and {})", "(False or {})"))
    nest.lines(
        f"        {nest.result('f32', rows, n)}[{r}, {j}] = "
        f"{low} if {logic.format(test)} and {flag} else 1.0",
        f"        {nest.result('f32', rows, n)}[{r}, {j}] = {v} if {logic.format(flag)} else 1.0",
    )
    power = nest.make.name("b")
    nest.lines(f"        {power} = {low}", f"        {nest.result('f32', rows, n)}[{r}, {j}] = {power} ** 3")


def chosen(nest: Nest) -> None:
    """The first of values that may be NaN, or zeros of either sign."""
    r, k, n, rows = nest.r, nest.k, nest.n, nest.rows
    x = nest.floats(rows, n)
    nest.lines(f"for {r} in range({rows}):")
    for kind in ("argmax", "argmin"):
        for term in (f"{x}[{r}, {k}]", f"{x}[{r}, {k}] * 0.0"):
            out = nest.result("i64", rows)
            nest.lines(f"    {out}[{r}] = {kind}({term} for {k} in range({n}))")


def masked(nest: Nest) -> None:
    """A name that a branch changes to what is the same everywhere, and what follows from it."""
    r, j, n, rows = nest.r, nest.j, nest.n, nest.rows
    x, e = nest.floats(rows, n), nest.make.signature.number("f32")
    v, w = nest.make.name("v"), nest.make.name("v")
    out, other = nest.result("f32", rows, n), nest.result("f32", rows, n)
    nest.lines(
        f"for {r} in range({rows}):",
        f"    for {j} in range({n}):",
        f"        {v} = 1.0",
        f"        {w} = {e}",
        f"        if {x}[{r}, {j}] > 0.0:",
        f"            {v} = 2.0",
        f"        if {v} > 1.5:",
        f"            {w} = {e} - 1.0",
        f"            {other}[{r}, {j}] = {v}",
        f"        {out}[{r}, {j}] = {w} * {v}",
    )


def partial_rows(nest: Nest) -> None:
    """Rows over a part of a range or over a literal one, which lanes fill and others read."""
    r, j, k, rows, n = nest.r, nest.j, nest.k, nest.rows, nest.n
    v, row = nest.make.name("v"), nest.make.name("row")
    s = nest.make.signature.number("i32")
    literal = ("0", "8", f"7 - {k}")
    first, end, back = nest.make.draw.choice(
        (("1", n, f"{n} - {k}"), (f"min(max({s}, 0), {n})", n, k), literal, literal)
    )
    size = n if end == n else "8"
    x, out = nest.floats(rows, size), nest.result("f32", rows, size)
    values = f"{x}[{r}, {j}] - {v} for {j} in range({first}, {end})"
    kind = nest.make.draw.choice(("each", "each", "cumsum", "softmax"))
    low = "min(max({}, -8.0), 8.0)"
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {v} = {nest.exact(nest.outer, 8.0)}",
        f"    if {v} > 0.0:",
        f"        {v} = {v} - 1.0",
        f"    {row} = [{values}]" if kind == "each" else f"    {row} = {kind}({values})",
        f"    for {k} in range({first}, {end}):",
        f"        {out}[{r}, {k}] = {low.format(f'{row}[{k}]')} - {low.format(f'{row}[{back}]')}",
    )


def streams(nest: Nest) -> None:
    """Sums weighted by a softmax over a range of any origin, or a part of it, also of what is stored."""
    r, j, n, w, rows, draw = nest.r, nest.j, nest.n, nest.w, nest.rows, nest.make.draw
    d, p = nest.make.name("d"), nest.make.name("p")
    nest.make.signature.use(Dim(w))
    nest.make.paths |= {(rows, n, w)}
    kind = draw.choice(("same", "same", "ragged", "ragged", "table", "range", "filter", "stored"))
    span, place = _span(nest, kind)
    rising = draw.choice(("", f" + f32({j} % 64) * 0.125"))
    score = f"{nest.floats(rows, n)}[{r}, {place}] * {draw.choice((0.25, 0.5, 1.0))}"
    if kind == "filter" and nest.chance(0.5):
        score = f"sqrt({score})"  # mostly NaN, which a sum of no terms is not
    # NaN as it is: outside of a tensor, which the compiler must see, and where a sum may have no terms.
    if kind != "ragged" and not score.startswith("sqrt"):
        score = f"min(max({score}, -8.0), 8.0)"
    score += rising
    filters = [f" if {j} % 3 > 0", f" if {j} > 3", f" if {nest.floats(n)}[{j}] < 3.0"]
    first = draw.choice(("", *filters)) if kind in ("same", "filter") else ""
    second = draw.choice(("", *filters)) if kind == "filter" else first
    nest.lines(f"for {r} in range({rows}):", f"    {p} = softmax({score} for {j} in range({span}){first})")
    stored = ""
    for _ in range(2 if kind == "stored" else draw.choice((1, 1, 2))):
        out, values = nest.result("f32", rows, w), nest.floats(n, w)
        factor = stored if stored and kind == "stored" else f"{values}[{place}, {d}]"
        over = f"{n} - 1" if kind == "range" else span
        total = f"sum({p}[{j}] * min(max({factor}, -64.0), 64.0) for {j} in range({over}){second})"
        nest.lines(f"    for {d} in range({w}):", f"        {out}[{r}, {d}] = {total}")
        stored = f"{out}[{r}, {d}]"


def _span(nest: Nest, kind: str) -> tuple[str, str]:
    """A range over `n`, or one from data that may lead out of it; and an index made of its variable."""
    signature = nest.make.signature
    if kind == "ragged":
        starts = signature.add("starts", "i32", (Dim(nest.rows, extra=1),), "starts", nest.n).name
        signature.in_range[starts] = "nan"
        return f"{starts}[{nest.r}], {starts}[{nest.r} + 1]", nest.j
    if kind == "table":
        table = signature.add("ids", "i32", (Dim(nest.n),), "indices", nest.n).name
        signature.in_range[table] = "nan"
        return nest.n, f"{table}[{nest.j}]"
    return nest.n, nest.j


def between_launches(nest: Nest) -> None:
    """A name of the whole body that changes between nests."""
    make, n = nest.make, nest.n
    v, x = make.name("v"), nest.floats(n)
    e, flag = make.signature.number("f32"), make.signature.number("bool")
    changes = ("", f"if {flag}:", f"if {e} > 0.0:")
    nest.lines(f"{v} = {e} - 1.0")
    for change in changes:
        if change:
            nest.lines(change, f"    {v} = {v} * 2.0 - 3.0")
        j = make.name("j")
        nest.lines(f"for {j} in range({n}):")
        nest.lines(f"    {nest.result('f32', n)}[{j}] = min(max({x}[{j}], -8.0), 8.0) - {v}")


def branches(nest: Nest) -> None:
    """Loops and reductions that only some rounds of a loop run."""
    r, j, k, n, w, rows = nest.r, nest.j, nest.k, nest.n, nest.w, nest.rows
    make = nest.make
    make.signature.use(Dim(w))
    make.paths |= {(rows, w, n)}
    t, row, q = make.name("t"), make.name("row"), make.name("q")
    x, y, head = nest.floats(rows, n), nest.floats(w, n), nest.floats(rows, w)
    out, sums, whole = nest.result("f32", rows, w, n), nest.result("f32", rows, w), nest.result("f32", rows)
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {whole}[{r}] = sum({x}[{r}, {k}] for {k} in range({n}))",
    )
    if nest.chance(0.5):
        nest.lines(
            f"    for {t} in sequential({w}):",
            f"        {row} = [max({x}[{r}, {k}], {head}[{r}, {t}]) - {whole}[{r}] for {k} in range({n})]",
            f"        if {head}[{r}, {t}] > 0.0:",
            f"            for {j} in range({n}):",
            f"                {out}[{r}, {t}, {j}] = {row}[{n} - 1 - {j}]",
        )
        if nest.chance(0.5):
            nest.lines(f"        {sums}[{r}, {t}] = {head}[{r}, {t}]")
        else:
            del make.signature.results[sums]
        return
    nest.lines(
        f"    for {t} in range({w}):",
        f"        if {head}[{r}, {t}] > 0.0:",
        f"            {q} = sum({y}[{t}, {k}] for {k} in range({n}))",
        f"            {sums}[{r}, {t}] = {q}",
        f"        for {j} in range({n}):",
        f"            {out}[{r}, {t}, {j}] = {y}[{t}, {j}] - {x}[{r}, {j}]",
    )


def shifted(nest: Nest) -> None:
    """Neighbours that start where no wide access may."""
    r, j, n, rows = nest.r, nest.j, nest.n, nest.rows
    x, flat = nest.floats(rows, Dim(n, extra=nest.make.draw.choice((16, 32)))), nest.floats(Dim(n, extra=1))
    start = nest.make.draw.choice((1, 2, 5))
    nest.lines(
        f"for {r} in range({rows}):",
        f"    for {j} in range({n}):",
        f"        {nest.result('f32', rows, n)}[{r}, {j}] = {x}[{r}, {j} + {start}] - {flat}[{j} + 1]",
    )


def passed_on(nest: Nest) -> None:
    """Elements that other lanes take in the next round."""
    r, j, n, rows, t = nest.r, nest.j, nest.n, nest.rows, nest.make.name("t")
    x, out = nest.floats(rows, n), nest.result("f32", rows, Dim(n, extra=1))
    term = f"min(max({x}[{r}, {j}], -4.0), 4.0)"
    nest.lines(
        f"for {r} in range({rows}):",
        f"    for {j} in range({n} + 1):",
        f"        {out}[{r}, {j}] = f32({j} % 7)",
        f"    for {t} in sequential(2):",
        f"        for {j} in range({n}):",
        f"            {out}[{r}, {j} + {t}] = {out}[{r}, {j} + {t}] * 0.5 + {term}",
    )


def twice_over(nest: Nest) -> None:
    """A long row that is read again and again, as a norm does, also from inside a loop in order."""
    r, j, k, n, w, rows = nest.r, nest.j, nest.k, nest.n, nest.w, nest.rows
    x, weight = nest.floats(rows, n, dtype="f32"), nest.floats(n, dtype="f32")  # which take the most turns
    total, t, row = nest.make.name("v"), nest.make.name("t"), nest.make.name("row")
    out = nest.result("f32", rows, n)
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {total} = max({x}[{r}, {k}] for {k} in range({n}))",
        f"    {row} = [{x}[{r}, {k}] - sum({weight}[{k}] for {t} in range(2)) for {k} in range({n})]",
        f"    for {j} in range({n}):",
        f"        {out}[{r}, {j}] = min({x}[{r}, {j}], {total}) + {row}[{j}] - {weight}[{j}]",
    )
    if nest.chance(0.5):
        flag, after = nest.make.signature.number("bool"), nest.result("f32", rows, n)
        nest.lines(f"    for {j} in range({n}):", f"        if {flag}:")
        nest.lines(f"            {after}[{r}, {j}] = {x}[{r}, {j}]")
    else:
        nest.make.signature.use(Dim(w))
        nest.make.paths |= {(rows, w, n)}
        after = nest.result("f32", rows, w, n)
        nest.lines(
            f"    for {t} in sequential({w}):",
            f"        for {j} in range({n}):",
            f"            {after}[{r}, {t}, {j}] = {x}[{r}, {j}] - f32({t} % 7)",
        )


RARE: tuple[Callable[[Nest], None], ...] = (
    neighbours, revised, recurrent, integers, ranges, rounded, chosen, masked, partial_rows, streams, streams,
    between_launches, branches, shifted, passed_on, twice_over,
)  # fmt: skip


def long_rows(nest: Nest) -> None:
    """Rows of many elements for each lane, which go round several times, each with its own."""
    r, j, k, rows, n = nest.r, nest.j, nest.k, nest.rows, nest.n
    dim = Dim(n, extra=nest.make.draw.choice((384, 512)))
    x, weight = nest.floats(rows, dim, dtype="f32"), nest.floats(dim, dtype="f32")
    v, row, t = nest.make.name("v"), nest.make.name("row"), nest.make.name("t")
    out, other = nest.result("f32", rows, dim), nest.result("f32", rows, dim)
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {row} = [{x}[{r}, {k}] - sum({weight}[{k}] for {t} in range(2)) for {k} in range({dim})]",
        f"    {v} = max({row}[{k}] for {k} in range({dim}))",
        f"    for {j} in range({dim}):",
        f"        {out}[{r}, {j}] = {row}[{j}] - {v}",
        f"        {other}[{r}, {j}] = {x}[{r}, {j}]",
    )


def shifted_bytes(nest: Nest) -> None:
    """Neighbours that start where no wide access may, over extents where each could be one."""
    r, j, n, rows = nest.r, nest.j, nest.n, nest.rows
    whole, more = Dim(n, factor=16), Dim(n, factor=16, extra=16)
    x, flat = nest.floats(rows, whole, dtype="f8e4m3"), nest.floats(more, dtype="f8e4m3")
    start = nest.make.draw.choice((1, 2, 5))
    nest.lines(
        f"for {r} in range({rows}):",
        f"    for {j} in range({whole}):",
        f"        {nest.result('f32', rows, whole)}[{r}, {j}] = {x}[{r}, {j}] - {flat}[{j} + {start}]",
    )


def far_ranges(nest: Nest) -> None:
    """A short range that starts where 32 bits do not reach, which the lanes of a team share."""
    r, k, n, rows = nest.r, nest.k, nest.n, nest.rows
    far, b, out = nest.make.signature.number("i64"), nest.integers("i32", rows), nest.result("i64", rows)
    a = nest.integers("i32", rows, n)
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {out}[{r}] = max({a}[{r}, {k}] for {k} in range({n})) + "
        f"sum(({k} + {b}[{r}]) % 1001 for {k} in range(0 - {far}, {n} - {far}))",
    )


def long_streams(nest: Nest) -> None:
    """Sums weighted by a softmax over more blocks than a team has parts, whose peaks differ.

    Kernels with rows in memory have no parts and add up in another order, so few bits of a sum are kept.
    """
    r, j, rows, d, p = nest.r, nest.j, nest.rows, nest.make.name("d"), nest.make.name("p")
    dim = Dim(nest.n, extra=nest.make.draw.choice((144, 160)))
    rising = nest.make.draw.choice(("", f" + f32({j} % 64) * 0.125"))
    score = f"min(max({nest.floats(rows, dim)}[{r}, {j}], -8.0), 8.0) * 0.5{rising}"
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {p} = softmax({score} for {j} in range({dim}))",
        f"    for {d} in range(8):",
        f"        {nest.result('f8e4m3', rows, '8')}[{r}, {d}] = sum({p}[{j}] * "
        f"min(max({nest.floats(dim, '8')}[{j}, {d}], -64.0), 64.0) for {j} in range({dim}))",
    )


SELDOM: tuple[Callable[[Nest], None], ...] = (long_rows, shifted_bytes, far_ranges, long_streams)


def write_rare(body: Body) -> None:
    """One of them, behind the rest of a body."""
    body.make.draw.choice(RARE)(Nest(body))


def write_seldom(body: Body) -> None:
    """One of those that take long, or that another of the kind would hide."""
    body.make.draw.choice(SELDOM)(Nest(body))

"""Forms that the rest of a program never has: values of any magnitude, functions and rows of any type.

A share of the programs has one of these nests behind all else (`fuzz/rare.py` says what a nest is).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from fuzz.rare import Nest
from fuzz.scope import Dim

if TYPE_CHECKING:
    from fuzz.statements import Body

SHARE = 0.12  # of the programs have one


def converted(nest: Nest) -> None:
    """Integers of any magnitude as floats, and floats of any magnitude as integers."""
    r, j, k, n, rows, draw = nest.r, nest.j, nest.k, nest.n, nest.rows, nest.make.draw
    bits, whole, far = (nest.integers(kind, rows, n) for kind in ("u32", "i32", "i64"))
    x = nest.floats(rows, n)
    here, scale = f"[{r}, {j}]", draw.choice((1.0, 2.0**20, 2.0**28, 2.0**38, 2.0**52))
    taken = draw.sample((f"{bits}{here}", f"{far}{here}", f"{whole}{here}", f"{bits}{here} * 65537"), 2)
    floats = (f"f32({taken[0]})", f"{taken[1]} * 0.5", f"f32(max({bits}[{r}, {k}] for {k} in range({n})))")
    integers = {kind: f"{kind}({x}{here} * {scale!r})" for kind in ("i64", "i32", "u32")}
    largest = f"i64(max({x}[{r}, {k}] for {k} in range({n})) * {scale!r})"
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {nest.result('f32', rows)}[{r}] = {floats[2]}",
        f"    {nest.result('i64', rows)}[{r}] = {largest}",
        f"    for {j} in range({n}):",
    )
    for text in floats[:2]:
        nest.lines(f"        {nest.result('f32', rows, n)}{here} = {text}")
    for kind in draw.sample(sorted(integers), 2):
        nest.lines(f"        {nest.result(kind, rows, n)}{here} = {integers[kind]}")
    nest.lines(f"        {nest.result('u32', rows, n)}{here} = u32({far}{here})")
    nest.lines(f"        {nest.result('i32', rows, n)}{here} = i32({far}{here}) - i32({bits}{here})")


_CURVES = (
    "exp({x})", "exp2({x})", "log({x})", "log2({x})", "sqrt({x})", "rsqrt({x})", "sin({x})", "cos({x})",
    "tanh({x})", "erf({x})", "{x} / {y}", "{x} / 0.0", "1.0 / {x}", "{x} / 7.0", "{x} ** {y}",
    "abs({x}) ** ({y} * 0.25)", "{x} ** -1.5", "2.0 ** {y}", "erf({x}) - tanh({y})", "log2({y})",
)  # fmt: skip


def curves(nest: Nest) -> None:
    """Functions over all of their range and beyond it: poles, overflow, numbers without a value."""
    r, j, k, n, rows, draw = nest.r, nest.j, nest.k, nest.n, nest.rows, nest.make.draw
    x, y, v = nest.floats(rows, n), nest.floats(n), nest.make.name("v")
    scale = draw.choice((2.0**-4, 1.0, 1.0, 4.0, 16.0))
    first, *others = draw.sample(_CURVES, 4)
    most = f"max({x}[{r}, {k}] for {k} in range({n}))"
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {v} = {most}",
        f"    {nest.result('f32', rows)}[{r}] = {first.format(x=v, y='-2.5')}",
        f"    for {j} in range({n}):",
        f"        {v}_x = {x}[{r}, {j}] * {scale!r}",
    )
    for text in others:
        value = text.format(x=f"{v}_x", y=f"{y}[{j}]")
        nest.lines(f"        {nest.result('f32', rows, n)}[{r}, {j}] = {value}")


def functions(nest: Nest) -> None:
    """Functions of several types that call one another, read tensors, and reduce."""
    r, j, n, rows, draw = nest.r, nest.j, nest.n, nest.rows, nest.make.draw
    x, weight = nest.floats(rows, n), nest.floats(n)
    a, far, flags = nest.integers("i32", rows, n), nest.integers("i64", n), nest.integers("bool", rows)
    part, near, step, pick, total = (nest.make.name("f") for _ in range(5))
    q, t = nest.make.name("q"), nest.make.name("t")
    kind = draw.choice(("max", "min"))
    written = {
        part: ("a", "return abs(a) - a * 2"),
        near: ("a, b", f"return min(max({x}[a, b], -8.0), 8.0) - {weight}[{n} - 1 - b]"),
        step: ("a, b, c", f"{t} = {part}(a) + {part}(b)\n{t} = {t} - a\nreturn {t} if c else {part}({t})"),
        pick: ("a, b", f"return {step}(b, a, a > b)"),
        total: ("a", f"return {kind}({near}(a, {q}) for {q} in range({n}))"),
    }
    here = f"[{r}, {j}]"
    outs = [nest.result(dtype, rows, n) for dtype in ("f32", "i64", "i32", "f32")]
    nest.define(written)
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {nest.result('f32', rows)}[{r}] = {total}({r}) - {part}({weight}[0] if {n} > 0 else 1.0)",
        f"    for {j} in range({n}):",
        f"        {outs[0]}{here} = {step}({near}({r}, {j}), {weight}[{j}] * 0.5, {flags}[{r}])",
        f"        {outs[1]}{here} = {pick}({far}[{j}], {a}{here}) - {part}({j})",
        f"        {outs[2]}{here} = {pick}({a}{here}, {a}{here} % 7)",
        f"        {outs[3]}{here} = {pick}({x}{here}, f32({a}{here} % 31))",
    )


def updated(nest: Nest) -> None:
    """Arguments of every dtype that are updated where they stand, and some through slots."""
    r, j, n, w, rows, draw = nest.r, nest.j, nest.n, nest.w, nest.rows, nest.make.draw
    x, flags, signature = nest.floats(rows, n), nest.integers("bool", rows, n), nest.make.signature
    whole = {kind: nest.integers(kind, rows, n) for kind in ("i32", "i64", "u32")}
    signature.use(Dim(w))
    slots = signature.add("slots", draw.choice(("i32", "i64")), (Dim(rows),), "slots", w).name
    signature.unique.append(slots)
    signature.in_range[slots] = "skip"
    nest.lines(f"for {r} in range({rows}):", f"    for {j} in range({n}):")
    here = f"[{r}, {j}]"
    for dtype in draw.sample(("f8e4m3", "i8", "u8", "i32", "u32", "i64", "bool"), 3):
        pool, v = signature.add("pool", dtype, (Dim(rows), Dim(n))).name, nest.make.name("v")
        signature.mutated.append(pool)
        becomes = _next(v, dtype, x, flags, whole, here)
        nest.lines(f"        {v} = {pool}{here}", f"        {pool}{here} = {becomes}")
    dtype = draw.choice(("f8e4m3", "i8", "u8", "i32", "u32", "i64", "bool"))
    pool = signature.add("pool", dtype, (Dim(w), Dim(n))).name
    signature.mutated.append(pool)
    kind = {"i8": "i32", "u8": "i32"}.get(dtype, dtype)
    value = {"f8e4m3": f"{x}{here} * 0.5", "bool": f"{flags}{here}"}.get(dtype) or f"{whole[kind]}{here} * 3"
    nest.lines(f"        {pool}[{slots}[{r}], {j}] = {value}")


def _next(v: str, dtype: str, x: str, flags: str, whole: dict[str, str], here: str) -> str:
    """What an element that was `v` becomes."""
    match dtype:
        case "f8e4m3":
            return f"{v} * 0.5 - {x}{here}"
        case "bool":
            return f"not {v} or {flags}{here}"
        case "i8" | "u8" | "i32":
            return f"{v} * 3 - {whole['i32']}{here}"
        case _:
            return f"{v} * 3 - {whole[dtype]}{here} // 2"


def ordered(nest: Nest) -> None:
    """Rows of integers: as they are, their sums, and the greatest of them."""
    r, j, k, n, rows, draw = nest.r, nest.j, nest.k, nest.n, nest.rows, nest.make.draw
    kind = draw.choice(("i32", "i64", "u32"))
    a, flags = nest.integers(kind, rows, n), nest.integers("bool", n)
    row, sums, best, at = (nest.make.name(stem) for stem in ("row", "row", "best", "at"))
    q = nest.make.name("q")
    count = nest.count()
    first = draw.choice(("", "1, "))
    where = draw.choice(("", f" if {flags}[{k}]"))
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {row} = [{a}[{r}, {n} - 1 - {k}] * 3 for {k} in range({n})]",
        f"    {sums} = cumsum({row}[{k}] for {k} in range({first}{n}){where})",
        f"    {best}, {at} = topk(({a}[{r}, {k}] for {k} in range({first}{n}){where}), {count})",
        f"    for {j} in range({first}{n}):",
        f"        {nest.result(kind, rows, n)}[{r}, {j}] = {sums}[{j}] - {row}[{j}]",
        f"    for {q} in range({count}):",
        f"        {nest.result(kind, rows, count)}[{r}, {q}] = {best}[{q}]",
        f"        {nest.result('i64', rows, count)}[{r}, {q}] = {at}[{q}]",
    )


def greatest(nest: Nest) -> None:
    """The greatest of a row's floats, in ranges of every origin, with ties and NaN among them."""
    r, k, n, rows, draw, make = nest.r, nest.k, nest.n, nest.rows, nest.make.draw, nest.make
    dim = Dim(n, factor=draw.choice((1, 1, 4, 32)))
    x, flags = nest.floats(rows, dim, dtype="f32"), nest.integers("bool", rows)
    best, at, q, s = make.name("best"), make.name("at"), make.name("q"), make.signature.number("i32")
    count = nest.count()
    value = draw.choice(
        (f"{x}[{r}, {k}]", f"floor({x}[{r}, {k}] * 0.25)", f"-abs({x}[{r}, {k}])", f"{x}[{r}, {k}] / 0.0",
         f"({x}[{r}, {k}] if {k} % 3 > 0 else nan)")
    )  # fmt: skip
    span = draw.choice((f"{dim}", f"{dim}", f"{dim}", f"2, {dim}", f"min(max({s}, 0), {dim}), {dim}"))
    where = draw.choice(("", "", f" if {k} % 2 > 0", f" if {flags}[{r}]"))
    nest.lines(
        f"for {r} in range({rows}):",
        f"    {best}, {at} = topk(({value} for {k} in range({span}){where}), {count})",
        f"    for {q} in range({count}):",
        f"        {nest.result('f32', rows, count)}[{r}, {q}] = {best}[{q}]",
        f"        {nest.result('i64', rows, count)}[{r}, {q}] = {at}[{q}]",
    )


def looked_up(nest: Nest) -> None:
    """An element that a table or a number names, the same for a row, where only some iterations read it."""
    r, j, n, w, rows, draw = nest.r, nest.j, nest.n, nest.w, nest.rows, nest.make.draw
    q, signature = nest.make.name("q"), nest.make.signature
    signature.use(Dim(w))
    nest.make.paths.add((rows, n, w))
    table = signature.add("ids", draw.choice(("i32", "i64")), (Dim(rows),), "indices", w).name
    signature.in_range[table] = draw.choice(("clamp", "nan"))
    number = signature.number("i32")
    signature.in_range.setdefault(number, "nan")
    x, y, a = nest.floats(w), nest.floats(rows, n), nest.integers("i32", rows, n)
    named = f"{x}[{draw.choice((number, f'{table}[{r}]', f'{table}[{rows} - 1 - {r}] + 1'))}]"
    other = f"{x}[{w} - 1 - {q}]"
    value, test = draw.choice(
        ((f"{y}[{r}, {j}]", f"{named} <= {other}"), (f"min({named}, {other})", f"{other} > {y}[{r}, {j}]"))
    )
    kind = draw.choice(("max", "min", "sum"))
    total = (
        f"{kind}(min(max({value}, -8.0), 8.0) for {q} in range(min(max({a}[{r}, {j}], 0), {w})) if {test})"
    )
    nest.lines(
        f"for {r} in range({rows}):",
        f"    for {j} in range({n}):",
        f"        {nest.result('f32', rows, n)}[{r}, {j}] = {total}",
    )


FURTHER: tuple[Callable[[Nest], None], ...] = (
    converted, converted, curves, curves, functions, updated, ordered, greatest, looked_up,
)  # fmt: skip


def write_further(body: Body, seed: int) -> None:
    """One of these behind a share of the bodies; whatever else is drawn does not depend on it."""
    own = random.Random(f"further {seed}")
    if own.random() >= SHARE:
        return
    before = body.make.draw.getstate()
    body.make.draw.setstate(own.getstate())
    body.make.draw.choice(FURTHER)(Nest(body))
    body.make.draw.setstate(before)

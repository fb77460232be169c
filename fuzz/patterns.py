"""Larger shapes that expressions drawn at random would seldom make: what ops of a server are built of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fuzz.scope import Dim, Loop, Scope, Value

if TYPE_CHECKING:
    from fuzz.statements import Body


def attend(body: Body, scope: Scope) -> None:
    """A softmax over a part of a list, and sums of values weighted by it."""
    make = body.make
    loop, span, inner = make.ragged(scope) or make.loop(scope)
    where = f" if {make.condition(inner, 1)}" if make.chance(0.3) else ""
    scores = make.capped(make.real(inner, 2), 1e3)
    shares = make.name("p")
    body.line(f"{shares} = softmax({scores.text} for {loop.var} in range({span}){where})")
    for _ in range(make.draw.choice((1, 1, 2))):
        last, inside, within = make.loop(scope, is_plain=True)
        body.line(f"for {last.var} in range({inside}):")
        body.depth += 1
        index = make.name("j")
        one = within.inside(Loop(index, loop.size, loop.is_ragged))
        make.paths.add((*one.path(), loop.size))
        value = make.capped(make.real(one, 1), 1e4)
        guard = where.replace(loop.var, index) if make.chance(0.5) else ""
        total = f"sum({shares}[{index}] * {value.text} for {index} in range({span}){guard})"
        dims, place = body.target(within)
        result = make.signature.result(make.signature.result_type("f32", False), dims)
        body.line(f"{result.name}[{place}] = {total}")
        body.depth -= 1


def route(body: Body, scope: Scope) -> Scope:
    """The best of a row by their indices, which then index what lies over the same range."""
    make = body.make
    size, count = make.draw.choice(make.sizes), make.draw.choice(make.sizes)
    if size == count:
        return body.statement(scope)
    for name in (size, count):
        make.signature.sizes[name] = None
    requirement = f"{count} <= {size}"
    if requirement not in make.signature.requires:
        make.signature.requires.append(requirement)
    var = make.name("j")
    inner = scope.inside(Loop(var, size))
    value = make.real(inner, 1, is_exact=True)
    best, at = make.name("best"), make.name("at")
    body.line(f"{best}, {at} = topk(({value.text} for {var} in range({size})), {count})")
    make.searches(scope, size, count)
    dims = (*(Dim(loop.size) for loop in scope.loops[:1]), Dim(size))
    tensor = make.signature.floats(dims)
    outer = "".join(f"{loop.var}, " for loop in scope.loops[:1])
    index = make.name("j")
    term = f"{tensor.name}[{outer}{at}[{index}]]"
    peak = 8.0 if make.style == "whole" else 1e4
    if make.chance(0.5):
        term, peak = f"{term} - {best}[{index}]", peak + value.peak
    term = f"min(max({term}, -64.0), 64.0)"
    name = make.name("v")
    body.line(f"{name} = sum({term} for {index} in range({count}))")
    bound = Value(name, "f32", make.style == "whole", 64.0 * 1000)
    return scope.having(bound, bound)


def ordered(body: Body, scope: Scope) -> None:
    """A loop in order around parallel ones."""
    make = body.make
    state, old = make.name("state"), Value("", "f32", make.style == "whole", 64.0)
    body.line(f"{state} = {make.capped(make.real(scope, 1, make.style == 'whole'), 16.0).text}")
    old = Value(state, "f32", make.style == "whole", 64.0)
    step, span, inner = make.loop(scope, is_plain=make.chance(0.7))
    body.line(f"for {step.var} in sequential({span}):")
    body.depth += 1
    within = body.enter(inner)
    body.store(within.having(old, old))
    body.depth -= 1
    body.line(f"{state} = {body.next_state(inner, old).text}")
    body.depth -= 1


def chain(body: Body, scope: Scope) -> None:
    """A loop in order in which each element is made of the one before it, read back from the result."""
    make = body.make
    step, span, inner = make.loop(scope, is_plain=True)
    outer = "".join(f"{loop.var}, " for loop in scope.loops)
    dims = (*(Dim(loop.size) for loop in scope.loops), Dim(step.size))
    result = make.signature.result(make.draw.choice(("f32", "bf16", "f16")), dims)
    before = make.name("v")
    body.line(f"for {step.var} in sequential({span}):")
    body.line(f"    {before} = {result.name}[{outer}{step.var} - 1] if {step.var} > 0 else 1.0")
    old = Value(before, "f32", make.style == "whole", 64.0)
    body.line(f"    {result.name}[{outer}{step.var}] = {body.next_state(inner, old).text}")


def relay(body: Body, scope: Scope) -> None:
    """Loops over one range beside each other: what the first stores, the second reads elsewhere."""
    make = body.make
    size = make.draw.choice(make.sizes)
    loops = [Loop(make.name("j"), size) for _ in range(2)]
    outer = "".join(f"{loop.var}, " for loop in scope.loops)
    dims = (*(Dim(loop.size) for loop in scope.loops), Dim(size))
    first, second = (scope.inside(loop) for loop in loops)
    make.paths |= {first.path()}
    make.signature.use(Dim(size))
    value = make.real(first, 2)
    result = make.signature.result(make.draw.choice(("f32", "bf16", "f16")), dims)
    body.line(f"for {loops[0].var} in range({size}):")
    body.line(f"    {result.name}[{outer}{loops[0].var}] = {value.text}")
    place = make.draw.choice((loops[1].var, f"{size} - 1 - {loops[1].var}", f"({loops[1].var} + 1) % {size}"))
    read = Value(f"{result.name}[{outer}{place}]", "f32", value.is_exact, value.peak)
    body.line(f"for {loops[1].var} in range({size}):")
    body.depth += 1
    body.store(second.having(read, read, read))
    body.depth -= 1


def carry(body: Body, scope: Scope) -> None:
    """An argument updated in place, one element of which is read ahead of all updates."""
    make = body.make
    loop, span, inner = make.loop(scope, is_plain=True)
    at = make.draw.choice((0, len(scope.loops)))

    def around(outer: Iterable[str], own: str) -> list[str]:
        found = list(outer)
        return [*found[:at], own, *found[at:]]

    dims = tuple(map(Dim, around(scope.path(), loop.size)))
    pool = make.signature.add("pool", make.draw.choice(("f32", "f16", "bf16")), dims)
    make.signature.mutated.append(pool.name)
    first, here = (
        f"{pool.name}[{', '.join(around((item.var for item in scope.loops), own))}]"
        for own in (make.draw.choice(("0", f"{loop.size} - 1")), loop.var)
    )
    names, peak = [make.name("v"), make.name("v")], 8.0 if make.style == "whole" else 1e4
    old = [Value(name, "f32", True, peak) for name in names]
    body.line(f"{names[0]} = {first} if {loop.size} > 0 else 1.0")
    body.line(f"for {loop.var} in range({span}):")
    body.line(f"    {names[1]} = {here}")
    value = make.real(inner.having(*old, old[0]), 2)
    body.line(f"    {here} = {value.text}")


def turn(body: Body, scope: Scope) -> None:
    """A row of an argument, which is then updated where it stands by other elements of the row."""
    make = body.make
    loop, span, inner = make.loop(scope, is_plain=True)
    outer = "".join(f"{item.var}, " for item in scope.loops)
    dims = (*(Dim(item.size) for item in scope.loops), Dim(loop.size))
    pool = make.signature.add("pool", make.draw.choice(("f32", "f16", "bf16")), dims)
    make.signature.mutated.append(pool.name)
    row, place = make.name("row"), make.name("j")
    read = f"{pool.name}[{outer}{loop.var}]"
    body.line(f"{row} = [{read} - {make.real(inner, 1).text} for {loop.var} in range({span})]")
    body.line(f"for {place} in range({span}):")
    body.line(f"    {pool.name}[{outer}{place}] = {row}[{span} - 1 - {place}]")

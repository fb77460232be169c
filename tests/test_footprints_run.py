"""Random bodies run iteration by iteration: whatever the footprint checks accept must be harmless."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from body_text import SIZES
from footprint_kernels import SHAPES, facts_of, kernel_of
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_ir import nodes as ir
from kernel_ir.footprints import check_mutated, check_reads_of_results, check_writes, uncovered_results

Frame = tuple[int, int, bool]  # loop, iteration, whether it is parallel


@dataclass(frozen=True)
class Event:
    """One access of a run; `order` counts them as one thread would make them."""

    is_store: bool
    tensor: str
    index: tuple[int, ...]
    path: tuple[Frame, ...]
    order: int

    def is_concurrent_with(self, other: Event) -> bool:
        for one, two in zip(self.path, other.path, strict=False):
            if one[0] != two[0]:
                return False
            if one[1] != two[1]:
                return one[2]
        return False

    def meets(self, other: Event) -> bool:
        return (self.tensor, self.index) == (other.tensor, other.index)


class Run:
    """Runs a body one iteration at a time and records what it accesses. Values do not matter."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes
        self.events: list[Event] = []

    def block(self, body: tuple[ir.Stmt, ...], names: dict[str, int], path: tuple[Frame, ...]) -> None:
        for statement in body:
            match statement:
                case ir.For(var, low, high, inner, is_ordered):
                    bounds = self.value(low, names, path), self.value(high, names, path)
                    for step in range(*bounds):
                        frame = (id(statement), step, not is_ordered)
                        self.block(inner, {**names, var: step}, (*path, frame))
                case ir.If(condition, then, orelse):
                    self.block(then if self.value(condition, names, path) else orelse, names, path)
                case ir.Let(name, value):
                    names = {**names, name: self.value(value, names, path)}
                case ir.Store(tensor, index, value):
                    self.value(value, names, path)
                    self.record(True, tensor, index, names, path)

    def record(self, is_store: bool, tensor: str, index: tuple[ir.Expr, ...], *place: object) -> int:
        found = tuple(self.value(part, *place) for part in index)
        if SHAPES[tensor][0] != "input":
            self.events.append(Event(is_store, tensor, found, place[1], len(self.events)))
        data = {"slots": 5 * found[0] + 1, "starts": found[0] * found[0] % 4}
        return data.get(tensor, sum(found) % 3 - 1)

    def value(self, expr: ir.Expr, names: dict[str, int], path: tuple[Frame, ...]) -> int:
        match expr:
            case ir.Const(value):
                return int(value)
            case ir.Size(name):
                return self.sizes[name]
            case ir.Var(name):
                return names[name]
            case ir.Load(tensor, index):
                return self.record(False, tensor, index, names, path)
            case ir.Reduce("sum", var, low, high, _, value):
                steps = range(self.value(low, names, path), self.value(high, names, path))
                return sum(self.value(value, {**names, var: step}, path) for step in steps)
            case ir.Apply("select", (condition, then, otherwise)):
                taken = then if self.value(condition, names, path) else otherwise
                return self.value(taken, names, path)
            case ir.Apply(op, args):
                return _MEANINGS[op](*(self.value(arg, names, path) for arg in args))
        raise AssertionError(expr)


_MEANINGS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "floor_divide": lambda a, b: a // b if b else 0,
    "modulo": lambda a, b: a % b if b else 0,
    "minimum": min,
    "less": lambda a, b: a < b,
    "equal": lambda a, b: a == b,
    "greater": lambda a, b: a > b,
    "i64": lambda a: a,
    "negate": lambda a: -a,
}

_EXTENTS = ("width", "half", "group", "2", "1", "width // 2", "width // group", "width - 1", "starts[0]")
_FIXED = ("0", "half", "width - 1", "slots[0]")


@st.composite
def _index(draw: st.DrawFn, names: list[str]) -> str:
    one, other = (draw(st.sampled_from(names or ["0"])) for _ in range(2))
    forms = (
        "{0}", "{0}", "{0}", "{0} + half", "{0} + 1", "{0} - 1", "{0} * group + {1}", "{0} + {1}",
        "2 * {0}", "2 * {0} + 1", "width - 1 - {0}", "{0} // 2", "{0} % 2", "{0} + width // 2",
        "slots[{0}]", "slots[{0} // 2]", draw(st.sampled_from(_FIXED)),
    )  # fmt: skip
    return draw(st.sampled_from(forms)).format(one, other)


@st.composite
def _element(draw: st.DrawFn, tensor: str, names: list[str]) -> str:
    index = [draw(_index(names)) for _ in SHAPES[tensor][1:]]
    return f"{tensor}[{', '.join(index)}]"


@st.composite
def _value(draw: st.DrawFn, names: list[str], fresh: Iterator[int]) -> str:
    """A stored value: a constant, an element of something written, a sum over a row of it."""
    tensor = draw(st.sampled_from(["out", "row", "line", "pool"]))
    match draw(st.sampled_from(["constant", "element", "guarded", "sum"])):
        case "element":
            return draw(_element(tensor, names))
        case "guarded":
            name = draw(st.sampled_from(names or ["0"]))
            return f"({draw(_element(tensor, names))} if {name} > 0 else 0)"
        case "sum":
            var = f"e{next(fresh)}"
            return f"sum({draw(_element(tensor, [*names, var]))} for {var} in range(width))"
        case _:
            return "1"


@st.composite
def _block(draw: st.DrawFn, names: list[str], depth: int, fresh: Iterator[int]) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 2))):
        kinds = ["loop", "loop", "store", "if", "let"] if depth else ["store", "store", "let"]
        kind = draw(st.sampled_from(kinds))
        var = f"v{next(fresh)}"
        if kind == "let":
            lines.append(f"{var} = {draw(_index(names))}")
            names = [*names, var]
            continue
        if kind == "store":
            tensor = draw(st.sampled_from(["row", "out", "line", "pool"]))
            lines.append(f"{draw(_element(tensor, names))} = {draw(_value(names, fresh))}")
            continue
        inner = [*names, var] if kind == "loop" else names
        body = [f"    {line}" for line in draw(_block(inner, depth - 1, fresh))]
        if kind == "loop":
            call = draw(st.sampled_from(["range", "range", "sequential"]))
            extent = draw(st.sampled_from([*_EXTENTS, *(f"{name} + 1" for name in names)]))
            lines += [f"for {var} in {call}({extent}):", *body]
        else:
            name = draw(st.sampled_from(names or ["0"]))
            lines += [f"if {name} < half:", *body]
            if draw(st.booleans()):
                lines += ["else:", *(f"    {line}" for line in draw(_block(names, depth - 1, fresh)))]
    return lines or ["row[0] = 1"]


@st.composite
def _bodies(draw: st.DrawFn) -> str:
    return "\n".join(draw(_block([], 3, itertools.count())))


def _small_sizes() -> Iterator[dict[str, int]]:
    for width, group, tokens in itertools.product((0, 1, 2, 4, 5), (0, 2), (1, 3)):
        yield dict.fromkeys(SIZES, 2) | {"width": width, "group": group, "tokens": tokens, "half": 2}


@settings(max_examples=120, deadline=None)
@given(_bodies())
def test_whatever_is_accepted_is_harmless(body: str) -> None:
    kernel = kernel_of(body)
    facts, unique = facts_of(kernel), frozenset({"slots"})
    accepted = {
        "write": not check_writes(kernel, facts, unique),
        "read": not check_reads_of_results(kernel, facts),
        "mutated": not check_mutated(kernel, facts, unique),
    }
    covered = {"out", "row"} - uncovered_results(kernel, facts)
    for sizes in _small_sizes():
        run = Run(sizes)
        run.block(kernel.body, {}, ())
        stores = [event for event in run.events if event.is_store]
        for event in run.events:
            meeting = [store for store in stores if store is not event and store.meets(event)]
            concurrent = any(event.is_concurrent_with(store) for store in meeting)
            earlier = [store for store in meeting if store.order < event.order]
            before = any(not event.is_concurrent_with(store) for store in earlier)
            if event.is_store:
                assert not (accepted["write"] and concurrent), (event, sizes)
            elif SHAPES[event.tensor][0] == "result":
                assert not (accepted["read"] and (concurrent or not before)), (event, sizes)
            else:
                assert not (accepted["mutated"] and (concurrent or before)), (event, sizes)
        stored = {(event.tensor, event.index) for event in stores}
        for name in covered:
            extents = [range(sizes[extent]) for extent in SHAPES[name][1:]]
            assert all((name, index) in stored for index in itertools.product(*extents)), (name, sizes)

"""What a run has reached: pairs of a construct and a target's way of running it, counted by programs.

Constructs are taken from the typed IR (an op with its type, a reduction, a row, an access with its dtype and
policy), ways from what was launched. `required` is what the language and the schedules have, so that a new
row of the op table that no program has fails the standard run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from kernel_ir import nodes as ir
from kernel_ir.dtypes import DTYPES
from kernel_ir.ops import OPS
from kernel_ir.traverse import walk_expressions, walk_statements

LEAST = 20  # programs that have each pair in the standard run
STANDARD_RUN = 2_000  # programs
COVERAGE = "coverage"  # stands among the targets where programs are written and counted, and not run

_INTEGERS = ("i32", "i64", "u32")
_NUMBERS = ("f32", *_INTEGERS)
_TYPES_OF_RULES = {
    "float": ("f32",), "arithmetic": _NUMBERS, "integer": _INTEGERS, "shift": _INTEGERS, "compare": _NUMBERS,
    "logic": ("bool",), "select": _NUMBERS, "classify": ("f32",),
}  # fmt: skip
_REDUCTIONS = {
    "sum": _NUMBERS, "max": _NUMBERS, "min": _NUMBERS, "any": ("bool",), "all": ("bool",), "count": ("bool",),
    "argmax": ("f32", "i32"), "argmin": ("f32", "i32"),
}  # fmt: skip
_ROWS = ("each", "softmax", "cumsum", "topk")
_STATEMENTS = ("for", "sequential", "if", "let", "update", "given")
# A load has no `skip`: where the index is skipped, what would be loaded is nan.
_ACCESSES = ("load nan", "load clamp", "load trust", "store skip")
WAYS = {
    "passes": ("interpreted",),
    "cpu": ("packs", "one by one"),
    "metal": ("narrow", "wide", "aligned", "turns", "memory", "simdgroup", "threadgroup", "tiled", "scratch"),
}
# What is hidden from what a launch computes is counted once, whatever it computes.
LAUNCH_WAYS = {"metal": ("no scratch", "few turns", "long tiles", "rows of groups")}
# Constructs that are counted with each way of a target; the others are counted with the target alone.
_CROSSED = ("reduce", "row", "load", "store", "for", "sequential", "if")


@dataclass(slots=True)
class Coverage:
    """How many programs had each pair."""

    pairs: Counter[str] = field(default_factory=Counter)

    def add(self, seen: Iterable[str]) -> None:
        """Count one program's pairs."""
        self.pairs.update(seen)

    def missing(self, executors: Iterable[str], least: int = LEAST) -> list[str]:
        """The required pairs that fewer programs had, and how many did."""
        short = {pair: self.pairs[pair] for pair in required(executors) if self.pairs[pair] < least}
        return [f"{pair}: {count}" for pair, count in least_seen(short)]


def covered(executors: Iterable[str]) -> list[str]:
    """Those of which pairs are counted."""
    return [name for name in executors if name in WAYS]


def least_seen(pairs: Mapping[str, int], most: int | None = None) -> list[tuple[str, int]]:
    """The pairs that the fewest programs had, and how many did."""
    return sorted(pairs.items(), key=lambda item: (item[1], item[0]))[:most]


def required(executors: Iterable[str]) -> Iterator[str]:
    """Every pair that the standard run must have on those of the executors that are covered."""
    for target in covered(executors):
        ways = WAYS[target]
        yield from (f"launch / {target} {way}" for way in LAUNCH_WAYS.get(target, ()))
        for construct in _required_constructs():
            yield f"{construct} / {target}"
            if construct.split()[0] in _CROSSED:
                yield from (f"{construct} / {target} {way}" for way in ways)


def _required_constructs() -> Iterator[str]:
    for op in OPS.values():
        types = _TYPES_OF_RULES.get(op.rule, (op.result,))
        yield from (f"op {op.name} {type_}" for type_ in types)
    for kind, types in _REDUCTIONS.items():
        yield from (f"reduce {kind} {type_}" for type_ in types)
    yield from (f"row {kind}" for kind in _ROWS)
    yield from _STATEMENTS
    yield from _ACCESSES
    yield from (f"{access} {dtype}" for access, dtype in product(("load", "store"), DTYPES))


def pairs_of(constructs: Iterable[str], target: str, ways: Iterable[str]) -> list[str]:
    """The pairs of one program on one target."""
    kept = sorted(set(constructs))
    alone = [f"{construct} / {target}" for construct in kept]
    chosen = set(ways)
    crossed = sorted(chosen & {*WAYS.get(target, ())})
    launched = [f"launch / {target} {way}" for way in sorted(chosen - {*crossed})]
    return [*alone, *launched] + [
        f"{one} / {target} {way}" for one, way in product(kept, crossed) if one.split()[0] in _CROSSED
    ]


# ---- constructs --------------------------------------------------------------------------------


def constructs(kernel: ir.Kernel, types: Iterable[Mapping[str, str]]) -> set[str]:
    """Everything in a kernel's body; `types` are those that it is called with."""
    chosen = tuple(types)
    found: set[str] = set()
    for statement in walk_statements(kernel.body):
        found.update(_of_statement(statement, kernel, chosen))
    for expr in walk_expressions(kernel.body):
        found.update(_of_expression(expr, kernel, chosen))
    return found


def _of_statement(
    statement: ir.Stmt, kernel: ir.Kernel, types: tuple[Mapping[str, str], ...]
) -> Iterator[str]:
    match statement:
        case ir.For():
            yield "sequential" if statement.is_ordered else "for"
        case ir.If():
            yield "if"
        case ir.Let():
            yield "let"
        case ir.Update():
            yield "update"
        case ir.Row():
            yield f"row {statement.kind}"
        case ir.Store():
            yield from _access("store", statement, kernel, types)


def _of_expression(expr: ir.Expr, kernel: ir.Kernel, types: tuple[Mapping[str, str], ...]) -> Iterator[str]:
    match expr:
        case ir.Apply():
            rule = OPS[expr.op].rule
            yield f"op {expr.op} {expr.args[0].type if rule in ('compare', 'classify') else expr.type}"
        case ir.Reduce():
            yield f"reduce {expr.kind} {expr.value.type}"
        case ir.Given():
            yield "given"
        case ir.Load():
            yield from _access("load", expr, kernel, types)


def _access(
    kind: str, access: ir.Load | ir.Store, kernel: ir.Kernel, types: tuple[Mapping[str, str], ...]
) -> Iterator[str]:
    if access.policy is not None:
        yield f"{kind} {access.policy}"
    dtype = kernel.tensors()[access.tensor].dtype
    yield from (f"{kind} {chosen.get(dtype, dtype)}" for chosen in types)

"""Run a spec's body as Python for one call, and compare with what the interpreter made of it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from fuzz.compare import Expected
from fuzz.inputs import Call
from fuzz.reading.arrays import ReadingError, Sketch, Tensor, Terms
from fuzz.reading.functions import FUNCTIONS
from fuzz.reading.values import Integer, alike, joined, made
from fuzz.reduce_spec import read
from kernel_ir.dtypes import DTYPES
from kernel_ir.rounding import Array, compute_dtype, decode, encode, round_to

READING = "reading"  # the executor's name


def check_reading(text: str, call: Call, expected: Mapping[str, Expected]) -> str:
    """Where Python and the interpreter differ about a spec's call; nothing where they agree.

    `expected`: what the interpreter gives in float64, in which Python computes too.
    """
    try:
        values = read_outputs(text, call)
    except ReadingError as error:
        return str(error)
    for name, item in expected.items():
        off = item.difference(name, encode(values[name], item.dtype).reshape(item.values.shape))
        if off is not None:
            return str(off)
    return ""


def read_outputs(text: str, call: Call) -> dict[str, Array]:
    """The values of results and updated arguments of a call, in compute types.

    Raises ReadingError for a body that the language refuses.
    """
    reading = _Reading(read(text), call)
    tree = ast.fix_missing_locations(_Rewriter().visit(ast.parse(reading.spec["body"])))
    names = reading.names()
    with np.errstate(all="ignore"):
        exec(compile(tree, "body", "exec"), names)  # of a program that was drawn here
    return {item.name: item.live for item in reading.tensors.values() if item.live is not None}


@dataclass(slots=True)
class _Reading:
    """A spec as YAML gives it, and one call of it."""

    spec: Mapping[str, Any]
    call: Call
    sketch: Sketch = field(default_factory=Sketch)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def names(self) -> dict[str, Any]:
        """What the body finds under each name of the signature and of the language."""
        self.tensors = {name: self._tensor(name, type_) for name, type_ in self._typed() if "[" in type_}
        sizes = {name: Integer(extent, "i64") for name, extent in self.call.sizes.items()}
        numbers = {name: self._number(name, type_) for name, type_ in self._typed() if type_ in _NUMBERS}
        loops = {"range": _turns, "sequential": _turns, "_terms": self._terms, "_choose": self._choose}
        return {**FUNCTIONS, **loops, **sizes, **numbers, **self.tensors}

    def _typed(self) -> Iterator[tuple[str, str]]:
        for role in ("arguments", "results"):
            yield from ((name, given["type"]) for name, given in self.spec.get(role, {}).items())

    def _number(self, name: str, type_: str) -> Any:
        default = self.spec["arguments"][name].get("default")
        value = round_to(self.call.numbers.get(name, default), DTYPES[type_])[()]
        if type_ == "bool":
            return bool(value)
        return np.float64(value) if type_ == "f32" else Integer(int(value), type_, frozenset({name}))

    def _tensor(self, name: str, type_: str) -> Tensor:
        dtype, dims = type_.rstrip("]").split("[")
        kept = DTYPES[self.call.types.get(dtype, dtype)]
        entry = live = None
        if name in self.spec.get("results", {}):
            entry = live = np.zeros(self._shape(dims), compute_dtype(kept))
        elif (placed := self.call.tensors[name]) is not None:
            entry = np.array(decode(placed.view(), kept))
            live = entry.copy() if name in self.spec.get("mutates", ()) else None
        return Tensor(
            name, kept, self._loaded(dtype), self.spec.get("in_range", {}), self.sketch, entry, live
        )

    def _loaded(self, dtype: str) -> str:
        """The type of elements in a body: of a type variable, one that holds all that it may stand for."""
        choices = self.spec.get("types", {}).get(dtype, [dtype])
        return reduce(joined, (DTYPES[choice].compute for choice in choices))

    def _shape(self, dims: str) -> tuple[int, ...]:
        names = {"__builtins__": {}, **self.call.sizes}
        shape: tuple[int, ...] = eval(f"({dims.lstrip('*')},)", names)  # of a program that was drawn here
        return shape

    def _terms(self, turns: _Turns, where: Callable[..., Any], value: Callable[..., Any]) -> Terms:
        return Terms(turns.span, turns.at, where, value, self.sketch)

    def _choose(self, condition: Any, one: Callable[[], Any], other: Callable[[], Any]) -> Any:
        """The branch that is taken, in the type that both have together."""
        taken, left = (one, other) if condition else (other, one)
        return alike(taken(), self.sketch.of(left))


_NUMBERS = ("f32", "i32", "i64", "u32", "bool")


@dataclass(frozen=True, slots=True)
class _Turns:
    """`range(...)` or `sequential(...)`: each index in turn, which is one of the orders that are allowed."""

    span: range
    bounds: tuple[Integer, ...]

    def __iter__(self) -> Iterator[Integer]:
        return (self.at(index) for index in self.span)

    def at(self, index: int) -> Integer:
        """The variable's value, which follows from what the bounds do."""
        return made(index, "i64", *self.bounds)


def _turns(*bounds: Integer) -> _Turns:
    return _Turns(range(*(bound.value for bound in bounds)), bounds)


class _Rewriter(ast.NodeTransformer):
    """Calls of functions in place of what Python's own values do otherwise than the language says."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, bool):
            return node
        return _call("_real" if isinstance(node.value, float) else "_integer", node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        name = {ast.Div: "_divide", ast.Pow: "_power"}.get(type(node.op))
        return _call(name, node.left, node.right) if name else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        return _call("_choose", node.test, _function(node.body), _function(node.orelse))

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        return self._terms(node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        return _call("_each", self._terms(node))

    def _terms(self, node: ast.GeneratorExp | ast.ListComp) -> ast.expr:
        self.generic_visit(node)
        (loop,) = node.generators
        assert isinstance(loop.target, ast.Name)
        where = ast.BoolOp(ast.And(), [ast.Constant(True)] * 2 + loop.ifs)  # of two at least
        var = loop.target.id
        return _call("_terms", loop.iter, _function(where, var), _function(node.elt, var))


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _function(body: ast.expr, *names: str) -> ast.expr:
    """A value that is asked for later, of the variables of these names."""
    given = [ast.arg(name) for name in names]
    return ast.Lambda(ast.arguments([], given, None, [], [], None, []), body)

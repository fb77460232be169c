"""The built package beside the interpreter: every op, as records say, on the arrays of any framework."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any

import every_spec
import numpy as np
from inputs import SMALL, Sizes, allowed_sizes, spoil
from numeric_checks import bits

from backends.build_generated import BuildOptions, build
from benchmarks.agreement import compare, make_reference
from benchmarks.calls import Call, choose_export, is_supported, prepare
from benchmarks.frameworks import Framework
from benchmarks.inputs import make_arguments
from codegen.record import Entry, OpRecord, make_record
from codegen.settings import read_settings
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import evaluate_size
from kernel_ir.rounding import Array, decode, encode
from kernel_ir.traverse import walk
from kernel_ir.typecheck.check import check_spec

ODD = (1, 2, 31, 32, 33, 65, 127, 128, 129, 257, 1000)
_MOST_WORK = 60_000


@dataclass(frozen=True)
class Op:
    """One instantiation of a shipped kernel."""

    record: OpRecord
    entry: Entry

    def __str__(self) -> str:
        return f"{self.record.name}-{self.entry.suffix}"

    @property
    def kernel(self) -> ir.Kernel:
        return self.record.kernel

    def draw(self, sizes: Mapping[str, Any], seed: int = 0) -> dict[str, Any]:
        """Storage arrays and numbers for a call with the given sizes and scalars."""
        return make_arguments(self.record, sizes, self.entry, seed)

    def sizes(self, **fixed: int) -> Sizes | None:
        """Small sizes that the op accepts, some of them given; None where there are none."""
        loaded = every_spec.load(self.record.name)
        small = [name for name in self.kernel.sizes if name not in fixed]
        for pool in (SMALL, (*SMALL, *fixed.values())):
            try:
                return allowed_sizes(loaded, self.kernel, pool, len(small), fixed, _MOST_WORK, tries=300)
            except LookupError:
                continue
        return None

    def updates_arguments(self) -> bool:
        return any(item.role == "mutated" for item in self.inputs())

    def takes_places(self) -> bool:
        """Whether its results go to arrays of the caller's, which choose their dtypes."""
        return choose_export(self.record, self.entry) is not self.record.exports[0]

    def inputs(self) -> list[ir.TensorType]:
        return [item for item in self.kernel.arguments if isinstance(item, ir.TensorType)]


@cache
def package(module: str) -> ModuleType:
    """A module of the package built from `generated/`, which is brought up to date first."""
    folder = str(build(BuildOptions(), read_settings()))
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(f"{read_settings().package}.{module}")


@cache
def every_op() -> list[Op]:
    """Every shipped op with every choice of dtypes."""
    found = []
    for name in every_spec.SHIPPED:
        loaded = every_spec.load(name)
        record = make_record(loaded, check_spec(loaded))
        found += [Op(record, entry) for entry in record.entries]
    return found


def cases(framework: Framework) -> list[Op]:
    """The ops whose dtypes a framework has."""
    return [op for op in every_op() if is_supported(op.record, op.entry, framework)]


def odd_sizes(op: Op) -> Iterator[Sizes]:
    """Each dimension in turn at each odd length that the op accepts, the others small."""
    for name in op.kernel.sizes:
        for length in ODD:
            sizes = op.sizes(**{name: length})
            if sizes is not None:
                yield sizes


def call(op: Op, framework: Framework, arguments: Mapping[str, Any]) -> dict[str, Array]:
    """Results and mutated arguments of a call, as storage arrays."""
    package(framework.target)
    prepared = prepare(op.record, op.entry, framework, arguments)
    return prepared.outputs(prepared.run())


def call_views(
    op: Op, framework: Framework, arguments: Mapping[str, Any], views: Mapping[str, Any]
) -> dict[str, Array]:
    """`call`, with some arguments given as arrays of the framework that are views of others."""
    package(framework.target)
    prepared = prepare(op.record, op.entry, framework, arguments)
    prepared = replace(prepared, arguments={**prepared.arguments, **views})
    assert isinstance(prepared, Call)
    return prepared.outputs(prepared.run())


def assert_agrees(op: Op, arguments: Mapping[str, Any], got: Mapping[str, Array], note: str = "") -> None:
    """The outputs of a call against the interpreter's, within what f32 arithmetic allows."""
    agreement = compare(op.record, op.entry, got, make_reference(op.record, op.entry, arguments))
    share = agreement.worst_share
    assert share <= 1, f"{op}: {share:.3g} times what rounding allows; {note}"


def assert_same_bits(got: Mapping[str, Array], wanted: Mapping[str, Array], note: str = "") -> None:
    assert got.keys() == wanted.keys()
    for name in wanted:
        np.testing.assert_array_equal(bits(got[name]), bits(wanted[name]), err_msg=f"{name}: {note}")


def batch_name(op: Op) -> str:
    """The dimension that the op's rows, tokens or requests are counted by: the first of all."""
    return op.kernel.sizes[0]


def take(op: Op, arguments: Mapping[str, Any], first: int, count: int) -> dict[str, Any]:
    """The arguments of `count` members of a batch from `first` on."""
    name, found = batch_name(op), dict(arguments)
    for item in op.inputs():
        extent = item.shape[0]
        if _mentions(extent, name) and found.get(item.name) is not None:
            members = evaluate_size(extent, {name: count})
            assert members is not None
            found[item.name] = found[item.name][first : first + members]
    return found


def batched_outputs(op: Op) -> list[str]:
    """The outputs with one element a member of the batch along their first dimension."""
    tensors = op.kernel.tensors().values()
    own = [item for item in tensors if item.role != "input" and _mentions(item.shape[0], batch_name(op))]
    return [item.name for item in own]


def _mentions(expr: ir.Expr, name: str) -> bool:
    return any(isinstance(item, ir.Size) and item.name == name for item in walk(expr))


# ---- inputs ------------------------------------------------------------------------------------


def moderate(op: Op) -> dict[str, Any]:
    """The spec's example that is odd and not large."""
    return dict(op.record.examples[1])


def large(op: Op) -> dict[str, Any]:
    """The odd example with a batch that makes averages mean something."""
    return {**moderate(op), batch_name(op): 64, **room(op, 64)}


def room(op: Op, count: int) -> dict[str, int]:
    """The sizes that must be as large as the batch: those of pools in which each member has its own place."""
    ranges = [values["distinct"] for values in op.record.values.values() if "distinct" in values]
    return {str(end): 4 * count for _, end in ranges}


def one_nan(op: Op, outputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs with every NaN the same: hardware chooses their sign and payload."""
    tensors = op.kernel.tensors()
    found = dict(outputs)
    for name, values in outputs.items():
        dtype = op.entry.resolve(tensors[name].dtype)
        if dtype.is_float:
            plain = decode(values, dtype)
            found[name] = encode(np.where(np.isnan(plain), np.nan, plain), dtype)
    return found


def spoilt(op: Op, arguments: dict[str, Any], seed: int) -> dict[str, Any]:
    """The arguments with NaN, infinities, zeros of both signs, tiny values and indices out of range."""
    rng, found = np.random.default_rng(seed), dict(arguments)
    for item in op.inputs():
        found[item.name] = spoil(rng, arguments[item.name], op.entry.resolve(item.dtype))
    return found


def spread_out(op: Op, framework: Framework, name: str, values: Any, spread: str) -> Any:
    """An array with the same elements and space between its rows or elements, or in front of them."""
    gap = np.array(values).reshape(-1)[:1] if values.size else np.zeros(1, values.dtype)
    match spread:
        case "rows":
            shape, place = (*values.shape[:-1], values.shape[-1] + 3), (..., slice(0, values.shape[-1]))
        case "elements":
            shape, place = (*values.shape[:-1], 2 * values.shape[-1]), (..., slice(0, None, 2))
        case _:
            shape, place = (values.shape[0] + 1, *values.shape[1:]), (slice(1, None),)
    memory = np.broadcast_to(gap, shape).copy()
    memory[place] = values
    return framework.wrap(memory, op.entry.resolve(op.kernel.tensors()[name].dtype))[place]


def broadcast(framework: Framework, array: Any, shape: tuple[int, ...]) -> Any:
    return array.expand(shape) if framework.name == "torch" else np.broadcast_to(array, shape)

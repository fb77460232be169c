"""One call of a public op, on the arrays of a framework."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.frameworks import Framework
from codegen.failures import Failure
from codegen.host.targets import TARGETS
from codegen.record import Entry, Export, OpRecord, make_record
from codegen.settings import read_settings
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.load import load_bytes
from kernel_ir.rounding import Array, storage_dtype
from kernel_ir.typecheck.check import check_spec

BUILD_HINT = "run `python build.py generate`, then `python build.py build`"


def read_records(specs: Path) -> list[OpRecord]:
    """The record of every spec under a folder, sorted by path. Raises SpecError for a wrong one."""
    found = []
    for path in sorted(specs.rglob("*.yaml")):
        loaded = load_bytes(path.read_bytes(), f"specs/{path.relative_to(specs).as_posix()}")
        found.append(make_record(loaded, check_spec(loaded)))
    return found


class NotBuiltError(Failure):
    """The package is not there, or lacks an op that has a spec."""


def package_module(target: str) -> ModuleType:
    """The built package's module for a target. Raises NotBuiltError where nothing is built."""
    name = f"{read_settings().package}.{target}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise NotBuiltError(f"{name} is not there; {BUILD_HINT}") from error


def public_function(target: str, op: str) -> Callable[..., Any]:
    """A public op of the built package. Raises NotBuiltError where the package lacks it."""
    module = package_module(target)
    if not hasattr(module, op):
        raise NotBuiltError(f"{module.__name__} has no {op}; {BUILD_HINT}")
    function: Callable[..., Any] = getattr(module, op)
    return function


@dataclass(frozen=True, slots=True)
class Call:
    """A public name of an op with arguments of one framework, by their names in the spec.

    It is the primary name, unless results have dtypes that only arrays given for them can choose: those
    arrays are then among the arguments.
    """

    record: OpRecord
    entry: Entry
    framework: Framework
    arguments: Mapping[str, Any]
    export: Export

    def run(self) -> Any:
        """Call the op and wait for its values; what it gives back."""
        given = self.start(self.arguments)
        self.framework.finish(given)
        return given

    def start(self, arguments: Mapping[str, Any], **options: Any) -> Any:
        """Call the op with arrays of the caller's; what it gives back, which may be lazy."""
        public = {name: arguments[own] for name, own in self.export.arguments if own in arguments}
        return public_function(self.framework.target, self.export.name)(**public, **options)

    def outputs(self, given: Any) -> dict[str, Array]:
        """Storage arrays of the results and mutated arguments after a run that gave back `given`."""
        target = next(item for item in TARGETS if item.name == self.framework.target)
        names = target.returned(self.record, self.export)
        values = given if isinstance(given, tuple) else (given,) if names else ()
        returned = dict(zip(names, values, strict=True))
        found = {}
        for name, item in self.record.kernel.tensors().items():
            array = returned.get(name, self.arguments.get(name) if item.role != "input" else None)
            if array is not None:
                found[name] = self.framework.unwrap(array, self.entry.resolve(item.dtype))
        return found


def prepare(record: OpRecord, entry: Entry, framework: Framework, arguments: Mapping[str, Any]) -> Call:
    """A call whose arrays are the framework's own copies of storage arrays."""
    tensors = record.kernel.tensors()

    def own(name: str, value: Any) -> Any:
        is_array = name in tensors and value is not None
        return framework.wrap(value, entry.resolve(tensors[name].dtype)) if is_array else value

    export = choose_export(record, entry)
    given = dict(arguments) | places(record, entry, export, arguments)
    return Call(record, entry, framework, {name: own(name, value) for name, value in given.items()}, export)


def choose_export(record: OpRecord, entry: Entry) -> Export:
    """The name under which an entry can be called: one that takes arrays for results, where only those
    choose its dtypes. Raises KeyError where a spec has none.
    """
    free = {item.dtype for item in record.kernel.results}
    free -= {item.dtype for item in record.kernel.arguments if isinstance(item, ir.TensorType)}
    first = record.entries[0]
    if all(entry.resolve(dtype) == first.resolve(dtype) for dtype in free):
        return record.exports[0]
    for export in record.exports:
        if {item.name for item in record.kernel.results} <= {name for _, name in export.arguments}:
            return export
    raise KeyError(f"no export of {record.name} takes arrays for its results")


def places(
    record: OpRecord, entry: Entry, export: Export, arguments: Mapping[str, Any]
) -> dict[str, Array]:
    """Storage arrays of zeros for the results that an export takes."""
    taken = {name for _, name in export.arguments}
    dtypes = {item.name: entry.resolve(item.dtype) for item in record.kernel.results if item.name in taken}
    if not dtypes:
        return {}
    types = {variable: dtype.name for variable, dtype in entry.dtypes}
    shapes = bind_arguments(record.kernel, arguments, types).shapes
    return {name: np.zeros(shapes[name], storage_dtype(dtype)) for name, dtype in dtypes.items()}


def is_supported(record: OpRecord, entry: Entry, framework: Framework) -> bool:
    """Whether a framework has every dtype that the op's tensors have in an entry."""
    tensors: list[ir.TensorType] = list(record.kernel.tensors().values())
    return all(framework.supports(entry.resolve(item.dtype)) for item in tensors)

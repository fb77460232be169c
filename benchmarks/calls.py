"""One call of a public op, on the arrays of a framework."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.frameworks import Framework
from codegen.failures import Failure
from codegen.host.targets import TARGETS
from codegen.record import Entry, OpRecord, make_record
from codegen.settings import read_settings
from kernel_ir import nodes as ir
from kernel_ir.load import load_bytes
from kernel_ir.rounding import Array
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
    """The primary name of an op with arguments of one framework, by their names in the spec."""

    record: OpRecord
    entry: Entry
    framework: Framework
    arguments: Mapping[str, Any]

    def run(self) -> Any:
        """Call the op and wait for its values; what it gives back."""
        given = public_function(self.framework.target, self.record.name)(**self.arguments)
        self.framework.finish(given)
        return given

    def outputs(self, given: Any) -> dict[str, Array]:
        """Storage arrays of the results and mutated arguments after a run that gave back `given`."""
        target = next(item for item in TARGETS if item.name == self.framework.target)
        names = target.returned(self.record, self.record.exports[0])
        values = given if isinstance(given, tuple) else (given,) if names else ()
        returned = dict(zip(names, values, strict=True))
        found = {}
        for name, item in self.record.kernel.tensors().items():
            array = returned.get(name, self.arguments.get(name) if item.role == "mutated" else None)
            if array is not None:
                found[name] = self.framework.unwrap(array, self.entry.resolve(item.dtype))
        return found


def prepare(record: OpRecord, entry: Entry, framework: Framework, arguments: Mapping[str, Any]) -> Call:
    """A call whose arrays are the framework's own copies of storage arrays."""
    tensors = record.kernel.tensors()

    def own(name: str, value: Any) -> Any:
        is_array = name in tensors and value is not None
        return framework.wrap(value, entry.resolve(tensors[name].dtype)) if is_array else value

    return Call(record, entry, framework, {name: own(name, value) for name, value in arguments.items()})


def is_supported(record: OpRecord, entry: Entry, framework: Framework) -> bool:
    """Whether a framework has every dtype that the op's tensors have in an entry."""
    tensors: list[ir.TensorType] = list(record.kernel.tensors().values())
    return all(framework.supports(entry.resolve(item.dtype)) for item in tensors)

"""The Python package: a module a target with one plain function for each public name, and their stubs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen.host.docstrings import docstring
from codegen.host.layout import bracketed
from codegen.host.parameters import Ignored, Parameter, parameters, public_order
from codegen.host.render import render
from codegen.host.stubs import stub_parameters, stub_result
from codegen.host.targets import TARGETS, PackageTarget
from codegen.host.torch_ops import torch_module
from codegen.record import Export, OpRecord

_PACKAGE = "python/sgl_kernel"
_HAND_WRITTEN = ("_extension.py", "_platform.py", "_metal_loader.py", "_shaders.py")


@dataclass(frozen=True, slots=True)
class Function:
    """A public function: the line that defines it, its docstring, its body, and its line in the stub."""

    name: str
    definition: str
    doc: str
    body: str
    stub: str


@dataclass(frozen=True, slots=True)
class TargetModule:
    """A target's module and its stub."""

    names: tuple[str, ...]
    functions: tuple[Function, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """The package's own module, its stub, and the CUDA stand-in."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """A template that needs no facts."""


def package_files(records: Sequence[OpRecord]) -> dict[str, bytes]:
    """The package's files, by path under `generated/`."""
    names = tuple(sorted(export.name for record in records for export in record.exports))
    package = Package(names)
    files = {
        "__init__.py": render("python/init.py.j2", package),
        "__init__.pyi": render("python/init.pyi.j2", package),
        "_cuda_stub.py": render("python/cuda_stub.py.j2", package),
        "py.typed": b"",
    }
    files["torch_ops.py"] = render("python/torch_ops.py.j2", torch_module(records))
    for target in TARGETS:
        module = _module(records, target)
        files[f"{target.name}.py"] = render(f"python/{target.name}.py.j2", module)
        files[f"{target.name}.pyi"] = render(f"python/{target.name}.pyi.j2", module)
    files |= {name: render(f"python/{name}.j2", Nothing()) for name in _HAND_WRITTEN}
    return {f"{_PACKAGE}/{name}": content for name, content in files.items()}


def _module(records: Sequence[OpRecord], target: PackageTarget) -> TargetModule:
    functions = [_function(record, export, target) for record in records for export in record.exports]
    functions.sort(key=lambda function: function.name)
    return TargetModule(tuple(function.name for function in functions), tuple(functions))


def _function(record: OpRecord, export: Export, target: PackageTarget) -> Function:
    everything = public_order(record, export)
    annotated = stub_parameters(everything, target)
    route = "_route()" if target.is_traced else "_native"
    result = stub_result(record, parameters(record, export), target.returned(record, export), target)
    return Function(
        name=export.name,
        definition=bracketed(f"def {export.name}", signature(record, export, target), ":"),
        doc=docstring(record, export, target),
        body=(_refusals(everything, export) if target.is_traced else "")
        + bracketed(f"return {route}.{export.name}", _passed(everything, target), "", "    "),
        stub=bracketed(f"def {export.name}", annotated, f" -> {result}: ..."),
    )


def _refusals(everything: tuple[Parameter | Ignored, ...], export: Export) -> str:
    """Lines that refuse what the extension would, for calls that a tracer takes elsewhere."""
    names = [item for item in everything if isinstance(item, Ignored) and item.is_unsupported]
    return "".join(
        f'_extension.require_only("{export.name}", "{item.name}", {item.name}, {item.default})\n    '
        for item in names
    )


def signature(record: OpRecord, export: Export, target: PackageTarget) -> tuple[str, ...]:
    """The parameters of a public function: positional ones, a star, keyword-only ones."""
    everything = public_order(record, export)
    positional = [_with_default(item) for item in everything if not item.is_keyword_only]
    by_name = [_with_default(item) for item in everything if item.is_keyword_only]
    by_name += ["stream=None"] if target.has_stream else []
    return (*positional, *(["*", *by_name] if by_name else []))


def _passed(everything: tuple[Parameter | Ignored, ...], target: PackageTarget) -> tuple[str, ...]:
    """The same as arguments of a call."""
    named = [f"{item.name}={item.name}" if item.is_keyword_only else item.name for item in everything]
    return (*named, *(["stream=stream"] if target.has_stream else []))


def _with_default(item: Parameter | Ignored) -> str:
    return f"{item.name}={item.default}" if item.default else item.name

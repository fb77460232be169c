"""The parameters of a public function, in order: for the extension's table, the wrapper and the stub."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from codegen.record import Export, OpRecord
from kernel_ir import nodes as ir

Kind = Literal["tensor", "scalar", "size", "destination"]

# By this name callers say whether a kernel may start before the one ahead of it on the stream is through.
_EARLY_START = "enable_pdl"


@dataclass(frozen=True, slots=True)
class Parameter:
    """`name` is public, `item` what it stands for in the kernel's signature.

    `default` is Python text, or "" where the argument is required; one that may be None is required
    where a required one follows. A destination is an array for a result to be written to: `out`, or an
    argument of an export that names a result.
    """

    name: str
    kind: Kind
    item: ir.Argument
    default: str = ""
    is_keyword_only: bool = False

    @property
    def is_required(self) -> bool:
        return not self.default


@dataclass(frozen=True, slots=True)
class Ignored:
    """An argument that is accepted for the callers' sake: it changes no result."""

    name: str
    default: str
    is_keyword_only: bool
    is_unsupported: bool = False  # and refused where it is not its default

    @property
    def is_early_start(self) -> bool:
        """Whether it says how a kernel is launched, where the target has a choice."""
        return self.name == _EARLY_START


def parameters(record: OpRecord, export: Export) -> tuple[Parameter, ...]:
    """What the op itself takes: the export's arguments in order, then `out`."""
    items: dict[str, ir.Argument] = {item.name: item for item in record.kernel.arguments}
    results = {item.name: item for item in record.kernel.results}
    found = [
        _destination(export, public, results[name])
        if name in results
        else _argument(export, public, items[name])
        for public, name in export.arguments
    ]
    last = max((at for at, item in enumerate(found) if _must_be_passed(item)), default=0)
    passed = (replace(item, default="") if _is_nullable(item) else item for item in found[:last])
    found = [*passed, *found[last:]]
    if export.has_out:
        found.append(Parameter("out", "destination", record.kernel.results[0], "None"))
    return tuple(found)


def _must_be_passed(item: Parameter) -> bool:
    return item.is_required and not item.is_keyword_only


def _is_nullable(item: Parameter) -> bool:
    """A positional array that may be None."""
    is_optional = isinstance(item.item, ir.TensorType) and item.item.is_optional
    return is_optional and not item.is_keyword_only


def ignored(export: Export) -> tuple[Ignored, ...]:
    """Arguments that are accepted for the callers' sake."""
    return tuple(
        Ignored(name, repr(value), name in export.keyword_only, name in export.unsupported)
        for name, value in export.ignored
    )


def public_order(record: OpRecord, export: Export) -> tuple[Parameter | Ignored, ...]:
    """Every parameter of the public function: those that may be given by position, then the others."""
    everything: tuple[Parameter | Ignored, ...] = (*parameters(record, export), *ignored(export))
    return tuple(sorted(everything, key=lambda item: item.is_keyword_only))


def _argument(export: Export, public: str, item: ir.Argument) -> Parameter:
    by_name = public in export.keyword_only
    match item:
        case ir.TensorType():
            return Parameter(public, "tensor", item, "None" if item.is_optional else "", by_name)
        case ir.ScalarType(default=default):
            text = "" if default is None else python_number(default)
            return Parameter(public, "scalar", item, text, by_name)
        case ir.SizeType(default=default):
            return Parameter(public, "size", item, "" if default is None else repr(default), by_name)


def _destination(export: Export, public: str, result: ir.TensorType) -> Parameter:
    """A result that the call returns may be made here; one that it does not return must be given."""
    default = "None" if result.name in export.returns else ""
    return Parameter(public, "destination", result, default, public in export.keyword_only)


def python_number(value: int | float | bool) -> str:
    """A number as a Python expression; infinities and NaN have no literal."""
    text = repr(value)
    return f'float("{text}")' if text in ("inf", "-inf", "nan") else text

"""The docstring of a public function: what it does, takes, returns and raises."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from codegen.host.parameters import Ignored, Parameter, ignored, parameters
from codegen.host.targets import PackageTarget
from codegen.host.wording import dtype_text, scalar_text, tensor_text
from codegen.record import Export, OpRecord
from kernel_ir import nodes as ir
from kernel_ir.printer import print_expression

_WIDTH = 96
_HARD_SPACE = "\0"


def docstring(record: OpRecord, export: Export, target: PackageTarget) -> str:
    """The text between the quotes, not indented."""
    sections = [
        record.summary,
        record.description.strip(),
        _types(record.kernel),
        _section("Arguments", _arguments(record, export, target)),
        _section("Returns", _returns(record, export, target)),
        _section("Raises", _raises(record)),
        f"Reference: {record.reference}" if record.reference else "",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _types(kernel: ir.Kernel) -> str:
    lines = (f"{name} is {dtype_text(choices)}{_origin(kernel, name)}." for name, choices in kernel.types)
    return "\n".join(lines)


def _origin(kernel: ir.Kernel, variable: str) -> str:
    """Who chooses a type variable that no argument has."""
    arguments = (item for item in kernel.arguments if isinstance(item, ir.TensorType))
    if any(item.dtype == variable for item in arguments):
        return ""
    return ", as an array given for a result has; the first of these otherwise"


def _section(title: str, entries: Iterator[str]) -> str:
    lines = [_entry(entry) for entry in entries]
    return "\n".join([f"{title}:", *lines]) if lines else ""


def _entry(text: str) -> str:
    """An indented entry; what stands in backticks stays on one line."""
    kept = re.sub(r"`[^`]*`", lambda match: match.group().replace(" ", _HARD_SPACE), text)
    filled = textwrap.fill(
        kept, _WIDTH, initial_indent="    ", subsequent_indent="        ", break_on_hyphens=False
    )
    return filled.replace(_HARD_SPACE, " ")


def _arguments(record: OpRecord, export: Export, target: PackageTarget) -> Iterator[str]:
    for item in parameters(record, export):
        yield f"{item.name}: {_parameter(record.kernel, item, target)}"
    for extra in ignored(export):
        yield f"{extra.name}: {_ignored(extra, target)}"
    if target.has_stream:
        yield "stream: the stream or device to run on; default: MLX's own default."


def _ignored(extra: Ignored, target: PackageTarget) -> str:
    if extra.is_early_start and target.starts_early:
        return (
            "bool. Whether the kernel may start while the one before it on the stream ends, for which it "
            "then waits; default None: where the GPU can do so. Changes no result."
        )
    if extra.is_unsupported:
        return f"accepted for compatibility; must be {extra.default}."
    return "accepted for compatibility; has no effect."


def _parameter(kernel: ir.Kernel, item: Parameter, target: PackageTarget) -> str:
    match item.kind, item.item:
        case "destination", ir.TensorType() as tensor:
            needed = "" if item.is_required else f"; default None: a new {target.array} is made"
            return f"{tensor_text(kernel, tensor)}. Where the result {tensor.name} is written{needed}."
        case _, ir.TensorType() as tensor:
            role = f" {target.in_place}" if tensor.role == "mutated" else ""
            optional = " May be None." if tensor.is_optional else ""
            return f"{tensor_text(kernel, tensor)}.{_sentence(tensor.doc)}{role}{optional}"
        case _, ir.ScalarType(dtype=dtype, doc=doc):
            return f"{scalar_text(dtype)}{_default(item)}.{_sentence(doc)}"
        case _:
            return f"int{_default(item)}.{_sentence(item.item.doc) or ' Must agree with the shapes.'}"


def _default(item: Parameter) -> str:
    return f", default {item.default}" if item.default else ""


def _sentence(doc: str) -> str:
    """A spec's note as a sentence after another."""
    return f" {doc[0].upper()}{doc[1:].rstrip('.')}." if doc else ""


def _returns(record: OpRecord, export: Export, target: PackageTarget) -> Iterator[str]:
    tensors = record.kernel.tensors()
    for name in target.returned(record, export):
        tensor = tensors[name]
        what = " The updated argument." if tensor.role == "mutated" else _sentence(tensor.doc)
        yield f"{name}: {tensor_text(record.kernel, tensor)}.{what}"


def _raises(record: OpRecord) -> Iterator[str]:
    yield "TypeError: an argument is missing, unknown, of the wrong type or on another device."
    conditions = ", ".join(f"`{print_expression(item)}`" for item in record.kernel.requires)
    needed = f" Requires {conditions}." if conditions else ""
    yield f"ValueError: dtypes or shapes do not agree, or a value is out of range.{needed}"

"""A reference page for every op, and an index: `generated/docs/`, in Markdown.

What a page says of calls, shapes and errors comes from the record that the code comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codegen.host.layout import bracketed
from codegen.host.package import signature
from codegen.host.parameters import Parameter, parameters
from codegen.host.render import render
from codegen.host.targets import CPU, METAL
from codegen.host.wording import dtype_text, scalar_text, tensor_text
from codegen.record import OpRecord
from kernel_ir import nodes as ir
from kernel_ir.printer import print_expression
from kernel_ir.traverse import walk_expressions, walk_statements

_READS = {
    "nan": "is NaN",
    "clamp": "gives the nearest element",
    "trust": "is undefined: the caller vouches that it does not happen",
}
_INTEGER_READS = {**_READS, "nan": "is 0, and what is indexed by it is out of range too"}
_WRITES = {"skip": "is dropped", "clamp": "goes to the nearest element", "trust": _READS["trust"]}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a page's table of arguments or results."""

    name: str
    type: str
    doc: str


@dataclass(frozen=True, slots=True)
class OpPage:
    """`calls` are Python signatures; `policies` say what an index out of range does."""

    name: str
    summary: str
    description: str
    reference: str
    spec_path: str
    types: tuple[str, ...]
    calls: tuple[str, ...]
    arguments: tuple[Row, ...]
    results: tuple[Row, ...]
    conditions: tuple[str, ...]
    policies: tuple[str, ...]
    body: str


@dataclass(frozen=True, slots=True)
class IndexRow:
    op: str
    names: str
    summary: str


@dataclass(frozen=True, slots=True)
class IndexPage:
    rows: tuple[IndexRow, ...]


def page_files(records: Sequence[OpRecord]) -> dict[str, bytes]:
    """The pages, by path under `generated/`."""
    rows = (IndexRow(item.name, _public_names(item), item.summary) for item in records)
    files = {"docs/README.md": render("docs/index.md.j2", IndexPage(tuple(rows)))}
    return files | {f"docs/{item.name}.md": render("docs/op.md.j2", _page(item)) for item in records}


def _public_names(record: OpRecord) -> str:
    return ", ".join(f"`{export.name}`" for export in record.exports)


def _page(record: OpRecord) -> OpPage:
    kernel = record.kernel
    return OpPage(
        name=record.name,
        summary=record.summary,
        description=record.description.strip(),
        reference=record.reference,
        spec_path=record.spec_path,
        types=tuple(f"`{name}` is {dtype_text(choices)}." for name, choices in kernel.types),
        calls=tuple(_calls(record)),
        arguments=tuple(_argument(kernel, item) for item in parameters(record, record.exports[0])),
        results=tuple(Row(item.name, tensor_text(kernel, item), item.doc) for item in kernel.results),
        conditions=tuple(print_expression(item) for item in kernel.requires),
        policies=tuple(dict.fromkeys(_policies(kernel))),
        body=record.body.rstrip().replace("```", "` ` `"),
    )


def _calls(record: OpRecord) -> Iterator[str]:
    for target in (CPU, METAL):
        for export in record.exports:
            returned = ", ".join(target.returned(record, export)) or "None"
            head = f"{target.name}.{export.name}"
            yield bracketed(head, signature(record, export, target), f"  # -> {returned}")


def _argument(kernel: ir.Kernel, item: Parameter) -> Row:
    match item.kind, item.item:
        case "destination", ir.TensorType() as tensor:
            doc = f"where `{tensor.name}` is written; may be left out"
            return Row(item.name, tensor_text(kernel, tensor), doc)
        case _, ir.TensorType() as tensor:
            notes = ["updated in place"] if tensor.role == "mutated" else []
            notes += ["may be None"] if tensor.is_optional else []
            return Row(item.name, tensor_text(kernel, tensor), "; ".join(filter(None, (tensor.doc, *notes))))
        case _, ir.ScalarType(dtype=dtype, doc=doc):
            return Row(item.name, scalar_text(dtype), _with_default(doc, item))
        case _:
            return Row(item.name, "int", _with_default(item.item.doc or "must agree with the shapes", item))


def _with_default(doc: str, item: Parameter) -> str:
    return "; ".join(filter(None, (doc, f"default {item.default}" if item.default else "")))


def _policies(kernel: ir.Kernel) -> Iterator[str]:
    """What happens where an index that depends on data is out of range, tensor by tensor."""
    for statement in walk_statements(kernel.body):
        if isinstance(statement, ir.Store) and statement.policy is not None:
            yield f"`{statement.tensor}`: a write out of range {_WRITES[statement.policy]}."
    for expr in walk_expressions(kernel.body):
        if isinstance(expr, ir.Load) and expr.policy is not None:
            reads = _INTEGER_READS if _is_integer(kernel, expr.tensor) else _READS
            yield f"`{expr.tensor}`: a read out of range {reads[expr.policy]}."


def _is_integer(kernel: ir.Kernel, tensor: str) -> bool:
    return not any(item.is_float for item in kernel.dtype_choices(kernel.tensors()[tensor].dtype))

"""The C++ of an op's host side, and the extension modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen.host.contract import check_op_files
from codegen.host.render import render
from codegen.host.tables import host_source
from codegen.record import Field, OpRecord


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A member of the parameter struct."""

    declaration: str
    comment: str


@dataclass(frozen=True, slots=True)
class ParamsHeader:
    spec_path: str
    name: str
    params_struct: str
    fields: tuple[FieldRow, ...]


@dataclass(frozen=True, slots=True)
class HostHeader:
    spec_path: str
    name: str


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """An extension module: the names of its ops."""

    ops: tuple[str, ...]


def op_files(record: OpRecord) -> dict[str, bytes]:
    """The parameter struct and the tables of one op."""
    fields = tuple(_field_row(field, record) for field in record.fields)
    params = ParamsHeader(record.spec_path, record.name, record.params_struct, fields)
    files = {
        f"host/{record.params_struct}.h": render("params.h.j2", params),
        f"host/{record.name}_host.h": render("host.h.j2", HostHeader(record.spec_path, record.name)),
        f"host/{record.name}_host.cpp": render("host.cpp.j2", host_source(record)),
    }
    check_op_files(files, record)
    return files


def module_files(records: Sequence[OpRecord]) -> dict[str, bytes]:
    """The sources of the extension modules."""
    source = ModuleSource(tuple(record.name for record in records))
    return {
        "cuda/module.cpp": render("cuda_module.cpp.j2", source),
        "dlpack/module.cpp": render("dlpack_module.cpp.j2", source),
        "mlx/module.cpp": render("mlx_module.cpp.j2", source),
    }


def _field_row(field: Field, record: OpRecord) -> FieldRow:
    return FieldRow(f"{field.ctype} {field.name}", _field_comment(field, record))


def _field_comment(field: Field, record: OpRecord) -> str:
    tensor = record.kernel.tensors().get(field.tensor)
    if field.kind == "pointer" and tensor is not None and tensor.is_optional:
        return "  // null: not given"
    return ""

"""The parameter struct and the signature's tables, read back as facts, and those of their record."""

from __future__ import annotations

import re

from codegen.contract import Facts, require_equal
from codegen.record import OpRecord
from kernel_ir import nodes as ir

_STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"^ +([\w*]+) (\w+);", re.MULTILINE)
_TABLE = r"^constexpr {type} {name}\[\] = \{{\n(.*?)^\}};"
_FIRST_STRING = re.compile(r'^    \{(?:\.name = )?"(\w+)"', re.MULTILINE)
_ROLE = re.compile(
    r"\.role = Role::(\w+),\n.*?is_zero_filled = (\w+),.*?pointer_offset = offsetof\(Params, (\w+)\)",
    re.DOTALL,
)
_OFFSETS = re.compile(r'^    \{"\w+", .*?offsetof\(Params, (\w+)\)', re.MULTILINE)


def check_op_files(files: dict[str, bytes], record: OpRecord) -> None:
    """Raises CompilerBug where the struct or the tables of an op are not those of its record."""
    params, tables = f"host/{record.params_file}", f"host/{record.name}_host.cpp"
    require_equal(params, read_params(files[params].decode()), params_facts(record))
    require_equal(tables, read_tables(files[tables].decode()), table_facts(record))


def read_params(text: str) -> Facts:
    """The struct's name, and its members in order."""
    found = _STRUCT.search(text)
    return {} if found is None else {"struct": found[1], "members": tuple(_MEMBER.findall(found[2]))}


def params_facts(record: OpRecord) -> Facts:
    return {
        "struct": record.params_struct,
        "members": tuple((field.ctype, field.name) for field in record.fields),
    }


def read_tables(text: str) -> Facts:
    """The tensors, scalars and sizes that indices in other tables count in."""
    tensors, scalars, sizes = (
        _table(text, *row)
        for row in (("Tensor", "kTensors"), ("ScalarArgument", "kScalars"), ("Size", "kSizes"))
    )
    return {
        "tensors": tuple(_FIRST_STRING.findall(tensors)),
        "roles": tuple(_ROLE.findall(tensors)),
        "scalars": tuple(_FIRST_STRING.findall(scalars)),
        "sizes": tuple(_FIRST_STRING.findall(sizes)),
        "offsets": (*_OFFSETS.findall(scalars), *_OFFSETS.findall(sizes)),
    }


def table_facts(record: OpRecord) -> Facts:
    kernel = record.kernel
    scalars = tuple(item.name for item in kernel.arguments if isinstance(item, ir.ScalarType))
    filled = kernel.zero_filled
    return {
        "tensors": tuple(kernel.tensors()),
        "roles": tuple(
            (item.role, str(name in filled).lower(), name) for name, item in kernel.tensors().items()
        ),
        "scalars": scalars,
        "sizes": tuple(kernel.sizes),
        "offsets": (*scalars, *kernel.sizes),
    }


def _table(text: str, type_: str, name: str) -> str:
    found = re.search(_TABLE.format(type=type_, name=name), text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""

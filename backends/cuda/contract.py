"""A CUDA source and its launch tables, read back and compared with their record.

The tables name kernels by their place in the source's own table, and pass arguments by their order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from backends.cuda.spelling import STORAGE, TYPES
from codegen.contract import Facts, require_equal
from codegen.gpu.contract import launch_table_facts, read_launch_tables, read_members
from codegen.gpu.frame import template_arguments
from codegen.gpu.record import KernelRecord, LaunchRecord
from codegen.record import OpRecord

_KERNEL = re.compile(r"^__global__ void [^\n]*?(\w+)\(\n(.*?)\) \{$", re.MULTILINE | re.DOTALL)
_PARAMETER = re.compile(r"^ +(?:const )?(.*?)(?: const)? \w+,?$", re.MULTILINE)
_ROW = re.compile(r"reinterpret_cast<const void\*>\(&(\w+)<(.*)>\),$", re.MULTILINE)
_SYMBOL = re.compile(r'^extern "C" const void\* (\w+)\(int position\)', re.MULTILINE)


def check_files(
    files: Mapping[str, str], launches: tuple[LaunchRecord, ...], record: OpRecord, symbol: str
) -> None:
    """Raises CompilerBug where what was written for an op is not what its record says."""
    source, tables = f"cuda/{record.name}.cu", f"cuda/{record.name}_launches.cpp"
    require_equal(source, read_source(files[source]), source_facts(launches, record, symbol))
    require_equal(tables, read_tables(files[tables]), table_facts(launches, record, symbol))


def read_source(text: str) -> Facts:
    """The kernels' arguments by type, and the table of kernels."""
    arguments = {f"{name} arguments": tuple(_PARAMETER.findall(body)) for name, body in _KERNEL.findall(text)}
    return {**arguments, "table": tuple(_ROW.findall(text)), "symbol": tuple(_SYMBOL.findall(text))}


def source_facts(launches: tuple[LaunchRecord, ...], record: OpRecord, symbol: str) -> Facts:
    rows = [(launch, kernel) for launch in launches for kernel in launch.kernels]
    table = tuple(_table_row(*row, record) for row in sorted(rows, key=lambda row: row[1].position))
    arguments = {
        f"{launch.function(points)}_kernel arguments": (
            record.params_struct, "sgl::Launch", *(f"{TYPES[row.type.name]}*" for row in launch.scratch)
        )
        for launch in launches
        for points in {kernel.variant.points for kernel in launch.kernels}
    }  # fmt: skip
    return {**arguments, "table": table, "symbol": (symbol,)}


def _table_row(launch: LaunchRecord, kernel: KernelRecord, record: OpRecord) -> tuple[str, str]:
    arguments = ", ".join(template_arguments(kernel, launch, record, STORAGE))
    return f"{launch.function(kernel.variant.points)}_kernel", arguments


def read_tables(text: str) -> Facts:
    return {**read_launch_tables(text), **read_members(text), "symbol": tuple(_SYMBOL.findall(text))}


def table_facts(launches: tuple[LaunchRecord, ...], record: OpRecord, symbol: str) -> Facts:
    own = {"kernel": symbol, "launches": "kLaunches", "symbol": (symbol,)}
    return {**launch_table_facts(launches, record), **own}

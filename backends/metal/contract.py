"""A shader and its launch tables, read back and compared with their record.

Kernels, buffers, function constants and parameters are named or numbered in the shader and again in the
tables that host code launches from. Nothing on the way to a GPU would notice that the two differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from backends.metal.spelling import FIELDS, STORAGE, TYPES
from codegen.contract import Facts, require_equal
from codegen.gpu.contract import launch_table_facts, read_arrays, read_launch_tables, read_members
from codegen.gpu.frame import template_arguments
from codegen.gpu.record import EXCHANGE_WORDS, LaunchRecord, constant_positions
from codegen.record import OpRecord

_STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^    (\w+) (\w+);$", re.MULTILINE)
_CONSTANT = re.compile(r"^constant (\w+) (\w+) \[\[function_constant\((\d+)\)\]\];$", re.MULTILINE)
_KERNEL = re.compile(
    r"^\[\[kernel, max_total_threads_per_threadgroup\((\d+)\)\]\] void (\w+)\(\n(.*?)\) \{$",
    re.MULTILINE | re.DOTALL,
)
_BUFFER = re.compile(r"^ +(.*?[*&]) ?(\w+) \[\[buffer\((\d+)\)\]\]", re.MULTILINE)
_SHARED = re.compile(r"^ +threadgroup (.*?[*&]) ?\w+ \[\[threadgroup\((\d+)\)\]\]", re.MULTILINE)
_INSTANCE = re.compile(r'^SGL_KERNEL\("(\w+)", (\w+)<(.*)>\)$', re.MULTILINE)
_RENAMED = re.compile(r"_\d+$")


def check_files(files: Mapping[str, str], launches: tuple[LaunchRecord, ...], record: OpRecord) -> None:
    """Raises CompilerBug where what was written for an op is not what its record says."""
    shader, tables = f"metal/{record.name}.metal", f"metal/{record.name}_launches.cpp"
    require_equal(shader, read_shader(files[shader], record), shader_facts(launches, record))
    require_equal(tables, read_tables(files[tables]), table_facts(launches, record))


def read_shader(text: str, record: OpRecord) -> Facts:
    """What the shader declares to its host. Tensors have their names in the spec."""
    struct = _STRUCT.search(text)
    facts: dict[str, object] = {
        "parameters": (struct[1], tuple(_FIELD.findall(struct[2]))) if struct else None,
        "constants": tuple(_CONSTANT.findall(text)),
        "instances": tuple(_INSTANCE.findall(text)),
    }
    tensors = record.kernel.tensors()
    for threads, kernel, parameters in _KERNEL.findall(text):
        facts[f"{kernel} threads"] = threads
        facts[f"{kernel} buffers"] = tuple(
            (position, type_, _author_name(name, tensors))
            for type_, name, position in _BUFFER.findall(parameters)
        )
        facts[f"{kernel} threadgroup memory"] = tuple(_SHARED.findall(parameters))
    return facts


def shader_facts(launches: tuple[LaunchRecord, ...], record: OpRecord) -> Facts:
    fields = tuple((FIELDS[item.ctype], item.name) for item in record.fields if item.kind != "pointer")
    facts: dict[str, object] = {
        "parameters": (record.params_struct, fields),
        "constants": tuple(
            ("int", f"{launch.name}_kernel_{size}", str(position))
            for launch in launches
            for position, size in constant_positions(launch)
        ),
        "instances": tuple(
            (
                kernel.name,
                f"{launch.name}_kernel",
                ", ".join(template_arguments(kernel, launch, record, STORAGE)),
            )
            for launch in launches
            for kernel in launch.kernels
        ),
    }
    for launch in launches:
        buffers = _buffers(launch, record)
        facts[f"{launch.name}_kernel threads"] = str(launch.schedule.most_threads)
        facts[f"{launch.name}_kernel buffers"] = tuple((str(n), *row) for n, row in enumerate(buffers))
        facts[f"{launch.name}_kernel threadgroup memory"] = (("uint32_t*", "0"),)
    return facts


def read_tables(text: str) -> Facts:
    arrays = read_arrays(text)
    own = {"kernel names": arrays.get("kKernels", ()), "constant rows": arrays.get("kConstants", ())}
    return {**read_launch_tables(text), **own, **read_members(text)}


def table_facts(launches: tuple[LaunchRecord, ...], record: OpRecord) -> Facts:
    constants = tuple(
        f"{{{launch.number}, size_{size}, {position}}}"
        for launch in launches
        for position, size in constant_positions(launch)
    )
    pointers = sum(field.kind == "pointer" for field in record.fields)
    return {
        **launch_table_facts(launches, record),
        "kernel names": tuple(f'"{kernel.name}"' for launch in launches for kernel in launch.kernels),
        "shader": f'"{record.name}"',
        "launches": "kLaunches",
        "kernels": "kKernels",
        "constants": "kConstants" if constants else "{}",
        "constant rows": constants,
        "first_value": f"{pointers} * sizeof(void*)",
        "params_bytes": f"sizeof({record.params_struct})",
        "exchange_bytes": str(4 * EXCHANGE_WORDS),
    }


def _buffers(launch: LaunchRecord, record: OpRecord) -> Iterator[tuple[str, str]]:
    """The type and the name of each buffer, in the order of `LaunchRecord`. Only tensors' names count."""
    tensors, variables = record.kernel.tensors(), {name for name, _ in record.kernel.types}
    for name in launch.tensors:
        item = tensors[name]
        type_ = item.dtype if item.dtype in variables else STORAGE[item.dtype]
        yield f"device {'const ' if item.role == 'input' else ''}{type_}*", name
    for row in launch.scratch:
        yield f"device {TYPES[row.type.name]}*", ""
    yield f"constant {record.params_struct}&", ""
    yield "constant sgl::Launch&", ""


def _author_name(identifier: str, tensors: Mapping[str, object]) -> str:
    """The tensor that an identifier stands for: a reserved word has a number behind it."""
    plain = _RENAMED.sub("", identifier)
    return identifier if identifier in tensors else plain if plain in tensors else ""

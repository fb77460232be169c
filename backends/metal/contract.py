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
from codegen.gpu.text import memory_of, signature_names
from codegen.record import OpRecord
from kernel_ir.names import RESERVED

_STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^    (\w+) (\w+);$", re.MULTILINE)
_CONSTANT = re.compile(r"^constant (\w+) (\w+) \[\[function_constant\((\d+)\)\]\];$", re.MULTILINE)
_KERNEL = re.compile(
    r"^\[\[kernel, max_total_threads_per_threadgroup\((\d+)\)\]\] void (\w+)\(\n(.*?)\) \{\n(.*?)^\}$",
    re.MULTILINE | re.DOTALL,
)
_BUFFER = re.compile(r"^ +(.*?[*&]) ?(\w+) \[\[buffer\((\d+)\)\]\]", re.MULTILINE)
_POSITION = re.compile(r"^ +(uint3?) (\w+) \[\[(\w+)\]\]", re.MULTILINE)
_TEAM = re.compile(r" team = .*?\bmake_team\(([^()]*)\)")
_LOCAL = re.compile(
    r"^    const \w+ (\w+) = (?:sgl::size<index_t>\((\w+), |.*?\b)params\.(\w+)", re.MULTILINE
)
_WORD = re.compile(r"\w+|[(),]")
_SHARED = re.compile(r"^ +threadgroup (.*?[*&]) ?\w+ \[\[threadgroup\((\d+)\)\]\]", re.MULTILINE)
_INSTANCE = re.compile(r'^SGL_KERNEL\("(\w+)", (\w+)<(.*)>\)$', re.MULTILINE)

# What Metal tells a kernel of where a thread is, and what makes its team of it.
_POSITIONS = (
    ("uint3", "group", "threadgroup_position_in_grid"),
    ("uint3", "groups", "threadgroups_per_grid"),
    ("uint", "thread_index", "thread_index_in_threadgroup"),
)
_TEAM_PARTS = ("launch, exchange, group, groups, thread_index",)


def check_files(files: Mapping[str, str], launches: tuple[LaunchRecord, ...], record: OpRecord) -> None:
    """Raises CompilerBug where what was written for an op is not what its record says."""
    shader, tables = f"metal/{record.name}.metal", f"metal/{record.name}_launches.cpp"
    require_equal(shader, read_shader(files[shader], launches, record), shader_facts(launches, record))
    require_equal(tables, read_tables(files[tables]), table_facts(launches, record))


def read_shader(text: str, launches: tuple[LaunchRecord, ...], record: OpRecord) -> Facts:
    """What the shader declares to its host, and what it does with that."""
    struct = _STRUCT.search(text)
    facts: dict[str, object] = {
        "parameters": (struct[1], tuple(_FIELD.findall(struct[2]))) if struct else None,
        "constants": tuple(_CONSTANT.findall(text)),
        "instances": tuple(_INSTANCE.findall(text)),
    }
    known = {f"{launch.name}_kernel": _names(launch, record) for launch in launches}
    for threads, kernel, parameters, body in _KERNEL.findall(text):
        names = known.get(kernel, {})
        facts[f"{kernel} threads"] = threads
        facts[f"{kernel} buffers"] = tuple(_BUFFER.findall(parameters))
        facts[f"{kernel} threadgroup memory"] = tuple(_SHARED.findall(parameters))
        facts[f"{kernel} positions"] = tuple(_POSITION.findall(parameters))
        facts[f"{kernel} team"] = tuple(_TEAM.findall(body))
        facts[f"{kernel} locals of other parameters"] = tuple(_wrong_locals(kernel, body, names))
        facts[f"{kernel} strides of other tensors"] = tuple(_wrong_strides(body, names, record))
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
        facts[f"{launch.name}_kernel buffers"] = tuple(
            (type_, name, str(position)) for position, (type_, name) in enumerate(buffers)
        )
        facts[f"{launch.name}_kernel threadgroup memory"] = (("uint32_t*", "0"),)
        facts[f"{launch.name}_kernel positions"] = _POSITIONS
        facts[f"{launch.name}_kernel team"] = _TEAM_PARTS
        facts[f"{launch.name}_kernel locals of other parameters"] = ()
        facts[f"{launch.name}_kernel strides of other tensors"] = ()
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
    """The type and the name of each buffer, in the order of `LaunchRecord`."""
    names, tensors = _names(launch, record), record.kernel.tensors()
    variables = {name for name, _ in record.kernel.types}
    for name in launch.tensors:
        item = tensors[name]
        type_ = item.dtype if item.dtype in variables else STORAGE[item.dtype]
        yield f"device {'const ' if item.role == 'input' else ''}{type_}*", names[name]
    for row in launch.scratch:
        yield f"device {TYPES[row.type.name]}*", names[memory_of(row.name)]
    yield f"constant {record.params_struct}&", "params"
    yield "constant sgl::Launch&", "launch"


def _wrong_locals(kernel: str, body: str, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Locals of the kernel's frame that hold another parameter than the one they are named after."""
    for name, constant, field in _LOCAL.findall(body):
        if names.get(field) != name or constant not in ("", f"{kernel}_{field}"):
            yield name, f"{constant} {field}".strip()


def _wrong_strides(body: str, names: Mapping[str, str], record: OpRecord) -> Iterator[tuple[str, str]]:
    """Strides in the arguments of an access to another tensor: the tensor and the stride."""
    strides = [item for item in record.fields if item.kind == "stride" and item.name in names]
    owners = {names[item.name]: names[item.tensor] for item in strides}
    tensors = {names[name] for name in record.kernel.tensors() if name in names}
    calls: list[str] = []  # the tensor that each open parenthesis passes on, if any
    words = _WORD.findall(body)
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "(":
            calls.append("")
        elif word == ")":
            del calls[-1:]
        elif word in tensors and following == "," and calls:
            calls[-1] = word
        elif word in owners:
            accessed = next((name for name in reversed(calls) if name), owners[word])
            if accessed != owners[word]:
                yield accessed, word


def _names(launch: LaunchRecord, record: OpRecord) -> dict[str, str]:
    """What the launch's tensors, scratch, strides, sizes and scalars are called in its kernel."""
    return signature_names(record.kernel, launch, RESERVED).blocks[0].identifiers

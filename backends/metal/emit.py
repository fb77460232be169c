"""Metal kernels: one shader a spec, with an entry point for every dtype and variant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backends.metal.contract import check_files
from backends.metal.lint import Macro, lint, macros_of
from backends.metal.spelling import FIELDS, SPELLINGS, STORAGE, TYPES
from codegen import lowered as low
from codegen.gpu.frame import about, is_written, template_arguments, template_parameters, value_locals
from codegen.gpu.launch_tables import Array, Frame, write_launches
from codegen.gpu.plan import LaunchPlan, plan
from codegen.gpu.record import EXCHANGE_WORDS, LaunchRecord, constant_positions
from codegen.gpu.schedule import Schedule, Schedules, Target, TeamSize
from codegen.gpu.text import memory_of
from codegen.gpu.wrap import wrap
from codegen.gpu.writer import GpuWriter
from codegen.record import OpRecord
from codegen.render import render
from kernel_ir.errors import TargetError

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
RUNTIME = (HERE / "runtime", HERE.parent / "gpu_runtime")  # where a shader's headers are
TARGET = Target(
    "metal",
    most_buffers=31,
    schedules=Schedules(parted=Schedule((TeamSize(None, 256),), register_bytes=384, part_lanes=32)),
)


@dataclass(frozen=True, slots=True)
class Instance:
    """An entry point: its name, and the kernel's template with its arguments."""

    name: str
    kernel: str


@dataclass(frozen=True, slots=True)
class ConstantRow:
    """A function constant and the size it holds."""

    identifier: str
    position: int


@dataclass(frozen=True, slots=True)
class Kernel:
    """One launch as the template places it."""

    name: str
    about: str
    template: str
    most_threads: int
    constants: tuple[ConstantRow, ...]
    parameters: tuple[str, ...]
    frame: tuple[str, ...]
    body: tuple[str, ...]
    instances: tuple[Instance, ...]


def emit(program: low.Program, record: OpRecord, target: Target = TARGET) -> dict[str, str]:
    """A kernel's shader and its launch tables: path under `generated/` -> text. Raises TargetError."""
    return emit_planned(plan(program, record, target), record, target)


def emit_planned(plans: tuple[LaunchPlan, ...], record: OpRecord, target: Target = TARGET) -> dict[str, str]:
    """The same for a program whose launches are planned for the target."""
    files = _write(plans, record, target)
    for finding in lint(files[f"metal/{record.name}.metal"], header_macros()):
        reason = f"Metal refuses what would be emitted ({finding.message})"
        raise TargetError(target.name, f"{finding.rule} at line {finding.line}", record.name, reason)
    return files


def write(program: low.Program, record: OpRecord, target: Target = TARGET) -> dict[str, str]:
    """The same as `emit` without a look at whether Metal takes the text."""
    return _write(plan(program, record, target), record, target)


def _write(plans: tuple[LaunchPlan, ...], record: OpRecord, target: Target) -> dict[str, str]:
    fields = [item for item in record.fields if item.kind != "pointer"]
    context = {
        "record": record,
        "fields": [(FIELDS[item.ctype], item.name) for item in fields],
        "kernels": [_kernel(item, record, target) for item in plans],
    }
    text = render(TEMPLATES, "kernel.metal.j2", context)
    launches = tuple(item.record for item in plans)
    files = {
        f"metal/{record.name}.metal": text,
        f"metal/{record.name}_launches.cpp": write_launches(launches, record, _frame_of(launches, record)),
    }
    check_files(files, launches, record)
    return files


@cache
def header_macros() -> dict[str, Macro]:
    """The macros of the headers that shaders include."""
    found: dict[str, Macro] = {}
    for header in sorted(path for folder in RUNTIME for path in folder.glob("*.h")):
        found |= macros_of(header.read_text(encoding="ascii"))
    return found


def launch_records(
    program: low.Program, record: OpRecord, target: Target = TARGET
) -> tuple[LaunchRecord, ...]:
    """What host code needs to launch the kernel, launch by launch."""
    return tuple(item.record for item in plan(program, record, target))


def _frame_of(launches: tuple[LaunchRecord, ...], record: OpRecord) -> Frame:
    """The tables beside the launches: kernels' names by their position, and function constants."""
    names = tuple(f'"{kernel.name}"' for item in launches for kernel in item.kernels)
    constants = tuple(
        f"{{{item.number}, size_{size}, {position}}}"
        for item in launches
        for position, size in constant_positions(item)
    )
    arrays = (Array("const char*", "kKernels", names), Array("metal::ConstantRow", "kConstants", constants))
    return Frame(
        target=TARGET.name,
        headers=(f"host/{record.params_file}", "metal/host/op_launches.h"),
        namespace="gpu",
        shown="metal::OpLaunches",
        arrays=tuple(array for array in arrays if array.items),
        members=(
            f'.shader = "{record.name}"',
            ".launches = kLaunches",
            ".kernels = kKernels",
            f".constants = {'kConstants' if constants else '{}'}",
            f".first_value = {sum(field.kind == 'pointer' for field in record.fields)} * sizeof(void*)",
            f".params_bytes = sizeof({record.params_struct})",
            f".exchange_bytes = {4 * EXCHANGE_WORDS}",
        ),
    )


def _kernel(item: LaunchPlan, record: OpRecord, target: Target) -> Kernel:
    writer = GpuWriter(record.kernel, item, SPELLINGS)
    body = writer.launch()
    name = f"{item.record.name}_kernel"
    return Kernel(
        name=name,
        about=about(item),
        template=", ".join(template_parameters(item.record, record)),
        most_threads=item.record.schedule.most_threads,
        constants=tuple(ConstantRow(f"{name}_{size}", n) for n, size in constant_positions(item.record)),
        parameters=tuple(_parameters(item.record, record, writer, target)),
        frame=tuple(_frame(item.record, record, writer, name)),
        body=tuple(piece for line in body for piece in wrap(line)),
        instances=tuple(_instances(item.record, record, name)),
    )


def _parameters(launch: LaunchRecord, record: OpRecord, writer: GpuWriter, target: Target) -> Iterator[str]:
    """The kernel's buffers, in the order of `LaunchRecord`."""
    buffers = [
        f"{writer.pointer(writer.storage_of(tensor), not is_written(tensor, record))} {writer.namer[tensor]}"
        for tensor in launch.tensors
    ]
    for row in launch.scratch:
        buffers.append(f"{writer.pointer(TYPES[row.type.name])} {writer.namer[memory_of(row.name)]}")
    buffers += [f"constant {record.params_struct}& params", "constant sgl::Launch& launch"]
    if len(buffers) > target.most_buffers:
        reason = f"a launch is bound to {len(buffers)} buffers; Metal has {target.most_buffers}"
        raise TargetError(target.name, f"the tensors of launch {launch.number}", record.name, reason)
    for position, buffer in enumerate(buffers):
        yield f"{buffer} [[buffer({position})]]"
    yield "threadgroup uint32_t* exchange [[threadgroup(0)]]"
    yield "uint3 group [[threadgroup_position_in_grid]]"
    yield "uint3 groups [[threadgroups_per_grid]]"
    yield "uint thread_index [[thread_index_in_threadgroup]]"


def _frame(launch: LaunchRecord, record: OpRecord, writer: GpuWriter, name: str) -> Iterator[str]:
    """The kernel's first lines: its team, and locals for what it is given."""
    parts = "sgl::make_team(launch, exchange, group, groups, thread_index)"
    if launch.schedule.part_lanes:
        parts = f"sgl::PartOf<turns != 0>::of({parts})"
    yield f"const {'auto' if launch.schedule.part_lanes else 'sgl::Team'} team = {parts};"
    yield "if (team.item >= launch.teams) return;"
    sizes = {size: f"sgl::size<index_t>({name}_{size}, params.{size})" for size in launch.constants}
    yield from value_locals(launch, record, writer, sizes)


def _instances(launch: LaunchRecord, record: OpRecord, name: str) -> Iterator[Instance]:
    for kernel in launch.kernels:
        arguments = ", ".join(template_arguments(kernel, launch, record, STORAGE))
        yield Instance(kernel.name, f"{name}<{arguments}>")

"""CUDA kernels: one source a spec, and a table of its kernels for the host code to launch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from backends.cuda.contract import check_files
from backends.cuda.spelling import SPELLINGS, STORAGE, TYPES
from codegen import lowered as low
from codegen.gpu.frame import about, is_written, template_arguments, template_parameters, value_locals
from codegen.gpu.launch_tables import Frame, write_launches
from codegen.gpu.plan import WIDEST_ACCESS, LaunchPlan, plan
from codegen.gpu.record import LaunchRecord
from codegen.gpu.schedule import AGAIN, ONCE, Schedule, Schedules, Target, TeamSize
from codegen.gpu.text import memory_of
from codegen.gpu.wrap import wrap
from codegen.gpu.writer import GpuWriter
from codegen.record import OpRecord
from codegen.render import render

TEMPLATES = Path(__file__).parent / "templates"
TARGET = Target(
    "cuda",
    most_buffers=256,
    schedules=Schedules(
        parted=Schedule((TeamSize(None, 256),), register_bytes=384, part_lanes=16, jammed_bytes=512),
        once=replace(ONCE, teams_per_group=4),
        again=replace(AGAIN, teams_per_group=1),
        tiled=Schedule((TeamSize(512, 32), TeamSize(1024, 128), TeamSize(None, 256)), tile_turns=1),
    ),
    least_lanes=4,
)


@dataclass(frozen=True, slots=True)
class Kernel:
    """One launch as the template places it."""

    name: str
    about: str
    bounds: str
    template: str
    parameters: tuple[str, ...]
    frame: tuple[str, ...]
    body: tuple[str, ...]
    instances: tuple[str, ...]


def emit(program: low.Program, record: OpRecord) -> dict[str, str]:
    """A kernel's source and its launch tables: path under `generated/` -> text. Raises TargetError."""
    plans = plan(program, record, TARGET)
    kernels = [_kernel(item, record) for made in plans for item in (made, *made.jammed)]
    context = {"record": record, "table": table_symbol(record), "kernels": kernels}
    launches = tuple(item.record for item in plans)
    files = {
        f"cuda/{record.name}.cu": render(TEMPLATES, "kernel.cu.j2", context),
        f"cuda/{record.name}_launches.cpp": write_launches(launches, record, _frame_of(record)),
    }
    check_files(files, launches, record, table_symbol(record))
    return files


def launch_records(program: low.Program, record: OpRecord) -> tuple[LaunchRecord, ...]:
    """What host code needs to launch the kernel, launch by launch."""
    return tuple(item.record for item in plan(program, record, TARGET))


def table_symbol(record: OpRecord) -> str:
    """The C function `const void* symbol(int position)`: every launch's kernels, for cudaLaunchKernel."""
    return f"sgl_cuda_{record.name}"


def _frame_of(record: OpRecord) -> Frame:
    table = table_symbol(record)
    return Frame(
        target=TARGET.name,
        headers=("cuda/host/op_launches.h",),
        namespace="gpu",
        shown="cuda::OpLaunches",
        members=(f".kernel = {table}", ".launches = kLaunches"),
        declarations=(f'extern "C" const void* {table}(int position);',),
    )


def _kernel(item: LaunchPlan, record: OpRecord) -> Kernel:
    writer = GpuWriter(record.kernel, item, SPELLINGS)
    body = writer.launch()
    name = f"{item.record.function(item.points)}_kernel"
    own = (kernel for kernel in item.record.kernels if kernel.variant.points == item.points)
    arguments = (template_arguments(kernel, item.record, record, STORAGE) for kernel in own)
    return Kernel(
        name=name,
        about=about(item),
        bounds=_bounds(item.record, writer),
        template=", ".join(template_parameters(item.record, record)),
        parameters=tuple(_parameters(item.record, record, writer)),
        frame=tuple(_frame(item.record, record, writer)),
        body=tuple(piece for line in body for piece in wrap(line)),
        instances=tuple(f"{name}<{', '.join(items)}>" for items in arguments),
    )


def _bounds(launch: LaunchRecord, writer: GpuWriter) -> str:
    """The lanes of a group at most, and how many groups should find room on a multiprocessor together.

    What parts carry along takes more registers than the most lanes have.
    """
    if launch.schedule.part_lanes:
        return str(launch.schedule.most_threads)
    kept = f"turns * {launch.kept}" if launch.has_turns else "0"
    kept = f"is_aligned ? {kept} : 0" if launch.has_turns and launch.has_chunks else kept
    if launch.tiled is not None:
        return f"{launch.schedule.most_threads}, sgl::least_tiles({launch.schedule.most_threads}, {kept})"
    if writer.widens_anew:
        stored = writer.storage_of(launch.moved[0])
        kept += f", turns <= 2 && sizeof({stored}) * chunk <= {WIDEST_ACCESS}"
    return f"sgl::kMostLanes, sgl::least_blocks({kept})"


def _parameters(launch: LaunchRecord, record: OpRecord, writer: GpuWriter) -> Iterator[str]:
    yield f"const {record.params_struct} params"
    yield "const sgl::Launch launch"
    for row in launch.scratch:
        yield f"{TYPES[row.type.name]}* const {writer.namer[memory_of(row.name)]}"


def _frame(launch: LaunchRecord, record: OpRecord, writer: GpuWriter) -> Iterator[str]:
    """The kernel's first lines: its team, and locals for what it is given."""
    parts = "sgl::make_team(launch)"
    if launch.schedule.part_lanes:
        parts = f"sgl::PartOf<turns != 0>::of({parts})"
    yield f"const {'auto' if launch.schedule.part_lanes else 'sgl::Team'} team = {parts};"
    yield "if (team.item >= launch.teams) return;"
    for tensor in launch.tensors:
        if tensor in writer.used:
            yield _pointer(tensor, record, writer)
    yield from value_locals(launch, record, writer, {})


def _pointer(tensor: str, record: OpRecord, writer: GpuWriter) -> str:
    """A typed pointer. Only what no kernel writes may be promised not to overlap anything."""
    type_ = writer.storage_of(tensor)
    if is_written(tensor, record):
        return f"{type_}* const {writer.namer[tensor]} = static_cast<{type_}*>(params.{tensor});"
    value = f"static_cast<const {type_}*>(params.{tensor})"
    return f"const {type_}* __restrict__ const {writer.namer[tensor]} = {value};"

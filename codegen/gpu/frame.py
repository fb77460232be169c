"""What stands around a kernel's statements on every GPU: template parameters, and locals for its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from codegen.build_ir import extent_of
from codegen.gpu.plan import LaunchPlan
from codegen.gpu.record import KernelRecord, LaunchRecord
from codegen.gpu.writer import GpuWriter
from codegen.record import Entry, Field, OpRecord
from kernel_ir import nodes as ir
from kernel_ir.printer import print_expression


def template_parameters(launch: LaunchRecord, record: OpRecord) -> tuple[str, ...]:
    """The parameters of a kernel template: dtypes, index type, then what its variants need."""
    types = [f"class {name}" for name, _ in record.kernel.types]
    chunk = ["int chunk", "bool is_aligned"] if launch.has_chunks else []
    full = ["bool is_full"] if launch.schedule.part_lanes else []
    return (*types, "class index_t", *chunk, *(["int turns"] if launch.has_turns else []), *full)


def template_arguments(
    kernel: KernelRecord, launch: LaunchRecord, record: OpRecord, storage: Mapping[str, str]
) -> tuple[str, ...]:
    """The arguments of one instantiation, in the order of `template_parameters`."""
    variant = kernel.variant
    entry = _entry(kernel, record)
    types = [storage[dtype.name] for _, dtype in entry.dtypes]
    chunk = [str(kernel.chunk), "true" if variant.is_aligned else "false"] if launch.has_chunks else []
    turns = [str(variant.turns)] if launch.has_turns else []
    full = ["true" if variant.is_full else "false"] if launch.schedule.part_lanes else []
    return (*types, "int64_t" if variant.is_wide else "int32_t", *chunk, *turns, *full)


def _entry(kernel: KernelRecord, record: OpRecord) -> Entry:
    return next(entry for entry in record.entries if entry.suffix == kernel.entry)


def value_locals(
    launch: LaunchRecord, record: OpRecord, writer: GpuWriter, sizes: Mapping[str, str]
) -> Iterator[str]:
    """Locals for the strides, sizes and scalars that the body uses. `sizes` overrides where a size is."""
    for item in record.fields:
        if item.kind != "pointer" and item.name in writer.used:
            yield _local(item, record, writer, sizes)
    for position, name in enumerate(launch.given):
        if f"given {name}" in writer.used:
            yield f"const bool {writer.namer[f'given {name}']} = sgl::is_given(launch, {position});"


def _local(item: Field, record: OpRecord, writer: GpuWriter, sizes: Mapping[str, str]) -> str:
    name = writer.namer[item.name]
    if item.kind != "scalar":
        value = sizes.get(item.name, f"index_t(params.{item.name})")
        return f"const index_t {name} = {value};"
    scalars = {arg.name: arg.dtype for arg in record.kernel.arguments if isinstance(arg, ir.ScalarType)}
    dtype = scalars[item.name].name
    test = " != 0" if dtype == "bool" else ""
    return f"const {writer.types[dtype]} {name} = params.{item.name}{test};"


def about(item: LaunchPlan) -> str:
    """One line that says what a team works on."""
    axes = [f"{axis.var.partition('.')[0]} < {print_expression(axis.high)}" for axis in item.launch.grid]
    if item.tiled is not None:
        extent = print_expression(extent_of(item.tiled.low, item.tiled.high))
        axes.append(f"a tile of {item.tiled.var.partition('.')[0]} < {extent}")
    return f"One team for each {', '.join(axes)}." if axes else "One team in all."


def is_written(tensor: str, record: OpRecord) -> bool:
    """Whether kernels may write a tensor."""
    return record.kernel.tensors()[tensor].role != "input"

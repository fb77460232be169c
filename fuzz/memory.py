"""The memory of one call: copies of its tensors, blank results, and whether anything else was written."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from codegen.record import Entry, OpRecord
from fuzz.inputs import Call, Placed, blank, place, shape_of
from kernel_ir import nodes as ir
from kernel_ir.rounding import Array

_CTYPES = {
    "void*": ctypes.c_void_p, "int64_t": ctypes.c_int64, "float": ctypes.c_float,
    "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32, "uint8_t": ctypes.c_uint8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Memory:
    """Where each tensor of a call lies for one run, and how all memory looked before it."""

    kernel: ir.Kernel
    call: Call
    placed: Mapping[str, Placed]
    before: Mapping[str, Array]

    def address(self, tensor: str) -> int | None:
        item = self.placed.get(tensor)
        return None if item is None else item.memory.ctypes.data + item.offset * item.memory.itemsize

    def outputs(self) -> dict[str, Array]:
        """Results and mutated arguments."""
        tensors = self.kernel.tensors()
        return {name: item.view() for name, item in self.placed.items() if tensors[name].role != "input"}

    def strays(self) -> str:
        """The tensor beside which something was written, or the input that was; empty if none was."""
        tensors = self.kernel.tensors()
        for name, item in self.placed.items():
            kept = self.before[name].copy()
            if tensors[name].role != "input":
                item.view(kept)[...] = item.view()
            if kept.tobytes() != item.memory.tobytes():
                return name
        return ""


def lay_out(kernel: ir.Kernel, entry: Entry, call: Call, goes_back: bool = True) -> Memory:
    """Memory for one run; without `goes_back`, what lies backwards is copied, as host code does for a GPU."""
    placed = {}
    for name in (*call.tensors, *(result.name for result in kernel.results)):
        item = place_of(kernel, entry, call, name, goes_back)
        if item is not None:
            placed[name] = replace(item, memory=item.memory.copy())
    return Memory(kernel, call, placed, {name: item.memory.copy() for name, item in placed.items()})


def place_of(kernel: ir.Kernel, entry: Entry, call: Call, name: str, goes_back: bool) -> Placed | None:
    """Where a tensor lies for a run, in memory that may be the call's own; None where it is not passed."""
    if name in call.tensors:
        item = call.tensors[name]
        is_copied = item is not None and not goes_back and any(step < 0 for step in item.strides)
        return place(item.view().copy(), "packed") if item is not None and is_copied else item
    result, is_zero = kernel.tensors()[name], name in kernel.zero_filled
    layout, shift = call.results.get(name, ("packed", 0))
    if layout == "reversed" and not goes_back:
        layout = "packed"
    return blank(entry.resolve(result.dtype), shape_of(result, call.sizes), is_zero, layout, shift)


def entry_of(record: OpRecord, types: Mapping[str, str]) -> Entry:
    """The instantiation for the dtypes of type variables."""
    return next(
        item for item in record.entries if {name: dtype.name for name, dtype in item.dtypes} == dict(types)
    )


def params_of(record: OpRecord, memory: Memory) -> ctypes.Structure:
    """The op's parameter struct for one run."""
    fields = [(field.name, _CTYPES[field.ctype]) for field in record.fields]
    struct = type("Params", (ctypes.Structure,), {"_fields_": fields})
    made: ctypes.Structure = struct(**{item.name: _member(item, record, memory) for item in record.fields})
    return made


def _member(field: Any, record: OpRecord, memory: Memory) -> Any:
    match field.kind:
        case "pointer":
            return memory.address(field.tensor)
        case "stride":
            item = memory.placed.get(field.tensor)
            return 0 if item is None else item.steps[field.axis]
        case "size":
            return memory.call.sizes[field.name]
        case _:
            return numbers_of(record.kernel, memory.call)[field.name]


def numbers_of(kernel: ir.Kernel, call: Call) -> dict[str, Any]:
    """Every scalar argument's value, defaults included."""
    items = [item for item in kernel.arguments if isinstance(item, ir.ScalarType)]
    return {item.name: call.numbers.get(item.name, item.default) for item in items}

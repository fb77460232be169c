"""What a kernel's parameter is bound to, by its attribute."""

from __future__ import annotations

from dataclasses import dataclass

BUFFER, THREADGROUP, POSITION = range(3)
MOST_BUFFERS = 31

# In the order of `Position` in abi.h; synonyms share a row.
POSITIONS = (
    ("thread_position_in_grid",),
    ("thread_position_in_threadgroup",),
    ("thread_index_in_threadgroup",),
    ("threadgroup_position_in_grid",),
    ("threadgroups_per_grid",),
    ("threads_per_threadgroup",),
    ("threads_per_grid", "grid_size"),
    ("threads_per_simdgroup", "thread_execution_width"),
    ("simdgroup_index_in_threadgroup",),
    ("thread_index_in_simdgroup",),
    ("simdgroups_per_threadgroup",),
    ("dispatch_threads_per_threadgroup",),
    ("quadgroup_index_in_threadgroup",),
    ("thread_index_in_quadgroup",),
    ("dispatch_simdgroups_per_threadgroup",),
    ("quadgroups_per_threadgroup", "dispatch_quadgroups_per_threadgroup"),
)
_BY_NAME = {name: index for index, names in enumerate(POSITIONS) for name in names}
THREAD_INDEX = _BY_NAME["thread_index_in_threadgroup"]


@dataclass(frozen=True, slots=True)
class Slot:
    """`kind` is that of `SlotKind` in abi.h; `index` the buffer's, or the position's row."""

    kind: int
    index: int
    is_writable: bool


def slot_of(attributes: list[tuple[str, str]], declared: list[str]) -> Slot | None:
    """The slot that one of a parameter's attributes (name, argument) gives; `declared` are its words."""
    pointee = declared[: next((n for n, word in enumerate(declared) if word in ("*", "&")), 0)]
    is_writable = bool(pointee) and not {"const", "constant"} & set(pointee)
    for name, argument in attributes:
        if name == "buffer":
            return Slot(BUFFER, int(argument), is_writable)
        if name == "threadgroup":
            return Slot(THREADGROUP, int(argument), is_writable)
        if name in _BY_NAME:
            return Slot(POSITION, _BY_NAME[name], False)
    return None

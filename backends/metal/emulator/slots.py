"""What a kernel's parameter is bound to, by its attribute."""

from __future__ import annotations

from dataclasses import dataclass

BUFFER, THREADGROUP, POSITION = range(3)
MOST_BUFFERS = 31
KINDS = ("buffer", "threadgroup")  # the attributes that carry an index, by kind

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
    """`kind` is that of `SlotKind` in abi.h; `index` the buffer's, or the position's row.

    `condition` is the function constant without which the parameter is not there; empty: it always is.
    """

    kind: int
    index: int
    is_writable: bool
    name: str
    condition: str = ""

    @property
    def place(self) -> str:
        """What a shader writes for the index."""
        return f"[[{KINDS[self.kind]}({self.index})]]"


def slot_of(attributes: list[tuple[str, str]], declared: list[str]) -> Slot | None:
    """The slot that one of a parameter's attributes (name, argument) gives; `declared` are its words.

    A buffer's index is a number by now.
    """
    words = declared[: next((n for n, word in enumerate(declared) if word in ("*", "&")), 0)]
    is_writable = bool(words) and not {"const", "constant"} & set(words)
    own_name = declared[-1]
    condition = dict(attributes).get("function_constant", "")
    for name, argument in attributes:
        if name in KINDS:
            return Slot(KINDS.index(name), int(argument), is_writable, own_name, condition)
        if name in _BY_NAME:
            return Slot(POSITION, _BY_NAME[name], False, own_name, condition)
    return None

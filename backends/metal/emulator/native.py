"""The emulator's C interface: the structs of abi.h, and a loaded shader."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Mapping
from ctypes import POINTER, c_bool, c_char, c_char_p, c_double, c_int, c_longlong, c_uint, c_ulonglong
from pathlib import Path
from typing import Any

BUFFERS = 31
MOST_TO_CONSTRUCT = 1 << 24  # accesses


class Slot(ctypes.Structure):
    """`condition` is where a function constant lies that the parameter depends on; null: it is there."""

    _fields_ = (
        ("kind", c_int), ("index", c_int), ("is_writable", c_int), ("name", c_char_p),
        ("condition", POINTER(c_bool)),
    )  # fmt: skip


class NeededConstant(ctypes.Structure):
    _fields_ = (("index", c_int), ("name", c_char_p))


class Needs(ctypes.Structure):
    _fields_ = (
        ("most_threads", c_int), ("constant_count", c_int), ("constants", POINTER(NeededConstant)),
    )  # fmt: skip


class Kernel(ctypes.Structure):
    def of_kind(self, kind: int) -> Iterator[Slot]:
        """The parameters that are bound to one kind of thing."""
        return (self.slots[n] for n in range(self.slot_count) if self.slots[n].kind == kind)

    def needed_constants(self) -> dict[int, str]:
        """The function constants that every launch must set: names by index."""
        rows = (self.needs.constants[n] for n in range(self.needs.constant_count))
        return {row.index: row.name.decode() for row in rows}


Kernel._fields_ = (
    ("name", c_char_p), ("call", ctypes.c_void_p), ("function", ctypes.c_void_p), ("slots", POINTER(Slot)),
    ("slot_count", c_int), ("needs", Needs), ("next", POINTER(Kernel)),
)  # fmt: skip


class ConstantDeclared(ctypes.Structure):
    """A function constant of a shader: `kind` by its position in CONSTANT_KINDS, `size` in bytes."""


ConstantDeclared._fields_ = (
    ("index", c_int), ("kind", c_int), ("size", c_int), ("name", c_char_p),
    ("next", POINTER(ConstantDeclared)),
)  # fmt: skip
CONSTANT_KINDS = ("vector", "bool", "signed", "unsigned", "real")


class Constant(ctypes.Structure):
    _fields_ = (("index", c_int), ("real", c_double), ("whole", c_longlong))


class Party(ctypes.Structure):
    """`pc` is counted from the image's first byte, 0 where there is none; `path` names the calls."""

    _fields_ = (
        ("pc", c_uint), ("path", c_uint), ("group", c_uint), ("thread", c_uint), ("access", c_int),
    )  # fmt: skip


class Report(ctypes.Structure):
    _fields_ = (
        ("kind", c_int), ("memory", c_int), ("index", c_int), ("offset", c_longlong), ("size", c_int),
        ("count", c_int), ("now", Party), ("before", Party), ("note", c_char * 96),
    )  # fmt: skip


class Buffer(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p), ("size", c_longlong), ("is_writable", c_int), ("is_initialised", c_int),
        ("index", c_int), ("offset", c_int),
    )  # fmt: skip


class Launch(ctypes.Structure):
    _fields_ = (
        ("kernel", POINTER(Kernel)), ("initialise", ctypes.c_void_p), ("buffers", POINTER(Buffer)),
        ("buffer_count", c_int),
        ("threadgroup_bytes", c_int * BUFFERS), ("groups", c_uint * 3), ("threads", c_uint * 3),
        ("total", c_uint * 3), ("order", c_int), ("reduction", c_int), ("is_counted", c_int),
        ("is_flushing", c_int), ("seed", c_ulonglong),
        ("most_accesses", c_ulonglong),
    )  # fmt: skip


class Counts(ctypes.Structure):
    _fields_ = (
        ("device_reads", c_ulonglong), ("device_writes", c_ulonglong), ("threadgroup_reads", c_ulonglong),
        ("threadgroup_writes", c_ulonglong), ("atomics", c_ulonglong), ("barriers", c_ulonglong),
        ("simd_operations", c_ulonglong), ("device_bytes_read", c_ulonglong),
        ("device_bytes_written", c_ulonglong), ("threadgroup_bytes", c_ulonglong),
        ("private_accesses", c_ulonglong), ("threads", c_ulonglong),
    )  # fmt: skip


class Traffic(ctypes.Structure):
    _fields_ = (
        ("index", c_int), ("read", c_ulonglong), ("written", c_ulonglong), ("distinct_read", c_ulonglong),
        ("distinct_written", c_ulonglong), ("read_by_groups", c_ulonglong),
        ("written_by_groups", c_ulonglong),
    )  # fmt: skip


COUNTS = tuple(row[0] for row in Counts._fields_)

_runtime: ctypes.CDLL | None = None

_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "emu_run": (c_int, [POINTER(Launch), ctypes.c_void_p, ctypes.c_void_p]),
    "emu_report_count": (c_int, []),
    "emu_reports": (POINTER(Report), []),
    "emu_counts": (POINTER(Counts), []),
    "emu_traffic_count": (c_int, []),
    "emu_traffic": (POINTER(Traffic), []),
    "emu_path_pc": (c_uint, [c_uint]),
    "emu_path_parent": (c_uint, [c_uint]),
    "emu_set_constants": (None, [POINTER(Constant), c_int]),
}


def load_runtime(library: Path) -> None:
    """Load the scheduler and the checks; shaders find their functions by name."""
    global _runtime
    _runtime = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(_runtime, name)
        function.restype, function.argtypes = result, arguments


class NativeShader:
    """A shader's library: its kernels by name, and the range of addresses it is loaded at.

    What the shader declares is known once `construct` has run without reports.
    """

    def __init__(self, library: Path) -> None:
        self.library = ctypes.CDLL(str(library))
        self.image = tuple(self._address(name) for name in ("emu_image_begin", "emu_image_end"))
        self.kernels: dict[str, Kernel] = {}
        self.constants: dict[int, ConstantDeclared] = {}

    def construct(self) -> None:
        """Run the shader's constructors, of kernels and constants, once; `reports` tells of it."""
        assert _runtime is not None
        initialise = ctypes.cast(self.library.emu_construct, ctypes.c_void_p)
        self._run(Launch(initialise=initialise, most_accesses=MOST_TO_CONSTRUCT))
        if not _runtime.emu_report_count():
            self._list_what_is_declared()

    def _list_what_is_declared(self) -> None:
        self.library.emu_first_kernel.restype = POINTER(Kernel)
        each = self.library.emu_first_kernel()
        while each:
            self.kernels.setdefault(each.contents.name.decode(), each.contents)
            each = each.contents.next
        self.library.emu_first_constant.restype = POINTER(ConstantDeclared)
        declared = self.library.emu_first_constant()
        while declared:
            self.constants.setdefault(declared.contents.index, declared.contents)
            declared = declared.contents.next

    def _address(self, name: str) -> int:
        function = getattr(self.library, name)
        function.restype = ctypes.c_void_p
        return int(function())

    def run(self, launch: Launch, constants: Mapping[int, float] | None) -> None:
        """Set the function constants, unless there are to be none, and run. Raises MemoryError.

        `reports`, `counts` and `traffic` tell of it.
        """
        assert _runtime is not None
        rows = [
            Constant(index, float(value), int(value) if math.isfinite(value) else 0)
            for index, value in (constants or {}).items()
        ]
        table = (Constant * len(rows))(*rows)
        _runtime.emu_set_constants(table, len(rows))
        if constants is not None:
            launch.initialise = ctypes.cast(self.library.emu_initialise, ctypes.c_void_p)
        self._run(launch)

    def _run(self, launch: Launch) -> None:
        assert _runtime is not None
        if _runtime.emu_run(ctypes.byref(launch), *self.image) < 0:
            raise MemoryError("no address space is left for the emulator's stacks and buffers")

    def reports(self) -> list[Report]:
        """What the latest run found; copies."""
        assert _runtime is not None
        first = _runtime.emu_reports()
        return [Report.from_buffer_copy(first[n]) for n in range(_runtime.emu_report_count())]

    def counts(self) -> dict[str, int]:
        """What the latest run did, by the names in abi.h."""
        assert _runtime is not None
        counts = _runtime.emu_counts().contents
        return {name: getattr(counts, name) for name in COUNTS}

    def traffic(self) -> list[Traffic]:
        """What the latest run did with each buffer's bytes; copies."""
        assert _runtime is not None
        first = _runtime.emu_traffic()
        return [Traffic.from_buffer_copy(first[n]) for n in range(_runtime.emu_traffic_count())]

    def chain(self, party: Party) -> list[int]:
        """The return addresses of where a party stood, innermost first."""
        assert _runtime is not None
        offsets, path = [party.pc], party.path
        while path:
            offsets.append(int(_runtime.emu_path_pc(path)))
            path = _runtime.emu_path_parent(path)
        end = self.image[1] - self.image[0]
        return [self.image[0] + offset for offset in offsets if 0 < offset < end]

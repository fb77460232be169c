"""Which line of its spec a line of a shader comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backends.metal.emit import TARGET
from backends.metal.spelling import SPELLINGS
from codegen import lowered as low
from codegen.gpu.plan import plan
from codegen.gpu.wrap import wrap
from codegen.gpu.writer import GpuWriter
from codegen.record import OpRecord


def spec_lines(program: low.Program, record: OpRecord, shader: str) -> Mapping[int, int]:
    """Lines of the spec by those of its shader; lines that belong to no statement are left out."""
    written = shader.split("\n")
    found: dict[int, int] = {}
    at = 0
    for item in plan(program, record, TARGET):
        writer = GpuWriter(record.kernel, item, SPELLINGS)
        body = [(piece, number) for number, line in enumerate(writer.launch()) for piece in wrap(line)]
        at = _find([piece for piece, _ in body], written, at)
        found.update((at + n + 1, writer.origins[m]) for n, (_, m) in enumerate(body) if m in writer.origins)
        at += len(body)
    return found


def _find(wanted: Sequence[str], lines: Sequence[str], first: int) -> int:
    """Where some lines stand, one after another, from `first` on."""
    count = len(wanted)
    return next(n for n in range(first, len(lines)) if list(lines[n : n + count]) == wanted)

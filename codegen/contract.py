"""What was written, read back and compared with the record that it came from.

A reader gives facts by what they are about; so does the record. Where the two differ, a template or a writer
has gone wrong, and host and device would disagree on a machine that may be out of reach.
"""

from __future__ import annotations

from collections.abc import Mapping

from kernel_ir.errors import CompilerBug

Facts = Mapping[str, object]


def differences(found: Facts, wanted: Facts) -> tuple[str, ...]:
    """One line for each thing on which a text and its record differ, sorted by what it is about."""
    missing = object()
    lines = []
    for about in sorted({*found, *wanted}):
        here, there = found.get(about, missing), wanted.get(about, missing)
        if here is missing:
            lines.append(f"{about}: the text does not have it")
        elif there is missing:
            lines.append(f"{about}: the record does not have it")
        elif here != there:
            lines.append(f"{about}: the text has {_shown(here, there)}, the record {_shown(there, here)}")
    return tuple(lines)


def require_equal(path: str, found: Facts, wanted: Facts) -> None:
    """Raise CompilerBug where the text of `path` differs from its record."""
    wrong = differences(found, wanted)
    if wrong:
        raise CompilerBug(f"{path} is not what its record says: {'; '.join(wrong)}")


def _shown(value: object, other: object) -> str:
    """A value; of two lists of one length, what differs."""
    if isinstance(value, tuple) and isinstance(other, tuple) and len(value) == len(other):
        differing = [item for item, beside in zip(value, other, strict=True) if item != beside]
        return repr(differing[0]) if len(differing) == 1 else repr(tuple(differing))
    return repr(value)

"""What a back end is to the pipeline: a name, and a way to write a lowered kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codegen import lowered as low
from codegen.record import OpRecord

Emit = Callable[[low.Program, OpRecord], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Backend:
    """One target. `emit` gives its sources for a kernel, by path under `generated/`.

    Raises TargetError where the target cannot express a construct.
    """

    name: str
    summary: str
    emit: Emit

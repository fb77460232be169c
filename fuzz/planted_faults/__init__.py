"""Faults to plant in the compiler and its runtimes, one at a time, by the part that they are in."""

from collections.abc import Mapping
from itertools import zip_longest

from fuzz.plant import Fault
from fuzz.planted_faults import (
    cpu_runtime,
    cpu_schedule,
    front_end,
    gpu_runtime,
    gpu_schedule,
    lowering,
    metal_runtime,
    passes,
    writing,
)

PARTS: Mapping[str, tuple[Fault, ...]] = {
    "front end": front_end.FAULTS,
    "passes": passes.FAULTS,
    "lowering": lowering.FAULTS,
    "GPU schedule": gpu_schedule.FAULTS,
    "CPU schedule": cpu_schedule.FAULTS,
    "printer, writer, templates": writing.FAULTS,
    "CPU runtime": cpu_runtime.FAULTS,
    "GPU runtime": gpu_runtime.FAULTS,
    "Metal runtime": metal_runtime.FAULTS,
}

# One part after the other in turn, so that a search that is stopped early has looked at all of them.
FAULTS: tuple[Fault, ...] = tuple(
    fault for row in zip_longest(*PARTS.values()) for fault in row if fault is not None
)

# The kinds of `fuzz.plant.KINDS` that a part has no room for, and why.
_ONE_THREAD = "a team is one thread"
_NO_LANES = "there are no lanes yet"
DOES_NOT_APPLY: Mapping[str, Mapping[str, str]] = {
    "front end": {"barrier": _NO_LANES, "stride": "no element has a place in memory yet"},
    "passes": {"barrier": _NO_LANES},
    "lowering": {"narrow": "integers keep the widths that the body gives them"},
    "GPU schedule": {"rounding": "values are rounded by the runtime and by spellings"},
    "CPU schedule": {
        "barrier": _ONE_THREAD,
        "rounding": "values are rounded by the runtime and by spellings",
    },
    "CPU runtime": {"barrier": _ONE_THREAD},
    "Metal runtime": {"stale": "nothing in it outlives an expression"},
}

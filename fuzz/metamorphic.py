"""Metamorphic checks: calls that must agree with another call, whatever the right result is.

A twin goes with one of a program's calls: the same rows in another order, the same values in memory of
another layout, inputs scaled by powers of two. What it must give follows from what the target gave for the
other call, to the bit, so no tolerance hides anything. Programs that are rewritten without a change of
meaning are in `fuzz/metamorphic_text.py`.

Which relations a program is held to is drawn from its seed, a few of them each.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fuzz.compare import dtype_of
from fuzz.inputs import WRITTEN, Call, Placed, draw_layout, place
from fuzz.metamorphic_rows import draw_rows, with_rows
from fuzz.metamorphic_scale import draw_scaling, with_scaling
from fuzz.program import Program
from kernel_ir import nodes as ir
from kernel_ir.dtypes import DType
from kernel_ir.load import LoadedSpec
from kernel_ir.rounding import Array, decode

Outputs = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Twin:
    """A call that goes with call number `of`, whose outputs give by `wanted` those that it must have.

    It takes variants and an order of lanes of its own, where a target has a choice.
    """

    relation: str
    of: int
    call: Call
    wanted: Callable[[Outputs], Outputs]


def draw_twins(
    program: Program, loaded: LoadedSpec, kernel: ir.Kernel, calls: Sequence[Call]
) -> tuple[Twin, ...]:
    """A twin for each relation that is drawn, and has something to say of one of the calls."""
    draw = random.Random(f"twins {program.drawn_from}")
    found: list[Twin] = []
    for relation, share in SHARES.items():
        if draw.random() < share:
            numbers = draw.sample(range(len(calls)), len(calls))
            made = ((number, _RELATIONS[relation](draw, loaded, kernel, calls[number])) for number in numbers)
            found += [replace(twin, of=number) for number, twin in made if twin is not None][:1]
    return tuple(found)


def draw_launches(program: Program, calls: Sequence[Call]) -> tuple[Twin, ...]:
    """One of the calls once more, now and then, to be launched in another way (`run_metal.draw_another`)."""
    draw = random.Random(f"points {program.drawn_from}")
    if not calls or draw.random() > LAUNCHES:
        return ()
    number = draw.randrange(len(calls))
    return (Twin(LAUNCH, number, calls[number], lambda given: given),)


def _rows(draw: random.Random, loaded: LoadedSpec, kernel: ir.Kernel, call: Call) -> Twin | None:
    rows = draw_rows(draw, loaded, kernel, call)
    if rows is None:
        return None
    count = call.sizes[rows.size]
    return Twin("rows", 0, with_rows(draw, call, rows), lambda given: rows.outputs(given, count))


def _layout(draw: random.Random, loaded: LoadedSpec, kernel: ir.Kernel, call: Call) -> Twin | None:
    """The same values elsewhere in memory, and another way through the kernel's variants."""
    tensors = {name: _moved(draw, item) for name, item in call.tensors.items()}
    results = {name: draw_layout(draw, WRITTEN) for name in call.results}
    return Twin("layout", 0, replace(call, tensors=tensors, results=results), lambda given: given)


def _moved(draw: random.Random, item: Placed | None) -> Placed | None:
    return None if item is None else place(np.ascontiguousarray(item.view()), *draw_layout(draw, WRITTEN))


def _scaling(draw: random.Random, loaded: LoadedSpec, kernel: ir.Kernel, call: Call) -> Twin | None:
    scaling = draw_scaling(draw, kernel, call)
    scaled = None if scaling is None else with_scaling(call, scaling)
    if scaling is None or scaled is None:
        return None
    return Twin("scaling", 0, scaled, scaling.outputs)


_RELATIONS = {"rows": _rows, "layout": _layout, "scaling": _scaling}
LAUNCH, LAUNCHES = "launch", 0.2  # of the programs
SHARES = {"rows": 1.0, "layout": 0.15, "scaling": 0.35}  # of the programs that a relation applies to


# ---- comparing ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Ledger:
    """What the calls of one target gave, for their twins."""

    kernel: ir.Kernel
    outputs: dict[int, dict[str, Array]] = field(default_factory=dict)

    def keep(self, number: int, outputs: Outputs) -> None:
        self.outputs[number] = {name: values.copy() for name, values in outputs.items()}

    def difference(self, twin: Twin, outputs: Outputs) -> str:
        """Where a twin's outputs are not what they must be; empty where they are."""
        if twin.of not in self.outputs:
            return ""
        for name, wanted in twin.wanted(self.outputs[twin.of]).items():
            off = bits_off(wanted, outputs[name], dtype_of(self.kernel, name, twin.call.types))
            if off:
                return f"{name}{off} of what goes with call {twin.of}"
        return ""


def bits_off(wanted: Array, got: Array, dtype: DType) -> str:
    """The first element of which the bits differ, if any; one NaN is as good as another."""
    if wanted.shape != got.shape:
        return f" has shape {got.shape} instead of {wanted.shape}"
    values, expected = decode(got, dtype), decode(wanted, dtype)
    differs = _bits(wanted) != _bits(got)
    if dtype.is_float:
        differs &= ~(np.isnan(values) & np.isnan(expected))
    if not differs.any():
        return ""
    place = tuple(int(i) for i in np.argwhere(differs)[0])
    off = f"{list(place)} is {values[place]!s} instead of {expected[place]!s}"
    return f"{off}; {int(differs.sum())} elements differ,"


def _bits(values: Array) -> Array:
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")

"""Write calls of every shipped op and what they must give.

    PYTHONPATH=tests:. python tests/device/make_cases.py FILE [OP ...]

A machine with a GPU needs no generator then: `test_cuda_ops.py` reads the file with numpy alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from built_ops import Op, batched_outputs, every_op, large, odd_sizes, spoilt, take

from benchmarks.agreement import make_reference
from benchmarks.calls import choose_export, places
from codegen.host.targets import CUDA
from kernel_ir.rounding import Array, decode, ulp

LONG = (16384, 5000)
PARTS = ((0, 1), (5, 1), (17, 31))  # first member of a batch of 64, and how many
LARGEST = 60_000  # bytes of the arrays of a call at odd sizes
LARGEST_LONG = 140_000  # and at long ones: all calls travel as one file


@dataclass
class File:
    """The calls written so far: a row of facts for each, and arrays by `number/part/name`."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)

    def add(self, op: Op, kind: str, arguments: dict[str, Any], **more: Any) -> int:
        """One call; its number."""
        number = len(self.rows)
        given = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
        numbers = {name: value for name, value in arguments.items() if name not in given}
        self.rows.append(describe(op, kind, arguments) | {"numbers": numbers} | more)
        if kind != "part":
            parts = {f"given/{name}": value for name, value in given.items()} | expected(op, arguments)
            self.arrays |= {f"{number}/{name}": value for name, value in parts.items()}
        return number


def describe(op: Op, kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the reader must know of a call, beside its arrays. `places` are the shapes of arrays that it
    takes for results, and `public` says what the function that is called calls its arguments.
    """
    dtypes = {name: op.entry.resolve(item.dtype).name for name, item in op.kernel.tensors().items()}
    export = choose_export(op.record, op.entry)
    taken = places(op.record, op.entry, export, arguments)
    mutated = [item.name for item in op.inputs() if item.role == "mutated"]
    returns = list(CUDA.returned(op.record, export))
    facts = {"op": op.record.name, "entry": op.entry.suffix, "kind": kind, "has_out": export.has_out}
    facts |= {"function": export.name, "public": {own: public for public, own in export.arguments}}
    facts |= {"places": {name: value.shape for name, value in taken.items()}}
    rows = [item.name for item in op.inputs() if item.leading is not None]
    return facts | {"dtypes": dtypes, "returns": returns, "mutated": mutated, "rows": rows}


def expected(op: Op, arguments: dict[str, Any]) -> dict[str, Array]:
    """Storage arrays of the outputs, and by how much each element may differ (0: not at all)."""
    reference = make_reference(op.record, op.entry, arguments)
    found = {}
    for name, want in reference.outputs.items():
        dtype = op.entry.resolve(op.kernel.tensors()[name].dtype)
        unit = np.nan_to_num(ulp(decode(want, dtype).astype(np.float64), dtype), nan=1.0)
        moved = np.nan_to_num(np.broadcast_to(reference.bounds.get(name, 0.0), want.shape), nan=0.0)
        found[f"want/{name}"] = want
        found[f"allowed/{name}"] = rounded_up(np.where(moved > 0, unit + moved, 0.0))
    return found


def rounded_up(values: Array) -> Array:
    """Six bits of each are enough, and take little room."""
    part, power = np.frexp(values)
    return np.ldexp(np.ceil(part * 64) / 64, power).astype(np.float32)


def odd_calls(op: Op) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every length in turn; every third also with hostile values."""
    for number, sizes in enumerate(odd_sizes(op)):
        arguments = op.draw(sizes, number)
        if size_of(arguments) > LARGEST:
            continue
        yield "odd", arguments
        if number % 3 == 0:
            yield "hostile", spoilt(op, arguments, number)


def size_of(arguments: dict[str, Any]) -> int:
    """Bytes of the arrays of a call."""
    return sum(value.nbytes for value in arguments.values() if isinstance(value, np.ndarray))


def edge_calls(op: Op) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each size as long as fits, one of them in any case; and no elements at all."""
    long = [(name, op.draw(sizes)) for name in op.kernel.sizes for sizes in long_sizes(op, name)]
    fitting = {name: arguments for name, arguments in reversed(long) if size_of(arguments) <= LARGEST_LONG}
    shortest = min((arguments for _, arguments in long), key=size_of)
    yield from (("long", arguments) for arguments in fitting.values() or [shortest])
    for name in op.kernel.sizes:
        if (sizes := op.sizes(**{name: 0})) is not None:
            yield "empty", op.draw(sizes)


def long_sizes(op: Op, name: str) -> Iterator[dict[str, int]]:
    """Sizes with one of each length, the longest first."""
    yield from (dict(sizes) for length in LONG if (sizes := op.sizes(**{name: length})))


def add_op(file: File, op: Op) -> None:
    for kind, arguments in (*odd_calls(op), *edge_calls(op)):
        file.add(op, kind, arguments)
    arguments = op.draw(large(op))
    whole = file.add(op, "batch", arguments)
    for first, count in PARTS:
        part = take(op, arguments, first, count)
        slices = {name: len(value) for name, value in part.items() if value is not arguments[name]}
        more = {"whole": whole, "first": first, "count": count, "slices": slices}
        file.add(op, "part", part, batched=batched_outputs(op), **more)


def main(path: str, *names: str) -> None:
    """The calls of the ops named; without names, of all."""
    file = File()
    chosen = [op for op in every_op() if not names or op.record.name in names]
    for op in chosen:
        add_op(file, op)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, index=np.array(json.dumps(file.rows)), **file.arrays)
    print(f"{len(file.rows)} calls of {len(chosen)} ops in {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])

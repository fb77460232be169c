"""Sizes to emulate an op with: the spec's examples, made small enough, and odd ones around the least."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.inputs import (
    Example,
    InputError,
    element_count,
    make_arguments,
    require_enough_values,
    shape_of,
)
from codegen.record import OpRecord
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import keeps_requirements

# The interpreter takes about a microsecond an element, and the emulator as long in each order.
MOST_ELEMENTS = 150_000
MOST_ROWS = 32  # of anything that is no row's width
MOST_ODD_ELEMENTS = 4_000

# Around the sizes of chunks, simdgroups and teams.
ODD = (0, 1, 2, 3, 5, 31, 32, 33, 65, 127, 257, 513, 1030)


def scaled_examples(record: OpRecord, most: int = MOST_ELEMENTS) -> list[Example]:
    """Every example with at most `most` elements in its tensors; larger ones are scaled, twins left out."""
    found: list[Example] = []
    for example in record.examples:
        small = scale(record, example, most)
        if small not in found:
            found.append(small)
    return found


def scale(record: OpRecord, example: Example, most: int) -> Example:
    """The example with sizes halved until its tensors have at most `most` elements.

    A size that is never a row's width goes first, as low as 2, the largest ahead; then the widths. So rows
    stay as long as in the example, which is what chooses teams and variants, and there are at most MOST_ROWS.
    """
    (rest, low), widths = _in_order(record)
    example = _halve(record, example, ((rest, MOST_ROWS),), 0)
    return _halve(record, example, ((rest, low), widths), most)


def _halve(
    record: OpRecord, example: Example, order: tuple[tuple[list[str], int], ...], most: int
) -> Example:
    """Sizes halved in order, each down to the least beside it, until there are at most `most` elements."""
    while element_count(record, example) > most:
        options = [(name, low) for names, low in order for name in _largest_first(names, example)
                   if example[name] > low]  # fmt: skip
        halved = ({**example, name: max(low, int(example[name]) // 2)} for name, low in options)
        smaller = next((item for item in halved if is_possible(record, item)), None)
        if smaller is None:
            break
        example = smaller
    return example


def odd_examples(record: OpRecord) -> Iterator[Example]:
    """The least example with one size after another replaced by each of ODD, where the spec allows it."""
    least = scale(record, record.examples[0], MOST_ODD_ELEMENTS)
    for name in record.kernel.sizes:
        for value in ODD:
            other = {**least, name: value}
            is_new = name in least and other != least
            if (
                is_new
                and is_possible(record, other)
                and element_count(record, other) <= 4 * MOST_ODD_ELEMENTS
            ):
                yield other


def is_possible(record: OpRecord, example: Example) -> bool:
    """Whether a call with these sizes keeps the spec's requirements, and `values` can fill its tensors."""
    tensors = record.kernel.tensors().values()
    if any(min(shape_of(item, example), default=0) < 0 for item in tensors):
        return False
    try:
        if not keeps_requirements(record.kernel, example):
            return False
        require_enough_values(record, example)
        if element_count(record, example) <= MOST_ELEMENTS:
            make_arguments(record, example, record.entries[0])
    except (ArithmeticError, InputError, ValueError):
        return False
    return True


def _in_order(record: OpRecord) -> tuple[tuple[list[str], int], tuple[list[str], int]]:
    """The names of sizes that are halved first and last, each with the least that they are halved to."""
    widths: set[str] = set()
    for item in record.kernel.tensors().values():
        widths |= _names(item.shape[-1]) if len(item.shape) > 1 else set()
    sizes = record.kernel.sizes
    rest = [name for name in sizes if name not in widths]
    return (rest, 2), ([name for name in sizes if name in widths], 1)


def _names(extent: ir.Expr) -> set[str]:
    match extent:
        case ir.Size(name):
            return {name}
        case ir.Apply(_, args):
            return set().union(*map(_names, args))
        case _:
            return set()


def _largest_first(names: list[str], example: Example) -> list[str]:
    return sorted((name for name in names if name in example), key=lambda name: -example[name])

"""Where each size of a signature comes from, in an order in which they can be worked out.

    q: T[tokens, heads * head_dim]      tokens   from dimension 0 of q
    head_dim: size                      head_dim given
                                        heads    from dimension 1 of q, divided by head_dim

A dimension yields a size when, with the sizes before it known, the size stands in it once, under
`+`, `-` and `*` alone. `head_dim // 2` therefore yields nothing: two sizes have the same half.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kernel_ir.dtypes import I64
from kernel_ir.nodes import Apply, Expr, Size, SizeType, TensorType
from kernel_ir.shape_types import size_names
from kernel_ir.signature import Signature


@dataclass(frozen=True, slots=True)
class SizeOrigin:
    """`size` follows from dimension `axis` of `argument`, which is `dimension`; exact division.

    `axis` is None for a size argument. For a collapsed leading dimension, `axis` 0 stands for the
    product of everything it collapses. Later axes count from the end of the caller's array: axis
    `i` of `shape` is `i - len(shape)` there.
    """

    size: str
    argument: str
    axis: int | None
    dimension: Expr


def solve_sizes(signature: Signature) -> tuple[SizeOrigin, ...]:
    """The origin of every size that arguments determine; those of optional tensors come last."""
    known: dict[str, SizeOrigin] = {}
    for item in signature.arguments:
        if isinstance(item, SizeType):
            known[item.name] = SizeOrigin(item.name, item.name, None, Size(item.name, I64))
    _solve(signature, known, False)
    _solve(signature, known, True)
    return tuple(known.values())


def sizes_always_known(signature: Signature) -> frozenset[str]:
    """The sizes that are determined whichever optional tensors are absent."""
    optional = {
        item.name for item in signature.arguments if isinstance(item, TensorType) and item.is_optional
    }
    return frozenset(origin.size for origin in solve_sizes(signature) if origin.argument not in optional)


def _solve(signature: Signature, known: dict[str, SizeOrigin], with_optional: bool) -> None:
    """Add what `known` leads to, plain names first, until nothing more follows."""
    tensors = [item for item in signature.arguments if isinstance(item, TensorType)]
    open_dimensions = [
        SizeOrigin("", item.name, axis, dimension)
        for item in tensors
        if with_optional or not item.is_optional
        for axis, dimension in enumerate(item.shape)
    ]
    open_dimensions.sort(key=lambda origin: not isinstance(origin.dimension, Size))
    while found := next(_solvable(open_dimensions, known), None):
        known[found.size] = found


def _solvable(dimensions: list[SizeOrigin], known: dict[str, SizeOrigin]) -> Iterator[SizeOrigin]:
    for origin in dimensions:
        unknown = [name for name in size_names(origin.dimension) if name not in known]
        if len(unknown) == 1 and _is_invertible(origin.dimension, unknown[0]):
            yield SizeOrigin(unknown[0], origin.argument, origin.axis, origin.dimension)


def _is_invertible(expr: Expr, name: str) -> bool:
    """Whether the value of `expr` gives that of `name`, which stands in it once."""
    match expr:
        case Size():
            return True
        case Apply("add" | "subtract" | "multiply", args):
            return all(_is_invertible(arg, name) for arg in args if name in size_names(arg))
    return False

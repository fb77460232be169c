"""How much there is to do: what decides whether a launch is worth several threads."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import lowered as low
from codegen.build_ir import ONE, extent_of, is_sizes_only, op
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.traverse import walk

# Iterations assumed for a loop whose length depends on data.
UNKNOWN_TRIPS = ir.Const(64, I64)


def work_estimate(launch: low.Launch) -> ir.Expr:
    """Loop iterations of a whole launch, as an expression over sizes."""
    total = _block(launch.body)
    for axis in reversed(launch.grid):
        total = _times(_trips(axis.low, axis.high), total)
    return total


def _block(body: tuple[low.Stmt, ...]) -> ir.Expr:
    """Iterations of a block: the sum over its loops, at least 1."""
    parts = [part for statement in body if (part := _statement(statement)) is not None]
    if not parts:
        return ONE
    total = parts[0]
    for part in parts[1:]:
        total = op("add", total, part)
    return total


def _statement(statement: low.Stmt) -> ir.Expr | None:
    match statement:
        case low.Loop(_, first, end, _, body) | low.Fold(_, _, first, end, _, body):
            return _times(_trips(first, end), _block(body))
        case low.If(_, then, _) if any(isinstance(item, (low.Loop, low.Fold)) for item in then):
            return _block(then)
        case _:
            return None


def _trips(first: ir.Expr, end: ir.Expr) -> ir.Expr:
    trips = extent_of(first, end)
    return trips if is_sizes_only(trips) else UNKNOWN_TRIPS


def _times(left: ir.Expr, right: ir.Expr) -> ir.Expr:
    if left == ONE:
        return right
    return left if right == ONE else op("multiply", left, right)


def is_host_known(expr: ir.Expr) -> bool:
    """Whether host code can compute an expression before the launch."""
    return all(isinstance(item, (ir.Const, ir.Size, ir.Param, ir.Apply)) for item in walk(expr))


def tiled_loop(launch: low.Launch) -> low.Loop | None:
    """The loop that several teams, or threads, may share, where a launch is one dealt loop after bindings.

    Each of them computes the bindings for itself, which must not read what the loop writes.
    """
    if not launch.body:
        return None
    *bindings, last = launch.body
    if not isinstance(last, low.Loop) or last.kind != "lanes":
        return None
    is_plain = all(isinstance(item, ir.Let) and not item.is_mutable for item in bindings)
    is_apart = not _memory_read(bindings) & _memory_written(last)
    return last if is_plain and is_apart and is_host_known(last.low) and is_host_known(last.high) else None


def _memory_read(bindings: Sequence[low.Stmt]) -> set[str]:
    """The tensors and rows that bindings read."""
    inside = (item for let in bindings for expr in low.expressions(let) for item in walk(expr))
    return {item.tensor if isinstance(item, ir.Load) else item.row for item in inside
            if isinstance(item, (ir.Load, ir.At))}  # fmt: skip


def _memory_written(loop: low.Loop) -> set[str]:
    inside = (item for item in low.walk(loop.body) if isinstance(item, (ir.Store, low.Put)))
    return {item.tensor if isinstance(item, ir.Store) else item.row for item in inside}

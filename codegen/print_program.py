"""The lowered IR as text: what `build.py explain` shows and what the passes' tests compare."""

from __future__ import annotations

from codegen import lowered as low
from kernel_ir import nodes as ir
from kernel_ir.printer import print_expression

INDENT = "    "


def print_program(program: low.Program) -> str:
    """Every launch of a program, in order."""
    return "\n".join(print_launch(launch) for launch in program.launches)


def print_launch(launch: low.Launch) -> str:
    """A launch: its grid, then its body."""
    axes = ", ".join(f"{axis.var} in {print_range(axis.low, axis.high)}" for axis in launch.grid)
    head = f"launch over {axes}:" if axes else "launch once:"
    return "\n".join([head, print_block(launch.body, 1)]) + "\n"


def print_block(body: tuple[low.Stmt, ...], depth: int = 0) -> str:
    """A block, indented by `depth` levels; `pass` where it is empty."""
    lines = [line for statement in body for line in _lines(statement)] or ["pass"]
    return "\n".join(INDENT * depth + line for line in lines)


def print_range(first: ir.Expr, end: ir.Expr) -> str:
    """`range(end)` or `range(first, end)`."""
    from_zero = isinstance(first, ir.Const) and first.value == 0
    return f"range({', '.join(map(print_expression, (end,) if from_zero else (first, end)))})"


def _lines(statement: low.Stmt) -> list[str]:
    match statement:
        case ir.Let(name, value, is_mutable):
            return [f"{'var ' if is_mutable else ''}{name}: {value.type} = {print_expression(value)}"]
        case ir.Update(name, value):
            return [f"{name} = {print_expression(value)}"]
        case ir.Store(tensor, index, value):
            return [f"{tensor}[{', '.join(map(print_expression, index))}] = {print_expression(value)}"]
        case low.If(condition, then, orelse):
            lines = [f"if {print_expression(condition)}:", *_nested(then)]
            return [*lines, "else:", *_nested(orelse)] if orelse else lines
        case low.Loop(var, first, end, kind, body):
            return [f"for {var} in {print_range(first, end)}, {_order(kind)}:", *_nested(body)]
        case low.Fold(_, var, first, end, kind, body):
            head = f"fold {var} in {print_range(first, end)}, {_order(kind)}:"
            values = [INDENT + _accumulator(item) for item in statement.accumulators]
            return [head, *(_nested(body) if body else []), *values]
        case low.Allocate(row, type_, extent):
            return [f"scratch {row}: {type_}[{print_expression(extent)}]"]
        case low.Put(row, index, value):
            return [f"{row}[{print_expression(index)}] = {print_expression(value)}"]
        case low.Barrier():
            return ["barrier"]


def _nested(body: tuple[low.Stmt, ...]) -> list[str]:
    return print_block(body, 1).split("\n")


def _order(kind: low.LoopKind) -> str:
    return "over lanes" if kind == "lanes" else "in order"


def _accumulator(item: low.Accumulator) -> str:
    test = "" if item.where is None else f" if {print_expression(item.where)}"
    return f"{', '.join(item.names)} = {item.monoid}({print_expression(item.value)}{test})"

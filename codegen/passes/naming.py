"""Names for the values that passes bind: made from what the value reads."""

from __future__ import annotations

from codegen.names import author_name
from kernel_ir import nodes as ir
from kernel_ir.traverse import walk


def describe(expr: ir.Expr) -> str:
    """`slots_t` for `slots[t]`, `log2_rope_base` for `log2(rope_base)`."""
    for item in walk(expr):
        if isinstance(item, ir.Load):
            return "_".join([item.tensor, *_variables(item)])
    operation = expr.op if isinstance(expr, ir.Apply) else "value"
    return "_".join([operation, *_variables(expr)][:2])


def _variables(expr: ir.Expr) -> list[str]:
    names = [item.name for item in walk(expr) if isinstance(item, (ir.Var, ir.Param))]
    return list(dict.fromkeys(author_name(name) for name in names))[:2]

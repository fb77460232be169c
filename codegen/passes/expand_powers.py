"""Multiply where a power's exponent is a literal 2.

before:  `(x - mean) ** 2.0`
after:   `let base = x - mean in base * base`

The product is the same value rounded once, at a fraction of the cost of a general power.
"""

from __future__ import annotations

from dataclasses import replace

from codegen.build_ir import op
from codegen.names import Names
from kernel_ir import nodes as ir
from kernel_ir.traverse import map_children, map_expressions


def expand_powers(kernel: ir.Kernel) -> ir.Kernel:
    """The kernel with squares as products."""
    names = Names(kernel)

    def change(expr: ir.Expr) -> ir.Expr:
        expr = map_children(expr, change)
        match expr:
            case ir.Apply("power", (ir.Var() as base, ir.Const(2.0))):
                return op("multiply", base, base)
            case ir.Apply("power", (base, ir.Const(2.0)), type_):
                name = names.fresh("base")
                bound = ir.Var(name, type_)
                return ir.Bind(name, base, op("multiply", bound, bound), type_, expr.span)
            case _:
                return expr

    return replace(kernel, body=tuple(map_expressions(item, change) for item in kernel.body))

"""Names for the values that passes bind: made from what the value reads."""

from __future__ import annotations

from codegen.names import author_name
from kernel_ir import nodes as ir
from kernel_ir.traverse import walk


def describe(expr: ir.Expr) -> str:
    """`slots_t` for `slots[t]`, guarded or not, `log2_base` for `log2(base)`, `exp_x` for `exp(x[r, c])`."""
    match expr:
        case ir.Load(tensor):
            return "_".join([tensor, *_names(expr, ir.Var, ir.Param)][:3])
        case ir.Apply("select", (_, ir.Load() as load, _)):
            return describe(load)
        case ir.Apply(operation):
            return "_".join([operation, *_names(expr, ir.Load, ir.Var, ir.Param)][:2])
        case _:
            return "value"


def _names(expr: ir.Expr, *kinds: type[ir.Load | ir.Var | ir.Param]) -> list[str]:
    """What an expression names, of some kinds, in order."""
    found = [item for item in walk(expr) if isinstance(item, kinds)]
    names = [item.tensor if isinstance(item, ir.Load) else item.name for item in found]
    return list(dict.fromkeys(author_name(name) for name in names))

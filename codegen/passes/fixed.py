"""What has the same value wherever it stands: the question that moving and sharing both ask."""

from __future__ import annotations

from collections.abc import Set

from kernel_ir import nodes as ir
from kernel_ir.traverse import walk

COSTLY = frozenset("divide power exp exp2 log log2 sqrt rsqrt sin cos tanh erf".split())


def input_names(kernel: ir.Kernel) -> frozenset[str]:
    """The tensors that no store of the kernel changes."""
    return frozenset(item.name for item in kernel.tensors().values() if item.role == "input")


def is_fixed(expr: ir.Expr, changing: Set[str], inputs: Set[str]) -> bool:
    """Whether an expression reads inputs and names that do not change, and no scratch."""
    for item in walk(expr):
        match item:
            case ir.Var(name) if name in changing:
                return False
            case ir.At():
                return False
            case ir.Load(tensor) if tensor not in inputs:
                return False
            case _:
                pass
    return True

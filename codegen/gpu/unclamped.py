"""Which integers of a launch are no minimum or maximum of 32 bits, in whatever words a spec may write one."""

from __future__ import annotations

from dataclasses import dataclass, field

from codegen import lowered as low
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, I64

# Ops that make no choice between their operands, unless one is a truth value.
_ARITHMETIC = frozenset({"add", "subtract", "multiply", "floor_divide", "modulo"})
_WRAPPING = frozenset(f"wrapping_{name}" for name in ("add", "subtract", "multiply"))
_PLAIN = _ARITHMETIC | _WRAPPING | {"i32", "u32"}


@dataclass(slots=True)
class Unclamped:
    """Asked of expressions. `values`: of a launch's names that have one; `loops`: names that count."""

    values: dict[str, ir.Expr] = field(default_factory=dict)
    loops: set[str] = field(default_factory=set)

    @staticmethod
    def of_launch(launch: low.Launch) -> Unclamped:
        found = Unclamped(loops={axis.var for axis in launch.grid})
        for statement in low.walk(launch.body):
            match statement:
                case ir.Let(name, value, False):
                    found.values[name] = value
                case low.Loop(var) | low.Fold(_, var):
                    found.loops.add(var)
                case _:
                    pass
        return found

    def __call__(self, expr: ir.Expr) -> bool:
        """Whether no 32-bit integer that may have been chosen is in `expr`."""
        match expr:
            case ir.Const() | ir.Size() | ir.Param() | ir.Load():
                return True
            case ir.Var(name) if name in self.loops:
                return True
            case ir.Var(name) if name in self.values:
                return self(self.values[name])
            case ir.Apply(_, args) if expr.type == I64:
                return all(self(arg) for arg in args if arg.type != BOOL)
            case ir.Apply("select", (_, ir.Load(), ir.Const())):
                return True  # one choice alone, such as of a load that is guarded
            case ir.Apply(name, args):
                return name in _PLAIN and all(arg.type != BOOL and self(arg) for arg in args)
            case _:
                return expr.type == I64

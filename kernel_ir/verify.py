"""What is legal in the typed IR: one rule, one function. Run after the checker and every pass.

A broken rule is a bug of the compiler, never of a spec.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, COMPUTE_TYPES, F32, I64, DType
from kernel_ir.errors import CompilerBug
from kernel_ir.ops import OPS
from kernel_ir.printer import print_expression
from kernel_ir.traverse import children, statement_expressions, walk_expressions, walk_statements

Rule = Callable[[ir.Kernel], Iterator[str]]


def verify_kernel(kernel: ir.Kernel, after: str) -> None:
    """Raise CompilerBug with every rule that `kernel` breaks; `after` names the step that made it."""
    broken = [f"{rule.__name__}: {message}" for rule in RULES for message in rule(kernel)]
    if broken:
        raise CompilerBug(f"{kernel.name} is not well formed after {after}:\n  " + "\n  ".join(broken))


def names_are_unique(kernel: ir.Kernel) -> Iterator[str]:
    """No two statements bind one name, and none hides the signature."""
    bound = Counter(name for item in walk_statements(kernel.body) for name in bound_by(item))
    signature = {*kernel.tensors(), *kernel.sizes, *(item.name for item in kernel.arguments)}
    for name, count in bound.items():
        if count > 1 or name in signature:
            yield f"`{name}` is bound {count} times" if count > 1 else f"`{name}` hides the signature"


def names_are_bound(kernel: ir.Kernel) -> Iterator[str]:
    """Every name is bound before it is used, in an enclosing block."""
    yield from _unbound_in(kernel.body, set(kernel.sizes))


def _unbound_in(body: tuple[ir.Stmt, ...], bound: set[str]) -> Iterator[str]:
    bound = set(bound)
    for item in body:
        inner = bound | ({item.var} if isinstance(item, (ir.For, ir.Row)) else set())
        per_iteration = (item.where, item.value) if isinstance(item, ir.Row) else ()
        for expr, _ in statement_expressions(item):
            yield from _unbound(expr, inner if expr in per_iteration else bound)
        match item:
            case ir.Update(name) if name not in bound:
                yield f"`{name}` is updated before it is bound"
            case ir.For(_, _, _, block):
                yield from _unbound_in(block, inner)
            case ir.If(_, then, orelse):
                yield from _unbound_in(then, bound)
                yield from _unbound_in(orelse, bound)
            case _:
                pass
        bound |= set(bound_by(item)) - ({item.var} if isinstance(item, (ir.For, ir.Row)) else set())


def _unbound(expr: ir.Expr, bound: set[str]) -> Iterator[str]:
    match expr:
        case ir.Var(name) | ir.At(name) if name not in bound:
            yield f"`{name}` is used before it is bound"
        case ir.Reduce(_, var, first, end):
            yield from _unbound(first, bound)
            yield from _unbound(end, bound)
            for part in children(expr)[2:]:
                yield from _unbound(part, bound | {var})
            return
        case ir.Bind(name, value, inner):
            yield from _unbound(value, bound)
            yield from _unbound(inner, bound | {name})
            return
        case _:
            pass
    for child in children(expr):
        yield from _unbound(child, bound)


def bound_by(item: ir.Stmt) -> tuple[str, ...]:
    """The names that a statement binds."""
    match item:
        case ir.Let(name):
            return (name,)
        case ir.For(var):
            return (var,)
        case ir.Row(names, _, var):
            return (*names, var)
        case _:
            return ()


def operands_fit(kernel: ir.Kernel) -> Iterator[str]:
    """Every op has the operands that its row of the table asks for."""
    for expr in walk_expressions(kernel.body):
        if isinstance(expr, ir.Apply) and (message := misfit(expr)):
            yield message
    for expr in walk_expressions((), *kernel.requires):
        if isinstance(expr, ir.Apply) and (message := _misfit(expr.op, *_exact_types(expr))):
            yield message


def _exact_types(expr: ir.Apply) -> tuple[tuple[DType, ...], DType]:
    """Of operands and result where the host computes: an integer is an integer."""
    *operands, result = (*(arg.type for arg in expr.args), expr.type)
    return tuple(map(_exact_type, operands)), _exact_type(result)


def _exact_type(type_: DType) -> DType:
    return I64 if type_.is_integer else type_


def misfit(expr: ir.Apply) -> str:
    """What is wrong with an op's operands or result, or ""."""
    return _misfit(expr.op, tuple(arg.type for arg in expr.args), expr.type)


@cache
def _misfit(name: str, types: tuple[DType, ...], result: DType) -> str:
    op = OPS.get(name)
    if op is None or len(types) != op.arity:
        return f"`{name}` with {len(types)} operands is not an op"
    if any(type_ not in COMPUTE_TYPES for type_ in (*types, result)):
        return "a type that is not a compute type"
    is_uniform = len(set(types)) == 1
    fits = {
        "float": set(types) == {F32} and result == F32,
        "arithmetic": is_uniform and result == types[0] != BOOL,
        "integer": is_uniform and result == types[0] and types[0].is_integer,
        "shift": is_uniform and result == types[0] and types[0].is_integer,
        "compare": is_uniform and result == BOOL,
        "logic": set(types) == {BOOL} and result == BOOL,
        "select": types[0] == BOOL and types[1:] == (result, result),
        "cast": result.name == op.result,
        "classify": types == (F32,) and result == BOOL,
    }
    return "" if fits[op.rule] else f"`{name}` of {', '.join(map(str, types))} gives {result}"


def accesses_fit(kernel: ir.Kernel) -> Iterator[str]:
    """Tensors exist, have the rank they are indexed with, and i64 indices; inputs are not stored to."""
    tensors = kernel.tensors()
    loads = [
        (item.tensor, item.index, False)
        for item in walk_expressions(kernel.body)
        if isinstance(item, ir.Load)
    ]
    stores = [
        (item.tensor, item.index, True) for item in walk_statements(kernel.body) if isinstance(item, ir.Store)
    ]
    for name, index, is_store in (*loads, *stores):
        if name not in tensors:
            yield f"`{name}` is no tensor"
        elif len(index) != len(tensors[name].shape):
            yield f"`{name}` has {len(tensors[name].shape)} dimensions and {len(index)} indices"
        elif any(part.type != I64 for part in index):
            yield f"`{name}` is indexed with something other than i64"
        elif is_store and tensors[name].role == "input":
            yield f"the input `{name}` is stored to"


def conditions_are_bool(kernel: ir.Kernel) -> Iterator[str]:
    """Guards and filters are bool; bounds are i64."""
    for item in walk_statements(kernel.body):
        match item:
            case ir.If(condition) if condition.type != BOOL:
                yield f"a guard of type {condition.type}"
            case ir.For(_, first, end) | ir.Row(_, _, _, first, end) if {first.type, end.type} != {I64}:
                yield "a range whose bounds are not i64"
            case _:
                pass
    for expr in walk_expressions(kernel.body):
        if isinstance(expr, ir.Reduce) and expr.where is not None and expr.where.type != BOOL:
            yield f"a filter of type {expr.where.type}"


def updates_stay_in_iteration(kernel: ir.Kernel) -> Iterator[str]:
    """Only mutable names change, and never from another iteration of a parallel loop."""
    yield from _updates(kernel.body, {}, 0)


def _updates(body: tuple[ir.Stmt, ...], mutable: dict[str, int], depth: int) -> Iterator[str]:
    mutable = dict(mutable)
    for item in body:
        match item:
            case ir.Let(name, _, True):
                mutable[name] = depth
            case ir.Update(name) if mutable.get(name) != depth:
                yield f"`{name}` is updated where it may not change"
            case ir.For(_, _, _, block, is_ordered):
                yield from _updates(block, mutable, depth + (not is_ordered))
            case ir.If(_, then, orelse):
                yield from _updates(then, mutable, depth)
                yield from _updates(orelse, mutable, depth)
            case _:
                pass


def policies_fit(kernel: ir.Kernel) -> Iterator[str]:
    """`nan` is for reads and `skip` for writes."""
    for expr in walk_expressions(kernel.body):
        if isinstance(expr, ir.Load) and expr.policy == "skip":
            yield f"the read `{print_expression(expr)}` cannot be skipped"
    for item in walk_statements(kernel.body):
        if isinstance(item, ir.Store) and item.policy == "nan":
            yield f"the store to `{item.tensor}` cannot give NaN"


RULES: tuple[Rule, ...] = (
    names_are_unique,
    names_are_bound,
    operands_fit,
    accesses_fit,
    conditions_are_bool,
    updates_stay_in_iteration,
    policies_fit,
)

"""Move what a loop computes again and again in front of it.

before:  `for d over lanes: acc[d] = acc[d] + v[table[j], d]`
after:   `table_j = table[j]`
         `for d over lanes: acc[d] = acc[d] + v[table_j, d]`

Moved are bindings, loads of inputs and costly functions whose operands the loop does not change. A load moves
only where it is proven in range in front of the loop, which may run no iteration at all; a load
that carries its own condition is always safe.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from codegen import lowered as low
from codegen.names import Names
from codegen.passes.fixed import COSTLY, input_names, is_fixed
from codegen.passes.naming import describe
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL
from kernel_ir.prove import Facts
from kernel_ir.traverse import children, map_children, substitute, walk


def hoist(program: low.Program, names: Names) -> low.Program:
    """The program with loop-invariant loads and functions in front of their loops."""
    kernel = program.kernel
    facts = Facts.for_sizes(kernel.sizes, (item.name for item in kernel.results))
    for condition in kernel.requires:
        facts = facts.with_requirement(condition)
    pass_ = _Hoist(kernel, names)
    return replace(program, launches=tuple(pass_.launch(launch, facts) for launch in program.launches))


@dataclass(slots=True)
class _Hoist:
    """The walk. `conditions` holds what the names of a launch's conditions stand for."""

    kernel: ir.Kernel
    names: Names
    inputs: frozenset[str] = field(init=False)
    conditions: dict[str, ir.Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inputs = input_names(self.kernel)

    def launch(self, launch: low.Launch, facts: Facts) -> low.Launch:
        for axis in launch.grid:
            facts = facts.with_range(axis.var, axis.low, axis.high)
        self.conditions = _conditions(launch.body)
        return replace(launch, body=self.block(launch.body, facts))

    def block(self, body: tuple[low.Stmt, ...], facts: Facts) -> tuple[low.Stmt, ...]:
        out: list[low.Stmt] = []
        for statement in body:
            match statement:
                case low.Loop() | low.Fold():
                    lets, statement = self.empty(statement, facts)
                    out += lets
                    for item in lets:
                        facts = _with_binding(facts, item)
                    inner = facts.with_range(statement.var, statement.low, statement.high)
                    out.append(replace(statement, body=self.block(statement.body, inner)))
                case low.If(condition, then, orelse):
                    yes, no = facts.with_condition(condition, True), facts.with_condition(condition, False)
                    out.append(replace(statement, then=self.block(then, yes), orelse=self.block(orelse, no)))
                case _:
                    facts = _with_binding(facts, statement)
                    out.append(statement)
        return tuple(out)

    def empty(self, loop: low.Loop | low.Fold, facts: Facts) -> tuple[list[low.Stmt], low.Loop | low.Fold]:
        """The loop without its invariants, and the bindings that compute them in front of it."""
        changing = {loop.var} | {name for item in low.walk(loop.body) for name in low.bound_names(item)}
        changing |= {item.name for item in low.walk(loop.body) if isinstance(item, ir.Update)}
        changing |= {item.row for item in low.walk(loop.body) if isinstance(item, low.Put)}
        moved, loop = self.move_bindings(loop, changing, facts)
        found: dict[ir.Expr, str] = {}

        def change(expr: ir.Expr) -> ir.Expr:
            if (
                self.is_worth_moving(expr)
                and is_fixed(expr, changing, self.inputs)
                and self.is_safe(expr, facts)
            ):
                if expr not in found:
                    found[expr] = self.names.fresh(describe(expr))
                return ir.Var(found[expr], expr.type)
            return map_children(expr, change)

        inside = replace(loop, low=ir.Const(0, loop.low.type), high=ir.Const(0, loop.low.type))
        changed = low.map_expressions(inside, change)
        assert isinstance(changed, (low.Loop, low.Fold))
        lets: list[low.Stmt] = [ir.Let(name, expr) for expr, name in found.items()]
        return [*moved, *lets], replace(changed, low=loop.low, high=loop.high)

    def move_bindings(
        self, loop: low.Loop | low.Fold, changing: set[str], facts: Facts
    ) -> tuple[list[low.Stmt], low.Loop | low.Fold]:
        """The bindings in a loop that are the same in every iteration, and the loop without them."""
        moved: list[low.Stmt] = []

        def without(body: tuple[low.Stmt, ...], facts: Facts) -> tuple[low.Stmt, ...]:
            kept: list[low.Stmt] = []
            for item in body:
                if self.is_fixed_binding(item, changing, facts):
                    moved.append(item)
                    changing.difference_update(low.bound_names(item))
                    facts = _with_binding(facts, item)
                else:
                    kept.append(low.map_blocks(item, partial(without, facts=facts)))
            return tuple(kept)

        stripped = replace(loop, body=without(loop.body, facts))
        return moved, stripped

    def is_fixed_binding(self, item: low.Stmt, changing: set[str], facts: Facts) -> bool:
        if not isinstance(item, ir.Let) or item.is_mutable:
            return False
        return is_fixed(item.value, changing, self.inputs) and self.is_safe(item.value, facts)

    def is_worth_moving(self, expr: ir.Expr) -> bool:
        match expr:
            case ir.Load() | ir.Apply("select", (_, ir.Load(), _)):
                return True
            case ir.Apply(name, args) if name in COSTLY:
                return not all(isinstance(arg, (ir.Const, ir.Size)) for arg in args)
            case _:
                return False

    def is_safe(self, expr: ir.Expr, facts: Facts) -> bool:
        """Whether every load in `expr` is in range in front of the loop, or carries its own condition."""
        match expr:
            case ir.Apply("select", (condition, ir.Load() as load, otherwise)):
                known = substitute(condition, self.conditions)
                inside = facts.with_condition(known, True)
                given = {item.name for item in walk(known) if isinstance(item, ir.Given)}
                guarded = self.is_load_safe(load, inside, given)
                return guarded and all(self.is_safe(part, facts) for part in (condition, otherwise))
            case ir.Load():
                return self.is_load_safe(expr, facts, set())
            case _:
                return all(self.is_safe(child, facts) for child in children(expr))

    def is_load_safe(self, load: ir.Load, facts: Facts, given: set[str]) -> bool:
        """Whether the element exists: the tensor is there, and every index is proven in range."""
        item = self.kernel.tensors()[load.tensor]
        if item.is_optional and item.name not in given:
            return False
        pairs = zip(load.index, item.shape, strict=True)
        return all(facts.proves_in_range(part, extent) for part, extent in pairs) and all(
            self.is_safe(part, facts) for part in load.index
        )


def _with_binding(facts: Facts, statement: low.Stmt) -> Facts:
    """The facts after a statement, where it binds an integer."""
    match statement:
        case ir.Let(name, value, False) if value.type.is_integer:
            return facts.with_let(name, value)
        case _:
            return facts


def _conditions(body: tuple[low.Stmt, ...]) -> dict[str, ir.Expr]:
    """What each name of a condition stands for, where that holds as long as the name does."""
    mutable = {item.name for item in low.walk(body) if isinstance(item, ir.Update)}
    found: dict[str, ir.Expr] = {}
    for item in low.walk(body):
        if not isinstance(item, ir.Let) or item.is_mutable or item.value.type != BOOL:
            continue
        if not any(isinstance(part, ir.Var) and part.name in mutable for part in walk(item.value)):
            found[item.name] = substitute(item.value, found)
    return found

"""Compute what a block needs twice once.

before:  `for i over lanes: a[i] = x[i] * c - y[i] * s`      after:  `for i over lanes: x_i = x[i]`
         `                  b[i] = x[i] * s + y[i] * c`              `    y_i = y[i]`
                                                                    `    a[i] = x_i * c - y_i * s` ...

Shared are loads of inputs and costly functions that a block uses more than once, the first time
whatever branch it takes. A compiler could not share the loads by itself: the stores between them
might, for all it knows, have changed them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from codegen import lowered as low
from codegen.names import Names
from codegen.passes.fixed import COSTLY, input_names, is_fixed
from codegen.passes.naming import describe
from kernel_ir import nodes as ir
from kernel_ir.traverse import children, map_children

FOLDED = "folded"  # followed by a space: no name of a kernel


def share(program: low.Program, names: Names) -> low.Program:
    """The program with repeated loads and functions bound to names."""
    inputs = input_names(program.kernel)
    statements = [item for launch in program.launches for item in low.walk(launch.body)]
    mutable = frozenset(item.name for item in statements if isinstance(item, ir.Update))
    pass_ = _Share(names, inputs, mutable)
    launches = tuple(replace(launch, body=pass_.block(launch.body)) for launch in program.launches)
    return replace(program, launches=launches)


@dataclass(frozen=True, slots=True)
class _Share:
    names: Names
    inputs: frozenset[str]
    mutable: frozenset[str]

    def block(self, body: tuple[low.Stmt, ...]) -> tuple[low.Stmt, ...]:
        body = self.bind_repeated(body)
        return tuple(self.inside(statement) for statement in body)

    def inside(self, statement: low.Stmt) -> low.Stmt:
        match statement:
            case low.Loop():
                return replace(statement, body=self.block(statement.body))
            case low.Fold():
                return self.fold(statement)
            case low.If(_, then, orelse):
                return replace(statement, then=self.block(then), orelse=self.block(orelse))
            case _:
                return statement

    def fold(self, fold: low.Fold) -> low.Fold:
        """A fold's values belong to the block inside it: they stand at its end as updates for a moment."""
        values = [
            ir.Update(f"{FOLDED} {part} {position}", expr)
            for position, item in enumerate(fold.accumulators)
            for part, expr in (("where", item.where), ("value", item.value))
            if expr is not None
        ]
        body = self.block((*fold.body, *values))
        shared = {item.name: item.value for item in body if _is_folded(item) and isinstance(item, ir.Update)}
        accumulators = tuple(
            replace(
                item,
                value=shared[f"{FOLDED} value {position}"],
                where=shared.get(f"{FOLDED} where {position}"),
            )
            for position, item in enumerate(fold.accumulators)
        )
        return replace(
            fold, accumulators=accumulators, body=tuple(item for item in body if not _is_folded(item))
        )

    def bind_repeated(self, body: tuple[low.Stmt, ...]) -> tuple[low.Stmt, ...]:
        while (found := self.find_repeated(body)) is not None:
            position, expr = found
            binding = body[position]
            if not _is_binding_of(binding, expr):
                binding = ir.Let(self.names.fresh(describe(expr)), expr)
                body = (*body[:position], binding, *body[position:])
            assert isinstance(binding, ir.Let)
            change = _replacing(expr, ir.Var(binding.name, expr.type))
            rest = tuple(low.map_expressions(item, change) for item in body[position + 1 :])
            body = (*body[: position + 1], *rest)
        return body

    def find_repeated(self, body: tuple[low.Stmt, ...]) -> tuple[int, ir.Expr] | None:
        """The first direct use of something shareable that is used again, and where it stands."""
        counts: Counter[ir.Expr] = Counter()
        for statement in body:
            for inner in low.walk((statement,)):
                for expr in low.expressions(inner):
                    counts.update(self.shareable(expr))
        seen_nested: set[ir.Expr] = set()
        for position, statement in enumerate(body):
            direct = [] if isinstance(statement, low.Fold) else list(low.expressions(statement))
            if isinstance(statement, low.Fold):
                direct = [statement.low, statement.high]
            for expr in direct:
                for item in self.shareable(expr):
                    if counts[item] > 1 and item not in seen_nested:
                        return position, item
            for inner in low.walk((statement,)):
                for expr in low.expressions(inner):
                    seen_nested.update(self.shareable(expr))
        return None

    def shareable(self, expr: ir.Expr) -> Iterator[ir.Expr]:
        """What in an expression is worth a name: outermost first."""
        if self.is_worth_sharing(expr) and is_fixed(expr, self.mutable, self.inputs):
            yield expr
        for child in self.evaluated(expr):
            yield from self.shareable(child)

    def evaluated(self, expr: ir.Expr) -> tuple[ir.Expr, ...]:
        """The operands that are always evaluated; a guarded load stays behind its condition."""
        match expr:
            case ir.Apply("select", (condition, ir.Load(_, index), otherwise)):
                return (condition, *index, otherwise)
            case _:
                return children(expr)

    def is_worth_sharing(self, expr: ir.Expr) -> bool:
        match expr:
            case ir.Load():
                return True
            case ir.Apply("select", (_, ir.Load(), _)):
                return True
            case ir.Apply(name):
                return name in COSTLY
            case _:
                return False


def _is_folded(statement: low.Stmt) -> bool:
    return isinstance(statement, ir.Update) and statement.name.startswith(f"{FOLDED} ")


def _is_binding_of(statement: low.Stmt, expr: ir.Expr) -> bool:
    """Whether a statement does nothing but bind `expr`: then the name exists already."""
    return isinstance(statement, ir.Let) and not statement.is_mutable and statement.value == expr


def _replacing(old: ir.Expr, new: ir.Expr) -> Callable[[ir.Expr], ir.Expr]:
    def change(expr: ir.Expr) -> ir.Expr:
        return new if expr == old else map_children(expr, change)

    return change

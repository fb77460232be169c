"""What is legal in the lowered IR: one rule, one function. Run after lowering and every later pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from codegen import lowered as low
from kernel_ir import nodes as ir
from kernel_ir.errors import CompilerBug
from kernel_ir.traverse import walk
from kernel_ir.verify import misfit

Rule = Callable[[low.Program], Iterator[str]]


def verify_program(program: low.Program, after: str) -> None:
    """Raise CompilerBug with every rule that `program` breaks; `after` names the step that made it."""
    broken = [f"{rule.__name__}: {message}" for rule in RULES for message in rule(program)]
    if broken:
        raise CompilerBug(
            f"{program.kernel.name} is not well formed after {after}:\n  " + "\n  ".join(broken)
        )


def nothing_is_left_to_lower(program: low.Program) -> Iterator[str]:
    """Reductions are folds, bindings are statements, and every policy is resolved."""
    for expr in _expressions(program):
        for item in walk(expr):
            if isinstance(item, (ir.Reduce, ir.Bind)):
                yield f"{type(item).__name__} inside an expression"
            elif isinstance(item, ir.Load) and item.policy is not None:
                yield f"a load of `{item.tensor}` with the policy {item.policy}"
    for statement in _statements(program):
        if isinstance(statement, ir.Store) and statement.policy is not None:
            yield f"a store to `{statement.tensor}` with the policy {statement.policy}"


def operands_fit(program: low.Program) -> Iterator[str]:
    """Every op has the operands that its row of the table asks for."""
    for expr in _expressions(program):
        for item in walk(expr):
            if isinstance(item, ir.Apply) and (message := misfit(item)):
                yield message


def names_are_bound(program: low.Program) -> Iterator[str]:
    """Every name and row is bound before it is used, in an enclosing block or an earlier gridless launch."""
    bound: set[str] = set()
    for launch in program.launches:
        inside = bound | {axis.var for axis in launch.grid}
        yield from _unbound(launch.body, inside)
        if not launch.grid:
            bound = inside


def _unbound(body: tuple[low.Stmt, ...], bound: set[str]) -> Iterator[str]:
    """Uses of names that are not in `bound`, to which the names that the block binds are added."""
    for statement in body:
        match statement:
            case low.Fold(accumulators, var):
                inside = bound | {var}
                yield from _unknown((statement.low, statement.high), bound)
                yield from _unbound(statement.body, inside)
                yield from _unknown(low.expressions(statement)[2:], inside)
                bound |= {name for item in accumulators for name in item.names}
            case low.Loop(var):
                yield from _unknown(low.expressions(statement), bound)
                yield from _unbound(statement.body, bound | {var})
            case low.If(condition, then, orelse):
                yield from _unknown((condition,), bound)
                yield from _unbound(then, set(bound))
                yield from _unbound(orelse, set(bound))
            case ir.Update(name) | low.Put(name) if name not in bound:
                yield f"`{name}` is written before it is bound"
            case _:
                yield from _unknown(low.expressions(statement), bound)
                bound |= set(low.bound_names(statement))


def _unknown(exprs: tuple[ir.Expr, ...], bound: set[str]) -> Iterator[str]:
    for expr in exprs:
        for item in walk(expr):
            if isinstance(item, (ir.Var, ir.At)) and (name := _name(item)) not in bound:
                yield f"`{name}` is used before it is bound"


def _name(item: ir.Var | ir.At) -> str:
    return item.name if isinstance(item, ir.Var) else item.row


def lanes_do_not_nest(program: low.Program) -> Iterator[str]:
    """What one lane runs is in order, and holds no barrier: other lanes may be elsewhere."""
    for launch in program.launches:
        yield from _nested(launch.body, False)


def _nested(body: tuple[low.Stmt, ...], on_a_lane: bool) -> Iterator[str]:
    for statement in body:
        is_dealt = isinstance(statement, (low.Loop, low.Fold)) and statement.kind == "lanes"
        if on_a_lane and is_dealt:
            yield "a loop over lanes inside a loop over lanes"
        if on_a_lane and isinstance(statement, low.Barrier):
            yield "a barrier inside a loop over lanes"
        for block in low.blocks(statement):
            yield from _nested(block, on_a_lane or is_dealt)


def team_names_stay_uniform(program: low.Program) -> Iterator[str]:
    """A name of the whole team is never updated from inside a loop over lanes."""
    for launch in program.launches:
        yield from _team_updates(launch.body, frozenset(), frozenset(), False)


def _team_updates(
    body: tuple[low.Stmt, ...], team: frozenset[str], lane: frozenset[str], on_a_lane: bool
) -> Iterator[str]:
    for statement in body:
        match statement:
            case ir.Let(name, _, True):
                team, lane = (team, lane | {name}) if on_a_lane else (team | {name}, lane)
            case ir.Update(name) if on_a_lane and name in team:
                yield f"`{name}` belongs to the team and is updated on one lane"
            case _:
                pass
        is_dealt = isinstance(statement, (low.Loop, low.Fold)) and statement.kind == "lanes"
        for block in low.blocks(statement):
            yield from _team_updates(block, team, lane, on_a_lane or is_dealt)


def stores_fit(program: low.Program) -> Iterator[str]:
    """Stores go to results and mutated arguments, with one index a dimension."""
    tensors = program.kernel.tensors()
    for statement in _statements(program):
        if not isinstance(statement, ir.Store):
            continue
        tensor = tensors.get(statement.tensor)
        if tensor is None or tensor.role == "input" or len(statement.index) != len(tensor.shape):
            yield f"a store to `{statement.tensor}` that does not fit it"


def _statements(program: low.Program) -> Iterator[low.Stmt]:
    for launch in program.launches:
        yield from low.walk(launch.body)


def _expressions(program: low.Program) -> Iterator[ir.Expr]:
    for statement in _statements(program):
        yield from low.expressions(statement)


RULES: tuple[Rule, ...] = (
    nothing_is_left_to_lower,
    operands_fit,
    names_are_bound,
    lanes_do_not_nest,
    team_names_stay_uniform,
    stores_fit,
)

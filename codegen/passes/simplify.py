"""Write the same thing with less.

before:  `row = slot`  `if 0 <= row: a`  `if 0 <= row: b`  `y = x * 1 + 0`
after:   `if 0 <= slot: a; b`  `y = x`

Only rewrites that keep every value hold: integer identities, logic with a known side, a select whose
condition is known or whose branches are equal. Float arithmetic is left alone but for what is exact
on every value, signed zeros and NaN included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen import lowered as low
from codegen.build_ir import FALSE, TRUE
from codegen.names import Names
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, F32
from kernel_ir.traverse import map_children, substitute, walk


def simplify(program: low.Program, names: Names) -> low.Program:
    """The program with simplified expressions, copies removed and equal guards merged."""
    mutable = _mutable(tuple(item for launch in program.launches for item in launch.body))
    known = _Known({}, {})
    launches = []
    for launch in program.launches:
        known = _Known(known.copies, {})  # later launches see the names of gridless ones
        inner = known.inner() if launch.grid else known
        launches.append(replace(launch, body=_block_into(launch.body, mutable, inner)))
    return replace(program, launches=tuple(launches))


def _mutable(body: tuple[low.Stmt, ...]) -> frozenset[str]:
    """Every name that may change."""
    changing = (
        item.name
        for item in low.walk(body)
        if isinstance(item, ir.Update) or (isinstance(item, ir.Let) and item.is_mutable)
    )
    return frozenset(changing)


def simplify_expression(expr: ir.Expr) -> ir.Expr:
    """The expression with the identities applied from the leaves up; applying it again changes nothing."""
    expr = map_children(expr, simplify_expression)
    return _apply(expr) if isinstance(expr, ir.Apply) else expr


@dataclass(frozen=True, slots=True)
class _Known:
    """What holds at a point: names that are copies of others, and values that have a name."""

    copies: dict[str, ir.Expr]
    values: dict[ir.Expr, ir.Expr]

    def inner(self) -> _Known:
        return _Known(dict(self.copies), dict(self.values))


# ---- statements --------------------------------------------------------------------------------


def _block(body: tuple[low.Stmt, ...], mutable: frozenset[str], known: _Known) -> tuple[low.Stmt, ...]:
    return _block_into(body, mutable, known.inner())


def _block_into(body: tuple[low.Stmt, ...], mutable: frozenset[str], known: _Known) -> tuple[low.Stmt, ...]:
    """`_block`, adding what the block binds to `known`."""
    out: list[low.Stmt] = []
    for statement in body:
        statement = _direct(statement, known)
        match statement:
            case ir.Let(name, ir.Var(source) as value, False) if source not in mutable:
                known.copies[name] = value
                continue
            case ir.Let(name, value, False) if value in known.values:
                known.copies[name] = known.values[value]
                continue
            case ir.Let(name, value, False):
                if _is_timeless(value, mutable):
                    known.values[value] = ir.Var(name, value.type)
            case low.If(condition) if condition in (TRUE, FALSE):
                out += _block(statement.then if condition == TRUE else statement.orelse, mutable, known)
                continue
            case low.If(condition, then, orelse):
                statement = replace(
                    statement, then=_block(then, mutable, known), orelse=_block(orelse, mutable, known)
                )
            case low.Loop():
                statement = replace(statement, body=_block(statement.body, mutable, known))
            case low.Fold():
                statement = _fold(statement, mutable, known)
            case _:
                pass
        _append(out, statement, mutable)
    return tuple(out)


def _direct(statement: low.Stmt, known: _Known) -> low.Stmt:
    """The statement with its own expressions simplified; nested blocks are left for their turn."""

    def change(expr: ir.Expr) -> ir.Expr:
        return simplify_expression(substitute(expr, known.copies) if known.copies else expr)

    match statement:
        case low.If(condition):
            return replace(statement, condition=change(condition))
        case low.Loop() | low.Fold():
            return replace(statement, low=change(statement.low), high=change(statement.high))
        case _:
            return low.map_expressions(statement, change)


def _fold(fold: low.Fold, mutable: frozenset[str], known: _Known) -> low.Fold:
    """A fold's values stand at the end of its body, and see the copies made there."""
    known = known.inner()
    body = _block_into(fold.body, mutable, known)

    def change(expr: ir.Expr) -> ir.Expr:
        return simplify_expression(substitute(expr, known.copies))

    folded = tuple(
        replace(item, value=change(item.value), where=None if item.where is None else change(item.where))
        for item in fold.accumulators
    )
    return replace(fold, body=body, accumulators=folded)


def _append(out: list[low.Stmt], statement: low.Stmt, mutable: frozenset[str]) -> None:
    """Append a statement; a guard equal to the one before it joins that one."""
    last = out[-1] if out else None
    if isinstance(statement, low.If) and isinstance(last, low.If) and _joins(last, statement, mutable):
        merged = list(last.then)
        for item in statement.then:
            _append(merged, item, mutable)
        out[-1] = replace(last, then=tuple(merged))
        return
    out.append(statement)


def _joins(last: low.If, statement: low.If, mutable: frozenset[str]) -> bool:
    if last.condition != statement.condition or last.orelse or statement.orelse:
        return False
    return _is_timeless(last.condition, mutable)


def _is_timeless(expr: ir.Expr, mutable: frozenset[str]) -> bool:
    """Whether an expression has the same value wherever its names are bound."""
    return not any(
        isinstance(item, (ir.Load, ir.At)) or (isinstance(item, ir.Var) and item.name in mutable)
        for item in walk(expr)
    )


# ---- expressions -------------------------------------------------------------------------------


def _apply(expr: ir.Apply) -> ir.Expr:
    match expr.op, expr.args:
        case "add", (left, right) if expr.type != F32:
            return _drop_zero(expr, left, right)
        case "subtract", (left, ir.Const(0)) if expr.type != F32:
            return left
        case "multiply", (left, right):
            return _multiply(expr, left, right)
        case "divide", (left, ir.Const(1.0)):
            return left
        case "floor_divide", (left, ir.Const(1)):
            return left
        case "logical_and", (left, right):
            return _logic(expr, left, right, TRUE, FALSE)
        case "logical_or", (left, right):
            return _logic(expr, left, right, FALSE, TRUE)
        case "logical_not", (ir.Apply("logical_not", (inner,)),):
            return inner
        case "logical_not", (ir.Const(value),):
            return FALSE if value else TRUE
        case "select", (condition, taken, other):
            return _select(expr, condition, taken, other)
        case "i32" | "u32" | "i64" | "f32", (inner,) if inner.type == expr.type:
            return inner
        case _:
            return expr


def _drop_zero(expr: ir.Apply, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    if isinstance(left, ir.Const) and left.value == 0:
        return right
    return left if isinstance(right, ir.Const) and right.value == 0 else expr


def _multiply(expr: ir.Apply, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    """Times one is exact for floats too; times zero is not."""
    if isinstance(left, ir.Const) and left.value == 1:
        return right
    return left if isinstance(right, ir.Const) and right.value == 1 else expr


def _logic(expr: ir.Apply, left: ir.Expr, right: ir.Expr, unit: ir.Const, end: ir.Const) -> ir.Expr:
    """`unit and x` is x, `end and x` is end; for `or` the other way round."""
    if left in (unit, right):
        return right
    if right == unit:
        return left
    return end if end in (left, right) else expr


def _select(expr: ir.Apply, condition: ir.Expr, taken: ir.Expr, other: ir.Expr) -> ir.Expr:
    if condition == TRUE or taken == other:
        return taken
    if condition == FALSE:
        return other
    return _as_bool(expr, condition, taken, other)


def _as_bool(expr: ir.Apply, condition: ir.Expr, taken: ir.Expr, other: ir.Expr) -> ir.Expr:
    if expr.type == BOOL and (taken, other) == (TRUE, FALSE):
        return condition
    return expr

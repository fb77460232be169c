"""Turn range policies into conditions, so that every load and store left is in range.

before:  `y = pool[table[i]]!nan`            `pool[slots[t]]!skip = v`
after:   `y = let row = table[i] in          `if 0 <= slots[t] and slots[t] < n:
              (pool[row] if 0 <= row and row < n else nan)`     `pool[slots[t]] = v`

An integer load under `nan` also has a validity of its own; whatever is indexed through it is
guarded by that validity too (see the semantics of policies in `kernel_ir/nodes.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from codegen.build_ir import ONE, TRUE, ZERO, compare, conjunction, op, select, zero
from codegen.names import Names
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, F32
from kernel_ir.traverse import map_children, walk


def guard_accesses(kernel: ir.Kernel) -> ir.Kernel:
    """The kernel with all policies resolved into ordinary nodes."""
    guard = _Guard(Names(kernel), {item.name: item.shape for item in kernel.tensors().values()})
    return replace(kernel, body=guard.block(kernel.body))


@dataclass(slots=True)
class _Guard:
    names: Names
    shapes: dict[str, tuple[ir.Expr, ...]]
    validity: dict[str, ir.Expr] = field(default_factory=dict)  # let-bound integer -> its validity
    from_data: set[str] = field(default_factory=set)  # names whose value depends on tensor data

    def block(self, body: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...]:
        return tuple(item for statement in body for item in self.statement(statement))

    def depends_on_data(self, *exprs: ir.Expr) -> bool:
        """Whether a value depends on more than sizes and loop ranges, so that no proof covers it."""
        return any(
            isinstance(item, (ir.Load, ir.At, ir.Param, ir.Reduce))
            or (isinstance(item, ir.Var) and item.name in self.from_data)
            for expr in exprs
            for item in walk(expr)
        )

    def note(self, name: str, *exprs: ir.Expr) -> None:
        """Remember that `name` depends on data where one of `exprs` does."""
        if self.depends_on_data(*exprs):
            self.from_data.add(name)

    def statement(self, statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        match statement:
            case ir.Let(name, value, is_mutable):
                self.from_data |= {name} if is_mutable else set()
                self.note(name, value)
                valid = self.valid(value) if value.type.is_integer else TRUE
                let = replace(statement, value=self.expr(value))
                if valid == TRUE:
                    return (let,)
                flag = self.names.fresh(f"{name}_is_valid")
                self.validity[name] = ir.Var(flag, BOOL)
                return (ir.Let(flag, valid), let)
            case ir.Update(_, value):
                return (replace(statement, value=self.expr(value)),)
            case ir.Row(_, _, var, low, high, where, value):
                self.note(var, low, high)
                test = None if where is None else self.expr(where)
                return (
                    replace(
                        statement,
                        low=self.expr(low),
                        high=self.expr(high),
                        where=test,
                        value=self.expr(value),
                    ),
                )
            case ir.For(var, low, high, body):
                self.note(var, low, high)
                return (replace(statement, low=self.expr(low), high=self.expr(high), body=self.block(body)),)
            case ir.If(condition, then, orelse):
                return (ir.If(self.expr(condition), self.block(then), self.block(orelse), statement.span),)
            case ir.Store():
                return self.store(statement)

    def store(self, statement: ir.Store) -> tuple[ir.Stmt, ...]:
        value = self.expr(statement.value)
        condition, index = self.resolve(statement.tensor, statement.index, statement.policy)
        lets = []
        for position, part in enumerate(index):
            if _mentions(condition, part) and not _is_plain(part):
                name = self.names.fresh(f"{statement.tensor}_at")
                lets.append(ir.Let(name, part))
                bound = ir.Var(name, part.type)
                condition = _replace(condition, part, bound)
                index = (*index[:position], bound, *index[position + 1 :])
        store = ir.Store(statement.tensor, index, value, None, statement.span)
        return (
            (*lets, store) if condition == TRUE else (*lets, ir.If(condition, (store,), (), statement.span))
        )

    def expr(self, expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Load(tensor, index, _, policy) if policy is not None:
                condition, index = self.resolve(tensor, index, policy)
                return self._guarded(expr, condition, index)
            case ir.Reduce(_, var, low, high):
                self.note(var, low, high)
                return map_children(expr, self.expr)
            case ir.Bind(name, value, body) if value.type.is_integer:
                self.note(name, value)
                valid = self.valid(value)
                if valid == TRUE:
                    return map_children(expr, self.expr)
                flag = self.names.fresh(f"{name}_is_valid")
                self.validity[name] = ir.Var(flag, BOOL)
                inner = replace(expr, value=self.expr(value), body=self.expr(body))
                return ir.Bind(flag, valid, inner, expr.type, expr.span)
            case _:
                return map_children(expr, self.expr)

    def _guarded(self, load: ir.Load, condition: ir.Expr, index: tuple[ir.Expr, ...]) -> ir.Expr:
        """The load behind its condition; computed indices are bound to names, to be computed once."""
        bound: list[tuple[str, ir.Expr]] = []
        for position, part in enumerate(index):
            if _mentions(condition, part) and not _is_plain(part):
                name = self.names.fresh(f"{load.tensor}_at")
                bound.append((name, part))
                condition = _replace(condition, part, ir.Var(name, part.type))
                index = (*index[:position], ir.Var(name, part.type), *index[position + 1 :])
        otherwise = ir.Const(math.nan, F32) if load.type == F32 and load.policy == "nan" else zero(load.type)
        found = select(condition, replace(load, index=index, policy=None), otherwise)
        for name, part in reversed(bound):
            found = ir.Bind(name, part, found, found.type, load.span)
        return found

    def resolve(
        self, tensor: str, index: tuple[ir.Expr, ...], policy: ir.Policy | None
    ) -> tuple[ir.Expr, tuple[ir.Expr, ...]]:
        """The condition under which the access happens, and the indices it uses then."""
        plain = tuple(self.expr(part) for part in index)
        if policy is None or policy == "trust":
            return TRUE, plain
        shape = self.shapes[tensor]
        unproven = [self.depends_on_data(part) for part in index]
        if policy == "clamp":
            nonempty = (
                compare("less", ZERO, extent) for extent, open_ in zip(shape, unproven, strict=True) if open_
            )
            clamped = (
                _clamp(part, extent) if open_ else part
                for part, extent, open_ in zip(plain, shape, unproven, strict=True)
            )
            return conjunction(*nonempty), tuple(clamped)
        conditions: list[ir.Expr] = [self.valid(part) for part in index]
        for part, extent in (
            pair for pair, open_ in zip(zip(plain, shape, strict=True), unproven, strict=True) if open_
        ):
            conditions += [compare("less_equal", ZERO, part), compare("less", part, extent)]
        return conjunction(*conditions), plain

    def valid(self, expr: ir.Expr) -> ir.Expr:
        """The condition under which an integer expression has a value."""
        match expr:
            case ir.Load(tensor, index, _, policy) if policy in ("nan", "skip"):
                return self.resolve(tensor, index, policy)[0]
            case ir.Var(name):
                return self.validity.get(name, TRUE)
            case ir.Load(_, index):
                return conjunction(*(self.valid(part) for part in index))
            case ir.Apply(_, args) if expr.type.is_integer:
                return conjunction(*(self.valid(arg) for arg in args if arg.type.is_integer))
            case _:
                return TRUE


def _is_plain(expr: ir.Expr) -> bool:
    return isinstance(expr, (ir.Var, ir.Const, ir.Size, ir.Param))


def _mentions(expr: ir.Expr, part: ir.Expr) -> bool:
    return any(item == part for item in walk(expr))


def _replace(expr: ir.Expr, old: ir.Expr, new: ir.Expr) -> ir.Expr:
    return new if expr == old else map_children(expr, lambda child: _replace(child, old, new))


def _clamp(index: ir.Expr, extent: ir.Expr) -> ir.Expr:
    return op("maximum", op("minimum", index, op("subtract", extent, ONE)), ZERO)

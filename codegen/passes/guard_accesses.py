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
                if not value.type.is_integer:
                    return (replace(statement, value=self.expr(value)),)
                opened = self.open(value)
                lets = [ir.Let(bound, part) for bound, part in opened.bindings]
                flag = self.remember(name, opened.valid)
                return (*lets, *(ir.Let(*item) for item in flag), replace(statement, value=opened.value))
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
        access = self.access(statement.tensor, statement.index, statement.policy)
        lets = (ir.Let(name, part) for name, part in access.bindings)
        store = ir.Store(statement.tensor, access.index, value, None, statement.span)
        if access.condition == TRUE:
            return (*lets, store)
        return (*lets, ir.If(access.condition, (store,), (), statement.span))

    def expr(self, expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Load(tensor, index, type_, policy) if policy is not None:
                access = self.access(tensor, index, policy)
                otherwise = ir.Const(math.nan, F32) if type_ == F32 and policy == "nan" else zero(type_)
                load = replace(expr, index=access.index, policy=None)
                return _wrap(access.bindings, select(access.condition, load, otherwise))
            case ir.Reduce(_, var, low, high):
                self.note(var, low, high)
                return map_children(expr, self.expr)
            case ir.Bind(name, value, body) if value.type.is_integer:
                return _wrap(self.bind(name, value), self.expr(body))
            case _:
                return map_children(expr, self.expr)

    def bind(self, name: str, value: ir.Expr) -> tuple[Binding, ...]:
        """The bindings that give an integer its name, and its validity one where it may have no value."""
        self.note(name, value)
        opened = self.open(value)
        return (*opened.bindings, *self.remember(name, opened.valid), (name, opened.value))

    def remember(self, name: str, valid: ir.Expr) -> tuple[Binding, ...]:
        """Note when a name has a value; the binding of that condition, where it needs one."""
        if valid == TRUE:
            return ()
        if isinstance(valid, ir.Var):
            self.validity[name] = valid
            return ()
        flag = self.names.fresh(f"{name}_is_valid")
        self.validity[name] = ir.Var(flag, BOOL)
        return ((flag, valid),)

    def open(self, expr: ir.Expr) -> _Opened:
        """An integer expression as what must be bound first, its value, and when it has one."""
        match expr:
            case ir.Var(name):
                return _Opened((), expr, self.validity.get(name, TRUE))
            case ir.Load(tensor, index, type_, policy):
                access = self.access(tensor, index, policy)
                load = replace(expr, index=access.index, policy=None)
                if policy not in ("nan", "skip") or access.condition == TRUE:
                    valid = access.valid if policy is None else TRUE
                    return _Opened(access.bindings, select(access.condition, load, zero(type_)), valid)
                flag = self.names.fresh(f"{tensor}_is_valid")
                found = ir.Var(flag, BOOL)
                bindings = (*access.bindings, (flag, access.condition))
                return _Opened(bindings, select(found, load, zero(type_)), found)
            case ir.Bind(name, value, body) if value.type.is_integer:
                bindings = self.bind(name, value)
                opened = self.open(body)
                return _Opened((*bindings, *opened.bindings), opened.value, opened.valid)
            case ir.Apply("select", (condition, taken, other)):
                return self.choice(expr, self.expr(condition), self.open(taken), self.open(other))
            case ir.Apply(_, args) if all(arg.type.is_integer for arg in args):
                parts = [self.open(arg) for arg in args]
                bindings = tuple(item for part in parts for item in part.bindings)
                value = replace(expr, args=tuple(part.value for part in parts))
                return _Opened(bindings, value, conjunction(*(part.valid for part in parts)))
            case _:
                return _Opened((), self.expr(expr), TRUE)

    def choice(self, expr: ir.Apply, condition: ir.Expr, taken: _Opened, other: _Opened) -> _Opened:
        """A select of integers: each branch keeps its bindings to itself, and has a validity of its own."""
        branches = (_wrap(taken.bindings, taken.value), _wrap(other.bindings, other.value))
        value = replace(expr, args=(condition, *branches))
        if taken.valid == other.valid == TRUE:
            return _Opened((), value, TRUE)
        valid = (_wrap(taken.bindings, taken.valid), _wrap(other.bindings, other.valid))
        return _Opened((), value, self.names.refresh(ir.Apply("select", (condition, *valid), BOOL)))

    def access(self, tensor: str, index: tuple[ir.Expr, ...], policy: ir.Policy | None) -> _Access:
        """An access with its policy resolved; an index that a condition tests is bound to a name."""
        bindings: list[Binding] = []
        valid: list[ir.Expr] = []
        conditions: list[ir.Expr] = []
        resolved: list[ir.Expr] = []
        for part, extent in zip(index, self.shapes[tensor], strict=True):
            opened = self.open(part)
            bindings += opened.bindings
            valid.append(opened.valid)
            value = opened.value
            if policy in ("nan", "skip", "clamp") and self.depends_on_data(part):
                if not _is_plain(value):
                    name = self.names.fresh(f"{tensor}_at")
                    bindings.append((name, value))
                    value = ir.Var(name, value.type)
                conditions += _in_range(value, extent, policy)
                value = _clamp(value, extent) if policy == "clamp" else value
            resolved.append(value)
        known = conjunction(*valid)
        tested = conjunction(*((known,) if policy in ("nan", "skip") else ()), *conditions)
        return _Access(tuple(bindings), tuple(resolved), tested, known)


Binding = tuple[str, ir.Expr]


@dataclass(frozen=True, slots=True)
class _Opened:
    """An integer: bindings to make first, its value under them, and the condition of having one."""

    bindings: tuple[Binding, ...]
    value: ir.Expr
    valid: ir.Expr


@dataclass(frozen=True, slots=True)
class _Access:
    """An access: bindings to make first, its indices, the condition of happening, that of its indices."""

    bindings: tuple[Binding, ...]
    index: tuple[ir.Expr, ...]
    condition: ir.Expr
    valid: ir.Expr


def _wrap(bindings: tuple[Binding, ...], body: ir.Expr) -> ir.Expr:
    for name, value in reversed(bindings):
        body = ir.Bind(name, value, body, body.type, body.span)
    return body


def _in_range(index: ir.Expr, extent: ir.Expr, policy: ir.Policy) -> list[ir.Expr]:
    """What must hold for the access: the index is inside, or there is an element to clamp to."""
    if policy == "clamp":
        return [compare("less", ZERO, extent)]
    return [compare("less_equal", ZERO, index), compare("less", index, extent)]


def _is_plain(expr: ir.Expr) -> bool:
    return isinstance(expr, (ir.Var, ir.Const, ir.Size, ir.Param))


def _clamp(index: ir.Expr, extent: ir.Expr) -> ir.Expr:
    return op("maximum", op("minimum", index, op("subtract", extent, ONE)), ZERO)

"""Fresh names: every name a pass binds is unique in its kernel."""

from __future__ import annotations

from kernel_ir import nodes as ir
from kernel_ir.traverse import map_children, walk, walk_expressions, walk_statements


def author_name(name: str) -> str:
    """The name as its author wrote it, without the number that makes it unique."""
    return name.partition(".")[0]


class Names:
    """Gives out names that no other binding of the kernel has."""

    def __init__(self, kernel: ir.Kernel) -> None:
        self.used = _bound_names(kernel)

    def fresh(self, name: str) -> str:
        """`name`, else `name.2`, `name.3`, ... (a dot, so that no author's name can look like it)."""
        name = author_name(name)
        candidate, count = name, 1
        while candidate in self.used:
            count += 1
            candidate = f"{name}.{count}"
        self.used.add(candidate)
        return candidate

    def refresh(self, expr: ir.Expr) -> ir.Expr:
        """`expr` with every name it binds replaced by a fresh one, so that it may stand twice."""
        return self._refresh(expr, {})

    def _refresh(self, expr: ir.Expr, renamed: dict[str, str]) -> ir.Expr:
        match expr:
            case ir.Var(name):
                return ir.Var(renamed.get(name, name), expr.type, expr.span)
            case ir.Reduce(kind, var, low, high, where, value):
                low, high = self._refresh(low, renamed), self._refresh(high, renamed)
                inner = {**renamed, var: self.fresh(var)}
                test = None if where is None else self._refresh(where, inner)
                value = self._refresh(value, inner)
                return ir.Reduce(kind, inner[var], low, high, test, value, expr.type, expr.span)
            case ir.Bind(name, value, body):
                value = self._refresh(value, renamed)
                inner = {**renamed, name: self.fresh(name)}
                return ir.Bind(inner[name], value, self._refresh(body, inner), expr.type, expr.span)
            case _:
                return map_children(expr, lambda child: self._refresh(child, renamed))


def _bound_names(kernel: ir.Kernel) -> set[str]:
    used = {item.name for item in (*kernel.arguments, *kernel.results)} | set(kernel.sizes)
    for statement in walk_statements(kernel.body):
        match statement:
            case ir.Let(name):
                used.add(name)
            case ir.For(var):
                used.add(var)
            case ir.Row(names, _, var):
                used.update(names, (var,))
            case _:
                pass
    for expr in walk_expressions(kernel.body):
        match expr:
            case ir.Reduce(_, var) | ir.Bind(var):
                used.add(var)
            case _:
                pass
    return used


def binds_names(expr: ir.Expr) -> bool:
    """Whether `expr` binds names of its own."""
    return any(isinstance(item, (ir.Reduce, ir.Bind)) for item in walk(expr))

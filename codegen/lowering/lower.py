"""Lower a kernel: choose grids, deal loops over lanes, turn reductions into folds.

before:  `for r in range(rows):`
         `    m = sum(x[r, c] for c in range(width))`
         `    for c in range(width): out[r, c] = x[r, c] / m`
after:   launch over r in range(rows):
             fold c in range(width), over lanes: m = sum(x[r, c])
             for c in range(width), over lanes: out[r, c] = x[r, c] / m

The outer parallel loops become the launch's grid as long as nothing stands between them but
bindings, which move inward. A loop that walks memory in order is left to the team's lanes, and so
is the innermost loop. Reductions that stand inside expressions are computed just before the
statement that uses them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from codegen import lowered as low
from codegen.build_ir import is_sizes_only, zero
from codegen.lowering.online import lower_stream
from codegen.lowering.rows import RowPlan, lower_row, read_row
from codegen.lowering.streams import find_stream
from codegen.lowering.topk import lower_topk
from codegen.names import Names
from codegen.teams import is_dealt
from codegen.work import is_host_known
from kernel_ir import nodes as ir
from kernel_ir.traverse import map_children, walk

Level = Literal["team", "lane"]


def lower(kernel: ir.Kernel, names: Names) -> low.Program:
    """The kernel as launches. Expects policies resolved and branches eager."""
    lowering = Lowering(kernel, names)
    launches: list[low.Launch] = []
    alone: list[low.Stmt] = []
    remaining = kernel.body
    while remaining:
        statement, remaining = remaining[0], remaining[1:]
        launch = lowering.launch(statement) if isinstance(statement, ir.For) else None
        if launch is None:
            taken = lowering.block_step((statement, *remaining), "team", alone)
            remaining = (statement, *remaining)[taken:]
            continue
        if alone:
            launches.append(low.Launch((), tuple(alone)))
            alone = []
        launches.append(launch)
    if alone:
        launches.append(low.Launch((), tuple(alone)))
    return low.Program(kernel, tuple(launches))


@dataclass(slots=True)
class Lowering:
    """The walk over one kernel. `rows` says how each named row is read."""

    kernel: ir.Kernel
    names: Names
    rows: dict[str, RowPlan] = field(default_factory=dict)
    mutable: set[str] = field(default_factory=set)

    # -- launches -------------------------------------------------------------------------------

    def launch(self, outer: ir.For) -> low.Launch | None:
        """A launch whose grid starts with `outer`, or None where the host cannot size a grid."""
        axes: list[low.GridAxis] = []
        bindings: tuple[ir.Stmt, ...] = ()
        node: ir.For | None = outer
        body: tuple[ir.Stmt, ...] = (outer,)
        while node is not None and not node.is_ordered and _host_knows(node) and not is_dealt(node):
            axes.append(low.GridAxis(node.var, node.low, node.high))
            lets, rest = self.split_bindings(node.body)
            bindings, body = (*bindings, *lets), rest
            node = rest[0] if len(rest) == 1 and isinstance(rest[0], ir.For) else None
        if not axes and not (_host_knows(outer) and not outer.is_ordered):
            return None
        return low.Launch(tuple(axes), self.block((*bindings, *body), "team"))

    def split_bindings(self, body: tuple[ir.Stmt, ...]) -> tuple[tuple[ir.Stmt, ...], tuple[ir.Stmt, ...]]:
        """Leading bindings that may move into the one loop after them, and the rest of the block."""
        count = 0
        while count < len(body) and self.may_sink(body[count]):
            count += 1
        match body[count:]:
            case (ir.For(is_ordered=False) as loop,) if _host_knows(loop):
                return body[:count], (loop,)
            case _:
                return (), body

    def may_sink(self, statement: ir.Stmt) -> bool:
        """Whether a statement binds a value that each iteration of a later loop may compute for itself."""
        match statement:
            case ir.Let(_, value, False):
                return self.is_repeatable(value)
            case _:
                return False

    # -- statements -----------------------------------------------------------------------------

    def block(self, body: tuple[ir.Stmt, ...], level: Level) -> tuple[low.Stmt, ...]:
        """The statements of a block, lowered."""
        out: list[low.Stmt] = []
        while body:
            body = body[self.block_step(body, level, out) :]
        return tuple(out)

    def block_step(self, body: tuple[ir.Stmt, ...], level: Level, out: list[low.Stmt]) -> int:
        """Lower the first statement of `body`, or a stream that starts there; how many were taken."""
        stream = find_stream(self.kernel, body) if level == "team" else None
        if stream is not None:
            return lower_stream(self, stream, out)
        self.statement(body[0], level, out)
        return 1

    def statement(self, statement: ir.Stmt, level: Level, out: list[low.Stmt]) -> None:
        match statement:
            case ir.Let(name, value, is_mutable):
                self.mutable |= {name} if is_mutable else set()
                out.append(ir.Let(name, self.expr(value, level, out), is_mutable, statement.span))
            case ir.Update(_, value):
                out.append(replace(statement, value=self.expr(value, level, out)))
            case ir.Store(_, index, value):
                index = tuple(self.expr(part, level, out) for part in index)
                out.append(replace(statement, index=index, value=self.expr(value, level, out)))
            case ir.If(condition, then, orelse):
                test = self.expr(condition, level, out)
                out.append(low.If(test, self.block(then, level), self.block(orelse, level)))
            case ir.For():
                self.loop(statement, level, out)
            case ir.Row(kind="topk"):
                lower_topk(self, statement, level, out)
            case ir.Row():
                lower_row(self, statement, level, out)

    def loop(self, node: ir.For, level: Level, out: list[low.Stmt]) -> None:
        """A loop: dealt over lanes where a team reaches it and its memory order asks for it."""
        first, end = self.bounds(node, level, out)
        dealt = level == "team" and not node.is_ordered and is_dealt(node)
        body = self.block(node.body, "lane" if dealt else level)
        kind: low.LoopKind = "lanes" if dealt else "serial"
        out.append(low.Loop(node.var, first, end, kind, body, is_parallel=not node.is_ordered))

    def bounds(
        self, node: ir.For | ir.Reduce | ir.Row, level: Level, out: list[low.Stmt]
    ) -> tuple[ir.Expr, ir.Expr]:
        """A range's bounds, computed once: what is more than sizes and names is bound to a name."""
        return self._bound(f"{node.var}_begin", node.low, level, out), self._bound(
            f"{node.var}_end", node.high, level, out
        )

    def _bound(self, name: str, bound: ir.Expr, level: Level, out: list[low.Stmt]) -> ir.Expr:
        value = self.expr(bound, level, out)
        if is_sizes_only(value):
            return value
        if isinstance(value, ir.Var) and value.name not in self.mutable:
            return value
        name = self.names.fresh(name.replace(".", "_"))
        out.append(ir.Let(name, value))
        return ir.Var(name, value.type)

    # -- expressions ----------------------------------------------------------------------------

    def expr(self, expr: ir.Expr, level: Level, out: list[low.Stmt]) -> ir.Expr:
        """`expr` without reductions and bindings; what computes them is appended to `out`."""
        match expr:
            case ir.Reduce():
                return self.reduce(expr, level, out)
            case ir.Bind(name, value, body):
                out.append(ir.Let(name, self.expr(value, level, out)))
                return self.expr(body, level, out)
            case ir.At(row, index):
                return read_row(self, self.rows[row], index, level, out)
            case ir.Apply("select", (condition, ir.At(row, index), other)):
                taken = read_row(self, self.rows[row], index, level, out, condition)
                test, other = self.expr(condition, level, out), self.expr(other, level, out)
                return replace(expr, args=(test, taken, other))
            case ir.Apply("select", (condition, _, _)) if level == "team" and _is_mode(condition):
                if any(isinstance(item, ir.Reduce) for item in walk(expr)):
                    return self.choice(expr, level, out)
                return map_children(expr, lambda child: self.expr(child, level, out))
            case _:
                return map_children(expr, lambda child: self.expr(child, level, out))

    def choice(self, select: ir.Apply, level: Level, out: list[low.Stmt]) -> ir.Expr:
        """A choice that all teams make alike; only the side taken is reduced."""
        condition, *sides = select.args
        name, chosen = self.names.fresh("side"), self.names.fresh("side")
        branches: list[tuple[low.Stmt, ...]] = []
        for side in sides:
            branch: list[low.Stmt] = []
            value = self.expr(side, level, branch)
            branches.append((*branch, ir.Update(name, value)))
        out.append(ir.Let(name, zero(select.type), True))
        out.append(low.If(self.expr(condition, level, out), *branches))
        out.append(ir.Let(chosen, ir.Var(name, select.type)))
        return ir.Var(chosen, select.type)

    def reduce(self, node: ir.Reduce, level: Level, out: list[low.Stmt]) -> ir.Expr:
        """A reduction as a fold of its own; the name that holds its result."""
        name = self.names.fresh(f"{node.kind}_{node.var}")
        first, end = self.bounds(node, level, out)
        dealt = level == "team" and is_dealt(node)
        inner: Level = "lane" if dealt else level
        body: list[low.Stmt] = []
        where = None if node.where is None else self.expr(node.where, inner, body)
        value = self.expr(node.value, inner, body)
        folded = low.Accumulator((name,), node.kind, node.value.type, where, value)
        out.append(low.Fold((folded,), node.var, first, end, "lanes" if dealt else "serial", tuple(body)))
        return ir.Var(name, node.type)

    # -- questions ------------------------------------------------------------------------------

    def is_repeatable(self, expr: ir.Expr) -> bool:
        """Whether `expr` may be computed again later: it reads inputs and fixed names, and is cheap."""
        roles = {item.name: item.role for item in self.kernel.tensors().values()}
        for item in walk(expr):
            match item:
                case ir.Load(tensor) if roles[tensor] != "input":
                    return False
                case ir.Var(name) if name in self.mutable:
                    return False
                case ir.Reduce():
                    return False
                case ir.At(row) if not self.rows[row].is_repeatable:
                    return False
                case _:
                    pass
        return True


def _is_mode(condition: ir.Expr) -> bool:
    """Whether a condition asks for scalar arguments. One of sizes alone looks for what is empty: it holds."""
    return is_host_known(condition) and any(isinstance(item, ir.Param) for item in walk(condition))


def _host_knows(node: ir.For) -> bool:
    """Whether a loop's bounds depend on sizes and literals only."""
    return is_sizes_only(node.low) and is_sizes_only(node.high)

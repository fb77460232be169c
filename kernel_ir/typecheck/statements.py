"""Statements: blocks, loops, bindings and stores."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, DTYPES, F32, I64, DType
from kernel_ir.typecheck.accesses import accessible, check_index
from kernel_ir.typecheck.constructs import describe
from kernel_ir.typecheck.expressions import RESERVED_CALLS, ROW_FUNCTIONS, ExpressionChecker, called_name
from kernel_ir.typecheck.roots import roots_of
from kernel_ir.typecheck.rules import RuleError, convert
from kernel_ir.typecheck.scope import Binding, Problem, Scope, Session


class StatementChecker:
    """Checks blocks of statements. One instance serves one kernel."""

    def __init__(self, session: Session, element_types: dict[str, tuple[DType, ...]]) -> None:
        self.session = session
        self.expressions = ExpressionChecker(session)
        self.element_types = element_types

    def block(self, statements: Sequence[ast.stmt], scope: Scope) -> tuple[ir.Stmt, ...]:
        """Every statement of a block in turn. A broken one is reported and the rest still checked."""
        found: list[ir.Stmt] = []
        last = _last_assignments(statements)
        for position, node in enumerate(statements):
            changing = frozenset(name.id for name in _targets(node) if last[name.id] > position)
            try:
                statement, scope = self._statement(node, changing, scope)
                if statement is not None:
                    found.append(statement)
            except Problem as problem:
                self.session.report(problem)
                scope = self._bind_broken(node, scope)
        return tuple(found)

    def _bind_broken(self, node: ast.stmt, scope: Scope) -> Scope:
        """Names that a broken statement would have bound: their uses are not reported again."""
        for target in _targets(node):
            if target.id not in scope.names:
                scope = scope.bind(target.id, Binding("broken", target.id, None))
        return scope

    def _statement(
        self, node: ast.stmt, changing: frozenset[str], scope: Scope
    ) -> tuple[ir.Stmt | None, Scope]:
        """`changing` holds the names bound here that a later statement of the block assigns again."""
        match node:
            case ast.For():
                return self._for(node, scope), scope
            case ast.If():
                return self._if(node, scope), scope
            case ast.Assign([ast.Subscript() as target], value):
                return self._store(node, target, self.expressions.check(value, scope), scope), scope
            case ast.Assign([ast.Name() as target], value):
                return self._assign(node, target, value, changing, scope)
            case ast.Assign([ast.Tuple(elts)], ast.Call(ast.Name("topk"))):
                return self._topk(node, elts, scope)
            case ast.AugAssign(ast.Name(name) as target, op, operand):
                sum_ = ast.copy_location(ast.BinOp(ast.Name(name, ast.Load()), op, operand), node)
                return self._assign(node, target, ast.fix_missing_locations(sum_), changing, scope)
            case ast.Pass():
                return None, scope
            case _:
                raise self._unsupported(node)

    # -- control --------------------------------------------------------------------------------

    def _for(self, node: ast.For, scope: Scope) -> ir.For:
        if node.orelse:
            raise self.session.problem("unsupported-syntax", node.orelse[0], "a loop has no `else`")
        if not isinstance(node.target, ast.Name):
            raise self.session.problem("unsupported-syntax", node.target, "a loop binds one name")
        self._refuse_bound(node.target, scope)
        low, high = self.expressions.range(node.iter, scope, "range", "sequential")
        is_ordered = called_name(node.iter) == "sequential"
        inner = scope if is_ordered else replace(scope, parallel_depth=scope.parallel_depth + 1)
        unique, inner = self.expressions.enter(node.target, low, high, inner)
        body = self.block(node.body, inner)
        return ir.For(unique, low, high, body, is_ordered, self.session.span_of(node))

    def _refuse_bound(self, target: ast.Name, scope: Scope) -> None:
        """Rows are bound once; and a loop over a bound name would, in Python, change it for what follows."""
        known = scope.names.get(target.id)
        if known is not None and known.kind == "broken":
            raise Problem()
        if known is not None:
            message = f"`{target.id}` is bound already"
            raise self.session.problem("name-taken", target, message, "choose another name")

    def _if(self, node: ast.If, scope: Scope) -> ir.If:
        condition = self.expressions.condition(node.test, scope)
        then = self.block(node.body, scope.assume(condition, True))
        orelse = self.block(node.orelse, scope.assume(condition, False))
        return ir.If(condition, then, orelse, self.session.span_of(node))

    # -- bindings -------------------------------------------------------------------------------

    def _assign(
        self, node: ast.stmt, target: ast.Name, value: ast.expr, changing: frozenset[str], scope: Scope
    ) -> tuple[ir.Stmt, Scope]:
        if isinstance(value, ast.ListComp) or called_name(value) in ROW_FUNCTIONS:
            return self._row(node, target, value, scope)
        known = scope.names.get(target.id)
        if known is not None and known.kind == "broken":
            raise Problem()
        if known is not None:
            return self._update(node, target, value, known, scope), scope
        self.expressions.refuse_shadowing(target, scope)
        found = self.expressions.check(value, scope)
        unique, is_mutable = self.session.fresh(target.id), target.id in changing
        roots = roots_of(found, scope) | ({target.id} if is_mutable else frozenset())
        binding = Binding("mutable" if is_mutable else "let", unique, found.type, roots, scope.parallel_depth)
        if found.type.is_integer and not is_mutable:
            scope = replace(scope, facts=scope.facts.with_let(unique, found))
        let = ir.Let(unique, found, is_mutable, self.session.span_of(node))
        return let, scope.bind(target.id, binding)

    def _update(
        self, node: ast.stmt, target: ast.Name, value: ast.expr, known: Binding, scope: Scope
    ) -> ir.Update:
        if known.kind != "mutable":
            raise self.session.problem(
                "name-taken",
                target,
                f"`{target.id}` is bound already and cannot change",
                "choose another name",
            )
        if known.parallel_depth != scope.parallel_depth:
            raise self.session.problem(
                "parallel-update",
                target,
                f"iterations of a parallel loop cannot update `{target.id}` in turn",
                "use a reduction such as `sum(...)`, or a `sequential` loop",
            )
        found = self.expressions.check(value, scope)
        assert known.type is not None
        try:
            found = convert(found, known.type)
        except RuleError as error:
            hint = "bind it as a float first, as in `state = 0.0`" if found.type == F32 else error.hint
            message = f"`{target.id}` is {known.type} and cannot become {found.type}"
            raise self.session.problem("type-mismatch", node, message, hint) from None
        return ir.Update(known.unique, found, self.session.span_of(node))

    def _row(self, node: ast.stmt, target: ast.Name, value: ast.expr, scope: Scope) -> tuple[ir.Row, Scope]:
        kind, generator = self._row_kind(value)
        var, low, high, where, element = self.expressions.generator(generator, scope)
        if kind == "each" and where is not None:
            raise self.session.problem(
                "unsupported-syntax",
                value,
                "a named row has a value at every index",
                "write `value if condition else 0.0`",
            )
        element = self._row_value(value, kind, element)
        return self._bind_row(
            node, (target,), (element.type,), (var, low, high, where, element), kind, None, scope
        )

    def _row_kind(self, value: ast.expr) -> tuple[ir.RowKind, ast.expr]:
        """What kind of row a value is, and its generator."""
        match value:
            case ast.Call(ast.Name("softmax" | "cumsum" as kind), [generator], []):
                return kind, generator
            case ast.Call(ast.Name("topk")):
                hint = "write `values, indices = topk((... for i in range(n)), k)`"
                raise self.session.problem("bad-call", value, "`topk` gives two rows", hint)
            case ast.Call():
                message = f"`{called_name(value)}` takes one generator"
                raise self.session.problem("bad-call", value, message)
            case _:
                return "each", value

    def _row_value(self, node: ast.expr, kind: str, element: ir.Expr) -> ir.Expr:
        if kind == "each":
            return element
        if element.type == BOOL:
            raise self.session.problem("type-mismatch", node, f"`{kind}` needs numbers, got bool")
        return convert(element, F32) if kind == "softmax" else element

    def _topk(self, node: ast.Assign, targets: list[ast.expr], scope: Scope) -> tuple[ir.Row, Scope]:
        call = node.value
        assert isinstance(call, ast.Call)
        names = [item for item in targets if isinstance(item, ast.Name)]
        if len(names) != 2 or len(targets) != 2 or len(call.args) != 2 or call.keywords:
            raise self.session.problem(
                "bad-call",
                node,
                "`topk` is written as one pair and two arguments",
                "write `values, indices = topk((... for i in range(n)), k)`",
            )
        var, low, high, where, element = self.expressions.generator(call.args[0], scope)
        if element.type == BOOL:
            raise self.session.problem("type-mismatch", call, "`topk` orders numbers, got bool")
        count = self.expressions.integer(call.args[1], scope, "the count of `topk`")
        parts = (var, low, high, where, element)
        return self._bind_row(node, tuple(names), (element.type, I64), parts, "topk", count, scope)

    def _bind_row(
        self,
        node: ast.stmt,
        targets: tuple[ast.Name, ...],
        types: tuple[DType, ...],
        parts: tuple[str, ir.Expr, ir.Expr, ir.Expr | None, ir.Expr],
        kind: ir.RowKind,
        count: ir.Expr | None,
        scope: Scope,
    ) -> tuple[ir.Row, Scope]:
        var, low, high, where, element = parts
        first, last = (low, high) if count is None else (ir.Const(0, I64), count)
        uniques = []
        for target, type_ in zip(targets, types, strict=True):
            self._refuse_bound(target, scope)
            self.expressions.refuse_shadowing(target, scope)
            uniques.append(self.session.fresh(target.id))
            roots = roots_of(element, scope) | {target.id}
            binding = Binding("row", uniques[-1], type_, roots, scope.parallel_depth, first, last)
            scope = scope.bind(target.id, binding)
        if count is not None:
            is_full = where is None and scope.facts.proves_less_equal(
                ir.Apply("add", (low, count), I64), high
            )
            scope = replace(scope, facts=scope.facts.with_indices(uniques[-1], low, high, is_full))
        row = ir.Row(tuple(uniques), kind, var, low, high, where, element, count, self.session.span_of(node))
        return row, scope

    # -- stores ---------------------------------------------------------------------------------

    def _store(self, node: ast.stmt, target: ast.Subscript, value: ir.Expr, scope: Scope) -> ir.Store:
        if not isinstance(target.value, ast.Name):
            raise self.session.problem(
                "unsupported-syntax", target, "only an element of a tensor can be stored"
            )
        name = target.value
        if name.id in scope.names:
            raise self.session.problem(
                "name-taken", name, f"`{name.id}` is not a tensor; rows are bound whole"
            )
        tensor = accessible(self.expressions, name, scope)
        if tensor.role == "input":
            raise self.session.problem(
                "store-to-input",
                target,
                f"`{name.id}` is an input",
                "list it under `mutates`, or store to a result",
            )
        index, policy = check_index(self.expressions, target, tensor, scope, is_store=True)
        stored = self._storable(node, value, tensor)
        return ir.Store(tensor.name, index, stored, policy, self.session.span_of(node))

    def _storable(self, node: ast.stmt, value: ir.Expr, tensor: ir.TensorType) -> ir.Expr:
        """The value in a compute type that every dtype of the tensor can round from."""
        dtypes = self.element_types[tensor.name]
        compute = self.session.signature.compute.get(tensor.name, F32)
        if value.type == F32 and all(dtype.is_float or dtype.saturates for dtype in dtypes):
            return value
        try:
            return convert(value, compute)
        except RuleError as error:
            message = f"cannot store {value.type} in `{tensor.name}`, whose elements are {tensor.dtype}"
            raise self.session.problem("type-mismatch", node, message, error.hint) from None

    def _unsupported(self, node: ast.stmt) -> Problem:
        what, hint = describe(node)
        return self.session.problem("unsupported-syntax", node, f"{what} is not part of the language", hint)

    # -- functions ------------------------------------------------------------------------------

    def define(self, node: ast.FunctionDef) -> None:
        """Register a function of the body: plain parameters, assignments, one return."""
        try:
            self._check_function(node)
        except Problem:
            self.session.broken_functions.add(node.name)
            raise
        self.session.functions[node.name] = node

    def _check_function(self, node: ast.FunctionDef) -> None:
        if problem := _header_problem(node):
            message = f"`{node.name}` {problem}"
            raise self.session.problem("bad-function", node, message, f"write `def {node.name}(a, b):`")
        bound = [node.name, *(item.arg for item in node.args.args)]
        bound += [target.id for item in node.body for target in _targets(item)]
        for name in bound:
            self.expressions.require_plain_name(name, node)
        signature = self.session.signature
        taken = {
            *RESERVED_CALLS,
            *self.session.functions,
            *signature.tensors,
            *signature.scalars,
            *signature.sizes,
        }
        if node.name in taken or node.name in DTYPES:
            raise self.session.problem("name-taken", node, f"`{node.name}` is taken", "choose another name")
        *locals_, last = node.body
        wrong = next((item for item in locals_ if not _binds_one_name(item)), None)
        if wrong is not None or not isinstance(last, ast.Return) or last.value is None:
            message = f"`{node.name}` holds assignments and, at its end, one `return` with a value"
            raise self.session.problem("bad-function", wrong or last, message, "write loops in the body")


def _header_problem(node: ast.FunctionDef) -> str:
    """What is wrong with a function before its body; empty where nothing is."""
    arguments = node.args
    special = (
        arguments.vararg,
        arguments.kwarg,
        *arguments.kwonlyargs,
        *arguments.defaults,
        *arguments.posonlyargs,
    )
    annotations = (
        node.returns,
        *(arg.annotation for arg in arguments.args),
        *getattr(node, "type_params", ()),
    )
    if node.decorator_list:
        return "has a decorator, which the language has not"
    if any(annotations):
        return "has annotations: types follow from the call"
    names = [arg.arg for arg in arguments.args]
    if any(special) or len(names) != len(set(names)):
        return "takes plain positional parameters, each once"
    return ""


def _binds_one_name(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign([ast.Name()]):
            return True
        case _:
            return False


def _last_assignments(statements: Sequence[ast.stmt]) -> dict[str, int]:
    """For each name assigned in a block, the position of the last statement in which it is."""
    return {
        target.id: position
        for position, top in enumerate(statements)
        for statement in _walk(top)
        for target in _targets(statement)
    }


def _walk(statement: ast.AST) -> Iterator[ast.AST]:
    """A statement and those in it, but not their expressions, in which `_targets` finds nothing."""
    waiting = [statement]
    while waiting:
        yield (node := waiting.pop())
        waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, _HOLDERS)]


_HOLDERS = (ast.stmt, ast.excepthandler, ast.match_case)


def _targets(node: ast.AST) -> tuple[ast.Name, ...]:
    match node:
        case ast.Assign([ast.Name() as target]) | ast.AugAssign(ast.Name() as target):
            return (target,)
        case ast.Assign([ast.Tuple(elts)]):
            return tuple(item for item in elts if isinstance(item, ast.Name))
        case _:
            return ()

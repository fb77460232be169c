"""Expressions: from Python syntax to typed nodes, with bounds proven as they are built."""

from __future__ import annotations

import ast
import difflib
import math
import re
from dataclasses import replace
from typing import get_args

from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, F32, I64, DType
from kernel_ir.ops import BINARY_SYMBOLS, CALLABLE, UNARY_SYMBOLS
from kernel_ir.typecheck.accesses import read_element
from kernel_ir.typecheck.constructs import describe, literal_name
from kernel_ir.typecheck.roots import roots_of
from kernel_ir.typecheck.rules import RuleError, apply_op, convert
from kernel_ir.typecheck.scope import Binding, Problem, Scope, Session
from kernel_ir.wording import counted

_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.And: "and",
    ast.Or: "or",
    ast.Not: "not",
    ast.USub: "-",
    ast.Invert: "~",
}
# What Python and its libraries call things that the language writes otherwise.
_ROUNDS_TO_INFINITY = 2.0**128 - 2.0**103  # and all that is greater, as f32
_OTHER_SPELLINGS = {"pow": "a ** b", "power": "a ** b", "float": "f32(a)", "int": "i64(a)"}
_CONSTANTS = {"inf": math.inf, "nan": math.nan, "pi": math.pi}
_REDUCTIONS: dict[str, ir.ReduceKind] = {kind: kind for kind in get_args(ir.ReduceKind)}
ROW_FUNCTIONS = ("softmax", "cumsum", "topk")
RESERVED_CALLS = frozenset(
    {*_REDUCTIONS, *ROW_FUNCTIONS, *CALLABLE, *_CONSTANTS, "given", "range", "sequential"}
)


def called_name(node: ast.expr) -> str:
    """The name that a call calls; "" for anything else."""
    match node:
        case ast.Call(ast.Name(name)):
            return name
        case _:
            return ""


_LOCAL_NAME = re.compile(r"(?!.*__)[a-z][a-z0-9_]{0,47}\Z")


class ExpressionChecker:
    """Checks expressions in a scope. One instance serves one kernel."""

    def __init__(self, session: Session) -> None:
        self.session = session

    # -- entry points ---------------------------------------------------------------------------

    def check(self, node: ast.expr, scope: Scope) -> ir.Expr:
        """The typed form of `node`. Raises Problem."""
        self.session.spend(node)
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Name():
                return self._name(node, scope)
            case ast.BinOp(left, op, right) if type(op) in _SYMBOLS:
                args = (self.check(left, scope), self.check(right, scope))
                return self.apply(BINARY_SYMBOLS[_SYMBOLS[type(op)]].name, args, node)
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.check(operand, scope)
            case ast.UnaryOp(ast.USub(), ast.Constant(int(value))) if value == -I64.lowest:
                return ir.Const(I64.lowest, I64, self.session.span_of(node))
            case ast.UnaryOp(op, operand) if type(op) in _SYMBOLS:
                return self.apply(UNARY_SYMBOLS[_SYMBOLS[type(op)]].name, (self.check(operand, scope),), node)
            case ast.BoolOp():
                return self._bool_op(node, scope)
            case ast.Compare():
                return self._comparison(node, scope)
            case ast.IfExp(test, body, orelse):
                condition = self.condition(test, scope)
                taken = self.check(body, scope.assume(condition, True))
                other = self.check(orelse, scope.assume(condition, False))
                return self.apply("select", (condition, taken, other), node)
            case ast.Subscript():
                return read_element(self, node, scope)
            case ast.Call():
                return self._call(node, scope)
            case _:
                raise self.unsupported(node)

    def condition(self, node: ast.expr, scope: Scope) -> ir.Expr:
        """A bool expression."""
        found = self.check(node, scope)
        if found.type != BOOL:
            raise self.session.problem(
                "type-mismatch",
                node,
                f"a condition must be bool, got {found.type}",
                "compare it, as in `x != 0`",
            )
        return found

    def integer(self, node: ast.expr, scope: Scope, what: str) -> ir.Expr:
        """An integer expression, widened to i64: an index, a range bound, a count."""
        found = self.check(node, scope)
        if not found.type.is_integer:
            hint = "use `//` for integer division, or cast with `i32(...)`" if found.type == F32 else ""
            raise self.session.problem(
                "type-mismatch", node, f"{what} must be an integer, got {found.type}", hint
            )
        return convert(found, I64)

    def apply(self, op: str, args: tuple[ir.Expr, ...], node: ast.AST) -> ir.Expr:
        """Apply an op of the table; a misfit is reported at `node`."""
        try:
            return apply_op(op, args, self.session.span_of(node))
        except RuleError as error:
            raise self.session.problem("type-mismatch", node, error.message, error.hint) from None

    # -- leaves ---------------------------------------------------------------------------------

    def _literal(self, node: ast.Constant) -> ir.Const:
        span = self.session.span_of(node)
        match node.value:
            case bool(value):
                return ir.Const(value, BOOL, span)
            case int(value):
                if not I64.lowest <= value <= I64.highest:
                    raise self.session.problem("literal-range", node, "an integer literal must fit 64 bits")
                return ir.Const(value, I64, span)
            case float(value):
                if abs(value) >= _ROUNDS_TO_INFINITY:
                    shown = "the literal" if math.isinf(value) else repr(value)
                    raise self.session.problem(
                        "literal-range", node, f"{shown} does not fit f32", "write `inf`"
                    )
                return ir.Const(value, F32, span)
            case _:
                message = f"the language has no {literal_name(node.value)}"
                hint = "use numbers, `inf`, `nan`, `True` or `False`"
                raise self.session.problem("unsupported-syntax", node, message, hint)

    def _name(self, node: ast.Name, scope: Scope) -> ir.Expr:
        name, span, signature = node.id, self.session.span_of(node), self.session.signature
        if name in scope.names:
            return self._bound(node, scope.names[name])
        if name in signature.sizes:
            return ir.Size(name, I64, span)
        if name in signature.scalars:
            return ir.Param(name, signature.scalars[name].dtype, span)
        if name in _CONSTANTS:
            return ir.Const(_CONSTANTS[name], F32, span)
        if name in signature.tensors:
            rank = counted(len(signature.tensors[name].shape), "dimension")
            message = f"`{name}` is a tensor of {rank}, not a value"
            raise self.session.problem("needs-index", node, message, f"index it: `{name}[...]`")
        raise self.unknown(node, name, scope)

    def _bound(self, node: ast.Name, binding: Binding) -> ir.Expr:
        if binding.kind == "broken":
            raise Problem()
        if binding.kind == "row":
            raise self.session.problem(
                "needs-index", node, f"`{node.id}` is a row of values", f"index it: `{node.id}[...]`"
            )
        assert binding.type is not None
        return ir.Var(binding.unique, binding.type, self.session.span_of(node))

    def unknown(self, node: ast.AST, name: str, scope: Scope) -> Problem:
        """A problem with a name that stands for nothing here."""
        signature = self.session.signature
        known = [*scope.names, *signature.sizes, *signature.scalars, *signature.tensors, *_CONSTANTS]
        close = difflib.get_close_matches(name[:60], known, 1)
        hint = f"did you mean `{close[0]}`?" if close else "bind it first, or add it to the arguments"
        if name in self.session.used:
            hint = "it lives only in the block that binds it"
        return self.session.problem("unknown-name", node, f"unknown name `{name[:60]}`", hint)

    # -- operators ------------------------------------------------------------------------------

    def _bool_op(self, node: ast.BoolOp, scope: Scope) -> ir.Expr:
        is_and = isinstance(node.op, ast.And)
        found = self.condition(node.values[0], scope)
        for value in node.values[1:]:
            scope = scope.assume(found, is_and)
            found = self.apply(
                "logical_and" if is_and else "logical_or", (found, self.condition(value, scope)), node
            )
        return found

    def _comparison(self, node: ast.Compare, scope: Scope) -> ir.Expr:
        """A chain is its links joined by `and`; an operand between two links is checked for each."""
        operands = (node.left, *node.comparators)
        found: ir.Expr | None = None
        for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
            if type(op) not in _SYMBOLS:
                raise self.unsupported(node)
            sides = (self.check(left, scope), self.check(right, scope))
            link = self.apply(BINARY_SYMBOLS[_SYMBOLS[type(op)]].name, sides, node)
            found = link if found is None else self.apply("logical_and", (found, link), node)
        assert found is not None
        return found

    # -- calls ----------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope) -> ir.Expr:
        if not isinstance(node.func, ast.Name):
            raise self.unsupported(node.func)
        name = node.func.id
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                raise self.unsupported(arg)
        if node.keywords:
            raise self.session.problem(
                "unsupported-syntax", node, f"`{name}` takes no keyword arguments here"
            )
        generator = len(node.args) == 1 and isinstance(node.args[0], (ast.GeneratorExp, ast.ListComp))
        if name in self.session.broken_functions:
            raise Problem()
        if name in self.session.functions:
            return self._inline(node, name, scope)
        if generator and (kind := _REDUCTIONS.get(name)) is not None:
            return self._reduce(node, kind, scope)
        if name in ("min", "max"):
            return self._elementwise_extreme(node, name, scope)
        if name == "given":
            return self._given(node)
        if name in ROW_FUNCTIONS:
            raise self.session.problem(
                "row-unnamed",
                node,
                f"`{name}` gives a row, not a value",
                f"name it first: `row = {name}(...)`, then index `row[...]`",
            )
        if name in _REDUCTIONS:
            raise self.session.problem(
                "bad-call", node, f"`{name}` takes one generator", f"write `{name}(value for i in range(n))`"
            )
        return self._op_call(node, name, scope)

    def _op_call(self, node: ast.Call, name: str, scope: Scope) -> ir.Expr:
        op = CALLABLE.get(name)
        if op is None:
            known = [*CALLABLE, *_REDUCTIONS, *ROW_FUNCTIONS, *self.session.functions]
            close = difflib.get_close_matches(name[:60], known, 1)
            meant = _OTHER_SPELLINGS.get(name) or next(iter(close), "")
            hint = f"did you mean `{meant}`?" if meant else "define it with `def` at the top of the body"
            raise self.session.problem("unknown-function", node.func, f"unknown function `{name[:60]}`", hint)
        if len(node.args) != op.arity:
            message = f"`{name}` takes {counted(op.arity, 'argument')}, got {len(node.args)}"
            raise self.session.problem("bad-call", node, message)
        return self.apply(name, tuple(self.check(arg, scope) for arg in node.args), node)

    def _elementwise_extreme(self, node: ast.Call, name: str, scope: Scope) -> ir.Expr:
        if len(node.args) < 2:
            raise self.session.problem("bad-call", node, f"`{name}` takes a generator, or two or more values")
        found, *rest = (self.check(arg, scope) for arg in node.args)
        for arg in rest:
            found = self.apply("minimum" if name == "min" else "maximum", (found, arg), node)
        return found

    def _given(self, node: ast.Call) -> ir.Expr:
        match node.args:
            case [ast.Name(name)] if name in self.session.signature.tensors:
                if not self.session.signature.tensors[name].is_optional:
                    raise self.session.problem(
                        "bad-call", node, f"`{name}` is not optional: it is always given"
                    )
                return ir.Given(name, BOOL, self.session.span_of(node))
            case _:
                raise self.session.problem(
                    "bad-call", node, "`given` takes the name of one optional argument"
                )

    def _inline(self, node: ast.Call, name: str, scope: Scope) -> ir.Expr:
        function = self.session.functions[name]
        names = [arg.arg for arg in function.args.args]
        self.session.called.add(name)
        if len(names) != len(node.args):
            message = f"`{name}` takes {counted(len(names), 'argument')}, got {len(node.args)}"
            raise self.session.problem("bad-call", node, message)
        if name in self.session.inlining:
            raise self.session.problem(
                "recursion", node, f"`{name}` calls itself", "write a `sequential` loop"
            )
        values = [self.check(arg, scope) for arg in node.args]
        self.session.inlining += (name,)
        try:
            return self._inlined_body(function, dict(zip(names, values, strict=True)), scope)
        finally:
            self.session.inlining = self.session.inlining[:-1]

    def _inlined_body(
        self, function: ast.FunctionDef, arguments: dict[str, ir.Expr], scope: Scope
    ) -> ir.Expr:
        inner = replace(scope, names={})
        bound: list[tuple[str, ir.Expr]] = []
        for name, value in arguments.items():
            inner = self._bind_local(name, value, inner, scope, bound)
        *locals_, last = function.body
        for statement in locals_:
            assert isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
            value = self.check(statement.value, inner)
            inner = self._bind_local(statement.targets[0].id, value, inner, inner, bound)
        assert isinstance(last, ast.Return) and last.value is not None
        found = self.check(last.value, inner)
        for unique, value in reversed(bound):
            found = ir.Bind(unique, value, found, found.type, found.span)
        return found

    def _bind_local(
        self, name: str, value: ir.Expr, inner: Scope, outer: Scope, bound: list[tuple[str, ir.Expr]]
    ) -> Scope:
        unique = self.session.fresh(name)
        bound.append((unique, value))
        facts = inner.facts.with_let(unique, value) if value.type.is_integer else inner.facts
        binding = Binding("let", unique, value.type, roots_of(value, outer))
        return replace(inner, facts=facts).bind(name, binding)

    # -- reductions -----------------------------------------------------------------------------

    def _reduce(self, node: ast.Call, kind: ir.ReduceKind, scope: Scope) -> ir.Expr:
        unique, low, high, where, value = self.generator(node.args[0], scope)
        value_type = self._reduced_type(node, kind, value)
        value = convert(value, value_type) if value.type != value_type else value
        result = {"count": I64, "argmax": I64, "argmin": I64}.get(kind, value_type)
        return ir.Reduce(kind, unique, low, high, where, value, result, self.session.span_of(node))

    def _reduced_type(self, node: ast.Call, kind: str, value: ir.Expr) -> DType:
        wants_bool = kind in ("any", "all", "count")
        if wants_bool != (value.type == BOOL):
            hint = "compare the value, as in `x != 0`" if wants_bool else "use `count`, `any` or `all`"
            wanted = "bool" if wants_bool else "a number"
            raise self.session.problem(
                "type-mismatch", node, f"`{kind}` reduces {wanted}, got {value.type}", hint
            )
        return value.type

    def generator(
        self, node: ast.expr, scope: Scope
    ) -> tuple[str, ir.Expr, ir.Expr, ir.Expr | None, ir.Expr]:
        """`value for var in range(low, high) if where` as (unique var, low, high, where, value)."""
        if not isinstance(node, (ast.GeneratorExp, ast.ListComp)):
            raise self.session.problem(
                "bad-call", node, "expected a generator", "write `value for i in range(n)`"
            )
        if len(node.generators) != 1:
            raise self.session.problem(
                "unsupported-syntax",
                node,
                "a generator ranges over one index",
                "nest the reductions: `sum(sum(...) for i in range(n))`",
            )
        clause = node.generators[0]
        if not isinstance(clause.target, ast.Name) or clause.is_async:
            raise self.session.problem("unsupported-syntax", clause.target, "a generator binds one name")
        low, high = self.range(clause.iter, scope, "range")
        unique, inner = self.enter(clause.target, low, high, scope)
        where: ir.Expr | None = None
        for item in clause.ifs:
            test = self.condition(item, inner)
            where = test if where is None else self.apply("logical_and", (where, test), item)
            inner = inner.assume(test, True)
        return unique, low, high, where, self.check(node.elt, inner)

    def range(self, node: ast.expr, scope: Scope, *names: str) -> tuple[ir.Expr, ir.Expr]:
        """The bounds of `range(high)` or `range(low, high)`."""
        match node:
            case ast.Call(ast.Name(name), args, []) if name in names and len(args) in (1, 2):
                bounds = [self.integer(arg, scope, "a range bound") for arg in args]
                low = bounds[0] if len(bounds) == 2 else ir.Const(0, I64, self.session.span_of(node))
                return low, bounds[-1]
            case ast.Call(ast.Name(name), args, []) if name in names:
                raise self.session.problem(
                    "bad-call",
                    node,
                    f"`{name}` takes one or two bounds, got {len(args)}",
                    "multiply the variable for a step: `range(n // 2)` and `2 * i`",
                )
            case _:
                spelled = " or ".join(f"`{name}(...)`" for name in names)
                hint = "write `for i in range(n)`"
                raise self.session.problem("bad-loop", node, f"a loop runs over {spelled}", hint)

    def enter(self, target: ast.Name, low: ir.Expr, high: ir.Expr, scope: Scope) -> tuple[str, Scope]:
        """The scope inside a loop or generator over `target`."""
        self.refuse_shadowing(target, scope)
        unique = self.session.fresh(target.id)
        roots = roots_of(low, scope) | roots_of(high, scope)
        facts = scope.facts.with_range(unique, low, high)
        binding = Binding("loop", unique, I64, roots, scope.parallel_depth)
        return unique, replace(scope, facts=facts).bind(target.id, binding)

    def require_plain_name(self, name: str, node: ast.AST) -> None:
        """Names reach the sources of every target, so they are as plain as those of the signature."""
        if not _LOCAL_NAME.match(name):
            raise self.session.problem(
                "bad-name",
                node,
                f"`{name[:60]}` cannot name a value or a function",
                "use up to 48 lower case letters, digits and single underscores, a letter first",
            )

    def refuse_shadowing(self, target: ast.Name, scope: Scope) -> None:
        """A name of the signature or the language cannot be bound again."""
        self.require_plain_name(target.id, target)
        name, signature = target.id, self.session.signature
        if name in signature.tensors or name in signature.scalars or name in signature.sizes:
            raise self.session.problem(
                "name-taken", target, f"`{name}` is part of the signature", "choose another name"
            )
        if name in RESERVED_CALLS or name in self.session.functions or name in ("min", "max"):
            raise self.session.problem(
                "name-taken", target, f"`{name}` is a function of the language", "choose another name"
            )

    def unsupported(self, node: ast.AST) -> Problem:
        """A problem with syntax that the language lacks."""
        what, hint = describe(node)
        return self.session.problem("unsupported-syntax", node, f"{what} is not part of the language", hint)

"""The typed IR as text: Python-like, with types on lets, policies on accesses, fewest parentheses.

An expression prints as Python that parses back to the same tree, but for the marks of policies
(`x[i]!nan`). `let(name := value, body)` is a `Bind`.
"""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import assert_never

from kernel_ir.nodes import (
    Apply,
    At,
    Bind,
    Const,
    Expr,
    For,
    Given,
    If,
    Kernel,
    Let,
    Load,
    Param,
    Policy,
    Reduce,
    Row,
    ScalarType,
    Size,
    SizeType,
    Stmt,
    Store,
    TensorType,
    Update,
    Var,
)
from kernel_ir.ops import OPS, Op

_TERNARY, _OR, _AND, _NOT, _COMPARE, _UNARY, _ATOM = 1, 2, 3, 4, 5, 12, 14


@dataclass(frozen=True, slots=True)
class _Infix:
    """How tightly an infix operator binds, and the least tightness each operand needs unwrapped."""

    level: int
    left: int
    right: int


def _left_to_right(level: int) -> _Infix:
    return _Infix(level, level, level + 1)


# Comparisons chain in Python, so a comparison as an operand of one is always wrapped.
_INFIX: dict[str, _Infix] = {
    "or": _left_to_right(_OR),
    "and": _left_to_right(_AND),
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), _Infix(_COMPARE, _COMPARE + 1, _COMPARE + 1)),
    "|": _left_to_right(6),
    "^": _left_to_right(7),
    "&": _left_to_right(8),
    **dict.fromkeys(("<<", ">>"), _left_to_right(9)),
    **dict.fromkeys(("+", "-"), _left_to_right(10)),
    **dict.fromkeys(("*", "/", "//", "%"), _left_to_right(11)),
    "**": _Infix(13, _ATOM, _UNARY),
}

_PREFIX: dict[str, int] = {"not": _NOT, "-": _UNARY, "~": _UNARY}

# Written as calls under a shorter name, as in a body.
_CALL_NAMES = {"minimum": "min", "maximum": "max"}

_INDENT = "    "


# ---- expressions -------------------------------------------------------------------------------


def print_expression(expr: Expr) -> str:
    """One expression, as Python text."""
    return _print(expr, _TERNARY)


def _print(expr: Expr, needed: int) -> str:
    """The text of `expr`, wrapped where it binds less tightly than its place needs."""
    text, level = _render(expr)
    return text if level >= needed else f"({text})"


def _render(expr: Expr) -> tuple[str, int]:
    match expr:
        case Const():
            text = _literal(expr)
            return text, _UNARY if text.startswith("-") else _ATOM
        case Size() | Param() | Var():
            return expr.name, _ATOM
        case Given():
            return f"given({expr.name})", _ATOM
        case Apply():
            return _render_apply(expr, OPS[expr.op])
        case Load():
            return _access(expr.tensor, expr.index, expr.policy), _ATOM
        case At():
            return _access(expr.row, (expr.index,), None), _ATOM
        case Reduce():
            return f"{expr.kind}({_generator(expr)})", _ATOM
        case Bind():
            return f"let({expr.name} := {print_expression(expr.value)}, {print_expression(expr.body)})", _ATOM
        case _:
            assert_never(expr)


def _literal(const: Const) -> str:
    return repr(float(const.value)) if const.type.is_float else repr(const.value)


def _render_apply(expr: Apply, op: Op) -> tuple[str, int]:
    if op.name == "select":
        condition, then, orelse = expr.args
        text = f"{_print(then, _OR)} if {_print(condition, _OR)} else {_print(orelse, _TERNARY)}"
        return text, _TERNARY
    if not op.symbol:
        arguments = ", ".join(map(print_expression, expr.args))
        return f"{_CALL_NAMES.get(op.name, op.name)}({arguments})", _ATOM
    if op.arity == 1:
        space = " " if op.symbol.isalpha() else ""
        level = _PREFIX[op.symbol]
        return f"{op.symbol}{space}{_print(expr.args[0], level)}", level
    infix = _INFIX[op.symbol]
    left, right = expr.args
    return f"{_print(left, infix.left)} {op.symbol} {_print(right, infix.right)}", infix.level


def _access(name: str, index: tuple[Expr, ...], policy: Policy | None) -> str:
    mark = f"!{policy}" if policy else ""
    return f"{name}[{', '.join(map(print_expression, index))}]{mark}"


def _generator(node: Reduce | Row) -> str:
    condition = f" if {_print(node.where, _OR)}" if node.where is not None else ""
    indices = _range("range", node.low, node.high)
    return f"{print_expression(node.value)} for {node.var} in {indices}{condition}"


def _range(name: str, low: Expr, high: Expr) -> str:
    is_from_zero = isinstance(low, Const) and low.value == 0
    bounds = (high,) if is_from_zero else (low, high)
    return f"{name}({', '.join(map(print_expression, bounds))})"


# ---- statements --------------------------------------------------------------------------------


def print_statements(statements: tuple[Stmt, ...], depth: int = 0) -> str:
    """A block, indented by `depth` levels, without a final newline; `pass` where it is empty."""
    lines = [line for item in statements for line in _lines(item)] or ["pass"]
    return "\n".join(_INDENT * depth + line for line in lines)


def _lines(stmt: Stmt) -> list[str]:
    match stmt:
        case Let():
            return [f"{stmt.name}: {stmt.value.type} = {print_expression(stmt.value)}"]
        case Update():
            return [f"{stmt.name} = {print_expression(stmt.value)}"]
        case Row():
            return [f"{', '.join(stmt.names)} = {_row(stmt)}"]
        case Store():
            return [f"{_access(stmt.tensor, stmt.index, stmt.policy)} = {print_expression(stmt.value)}"]
        case For():
            header = _range("sequential" if stmt.is_ordered else "range", stmt.low, stmt.high)
            return [f"for {stmt.var} in {header}:", *_block(stmt.body)]
        case If():
            then = [f"if {print_expression(stmt.condition)}:", *_block(stmt.then)]
            return [*then, "else:", *_block(stmt.orelse)] if stmt.orelse else then
        case _:
            assert_never(stmt)


def _block(statements: tuple[Stmt, ...]) -> list[str]:
    return print_statements(statements, 1).split("\n")


def _row(row: Row) -> str:
    if row.kind == "each":
        return f"[{_generator(row)}]"
    if row.count is not None:
        return f"{row.kind}(({_generator(row)}), {print_expression(row.count)})"
    return f"{row.kind}({_generator(row)})"


# ---- kernels -----------------------------------------------------------------------------------


def print_kernel(kernel: Kernel) -> str:
    """A kernel: its signature one argument a line, its requirements, its body."""
    types = [f"{name} = {' | '.join(map(str, choices))}" for name, choices in kernel.types]
    arguments = [f"{_INDENT}{_argument(item)}," for item in kernel.arguments]
    results = ", ".join(f"{item.name}: {print_shape(item)}" for item in kernel.results)
    requires = [f"{_INDENT}require {print_expression(item)}" for item in kernel.requires]
    lines = [*types, f"def {kernel.name}(", *arguments, f") -> ({results}):", *requires]
    return "\n".join([*lines, print_statements(kernel.body, 1)]) + "\n"


def print_shape(tensor: TensorType) -> str:
    """A tensor's type as a spec writes it: `T[*rows, width]`."""
    dims = [print_expression(item) for item in tensor.shape]
    if tensor.leading is not None:
        dims[0] = f"*{tensor.leading}"
    return f"{tensor.dtype}[{', '.join(dims)}]"


def _argument(item: TensorType | ScalarType | SizeType) -> str:
    match item:
        case TensorType():
            mutated = "mutates " if item.role == "mutated" else ""
            return f"{mutated}{item.name}: {print_shape(item)}{' = None' if item.is_optional else ''}"
        case ScalarType():
            return f"{item.name}: {item.dtype}{_default(item.default)}"
        case SizeType():
            return f"{item.name}: size{_default(item.default)}"
        case _:
            assert_never(item)


def _default(value: float | bool | None) -> str:
    return "" if value is None else f" = {value!r}"

"""The text of a body as Python syntax, within limits."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

from kernel_ir import nodes as ir
from kernel_ir.errors import Diagnostic, Span, SpecError
from kernel_ir.load import LoadedSpec
from kernel_ir.traverse import children, statement_expressions, walk_statements

MAX_BODY = 16 * 1024
MAX_NODES = 5000
MAX_DEPTH = 64
MAX_EXPANDED_DEPTH = 100


def parse_body(loaded: LoadedSpec) -> ast.Module:
    """The syntax tree of a spec's body. Raises SpecError."""
    body = loaded.spec.body
    if len(body) > MAX_BODY:
        raise _whole_body(loaded, "body-size", f"a body holds at most {MAX_BODY} characters, got {len(body)}")
    try:
        tree: ast.Module = parse_python(body)
    except SyntaxError as error:
        line, column = max(error.lineno or 1, 1), max((error.offset or 1) - 1, 0)
        span = loaded.source.body_span(line, column, line, column + 1)
        reason = re.sub(r" on line \d+", "", error.msg)  # a line of the body, not of the file
        message = f"the body is not valid Python syntax: {reason}"
        raise _spec_error(loaded, Diagnostic("syntax", message, span)) from None
    except (RecursionError, MemoryError, ValueError):
        raise _whole_body(loaded, "body-size", "the body is nested too deeply") from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise _whole_body(loaded, "body-size", f"a body holds at most {MAX_NODES} syntax nodes")
    if _depth_exceeds(tree, MAX_DEPTH):
        raise _whole_body(loaded, "body-size", f"a body nests at most {MAX_DEPTH} levels")
    return tree


def parse_python(text: str, mode: str = "exec") -> Any:
    """`ast.parse` without the warnings that Python has for odd code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode=mode)


def too_deep(loaded: LoadedSpec) -> SpecError:
    """The body nests deeper than the compiler follows."""
    return _whole_body(loaded, "body-size", "the body nests too deeply once its functions are written out")


def depth_exceeds(body: tuple[ir.Stmt, ...], more: tuple[ir.Expr, ...], limit: int) -> bool:
    """Whether any expression of a typed body nests deeper than `limit`; found without recursion."""
    level = list(more)
    for statement in walk_statements(body):
        level += [expr for expr, _ in statement_expressions(statement)]
    for _ in range(limit):
        level = [child for expr in level for child in children(expr)]
    return bool(level)


def _depth_exceeds(tree: ast.AST, limit: int) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(limit):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return bool(level)


def _whole_body(loaded: LoadedSpec, code: str, message: str) -> SpecError:
    return _spec_error(loaded, Diagnostic(code, message, loaded.source.key_span("body"), "split the kernel"))


def _spec_error(loaded: LoadedSpec, *diagnostics: Diagnostic) -> SpecError:
    return SpecError(loaded.source.path, loaded.source.text, diagnostics)


def body_span(loaded: LoadedSpec, node: ast.AST) -> Span:
    """Where a piece of the body stands in the spec's file."""
    line = getattr(node, "lineno", 1)
    column = getattr(node, "col_offset", 0)
    end_line = getattr(node, "end_lineno", None) or line
    end_column = getattr(node, "end_col_offset", None) or column + 1
    return loaded.source.body_span(line, column, end_line, end_column)

"""What pieces of Python that the language lacks are called, and what to write instead."""

from __future__ import annotations

import ast

_SEE = "see docs/language.md for what a body may hold"
_ONE_NAME = "bind one name a statement"

# syntax node -> (what it is, what to do about it)
_CONSTRUCTS: dict[type[ast.AST], tuple[str, str]] = {
    # statements
    ast.While: ("a `while` loop", "loop over `sequential(n)` and use `if`"),
    ast.FunctionDef: ("a function after the first statement", "define functions at the top of the body"),
    ast.AsyncFunctionDef: ("an `async` function", "write `def`"),
    ast.AsyncFor: ("an `async` loop", "write `for`"),
    ast.ClassDef: ("a class", _SEE),
    ast.Return: ("a `return` outside a function", "store to a result: `out[i] = value`"),
    ast.Break: ("`break`", "guard the rest of the loop's body with `if`"),
    ast.Continue: ("`continue`", "guard the rest of the loop's body with `if`"),
    ast.Import: ("an `import`", "the functions of the language need none"),
    ast.ImportFrom: ("an `import`", "the functions of the language need none"),
    ast.Assert: ("an `assert`", "state conditions on sizes under `requires`"),
    ast.AnnAssign: ("a type annotation", "write `name = value`; types follow from values"),
    ast.Expr: ("an expression whose value is not used", "bind it to a name, or store it"),
    ast.With: ("`with`", _SEE),
    ast.Try: ("`try`", _SEE),
    ast.Raise: ("`raise`", _SEE),
    ast.Delete: ("`del`", _SEE),
    ast.Global: ("`global`", _SEE),
    ast.Nonlocal: ("`nonlocal`", _SEE),
    ast.Match: ("`match`", "write `if` and `else`"),
    # expressions
    ast.Attribute: ("an attribute", "call functions by their plain name, as in `exp(x)`"),
    ast.Lambda: ("a `lambda`", "define a function with `def` at the top of the body"),
    ast.GeneratorExp: ("a generator on its own", "reduce it, as in `sum(x[i] for i in range(n))`"),
    ast.ListComp: ("a row without a name", "name it first: `row = [... for i in range(n)]`"),
    ast.SetComp: ("a set", _SEE),
    ast.DictComp: ("a dict", _SEE),
    ast.Set: ("a set", _SEE),
    ast.Dict: ("a dict", _SEE),
    ast.List: ("a list", "name a row: `row = [... for i in range(n)]`"),
    ast.Tuple: ("a tuple", _ONE_NAME),
    ast.Starred: ("`*`", "write the values out"),
    ast.JoinedStr: ("a string", _SEE),
    ast.NamedExpr: ("`:=`", "bind the name in a statement of its own"),
    ast.Slice: ("a slice", "write a loop over the range"),
    ast.Await: ("`await`", _SEE),
    ast.Yield: ("`yield`", _SEE),
    ast.YieldFrom: ("`yield`", _SEE),
    # operators
    ast.MatMult: ("`@`", "write the sum: `sum(a[i, k] * b[k, j] for k in range(n))`"),
    ast.Is: ("`is`", "compare with `==`; ask for an optional argument with `given(name)`"),
    ast.IsNot: ("`is not`", "compare with `!=`; ask for an optional argument with `given(name)`"),
    ast.In: ("`in`", "compare with each value, or use `any(... for i in range(n))`"),
    ast.NotIn: ("`not in`", "compare with each value, or use `all(... for i in range(n))`"),
}

_LITERALS: dict[type, str] = {
    str: "strings",
    bytes: "strings",
    complex: "complex numbers",
    type(None): "`None`",
    type(...): "`...`",
}


def describe(node: ast.AST) -> tuple[str, str]:
    """(what the author wrote, what to write instead) for syntax outside the language."""
    match node:
        case ast.BinOp(_, op) | ast.UnaryOp(op):
            return describe(op)
        case ast.Compare(_, ops):
            return describe(next((op for op in ops if type(op) in _CONSTRUCTS), node))
        case ast.Assign([_, _, *_]):
            return "an assignment to several targets", _ONE_NAME
        case ast.Assign([ast.Tuple() | ast.List()]):
            return "an assignment to several names", "only `topk` gives two: `values, indices = topk(..., k)`"
        case ast.AugAssign(ast.Subscript()):
            return "an update of an element", "sum first, as in `sum(... for i in range(n))`, then store once"
        case ast.AugAssign(_, op):
            return "this assignment", "write `name = name ... value`"
        case _:
            return _CONSTRUCTS.get(type(node), (f"`{type(node).__name__}`", _SEE))


def literal_name(value: object) -> str:
    """The plural that a literal outside the language goes by."""
    return _LITERALS.get(type(value), type(value).__name__)

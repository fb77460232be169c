"""What names mean at a point of a body, and where problems are collected."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from kernel_ir import nodes as ir
from kernel_ir.dtypes import DType
from kernel_ir.errors import Diagnostic, Span
from kernel_ir.prove import Facts

MAX_EXPRESSIONS = 10_000

BindingKind = Literal["let", "loop", "mutable", "row", "broken"]


@dataclass(frozen=True, slots=True)
class Binding:
    """A name bound in a body.

    `unique` is its name in the IR. `roots` are the tensors and scalars whose data decide the
    value (empty for what follows from sizes and loop ranges alone). `parallel_depth` counts the
    parallel loops that enclose the binding. Rows carry their range.
    """

    kind: BindingKind
    unique: str
    type: DType | None
    roots: frozenset[str] = frozenset()
    parallel_depth: int = 0
    low: ir.Expr | None = None
    high: ir.Expr | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """The kernel's signature, as the body sees it."""

    tensors: Mapping[str, ir.TensorType]
    compute: Mapping[str, DType]  # tensor -> compute type of its elements, where these can be read
    scalars: Mapping[str, ir.ScalarType]
    sizes: frozenset[str]
    policies: Mapping[str, ir.Policy]


@dataclass(frozen=True, slots=True)
class Scope:
    """An immutable view: entering a block makes a new one."""

    names: Mapping[str, Binding]
    facts: Facts
    given: frozenset[str] = frozenset()
    parallel_depth: int = 0

    def bind(self, name: str, binding: Binding) -> Scope:
        return replace(self, names={**self.names, name: binding})

    def assume(self, condition: ir.Expr, holds: bool) -> Scope:
        """The scope where `condition` is known to be `holds`."""
        given = self.given | _given_names(condition, holds)
        return replace(self, facts=self.facts.with_condition(condition, holds), given=given)


def _given_names(condition: ir.Expr, holds: bool) -> frozenset[str]:
    match condition:
        case ir.Given(name) if holds:
            return frozenset({name})
        case ir.Apply("logical_and", args) if holds:
            return frozenset().union(*(_given_names(arg, True) for arg in args))
        case ir.Apply("logical_or", args) if not holds:
            return frozenset().union(*(_given_names(arg, False) for arg in args))
        case ir.Apply("logical_not", (arg,)):
            return _given_names(arg, not holds)
        case _:
            return frozenset()


class Problem(Exception):
    """Stops the checking of one statement or expression; already reported when `diagnostic` is None."""

    def __init__(self, diagnostic: Diagnostic | None = None) -> None:
        super().__init__()
        self.diagnostic = diagnostic


@dataclass(slots=True)
class Session:
    """The mutable part of checking one kernel: problems found, names given out."""

    signature: Signature
    span_of: Callable[[ast.AST], Span]
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    inlining: tuple[str, ...] = ()
    broken_functions: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    spent: int = 0

    def spend(self, node: ast.AST) -> None:
        """Count an expression. What functions expand to is bounded, as the text itself is."""
        self.spent += 1
        if self.spent > MAX_EXPRESSIONS:
            message = f"the body holds more than {MAX_EXPRESSIONS} expressions where its functions are called"
            raise self.problem("body-size", node, message, "split the kernel")

    def fresh(self, name: str) -> str:
        """A name no other binding of the kernel has: `name`, else `name.2`, `name.3`, ..."""
        candidate, count = name, 1
        while candidate in self.used:
            count += 1
            candidate = f"{name}.{count}"
        self.used.add(candidate)
        return candidate

    def problem(self, code: str, node: ast.AST, message: str, hint: str = "") -> Problem:
        """A problem at a piece of syntax, to be raised."""
        return Problem(Diagnostic(code, message, self.span_of(node), hint))

    def report(self, problem: Problem) -> None:
        if problem.diagnostic is not None and problem.diagnostic not in self.diagnostics:
            self.diagnostics.append(problem.diagnostic)

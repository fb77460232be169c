"""A loaded spec becomes a checked kernel, or every problem in it is reported at once."""

from __future__ import annotations

import ast

from kernel_ir import nodes as ir
from kernel_ir.dtypes import DTYPES, DType, join_integers
from kernel_ir.errors import Diagnostic, SpecError
from kernel_ir.footprints import check_mutated, check_reads_of_results, check_writes, uncovered_results
from kernel_ir.load import LoadedSpec, load_text
from kernel_ir.prove import Facts
from kernel_ir.traverse import walk_expressions, walk_statements
from kernel_ir.typecheck.parse import MAX_EXPANDED_DEPTH, body_span, depth_exceeds, parse_body, too_deep
from kernel_ir.typecheck.poison import check_poison
from kernel_ir.typecheck.requirements import check_requirements
from kernel_ir.typecheck.scope import Problem, Scope, Session, Signature
from kernel_ir.typecheck.statements import StatementChecker


def check_spec(loaded: LoadedSpec) -> ir.Kernel:
    """The kernel that a spec means. Raises SpecError with every independent problem."""
    try:
        return _check_spec(loaded)
    except RecursionError:
        raise too_deep(loaded) from None


def _check_spec(loaded: LoadedSpec) -> ir.Kernel:
    signature = _signature(loaded)
    tree = parse_body(loaded)
    session = Session(signature, lambda node: body_span(loaded, node))
    requires = check_requirements(loaded, signature, session)
    facts = Facts.for_sizes(sorted(signature.sizes), [item.name for item in loaded.results()])
    for condition in requires:
        facts = facts.with_requirement(condition)
    body = _body(loaded, tree, session, Scope({}, facts))
    _stop_if(session.diagnostics, loaded)
    _stop_if(_uncalled(session), loaded)
    if depth_exceeds(body, requires, MAX_EXPANDED_DEPTH):
        raise too_deep(loaded)
    kernel = _kernel(loaded, requires, body)
    _check_whole(loaded, kernel, facts)
    uncovered = uncovered_results(kernel, facts)
    return ir.Kernel(
        kernel.name, kernel.types, kernel.arguments, kernel.results, kernel.sizes, requires, body, uncovered
    )


def check_text(text: str, path: str) -> ir.Kernel:
    """`check_spec` of a spec given as text."""
    return check_spec(load_text(text, path))


def _stop_if(diagnostics: list[Diagnostic], loaded: LoadedSpec) -> None:
    if diagnostics:
        raise SpecError(loaded.source.path, loaded.source.text, tuple(diagnostics))


# ---- signature ---------------------------------------------------------------------------------


def _signature(loaded: LoadedSpec) -> Signature:
    tensors = loaded.tensors()
    types = _types(loaded)
    found = {name: compute_type(_choices(item.dtype, types)) for name, item in tensors.items()}
    compute = {name: type_ for name, type_ in found.items() if type_ is not None}
    scalars = {item.name: item for item in loaded.arguments() if isinstance(item, ir.ScalarType)}
    return Signature(tensors, compute, scalars, frozenset(loaded.size_names()), dict(loaded.spec.in_range))


def _types(loaded: LoadedSpec) -> dict[str, tuple[DType, ...]]:
    return {name: tuple(DTYPES[item] for item in items) for name, items in loaded.spec.types.items()}


def _choices(dtype: str, types: dict[str, tuple[DType, ...]]) -> tuple[DType, ...]:
    return types.get(dtype) or (DTYPES[dtype],)


def compute_type(choices: tuple[DType, ...]) -> DType | None:
    """The one type that elements of any of these dtypes load to; None where floats and integers mix."""
    found = DTYPES[choices[0].compute]
    for other in choices[1:]:
        compute = DTYPES[other.compute]
        joined = found if compute == found else join_integers(found, compute) if found.is_integer else None
        if joined is None:
            return None
        found = joined
    return found


# ---- parts -------------------------------------------------------------------------------------


def _body(loaded: LoadedSpec, tree: ast.Module, session: Session, scope: Scope) -> tuple[ir.Stmt, ...]:
    types = _types(loaded)
    elements = {name: _choices(item.dtype, types) for name, item in session.signature.tensors.items()}
    checker = StatementChecker(session, elements)
    statements = list(tree.body)
    while statements and isinstance(first := statements[0], ast.FunctionDef):
        statements.pop(0)
        try:
            checker.define(first)
        except Problem as problem:
            session.report(problem)
    return checker.block(statements, scope)


def _uncalled(session: Session) -> list[Diagnostic]:
    """A diagnostic for each function that nothing calls: its body has not been looked at."""
    return [
        Diagnostic("never-used", f"the body never calls `{name}`", session.span_of(node), "remove it")
        for name, node in session.functions.items()
        if name not in session.called
    ]


def _kernel(loaded: LoadedSpec, requires: tuple[ir.Expr, ...], body: tuple[ir.Stmt, ...]) -> ir.Kernel:
    spec = loaded.spec
    types = tuple(_types(loaded).items())
    return ir.Kernel(
        spec.name, types, loaded.arguments(), loaded.results(), loaded.size_names(), requires, body
    )


# ---- checks of the whole kernel ----------------------------------------------------------------


def _check_whole(loaded: LoadedSpec, kernel: ir.Kernel, facts: Facts) -> None:
    unique = frozenset(loaded.spec.unique)
    found = [*_never_stored(loaded, kernel), *_never_used(loaded, kernel)]
    found += check_poison(kernel)
    found += check_writes(kernel, facts, unique)
    found += check_reads_of_results(kernel, facts)
    found += check_mutated(kernel, facts, unique)
    _stop_if(found, loaded)


def _never_stored(loaded: LoadedSpec, kernel: ir.Kernel) -> list[Diagnostic]:
    stored = {item.tensor for item in walk_statements(kernel.body) if isinstance(item, ir.Store)}
    found = []
    for tensor in kernel.tensors().values():
        if tensor.role == "input" or tensor.name in stored:
            continue
        is_result = tensor.role == "result"
        what = f"the result `{tensor.name}`" if is_result else f"`{tensor.name}`, which is under `mutates`"
        span = loaded.source.key_span("results" if is_result else "arguments", tensor.name)
        found.append(Diagnostic("never-stored", f"the body never stores to {what}", span))
    return found


def _never_used(loaded: LoadedSpec, kernel: ir.Kernel) -> list[Diagnostic]:
    used = {item.tensor for item in walk_statements(kernel.body) if isinstance(item, ir.Store)}
    for expr in walk_expressions(kernel.body, *kernel.requires):
        match expr:
            case ir.Load(tensor):
                used.add(tensor)
            case ir.Param(name):
                used.add(name)
            case _:
                pass
    return [
        Diagnostic(
            "never-used",
            f"the body never uses the argument `{item.name}`",
            loaded.source.key_span("arguments", item.name),
            "remove it, or list it under `ignored` of an export",
        )
        for item in kernel.arguments
        if not isinstance(item, ir.SizeType) and item.name not in used
    ]

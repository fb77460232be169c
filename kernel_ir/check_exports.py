"""What the public names of a kernel must hold to: its own and those under `exports`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from kernel_ir.check_signature import Rule, Subject
from kernel_ir.errors import Diagnostic
from kernel_ir.names import PYTHON, WRAPPER_NAMES, kernel_name_problem, name_problem, reserved_by, taken
from kernel_ir.nodes import Size
from kernel_ir.source import Path
from kernel_ir.spec import Argument, Export, Returns, Spec
from kernel_ir.wording import show, suggest


def export_names_are_legal(subject: Subject) -> Iterator[Diagnostic]:
    """Export names are legal, and differ from each other and from the kernel's own."""
    seen = {subject.spec.name}
    for index, export in enumerate(subject.spec.exports):
        at = subject.source.span("exports", index, "name")
        if problem := kernel_name_problem(export.name):
            yield Diagnostic("bad-name", problem[0], at, problem[1])
        elif export.name in seen:
            message = f"the name {show(export.name)} is already taken"
            yield Diagnostic("name-clash", message, at, "the kernel's own name needs no export")
        seen.add(export.name)


def exports_cover_arguments(subject: Subject) -> Iterator[Diagnostic]:
    """An export maps public names to arguments, each at most once and all required ones."""
    for index, export in enumerate(subject.spec.exports):
        if export.arguments is None:
            continue
        keys: Path = ("exports", index, "arguments")
        used: dict[str, str] = {}
        for public, name in export.arguments.items():
            at = subject.source.span(*keys, public)
            if name not in subject.spec.arguments and name not in subject.spec.results:
                known = suggest(name, (*subject.spec.arguments, *subject.spec.results))
                message = f"{show(name)} is neither an argument nor a result"
                yield Diagnostic("unknown-argument", message, at, known)
            elif name in used:
                message = f"{show(name)} is already passed as {show(used[name])}"
                yield Diagnostic("repeated", message, at, "map each argument once")
            used.setdefault(name, public)
        for name, item in subject.spec.arguments.items():
            if name not in used and not _is_optional(item) and not _is_passed_with(subject, export, name):
                message = f"the required argument {show(name)} has no public name"
                hint = f'add "{name[:40]}: {name[:40]}"'
                yield Diagnostic("missing-argument", message, subject.source.key_span(*keys), hint)


def _is_passed_with(subject: Subject, export: Export, size: str) -> bool:
    """Whether a size argument is a dimension of a result that the caller of the export passes."""
    passed = {name for name in (export.arguments or {}).values() if not _is_returned(export, name)}
    shapes = [item.shape for item in subject.signature.results if item.name in passed]
    return any(isinstance(dim, Size) and dim.name == size for shape in shapes for dim in shape)


def export_arguments_are_legal(subject: Subject) -> Iterator[Diagnostic]:
    """Public argument names are legal in Python, and none is given two meanings."""
    for index, export in enumerate(subject.spec.exports):
        public = _public(subject, export)
        for name in export.arguments or {}:
            if problem := _parameter_problem(name):
                at = subject.source.key_span("exports", index, "arguments", name)
                yield Diagnostic("bad-name", problem[0], at, problem[1])
        for position, name in enumerate(export.keyword_only):
            if name not in public and name not in export.ignored:
                at = subject.source.span("exports", index, "keyword_only", position)
                message = f"{show(name)} is not an argument of this export"
                yield Diagnostic("unknown-argument", message, at, suggest(name, public))


def ignored_arguments_are_legal(subject: Subject) -> Iterator[Diagnostic]:
    """The names of what is ignored are legal in Python, and stand for nothing else."""
    for keys, item, public in _signatures(subject):
        for name in item.ignored:
            at = subject.source.key_span(*keys, "ignored", name)
            if problem := _parameter_problem(name):
                yield Diagnostic("bad-name", problem[0], at, problem[1])
            elif name in public:
                message = f"{show(name)} is both an argument and ignored"
                yield Diagnostic("name-clash", message, at, "remove one of them")


def _signatures(subject: Subject) -> Iterator[tuple[Path, Spec | Export, Collection[str]]]:
    """The kernel's own signature and those of its exports: key path, what is written, names of arguments."""
    yield (), subject.spec, subject.spec.arguments
    for index, export in enumerate(subject.spec.exports):
        yield ("exports", index), export, _public(subject, export)


def unsupported_arguments_have_one_value(subject: Subject) -> Iterator[Diagnostic]:
    """What is unsupported is listed under `ignored`, with a default that a call can be compared with."""
    for keys, item, _ in _signatures(subject):
        for position, name in enumerate(item.unsupported):
            at = subject.source.span(*keys, "unsupported", position)
            if name not in item.ignored:
                message = f"{show(name)} is not listed under `ignored`"
                yield Diagnostic("unknown-argument", message, at, "give it a default there")
            elif not (item.ignored[name] is None or isinstance(item.ignored[name], bool)):
                message = f"the default of {show(name)} is {show(item.ignored[name])}"
                hint = "only null, true and false can be compared with what a call passes"
                yield Diagnostic("bad-default", message, at, hint)


def export_arguments_are_ordered(subject: Subject) -> Iterator[Diagnostic]:
    """Required public arguments come before optional ones, unless keyword-only."""
    for index, export in enumerate(subject.spec.exports):
        optional = ""
        for public, item in _public(subject, export).items():
            if public in export.keyword_only or (export.arguments is None and item.is_keyword_only):
                continue
            if item.has_default:
                optional = public
            elif optional and not item.may_be_none:
                at = subject.source.key_span("exports", index, "arguments", public)
                message = f"the required argument {show(public)} follows the optional {show(optional)}"
                yield Diagnostic("argument-order", message, at, "move it up, or list it in keyword_only")


def out_has_one_result(subject: Subject) -> Iterator[Diagnostic]:
    """`out=` stands for the single result, and no argument is called `out` beside it."""
    spec, source = subject.spec, subject.source
    for keys, item, public in _signatures(subject):
        takes_out = item.takes_out() if isinstance(item, Spec) else item.out
        if takes_out and "out" in item.ignored:
            at = source.key_span(*keys, "ignored", "out")
            yield Diagnostic("name-clash", '"out" is both accepted and ignored', at, "remove one of them")
        if takes_out and len(spec.results) != 1:
            message = f"out= stands for a single result, this kernel has {len(spec.results)}"
            yield Diagnostic("out-without-result", message, source.key_span(*keys, "out"), 'remove "out"')
        elif takes_out and "out" in public:
            inner = (*keys, "arguments", "out")
            hint = 'rename the argument, or add "out: false"'
            yield Diagnostic(
                "name-clash",
                '"out" is an argument and the place of the result',
                source.key_span(*inner),
                hint,
            )


def returns_name_outputs(subject: Subject) -> Iterator[Diagnostic]:
    """`returns` lists results and mutated arguments, each once."""
    yield from _returned(subject, ("returns",), subject.spec.returns)
    for index, export in enumerate(subject.spec.exports):
        yield from _returned(subject, ("exports", index, "returns"), export.returns)


def _returned(subject: Subject, keys: Path, returns: Returns) -> Iterator[Diagnostic]:
    if isinstance(returns, str):
        return
    known = (*subject.spec.results, *subject.spec.mutates)
    for position, name in enumerate(returns):
        at = subject.source.span(*keys, position)
        if name not in known:
            message = f"{show(name)} is neither a result nor a mutated argument"
            yield Diagnostic("unknown-output", message, at, suggest(name, known))
        elif name in returns[:position]:
            yield Diagnostic("repeated", f"{show(name)} is listed twice", at, "remove one of them")


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A public argument of an export, as far as its place in the signature goes.

    A tensor that may be None has a default where no required argument follows, so it may stand anywhere.
    """

    has_default: bool
    may_be_none: bool = False
    is_keyword_only: bool = False


def _public(subject: Subject, export: Export) -> dict[str, _Parameter]:
    """An export's public names, with what exists behind them.

    A name that stands for a result is where the caller wants it written: needed, unless it is returned.
    """
    arguments, results = subject.spec.arguments, subject.spec.results
    mapping = {name: name for name in arguments} if export.arguments is None else export.arguments
    found = {}
    for public, name in mapping.items():
        if name in arguments:
            item = arguments[name]
            found[public] = _Parameter(item.default is not None, item.optional, item.keyword_only)
        elif name in results:
            found[public] = _Parameter(_is_returned(export, name))
    return found


def _is_returned(export: Export, result: str) -> bool:
    return export.returns == "results" or result in export.returns


def _is_optional(item: Argument) -> bool:
    return item.optional or item.default is not None


def _parameter_problem(name: str) -> tuple[str, str] | None:
    """Public names stay in Python, so the reserved words of other languages are free to use."""
    if name in PYTHON:
        return f"{show(name)} is reserved in Python", "choose another name"
    if problem := taken(name, WRAPPER_NAMES, "every op"):
        return problem
    return None if reserved_by(name) else name_problem(name)


RULES: tuple[Rule, ...] = (
    export_names_are_legal,
    exports_cover_arguments,
    export_arguments_are_legal,
    ignored_arguments_are_legal,
    unsupported_arguments_have_one_value,
    export_arguments_are_ordered,
    out_has_one_result,
    returns_name_outputs,
)

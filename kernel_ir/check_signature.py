"""What a signature must hold to, one function a rule.

Each rule yields a diagnostic for every place that breaks it and knows nothing of the others. A rule
passes over entries that another one refuses (`read_signature` leaves out what has no type).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from kernel_ir.dtypes import DTYPES
from kernel_ir.errors import Diagnostic, Span
from kernel_ir.names import (
    BODY_NAMES,
    WRAPPER_NAMES,
    kernel_name_problem,
    name_problem,
    params_name,
    stride_name,
    taken,
    type_variable_problem,
)
from kernel_ir.nodes import Apply, Expr, ScalarType, Size, SizeType, TensorType
from kernel_ir.shape_types import size_names
from kernel_ir.signature import Signature
from kernel_ir.solve_sizes import sizes_always_known, solve_sizes
from kernel_ir.source import Path, Source
from kernel_ir.spec import Spec
from kernel_ir.wording import join, show, suggest


@dataclass(frozen=True)
class Subject:
    """What the rules look at."""

    spec: Spec
    source: Source
    signature: Signature

    @cached_property
    def tensors(self) -> dict[str, TensorType]:
        """The tensor arguments."""
        return {item.name: item for item in self.signature.arguments if isinstance(item, TensorType)}

    @cached_property
    def scalars(self) -> dict[str, ScalarType]:
        """The scalar arguments, sizes not among them."""
        return {item.name: item for item in self.signature.arguments if isinstance(item, ScalarType)}

    @cached_property
    def dimensions(self) -> dict[str, Span]:
        """The names in shapes, each with the place where it first stands."""
        tensors = (*self.tensors.values(), *self.signature.results)
        sizes = [size for item in tensors for dimension in item.shape for size in _sizes(dimension)]
        return {size.name: size.span for size in reversed(sizes)}

    def is_integer(self, name: str) -> bool:
        """Whether an argument holds integers, whatever its type variable stands for."""
        if name in self.scalars:
            return self.scalars[name].dtype.is_integer
        return name in self.tensors and all(DTYPES[item].is_integer for item in self.choices(name))

    @property
    def has_all_arguments(self) -> bool:
        """Whether every argument has a type; where one is missing, sizes may only seem unknown."""
        return len(self.signature.arguments) == len(self.spec.arguments)

    def is_tensor(self, name: str) -> bool:
        """Whether an argument is a tensor."""
        return name in self.tensors

    def is_index_array(self, name: str) -> bool:
        """Whether an argument is a tensor of integers."""
        return name in self.tensors and self.is_integer(name)

    def choices(self, name: str) -> tuple[str, ...]:
        """The legal dtypes that a tensor argument may have."""
        dtype = self.tensors[name].dtype
        return tuple(item for item in self.spec.types.get(dtype, (dtype,)) if item in DTYPES)


Rule = Callable[[Subject], Iterator[Diagnostic]]


def _sizes(expr: Expr) -> Iterator[Size]:
    match expr:
        case Size():
            yield expr
        case Apply(_, args):
            for arg in args:
                yield from _sizes(arg)


# ---- names -------------------------------------------------------------------------------------


def names_are_legal(subject: Subject) -> Iterator[Diagnostic]:
    """Every name fits the pattern and is no reserved word of a target, nor one of the language."""
    spec, source = subject.spec, subject.source
    if problem := kernel_name_problem(spec.name):
        yield Diagnostic("bad-name", problem[0], source.span("name"), problem[1])
    for name in spec.types:
        if problem := type_variable_problem(name):
            yield Diagnostic("bad-name", problem[0], source.key_span("types", name), problem[1])
    for name in spec.arguments:
        if problem := name_problem(name) or _taken_in_body(name) or taken(name, WRAPPER_NAMES, "every op"):
            yield Diagnostic("bad-name", problem[0], source.key_span("arguments", name), problem[1])
    for name in spec.results:
        if problem := name_problem(name) or _taken_in_body(name):
            yield Diagnostic("bad-name", problem[0], source.key_span("results", name), problem[1])
    for name, span in subject.dimensions.items():
        if name not in spec.arguments and (problem := name_problem(name) or _taken_in_body(name)):
            yield Diagnostic("bad-name", problem[0], span, problem[1])


def _taken_in_body(name: str) -> tuple[str, str] | None:
    return taken(name, BODY_NAMES, "the body language")


def names_are_unique(subject: Subject) -> Iterator[Diagnostic]:
    """Type variables, arguments, results and sizes differ by more than case."""
    spec, source = subject.spec, subject.source
    named = [(name, "type variable", source.key_span("types", name)) for name in spec.types]
    named += [(name, "argument", source.key_span("arguments", name)) for name in spec.arguments]
    named += [(name, "result", source.key_span("results", name)) for name in spec.results]
    sizes = {item.name for item in subject.signature.arguments if isinstance(item, SizeType)}
    named += [(name, "size", span) for name, span in subject.dimensions.items() if name not in sizes]
    seen: dict[str, tuple[str, str]] = {}
    for name, kind, span in named:
        if name in subject.scalars and kind == "size":
            hint = f'write "{name}: {{type: size}}" for an integer argument that is a dimension'
            yield Diagnostic("name-clash", f"the scalar {show(name)} is used as a dimension", span, hint)
        elif name.lower() in seen:
            first, first_kind = seen[name.lower()]
            also = "" if first == name else f" {show(first)}"
            message = f"the {kind} {show(name)} has the name of the {first_kind}{also}"
            yield Diagnostic("name-clash", message, span, "give one of them another name")
        seen.setdefault(name.lower(), (name, kind))


def names_are_not_strides(subject: Subject) -> Iterator[Diagnostic]:
    """Nothing is called as a tensor's stride is in what every target is passed."""
    places = _members(subject)
    for item in (*subject.tensors.values(), *subject.signature.results):
        for stride in (stride_name(item.name, axis) for axis in range(len(item.shape) - 1)):
            if stride in places:
                message = f"{show(stride)} is also the name of a stride of {show(item.name)}"
                yield Diagnostic("name-clash", message, places[stride], "choose another name")


def names_are_not_the_struct(subject: Subject) -> Iterator[Diagnostic]:
    """Nothing is called as the struct is in which every target is passed all of it."""
    struct = params_name(subject.spec.name)
    if at := _members(subject).get(struct):
        message = f"{show(struct)} is also the name of what kernels are passed"
        yield Diagnostic("name-clash", message, at, "choose another name")


def _members(subject: Subject) -> dict[str, Span]:
    """What every target is passed by name, and where it is named."""
    spec, source = subject.spec, subject.source
    places = dict(subject.dimensions)
    places |= {name: source.key_span("results", name) for name in spec.results}
    places |= {name: source.key_span("arguments", name) for name in spec.arguments}
    return places


# ---- types and sizes ---------------------------------------------------------------------------


def type_variables_hold_one_kind(subject: Subject) -> Iterator[Diagnostic]:
    """A type variable lists known dtypes, each once, that all compute as floats or as integers.

    One that results alone have may mix what f32 values can be stored to.
    """
    for name, choices in subject.spec.types.items():
        keys: Path = ("types", name)
        if not choices:
            message = f"{show(name)} stands for no dtype"
            yield Diagnostic("empty-type-variable", message, subject.source.span(*keys), "list at least one")
        for index, dtype in enumerate(choices):
            at = subject.source.span(*keys, index)
            if dtype not in DTYPES:
                yield Diagnostic("unknown-dtype", f"{show(dtype)} is not a dtype", at, suggest(dtype, DTYPES))
            elif dtype in choices[:index]:
                yield Diagnostic("repeated", f"{show(dtype)} is listed twice", at, "remove one of them")
        known = [dtype for dtype in choices if dtype in DTYPES]
        computes = dict.fromkeys(_compute_kind(dtype) for dtype in known)
        if len(computes) > 1 and not _is_only_stored(subject, name):
            message = f"{show(name)} mixes {join(computes, 'and')} types"
            hint = "arithmetic differs between them: use a type variable each"
            yield Diagnostic("mixed-type-variable", message, subject.source.span(*keys), hint)


def _is_only_stored(subject: Subject, variable: str) -> bool:
    """Whether no argument has the type, and f32 values round to each of its dtypes."""
    always, optional, _ = _dtypes_written(subject)
    known = [DTYPES[item] for item in subject.spec.types[variable] if item in DTYPES]
    return variable not in always | optional and all(item.is_float or item.saturates for item in known)


def _compute_kind(dtype: str) -> str:
    kind = DTYPES[dtype].kind
    return "integer" if kind in ("int", "uint") else kind


def type_variables_are_used(subject: Subject) -> Iterator[Diagnostic]:
    """Arguments that are always there choose the type variables of results, but for those that results alone
    have: the caller's arrays for results choose these, or the first dtype holds.
    """
    always, optional, results = _dtypes_written(subject)
    for name in subject.spec.types:
        at = subject.source.key_span("types", name)
        if name not in always | optional | results:
            message = f"nothing has the type {show(name)}"
            hint = f'remove it, or write an argument as "{name[:40]}[...]"'
            yield Diagnostic("unused-type-variable", message, at, hint)
        elif name in (results & optional) - always:
            message = f"the type {show(name)} of a result follows from an optional argument alone"
            hint = f'write a required argument as "{name[:40]}[...]"'
            yield Diagnostic("undetermined-type", message, at, hint)


def _dtypes_written(subject: Subject) -> tuple[set[str], set[str], set[str]]:
    """What stands before the brackets: in required arguments, optional arguments, results.

    Taken from the text, so that a mistake inside the brackets does not make a variable look unused.
    """
    arguments = subject.spec.arguments.values()
    groups = (
        [item.type for item in arguments if not item.optional],
        [item.type for item in arguments if item.optional],
        [item.type for item in subject.spec.results.values()],
    )
    always, optional, results = ({text.split("[")[0].strip() for text in group} for group in groups)
    return always, optional, results


def sizes_are_determined(subject: Subject) -> Iterator[Diagnostic]:
    """Every size follows from arguments; those of results from arguments that are always there."""
    if not subject.has_all_arguments:
        return
    solved = {origin.size for origin in solve_sizes(subject.signature)}
    always = sizes_always_known(subject.signature)
    in_results = {
        name for item in subject.signature.results for dim in item.shape for name in size_names(dim)
    }
    for name, span in subject.dimensions.items():
        if name in subject.scalars or name in always:
            continue
        if name not in solved:
            message = f"the size {show(name)} does not follow from the arguments"
            yield Diagnostic(
                "undetermined-size", message, span, suggest(name, sorted(always), _determine(name))
            )
        elif name in in_results:
            message = f"the size {show(name)} of a result follows from an optional argument alone"
            yield Diagnostic(
                "undetermined-size", message, span, suggest(name, sorted(always), _determine(name))
            )


def _determine(name: str) -> str:
    return f'give an argument the dimension {show(name)}, or add the argument "{name[:40]}: {{type: size}}"'


def leading_dimensions_are_given(subject: Subject) -> Iterator[Diagnostic]:
    """A result's `*rows` has the shape that an argument's `*rows` collapses."""
    given = {item.leading for item in subject.tensors.values() if not item.is_optional}
    known = sizes_always_known(subject.signature) if subject.has_all_arguments else ()
    for item in subject.signature.results:
        if item.leading in known and item.leading not in given:
            message = f"no argument has the leading dimensions *{item.leading}"
            hint = f"write {show(item.leading)} for a single dimension"
            yield Diagnostic("undetermined-size", message, item.shape[0].span, hint)


# ---- arguments ---------------------------------------------------------------------------------


def arguments_are_ordered(subject: Subject) -> Iterator[Diagnostic]:
    """As in Python: positional before keyword-only, and required before defaults among the former.

    A tensor that may be None is passed all the same where a required argument follows it.
    """
    optional = keyword = ""
    for name, item in subject.spec.arguments.items():
        at = subject.source.key_span("arguments", name)
        if item.keyword_only:
            keyword = name
            continue
        if keyword:
            message = f"the positional argument {show(name)} follows the keyword-only {show(keyword)}"
            yield Diagnostic(
                "argument-order", message, at, f"move it up, or add keyword_only: true to {show(name)}"
            )
        if item.default is not None:
            optional = name
        elif optional and not item.optional:
            message = f"the required argument {show(name)} follows the optional {show(optional)}"
            yield Diagnostic("argument-order", message, at, "move it up, or add keyword_only: true")


def something_is_written(subject: Subject) -> Iterator[Diagnostic]:
    """A kernel has a result or updates an argument."""
    if not subject.spec.results and not subject.spec.mutates:
        message = "the kernel has no results and mutates nothing"
        yield Diagnostic(
            "no-output", message, subject.source.key_span("results"), 'add "results:" or "mutates:"'
        )


def an_array_is_passed(subject: Subject) -> Iterator[Diagnostic]:
    """A required tensor argument says on which device, and in whose arrays, the op works."""
    is_settled = any(not item.is_optional for item in subject.tensors.values())
    if subject.has_all_arguments and not is_settled:
        at = subject.source.key_span("arguments")
        hint = "an op finds its device by an array: add one"
        yield Diagnostic("no-tensor", "no required argument is a tensor", at, hint)


def lists_name_arguments(subject: Subject) -> Iterator[Diagnostic]:
    """`mutates` names tensor arguments, `unique` integer tensors, `in_range` what indices come from."""
    spec = subject.spec
    yield from _named(subject, "mutates", spec.mutates, "a tensor argument", subject.is_tensor)
    yield from _named(subject, "unique", spec.unique, "an integer tensor argument", subject.is_index_array)
    yield from _named(subject, "in_range", tuple(spec.in_range), "an integer argument", subject.is_integer)


def _named(
    subject: Subject, section: str, names: tuple[str, ...], wanted: str, is_wanted: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    for index, name in enumerate(names):
        key = name if section == "in_range" else index
        at = subject.source.key_span(section, key)
        if name not in subject.spec.arguments:
            message = f"{show(name)} is not an argument"
            yield Diagnostic("unknown-argument", message, at, suggest(name, subject.spec.arguments))
        elif name in names[:index]:
            yield Diagnostic("repeated", f"{show(name)} is listed twice", at, "remove one of them")
        elif _is_typed(subject, name) and not is_wanted(name):
            yield Diagnostic("wrong-argument", f"{show(name)} is not {wanted}", at)


def _is_typed(subject: Subject, name: str) -> bool:
    return any(item.name == name for item in subject.signature.arguments)


RULES: tuple[Rule, ...] = (
    names_are_legal,
    names_are_unique,
    names_are_not_strides,
    names_are_not_the_struct,
    type_variables_hold_one_kind,
    type_variables_are_used,
    sizes_are_determined,
    leading_dimensions_are_given,
    arguments_are_ordered,
    something_is_written,
    an_array_is_passed,
    lists_name_arguments,
)

"""What texts, examples and conditions must hold to.

Texts are data that ends up in comments and docstrings of several languages, so what could end one
there is refused here: comment and docstring delimiters, a backslash at a line's end, and anything
but printable ASCII.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from kernel_ir.check_signature import Rule, Subject
from kernel_ir.dtypes import DTYPES
from kernel_ir.errors import Diagnostic
from kernel_ir.nodes import SizeType
from kernel_ir.shape_types import ShapeError, parse_size, size_names
from kernel_ir.signature import SIZE, default_problem
from kernel_ir.source import Path
from kernel_ir.spec import Values
from kernel_ir.wording import join, show, suggest

MAX_LINE = 200
_FOREIGN = re.compile(r"[^\x20-\x7e\n]")
_DELIMITERS = ("*/", "/*", '"""', "'''")


def texts_are_safe(subject: Subject) -> Iterator[Diagnostic]:
    """Texts hold nothing that could end a comment or a docstring."""
    for keys, text, is_one_line in _texts(subject):
        if problem := _text_problem(text, is_one_line):
            yield Diagnostic("bad-text", problem[0], subject.source.span(*keys), problem[1])


def _texts(subject: Subject) -> Iterator[tuple[Path, str, bool]]:
    """(key path, text, whether it must be one line) for everything that is only read by people."""
    spec = subject.spec
    yield ("summary",), spec.summary, True
    yield ("description",), spec.description, False
    yield ("reference",), spec.reference, True
    if spec.numerics:
        yield ("numerics", "reason"), spec.numerics.reason, True
    for name, argument in spec.arguments.items():
        yield ("arguments", name, "doc"), argument.doc, True
    for name, result in spec.results.items():
        yield ("results", name, "doc"), result.doc, True
    yield from _ignored_texts((), spec.ignored)
    for index, export in enumerate(spec.exports):
        yield from _ignored_texts(("exports", index), export.ignored)


def _ignored_texts(keys: Path, ignored: Mapping[str, object]) -> Iterator[tuple[Path, str, bool]]:
    for name, default in ignored.items():
        if isinstance(default, str):
            yield (*keys, "ignored", name), default, True


def _text_problem(text: str, is_one_line: bool) -> tuple[str, str] | None:
    if found := _FOREIGN.search(text):
        return f"the character U+{ord(found.group()):04X} is not allowed", "texts are printable ASCII"
    if is_one_line and "\n" in text:
        return "this text takes one line", 'longer text goes into "description"'
    if is_one_line and len(text) > MAX_LINE:
        return f"this text has at most {MAX_LINE} characters, not {len(text)}", "shorten it"
    for delimiter in _DELIMITERS:
        if delimiter in text:
            return f"{delimiter} is not allowed in a text", "it would end the comment around it"
    if any(line.rstrip().endswith("\\") for line in text.split("\n")):
        return "a line must not end with a backslash", "it would join the next line to a comment"
    return None


def texts_are_given(subject: Subject) -> Iterator[Diagnostic]:
    """A kernel says what it does, and why where its error may be larger."""
    if not subject.spec.summary.strip():
        yield Diagnostic(
            "empty-text", "the summary is empty", subject.source.span("summary"), "say what it does"
        )
    if subject.spec.numerics and not subject.spec.numerics.reason.strip():
        at = subject.source.span("numerics", "reason")
        yield Diagnostic("empty-text", "the reason is empty", at, "say why the error may be larger")


def body_is_given(subject: Subject) -> Iterator[Diagnostic]:
    """The body is not empty and, like the file around it, printable ASCII."""
    at = subject.source.span("body")
    if not subject.spec.body.strip():
        yield Diagnostic("empty-body", "the body is empty", at, 'write the kernel below "body: |"')
    for keys, text in [(("body",), subject.spec.body)] + [
        (("requires", index), text) for index, text in enumerate(subject.spec.requires)
    ]:
        if found := _FOREIGN.search(text):
            message = f"the character U+{ord(found.group()):04X} is not allowed"
            yield Diagnostic("bad-character", message, subject.source.span(*keys), "code is printable ASCII")


def conditions_take_one_line(subject: Subject) -> Iterator[Diagnostic]:
    """Each entry of `requires` is one condition on one line."""
    for index, text in enumerate(subject.spec.requires):
        if "\n" in text or not text.strip():
            message = "a condition takes one line" if text.strip() else "the condition is empty"
            at = subject.source.span("requires", index)
            yield Diagnostic("bad-condition", message, at, 'such as "head_dim % 2 == 0"')


# ---- values and examples -----------------------------------------------------------------------


def values_fit_arguments(subject: Subject) -> Iterator[Diagnostic]:
    """`values` says one way to fill an argument, and one that its type can hold."""
    for name, item in subject.spec.arguments.items():
        if item.values is None:
            continue
        keys: Path = ("arguments", name, "values")
        chosen = [(kind, value) for kind, value in item.values if value is not None]
        if len(chosen) != 1:
            at = subject.source.key_span(*keys)
            hint = f"choose one of {join(Values.model_fields)}"
            yield Diagnostic(
                "bad-values", f"expected one way to fill {show(name)}, got {len(chosen)}", at, hint
            )
        for kind, value in chosen:
            if problem := _kind_problem(subject, name, kind):
                yield Diagnostic("bad-values", problem, subject.source.key_span(*keys, kind))
            bounds = enumerate(value) if isinstance(value, tuple) else [(None, value)]
            for position, bound in bounds:
                inner: Path = (*keys, kind) if position is None else (*keys, kind, position)
                yield from _bound_problems(subject, inner, bound, kind)


def _kind_problem(subject: Subject, name: str, kind: str) -> str:
    """Why an argument cannot be filled like this, or ""."""
    if name in subject.tensors:
        if kind == "normal" and not all(DTYPES[item].is_float for item in subject.choices(name)):
            return f"{show(name)} holds no floats to distribute normally"
        if kind in ("distinct", "offsets") and not subject.is_index_array(name):
            return f"{show(name)} holds no integers, which {kind} needs"
        return ""
    return f"{show(name)} is not a tensor: examples give its value" if name in subject.scalars else ""


def _bound_problems(subject: Subject, keys: Path, bound: object, kind: str) -> Iterator[Diagnostic]:
    at = subject.source.span(*keys)
    if isinstance(bound, float) and (not math.isfinite(bound) or (kind == "normal" and bound <= 0)):
        wanted = "a positive number" if kind == "normal" else "a finite number"
        yield Diagnostic("bad-values", f"expected {wanted}, got {show(bound)}", at)
    elif isinstance(bound, float) and kind in ("distinct", "offsets"):
        yield Diagnostic("bad-values", f"expected an integer or a size, got {show(bound)}", at)
    elif isinstance(bound, str):
        try:
            expr = parse_size(bound)
        except ShapeError as error:
            at = subject.source.type_span(keys, error.start, error.end)
            yield Diagnostic("bad-values", error.message, at, error.hint)
            return
        for name in dict.fromkeys(size_names(expr)):
            if name not in subject.signature.sizes:
                message = f"{show(name)} is not a size of this kernel"
                yield Diagnostic("unknown-size", message, at, suggest(name, subject.signature.sizes))


def examples_give_sizes(subject: Subject) -> Iterator[Diagnostic]:
    """An example gives every size, and of other arguments only scalars."""
    sizes = subject.signature.sizes
    kinds = {name: item.dtype for name, item in subject.scalars.items()}
    for index, example in enumerate(subject.spec.examples):
        missing = [name for name in sizes if name not in example and not _has_default(subject, name)]
        if missing:
            message = f"the example gives no {join([show(name) for name in missing[:8]])}"
            yield Diagnostic("incomplete-example", message, subject.source.span("examples", index))
        for name, value in example.items():
            keys: Path = ("examples", index, name)
            if name in sizes or name in kinds:
                if problem := default_problem(value, kinds.get(name)):
                    yield Diagnostic("bad-example", problem, subject.source.span(*keys))
            elif name in subject.tensors:
                message = f"{show(name)} is a tensor: an example gives sizes and scalars"
                hint = 'say how to fill it with "values"'
                yield Diagnostic("bad-example", message, subject.source.key_span(*keys), hint)
            else:
                message = f"{show(name)} is neither a {SIZE} nor an argument"
                hint = suggest(name, (*sizes, *kinds))
                yield Diagnostic("unknown-size", message, subject.source.key_span(*keys), hint)


def _has_default(subject: Subject, name: str) -> bool:
    arguments = subject.signature.arguments
    return any(
        isinstance(item, SizeType) and item.name == name and item.default is not None for item in arguments
    )


RULES: tuple[Rule, ...] = (
    texts_are_safe,
    texts_are_given,
    body_is_given,
    conditions_take_one_line,
    values_fit_arguments,
    examples_give_sizes,
)

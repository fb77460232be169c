"""The typed signature: a spec's arguments and results as the IR describes them.

An entry whose type cannot be read is reported and left out, so that later checks go on without it;
a tensor of an unknown dtype is reported and kept for its shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kernel_ir import spec as models
from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.errors import Diagnostic, Span
from kernel_ir.nodes import Argument, Role, ScalarType, SizeType, TensorType
from kernel_ir.shape_types import ParsedType, ShapeError, parse_type
from kernel_ir.source import Path, Source
from kernel_ir.wording import join, show, suggest

SCALAR_TYPES = ("f32", "i32", "i64", "u32", "bool")
SIZE = "size"
MAX_SIZE = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Signature:
    """`sizes` is `Spec.size_names()`."""

    arguments: tuple[Argument, ...]
    results: tuple[TensorType, ...]
    sizes: tuple[str, ...]


def read_signature(spec: models.Spec, source: Source) -> tuple[Signature, list[Diagnostic]]:
    """The signature, and what is wrong with its types and defaults."""
    reader = _Reader(spec, source)
    arguments = [reader.argument(name, item) for name, item in spec.arguments.items()]
    results = [reader.result(name, item) for name, item in spec.results.items()]
    found = tuple(item for item in arguments if item is not None)
    returned = tuple(item for item in results if item is not None)
    return Signature(found, returned, spec.size_names()), reader.problems


class _Reader:
    def __init__(self, spec: models.Spec, source: Source) -> None:
        self.spec, self.source = spec, source
        self.problems: list[Diagnostic] = []

    def argument(self, name: str, item: models.Argument) -> Argument | None:
        parsed = self._type(("arguments", name, "type"), item.type)
        if parsed is None:
            return None
        if parsed.is_tensor:
            self._check_tensor_options(name, item)
            role: Role = "mutated" if name in self.spec.mutates else "input"
            return self._tensor(name, parsed, role, item)
        self._check_scalar_options(name, item)
        span = self.source.key_span("arguments", name)
        if parsed.dtype == SIZE:
            default = self._default(name, item, None)
            return SizeType(name, default, item.keyword_only, item.doc, span)  # type: ignore[arg-type]
        dtype = DTYPES[parsed.dtype]
        return ScalarType(name, dtype, self._default(name, item, dtype), item.keyword_only, item.doc, span)

    def result(self, name: str, item: models.Result) -> TensorType | None:
        keys = ("results", name, "type")
        parsed = self._type(keys, item.type)
        if parsed is None:
            return None
        if not parsed.is_tensor:
            message = f"a result is a tensor, not {show(item.type)}"
            self._report(
                "not-a-tensor", message, self.source.span(*keys), f'write "{parsed.dtype}[1]" for one value'
            )
            return None
        return self._tensor(name, parsed, "result", item)

    def _tensor(
        self, name: str, parsed: ParsedType, role: Role, item: models.Argument | models.Result
    ) -> TensorType:
        section = "results" if role == "result" else "arguments"
        argument = item if isinstance(item, models.Argument) else None
        return TensorType(
            name=name,
            dtype=parsed.dtype,
            shape=parsed.shape or (),
            role=role,
            leading=parsed.leading,
            is_optional=argument is not None and argument.optional,
            is_keyword_only=argument is not None and argument.keyword_only,
            doc=item.doc,
            span=self.source.key_span(section, name),
        )

    def _type(self, keys: Path, text: str) -> ParsedType | None:
        try:
            parsed = parse_type(text, lambda start, end: self.source.type_span(keys, start, end))
        except ShapeError as error:
            self._report(
                "bad-type", error.message, self.source.type_span(keys, error.start, error.end), error.hint
            )
            return None
        problem = self._dtype_problem(parsed)
        if problem is None:
            return parsed
        start = text.index(parsed.dtype)
        at = self.source.type_span(keys, start, start + len(parsed.dtype))
        self._report(problem[0], problem[1], at, problem[2])
        return parsed if parsed.is_tensor else None

    def _dtype_problem(self, parsed: ParsedType) -> tuple[str, str, str] | None:
        """What is wrong with the dtype's name, as (code, message, hint)."""
        name, variables = parsed.dtype, self.spec.types
        if parsed.is_tensor:
            if name in variables or name in DTYPES:
                return None
            if name == SIZE:
                return (
                    "unknown-dtype",
                    "a tensor has no elements of type size",
                    "index tensors are i32 or i64",
                )
            if name[:1].isupper():
                return (
                    "unknown-type-variable",
                    f"{show(name)} is not among the types",
                    suggest(name, variables, _TYPES),
                )
            return "unknown-dtype", f"{show(name)} is not a dtype", suggest(name, DTYPES)
        if name in SCALAR_TYPES or name == SIZE:
            return None
        if name in DTYPES or name in variables:
            hint = f'for a tensor, add its shape, such as "{name}[rows]"'
            return "scalar-type", f"a scalar is {join(SCALAR_TYPES)}, not {show(name)}", hint
        return "unknown-dtype", f"{show(name)} is not a type", suggest(name, (*SCALAR_TYPES, SIZE))

    def _check_tensor_options(self, name: str, item: models.Argument) -> None:
        if item.default is not None:
            at = self.source.key_span("arguments", name, "default")
            self._report("tensor-default", "a tensor has no default", at, 'use "optional: true"')

    def _check_scalar_options(self, name: str, item: models.Argument) -> None:
        if item.optional:
            at = self.source.key_span("arguments", name, "optional")
            self._report("optional-scalar", "only tensors may be optional", at, 'give it a "default"')

    def _default(self, name: str, item: models.Argument, dtype: DType | None) -> models.Number | None:
        """The default as the dtype's own kind of number (None: a size)."""
        value = item.default
        if value is None:
            return None
        problem = default_problem(value, dtype)
        if problem:
            at = self.source.span("arguments", name, "default")
            self._report("bad-default", problem, at)
        return float(value) if dtype is not None and dtype.is_float and not problem else value

    def _report(self, code: str, message: str, at: Span, hint: str = "") -> None:
        self.problems.append(Diagnostic(code, message, at, hint))


def default_problem(value: models.Number, dtype: DType | None) -> str:
    """Why a number cannot be a scalar of this dtype (None: a size), or ""."""
    low, high = (0, MAX_SIZE) if dtype is None else (dtype.lowest, dtype.highest)
    named = SIZE if dtype is None else dtype.name
    if (dtype is not None and dtype.kind == "bool") != isinstance(value, bool):
        return f"expected {_KINDS[named]}, got {show(value)}"
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and (dtype is None or not dtype.is_float):
        return f"expected {_KINDS[named]}, got {show(value)}"
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return "" if low <= value <= high else f"{show(value)} is outside the range of {named}"


_KINDS = {
    "bool": "true or false",
    "f32": "a number",
    "i32": "an integer",
    "u32": "an integer",
    "i64": "an integer",
    "size": "an integer",
}
_TYPES = 'declare it: "types: {T: [f32, f16, bf16]}"'

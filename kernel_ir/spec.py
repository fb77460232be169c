"""The spec file as pydantic models: which keys there are and what kind of value each takes.

Only structure is checked here; what the values mean together is checked by `check_signature`.
Every model is frozen, strict (no coercion) and closed (unknown keys are errors). Lists are tuples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticKnownError

from kernel_ir.names import NAME_PATTERN, TYPE_VARIABLE_PATTERN
from kernel_ir.nodes import Policy
from kernel_ir.shape_types import ParsedType, ShapeError, parse_type, size_names

EDITION = 1
TARGETS = ("cpu", "metal", "cuda")

Number: TypeAlias = bool | int | float
Bound: TypeAlias = int | float | str


def _pattern(pattern: str) -> Any:
    """A pattern for editors; the loader checks names itself, to say more than "no match"."""
    return Field(json_schema_extra={"pattern": pattern})


Name: TypeAlias = Annotated[str, _pattern(NAME_PATTERN)]
Returns: TypeAlias = Literal["results", "none"] | tuple[Name, ...]


def _edition(value: Any) -> Any:
    """Python takes `True` and `1.0` for 1; they are no editions."""
    if type(value) is not int:
        raise PydanticKnownError("literal_error", {"expected": str(EDITION)})
    return value


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Values(_Model):
    """How tests and benchmarks fill an argument: exactly one of the keys.

    Bounds are numbers or size expressions; the upper one is exclusive.
    """

    uniform: tuple[Bound, Bound] | None = Field(None, description="Evenly drawn from [low, high).")
    distinct: tuple[Bound, Bound] | None = Field(None, description="Integers of [low, high), none twice.")
    offsets: Bound | None = Field(None, description="Nondecreasing from 0 to this total (CSR row starts).")
    normal: float | None = Field(None, description="Normally distributed with this standard deviation.")


class Argument(_Model):
    """One argument of the op."""

    type: str = Field(description='"T[*rows, width]", "f32", "size", ...')
    doc: str = Field("", description="One line for the docstring.")
    optional: bool = Field(False, description="A tensor that may be None; the body asks given(name).")
    default: Number | None = Field(None, description="Makes a scalar or size optional.")
    keyword_only: bool = Field(False, description="Passed by name only.")
    values: Values | None = Field(None, description="How examples fill it.")


class Result(_Model):
    """One tensor that the op returns."""

    type: str = Field(description='"T[*rows, width]"')
    doc: str = Field("", description="One line for the docstring.")


class Export(_Model):
    """A further public name and signature of the kernel."""

    name: Name = Field(description="The public name.")
    arguments: dict[Name, Name] | None = Field(
        None, description="Public name to argument, in positional order; default: the kernel's own."
    )
    keyword_only: tuple[Name, ...] = Field((), description="Public names that are passed by name only.")
    out: bool = Field(False, description="Accepts out=, for the single result.")
    ignored: dict[Name, Number | str | None] = Field(
        {}, description="Further accepted arguments with their default; their value is ignored."
    )
    unsupported: tuple[Name, ...] = Field(
        (), description="Of `ignored`, those that are refused where they are not their default."
    )
    returns: Returns = Field(
        "results", description="results, none, or names of results and mutated arguments."
    )


class Numerics(_Model):
    """Why the kernel's error may exceed the usual bound."""

    reason: str


class Spec(_Model):
    """One kernel."""

    edition: Annotated[Literal[1], BeforeValidator(_edition)] = Field(
        description="The version of this format."
    )
    name: Name = Field(description="The kernel's name, and that of the public op.")
    summary: str = Field(description="One line.")
    description: str = Field("", description="Further text, in paragraphs.")
    reference: str = Field("", description="A paper or page that defines the op.")
    types: dict[Annotated[str, _pattern(TYPE_VARIABLE_PATTERN)], tuple[str, ...]] = Field(
        {}, description="Type variables and the dtypes that each stands for."
    )
    arguments: dict[Name, Argument] = Field(description="In positional order.")
    results: dict[Name, Result] = Field({}, description="In the order they are returned.")
    mutates: tuple[Name, ...] = Field((), description="Arguments updated in place.")
    unique: tuple[Name, ...] = Field((), description="Index arrays that are promised to hold no value twice.")
    in_range: dict[Name, Policy] = Field({}, description="What an out of range index read from here does.")
    requires: tuple[str, ...] = Field((), description="Conditions over sizes and integer arguments.")
    body: str = Field(description="The kernel, in restricted Python.")
    exports: tuple[Export, ...] = Field((), description="Further public names and signatures.")
    returns: Returns = Field(
        "results", description="results, none, or names of results and mutated arguments."
    )
    out: bool | None = Field(None, description="Accepts out=; default: where there is one result.")
    ignored: dict[Name, Number | str | None] = Field(
        {}, description="Further accepted arguments with their default; their value is ignored."
    )
    unsupported: tuple[Name, ...] = Field(
        (), description="Of `ignored`, those that are refused where they are not their default."
    )
    numerics: Numerics | None = Field(None, description="Why the kernel's error may exceed the usual bound.")
    schedule: dict[Literal["cpu", "metal", "cuda"], dict[Name, int]] = Field(
        {}, description="Overrides of the chosen schedule, by target."
    )
    examples: tuple[dict[Name, Number], ...] = Field(
        (), description="Sizes (and scalar arguments) that tests and benchmarks start from."
    )

    def size_names(self) -> tuple[str, ...]:
        """Every dimension name by first appearance: argument shapes, size arguments, results."""
        arguments = {name: _parse(item.type) for name, item in self.arguments.items()}
        results = [_parse(item.type) for item in self.results.values()]
        sizes = [name for name, parsed in arguments.items() if parsed == _SIZE]
        names = [*_dimension_names(arguments.values()), *sizes, *_dimension_names(results)]
        return tuple(dict.fromkeys(names))

    def takes_out(self) -> bool:
        """Whether the op of the kernel's own name accepts `out=`."""
        return len(self.results) == 1 if self.out is None else self.out


_SIZE = ParsedType("size")


def _parse(text: str) -> ParsedType | None:
    """A type as written; None where it is wrong, which the signature's reader reports."""
    try:
        return parse_type(text)
    except ShapeError:
        return None


def _dimension_names(types: Iterable[ParsedType | None]) -> Iterator[str]:
    for parsed in types:
        for dimension in (parsed.shape or ()) if parsed else ():
            yield from size_names(dimension)

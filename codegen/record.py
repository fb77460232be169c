"""The record of an op: every fact that more than one generated file needs, stated once.

Shader, kernel, host code, binding, wrapper, stub and docs page are all rendered from it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kernel_ir import nodes as ir
from kernel_ir import spec as specs
from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.load import LoadedSpec
from kernel_ir.names import params_name, stride_name

FieldKind = Literal["pointer", "stride", "size", "scalar"]


@dataclass(frozen=True, slots=True)
class Field:
    """A member of the op's `Params` struct, in order.

    `pointer`: the data of `tensor` (null where an optional one is absent). `stride`: elements
    between neighbours along `axis` of `tensor` as the kernel indexes it (after collapsing); the
    last axis has stride 1 and no field. `size`: the dimension `name`. `scalar`: the argument
    `name` in its compute type (bool as uint8_t).
    """

    kind: FieldKind
    name: str
    ctype: str
    tensor: str = ""
    axis: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One instantiation: a dtype for each type variable. `suffix` is `f16` or `f16_i64`."""

    suffix: str
    dtypes: tuple[tuple[str, DType], ...]

    def resolve(self, dtype: str) -> DType:
        """The dtype that a tensor's `dtype` (name or type variable) is in this entry."""
        return dict(self.dtypes).get(dtype) or DTYPES[dtype]


@dataclass(frozen=True, slots=True)
class Export:
    """A public name of the op.

    `arguments` maps public to spec argument names in positional order; `ignored` holds extra
    accepted names with their defaults, of which those in `unsupported` have no other value; `returns`
    names what the call returns: results and mutated arguments, in order (empty: None).
    """

    name: str
    arguments: tuple[tuple[str, str], ...]
    keyword_only: frozenset[str]
    ignored: tuple[tuple[str, object], ...]
    has_out: bool
    returns: tuple[str, ...]
    unsupported: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OpRecord:
    """An op as the host sees it."""

    kernel: ir.Kernel
    summary: str
    description: str
    reference: str
    fields: tuple[Field, ...]
    entries: tuple[Entry, ...]
    exports: tuple[Export, ...]
    spec_path: str
    examples: tuple[Mapping[str, int | float | bool], ...]
    values: Mapping[str, Mapping[str, object]]
    schedule: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    body: str = ""

    @property
    def name(self) -> str:
        return self.kernel.name

    @property
    def params_struct(self) -> str:
        """The C++ name of the op's parameter struct, shared by kernel and host."""
        return params_name(self.name)

    @property
    def params_file(self) -> str:
        """The header that declares the parameter struct."""
        return f"{self.name}_params.h"

    def cpu_symbol(self, entry: Entry, isa: str) -> str:
        """The C symbol of the CPU kernel: `void symbol(const <name>_params*)`, running every launch."""
        return f"sgl_cpu_{isa}_{self.name}_{entry.suffix}"


SCALAR_CTYPES = {"f32": "float", "i32": "int32_t", "u32": "uint32_t", "i64": "int64_t", "bool": "uint8_t"}


def make_fields(kernel: ir.Kernel) -> tuple[Field, ...]:
    """The members of `Params`: pointers, then strides, sizes and scalars, in signature order."""
    tensors = tuple(kernel.tensors().values())
    pointers = [Field("pointer", item.name, "void*", item.name) for item in tensors]
    strides = [
        Field("stride", stride_name(item.name, axis), "int64_t", item.name, axis)
        for item in tensors
        for axis in range(len(item.shape) - 1)
    ]
    sizes = [Field("size", name, "int64_t") for name in kernel.sizes]
    scalars = [
        Field("scalar", item.name, SCALAR_CTYPES[item.dtype.name])
        for item in kernel.arguments
        if isinstance(item, ir.ScalarType)
    ]
    return (*pointers, *strides, *sizes, *scalars)


def make_entries(kernel: ir.Kernel) -> tuple[Entry, ...]:
    """Every combination of the type variables, in the order of the spec; one entry where there are none."""
    names = [name for name, _ in kernel.types]
    choices = [dtypes for _, dtypes in kernel.types]
    found = []
    for combination in itertools.product(*choices):
        suffix = "_".join(dtype.name for dtype in combination) or "any"
        found.append(Entry(suffix, tuple(zip(names, combination, strict=True))))
    return tuple(found)


def make_record(loaded: LoadedSpec, kernel: ir.Kernel) -> OpRecord:
    """Everything that the generated files of an op share."""
    spec = loaded.spec
    primary = Export(
        spec.name,
        tuple((item.name, item.name) for item in kernel.arguments),
        frozenset(item.name for item in kernel.arguments if _is_keyword_only(item)),
        tuple(spec.ignored.items()),
        spec.takes_out(),
        _returned(spec.returns, kernel),
        frozenset(spec.unsupported),
    )
    values = {
        name: item.values.model_dump(exclude_none=True)
        for name, item in spec.arguments.items()
        if item.values
    }
    return OpRecord(
        kernel, spec.summary, spec.description, spec.reference, make_fields(kernel), make_entries(kernel),
        (primary, *(_export(item, kernel) for item in spec.exports)),
        loaded.source.path, spec.examples, values, dict(spec.schedule.items()), spec.body,
    )  # fmt: skip


def _export(item: specs.Export, kernel: ir.Kernel) -> Export:
    own = {argument.name: argument.name for argument in kernel.arguments}
    return Export(
        item.name,
        tuple((own if item.arguments is None else item.arguments).items()),
        frozenset(item.keyword_only),
        tuple(item.ignored.items()),
        item.out,
        _returned(item.returns, kernel),
        frozenset(item.unsupported),
    )


def _is_keyword_only(item: ir.Argument) -> bool:
    return not isinstance(item, ir.TensorType) and item.is_keyword_only


def _returned(returns: str | tuple[str, ...], kernel: ir.Kernel) -> tuple[str, ...]:
    match returns:
        case "results":
            return tuple(item.name for item in kernel.results)
        case "none":
            return ()
        case _:
            return tuple(returns)

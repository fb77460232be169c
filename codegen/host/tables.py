"""The tables that describe an op to the host runtime, as the template wants them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codegen.host.parameters import Ignored, Parameter, public_order
from codegen.host.sizes import SizeFunction, linear_form, mentioned, size_function, solutions
from codegen.record import Export, OpRecord
from kernel_ir import nodes as ir
from kernel_ir.dtypes import DType
from kernel_ir.errors import TargetError
from kernel_ir.printer import print_expression

# The fixed storage of `host_runtime/op.h`.
_MAX_TENSORS, _MAX_SCALARS, _MAX_SIZES, _MAX_TYPES, _MAX_RANK, _MAX_PARAMETERS = 32, 32, 32, 8, 16, 96

X86_LEVELS = ("baseline", "avx2", "avx512")
OTHER_LEVELS = ("baseline",)


@dataclass(frozen=True, slots=True)
class DimensionRow:
    """One initialiser of `Dimension`; `initialiser` is C++ text without braces."""

    text: str
    initialiser: str


@dataclass(frozen=True, slots=True)
class TensorRow:
    """One initialiser of `Tensor`, and the arrays that it points to."""

    name: str
    type: str
    dtype: str
    role: str
    is_optional: bool
    is_zero_filled: bool
    has_leading: bool
    dimensions: tuple[DimensionRow, ...]
    stride_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypeRow:
    name: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScalarRow:
    name: str
    dtype: str
    default: str


@dataclass(frozen=True, slots=True)
class SizeArgumentRow:
    name: str
    default: int


@dataclass(frozen=True, slots=True)
class SolutionRow:
    size: str
    tensor: str
    axis: int
    coefficient: str
    offset: str


@dataclass(frozen=True, slots=True)
class RequirementRow:
    text: str
    function: str
    sizes: tuple[str, ...]
    scalars: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParameterRow:
    name: str
    kind: str
    index: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """One initialiser of `Signature`; `positional` parameters may be given by position."""

    name: str
    parameters: tuple[ParameterRow, ...]
    positional: int
    returns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KernelTable:
    """The kernels of one processor family: `rows` by ISA level, then by entry."""

    rows: tuple[tuple[str, ...], ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(symbol for row in self.rows for symbol in row)


@dataclass(frozen=True, slots=True)
class HostSource:
    """Everything in `host/<op>_host.cpp`."""

    spec_path: str
    name: str
    params_struct: str
    argument_count: int
    sizes: tuple[str, ...]
    functions: tuple[SizeFunction, ...]
    tensors: tuple[TensorRow, ...]
    types: tuple[TypeRow, ...]
    scalars: tuple[ScalarRow, ...]
    size_arguments: tuple[SizeArgumentRow, ...]
    solutions: tuple[SolutionRow, ...]
    requirements: tuple[RequirementRow, ...]
    signatures: tuple[SignatureRow, ...]
    entry_count: int
    x86: KernelTable
    other: KernelTable


def host_source(record: OpRecord) -> HostSource:
    """The tables of an op. Raises TargetError where it has more of something than the host holds."""
    kernel = record.kernel
    _require_capacity(record)
    _require_distinct(record)
    tensors = tuple(kernel.tensors().values())
    scalars = tuple(item for item in kernel.arguments if isinstance(item, ir.ScalarType))
    return HostSource(
        spec_path=record.spec_path,
        name=record.name,
        params_struct=record.params_struct,
        argument_count=len(tensors) - len(kernel.results),
        sizes=kernel.sizes,
        functions=_functions(record),
        tensors=tuple(_tensor_row(record, item) for item in tensors),
        types=tuple(TypeRow(name, tuple(map(dtype_name, choices))) for name, choices in kernel.types),
        scalars=tuple(map(_scalar_row, scalars)),
        size_arguments=tuple(
            SizeArgumentRow(item.name, -1 if item.default is None else item.default)
            for item in kernel.arguments
            if isinstance(item, ir.SizeType)
        ),
        solutions=tuple(_solution_row(index, record) for index in range(len(solutions(record)))),
        requirements=tuple(_requirement_row(index, expr) for index, expr in enumerate(kernel.requires)),
        signatures=tuple(_signature_row(record, export) for export in record.exports),
        entry_count=len(record.entries),
        x86=_kernel_table(record, X86_LEVELS),
        other=_kernel_table(record, OTHER_LEVELS),
    )


def dtype_name(dtype: DType) -> str:
    """The enumerator of `host::DType`: `bool` is a word of C++."""
    return "boolean" if dtype.kind == "bool" else dtype.name


def _functions(record: OpRecord) -> tuple[SizeFunction, ...]:
    found = []
    for tensor in record.kernel.tensors().values():
        for axis, expr in enumerate(tensor.shape):
            if isinstance(expr, ir.Apply):
                found.append(size_function(_extent_function(tensor, axis), "Wide", expr))
    for index, origin in enumerate(solutions(record)):
        coefficient, offset = linear_form(origin.dimension, origin.size)
        found.append(size_function(f"solution_{index}_coefficient", "Wide", coefficient))
        found.append(size_function(f"solution_{index}_offset", "Wide", offset))
    for index, expr in enumerate(record.kernel.requires):
        found.append(size_function(f"requirement_{index}", "bool", expr))
    return tuple(found)


def _extent_function(tensor: ir.TensorType, axis: int) -> str:
    return f"{tensor.name}_extent_{axis}"


def _tensor_row(record: OpRecord, tensor: ir.TensorType) -> TensorRow:
    variables = [name for name, _ in record.kernel.types]
    is_fixed = tensor.dtype not in variables
    return TensorRow(
        name=tensor.name,
        type="kFixedType" if is_fixed else str(variables.index(tensor.dtype)),
        dtype=dtype_name(record.kernel.dtype_choices(tensor.dtype)[0]),
        role=tensor.role,
        is_optional=tensor.is_optional,
        is_zero_filled=tensor.name in record.kernel.zero_filled,
        has_leading=tensor.leading is not None,
        dimensions=tuple(_dimension_row(tensor, axis) for axis in range(len(tensor.shape))),
        stride_fields=tuple(
            field.name for field in record.fields if field.kind == "stride" and field.tensor == tensor.name
        ),
    )


def _dimension_row(tensor: ir.TensorType, axis: int) -> DimensionRow:
    expr = tensor.shape[axis]
    match expr:
        case ir.Size(name):
            return DimensionRow(name, f"size_{name}")
        case ir.Const(value):
            return DimensionRow(str(value), f"kNoSize, nullptr, {value}")
        case _:
            return DimensionRow(print_expression(expr), f"kNoSize, {_extent_function(tensor, axis)}")


def _scalar_row(item: ir.ScalarType) -> ScalarRow:
    member = "real" if item.dtype.is_float else "integer"
    default = "" if item.default is None else f"{{.{member} = {_literal(item.default)}}}"
    return ScalarRow(item.name, dtype_name(item.dtype), default)


def _literal(value: int | float | bool) -> str:
    if isinstance(value, float):
        return {"inf": "INFINITY", "-inf": "-INFINITY", "nan": "NAN"}.get(repr(value), repr(value))
    return "(-9223372036854775807 - 1)" if value == -(2**63) else str(int(value))


def _solution_row(index: int, record: OpRecord) -> SolutionRow:
    origin = solutions(record)[index]
    assert origin.axis is not None
    names = f"solution_{index}_coefficient", f"solution_{index}_offset"
    return SolutionRow(origin.size, origin.argument, origin.axis, *names)


def _requirement_row(index: int, expr: ir.Expr) -> RequirementRow:
    used = mentioned(expr)
    sizes = tuple(item.name for item in used if isinstance(item, ir.Size))
    scalars = tuple(item.name for item in used if isinstance(item, ir.Param))
    return RequirementRow(print_expression(expr), f"requirement_{index}", sizes, scalars)


def _signature_row(record: OpRecord, export: Export) -> SignatureRow:
    everything = public_order(record, export)
    rows = tuple(_parameter_row(item) for item in everything)
    positional = sum(not item.is_keyword_only for item in everything)
    return SignatureRow(export.name, rows, positional, export.returns)


_ONLY_VALUES = {"None": "kOnlyNone", "False": "kOnlyFalse", "True": "kOnlyTrue"}


def _parameter_row(item: Parameter | Ignored) -> ParameterRow:
    if isinstance(item, Ignored) and item.is_unsupported:
        return ParameterRow(item.name, "unsupported", _ONLY_VALUES[item.default], False)
    if isinstance(item, Ignored):
        return ParameterRow(item.name, "early_start" if item.is_early_start else "ignored", "0", False)
    kind = "tensor" if item.kind == "destination" else item.kind
    prefix = "size_argument" if kind == "size" else kind
    return ParameterRow(item.name, kind, f"{prefix}_{item.item.name}", item.is_required)


def _kernel_table(record: OpRecord, levels: tuple[str, ...]) -> KernelTable:
    def row(isa: str) -> tuple[str, ...]:
        return tuple(record.cpu_symbol(entry, isa) for entry in record.entries)

    return KernelTable(tuple(row(isa) for isa in levels))


def _require_capacity(record: OpRecord) -> None:
    kernel = record.kernel
    scalars = [item for item in kernel.arguments if isinstance(item, ir.ScalarType)]
    tensors = kernel.tensors().values()
    counts = {
        "tensors": (len(tensors), _MAX_TENSORS),
        "scalar arguments": (len(scalars), _MAX_SCALARS),
        "sizes": (len(kernel.sizes), _MAX_SIZES),
        "type variables": (len(kernel.types), _MAX_TYPES),
        "parameters": (max(len(public_order(record, item)) for item in record.exports), _MAX_PARAMETERS),
        "dimensions of one tensor": (max((len(item.shape) for item in tensors), default=0), _MAX_RANK),
    }
    for what, (count, limit) in counts.items():
        if count > limit:
            raise TargetError("host", f"{count} {what}", record.name, f"at most {limit} are supported")


def _require_distinct(record: OpRecord) -> None:
    """Identifiers of the tables are made of names; two names may make the same one."""
    found: dict[str, str] = {}
    for identifier, name in _identifiers(record):
        if name != found.setdefault(identifier, name):
            construct = f"the name `{name}` beside `{found[identifier]}`"
            reason = f"host code would have two things called {identifier}: choose another name"
            raise TargetError("host", construct, record.name, reason)


def _identifiers(record: OpRecord) -> Iterator[tuple[str, str]]:
    """Every identifier that is made of a name, and the name."""
    kernel = record.kernel
    yield from ((f"size_{name}", name) for name in kernel.sizes)
    for item in kernel.arguments:
        match item:
            case ir.ScalarType(name):
                yield f"scalar_{name}", name
            case ir.SizeType(name):
                yield f"size_argument_{name}", name
            case _:
                pass
    for tensor in kernel.tensors().values():
        functions = (_extent_function(tensor, axis) for axis in range(len(tensor.shape)))
        made = (f"tensor_{tensor.name}", f"{tensor.name}_dims", f"{tensor.name}_strides", *functions)
        yield from ((identifier, tensor.name) for identifier in made)
    for export in record.exports:
        yield from ((f"{export.name}_{what}", export.name) for what in ("parameters", "returns"))

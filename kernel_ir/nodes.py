"""The typed IR: what a kernel means, before any target is chosen.

A `Kernel` is its signature and a list of statements over scalars. The meaning, which the
interpreter implements and every back end must keep:

Values. An expression has one of the compute types f32, i32, u32, i64, bool. Loop variables and
sizes are i64. f32 arithmetic rounds to nearest even and is not reassociated, except inside a
`Reduce`, whose order of terms the schedule fixes (never timing). Integers wrap. Every op is total
(`kernel_ir/ops.py`), so an expression has no effect but its value and may be evaluated early,
late, twice or not at all, wherever its loads are in bounds. A `select` evaluates only the branch
it takes; so do `and` and `or`: a load in the other branch is never performed.

Names. Every bound name (loop variable, let, row, reduction variable) is unique in its kernel; a name
that the author binds twice carries a number after a dot (`h.2`). `Let` binds a value for the rest of its
block. A `Let` with `is_mutable` may be changed by `Update` in the same iteration of every parallel loop that
encloses the `Let`.

Loops. A `For` that is not `is_ordered` is parallel: its iterations run in any order or at once.
Different iterations never write one element (the checker proves it, or the spec vouches with
`unique`). An ordered `For` runs its iterations one after another. `low >= high` means no
iteration. Bounds are evaluated once, before the first.

Tensors. A load from an argument gives the value at entry, also where the argument is `mutated`.
A load from a result gives what the same iteration stored there before, rounded to the result's
dtype. A store rounds to nearest even; dtypes that saturate clamp, NaN included (integers: to 0).
A result element that no iteration stores is 0. Distinct tensors never overlap.

Policies. An access whose index depends on data has a `policy`. Out of range, `skip` drops the
store, `nan` loads NaN, `clamp` moves the index to the nearest element (0 where there is none),
`trust` promises that it does not happen. An index computed from an integer load that was itself
out of range under `nan` is out of range; the lost integer itself is 0. All other accesses are
proven in range.

Rows. A `Row` names values over a range, read with `At`: `each` (the value at each index),
`softmax`, `cumsum` (inclusive), `topk` (two names: the `count` greatest values, descending, and
their indices). With `where`, only the indices that satisfy it take part; elsewhere `softmax` is
0, `cumsum` keeps the running sum and `each` is 0. Where every term of a `softmax` is -inf, as
where there is none, every share is 0.

Reductions. Over no terms: `sum` and `count` give 0, `any` false, `all` true, `max` and `min`
-inf and +inf (integers: lowest and highest), `argmax` and `argmin` -1. `max` and `min` propagate
NaN; `argmax` and `topk` order NaN above every number; ties go to the lowest index. A `topk` gives 0
for -0, and of fewer than `count` terms it fills up with -inf (integers: lowest) and index -1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from kernel_ir.dtypes import DType
from kernel_ir.errors import NOWHERE, Span

Policy = Literal["skip", "nan", "clamp", "trust"]
ReduceKind = Literal["sum", "max", "min", "any", "all", "count", "argmax", "argmin"]
RowKind = Literal["each", "softmax", "cumsum", "topk"]
Role = Literal["input", "mutated", "result"]

_SPAN = field(default=NOWHERE, compare=False, repr=False)


# ---- expressions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Const:
    """A literal of a compute type. Floats are equal as their bits are: 0.0 is not -0.0, and NaN is NaN."""

    value: int | float | bool
    type: DType
    span: Span = _SPAN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Const) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, int | float | str]:
        return self.type.name, repr(float(self.value)) if self.type.is_float else self.value


@dataclass(frozen=True, slots=True)
class Size:
    """A dimension of the signature, or a size argument; i64, at least 0."""

    name: str
    type: DType
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class Param:
    """A scalar argument, in its compute type."""

    name: str
    type: DType
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class Given:
    """Whether the optional tensor argument was passed; bool."""

    name: str
    type: DType
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class Var:
    """A loop variable, reduction variable or let-bound name."""

    name: str
    type: DType
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class Apply:
    """An op of the table applied to operands that already have the types it asks for."""

    op: str
    args: tuple[Expr, ...]
    type: DType
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class Load:
    """An element of a tensor, one index a dimension, widened to `type`."""

    tensor: str
    index: tuple[Expr, ...]
    type: DType
    policy: Policy | None = None
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class Reduce:
    """`kind(value for var in range(low, high) if where)`."""

    kind: ReduceKind
    var: str
    low: Expr
    high: Expr
    where: Expr | None
    value: Expr
    type: DType
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class At:
    """An element of a `Row`; the index is proven inside the row's range."""

    row: str
    index: Expr
    type: DType
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class Bind:
    """`value` under a name, inside one expression (what an inlined function leaves behind)."""

    name: str
    value: Expr
    body: Expr
    type: DType
    span: Span = _SPAN


Expr: TypeAlias = Const | Size | Param | Given | Var | Apply | Load | Reduce | At | Bind


# ---- statements --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Let:
    """Bind a value to a name for the rest of the block."""

    name: str
    value: Expr
    is_mutable: bool = False
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class Update:
    """Give a mutable name its next value."""

    name: str
    value: Expr
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class Row:
    """Name a row of values over `range(low, high)`. `topk` has two names and a `count`."""

    names: tuple[str, ...]
    kind: RowKind
    var: str
    low: Expr
    high: Expr
    where: Expr | None
    value: Expr
    count: Expr | None = None
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class Store:
    """Write one element, rounded to the tensor's dtype."""

    tensor: str
    index: tuple[Expr, ...]
    value: Expr
    policy: Policy | None = None
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class For:
    """`for var in range(low, high)`; `is_ordered` for `sequential`."""

    var: str
    low: Expr
    high: Expr
    body: tuple[Stmt, ...]
    is_ordered: bool = False
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class If:
    """A guard; both branches are blocks of their own."""

    condition: Expr
    then: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...] = ()
    span: Span = _SPAN


Stmt: TypeAlias = Let | Update | Row | Store | For | If


# ---- signature ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TensorType:
    """A tensor of the signature.

    `dtype` is a dtype's name or one of the kernel's type variables. `shape` holds one i64
    expression over sizes for each dimension as the body indexes it. `leading` names the collapsed
    leading dimensions (`*rows`): then `shape[0]` is `Size(leading)` and a caller's array may have
    any number of dimensions (none included) in its place.
    """

    name: str
    dtype: str
    shape: tuple[Expr, ...]
    role: Role
    leading: str | None = None
    is_optional: bool = False
    is_keyword_only: bool = False
    doc: str = ""
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class ScalarType:
    """A scalar argument. `dtype` is f32, i32, i64, u32 or bool; `default` None means required."""

    name: str
    dtype: DType
    default: int | float | bool | None = None
    is_keyword_only: bool = False
    doc: str = ""
    span: Span = _SPAN


@dataclass(frozen=True, slots=True)
class SizeType:
    """An integer argument that names a dimension; it must agree with the shapes that use it."""

    name: str
    default: int | None = None
    is_keyword_only: bool = False
    doc: str = ""
    span: Span = _SPAN


Argument: TypeAlias = TensorType | ScalarType | SizeType


@dataclass(frozen=True, slots=True)
class Kernel:
    """A checked kernel. `sizes` lists every dimension name in order of first appearance."""

    name: str
    types: tuple[tuple[str, tuple[DType, ...]], ...]
    arguments: tuple[Argument, ...]
    results: tuple[TensorType, ...]
    sizes: tuple[str, ...]
    requires: tuple[Expr, ...]
    body: tuple[Stmt, ...]
    zero_filled: frozenset[str] = frozenset()
    span: Span = _SPAN

    def tensors(self) -> dict[str, TensorType]:
        """Every tensor of the signature by name, arguments first."""
        found = {item.name: item for item in self.arguments if isinstance(item, TensorType)}
        return found | {item.name: item for item in self.results}

    def dtype_choices(self, dtype: str) -> tuple[DType, ...]:
        """The dtypes that a tensor's `dtype` stands for: a type variable's list, or itself."""
        from kernel_ir.dtypes import DTYPES

        return dict(self.types).get(dtype) or (DTYPES[dtype],)

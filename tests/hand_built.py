"""A shorthand for building typed kernels by hand, and the kernels that several tests run."""

from __future__ import annotations

from typing import Any

from kernel_ir.dtypes import BOOL, DTYPES, F32, I32, I64, DType
from kernel_ir.interpret import interpret
from kernel_ir.nodes import (
    Apply,
    At,
    Const,
    Expr,
    For,
    Kernel,
    Let,
    Load,
    Param,
    Reduce,
    Row,
    ScalarType,
    Size,
    Store,
    TensorType,
    Update,
    Var,
)
from kernel_ir.rounding import decode

FLOATS = (DTYPES["f32"], DTYPES["f16"], DTYPES["bf16"])


def size(name: str) -> Size:
    return Size(name, I64)


def var(name: str, dtype: DType = I64) -> Var:
    return Var(name, dtype)


def integer(value: int, dtype: DType = I64) -> Const:
    return Const(value, dtype)


def real(value: float) -> Const:
    return Const(value, F32)


def apply(op: str, *args: Expr, dtype: DType | None = None) -> Apply:
    return Apply(op, args, dtype or args[-1].type)


def compare(op: str, *args: Expr) -> Apply:
    return Apply(op, args, BOOL)


def load(tensor: str, *index: Expr, dtype: DType = F32, policy: Any = None) -> Load:
    return Load(tensor, index, dtype, policy)


def loop(name: str, high: Expr, *body: Any, low: Expr | None = None, ordered: bool = False) -> For:
    return For(name, low or integer(0), high, body, is_ordered=ordered)


def reduce(kind: Any, name: str, high: Expr, value: Expr, **options: Any) -> Reduce:
    dtype = options.get("dtype", value.type)
    return Reduce(kind, name, options.get("low", integer(0)), high, options.get("where"), value, dtype)


def row(names: str, kind: Any, name: str, high: Expr, value: Expr, **options: Any) -> Row:
    low, where, count = options.get("low", integer(0)), options.get("where"), options.get("count")
    return Row(tuple(names.split()), kind, name, low, high, where, value, count)


def tensor(name: str, dtype: str, *shape: Expr | str, **options: Any) -> TensorType:
    sizes = tuple(size(extent.lstrip("*")) if isinstance(extent, str) else extent for extent in shape)
    leading = shape[0][1:] if isinstance(shape[0], str) and shape[0].startswith("*") else None
    return TensorType(name, dtype, sizes, options.pop("role", "input"), leading, **options)


def kernel(
    arguments: list[Any], results: list[TensorType], *body: Any, requires: tuple[Expr, ...] = ()
) -> Kernel:
    found: dict[str, None] = {}
    for item in (*arguments, *results):
        shape = item.shape if isinstance(item, TensorType) else ()
        for extent in shape:
            found |= dict.fromkeys(size_names(extent))
    return Kernel("probe", (("T", FLOATS),), tuple(arguments), tuple(results), tuple(found), requires, body)


def size_names(extent: Expr) -> list[str]:
    if isinstance(extent, Apply):
        return [name for item in extent.args for name in size_names(item)]
    return [extent.name] if isinstance(extent, Size) else []


def result(name: str, dtype: str, *shape: Expr | str) -> TensorType:
    return tensor(name, dtype, *shape, role="result")


def run(probe: Kernel, vectorise: bool = True, types: dict[str, str] | None = None, **arguments: Any) -> Any:
    """The single output of a kernel, decoded; or all of them where there are several."""
    bound = types or {"T": "f32"}
    stored = interpret(probe, arguments, bound, vectorise=vectorise)
    tensors = probe.tensors()
    values = {
        name: decode(array, DTYPES[bound.get(tensors[name].dtype, tensors[name].dtype)])
        for name, array in stored.items()
    }
    return next(iter(values.values())) if len(values) == 1 else values


r, c = var("r"), var("c")


# ---- kernels -------------------------------------------------------------------------------------


def row_norm() -> Kernel:
    """`out = x * rsqrt(mean(x * x) + eps) * weight`, a row at a time."""
    x = load("x", r, c)
    squares = reduce(
        "sum", "k", size("width"), apply("multiply", load("x", r, var("k")), load("x", r, var("k")))
    )
    mean = apply("divide", squares, apply("f32", size("width"), dtype=F32))
    scale = apply("rsqrt", apply("add", var("mean", F32), Param("eps", F32)))
    value = apply("multiply", apply("multiply", x, scale), load("weight", c))
    return kernel(
        [tensor("x", "T", "*rows", "width"), tensor("weight", "T", "width"), ScalarType("eps", F32, 1e-6)],
        [result("out", "T", "*rows", "width")],
        loop("r", size("rows"), Let("mean", mean), loop("c", size("width"), Store("out", (r, c), value))),
    )


def ragged_softmax() -> Kernel:
    """Shares of the values in `indptr[r]..indptr[r + 1]`, scattered back in place."""
    bounds = [load("indptr", index, dtype=I32) for index in (r, apply("add", r, integer(1)))]
    low, high = (apply("i64", bound, dtype=I64) for bound in bounds)
    shares = row("p", "softmax", "j", high, load("x", var("j")), low=low)
    store = Store("out", (c,), At("p", c, F32))
    return kernel(
        [tensor("x", "T", "total"), tensor("indptr", "i32", apply("add", size("batch"), integer(1)))],
        [result("out", "T", "total")],
        loop("r", size("batch"), shares, loop("c", high, store, low=low)),
    )


def reduction(kind: Any, dtype: str, *, where: Expr | None = None, of: str = "i64") -> Kernel:
    compute = DTYPES[DTYPES[dtype].compute]
    value = load("x", r, var("k"), dtype=compute)
    result_type = DTYPES[DTYPES[of].compute]
    store = Store("out", (r,), reduce(kind, "k", size("width"), value, where=where, dtype=result_type))
    return kernel(
        [tensor("x", dtype, "rows", "width")], [result("out", of, "rows")], loop("r", size("rows"), store)
    )


def pool_write(policy: Any) -> Kernel:
    """`pool[slots[r], c] = x[r, c]` in place."""
    place = apply("i64", load("slots", r, dtype=I32), dtype=I64)
    store = Store("pool", (place, c), load("x", r, c), policy)
    return kernel(
        [
            tensor("pool", "T", "capacity", "width", role="mutated"),
            tensor("x", "T", "tokens", "width"),
            tensor("slots", "i32", "tokens"),
        ],
        [],
        loop("r", size("tokens"), loop("c", size("width"), store)),
    )


def gather(policy: Any, table_policy: Any = None) -> Kernel:
    """`out[r] = x[table[at[r]]]`."""
    inner = apply("i64", load("at", r, dtype=I32), dtype=I64)
    place = apply("i64", load("table", inner, dtype=I32, policy=table_policy), dtype=I64)
    return kernel(
        [tensor("x", "T", "pool"), tensor("table", "i32", "pages"), tensor("at", "i32", "rows")],
        [result("out", "T", "rows")],
        loop("r", size("rows"), Store("out", (r,), load("x", place, policy=policy))),
    )


def linear_recurrence() -> Kernel:
    """`state = state * decay + x[r, t]`, stored at each step."""
    step = apply("add", apply("multiply", var("state", F32), Param("decay", F32)), load("x", r, var("t")))
    body = (Update("state", step), Store("out", (r, var("t")), var("state", F32)))
    return kernel(
        [tensor("x", "T", "rows", "steps"), ScalarType("decay", F32)],
        [result("out", "T", "rows", "steps")],
        loop("r", size("rows"), Let("state", real(0.0), True), loop("t", size("steps"), *body, ordered=True)),
    )


def top_two() -> Kernel:
    ranked = row("best ids", "topk", "k", size("width"), load("x", r, var("k")), count=integer(2))
    stores = (Store("values", (r, c), At("best", c, F32)), Store("chosen", (r, c), At("ids", c, I32)))
    return kernel(
        [tensor("x", "T", "rows", "width")],
        [result("values", "T", "rows", integer(2)), result("chosen", "i32", "rows", integer(2))],
        loop("r", size("rows"), ranked, loop("c", integer(2), *stores)),
    )


def running_sum(where: Expr | None = None) -> Kernel:
    sums = row("s", "cumsum", "k", size("width"), load("x", r, var("k"), dtype=I32), where=where)
    store = Store("out", (r, c), At("s", c, I32))
    return kernel(
        [tensor("x", "i32", "rows", "width")],
        [result("out", "i32", "rows", "width")],
        loop("r", size("rows"), sums, loop("c", size("width"), store)),
    )

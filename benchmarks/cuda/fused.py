"""The ops of the table in Triton, as one writes them: a program a row or a block of it, in registers."""

from collections.abc import Callable, Mapping
from typing import Any

import triton
import triton.language as tl

from benchmarks.cuda.cases import EPS, GROUP, HEAD_DIM, HEADS, KV_HEADS, Arguments

_WARPS = ((2048, 4), (8192, 8), (32768, 16))


def _row(width: int) -> dict[str, int]:
    """How one program takes a row of so many elements."""
    block = triton.next_power_of_2(width)
    return {"block": block, "num_warps": next((warps for most, warps in _WARPS if block <= most), 32)}


@triton.jit
def _norm_kernel(
    x, residual, weight, out, width, eps, offset: tl.constexpr, adds: tl.constexpr, block: tl.constexpr
):
    columns = tl.arange(0, block)
    inside = columns < width
    at = tl.program_id(0).to(tl.int64) * width + columns
    values = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
    if adds:
        values += tl.load(residual + at, mask=inside, other=0.0).to(tl.float32)
        tl.store(residual + at, values, mask=inside)
    scale = tl.rsqrt(tl.sum(values * values) / width + eps)
    factors = tl.load(weight + columns, mask=inside, other=0.0).to(tl.float32) + offset
    tl.store(out + at, values * scale * factors, mask=inside)


def _norm(offset: int) -> Callable[[Arguments], None]:
    def run(a: Arguments) -> None:
        rows, width = a["input"].shape
        residual = a.get("residual")
        out = a["out"] if residual is None else a["input"]
        _norm_kernel[(rows,)](
            a["input"], residual, a["weight"], out, width, EPS, offset, residual is not None, **_row(width)
        )

    return run


@triton.jit
def _gated_kernel(x, out, width, kind: tl.constexpr, block: tl.constexpr):
    columns = tl.program_id(1) * block + tl.arange(0, block)
    inside = columns < width
    row = tl.program_id(0).to(tl.int64)
    gate = tl.load(x + row * 2 * width + columns, mask=inside).to(tl.float32)
    up = tl.load(x + row * 2 * width + width + columns, mask=inside).to(tl.float32)
    if kind == 0:
        active = gate * tl.sigmoid(gate)
    elif kind == 1:
        active = 0.5 * gate * (1.0 + tl.erf(gate * 0.7071067811865476))
    else:
        inner = 0.7978845608028654 * (gate + 0.044715 * gate * gate * gate)
        active = gate * tl.sigmoid(2.0 * inner)
    tl.store(out + row * width + columns, active * up, mask=inside)


def _gated(kind: int) -> Callable[[Arguments], None]:
    def run(a: Arguments) -> None:
        rows, width = a["out"].shape
        grid = (rows, triton.cdiv(width, 2048))
        _gated_kernel[grid](a["input"], a["out"], width, kind, block=2048, num_warps=8)

    return run


@triton.jit
def _rotate_kernel(positions, x, table, heads, pairs: tl.constexpr, block: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    row = table + tl.load(positions + token) * 2 * pairs
    places = tl.arange(0, pairs)[None, :]
    head = tl.arange(0, block)[:, None]
    cos, sin = tl.load(row + places).to(tl.float32), tl.load(row + pairs + places).to(tl.float32)
    at = x + (token * heads + head) * 2 * pairs + places
    first, second = tl.load(at).to(tl.float32), tl.load(at + pairs).to(tl.float32)
    tl.store(at, first * cos - second * sin)
    tl.store(at + pairs, second * cos + first * sin)


def _rotate(a: Arguments) -> None:
    for name, heads in (("query", HEADS), ("key", KV_HEADS)):
        grid = (a["positions"].shape[0],)
        _rotate_kernel[grid](a["positions"], a[name], a["cos_sin_cache"], heads, HEAD_DIM // 2, block=heads)


@triton.jit
def _quantise_kernel(x, q, scales, least, width, block: tl.constexpr):
    columns = tl.arange(0, block)
    inside = columns < width
    row = tl.program_id(0).to(tl.int64)
    values = tl.load(x + row * width + columns, mask=inside, other=0.0).to(tl.float32)
    scale = tl.maximum(tl.max(tl.abs(values)), least) / 448.0
    tl.store(scales + row, scale)
    tl.store(q + row * width + columns, (values / scale).to(q.dtype.element_ty), mask=inside)


def _quantise_rows(a: Arguments) -> None:
    rows, width = a["input"].shape
    _quantise_kernel[(rows,)](a["input"], a["output_q"], a["output_s"], 1e-30, width, **_row(width))


@triton.jit
def _quantise_groups_kernel(x, q, scales, groups, size: tl.constexpr, block: tl.constexpr):
    group = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    inside = group < groups
    at = group[:, None] * size + tl.arange(0, size)[None, :]
    values = tl.load(x + at, mask=inside[:, None], other=0.0).to(tl.float32)
    scale = tl.maximum(tl.max(tl.abs(values), 1), 1e-10) / 448.0
    tl.store(scales + group, scale, mask=inside)
    tl.store(q + at, (values / scale[:, None]).to(q.dtype.element_ty), mask=inside[:, None])


def _quantise_groups(a: Arguments) -> None:
    groups = a["output_s"].numel()
    grid = (triton.cdiv(groups, 32),)
    _quantise_groups_kernel[grid](a["input"], a["output_q"], a["output_s"], groups, GROUP, block=32)


@triton.jit
def _sum_kernel(x, out, width, experts: tl.constexpr, block: tl.constexpr):
    columns = tl.program_id(1) * block + tl.arange(0, block)
    inside = columns < width
    row = tl.program_id(0).to(tl.int64)
    total = tl.zeros((block,), tl.float32)
    for expert in tl.static_range(experts):
        total += tl.load(x + (row * experts + expert) * width + columns, mask=inside).to(tl.float32)
    tl.store(out + row * width + columns, total, mask=inside)


def _sum(a: Arguments) -> None:
    rows, experts, width = a["input_tensor"].shape
    grid = (rows, triton.cdiv(width, 1024))
    _sum_kernel[grid](a["input_tensor"], a["output_tensor"], width, experts, block=1024, num_warps=4)


@triton.jit
def _merge_kernel(v_a, s_a, v_b, s_b, v, s, rows, size: tl.constexpr, block: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    inside = row < rows
    a, b = tl.load(s_a + row, mask=inside), tl.load(s_b + row, mask=inside)
    peak = tl.maximum(a, b)
    share_a, share_b = tl.exp(a - peak), tl.exp(b - peak)
    total = share_a + share_b
    tl.store(s + row, peak + tl.log(total), mask=inside)
    at = row[:, None] * size + tl.arange(0, size)[None, :]
    value_a = tl.load(v_a + at, mask=inside[:, None]).to(tl.float32)
    value_b = tl.load(v_b + at, mask=inside[:, None]).to(tl.float32)
    merged = value_a * (share_a / total)[:, None] + value_b * (share_b / total)[:, None]
    tl.store(v + at, merged, mask=inside[:, None])


def _merge(a: Arguments) -> None:
    rows = a["s_a"].numel()
    grid = (triton.cdiv(rows, 16),)
    _merge_kernel[grid](
        a["v_a"], a["s_a"], a["v_b"], a["s_b"], a["v_merged"], a["s_merged"], rows, HEAD_DIM, block=16
    )


FUSED: Mapping[str, Callable[[Arguments], Any]] = {
    "rmsnorm": _norm(0),
    "fused_add_rmsnorm": _norm(0),
    "gemma_rmsnorm": _norm(1),
    "gemma_fused_add_rmsnorm": _norm(1),
    "silu_and_mul": _gated(0),
    "gelu_and_mul": _gated(1),
    "gelu_tanh_and_mul": _gated(2),
    "rotary_embedding": _rotate,
    "sgl_per_token_quant_fp8": _quantise_rows,
    "sgl_per_token_group_quant_8bit": _quantise_groups,
    "moe_sum": _sum,
    "moe_sum_reduce": _sum,
    "merge_state_v2": _merge,
}

"""What is measured: each op's arguments, how it is called, and the same computation in torch.

Ours and the peer have the same signatures, so that one `call` serves both. `plain` is what a user would
write in torch; it is run as it is, compiled by `torch.compile`, and in double precision as the reference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

Arguments = dict[str, Any]
Sizes = Mapping[str, int]

EPS = 1e-6
GROUP = 128
HEADS, KV_HEADS, HEAD_DIM, POSITIONS = 32, 8, 128, 8192
LARGEST = 448.0  # of float8_e4m3fn
LENGTH = 4096  # tokens of each request that decode attention reads


@dataclass(frozen=True, slots=True)
class Draw:
    """Random tensors for one set of arguments. Places for results hold NaN or nonsense until written."""

    device: str
    sizes: Sizes

    def __getitem__(self, name: str) -> int:
        return self.sizes[name]

    def normal(self, *shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
        return torch.randn(shape, device=self.device, dtype=dtype)

    def integers(self, end: int, *shape: int, dtype: torch.dtype = torch.int64) -> torch.Tensor:
        return torch.randint(0, end, shape, device=self.device, dtype=dtype)

    def place(self, *shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
        if dtype.itemsize == 1:
            return torch.full(shape, 0x7F, device=self.device, dtype=torch.uint8).view(dtype)
        return torch.full(shape, math.nan if dtype.is_floating_point else -7, device=self.device, dtype=dtype)


@dataclass(frozen=True, slots=True)
class Op:
    """One op of the table.

    `make` draws arguments, `call` runs the op of a module on them, `plain` computes the same from the
    inputs and returns what the op writes, in the order of `outputs`. `by_row` names the arguments whose
    first dimension counts rows: a reference is computed for some of the rows alone. `rows` replaces the
    grid's numbers of rows.
    """

    name: str
    sizes: tuple[Sizes, ...]
    make: Callable[[Draw], Arguments]
    call: Callable[[Any, Arguments], Any]
    plain: Callable[[Arguments], tuple[torch.Tensor, ...]]
    outputs: tuple[str, ...]
    by_row: tuple[str, ...]
    updates: tuple[str, ...] = ()
    gathered: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()

    def bytes_moved(self, arguments: Arguments) -> int:
        """Each input read once, each output written once; of a gathered table, one row for each row."""
        total = 0
        for name, value in arguments.items():
            if isinstance(value, torch.Tensor):
                size = value.nbytes * (2 if name in self.updates else 1)
                total += min(size, self._rows(arguments) * value[0].nbytes) if name in self.gathered else size
        return total

    def _rows(self, arguments: Arguments) -> int:
        return int(arguments[self.by_row[0]].shape[0])


def widen(x: torch.Tensor) -> torch.Tensor:
    """To float32, but for the float64 of a reference."""
    return x if x.dtype == torch.float64 else x.float()


# ---- norms ---------------------------------------------------------------------------------------


def _make_norm(draw: Draw) -> Arguments:
    rows, width = draw["rows"], draw["width"]
    return {"input": draw.normal(rows, width), "weight": draw.normal(width), "out": draw.place(rows, width)}


def _make_add_norm(draw: Draw) -> Arguments:
    rows, width = draw["rows"], draw["width"]
    inputs = {"input": draw.normal(rows, width), "residual": draw.normal(rows, width)}
    return inputs | {"weight": draw.normal(width)}


def _rms_norm(a: Arguments) -> tuple[torch.Tensor, ...]:
    return (F.rms_norm(a["input"], (a["input"].shape[-1],), a["weight"], EPS),)


def _normalise(x: torch.Tensor, weight: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return (x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS) * weight).to(dtype)


def _gemma(a: Arguments) -> tuple[torch.Tensor, ...]:
    return (_normalise(widen(a["input"]), 1 + widen(a["weight"]), a["input"].dtype),)


def _add_norm(a: Arguments, offset: int = 0) -> tuple[torch.Tensor, ...]:
    total = widen(a["input"]) + widen(a["residual"])
    dtype = a["input"].dtype
    return _normalise(total, offset + widen(a["weight"]), dtype), total.to(dtype)


def _gemma_add_norm(a: Arguments) -> tuple[torch.Tensor, ...]:
    return _add_norm(a, 1)


# ---- activations, rotation, quantisation -----------------------------------------------------------


def _make_gated(draw: Draw) -> Arguments:
    rows, width = draw["rows"], draw["width"]
    return {"input": draw.normal(rows, 2 * width), "out": draw.place(rows, width)}


def _gated(activate: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Arguments], Any]:
    def plain(a: Arguments) -> tuple[torch.Tensor, ...]:
        gate, up = a["input"].chunk(2, -1)
        return (activate(gate) * up,)

    return plain


def _gelu_tanh(x: torch.Tensor) -> torch.Tensor:
    return F.gelu(x, approximate="tanh")


def _make_rotation(draw: Draw) -> Arguments:
    rows = draw["rows"]
    angles = torch.rand(POSITIONS, HEAD_DIM // 2, device=draw.device) * 2 * math.pi
    table = torch.cat((angles.cos(), angles.sin()), -1).to(torch.bfloat16)
    return {
        "positions": draw.integers(POSITIONS, rows),
        "query": draw.normal(rows, HEADS * HEAD_DIM),
        "key": draw.normal(rows, KV_HEADS * HEAD_DIM),
        "cos_sin_cache": table,
    }


def _rotate(a: Arguments) -> tuple[torch.Tensor, ...]:
    cos, sin = widen(a["cos_sin_cache"][a["positions"]])[:, None].chunk(2, -1)

    def turned(flat: torch.Tensor) -> torch.Tensor:
        first, second = widen(flat.unflatten(-1, (-1, HEAD_DIM))).chunk(2, -1)
        pairs = torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
        return pairs.flatten(-2).to(flat.dtype)

    return turned(a["query"]), turned(a["key"])


def _to_fp8(x: torch.Tensor) -> torch.Tensor:
    """Left in double precision for a reference: the check allows for the rounding."""
    clamped = x.clamp(-LARGEST, LARGEST)
    return clamped if x.dtype == torch.float64 else clamped.to(torch.float8_e4m3fn)


def _make_rows_to_fp8(draw: Draw) -> Arguments:
    rows, width = draw["rows"], draw["width"]
    return {
        "input": draw.normal(rows, width),
        "output_q": draw.place(rows, width, dtype=torch.float8_e4m3fn),
        "output_s": draw.place(rows, 1, dtype=torch.float32),
    }


def _rows_to_fp8(a: Arguments) -> tuple[torch.Tensor, ...]:
    x = widen(a["input"])
    scales = x.abs().amax(-1, keepdim=True) / LARGEST
    return _to_fp8(x / scales), scales


def _make_groups_to_fp8(draw: Draw) -> Arguments:
    made = _make_rows_to_fp8(draw)
    made["output_s"] = draw.place(draw["rows"], draw["width"] // GROUP, dtype=torch.float32)
    return made


def _groups_to_fp8(a: Arguments) -> tuple[torch.Tensor, ...]:
    x = widen(a["input"]).unflatten(-1, (-1, GROUP))
    scales = x.abs().amax(-1).clamp(min=1e-10) / LARGEST
    return _to_fp8((x / scales[..., None]).flatten(-2)), scales


# ---- experts and attention -------------------------------------------------------------------------


def _make_routing(draw: Draw) -> Arguments:
    rows, k = draw["rows"], draw["k"]
    return {
        "topk_weights": draw.place(rows, k, dtype=torch.float32),
        "topk_ids": draw.place(rows, k, dtype=torch.int32),
        "gating_output": draw.normal(rows, draw["experts"], dtype=torch.float32),
    }


def _route(score: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Arguments], Any]:
    def plain(a: Arguments) -> tuple[torch.Tensor, ...]:
        weights, ids = torch.topk(score(a["gating_output"]), a["topk_weights"].shape[-1], -1)
        return weights, ids.to(torch.int32)

    return plain


def _softmax(x: torch.Tensor) -> torch.Tensor:
    return torch.softmax(x, -1)


def _make_sum(draw: Draw) -> Arguments:
    rows, experts, width = draw["rows"], draw["experts"], draw["width"]
    return {"input_tensor": draw.normal(rows, experts, width), "output_tensor": draw.place(rows, width)}


def _sum(a: Arguments) -> tuple[torch.Tensor, ...]:
    return (a["input_tensor"].sum(1),)


def _make_states(draw: Draw) -> Arguments:
    rows = draw["rows"]
    found: Arguments = {}
    for name in ("a", "b"):
        found[f"v_{name}"] = draw.normal(rows, HEADS, HEAD_DIM)
        found[f"s_{name}"] = draw.normal(rows, HEADS, dtype=torch.float32)
    found["v_merged"] = draw.place(rows, HEADS, HEAD_DIM)
    return found | {"s_merged": draw.place(rows, HEADS, dtype=torch.float32)}


def _merge(a: Arguments) -> tuple[torch.Tensor, ...]:
    merged = torch.logaddexp(a["s_a"], a["s_b"])
    parts = [widen(a[f"v_{name}"]) * torch.exp(a[f"s_{name}"] - merged)[..., None] for name in ("a", "b")]
    return (parts[0] + parts[1]).to(a["v_a"].dtype), merged


def _make_decode(draw: Draw) -> Arguments:
    batch = draw["rows"]
    slots = torch.randperm(batch * LENGTH, device=draw.device).to(torch.int32)
    return {
        "q": draw.normal(batch, HEADS, HEAD_DIM),
        "k_pool": draw.normal(batch * LENGTH, KV_HEADS, HEAD_DIM),
        "v_pool": draw.normal(batch * LENGTH, KV_HEADS, HEAD_DIM),
        "kv_indptr": torch.arange(0, (batch + 1) * LENGTH, LENGTH, device=draw.device, dtype=torch.int32),
        "kv_indices": slots,
        "out": draw.place(batch, HEADS, HEAD_DIM),
    }


def _call_decode(m: Any, a: Arguments) -> Any:
    return m.paged_attention_decode(
        **a, num_qo_heads=HEADS, num_kv_heads=KV_HEADS, head_dim=HEAD_DIM, sm_scale=HEAD_DIM**-0.5
    )


def _decode(a: Arguments) -> tuple[torch.Tensor, ...]:
    """Every request has `LENGTH` entries."""
    places = a["kv_indices"].view(-1, LENGTH).long()
    keys, values = (a[name][places].transpose(1, 2) for name in ("k_pool", "v_pool"))
    return (F.scaled_dot_product_attention(a["q"][:, :, None], keys, values, enable_gqa=True)[:, :, 0],)


# ---- the table -------------------------------------------------------------------------------------

_WIDTHS = ({"width": 4096}, {"width": 8192})
_GATED = ({"width": 14336},)
_ROUTES = ({"experts": 256, "k": 8},)
_IN_OUT = ("input", "out")
_Q_S = ("output_q", "output_s")

OPS = (
    Op("rmsnorm", _WIDTHS, _make_norm,
       lambda m, a: m.rmsnorm(a["input"], a["weight"], EPS, a["out"]),
       _rms_norm, ("out",), _IN_OUT),
    Op("fused_add_rmsnorm", _WIDTHS, _make_add_norm,
       lambda m, a: m.fused_add_rmsnorm(a["input"], a["residual"], a["weight"], EPS),
       _add_norm, ("input", "residual"), ("input", "residual"), ("input", "residual")),
    Op("gemma_rmsnorm", _WIDTHS, _make_norm,
       lambda m, a: m.gemma_rmsnorm(a["input"], a["weight"], EPS, a["out"]),
       _gemma, ("out",), _IN_OUT),
    Op("gemma_fused_add_rmsnorm", _WIDTHS, _make_add_norm,
       lambda m, a: m.gemma_fused_add_rmsnorm(a["input"], a["residual"], a["weight"], EPS),
       _gemma_add_norm, ("input", "residual"), ("input", "residual"), ("input", "residual")),
    Op("silu_and_mul", _GATED, _make_gated,
       lambda m, a: m.silu_and_mul(a["input"], a["out"]), _gated(F.silu), ("out",), _IN_OUT),
    Op("gelu_and_mul", _GATED, _make_gated,
       lambda m, a: m.gelu_and_mul(a["input"], a["out"]), _gated(F.gelu), ("out",), _IN_OUT),
    Op("gelu_tanh_and_mul", _GATED, _make_gated,
       lambda m, a: m.gelu_tanh_and_mul(a["input"], a["out"]), _gated(_gelu_tanh), ("out",), _IN_OUT),
    Op("rotary_embedding", ({},), _make_rotation,
       lambda m, a: m.rotary_embedding(
           a["positions"], a["query"], a["key"], HEAD_DIM, a["cos_sin_cache"], True),
       _rotate, ("query", "key"), ("positions", "query", "key"), ("query", "key"), ("cos_sin_cache",)),
    Op("sgl_per_token_quant_fp8", ({"width": 4096},), _make_rows_to_fp8,
       lambda m, a: m.sgl_per_token_quant_fp8(a["input"], a["output_q"], a["output_s"]),
       _rows_to_fp8, _Q_S, ("input", *_Q_S)),
    Op("sgl_per_token_group_quant_8bit", ({"width": 4096},), _make_groups_to_fp8,
       lambda m, a: m.sgl_per_token_group_quant_8bit(
           a["input"], a["output_q"], a["output_s"], GROUP, 1e-10, -LARGEST, LARGEST),
       _groups_to_fp8, _Q_S, ("input", *_Q_S)),
    Op("topk_softmax", _ROUTES, _make_routing,
       lambda m, a: m.topk_softmax(a["topk_weights"], a["topk_ids"], a["gating_output"], False),
       _route(_softmax), ("topk_weights", "topk_ids"), ("gating_output", "topk_weights", "topk_ids")),
    Op("topk_sigmoid", _ROUTES, _make_routing,
       lambda m, a: m.topk_sigmoid(a["topk_weights"], a["topk_ids"], a["gating_output"], False),
       _route(torch.sigmoid), ("topk_weights", "topk_ids"), ("gating_output", "topk_weights", "topk_ids")),
    Op("moe_sum", ({"experts": 4, "width": 4096},), _make_sum,
       lambda m, a: m.moe_sum(a["input_tensor"], a["output_tensor"]),
       _sum, ("output_tensor",), ("input_tensor", "output_tensor")),
    Op("moe_sum_reduce", ({"experts": 8, "width": 4096},), _make_sum,
       lambda m, a: m.moe_sum_reduce(a["input_tensor"], a["output_tensor"], 1.0),
       _sum, ("output_tensor",), ("input_tensor", "output_tensor")),
    Op("merge_state_v2", ({},), _make_states,
       lambda m, a: m.merge_state_v2(a["v_a"], a["s_a"], a["v_b"], a["s_b"], a["v_merged"], a["s_merged"]),
       _merge, ("v_merged", "s_merged"), ("v_a", "s_a", "v_b", "s_b", "v_merged", "s_merged")),
    Op("paged_attention_decode", ({},), _make_decode, _call_decode,
       _decode, ("out",), (), rows=(64,)),
)  # fmt: skip

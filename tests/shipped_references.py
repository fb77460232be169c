"""What each shipped kernel computes, in plain numpy, and the sizes and arguments to run it with.

A reference takes the arguments as float64 and integer arrays and Python numbers, and gives every
result and mutated argument before it is rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from language_references import (
    Arrays,
    Worked,
    attend_pages,
    halves,
    merge_states,
    root_mean_square,
    silu,
    softmax,
    store_slots,
)

# ---- norms and activations -----------------------------------------------------------------------


def rms_norm(x: Any, weight: Any, eps: float = 1e-6) -> Arrays:
    return {"out": x / root_mean_square(x, eps) * weight}


def gemma_rmsnorm(input: Any, weight: Any, eps: float = 1e-6) -> Arrays:
    return rms_norm(input, 1 + weight, eps)


def fused_add_rmsnorm(input: Any, residual: Any, weight: Any, eps: float = 1e-6) -> Arrays:
    total = input + residual
    return {"input": rms_norm(total, weight, eps)["out"], "residual": total}


def gemma_fused_add_rmsnorm(input: Any, residual: Any, weight: Any, eps: float = 1e-6) -> Arrays:
    return fused_add_rmsnorm(input, residual, 1 + weight, eps)


def gated(activate: Callable[[Any], Any], input: Any) -> Arrays:
    gate, up = halves(input)
    return {"out": activate(gate) * up}


# Constants of bodies are f32, which shows where a sum cancels.
HALF_ROOT, TWO_OVER_PI_ROOT, CUBIC = (float(np.float32(v)) for v in (0.5**0.5, (2 / np.pi) ** 0.5, 0.044715))


def gelu(x: Any) -> Any:
    """The error function is the integral of 2 / sqrt(pi) exp(-t^2), by 2000 steps of Simpson's rule."""
    end = x * HALF_ROOT
    weights = np.r_[1, np.tile([4, 2], 999), 4, 1] / 6000
    heights = 2 / np.sqrt(np.pi) * np.exp(-np.square(end[..., None] * np.linspace(0, 1, 2001)))
    return x * (1 + end * (heights @ weights)) / 2


def gelu_tanh(x: Any) -> Any:
    return x * (1 + np.tanh(TWO_OVER_PI_ROOT * (x + CUBIC * x**3))) / 2


# ---- quantisation --------------------------------------------------------------------------------


def divide(values: Any, scales: Any) -> Any:
    """Zeros where the scale is 0."""
    return values / np.where(scales == 0, 1, scales)


def per_token_quant_fp8(input: Any) -> Arrays:
    scales = np.max(np.abs(input), axis=-1, keepdims=True, initial=0) / 448
    return {"output_q": divide(input, scales), "output_s": scales}


def per_token_group_quant_8bit(
    input: Any,
    group_size: int,
    eps: float = 1e-10,
    fp8_min: float = -448,
    fp8_max: float = 448,
    scale_ue8m0: bool = False,
) -> Arrays:
    grouped = input.reshape(*input.shape[:-1], input.shape[-1] // group_size, group_size)
    scales = np.maximum(np.max(np.abs(grouped), axis=-1, initial=0), eps) / fp8_max
    if scale_ue8m0:
        scales = 2 ** np.ceil(np.log2(scales))
    clipped = np.clip(grouped / scales[..., None], fp8_min, fp8_max)
    return {"output_q": clipped.reshape(input.shape), "output_s": scales}


# ---- mixtures of experts -------------------------------------------------------------------------


def combine_experts(input: Any, routed_scaling_factor: float = 1.0) -> Arrays:
    return {"out": np.sum(input, axis=-2) * routed_scaling_factor}


def route(ranks: Any, scores: Any, k: int, renormalize: bool) -> Arrays:
    ids = np.argsort(-ranks, axis=-1, kind="stable")[:, :k]
    weights = np.take_along_axis(scores, ids, axis=-1)
    if renormalize:
        weights = weights / np.sum(weights, axis=-1, keepdims=True)
    return {"topk_weights": weights, "topk_ids": ids}


def route_softmax(
    gating_output: Any,
    k: int,
    renormalize: bool = False,
    moe_softcapping: float = 0.0,
    correction_bias: Any = None,
) -> Arrays:
    logits = gating_output
    if moe_softcapping:
        logits = np.tanh(logits / moe_softcapping) * moe_softcapping
    shares = softmax(logits if correction_bias is None else logits + correction_bias)
    return route(shares, shares, k, renormalize)


def route_sigmoid(
    gating_output: Any, k: int, renormalize: bool = False, correction_bias: Any = None
) -> Arrays:
    scores = 1 / (1 + np.exp(-gating_output))
    return route(scores if correction_bias is None else scores + correction_bias, scores, k, renormalize)


# ---- attention and rotation ----------------------------------------------------------------------


def paged_attention_decode(
    q: Any, k_pool: Any, v_pool: Any, kv_indptr: Any, kv_indices: Any, sm_scale: float, **_: int
) -> Arrays:
    return attend_pages(q, k_pool, v_pool, kv_indptr, kv_indices, sm_scale)


def merge_state(v_a: Any, s_a: Any, v_b: Any, s_b: Any) -> Arrays:
    s_a, s_b = (np.where(np.isinf(part), -np.inf, part) for part in (s_a, s_b))
    merged = merge_states(v_a, s_a, v_b, s_b)
    is_empty = np.isneginf(merged["s"])
    return {"v_merged": np.where(is_empty[..., None], 0, merged["v"]), "s_merged": merged["s"]}


def rotate(heads: Any, angles_cos: Any, angles_sin: Any, is_neox: bool) -> Any:
    """Heads as `[..., heads, elements]`, cosines and sines as `[..., pairs]`."""
    pairs = angles_cos.shape[-1]
    places = np.arange(2 * pairs).reshape((2, pairs) if is_neox else (pairs, 2))
    first, second = places if is_neox else places.T
    c, s, turned = angles_cos[..., None, :], angles_sin[..., None, :], heads.copy()
    turned[..., first] = heads[..., first] * c - heads[..., second] * s
    turned[..., second] = heads[..., second] * c + heads[..., first] * s
    return turned


def rotary_embedding(
    positions: Any, query: Any, cos_sin_cache: Any, head_size: int, key: Any = None, is_neox: bool = True
) -> Arrays:
    is_known = (positions >= 0) & (positions < len(cos_sin_cache))
    rows = np.where(is_known[..., None], cos_sin_cache[np.where(is_known, positions, 0)], np.nan)
    found = {}
    for name, flat in (("query", query), ("key", key)):
        if flat is not None:
            heads = flat.reshape(*flat.shape[:-1], flat.shape[-1] // head_size, head_size)
            found[name] = rotate(heads, *halves(rows), is_neox).reshape(flat.shape)
    return found


def rope_pool_fused(
    q: Any, k: Any, v: Any, positions: Any, slots: Any, k_pool: Any, v_pool: Any, rope_base: float, **_: int
) -> Arrays:
    frequencies = rope_base ** (-2 * np.arange(q.shape[-1] // 2) / q.shape[-1])
    angles = positions[:, None] * frequencies
    q_rot, k_rot = (rotate(heads, np.cos(angles), np.sin(angles), True) for heads in (q, k))
    return {"q_rot": q_rot, "k_rot": k_rot} | store_slots(k_rot, v, slots, k_pool, v_pool)


# ---- what is run ---------------------------------------------------------------------------------

NORM = ({"rows": 3, "width": 37}, {"rows": 1, "width": 256, "eps": 0.5}, {"rows": 0, "width": 5})
GATED = ({"rows": 3, "width": 37}, {"rows": 1, "width": 8}, {"rows": 2, "width": 0})
ATTENTION = {"num_kv_heads": 3, "num_qo_heads": 6, "head_dim": 20, "sm_scale": 0.25}
ROTATION = {"tokens": 5, "heads": 3, "kv_heads": 2, "head_size": 22, "pairs": 7, "max_position": 9}
SHIPPED = {
    "rms_norm": Worked(rms_norm, NORM),
    "gemma_rmsnorm": Worked(gemma_rmsnorm, NORM),
    "fused_add_rmsnorm": Worked(fused_add_rmsnorm, NORM),
    "gemma_fused_add_rmsnorm": Worked(gemma_fused_add_rmsnorm, NORM),
    "silu_and_mul": Worked(partial(gated, silu), GATED),
    "gelu_and_mul": Worked(partial(gated, gelu), GATED),
    "gelu_tanh_and_mul": Worked(partial(gated, gelu_tanh), GATED),
    "softmax": Worked(lambda x: {"out": softmax(x)}, GATED),
    "per_token_quant_fp8": Worked(
        per_token_quant_fp8,
        (
            {"rows": 3, "width": 37},
            {"rows": 2, "width": 4, "input": [[0, 0, 0, 0], [0, -7, 3, 1]]},
            {"rows": 2, "width": 0},
        ),
    ),
    "per_token_group_quant_8bit": Worked(
        per_token_group_quant_8bit,
        (
            {"rows": 3, "groups": 3, "group_size": 17},
            {"rows": 2, "groups": 2, "group_size": 32, "scale_ue8m0": True},
            {"rows": 2, "groups": 1, "group_size": 8, "eps": 100.0, "fp8_min": -1.0, "fp8_max": 3.0},
            {"rows": 2, "groups": 0, "group_size": 4},
        ),
    ),
    "combine_experts": Worked(
        combine_experts,
        (
            {"tokens": 3, "experts": 5, "width": 37},
            {"tokens": 2, "experts": 1, "width": 8},
            {"tokens": 2, "experts": 0, "width": 3},
        ),
    ),
    "combine_experts_scaled": Worked(
        combine_experts,
        (
            {"tokens": 3, "experts": 5, "width": 37, "routed_scaling_factor": 2.5},
            {"tokens": 2, "experts": 8, "width": 8, "routed_scaling_factor": 0.0},
            {"tokens": 2, "experts": 0, "width": 3, "routed_scaling_factor": 1.0},
        ),
    ),
    "route_softmax": Worked(
        route_softmax,
        (
            {"tokens": 4, "experts": 9, "k": 3},
            {"tokens": 3, "experts": 16, "k": 4, "correction_bias": None, "moe_softcapping": 0.7},
            {"tokens": 3, "experts": 8, "k": 8, "renormalize": True, "moe_softcapping": 30.0},
            {"tokens": 0, "experts": 4, "k": 2},
        ),
    ),
    "route_sigmoid": Worked(
        route_sigmoid,
        (
            {"tokens": 4, "experts": 9, "k": 3},
            {"tokens": 3, "experts": 16, "k": 4, "correction_bias": None},
            {"tokens": 3, "experts": 8, "k": 8, "renormalize": True},
            {"tokens": 0, "experts": 4, "k": 2},
        ),
    ),
    "paged_attention_decode": Worked(
        paged_attention_decode,
        (
            {**ATTENTION, "batch": 3, "pool_slots": 13, "entries": 17},
            {**ATTENTION, "batch": 2, "pool_slots": 5, "entries": 6, "kv_indptr": [0, 0, 6]},
            {**ATTENTION, "batch": 0, "pool_slots": 5, "entries": 0},
        ),
    ),
    "merge_state": Worked(
        merge_state,
        (
            {"tokens": 3, "heads": 2, "head_dim": 9},
            {
                "tokens": 4,
                "heads": 1,
                "head_dim": 4,
                "s_a": [[-np.inf], [1.0], [np.inf], [-np.inf]],
                "s_b": [[2.0], [np.inf], [-90.0], [np.inf]],
            },
            {"tokens": 2, "heads": 0, "head_dim": 3},
        ),
    ),
    "rotary_embedding": Worked(
        rotary_embedding,
        (
            ROTATION,
            {**ROTATION, "is_neox": False},
            {**ROTATION, "pairs": 11, "key": None, "positions": [-1, 9, 8, 0, 0]},
            {**ROTATION, "tokens": 0},
        ),
    ),
    "rope_pool_fused": Worked(
        rope_pool_fused,
        (
            {
                "tokens": 4,
                "num_qo_heads": 3,
                "num_kv_heads": 2,
                "head_dim": 10,
                "pool_slots": 7,
                "rope_base": 10000.0,
                "slots": [-1, 7, 2, 0],
            },
            {
                "tokens": 0,
                "num_qo_heads": 3,
                "num_kv_heads": 2,
                "head_dim": 10,
                "pool_slots": 7,
                "rope_base": 500.0,
            },
        ),
    ),
}

"""What each worked spec of docs/language.md computes, in plain numpy.

A reference takes the arguments as float64 and integer arrays and Python numbers, and gives every
result and mutated argument before it is rounded. `WORKED` adds the sizes that a spec is run with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = dict[str, Any]


def silu(x: Any) -> Any:
    return x / (1 + np.exp(-x))


def halves(x: Any) -> Any:
    return np.split(x, 2, axis=-1)


def softmax(x: Any, axis: int = -1) -> Any:
    weights = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    return weights / np.sum(weights, axis=axis, keepdims=True)


def root_mean_square(x: Any, eps: float) -> Any:
    return np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps)


# ---- rows --------------------------------------------------------------------------------------


def swiglu(x: Any) -> Arrays:
    gate, up = halves(x)
    return {"out": silu(gate) * up}


def row_scale(x: Any, weight: Any, eps: float = 1e-6) -> Arrays:
    return {"out": x / root_mean_square(x, eps) * weight}


def layer_norm(x: Any, weight: Any, bias: Any = None, eps: float = 1e-5) -> Arrays:
    centred = x - np.mean(x, axis=-1, keepdims=True)
    scaled = centred / np.sqrt(np.var(x, axis=-1, keepdims=True) + eps) * weight
    return {"out": scaled if bias is None else scaled + bias}


def add_and_norm(x: Any, residual: Any, weight: Any, eps: float = 1e-6) -> Arrays:
    total = x + residual
    return {"residual": total, "x": total / root_mean_square(total, eps) * weight}


def sum_experts(y: Any, scores: Any, factor: float = 1.0) -> Arrays:
    return {"out": factor * np.einsum("...ew,...e->...w", y, scores)}


def quantise_groups(x: Any, group_size: int, eps: float = 1e-10, power_of_two: bool = False) -> Arrays:
    grouped = x.reshape(*x.shape[:-1], x.shape[-1] // max(group_size, 1), group_size)
    scales = np.maximum(np.max(np.abs(grouped), axis=-1, initial=0), eps) / 448
    if power_of_two:
        scales = 2 ** np.ceil(np.log2(scales))
    return {"q": (grouped / scales[..., None]).reshape(x.shape), "scales": scales}


def swiglu_masked(x: Any, masked_m: Any) -> Arrays:
    used = np.arange(x.shape[1]) < masked_m[:, None]
    return {"out": np.where(used[..., None], swiglu(x)["out"], 0)}


def merge_states(v_a: Any, s_a: Any, v_b: Any, s_b: Any) -> Arrays:
    s = np.logaddexp(s_a, s_b)
    shares = (np.where(np.isneginf(part), 0, np.exp(part - s))[..., None] for part in (s_a, s_b))
    return {"v": sum(value * share for value, share in zip((v_a, v_b), shares, strict=True)), "s": s}


# ---- indices -----------------------------------------------------------------------------------


def embed_tokens(table: Any, ids: Any) -> Arrays:
    valid = (ids >= 0) & (ids < len(table))
    padded = np.concatenate([table, np.full((1, table.shape[1]), np.nan)])
    return {"out": padded[np.where(valid, ids, len(table))]}


def store_slots(k: Any, v: Any, slots: Any, k_pool: Any, v_pool: Any) -> Arrays:
    k_pool, v_pool = k_pool.copy(), v_pool.copy()
    kept = (slots >= 0) & (slots < len(k_pool))
    k_pool[slots[kept]], v_pool[slots[kept]] = k[kept], v[kept]
    return {"k_pool": k_pool, "v_pool": v_pool}


def attend(q: Any, keys: Any, values: Any, scale: float) -> Any:
    """Attention of `[kv_heads * group, head_dim]` queries over `[tokens, kv_heads, head_dim]`."""
    grouped = q.reshape(keys.shape[1], -1, q.shape[-1])
    shares = softmax(scale * np.einsum("hgd,thd->hgt", grouped, keys))
    return np.einsum("hgt,thd->hgd", shares, values).reshape(q.shape)


def attend_pages(q: Any, k_pool: Any, v_pool: Any, starts: Any, slots: Any, scale: float) -> Arrays:
    out = np.zeros(q.shape)
    for b, (start, end) in enumerate(itertools.pairwise(starts)):
        listed = slots[start:end]
        out[b] = attend(q[b], k_pool[listed], v_pool[listed], scale)
    return {"out": out}


def attend_blocks(q: Any, k_blocks: Any, v_blocks: Any, table: Any, lengths: Any, scale: float) -> Arrays:
    out = np.zeros(q.shape)
    for b, length in enumerate(lengths):
        listed = np.repeat(table[b] >= 0, k_blocks.shape[1])[:length]
        keys, values = (
            pool[table[b]].reshape(-1, *pool.shape[2:])[:length][listed] for pool in (k_blocks, v_blocks)
        )
        out[b] = attend(q[b], keys, values, scale)
    return {"out": out}


def mask_tokens(logits: Any, mask: Any) -> Arrays:
    bits = (mask[..., None] >> np.arange(32)) & 1
    return {"logits": np.where(bits.reshape(len(logits), -1)[:, : logits.shape[1]], logits, -np.inf)}


def unpack_nibbles(packed: Any, scales: Any, zeros: Any, group_size: int) -> Arrays:
    shifts = np.array([0, 16, 4, 20, 8, 24, 12, 28])

    def unpack(words: Any) -> Any:
        return ((words[..., None] >> shifts) & 15).reshape(len(words), -1)

    return {
        "out": (unpack(packed) - np.repeat(unpack(zeros), group_size, 0)) * np.repeat(scales, group_size, 0)
    }


# ---- order, choice and chance --------------------------------------------------------------------


def route_tokens(logits: Any, k: int, bias: Any = None, renormalise: bool = False) -> Arrays:
    shares = softmax(logits)
    ranks = shares if bias is None else shares + bias
    ids = np.argsort(-ranks, axis=-1, kind="stable")[:, :k]
    weights = np.take_along_axis(shares, ids, axis=-1)
    if renormalise:
        weights = weights / np.sum(weights, axis=-1, keepdims=True)
    return {"weights": weights, "ids": ids}


def route_groups(logits: Any, bias: Any, groups: int, kept: int, k: int) -> Arrays:
    scores = 1 / (1 + np.exp(-logits))
    ranks = (scores + bias).reshape(len(logits), groups, logits.shape[1] // groups)
    sums = np.sum(np.sort(ranks, axis=-1)[..., -2:], axis=-1)
    for row, chosen in zip(ranks, np.argsort(-sums, axis=-1)[:, kept:], strict=True):
        row[chosen] = -np.inf
    ids = np.argsort(-ranks.reshape(logits.shape), axis=-1, kind="stable")[:, :k]
    weights = np.take_along_axis(scores, ids, axis=-1)
    return {"weights": weights / np.sum(weights, axis=-1, keepdims=True), "ids": ids}


def decay_scan(x: Any, decay: Any, state: Any) -> Arrays:
    out = np.zeros(x.shape)
    for t in range(x.shape[1]):
        state = state * decay[:, t] + x[:, t]
        out[:, t] = state
    return {"out": out, "state": state}


def group_offsets(ids: Any, experts: int, block: int) -> Arrays:
    counts = np.bincount(ids, minlength=experts)
    return {"counts": counts, "ends": np.cumsum(-(-counts // block) * block)}


def mix(h: Any) -> Any:
    h = (h ^ (h >> np.uint32(16))) * np.uint32(2246822507)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(3266489909)
    return h ^ (h >> np.uint32(16))


def sample_tokens(logits: Any, temperature: Any, seeds: Any) -> Arrays:
    columns = np.arange(logits.shape[1], dtype=np.uint32)
    hashed = mix(seeds.astype(np.uint32)[:, None] ^ mix(columns))
    noise = -np.log(-np.log(((hashed >> np.uint32(8)) + 0.5) / 2**24))
    if logits.shape[1] == 0:
        return {"token": np.full(len(logits), -1)}
    return {"token": np.argmax(logits + temperature[:, None] * noise, axis=-1)}


def keep_top_p(probs: Any, top_p: Any) -> Arrays:
    out = np.zeros(probs.shape)
    for row, p, kept in zip(probs, top_p, out, strict=True):
        order = np.argsort(-row)
        before = np.cumsum(row[order]) - row[order]
        chosen = order[before < p * np.sum(row)]
        kept[chosen] = row[chosen] / np.sum(row[chosen])
    return {"out": out}


# ---- what is run ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Worked:
    """A spec's reference, and the sizes and argument values to run it with. The last call is empty."""

    reference: Callable[..., Arrays]
    calls: tuple[dict[str, Any], ...]


ATTENTION = {"kv_heads": 3, "group": 2, "head_dim": 20, "scale": 0.25}
WORKED = {
    "swiglu": Worked(swiglu, ({"rows": 3, "width": 37}, {"rows": 1, "width": 1}, {"rows": 2, "width": 0})),
    "row_scale": Worked(
        row_scale, ({"rows": 3, "width": 37}, {"rows": 1, "width": 1}, {"rows": 0, "width": 5})
    ),
    "layer_norm": Worked(
        layer_norm,
        (
            {"rows": 3, "width": 37},
            {"rows": 2, "width": 64, "bias": None, "eps": 0.5},
            {"rows": 0, "width": 5},
        ),
    ),
    "add_and_norm": Worked(
        add_and_norm, ({"rows": 3, "width": 37}, {"rows": 1, "width": 256}, {"rows": 0, "width": 5})
    ),
    "sum_experts": Worked(
        sum_experts,
        (
            {"tokens": 3, "experts": 5, "width": 37},
            {"tokens": 2, "experts": 1, "width": 8, "factor": 2.5},
            {"tokens": 2, "experts": 0, "width": 3},
        ),
    ),
    "quantise_groups": Worked(
        quantise_groups,
        (
            {"rows": 3, "groups": 3, "group_size": 17},
            {"rows": 2, "groups": 1, "group_size": 32, "power_of_two": True},
            {"rows": 2, "groups": 0, "group_size": 4},
        ),
    ),
    "swiglu_masked": Worked(
        swiglu_masked,
        (
            {"experts": 4, "capacity": 5, "width": 9},
            {"experts": 2, "capacity": 3, "width": 4, "masked_m": [0, 3]},
            {"experts": 2, "capacity": 0, "width": 3},
        ),
    ),
    "merge_states": Worked(
        merge_states,
        (
            {"tokens": 3, "heads": 2, "head_dim": 9},
            {
                "tokens": 3,
                "heads": 1,
                "head_dim": 4,
                "s_a": [[-np.inf], [1.0], [-90.0]],
                "s_b": [[2.0], [-np.inf], [90.0]],
            },
            {"tokens": 2, "heads": 0, "head_dim": 3},
        ),
    ),
    "embed_tokens": Worked(
        embed_tokens,
        (
            {"vocabulary": 11, "width": 9, "tokens": 5},
            {"vocabulary": 3, "width": 4, "tokens": 4, "ids": [-1, 3, 2, 0]},
            {"vocabulary": 3, "width": 4, "tokens": 0},
        ),
    ),
    "store_slots": Worked(
        store_slots,
        (
            {"tokens": 4, "heads": 2, "head_dim": 9, "pool": 11},
            {"tokens": 3, "heads": 1, "head_dim": 4, "pool": 4, "slots": [-1, 4, 2]},
            {"tokens": 0, "heads": 2, "head_dim": 3, "pool": 4},
        ),
    ),
    "attend_pages": Worked(
        attend_pages,
        (
            {**ATTENTION, "batch": 3, "pool": 13, "entries": 17},
            {
                **ATTENTION,
                "batch": 2,
                "pool": 5,
                "entries": 6,
                "starts": [0, 0, 6],
                "group": 1,
                "head_dim": 8,
            },
            {**ATTENTION, "batch": 0, "pool": 5, "entries": 0},
        ),
    ),
    "attend_blocks": Worked(
        attend_blocks,
        (
            {**ATTENTION, "batch": 3, "blocks": 7, "block_size": 4, "max_blocks": 3},
            {
                **ATTENTION,
                "batch": 2,
                "blocks": 3,
                "block_size": 2,
                "max_blocks": 3,
                "table": [[2, -1, 0], [-1, 1, 1]],
                "lengths": [6, 0],
            },
            {**ATTENTION, "batch": 0, "blocks": 3, "block_size": 2, "max_blocks": 3},
        ),
    ),
    "unpack_nibbles": Worked(
        unpack_nibbles,
        (
            {
                "groups": 2,
                "group_size": 3,
                "words": 5,
                "packed": np.random.default_rng(5).integers(-(2**31), 2**31, (6, 5)),
            },
            {"groups": 1, "group_size": 1, "words": 1, "packed": [[-1]], "zeros": [[-(2**31)]]},
            {"groups": 2, "group_size": 3, "words": 0},
        ),
    ),
    "route_tokens": Worked(
        route_tokens,
        (
            {"tokens": 4, "experts": 9, "k": 3},
            {"tokens": 3, "experts": 8, "k": 8, "bias": None, "renormalise": True},
            {"tokens": 0, "experts": 4, "k": 2},
        ),
    ),
    "route_groups": Worked(
        route_groups,
        (
            {"tokens": 4, "groups": 3, "size": 5, "kept": 2, "k": 4},
            {"tokens": 3, "groups": 1, "size": 2, "kept": 1, "k": 2},
            {"tokens": 0, "groups": 2, "size": 2, "kept": 1, "k": 1},
        ),
    ),
    "mask_tokens": Worked(
        mask_tokens,
        (
            {"rows": 3, "vocabulary": 61, "words": 2},
            {"rows": 2, "vocabulary": 64, "words": 2},
            {"rows": 2, "vocabulary": 0, "words": 1},
        ),
    ),
    "decay_scan": Worked(
        decay_scan,
        (
            {"batch": 2, "steps": 5, "channels": 19},
            {"batch": 1, "steps": 1, "channels": 1},
            {"batch": 2, "steps": 0, "channels": 3},
        ),
    ),
    "group_offsets": Worked(
        group_offsets,
        (
            {"picks": 23, "experts": 5, "block": 4},
            {"picks": 3, "experts": 2, "block": 1, "ids": [1, 1, 1]},
            {"picks": 0, "experts": 3, "block": 8},
        ),
    ),
    "sample_tokens": Worked(
        sample_tokens,
        (
            {"rows": 4, "vocabulary": 61},
            {"rows": 2, "vocabulary": 9, "temperature": [0.0, 1.0]},
            {"rows": 2, "vocabulary": 0},
        ),
    ),
    "keep_top_p": Worked(
        keep_top_p,
        (
            {"rows": 4, "vocabulary": 61},
            {"rows": 2, "vocabulary": 3, "top_p": [1.0, 0.001]},
            {"rows": 0, "vocabulary": 4},
        ),
    ),
}

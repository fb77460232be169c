from types import ModuleType
from typing import Any

import mlx.core as mx

_metal: ModuleType | None
_IMPORT_ERROR: Exception | None

__all__ = [
    "combine_experts",
    "combine_experts_scaled",
    "fused_add_rmsnorm",
    "gelu_and_mul",
    "gelu_tanh_and_mul",
    "gemma_fused_add_rmsnorm",
    "gemma_rmsnorm",
    "merge_state",
    "merge_state_v2",
    "moe_sum",
    "moe_sum_reduce",
    "paged_attention_decode",
    "per_token_group_quant_8bit",
    "per_token_quant_fp8",
    "rms_norm",
    "rmsnorm",
    "rope_pool_fused",
    "rotary_embedding",
    "route_sigmoid",
    "route_softmax",
    "sgl_per_token_group_quant_8bit",
    "sgl_per_token_quant_fp8",
    "silu_and_mul",
    "softmax",
    "topk_sigmoid",
    "topk_softmax",
]

def is_available() -> bool: ...
def _require_metal() -> None: ...
def combine_experts(
    input: mx.array,
    out: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def combine_experts_scaled(
    input: mx.array,
    routed_scaling_factor: float = ...,
    out: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def fused_add_rmsnorm(
    input: mx.array,
    residual: mx.array,
    weight: mx.array,
    eps: float = ...,
    enable_pdl: Any = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def gelu_and_mul(
    input: mx.array,
    out: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def gelu_tanh_and_mul(
    input: mx.array,
    out: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def gemma_fused_add_rmsnorm(
    input: mx.array,
    residual: mx.array,
    weight: mx.array,
    eps: float = ...,
    enable_pdl: Any = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def gemma_rmsnorm(
    input: mx.array,
    weight: mx.array,
    eps: float = ...,
    out: mx.array | None = ...,
    enable_pdl: Any = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def merge_state(
    v_a: mx.array,
    s_a: mx.array,
    v_b: mx.array,
    s_b: mx.array,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def merge_state_v2(
    v_a: mx.array,
    s_a: mx.array,
    v_b: mx.array,
    s_b: mx.array,
    v_merged: mx.array | None = ...,
    s_merged: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def moe_sum(
    input_tensor: mx.array,
    output_tensor: mx.array,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def moe_sum_reduce(
    input_tensor: mx.array,
    output_tensor: mx.array,
    routed_scaling_factor: float = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def paged_attention_decode(
    q: mx.array,
    k_pool: mx.array,
    v_pool: mx.array,
    kv_indptr: mx.array,
    kv_indices: mx.array,
    out: mx.array | None = ...,
    *,
    num_qo_heads: int,
    num_kv_heads: int,
    head_dim: int,
    sm_scale: float,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def per_token_group_quant_8bit(
    input: mx.array,
    group_size: int,
    eps: float = ...,
    fp8_min: float = ...,
    fp8_max: float = ...,
    scale_ue8m0: bool = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def per_token_quant_fp8(
    input: mx.array,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def rms_norm(
    x: mx.array,
    weight: mx.array,
    eps: float = ...,
    out: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def rmsnorm(
    input: mx.array,
    weight: mx.array,
    eps: float = ...,
    out: mx.array | None = ...,
    enable_pdl: Any = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def rope_pool_fused(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    positions: mx.array,
    slots: mx.array,
    k_pool: mx.array,
    v_pool: mx.array,
    *,
    head_dim: int,
    num_qo_heads: int,
    num_kv_heads: int,
    rope_base: float,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array, mx.array, mx.array]: ...
def rotary_embedding(
    positions: mx.array,
    query: mx.array,
    key: mx.array | None,
    head_size: int,
    cos_sin_cache: mx.array,
    is_neox: bool = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def route_sigmoid(
    gating_output: mx.array,
    k: int,
    renormalize: bool = ...,
    correction_bias: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def route_softmax(
    gating_output: mx.array,
    k: int,
    renormalize: bool = ...,
    moe_softcapping: float = ...,
    correction_bias: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def sgl_per_token_group_quant_8bit(
    input: mx.array,
    output_q: mx.array,
    output_s: mx.array,
    group_size: int,
    eps: float = ...,
    fp8_min: float = ...,
    fp8_max: float = ...,
    scale_ue8m0: bool = ...,
    fuse_silu_and_mul: Any = ...,
    masked_m: Any = ...,
    enable_v2: Any = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def sgl_per_token_quant_fp8(
    input: mx.array,
    output_q: mx.array,
    output_s: mx.array,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def silu_and_mul(
    input: mx.array,
    out: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def softmax(
    x: mx.array,
    out: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> mx.array: ...
def topk_sigmoid(
    topk_weights: mx.array,
    topk_ids: mx.array,
    gating_output: mx.array,
    renormalize: bool = ...,
    correction_bias: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...
def topk_softmax(
    topk_weights: mx.array,
    topk_ids: mx.array,
    gating_output: mx.array,
    renormalize: bool = ...,
    moe_softcapping: float = ...,
    correction_bias: mx.array | None = ...,
    *,
    stream: mx.Stream | mx.Device | mx.DeviceType | None = ...,
) -> tuple[mx.array, mx.array]: ...

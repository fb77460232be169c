from types import ModuleType
from typing import Any

import mlx.core as mx

_metal: ModuleType | None
_IMPORT_ERROR: Exception | None

__all__ = [
    "fused_add_rmsnorm",
    "gelu_and_mul",
    "gelu_tanh_and_mul",
    "paged_attention_decode",
    "rms_norm",
    "rmsnorm",
    "rope_pool_fused",
    "silu_and_mul",
    "softmax",
]

def is_available() -> bool: ...
def _require_metal() -> None: ...
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

from types import ModuleType
from typing import Any, Protocol, TypeVar

class SupportsDLPack(Protocol):
    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...

_Array = TypeVar("_Array", bound=SupportsDLPack)

_cpu: ModuleType | None
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
def combine_experts(input: _Array, out: _Array | None = ...) -> _Array: ...
def combine_experts_scaled(
    input: _Array,
    routed_scaling_factor: float = ...,
    out: _Array | None = ...,
) -> _Array: ...
def fused_add_rmsnorm(
    input: _Array,
    residual: SupportsDLPack,
    weight: SupportsDLPack,
    eps: float = ...,
    enable_pdl: Any = ...,
) -> None: ...
def gelu_and_mul(input: _Array, out: _Array | None = ...) -> _Array: ...
def gelu_tanh_and_mul(input: _Array, out: _Array | None = ...) -> _Array: ...
def gemma_fused_add_rmsnorm(
    input: _Array,
    residual: SupportsDLPack,
    weight: SupportsDLPack,
    eps: float = ...,
    enable_pdl: Any = ...,
) -> None: ...
def gemma_rmsnorm(
    input: _Array,
    weight: SupportsDLPack,
    eps: float = ...,
    out: _Array | None = ...,
    enable_pdl: Any = ...,
) -> _Array: ...
def merge_state(
    v_a: _Array,
    s_a: SupportsDLPack,
    v_b: SupportsDLPack,
    s_b: SupportsDLPack,
) -> tuple[_Array, Any]: ...
def merge_state_v2(
    v_a: _Array,
    s_a: SupportsDLPack,
    v_b: SupportsDLPack,
    s_b: SupportsDLPack,
    v_merged: _Array | None = ...,
    s_merged: SupportsDLPack | None = ...,
) -> tuple[_Array, Any]: ...
def moe_sum(input_tensor: _Array, output_tensor: _Array) -> None: ...
def moe_sum_reduce(
    input_tensor: _Array,
    output_tensor: _Array,
    routed_scaling_factor: float = ...,
) -> None: ...
def paged_attention_decode(
    q: _Array,
    k_pool: SupportsDLPack,
    v_pool: SupportsDLPack,
    kv_indptr: SupportsDLPack,
    kv_indices: SupportsDLPack,
    out: _Array | None = ...,
    *,
    num_qo_heads: int,
    num_kv_heads: int,
    head_dim: int,
    sm_scale: float,
) -> _Array: ...
def per_token_group_quant_8bit(
    input: _Array,
    group_size: int,
    eps: float = ...,
    fp8_min: float = ...,
    fp8_max: float = ...,
    scale_ue8m0: bool = ...,
) -> tuple[Any, Any]: ...
def per_token_quant_fp8(input: _Array) -> tuple[Any, Any]: ...
def rms_norm(x: _Array, weight: SupportsDLPack, eps: float = ..., out: _Array | None = ...) -> _Array: ...
def rmsnorm(
    input: _Array,
    weight: SupportsDLPack,
    eps: float = ...,
    out: _Array | None = ...,
    enable_pdl: Any = ...,
) -> _Array: ...
def rope_pool_fused(
    q: _Array,
    k: SupportsDLPack,
    v: SupportsDLPack,
    positions: SupportsDLPack,
    slots: SupportsDLPack,
    k_pool: SupportsDLPack,
    v_pool: SupportsDLPack,
    *,
    head_dim: int,
    num_qo_heads: int,
    num_kv_heads: int,
    rope_base: float,
) -> tuple[_Array, _Array, _Array, _Array]: ...
def rotary_embedding(
    positions: _Array,
    query: SupportsDLPack,
    key: SupportsDLPack | None,
    head_size: int,
    cos_sin_cache: SupportsDLPack,
    is_neox: bool = ...,
) -> None: ...
def route_sigmoid(
    gating_output: _Array,
    k: int,
    renormalize: bool = ...,
    correction_bias: SupportsDLPack | None = ...,
) -> tuple[Any, Any]: ...
def route_softmax(
    gating_output: _Array,
    k: int,
    renormalize: bool = ...,
    moe_softcapping: float = ...,
    correction_bias: SupportsDLPack | None = ...,
) -> tuple[Any, Any]: ...
def sgl_per_token_group_quant_8bit(
    input: _Array,
    output_q: SupportsDLPack,
    output_s: SupportsDLPack,
    group_size: int,
    eps: float = ...,
    fp8_min: float = ...,
    fp8_max: float = ...,
    scale_ue8m0: bool = ...,
    fuse_silu_and_mul: Any = ...,
    masked_m: Any = ...,
    enable_v2: Any = ...,
) -> None: ...
def sgl_per_token_quant_fp8(input: _Array, output_q: SupportsDLPack, output_s: SupportsDLPack) -> None: ...
def silu_and_mul(input: _Array, out: _Array | None = ...) -> _Array: ...
def softmax(x: _Array, out: _Array | None = ...) -> _Array: ...
def topk_sigmoid(
    topk_weights: SupportsDLPack,
    topk_ids: SupportsDLPack,
    gating_output: _Array,
    renormalize: bool = ...,
    correction_bias: SupportsDLPack | None = ...,
) -> None: ...
def topk_softmax(
    topk_weights: SupportsDLPack,
    topk_ids: SupportsDLPack,
    gating_output: _Array,
    renormalize: bool = ...,
    moe_softcapping: float = ...,
    correction_bias: SupportsDLPack | None = ...,
) -> None: ...

from types import ModuleType
from typing import Any, Protocol, TypeVar

class SupportsDLPack(Protocol):
    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...

_Array = TypeVar("_Array", bound=SupportsDLPack)

_cpu: ModuleType | None
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
def fused_add_rmsnorm(
    input: _Array,
    residual: SupportsDLPack,
    weight: SupportsDLPack,
    eps: float = ...,
    enable_pdl: Any = ...,
) -> None: ...
def gelu_and_mul(input: _Array, out: _Array | None = ...) -> _Array: ...
def gelu_tanh_and_mul(input: _Array, out: _Array | None = ...) -> _Array: ...
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
def silu_and_mul(input: _Array, out: _Array | None = ...) -> _Array: ...
def softmax(x: _Array, out: _Array | None = ...) -> _Array: ...

from .cpu import fused_add_rmsnorm as fused_add_rmsnorm
from .cpu import gelu_and_mul as gelu_and_mul
from .cpu import gelu_tanh_and_mul as gelu_tanh_and_mul
from .cpu import paged_attention_decode as paged_attention_decode
from .cpu import rms_norm as rms_norm
from .cpu import rmsnorm as rmsnorm
from .cpu import rope_pool_fused as rope_pool_fused
from .cpu import silu_and_mul as silu_and_mul
from .cpu import softmax as softmax

target: str
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

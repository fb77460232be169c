from . import cpu as cpu, cuda as cuda, metal as metal
from .cpu import combine_experts as combine_experts
from .cpu import combine_experts_scaled as combine_experts_scaled
from .cpu import fused_add_rmsnorm as fused_add_rmsnorm
from .cpu import gelu_and_mul as gelu_and_mul
from .cpu import gelu_tanh_and_mul as gelu_tanh_and_mul
from .cpu import gemma_fused_add_rmsnorm as gemma_fused_add_rmsnorm
from .cpu import gemma_rmsnorm as gemma_rmsnorm
from .cpu import merge_state as merge_state
from .cpu import merge_state_v2 as merge_state_v2
from .cpu import moe_sum as moe_sum
from .cpu import moe_sum_reduce as moe_sum_reduce
from .cpu import paged_attention_decode as paged_attention_decode
from .cpu import per_token_group_quant_8bit as per_token_group_quant_8bit
from .cpu import per_token_quant_fp8 as per_token_quant_fp8
from .cpu import rms_norm as rms_norm
from .cpu import rmsnorm as rmsnorm
from .cpu import rope_pool_fused as rope_pool_fused
from .cpu import rotary_embedding as rotary_embedding
from .cpu import route_sigmoid as route_sigmoid
from .cpu import route_softmax as route_softmax
from .cpu import sgl_per_token_group_quant_8bit as sgl_per_token_group_quant_8bit
from .cpu import sgl_per_token_quant_fp8 as sgl_per_token_quant_fp8
from .cpu import silu_and_mul as silu_and_mul
from .cpu import softmax as softmax
from .cpu import topk_sigmoid as topk_sigmoid
from .cpu import topk_softmax as topk_softmax

target: str
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

"""Memory-bound kernels for LLM servers: the same ops on every target.

`target` is the one that was chosen for this machine (`metal`, `cuda` or `cpu`), and the ops here are its.
The modules of the same names are imported when they are first asked for. Importing never fails: what is wrong
is raised by the first call, with the command that mends it.
"""

import importlib as _importlib

from ._platform import choose_target as _choose_target

target = _choose_target(__name__)

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

_ops = _importlib.import_module(f"{__name__}.{target}")
globals().update({_name: getattr(_ops, _name) for _name in __all__})


def __getattr__(name):
    if name in ("cpu", "cuda", "metal"):
        return _importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

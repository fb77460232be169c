"""Memory-bound kernels for LLM servers: the same ops on every target.

`target` is the one that was chosen for this machine (`metal`, `cuda` or `cpu`), and the ops here are its.
The modules of the same names can also be imported by themselves. Importing never fails: what is wrong is
raised by the first call, with the command that mends it.
"""

import importlib as _importlib

from ._platform import choose_target as _choose_target

target = _choose_target(__name__)

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

_ops = _importlib.import_module(f"{__name__}.{target}")
globals().update({_name: getattr(_ops, _name) for _name in __all__})

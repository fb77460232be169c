"""Stands for the CUDA extension where it was not built."""

from __future__ import annotations

import os
import shutil
from functools import partial
from typing import NoReturn

_OPS = frozenset(
    (
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
    )
)


def _reason() -> str:
    """Why there is no extension, and the command that makes it."""
    build = "python build.py build (without a GPU here: SGL_CUDA_ARCHS='80;90' python build.py build)"
    nvcc = shutil.which(os.environ.get("CUDACXX") or "nvcc") or shutil.which("/usr/local/cuda/bin/nvcc")
    if nvcc is not None:
        return f"nvcc is there ({nvcc}); build the extension with it: {build}"
    return f"install the CUDA toolkit, put nvcc on PATH (or set CUDACXX to it) and run: {build}"


def _refuse(op: str, *args: object, **keywords: object) -> NoReturn:
    raise NotImplementedError(f"{op}: this package was built without its CUDA extension; {_reason()}")


def __getattr__(name: str) -> object:
    if name not in _OPS:
        raise AttributeError(name)
    return partial(_refuse, name)

"""Stands for the CUDA extension where it was not built."""

from __future__ import annotations

from functools import partial
from typing import NoReturn

_OPS = frozenset(
    (
        "fused_add_rmsnorm",
        "gelu_and_mul",
        "gelu_tanh_and_mul",
        "paged_attention_decode",
        "rms_norm",
        "rmsnorm",
        "rope_pool_fused",
        "silu_and_mul",
        "softmax",
    )
)


def _refuse(op: str, *args: object, **keywords: object) -> NoReturn:
    raise NotImplementedError(
        f"{op}: this package was built without its CUDA extension, for want of nvcc or of a GPU to compile for; "
        "install the CUDA toolkit, put nvcc on PATH (or set CUDACXX to it) and run: "
        "SGL_CUDA_ARCHS='80;90' python build.py build"
    )


def __getattr__(name: str) -> object:
    if name not in _OPS:
        raise AttributeError(name)
    return partial(_refuse, name)

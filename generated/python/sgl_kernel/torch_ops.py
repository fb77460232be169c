"""Every op as operators of torch, for whatever traces: torch.compile, torch.export, fake tensors.

Importing this defines them, in the namespace of this package's name: `torch.ops.<package>.<op>`, and
`.<op>.<destinations>` where results are written to tensors given. An operator returns what it makes and nothing
that it was given; the functions here, which have the signatures of the package's own, put both together. The
package's functions call these while torch traces, and at no other time.
"""

from __future__ import annotations

from collections.abc import Callable as _Callable
from importlib import import_module as _import_module
from math import prod as _product
from typing import Any as _Any

import torch as _torch

_NAMESPACE = __package__.replace(".", "_")
_LIBRARY = _torch.library.Library(_NAMESPACE, "FRAGMENT")
_MODULES = {"CPU": f"{__package__}.cpu", "CUDA": f"{__package__}.cuda"}


def _operator(schema: str, arguments: str, *fresh: int) -> _Callable[[_Callable[..., _Any]], _Any]:
    """Define an operator by its schema; the function decorated makes its results without values.

    `arguments` are its names for the extensions, which run it; `fresh` are the results that it makes, as positions in
    what they return.
    """
    name, _, overload = schema.partition("(")[0].partition(".")
    names = arguments.split()

    def define(make_empty: _Callable[..., _Any]) -> _Any:
        _LIBRARY.define(schema)
        qualified = f"{name}.{overload}" if overload else name
        for key, module in _MODULES.items():
            _LIBRARY.impl(qualified, _implementation(module, name, names, fresh), key)
        _torch.library.register_fake(f"{_NAMESPACE}::{qualified}", make_empty, lib=_LIBRARY)
        return getattr(getattr(getattr(_torch.ops, _NAMESPACE), name), overload or "default")

    return define


def _implementation(module: str, name: str, names: list[str], fresh: tuple[int, ...]) -> _Callable[..., _Any]:
    def run(*given: _Any) -> _Any:
        native = _import_module(module)._native
        returned = getattr(native, name)(**dict(zip(names, given)))
        if not fresh:
            return None
        everything = returned if isinstance(returned, tuple) else (returned,)
        made = tuple(everything[position] for position in fresh)
        return made if len(made) > 1 else made[0]

    return run


def _float8(dtype: _torch.dtype) -> _torch.dtype:
    """What an array has that may hold 8-bit floats as bits."""
    return _torch.float8_e4m3fn if dtype == _torch.uint8 else dtype


def _refuse_gradients(op: str, /, **tensors: _torch.Tensor | None) -> None:
    """No operator here records a gradient: refuse, as its extension does, to lose one."""
    if not _torch.is_grad_enabled():
        return
    for name, tensor in tensors.items():
        if tensor is not None and tensor.requires_grad:
            raise ValueError(
                f"{op}: argument '{name}' requires a gradient, which this op does not record: pass it through "
                "detach(), or call under torch.no_grad()"
            )


@_operator(
    "combine_experts(Tensor input) -> Tensor",
    "input",
    0,
)
def _combine_experts(input):
    return input.new_empty((*input.shape[:-2], input.shape[-1]), dtype=input.dtype)


@_operator(
    "combine_experts.out(Tensor input, Tensor(a!) out) -> ()",
    "input out",
)
def _combine_experts__out(input, out):
    return None


@_operator(
    "combine_experts_scaled(Tensor input, float routed_scaling_factor) -> Tensor",
    "input routed_scaling_factor",
    0,
)
def _combine_experts_scaled(input, routed_scaling_factor):
    return input.new_empty((*input.shape[:-2], input.shape[-1]), dtype=input.dtype)


@_operator(
    "combine_experts_scaled.out(Tensor input, float routed_scaling_factor, Tensor(a!) out) -> ()",
    "input routed_scaling_factor out",
)
def _combine_experts_scaled__out(input, routed_scaling_factor, out):
    return None


@_operator(
    "fused_add_rmsnorm(Tensor(a!) input, Tensor(b!) residual, Tensor weight, float eps, bool? enable_pdl) -> ()",
    "input residual weight eps enable_pdl",
)
def _fused_add_rmsnorm(input, residual, weight, eps, enable_pdl):
    return None


@_operator(
    "gelu_and_mul(Tensor input) -> Tensor",
    "input",
    0,
)
def _gelu_and_mul(input):
    return input.new_empty((*input.shape[:-1], input.shape[-1] // 2), dtype=input.dtype)


@_operator(
    "gelu_and_mul.out(Tensor input, Tensor(a!) out) -> ()",
    "input out",
)
def _gelu_and_mul__out(input, out):
    return None


@_operator(
    "gelu_tanh_and_mul(Tensor input) -> Tensor",
    "input",
    0,
)
def _gelu_tanh_and_mul(input):
    return input.new_empty((*input.shape[:-1], input.shape[-1] // 2), dtype=input.dtype)


@_operator(
    "gelu_tanh_and_mul.out(Tensor input, Tensor(a!) out) -> ()",
    "input out",
)
def _gelu_tanh_and_mul__out(input, out):
    return None


@_operator(
    "gemma_fused_add_rmsnorm(Tensor(a!) input, Tensor(b!) residual, Tensor weight, float eps, bool? enable_pdl) -> ()",
    "input residual weight eps enable_pdl",
)
def _gemma_fused_add_rmsnorm(input, residual, weight, eps, enable_pdl):
    return None


@_operator(
    "gemma_rmsnorm(Tensor input, Tensor weight, float eps, bool? enable_pdl) -> Tensor",
    "input weight eps enable_pdl",
    0,
)
def _gemma_rmsnorm(input, weight, eps, enable_pdl):
    return input.new_empty((*input.shape[:-1], input.shape[-1]), dtype=input.dtype)


@_operator(
    "gemma_rmsnorm.out(Tensor input, Tensor weight, float eps, Tensor(a!) out, bool? enable_pdl) -> ()",
    "input weight eps out enable_pdl",
)
def _gemma_rmsnorm__out(input, weight, eps, out, enable_pdl):
    return None


@_operator(
    "merge_state(Tensor v_a, Tensor s_a, Tensor v_b, Tensor s_b) -> (Tensor, Tensor)",
    "v_a s_a v_b s_b",
    0,
    1,
)
def _merge_state(v_a, s_a, v_b, s_b):
    return (
        v_a.new_empty((*v_a.shape[:-2], v_a.shape[-2], v_a.shape[-1]), dtype=v_a.dtype),
        v_a.new_empty((*v_a.shape[:-2], v_a.shape[-2]), dtype=_torch.float32),
    )


@_operator(
    "merge_state_v2(Tensor v_a, Tensor s_a, Tensor v_b, Tensor s_b) -> (Tensor, Tensor)",
    "v_a s_a v_b s_b",
    0,
    1,
)
def _merge_state_v2(v_a, s_a, v_b, s_b):
    return (
        v_a.new_empty((*v_a.shape[:-2], v_a.shape[-2], v_a.shape[-1]), dtype=v_a.dtype),
        v_a.new_empty((*v_a.shape[:-2], v_a.shape[-2]), dtype=_torch.float32),
    )


@_operator(
    "merge_state_v2.s_merged(Tensor v_a, Tensor s_a, Tensor v_b, Tensor s_b, Tensor(a!) s_merged) -> Tensor",
    "v_a s_a v_b s_b s_merged",
    0,
)
def _merge_state_v2__s_merged(v_a, s_a, v_b, s_b, s_merged):
    return v_a.new_empty((*v_a.shape[:-2], v_a.shape[-2], v_a.shape[-1]), dtype=v_a.dtype)


@_operator(
    "merge_state_v2.v_merged(Tensor v_a, Tensor s_a, Tensor v_b, Tensor s_b, Tensor(a!) v_merged) -> Tensor",
    "v_a s_a v_b s_b v_merged",
    1,
)
def _merge_state_v2__v_merged(v_a, s_a, v_b, s_b, v_merged):
    return v_a.new_empty((*v_a.shape[:-2], v_a.shape[-2]), dtype=_torch.float32)


@_operator(
    "merge_state_v2.v_merged_s_merged(Tensor v_a, Tensor s_a, Tensor v_b, Tensor s_b, Tensor(a!) v_merged, Tensor(b!) s_merged) -> ()",
    "v_a s_a v_b s_b v_merged s_merged",
)
def _merge_state_v2__v_merged__s_merged(v_a, s_a, v_b, s_b, v_merged, s_merged):
    return None


@_operator(
    "moe_sum(Tensor input_tensor, Tensor(a!) output_tensor) -> ()",
    "input_tensor output_tensor",
)
def _moe_sum(input_tensor, output_tensor):
    return None


@_operator(
    "moe_sum_reduce(Tensor input_tensor, Tensor(a!) output_tensor, float routed_scaling_factor) -> ()",
    "input_tensor output_tensor routed_scaling_factor",
)
def _moe_sum_reduce(input_tensor, output_tensor, routed_scaling_factor):
    return None


@_operator(
    "paged_attention_decode(Tensor q, Tensor k_pool, Tensor v_pool, Tensor kv_indptr, Tensor kv_indices, SymInt num_qo_heads, SymInt num_kv_heads, SymInt head_dim, float sm_scale) -> Tensor",
    "q k_pool v_pool kv_indptr kv_indices num_qo_heads num_kv_heads head_dim sm_scale",
    0,
)
def _paged_attention_decode(
    q,
    k_pool,
    v_pool,
    kv_indptr,
    kv_indices,
    num_qo_heads,
    num_kv_heads,
    head_dim,
    sm_scale,
):
    return q.new_empty((q.shape[0], num_qo_heads, head_dim), dtype=q.dtype)


@_operator(
    "paged_attention_decode.out(Tensor q, Tensor k_pool, Tensor v_pool, Tensor kv_indptr, Tensor kv_indices, Tensor(a!) out, SymInt num_qo_heads, SymInt num_kv_heads, SymInt head_dim, float sm_scale) -> ()",
    "q k_pool v_pool kv_indptr kv_indices out num_qo_heads num_kv_heads head_dim sm_scale",
)
def _paged_attention_decode__out(
    q,
    k_pool,
    v_pool,
    kv_indptr,
    kv_indices,
    out,
    num_qo_heads,
    num_kv_heads,
    head_dim,
    sm_scale,
):
    return None


@_operator(
    "per_token_group_quant_8bit(Tensor input, SymInt group_size, float eps, float fp8_min, float fp8_max, bool scale_ue8m0) -> (Tensor, Tensor)",
    "input group_size eps fp8_min fp8_max scale_ue8m0",
    0,
    1,
)
def _per_token_group_quant_8bit(input, group_size, eps, fp8_min, fp8_max, scale_ue8m0):
    return (
        input.new_empty((*input.shape[:-1], input.shape[-1] // group_size * group_size), dtype=_torch.float8_e4m3fn),
        input.new_empty((*input.shape[:-1], input.shape[-1] // group_size), dtype=_torch.float32),
    )


@_operator(
    "per_token_quant_fp8(Tensor input) -> (Tensor, Tensor)",
    "input",
    0,
    1,
)
def _per_token_quant_fp8(input):
    return (
        input.new_empty((*input.shape[:-1], input.shape[-1]), dtype=_torch.float8_e4m3fn),
        input.new_empty((*input.shape[:-1], 1), dtype=_torch.float32),
    )


@_operator(
    "rms_norm(Tensor x, Tensor weight, float eps) -> Tensor",
    "x weight eps",
    0,
)
def _rms_norm(x, weight, eps):
    return x.new_empty((*x.shape[:-1], x.shape[-1]), dtype=x.dtype)


@_operator(
    "rms_norm.out(Tensor x, Tensor weight, float eps, Tensor(a!) out) -> ()",
    "x weight eps out",
)
def _rms_norm__out(x, weight, eps, out):
    return None


@_operator(
    "rmsnorm(Tensor input, Tensor weight, float eps, bool? enable_pdl) -> Tensor",
    "input weight eps enable_pdl",
    0,
)
def _rmsnorm(input, weight, eps, enable_pdl):
    return input.new_empty((*input.shape[:-1], input.shape[-1]), dtype=input.dtype)


@_operator(
    "rmsnorm.out(Tensor input, Tensor weight, float eps, Tensor(a!) out, bool? enable_pdl) -> ()",
    "input weight eps out enable_pdl",
)
def _rmsnorm__out(input, weight, eps, out, enable_pdl):
    return None


@_operator(
    "rope_pool_fused(Tensor q, Tensor k, Tensor v, Tensor positions, Tensor slots, Tensor(a!) k_pool, Tensor(b!) v_pool, SymInt head_dim, SymInt num_qo_heads, SymInt num_kv_heads, float rope_base) -> (Tensor, Tensor)",
    "q k v positions slots k_pool v_pool head_dim num_qo_heads num_kv_heads rope_base",
    0,
    1,
)
def _rope_pool_fused(
    q,
    k,
    v,
    positions,
    slots,
    k_pool,
    v_pool,
    head_dim,
    num_qo_heads,
    num_kv_heads,
    rope_base,
):
    return (
        q.new_empty((q.shape[0], num_qo_heads, head_dim), dtype=q.dtype),
        q.new_empty((q.shape[0], num_kv_heads, head_dim), dtype=q.dtype),
    )


@_operator(
    "rotary_embedding(Tensor positions, Tensor(a!) query, Tensor(b!)? key, SymInt head_size, Tensor cos_sin_cache, bool is_neox) -> ()",
    "positions query key head_size cos_sin_cache is_neox",
)
def _rotary_embedding(positions, query, key, head_size, cos_sin_cache, is_neox):
    return None


@_operator(
    "route_sigmoid(Tensor gating_output, SymInt k, bool renormalize, Tensor? correction_bias) -> (Tensor, Tensor)",
    "gating_output k renormalize correction_bias",
    0,
    1,
)
def _route_sigmoid(gating_output, k, renormalize, correction_bias):
    return (
        gating_output.new_empty((gating_output.shape[0], k), dtype=_torch.float32),
        gating_output.new_empty((gating_output.shape[0], k), dtype=_torch.int32),
    )


@_operator(
    "route_softmax(Tensor gating_output, SymInt k, bool renormalize, float moe_softcapping, Tensor? correction_bias) -> (Tensor, Tensor)",
    "gating_output k renormalize moe_softcapping correction_bias",
    0,
    1,
)
def _route_softmax(gating_output, k, renormalize, moe_softcapping, correction_bias):
    return (
        gating_output.new_empty((gating_output.shape[0], k), dtype=_torch.float32),
        gating_output.new_empty((gating_output.shape[0], k), dtype=_torch.int32),
    )


@_operator(
    "sgl_per_token_group_quant_8bit(Tensor input, Tensor(a!) output_q, Tensor(b!) output_s, SymInt group_size, float eps, float fp8_min, float fp8_max, bool scale_ue8m0) -> ()",
    "input output_q output_s group_size eps fp8_min fp8_max scale_ue8m0",
)
def _sgl_per_token_group_quant_8bit(
    input,
    output_q,
    output_s,
    group_size,
    eps,
    fp8_min,
    fp8_max,
    scale_ue8m0,
):
    return None


@_operator(
    "sgl_per_token_quant_fp8(Tensor input, Tensor(a!) output_q, Tensor(b!) output_s) -> ()",
    "input output_q output_s",
)
def _sgl_per_token_quant_fp8(input, output_q, output_s):
    return None


@_operator(
    "silu_and_mul(Tensor input) -> Tensor",
    "input",
    0,
)
def _silu_and_mul(input):
    return input.new_empty((*input.shape[:-1], input.shape[-1] // 2), dtype=input.dtype)


@_operator(
    "silu_and_mul.out(Tensor input, Tensor(a!) out) -> ()",
    "input out",
)
def _silu_and_mul__out(input, out):
    return None


@_operator(
    "softmax(Tensor x) -> Tensor",
    "x",
    0,
)
def _softmax(x):
    return x.new_empty((*x.shape[:-1], x.shape[-1]), dtype=x.dtype)


@_operator(
    "softmax.out(Tensor x, Tensor(a!) out) -> ()",
    "x out",
)
def _softmax__out(x, out):
    return None


@_operator(
    "topk_sigmoid(Tensor(a!) topk_weights, Tensor(b!) topk_ids, Tensor gating_output, bool renormalize, Tensor? correction_bias) -> ()",
    "topk_weights topk_ids gating_output renormalize correction_bias",
)
def _topk_sigmoid(topk_weights, topk_ids, gating_output, renormalize, correction_bias):
    return None


@_operator(
    "topk_softmax(Tensor(a!) topk_weights, Tensor(b!) topk_ids, Tensor gating_output, bool renormalize, float moe_softcapping, Tensor? correction_bias) -> ()",
    "topk_weights topk_ids gating_output renormalize moe_softcapping correction_bias",
)
def _topk_softmax(topk_weights, topk_ids, gating_output, renormalize, moe_softcapping, correction_bias):
    return None


def combine_experts(input, out=None):
    _refuse_gradients("combine_experts", input=input, out=out)
    if out is None:
        return _combine_experts(input)
    _combine_experts__out(input, out)
    return out


def combine_experts_scaled(input, routed_scaling_factor=0.0, out=None):
    _refuse_gradients("combine_experts_scaled", input=input, out=out)
    if out is None:
        return _combine_experts_scaled(input, routed_scaling_factor)
    _combine_experts_scaled__out(input, routed_scaling_factor, out)
    return out


def fused_add_rmsnorm(input, residual, weight, eps=1e-06, enable_pdl=None):
    _refuse_gradients("fused_add_rmsnorm", input=input, residual=residual, weight=weight)
    _fused_add_rmsnorm(input, residual, weight, eps, enable_pdl)
    return None


def gelu_and_mul(input, out=None):
    _refuse_gradients("gelu_and_mul", input=input, out=out)
    if out is None:
        return _gelu_and_mul(input)
    _gelu_and_mul__out(input, out)
    return out


def gelu_tanh_and_mul(input, out=None):
    _refuse_gradients("gelu_tanh_and_mul", input=input, out=out)
    if out is None:
        return _gelu_tanh_and_mul(input)
    _gelu_tanh_and_mul__out(input, out)
    return out


def gemma_fused_add_rmsnorm(input, residual, weight, eps=1e-06, enable_pdl=None):
    _refuse_gradients("gemma_fused_add_rmsnorm", input=input, residual=residual, weight=weight)
    _gemma_fused_add_rmsnorm(input, residual, weight, eps, enable_pdl)
    return None


def gemma_rmsnorm(input, weight, eps=1e-06, out=None, enable_pdl=None):
    _refuse_gradients("gemma_rmsnorm", input=input, weight=weight, out=out)
    if out is None:
        return _gemma_rmsnorm(input, weight, eps, enable_pdl)
    _gemma_rmsnorm__out(input, weight, eps, out, enable_pdl)
    return out


def merge_state(v_a, s_a, v_b, s_b):
    _refuse_gradients("merge_state", v_a=v_a, s_a=s_a, v_b=v_b, s_b=s_b)
    return _merge_state(v_a, s_a, v_b, s_b)


def merge_state_v2(v_a, s_a, v_b, s_b, v_merged=None, s_merged=None):
    _refuse_gradients(
        "merge_state_v2",
        v_a=v_a,
        s_a=s_a,
        v_b=v_b,
        s_b=s_b,
        v_merged=v_merged,
        s_merged=s_merged,
    )
    if v_merged is None and s_merged is None:
        return _merge_state_v2(v_a, s_a, v_b, s_b)
    if v_merged is None:
        made_v_merged_ = _merge_state_v2__s_merged(v_a, s_a, v_b, s_b, s_merged)
        return (made_v_merged_, s_merged)
    if s_merged is None:
        made_s_merged_ = _merge_state_v2__v_merged(v_a, s_a, v_b, s_b, v_merged)
        return (v_merged, made_s_merged_)
    _merge_state_v2__v_merged__s_merged(v_a, s_a, v_b, s_b, v_merged, s_merged)
    return (v_merged, s_merged)


def moe_sum(input_tensor, output_tensor):
    _refuse_gradients("moe_sum", input_tensor=input_tensor, output_tensor=output_tensor)
    _moe_sum(input_tensor, output_tensor)
    return None


def moe_sum_reduce(input_tensor, output_tensor, routed_scaling_factor=0.0):
    _refuse_gradients("moe_sum_reduce", input_tensor=input_tensor, output_tensor=output_tensor)
    _moe_sum_reduce(input_tensor, output_tensor, routed_scaling_factor)
    return None


def paged_attention_decode(
    q,
    k_pool,
    v_pool,
    kv_indptr,
    kv_indices,
    out=None,
    *,
    num_qo_heads,
    num_kv_heads,
    head_dim,
    sm_scale,
):
    _refuse_gradients(
        "paged_attention_decode",
        q=q,
        k_pool=k_pool,
        v_pool=v_pool,
        kv_indptr=kv_indptr,
        kv_indices=kv_indices,
        out=out,
    )
    if out is None:
        return _paged_attention_decode(
            q,
            k_pool,
            v_pool,
            kv_indptr,
            kv_indices,
            num_qo_heads,
            num_kv_heads,
            head_dim,
            sm_scale,
        )
    _paged_attention_decode__out(
        q,
        k_pool,
        v_pool,
        kv_indptr,
        kv_indices,
        out,
        num_qo_heads,
        num_kv_heads,
        head_dim,
        sm_scale,
    )
    return out


def per_token_group_quant_8bit(
    input,
    group_size,
    eps=1e-10,
    fp8_min=-448.0,
    fp8_max=448.0,
    scale_ue8m0=False,
):
    _refuse_gradients("per_token_group_quant_8bit", input=input)
    return _per_token_group_quant_8bit(input, group_size, eps, fp8_min, fp8_max, scale_ue8m0)


def per_token_quant_fp8(input):
    _refuse_gradients("per_token_quant_fp8", input=input)
    return _per_token_quant_fp8(input)


def rms_norm(x, weight, eps=1e-06, out=None):
    _refuse_gradients("rms_norm", x=x, weight=weight, out=out)
    if out is None:
        return _rms_norm(x, weight, eps)
    _rms_norm__out(x, weight, eps, out)
    return out


def rmsnorm(input, weight, eps=1e-06, out=None, enable_pdl=None):
    _refuse_gradients("rmsnorm", input=input, weight=weight, out=out)
    if out is None:
        return _rmsnorm(input, weight, eps, enable_pdl)
    _rmsnorm__out(input, weight, eps, out, enable_pdl)
    return out


def rope_pool_fused(
    q,
    k,
    v,
    positions,
    slots,
    k_pool,
    v_pool,
    *,
    head_dim,
    num_qo_heads,
    num_kv_heads,
    rope_base,
):
    _refuse_gradients(
        "rope_pool_fused",
        q=q,
        k=k,
        v=v,
        positions=positions,
        slots=slots,
        k_pool=k_pool,
        v_pool=v_pool,
    )
    made_q_rot_, made_k_rot_ = _rope_pool_fused(
        q,
        k,
        v,
        positions,
        slots,
        k_pool,
        v_pool,
        head_dim,
        num_qo_heads,
        num_kv_heads,
        rope_base,
    )
    return (made_q_rot_, made_k_rot_, k_pool, v_pool)


def rotary_embedding(positions, query, key, head_size, cos_sin_cache, is_neox=True):
    _refuse_gradients(
        "rotary_embedding",
        positions=positions,
        query=query,
        key=key,
        cos_sin_cache=cos_sin_cache,
    )
    _rotary_embedding(positions, query, key, head_size, cos_sin_cache, is_neox)
    return None


def route_sigmoid(gating_output, k, renormalize=False, correction_bias=None):
    _refuse_gradients("route_sigmoid", gating_output=gating_output, correction_bias=correction_bias)
    return _route_sigmoid(gating_output, k, renormalize, correction_bias)


def route_softmax(gating_output, k, renormalize=False, moe_softcapping=0.0, correction_bias=None):
    _refuse_gradients("route_softmax", gating_output=gating_output, correction_bias=correction_bias)
    return _route_softmax(gating_output, k, renormalize, moe_softcapping, correction_bias)


def sgl_per_token_group_quant_8bit(
    input,
    output_q,
    output_s,
    group_size,
    eps=1e-10,
    fp8_min=-448.0,
    fp8_max=448.0,
    scale_ue8m0=False,
    fuse_silu_and_mul=False,
    masked_m=None,
    enable_v2=None,
):
    _refuse_gradients("sgl_per_token_group_quant_8bit", input=input, output_q=output_q, output_s=output_s)
    _sgl_per_token_group_quant_8bit(input, output_q, output_s, group_size, eps, fp8_min, fp8_max, scale_ue8m0)
    return None


def sgl_per_token_quant_fp8(input, output_q, output_s):
    _refuse_gradients("sgl_per_token_quant_fp8", input=input, output_q=output_q, output_s=output_s)
    _sgl_per_token_quant_fp8(input, output_q, output_s)
    return None


def silu_and_mul(input, out=None):
    _refuse_gradients("silu_and_mul", input=input, out=out)
    if out is None:
        return _silu_and_mul(input)
    _silu_and_mul__out(input, out)
    return out


def softmax(x, out=None):
    _refuse_gradients("softmax", x=x, out=out)
    if out is None:
        return _softmax(x)
    _softmax__out(x, out)
    return out


def topk_sigmoid(topk_weights, topk_ids, gating_output, renormalize=False, correction_bias=None):
    _refuse_gradients(
        "topk_sigmoid",
        topk_weights=topk_weights,
        topk_ids=topk_ids,
        gating_output=gating_output,
        correction_bias=correction_bias,
    )
    _topk_sigmoid(topk_weights, topk_ids, gating_output, renormalize, correction_bias)
    return None


def topk_softmax(
    topk_weights,
    topk_ids,
    gating_output,
    renormalize=False,
    moe_softcapping=0.0,
    correction_bias=None,
):
    _refuse_gradients(
        "topk_softmax",
        topk_weights=topk_weights,
        topk_ids=topk_ids,
        gating_output=gating_output,
        correction_bias=correction_bias,
    )
    _topk_softmax(topk_weights, topk_ids, gating_output, renormalize, moe_softcapping, correction_bias)
    return None

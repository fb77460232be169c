"""Every op on MLX arrays: lazy, on the GPU, or on the CPU with `stream=mx.cpu` and where MLX has no GPU."""

from __future__ import annotations

from pathlib import Path as _Path

from . import _extension
from ._metal_loader import load_metal as _load_metal

_metal, _IMPORT_ERROR = _load_metal(__package__, _Path(__file__).parent)
_native = _metal if _IMPORT_ERROR is None else _extension.Missing(__name__, _IMPORT_ERROR)

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


def is_available():
    """Whether the extension is loaded; if not, `_IMPORT_ERROR` says why."""
    return _IMPORT_ERROR is None


def _require_metal():
    """Raise ImportError with the command that mends it, unless the extension is loaded."""
    if _IMPORT_ERROR is not None:
        raise _extension.explain(__name__, _IMPORT_ERROR) from _IMPORT_ERROR


def combine_experts(input, out=None, *, stream=None):
    """Sum the outputs of each token's experts.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*tokens, experts, width]. One row for each expert of a token.
        out: T[*tokens, width]. Where the result out is written; default None: a new array is made.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*tokens, width]. Sums.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1701.06538
    """
    return _native.combine_experts(input, out, stream=stream)


def combine_experts_scaled(input, routed_scaling_factor=0.0, out=None, *, stream=None):
    """Sum the outputs of each token's experts, and scale the sum.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*tokens, experts, width]. One row for each expert of a token.
        routed_scaling_factor: float, default 0.0. Factor of the sum.
        out: T[*tokens, width]. Where the result out is written; default None: a new array is made.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*tokens, width]. Scaled sums.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:2412.19437
    """
    return _native.combine_experts_scaled(input, routed_scaling_factor, out, stream=stream)


def fused_add_rmsnorm(input, residual, weight, eps=1e-06, enable_pdl=None, *, stream=None):
    """Add the residual to the input, then normalise the sum; both are updated in place.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, width]. Summand; holds the normalised sum afterwards. Its buffer is updated
            in place when the returned array is evaluated.
        residual: T[*rows, width]. Summand; holds the sum afterwards. Its buffer is updated in place
            when the returned array is evaluated.
        weight: T[width]. Scale of each column.
        eps: float, default 1e-06. Added to the mean square.
        enable_pdl: accepted for compatibility; has no effect.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        input: T[*rows, width]. The updated argument.
        residual: T[*rows, width]. The updated argument.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1910.07467
    """
    return _native.fused_add_rmsnorm(input, residual, weight, eps, enable_pdl, stream=stream)


def gelu_and_mul(input, out=None, *, stream=None):
    """Multiply the gate half, passed through GELU, by the other half.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, 2 * width]. Gate values, then the values they scale.
        out: T[*rows, width]. Where the result out is written; default None: a new array is made.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*rows, width]. One value for each pair.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1606.08415
    """
    return _native.gelu_and_mul(input, out, stream=stream)


def gelu_tanh_and_mul(input, out=None, *, stream=None):
    """Multiply the gate half, passed through the tanh form of GELU, by the other half.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, 2 * width]. Gate values, then the values they scale.
        out: T[*rows, width]. Where the result out is written; default None: a new array is made.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*rows, width]. One value for each pair.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1606.08415
    """
    return _native.gelu_tanh_and_mul(input, out, stream=stream)


def gemma_fused_add_rmsnorm(input, residual, weight, eps=1e-06, enable_pdl=None, *, stream=None):
    """Add the residual to the input, then normalise the sum with weights stored less one; both are updated in place.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, width]. Summand; holds the normalised sum afterwards. Its buffer is updated
            in place when the returned array is evaluated.
        residual: T[*rows, width]. Summand; holds the sum afterwards. Its buffer is updated in place
            when the returned array is evaluated.
        weight: T[width]. Scale of each column, less one.
        eps: float, default 1e-06. Added to the mean square.
        enable_pdl: accepted for compatibility; has no effect.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        input: T[*rows, width]. The updated argument.
        residual: T[*rows, width]. The updated argument.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:2403.08295
    """
    return _native.gemma_fused_add_rmsnorm(input, residual, weight, eps, enable_pdl, stream=stream)


def gemma_rmsnorm(input, weight, eps=1e-06, out=None, enable_pdl=None, *, stream=None):
    """Scale each row by the reciprocal of its root mean square, with weights stored less one.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, width]. Rows to normalise.
        weight: T[width]. Scale of each column, less one.
        eps: float, default 1e-06. Added to the mean square.
        out: T[*rows, width]. Where the result out is written; default None: a new array is made.
        enable_pdl: accepted for compatibility; has no effect.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*rows, width]. Normalised rows.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:2403.08295
    """
    return _native.gemma_rmsnorm(input, weight, eps, out, enable_pdl, stream=stream)


def merge_state(v_a, s_a, v_b, s_b, *, stream=None):
    """Merge two partial attentions by their log-sum-exps.

    An infinite log-sum-exp of either sign marks a part that saw no key: it has no weight. Where
    neither part saw one, the result is 0 and its log-sum-exp -inf.

    T is float32, float16 or bfloat16.

    Arguments:
        v_a: T[*tokens, heads, head_dim]. First partial result.
        s_a: float32[*tokens, heads]. Its log-sum-exp.
        v_b: T[*tokens, heads, head_dim]. Second partial result.
        s_b: float32[*tokens, heads]. Its log-sum-exp.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        v_merged: T[*tokens, heads, head_dim]. Merged result.
        s_merged: float32[*tokens, heads]. Merged log-sum-exp.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:2501.01005
    """
    return _native.merge_state(v_a, s_a, v_b, s_b, stream=stream)


def merge_state_v2(v_a, s_a, v_b, s_b, v_merged=None, s_merged=None, *, stream=None):
    """Merge two partial attentions by their log-sum-exps.

    An infinite log-sum-exp of either sign marks a part that saw no key: it has no weight. Where
    neither part saw one, the result is 0 and its log-sum-exp -inf.

    T is float32, float16 or bfloat16.

    Arguments:
        v_a: T[*tokens, heads, head_dim]. First partial result.
        s_a: float32[*tokens, heads]. Its log-sum-exp.
        v_b: T[*tokens, heads, head_dim]. Second partial result.
        s_b: float32[*tokens, heads]. Its log-sum-exp.
        v_merged: T[*tokens, heads, head_dim]. Where the result v_merged is written; default None: a
            new array is made.
        s_merged: float32[*tokens, heads]. Where the result s_merged is written; default None: a new
            array is made.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        v_merged: T[*tokens, heads, head_dim]. Merged result.
        s_merged: float32[*tokens, heads]. Merged log-sum-exp.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:2501.01005
    """
    return _native.merge_state_v2(v_a, s_a, v_b, s_b, v_merged, s_merged, stream=stream)


def moe_sum(input_tensor, output_tensor, *, stream=None):
    """Sum the outputs of each token's experts.

    T is float32, float16 or bfloat16.

    Arguments:
        input_tensor: T[*tokens, experts, width]. One row for each expert of a token.
        output_tensor: T[*tokens, width]. Where the result out is written.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*tokens, width]. Sums.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1701.06538
    """
    return _native.moe_sum(input_tensor, output_tensor, stream=stream)


def moe_sum_reduce(input_tensor, output_tensor, routed_scaling_factor=0.0, *, stream=None):
    """Sum the outputs of each token's experts, and scale the sum.

    T is float32, float16 or bfloat16.

    Arguments:
        input_tensor: T[*tokens, experts, width]. One row for each expert of a token.
        output_tensor: T[*tokens, width]. Where the result out is written.
        routed_scaling_factor: float, default 0.0. Factor of the sum.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*tokens, width]. Scaled sums.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:2412.19437
    """
    return _native.moe_sum_reduce(input_tensor, output_tensor, routed_scaling_factor, stream=stream)


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
    stream=None,
):
    """Attention of one query token a request over the pool slots that its page table lists.

    T is float32, float16 or bfloat16.

    Arguments:
        q: T[batch, num_qo_heads, head_dim]. One query a request.
        k_pool: T[pool_slots, num_kv_heads, head_dim]. Key pool.
        v_pool: T[pool_slots, num_kv_heads, head_dim]. Value pool.
        kv_indptr: int32[batch + 1]. Where each request's entries start in kv_indices.
        kv_indices: int32[entries]. Pool slots, request after request.
        num_qo_heads: int. Query heads; a multiple of num_kv_heads.
        num_kv_heads: int. Key and value heads.
        head_dim: int. Elements of a head.
        sm_scale: float. Factor of the scores before softmax.
        out: T[batch, num_qo_heads, head_dim]. Where the result out is written; default None: a new
            array is made.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[batch, num_qo_heads, head_dim]. Attended values; 0 for a request without entries.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range. Requires
            `num_kv_heads >= 1`, `num_qo_heads % num_kv_heads == 0`.

    Reference: arXiv:2309.06180
    """
    return _native.paged_attention_decode(
        q,
        k_pool,
        v_pool,
        kv_indptr,
        kv_indices,
        out,
        num_qo_heads=num_qo_heads,
        num_kv_heads=num_kv_heads,
        head_dim=head_dim,
        sm_scale=sm_scale,
        stream=stream,
    )


def per_token_group_quant_8bit(
    input,
    group_size,
    eps=1e-10,
    fp8_min=-448.0,
    fp8_max=448.0,
    scale_ue8m0=False,
    *,
    stream=None,
):
    """Quantise each group of a row to 8 bits with a scale of its own.

    Values are rounded to nearest, those halfway to the even neighbour, also where they become integers.
    They are divided by the scale that is stored, also where that is rounded up to a power of two.

    T is float32, float16 or bfloat16.
    Q is float8_e4m3fn or int8, as an array given for a result has; the first of these otherwise.

    Arguments:
        input: T[*rows, groups * group_size]. Rows to quantise.
        group_size: int. Elements that share a scale.
        eps: float, default 1e-10. Least magnitude that a scale is made for.
        fp8_min: float, default -448.0. Least quantised value.
        fp8_max: float, default 448.0. Greatest quantised value, to which the largest magnitude of a
            group is scaled.
        scale_ue8m0: bool, default False. Round scales up to powers of two.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        output_q: Q[*rows, groups * group_size]. Input / scale.
        output_s: float32[*rows, groups]. Scale of each group.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:2412.19437
    """
    return _native.per_token_group_quant_8bit(
        input,
        group_size,
        eps,
        fp8_min,
        fp8_max,
        scale_ue8m0,
        stream=stream,
    )


def per_token_quant_fp8(input, *, stream=None):
    """Quantise each row to fp8 with a scale of its own.

    A row of zeros has the scale 0 and quantises to zeros. So do rows whose scale f32 cannot divide by,
    but for a rest: the factor of a row is at most 3e38.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, width]. Rows to quantise.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        output_q: float8_e4m3fn[*rows, width]. Input / scale; the greatest magnitude of a row
            becomes 448.
        output_s: float32[*rows, 1]. Scale of each row.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:2209.05433
    """
    return _native.per_token_quant_fp8(input, stream=stream)


def rms_norm(x, weight, eps=1e-06, out=None, *, stream=None):
    """Scale each row by the reciprocal of its root mean square.

    T is float32, float16 or bfloat16.

    Arguments:
        x: T[*rows, width]. Rows to normalise.
        weight: T[width]. Scale of each column.
        eps: float, default 1e-06. Added to the mean square.
        out: T[*rows, width]. Where the result out is written; default None: a new array is made.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*rows, width]. Normalised rows.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1910.07467
    """
    return _native.rms_norm(x, weight, eps, out, stream=stream)


def rmsnorm(input, weight, eps=1e-06, out=None, enable_pdl=None, *, stream=None):
    """Scale each row by the reciprocal of its root mean square.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, width]. Rows to normalise.
        weight: T[width]. Scale of each column.
        eps: float, default 1e-06. Added to the mean square.
        out: T[*rows, width]. Where the result out is written; default None: a new array is made.
        enable_pdl: accepted for compatibility; has no effect.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*rows, width]. Normalised rows.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1910.07467
    """
    return _native.rmsnorm(input, weight, eps, out, enable_pdl, stream=stream)


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
    stream=None,
):
    """Rotate queries and keys, and write the rotated keys and the values into their pools.

    T is float32, float16 or bfloat16.

    Arguments:
        q: T[tokens, num_qo_heads, head_dim]. Queries.
        k: T[tokens, num_kv_heads, head_dim]. Keys.
        v: T[tokens, num_kv_heads, head_dim]. Values.
        positions: int32[tokens]. Position of each token.
        slots: int32[tokens]. Pool slot of each token; a negative slot writes nothing.
        k_pool: T[pool_slots, num_kv_heads, head_dim]. Key pool. Its buffer is updated in place when
            the returned array is evaluated.
        v_pool: T[pool_slots, num_kv_heads, head_dim]. Value pool. Its buffer is updated in place
            when the returned array is evaluated.
        head_dim: int. Elements of a head; even.
        num_qo_heads: int. Query heads.
        num_kv_heads: int. Key and value heads.
        rope_base: float. Base of the rotation frequencies.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        q_rot: T[tokens, num_qo_heads, head_dim]. Rotated queries.
        k_rot: T[tokens, num_kv_heads, head_dim]. Rotated keys.
        k_pool: T[pool_slots, num_kv_heads, head_dim]. The updated argument.
        v_pool: T[pool_slots, num_kv_heads, head_dim]. The updated argument.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range. Requires
            `head_dim % 2 == 0`.

    Reference: arXiv:2104.09864
    """
    return _native.rope_pool_fused(
        q,
        k,
        v,
        positions,
        slots,
        k_pool,
        v_pool,
        head_dim=head_dim,
        num_qo_heads=num_qo_heads,
        num_kv_heads=num_kv_heads,
        rope_base=rope_base,
        stream=stream,
    )


def rotary_embedding(positions, query, key, head_size, cos_sin_cache, is_neox=True, *, stream=None):
    """Rotate queries and keys in place, by the cosines and sines of a table.

    Heads lie side by side in the last dimension of query and key. Of each head the first elements
    are rotated, as many as a row of the table has; the others stay as they are. The pairs that
    rotate together are the first and the second half of these (is_neox), or each element at an even
    place and the next one. A position outside the table gives NaN.

    T is float32, float16 or bfloat16.
    I is int64 or int32.

    Arguments:
        positions: I[*tokens]. Position of each token.
        query: T[*tokens, heads * head_size]. Queries. Its buffer is updated in place when the
            returned array is evaluated.
        key: T[*tokens, kv_heads * head_size]. Keys. Its buffer is updated in place when the
            returned array is evaluated. May be None.
        head_size: int. Elements of a head.
        cos_sin_cache: T[max_position, 2 * pairs]. For each position the cosines, then the sines.
        is_neox: bool, default True. Rotate halves together, not neighbours.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        query: T[*tokens, heads * head_size]. The updated argument.
        key: T[*tokens, kv_heads * head_size]. The updated argument.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range. Requires
            `2 * pairs <= head_size`.

    Reference: arXiv:2104.09864
    """
    return _native.rotary_embedding(positions, query, key, head_size, cos_sin_cache, is_neox, stream=stream)


def route_sigmoid(gating_output, k, renormalize=False, correction_bias=None, *, stream=None):
    """Choose the experts of each token by the sigmoid of its logits.

    The bias moves the choice but not the weights. Where experts tie, the lower one is chosen first.

    T is float32, float16 or bfloat16.

    Arguments:
        gating_output: T[tokens, experts]. One logit for each expert.
        k: int. Experts a token.
        renormalize: bool, default False. Scale the weights of a token to sum to one.
        correction_bias: float32[experts]. Added to the sigmoids when choosing. May be None.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        topk_weights: float32[tokens, k]. Sigmoids of the chosen experts, best first.
        topk_ids: int32[tokens, k]. The chosen experts.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range. Requires
            `k <= experts`.

    Reference: arXiv:2412.19437
    """
    return _native.route_sigmoid(gating_output, k, renormalize, correction_bias, stream=stream)


def route_softmax(
    gating_output,
    k,
    renormalize=False,
    moe_softcapping=0.0,
    correction_bias=None,
    *,
    stream=None,
):
    """Choose the experts of each token by the softmax of its logits.

    A soft cap s > 0 replaces each logit x by s * tanh(x / s). The bias is added to the capped
    logits, so that it moves the weights as well as the choice. Where experts tie, the lower one is
    chosen first.

    T is float32, float16 or bfloat16.

    Arguments:
        gating_output: T[tokens, experts]. One logit for each expert.
        k: int. Experts a token.
        renormalize: bool, default False. Scale the weights of a token to sum to one.
        moe_softcapping: float, default 0.0. Soft cap of the logits; 0 for none.
        correction_bias: float32[experts]. Added to the logits. May be None.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        topk_weights: float32[tokens, k]. Weights of the chosen experts, greatest first.
        topk_ids: int32[tokens, k]. The chosen experts.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range. Requires
            `k <= experts`.

    Reference: arXiv:1701.06538
    """
    return _native.route_softmax(
        gating_output,
        k,
        renormalize,
        moe_softcapping,
        correction_bias,
        stream=stream,
    )


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
    *,
    stream=None,
):
    """Quantise each group of a row to 8 bits with a scale of its own.

    Values are rounded to nearest, those halfway to the even neighbour, also where they become integers.
    They are divided by the scale that is stored, also where that is rounded up to a power of two.

    T is float32, float16 or bfloat16.
    Q is float8_e4m3fn or int8, as an array given for a result has; the first of these otherwise.

    Arguments:
        input: T[*rows, groups * group_size]. Rows to quantise.
        output_q: Q[*rows, groups * group_size]. Where the result output_q is written.
        output_s: float32[*rows, groups]. Where the result output_s is written.
        group_size: int. Elements that share a scale.
        eps: float, default 1e-10. Least magnitude that a scale is made for.
        fp8_min: float, default -448.0. Least quantised value.
        fp8_max: float, default 448.0. Greatest quantised value, to which the largest magnitude of a
            group is scaled.
        scale_ue8m0: bool, default False. Round scales up to powers of two.
        fuse_silu_and_mul: accepted for compatibility; must be False.
        masked_m: accepted for compatibility; must be None.
        enable_v2: accepted for compatibility; has no effect.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        output_q: Q[*rows, groups * group_size]. Input / scale.
        output_s: float32[*rows, groups]. Scale of each group.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:2412.19437
    """
    return _native.sgl_per_token_group_quant_8bit(
        input,
        output_q,
        output_s,
        group_size,
        eps,
        fp8_min,
        fp8_max,
        scale_ue8m0,
        fuse_silu_and_mul,
        masked_m,
        enable_v2,
        stream=stream,
    )


def sgl_per_token_quant_fp8(input, output_q, output_s, *, stream=None):
    """Quantise each row to fp8 with a scale of its own.

    A row of zeros has the scale 0 and quantises to zeros. So do rows whose scale f32 cannot divide by,
    but for a rest: the factor of a row is at most 3e38.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, width]. Rows to quantise.
        output_q: float8_e4m3fn[*rows, width]. Where the result output_q is written.
        output_s: float32[*rows, 1]. Where the result output_s is written.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        output_q: float8_e4m3fn[*rows, width]. Input / scale; the greatest magnitude of a row
            becomes 448.
        output_s: float32[*rows, 1]. Scale of each row.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:2209.05433
    """
    return _native.sgl_per_token_quant_fp8(input, output_q, output_s, stream=stream)


def silu_and_mul(input, out=None, *, stream=None):
    """Multiply the gate half, passed through SiLU, by the other half.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, 2 * width]. Gate values, then the values they scale.
        out: T[*rows, width]. Where the result out is written; default None: a new array is made.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*rows, width]. One value for each pair.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1702.03118
    """
    return _native.silu_and_mul(input, out, stream=stream)


def softmax(x, out=None, *, stream=None):
    """Exponentials of each row, scaled to sum to one.

    T is float32, float16 or bfloat16.

    Arguments:
        x: T[*rows, width]. Rows of logits.
        out: T[*rows, width]. Where the result out is written; default None: a new array is made.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        out: T[*rows, width]. Probabilities.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1805.02867
    """
    return _native.softmax(x, out, stream=stream)


def topk_sigmoid(
    topk_weights,
    topk_ids,
    gating_output,
    renormalize=False,
    correction_bias=None,
    *,
    stream=None,
):
    """Choose the experts of each token by the sigmoid of its logits.

    The bias moves the choice but not the weights. Where experts tie, the lower one is chosen first.

    T is float32, float16 or bfloat16.

    Arguments:
        topk_weights: float32[tokens, k]. Where the result topk_weights is written.
        topk_ids: int32[tokens, k]. Where the result topk_ids is written.
        gating_output: T[tokens, experts]. One logit for each expert.
        renormalize: bool, default False. Scale the weights of a token to sum to one.
        correction_bias: float32[experts]. Added to the sigmoids when choosing. May be None.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        topk_weights: float32[tokens, k]. Sigmoids of the chosen experts, best first.
        topk_ids: int32[tokens, k]. The chosen experts.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range. Requires
            `k <= experts`.

    Reference: arXiv:2412.19437
    """
    return _native.topk_sigmoid(
        topk_weights,
        topk_ids,
        gating_output,
        renormalize,
        correction_bias,
        stream=stream,
    )


def topk_softmax(
    topk_weights,
    topk_ids,
    gating_output,
    renormalize=False,
    moe_softcapping=0.0,
    correction_bias=None,
    *,
    stream=None,
):
    """Choose the experts of each token by the softmax of its logits.

    A soft cap s > 0 replaces each logit x by s * tanh(x / s). The bias is added to the capped
    logits, so that it moves the weights as well as the choice. Where experts tie, the lower one is
    chosen first.

    T is float32, float16 or bfloat16.

    Arguments:
        topk_weights: float32[tokens, k]. Where the result topk_weights is written.
        topk_ids: int32[tokens, k]. Where the result topk_ids is written.
        gating_output: T[tokens, experts]. One logit for each expert.
        renormalize: bool, default False. Scale the weights of a token to sum to one.
        moe_softcapping: float, default 0.0. Soft cap of the logits; 0 for none.
        correction_bias: float32[experts]. Added to the logits. May be None.
        stream: the stream or device to run on; default: MLX's own default.

    Returns:
        topk_weights: float32[tokens, k]. Weights of the chosen experts, greatest first.
        topk_ids: int32[tokens, k]. The chosen experts.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range. Requires
            `k <= experts`.

    Reference: arXiv:1701.06538
    """
    return _native.topk_softmax(
        topk_weights,
        topk_ids,
        gating_output,
        renormalize,
        moe_softcapping,
        correction_bias,
        stream=stream,
    )

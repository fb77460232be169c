"""Every op on CUDA tensors, on the stream that torch works on: nothing waits, and CUDA graphs can record it.

All tensors of a call are on one device, and results are made there. Inputs may be strided; those whose last
dimension is not contiguous, or whose leading dimensions are not one stride apart, are copied. Where the
package was built without CUDA, every op raises NotImplementedError saying what is missing.
"""

from __future__ import annotations

import importlib.util as _util

from . import _extension

_is_built = _util.find_spec(f"{__package__}._cuda") is not None
_cuda, _IMPORT_ERROR = _extension.load(__package__, "_cuda" if _is_built else "_cuda_stub")
_native = _cuda if _IMPORT_ERROR is None else _extension.Missing(__name__, _IMPORT_ERROR)

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


def is_available():
    """Whether the extension is built and loaded; `_IMPORT_ERROR` holds what kept it from loading."""
    return _IMPORT_ERROR is None and _is_built


def fused_add_rmsnorm(input, residual, weight, eps=1e-06, enable_pdl=None):
    """Add the residual to the input, then normalise the sum; both are updated in place.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, width]. Summand; holds the normalised sum afterwards. Updated in place.
        residual: T[*rows, width]. Summand; holds the sum afterwards. Updated in place.
        weight: T[width]. Scale of each column.
        eps: float, default 1e-06. Added to the mean square.
        enable_pdl: accepted for compatibility; has no effect.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1910.07467
    """
    return _native.fused_add_rmsnorm(input, residual, weight, eps)


def gelu_and_mul(input, out=None):
    """Multiply the gate half, passed through GELU, by the other half.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, 2 * width]. Gate values, then the values they scale.
        out: T[*rows, width]. Where the result out is written; default None: a new array of the
            first argument's framework is made.

    Returns:
        out: T[*rows, width]. One value for each pair.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1606.08415
    """
    return _native.gelu_and_mul(input, out)


def gelu_tanh_and_mul(input, out=None):
    """Multiply the gate half, passed through the tanh form of GELU, by the other half.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, 2 * width]. Gate values, then the values they scale.
        out: T[*rows, width]. Where the result out is written; default None: a new array of the
            first argument's framework is made.

    Returns:
        out: T[*rows, width]. One value for each pair.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1606.08415
    """
    return _native.gelu_tanh_and_mul(input, out)


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
            array of the first argument's framework is made.

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
        num_qo_heads,
        num_kv_heads,
        head_dim,
        sm_scale,
        out,
    )


def rms_norm(x, weight, eps=1e-06, out=None):
    """Scale each row by the reciprocal of its root mean square.

    T is float32, float16 or bfloat16.

    Arguments:
        x: T[*rows, width]. Rows to normalise.
        weight: T[width]. Scale of each column.
        eps: float, default 1e-06. Added to the mean square.
        out: T[*rows, width]. Where the result out is written; default None: a new array of the
            first argument's framework is made.

    Returns:
        out: T[*rows, width]. Normalised rows.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1910.07467
    """
    return _native.rms_norm(x, weight, eps, out)


def rmsnorm(input, weight, eps=1e-06, out=None, enable_pdl=None):
    """Scale each row by the reciprocal of its root mean square.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, width]. Rows to normalise.
        weight: T[width]. Scale of each column.
        eps: float, default 1e-06. Added to the mean square.
        out: T[*rows, width]. Where the result out is written; default None: a new array of the
            first argument's framework is made.
        enable_pdl: accepted for compatibility; has no effect.

    Returns:
        out: T[*rows, width]. Normalised rows.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1910.07467
    """
    return _native.rmsnorm(input, weight, eps, out)


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
    """Rotate queries and keys, and write the rotated keys and the values into their pools.

    T is float32, float16 or bfloat16.

    Arguments:
        q: T[tokens, num_qo_heads, head_dim]. Queries.
        k: T[tokens, num_kv_heads, head_dim]. Keys.
        v: T[tokens, num_kv_heads, head_dim]. Values.
        positions: int32[tokens]. Position of each token.
        slots: int32[tokens]. Pool slot of each token; a negative slot writes nothing.
        k_pool: T[pool_slots, num_kv_heads, head_dim]. Key pool. Updated in place.
        v_pool: T[pool_slots, num_kv_heads, head_dim]. Value pool. Updated in place.
        head_dim: int. Elements of a head; even.
        num_qo_heads: int. Query heads.
        num_kv_heads: int. Key and value heads.
        rope_base: float. Base of the rotation frequencies.

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
        head_dim,
        num_qo_heads,
        num_kv_heads,
        rope_base,
    )


def silu_and_mul(input, out=None):
    """Multiply the gate half, passed through SiLU, by the other half.

    T is float32, float16 or bfloat16.

    Arguments:
        input: T[*rows, 2 * width]. Gate values, then the values they scale.
        out: T[*rows, width]. Where the result out is written; default None: a new array of the
            first argument's framework is made.

    Returns:
        out: T[*rows, width]. One value for each pair.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1702.03118
    """
    return _native.silu_and_mul(input, out)


def softmax(x, out=None):
    """Exponentials of each row, scaled to sum to one.

    T is float32, float16 or bfloat16.

    Arguments:
        x: T[*rows, width]. Rows of logits.
        out: T[*rows, width]. Where the result out is written; default None: a new array of the
            first argument's framework is made.

    Returns:
        out: T[*rows, width]. Probabilities.

    Raises:
        TypeError: an argument is missing, unknown, of the wrong type or on another device.
        ValueError: dtypes or shapes do not agree, or a value is out of range.

    Reference: arXiv:1805.02867
    """
    return _native.softmax(x, out)

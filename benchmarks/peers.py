"""What users would call instead: for each op, the same computation in MLX and in torch.

A peer is built once for a framework's module and then called with the spec's arguments; it gives back the
op's results and updated arguments, in the order of the spec. Nothing but measurements reads this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

Arguments = Mapping[str, Any]
Function = Callable[[Arguments], Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """`build` makes the function for the module of `framework`; `title` says what it calls."""

    framework: str
    title: str
    build: Callable[[ModuleType], Function]


def _mlx_rms_norm(mx: Any) -> Function:
    return lambda given: mx.fast.rms_norm(given["x"], given["weight"], 1e-6)


def _mlx_add_rms_norm(mx: Any) -> Function:
    add = mx.compile(lambda left, right: left + right)

    def run(given: Arguments) -> Any:
        total = add(given["input"], given["residual"])
        return mx.fast.rms_norm(total, given["weight"], 1e-6), total

    return run


def _mlx_gated(activate: Callable[[Any, Any], Any]) -> Callable[[ModuleType], Function]:
    def build(mx: Any) -> Function:
        def gated(pairs: Any) -> Any:
            gate, up = mx.split(pairs, 2, axis=-1)
            return activate(mx, gate) * up

        compiled = mx.compile(gated)
        return lambda given: compiled(given["input"])

    return build


def _mlx_silu(mx: Any, gate: Any) -> Any:
    return gate * mx.sigmoid(gate)


def _mlx_gelu(mx: Any, gate: Any) -> Any:
    return gate * (1 + mx.erf(gate * 0.7071067811865476)) / 2


def _mlx_gelu_tanh(mx: Any, gate: Any) -> Any:
    return 0.5 * gate * (1 + mx.tanh(0.7978845608028654 * (gate + 0.044715 * gate**3)))


def _mlx_softmax(mx: Any) -> Function:
    return lambda given: mx.softmax(given["x"], axis=-1, precise=True)


def _mlx_rope(mx: Any) -> Function:
    def rotate(given: Arguments, name: str) -> Any:
        rotated = mx.fast.rope(
            given[name][:, :, None],
            given["head_dim"],
            traditional=False,
            base=given["rope_base"],
            scale=1.0,
            offset=given["positions"],
        )
        return rotated[:, :, 0]

    def run(given: Arguments) -> Any:
        queries, keys = rotate(given, "q"), rotate(given, "k")
        key_pool, value_pool = given["k_pool"] + 0, given["v_pool"] + 0
        key_pool[given["slots"]] = keys
        value_pool[given["slots"]] = given["v"]
        return key_pool, value_pool, queries, keys

    return run


def _torch_rms_norm(torch: Any) -> Function:
    norm = torch.nn.functional.rms_norm
    return lambda given: norm(given["x"], given["weight"].shape, given["weight"], 1e-6)


def _torch_gated(name: str, **options: Any) -> Callable[[ModuleType], Function]:
    def build(torch: Any) -> Function:
        activate = getattr(torch.nn.functional, name)

        def run(given: Arguments) -> Any:
            gate, up = given["input"].chunk(2, dim=-1)
            return activate(gate, **options) * up

        return run

    return build


def _torch_softmax(torch: Any) -> Function:
    return lambda given: torch.softmax(given["x"], -1)


PEERS: Mapping[str, tuple[Peer, ...]] = {
    "rms_norm": (
        Peer("mlx.core", "mx.fast.rms_norm", _mlx_rms_norm),
        Peer("torch", "F.rms_norm", _torch_rms_norm),
    ),
    "fused_add_rmsnorm": (Peer("mlx.core", "add, mx.fast.rms_norm", _mlx_add_rms_norm),),
    "silu_and_mul": (
        Peer("mlx.core", "mx.compile", _mlx_gated(_mlx_silu)),
        Peer("torch", "F.silu, mul", _torch_gated("silu")),
    ),
    "gelu_and_mul": (
        Peer("mlx.core", "mx.compile", _mlx_gated(_mlx_gelu)),
        Peer("torch", "F.gelu, mul", _torch_gated("gelu")),
    ),
    "gelu_tanh_and_mul": (
        Peer("mlx.core", "mx.compile", _mlx_gated(_mlx_gelu_tanh)),
        Peer("torch", "F.gelu, mul", _torch_gated("gelu", approximate="tanh")),
    ),
    "softmax": (
        Peer("mlx.core", "mx.softmax, precise", _mlx_softmax),
        Peer("torch", "torch.softmax", _torch_softmax),
    ),
    "rope_pool_fused": (Peer("mlx.core", "mx.fast.rope, scatter", _mlx_rope),),
}

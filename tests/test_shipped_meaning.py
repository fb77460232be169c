"""Every shipped kernel means what numpy computes, and has upstream's names and signatures."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import every_spec
import numpy as np
import pytest
from draw_arguments import draw_arguments
from numeric_checks import assert_within_an_ulp, dtype_of
from shipped_references import SHIPPED

from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.interpret import interpret
from kernel_ir.rounding import encode
from kernel_ir.typecheck.check import check_spec

GENERATED = Path(__file__).parent.parent / "generated" / "python" / "sgl_kernel"


@dataclass(frozen=True)
class Call:
    """One call of a shipped kernel, and the dtypes of its type variables."""

    name: str
    number: int
    types: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "-".join([self.name, str(self.number), *(dtype for _, dtype in self.types)])


def every_call() -> Iterator[Call]:
    for name in sorted(SHIPPED):
        types = every_spec.load(name).spec.types
        for choice in itertools.product(*types.values()):
            for number in range(len(SHIPPED[name].calls)):
                yield Call(name, number, tuple(zip(types, choice, strict=True)))


@cache
def checked(name: str) -> ir.Kernel:
    return check_spec(every_spec.load(name))


@pytest.mark.parametrize("name", sorted({*every_spec.SHIPPED, *SHIPPED}))
def test_a_kernel_has_a_reference_and_the_other_way_round(name: str) -> None:
    assert name in every_spec.SHIPPED, f"{name} has a reference and no spec"
    if name not in SHIPPED:
        pytest.skip(f"{name} has no reference in numpy; one in tests/shipped_references.py would check it")


@pytest.mark.parametrize("call", list(every_call()), ids=str)
def test_a_kernel_gives_what_numpy_gives(call: Call) -> None:
    loaded, worked, types = every_spec.load(call.name), SHIPPED[call.name], dict(call.types)
    kernel = checked(call.name)
    arguments = draw_arguments(loaded, worked.calls[call.number], types, seed=call.number)
    frame = bind_arguments(kernel, arguments, types)
    plain: dict[str, Any] = {**frame.entry, **{name: value.item() for name, value in frame.scalars.items()}}
    sizes = {item.name: frame.sizes[item.name] for item in kernel.arguments if isinstance(item, ir.SizeType)}
    with np.errstate(all="ignore"):
        wanted = worked.reference(**plain, **sizes)
    got = interpret(kernel, arguments, types)
    assert sorted(got) == sorted(wanted)
    for name, values in got.items():
        dtype = dtype_of(kernel, name, types)
        assert_within_an_ulp(values, encode(wanted[name], dtype).reshape(values.shape), dtype)


# ---- upstream's signatures -----------------------------------------------------------------------

# Those of sglang-kernel 0.4.4.
UPSTREAM = {
    "rmsnorm": "(input, weight, eps=1e-06, out=None, enable_pdl=None)",
    "fused_add_rmsnorm": "(input, residual, weight, eps=1e-06, enable_pdl=None)",
    "gemma_rmsnorm": "(input, weight, eps=1e-06, out=None, enable_pdl=None)",
    "gemma_fused_add_rmsnorm": "(input, residual, weight, eps=1e-06, enable_pdl=None)",
    "silu_and_mul": "(input, out=None)",
    "gelu_and_mul": "(input, out=None)",
    "gelu_tanh_and_mul": "(input, out=None)",
    "rotary_embedding": "(positions, query, key, head_size, cos_sin_cache, is_neox=True)",
    "sgl_per_token_quant_fp8": "(input, output_q, output_s)",
    "sgl_per_token_group_quant_8bit": "(input, output_q, output_s, group_size, eps, fp8_min, fp8_max, "
    "scale_ue8m0=False, fuse_silu_and_mul=False, masked_m=None, enable_v2=None)",
    "topk_softmax": "(topk_weights, topk_ids, gating_output, renormalize=False, moe_softcapping=0.0, "
    "correction_bias=None)",
    "topk_sigmoid": "(topk_weights, topk_ids, gating_output, renormalize=False, correction_bias=None)",
    "moe_sum": "(input_tensor, output_tensor)",
    "moe_sum_reduce": "(input_tensor, output_tensor, routed_scaling_factor=0)",
    "merge_state_v2": "(v_a, s_a, v_b, s_b, v_merged=None, s_merged=None)",
}


def parameters(arguments: ast.arguments) -> list[tuple[str, Any]]:
    """Each positional parameter with its default; `...` where it is required."""
    names = [item.arg for item in (*arguments.posonlyargs, *arguments.args)]
    defaults = [ast.literal_eval(item) for item in arguments.defaults]
    return list(zip(names, [...] * (len(names) - len(defaults)) + defaults, strict=True))


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_upstream_calls_are_calls_of_ours(target: str) -> None:
    """The same names at the same places with the same defaults; what upstream requires may have one here."""
    tree = ast.parse((GENERATED / f"{target}.py").read_text(encoding="utf-8"))
    ours = {node.name: parameters(node.args) for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, text in UPSTREAM.items():
        wanted = ast.parse(f"def f{text}: ...").body[0]
        assert isinstance(wanted, ast.FunctionDef)
        own = dict(ours[name])
        expected = [(key, own.get(key) if value is ... else value) for key, value in parameters(wanted.args)]
        assert ours[name] == expected, name

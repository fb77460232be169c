"""Whether what a runner wrote is right: every element written, and some rows compared in double precision."""

from __future__ import annotations

import random

import torch

from benchmarks.cuda.cases import Arguments, Op

_AT_EACH_END, _BETWEEN = 8, 16

# By dtype: how far an element may lie from the exact one, as a share of it and of the output's root mean
# square. Generous for 16 bits, since peers round in between; of fp8 half a step, and a little for the scale.
_ALLOWED = {
    torch.bfloat16: (2**-7, 2**-6),
    torch.float32: (1e-4, 1e-5),
    torch.float8_e4m3fn: (2**-4 * 1.02, 1e-4),
}
_SAME_IDS = 0.999  # where scores tie, the order is the runner's


class WrongResult(Exception):
    """A runner computed something else."""


def copied(arguments: Arguments) -> Arguments:
    """Arguments of their own for one run."""
    return {name: v.clone() if isinstance(v, torch.Tensor) else v for name, v in arguments.items()}


def reference(op: Op, arguments: Arguments) -> tuple[list[int], tuple[torch.Tensor, ...]]:
    """Some rows, and what the op must write there, in double precision."""
    rows = arguments[op.outputs[0]].shape[0]
    chosen = _choose_rows(rows) if op.by_row else list(range(rows))
    exact: Arguments = {}
    for name, value in arguments.items():
        part = value[chosen] if name in op.by_row else value
        is_real = part.is_floating_point() and part.dtype.itemsize > 1
        exact[name] = part.double() if is_real else part
    return chosen, op.plain(exact)


def check(
    op: Op, written: tuple[torch.Tensor, ...], wanted: tuple[list[int], tuple[torch.Tensor, ...]]
) -> float:
    """The greatest error as a share of what is allowed. Raises WrongResult above 1."""
    chosen, exact = wanted
    worst = 0.0
    for name, got, want in zip(op.outputs, written, exact, strict=True):
        if got.is_floating_point() and not bool(torch.isfinite(got.float()).all()):
            raise WrongResult(f"{name} is not finite everywhere")
        worst = max(worst, _share(got[chosen], want))
        if worst > 1:
            raise WrongResult(f"{name} is off by {worst:.3g} times what is allowed")
    return worst


def _share(got: torch.Tensor, want: torch.Tensor) -> float:
    if got.shape != want.shape:
        return float("inf")
    if not got.is_floating_point():
        different = (got != want).double().mean().item()
        return different / (1 - _SAME_IDS)
    relative, absolute = _ALLOWED[got.dtype]
    allowed = relative * want.abs() + absolute * want.square().mean().sqrt()
    return float(((got.double() - want).abs() / allowed).max())


def _choose_rows(rows: int) -> list[int]:
    ends = set(range(min(_AT_EACH_END, rows))) | set(range(max(0, rows - _AT_EACH_END), rows))
    return sorted(ends | set(random.Random(rows).sample(range(rows), min(_BETWEEN, rows))))

"""Calls in the ring: those of a program, with any bits at all in memory of floats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fuzz.compare import dtype_of
from fuzz.inputs import Call, Placed
from kernel_ir import nodes as ir
from kernel_ir.rounding import Array

_FEW = 5  # different values where ties are wanted


def with_any_bits(kernel: ir.Kernel, call: Call, seed: str) -> Call:
    """The call with other floats: all different, few different ones, or zeros for the most part."""
    rng = np.random.default_rng(list(seed.encode()))
    tensors = dict(call.tensors)
    for name, item in call.tensors.items():
        if item is not None and dtype_of(kernel, name, call.types).is_float:
            tensors[name] = replace(item, memory=_any_bits(rng, item))
    numbers = dict(call.numbers)
    for argument in kernel.arguments:
        if isinstance(argument, ir.ScalarType) and argument.dtype.is_float and argument.name in numbers:
            numbers[argument.name] = float(np.float32(rng.uniform(-100.0, 100.0)))
    return replace(call, tensors=tensors, numbers=numbers, mode="bits")


def _any_bits(rng: np.random.Generator, item: Placed) -> Array:
    kept = np.dtype(f"u{item.memory.itemsize}")
    words = rng.integers(0, 1 << 8 * kept.itemsize, item.memory.size, kept)
    kind = rng.choice(("all", "few", "sparse"), p=(0.6, 0.25, 0.15))
    if kind == "few":
        words = words[rng.integers(0, min(_FEW, words.size), words.size)]
    if kind == "sparse":
        words = np.where(rng.random(words.size) < 0.8, kept.type(0), words)
    return np.asarray(words.view(item.memory.dtype))

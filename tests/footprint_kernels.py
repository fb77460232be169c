"""Kernels over a fixed signature: inputs, results and mutated tensors that bodies store to and read."""

from __future__ import annotations

from dataclasses import dataclass, field

from body_text import SIZES, read, read_body

from kernel_ir import nodes as ir
from kernel_ir.prove import Facts

SHAPES = {
    "x": ("input", "width"),
    "slots": ("input", "tokens"),
    "starts": ("input", "tokens + 1"),
    "flags": ("input", "tokens"),
    "bias": ("input", "width"),
    "out": ("result", "tokens", "width"),
    "row": ("result", "width"),
    "pool": ("mutated", "pages", "width"),
    "line": ("mutated", "width"),
}


def kernel_of(body: str, *requires: str) -> ir.Kernel:
    """A kernel over the tensors of `SHAPES`."""
    tensors = [
        ir.TensorType(name, "i32", tuple(read(extent) for extent in shape), role, is_optional=name == "bias")
        for name, (role, *shape) in SHAPES.items()
    ]
    arguments = tuple(item for item in tensors if item.role != "result")
    results = tuple(item for item in tensors if item.role == "result")
    conditions = tuple(read(item) for item in requires)
    return ir.Kernel("kernel", (), arguments, results, SIZES, conditions, read_body(body))


def facts_of(kernel: ir.Kernel) -> Facts:
    facts = Facts.for_sizes(kernel.sizes, [item.name for item in kernel.results])
    for condition in kernel.requires:
        facts = facts.with_condition(condition)
    return facts


@dataclass(frozen=True)
class Case:
    """A body, and what is found in it: `code line` each. `slots` is unique unless said otherwise."""

    name: str
    body: str
    found: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    unique: frozenset[str] = field(default=frozenset({"slots"}))

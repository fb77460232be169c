"""What an op moves through device memory, beside the least: inputs read once, outputs written once.

The least counts the bytes that the kernel touched: of a pool, the slots that a call names. Bytes of results
that are read back, and of scratch, are beyond the least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backends.metal.emulator.dispatch import Choice
from backends.metal.emulator.ops import EmulatedOp, How, Run
from benchmarks.emulator_cases import scaled_examples
from benchmarks.inputs import Example, make_arguments

# As host code would launch it for whole arrays; every example has some.
COUNTED = How(Choice(is_aligned=True, has_turns=True), is_counted=True)

SHARED = "rows share it: after the first it comes from the cache"
UNIFORM = "the lanes of a team read the same value: one access for all of them"
CHOSEN = "what was chosen is read again by its index, by whichever lane writes it"
STEP = "read again for every key"

# By kernel that somebody has looked at: tensors and scratch that move more than the least, and why.
EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    **{name: {} for name in ("gelu_and_mul", "gelu_tanh_and_mul", "silu_and_mul", "softmax")},
    **{name: {} for name in ("combine_experts", "combine_experts_scaled", "per_token_group_quant_8bit")},
    "merge_state": {"s_a": UNIFORM, "s_b": UNIFORM},
    "paged_attention_decode": {
        "q": STEP, "k_pool": SHARED, "v_pool": SHARED, "kv_indptr": UNIFORM, "kv_indices": UNIFORM,
    },
    "route_sigmoid": {"gating_output": CHOSEN, "correction_bias": SHARED},
    "route_softmax": {"correction_bias": SHARED},
    "fused_add_rmsnorm": {"weight": SHARED},
    "gemma_fused_add_rmsnorm": {"weight": SHARED},
    "gemma_rmsnorm": {"weight": SHARED},
    "rms_norm": {"weight": SHARED},
    "per_token_quant_fp8": {},
    "rope_pool_fused": {"positions": UNIFORM, "slots": UNIFORM},
    "rotary_embedding": {"positions": UNIFORM, "cos_sin_cache": SHARED},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorTraffic:
    """Bytes of one tensor, or of one scratch buffer, over all launches of a call."""

    name: str
    read: int
    least_read: int
    written: int
    least_written: int

    @property
    def is_least(self) -> bool:
        return (self.read, self.written) == (self.least_read, self.least_written)

    @property
    def times_read(self) -> float:
        return _ratio(self.read, self.least_read)

    @property
    def times_written(self) -> float:
        return _ratio(self.written, self.least_written)


@dataclass(frozen=True, slots=True)
class OpTraffic:
    """A call's tensors, what each threadgroup waits for, and the threadgroup memory it holds."""

    tensors: tuple[TensorTraffic, ...]
    barriers: float  # of a threadgroup, all launches added up
    simd_operations: float  # of a simdgroup
    threadgroup_bytes: int

    @property
    def total(self) -> TensorTraffic:
        names = ("read", "least_read", "written", "least_written")
        return TensorTraffic("all", *(sum(getattr(item, name) for item in self.tensors) for name in names))


def measure_examples(op: EmulatedOp) -> Iterator[tuple[Example, OpTraffic]]:
    """The traffic of every example, with the last of the dtypes, as host code would launch it."""
    entry = op.record.entries[-1]
    for example in scaled_examples(op.record):
        arguments = make_arguments(op.record, example, entry)
        yield example, measure_traffic(op, op.run(arguments, entry, COUNTED))


def excess(kernel: str, traffic: OpTraffic) -> list[TensorTraffic]:
    """The tensors that move more than the least without a reason."""
    excused = EXCEPTIONS.get(kernel, {})
    return [item for item in traffic.tensors if not item.is_least and item.name not in excused]


def measure_traffic(op: EmulatedOp, run: Run) -> OpTraffic:
    """The traffic of a run that was counted."""
    names = list(dict.fromkeys(name for step in run.steps for name in step.traffic))
    groups = [step.dispatch.groups for step in run.steps]
    barriers = [step.counts["barriers"] for step in run.steps]
    simd = [32 * step.counts["simd_operations"] / step.counts["threads"] for step in run.steps]
    return OpTraffic(
        tuple(_tensor(op, run, name) for name in names),
        sum(count / each for count, each in zip(barriers, groups, strict=True)),
        sum(simd),
        max((step.counts["threadgroup_bytes"] for step in run.steps), default=0),
    )


def _tensor(op: EmulatedOp, run: Run, name: str) -> TensorTraffic:
    rows = [step.traffic[name] for step in run.steps if name in step.traffic]
    tensor = op.kernel.tensors().get(name)
    is_argument = tensor is not None and tensor.role != "result"
    is_output = tensor is not None and tensor.role != "input"
    return TensorTraffic(
        name,
        sum(row.read for row in rows),
        max(row.distinct_read for row in rows) if is_argument else 0,
        sum(row.written for row in rows),
        max(row.distinct_written for row in rows) if is_output else 0,
    )


def _ratio(count: int, least: int) -> float:
    if least == 0:
        return float("inf") if count else 1.0
    return count / least

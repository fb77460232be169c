"""How fast the Metal emulator runs threads with every check on, and what one shader costs to compile."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backends.metal.emulator import Launch, Outcome, load
from backends.metal.emulator.dispatch import Choice
from backends.metal.emulator.ops import How, emulate_spec
from benchmarks.inputs import make_arguments
from benchmarks.machine import Machine, describe_machine
from benchmarks.tables import render_markdown
from codegen.failures import Failure
from kernel_ir.load import load_file

WIDTH, GROUP, ROWS = 1024, 256, 2000
REPEATS = 6

HEADER = "#include <metal_stdlib>\nusing namespace metal;\n"
ARGUMENTS = """
  constant float& eps [[buffer(3)]], uint row [[threadgroup_position_in_grid]],
  uint lid [[thread_position_in_threadgroup]], uint lane [[thread_index_in_simdgroup]],
  uint simd [[simdgroup_index_in_threadgroup]]) {
  threadgroup float partial[32];
"""
# A norm of rows of 1024: 4 neighbours a thread, two sums over lanes and a barrier.
VECTORS = """
kernel void vectors(device const bfloat4* x [[buffer(0)]], device const bfloat4* w [[buffer(1)]],
  device bfloat4* out [[buffer(2)]],""" + ARGUMENTS + """
  const float4 v = float4(x[row * 256 + lid]);
  float sum = simd_sum(dot(v, v));
  if (lane == 0) partial[simd] = sum;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  sum = simd_sum(lane < 8 ? partial[lane] : 0.0f);
  const float scale = rsqrt(sum / 1024 + eps);
  out[row * 256 + lid] = bfloat4(v * scale * float4(w[lid]));
}
"""  # fmt: skip
# The same element by element, every value read twice and every partial sum by every thread.
SCALARS = """
kernel void scalars(device const bfloat* x [[buffer(0)]], device const bfloat* w [[buffer(1)]],
  device bfloat* out [[buffer(2)]],""" + ARGUMENTS + """
  float sum = 0;
  x += row * 1024 + lid * 4, w += lid * 4, out += row * 1024 + lid * 4;
  for (uint n = 0; n < 4; n++) sum += float(x[n]) * float(x[n]);
  sum = simd_sum(sum);
  if (lane == 0) partial[simd] = sum;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  sum = 0;
  for (uint n = 0; n < 8; n++) sum += partial[n];
  const float scale = rsqrt(sum / 1024 + eps);
  for (uint n = 0; n < 4; n++) out[n] = bfloat(float(x[n]) * scale * float(w[n]));
}
"""  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rate:
    """Millions of threads a CPU second, the best of a few runs, and what a thread does."""

    name: str
    threads: float
    accesses: float


def main(results: Path, command: str) -> None:
    """Measure, print and write `emulator.md`."""
    machine = describe_machine()
    rates = [measure_kernel("vectors"), measure_kernel("scalars"), measure_shipped()]
    with ProcessPoolExecutor(machine.cores) as pool:
        together = list(pool.map(measure_kernel, ["vectors"] * machine.cores))
    text = _render(
        machine,
        rates,
        together,
        [_compile_seconds(is_quick) for is_quick in (False, True)],
        _group_seconds(),
        command,
    )
    print(text)
    (results / "emulator.md").write_text(text, encoding="ascii")


def measure_kernel(name: str) -> Rate:
    """One of the kernels above on ROWS rows."""
    shader = load(HEADER + VECTORS + SCALARS)
    launch = _launch(name, ROWS)
    return _rate(f"{name}, {GROUP} threads", lambda: shader.run(launch))


def measure_shipped() -> Rate:
    """rms_norm as it ships."""
    op = emulate_spec(load_file(Path(__file__).resolve().parent.parent / "specs/norm/rms_norm.yaml"))
    entry = op.record.entries[-1]
    arguments = make_arguments(op.record, {"rows": ROWS, "width": WIDTH}, entry)
    how = How(Choice(is_aligned=True, has_turns=True))
    launch = op.first_launch(arguments, entry, how)
    return _rate(f"rms_norm as generated, {launch.threadgroup} threads", lambda: op.shader.run(launch))


def _launch(name: str, rows: int) -> Launch:
    x = np.random.default_rng(0).integers(0, 0x4000, (rows, WIDTH)).astype(np.uint16)
    buffers = {0: x, 1: x[0], 2: np.zeros_like(x), 3: np.float32(1e-5)}
    return Launch(name, buffers, grid=rows, threadgroup=GROUP, blank={2})


def _rate(name: str, run: Callable[[], Outcome]) -> Rate:
    best, outcome = float("inf"), run()
    if outcome.findings:
        raise Failure(str(outcome.findings[0]))
    for _ in range(REPEATS):
        start = time.thread_time()
        outcome = run()
        best = min(best, time.thread_time() - start)
    counts = outcome.counts
    accesses = sum(counts[kind] for kind in counts if kind.endswith(("_reads", "_writes", "_accesses")))
    return Rate(name, counts["threads"] / best / 1e6, accesses / counts["threads"])


def _compile_seconds(is_quick: bool) -> float:
    """Wall time of a shader that was never compiled, its canary included."""
    start = time.perf_counter()
    load(f"{HEADER}// {time.time_ns()}\n{VECTORS}", is_quick=is_quick)
    return time.perf_counter() - start


def _group_seconds() -> float:
    """One threadgroup in all orders with both reductions."""
    shader = load(HEADER + VECTORS + SCALARS)
    start = time.perf_counter()
    shader.check(_launch("vectors", 1))
    return time.perf_counter() - start


def _render(
    machine: Machine,
    rates: list[Rate],
    together: list[Rate],
    compiled: list[float],
    group: float,
    command: str,
) -> str:
    rows = [(rate.name, f"{rate.threads:.2f}", f"{rate.accesses:.1f}") for rate in rates]
    all_cores = ", ".join(f"{rate.threads:.2f}" for rate in together)
    return "\n".join(
        [
            "# What the Metal emulator costs",
            "",
            f"`{command}` on {machine.processor}, {machine.cores} cores, {machine.system},",
            f"Python {machine.python}. Load average at the start: {machine.load}.",
            "",
            f"Rows of {WIDTH} are normalised with every check on: races, bounds, alignment, values,",
            "divergence. Millions of emulated threads a CPU second of one core, the best of",
            f"{REPEATS} runs, and the accesses of a thread that are checked.",
            "",
            render_markdown(("kernel", "M threads/s", "accesses a thread"), rows),
            "",
            f"With one process a core, the first kernel on each: {all_cores}.",
            "",
            f"Compiling a new shader takes {compiled[0]:.2f} s, or {compiled[1]:.2f} s to run slower, as",
            f"`build.py emulate` has it for small launches; running one threadgroup of {GROUP} threads in",
            f"every order with both reductions takes {1000 * group:.1f} ms (wall time).",
            "",
        ]
    )

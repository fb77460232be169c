"""A spec's shader on the emulator, launched as its record says, beside the interpreter."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from every_spec import load as load_spec
from metal_harness import Launch, MetalKernel, evaluate, team_lanes

from backends.metal.emit import RUNTIME, emit, launch_records
from backends.metal.emulator import Finding, Shader, load
from backends.metal.emulator import Launch as Dispatch
from codegen.gpu.record import EXCHANGE_WORDS, LaunchRecord
from codegen.gpu.schedule import SIMD_LANES
from codegen.pipeline import compile_spec
from codegen.record import Entry


@dataclass(frozen=True)
class EmulatedKernel(MetalKernel):
    """Runs in one order with one reduction, and keeps what was found."""

    order: str = "forward"
    reduction: str = "pairwise"
    findings: list[Finding] = field(default_factory=list)
    written: list[int] = field(default_factory=list)

    def run(self, arguments: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, np.ndarray]:
        """As the other executors do; the results' bytes must have been seen to be written."""
        made = super().run(arguments, types)
        whole = [item.name for item in self.kernel.results if item.name not in self.kernel.zero_filled]
        least = sum(made[name].nbytes for name in whole)
        assert sum(self.written) >= least, f"{sum(self.written)} bytes were seen to be written, not {least}"
        return made

    def _launch(
        self, record: LaunchRecord, entry: Entry, arrays: dict[str, np.ndarray], params: bytes,
        values: Mapping[str, int], kept: dict[str, np.ndarray],
    ) -> None:  # fmt: skip
        lanes = team_lanes(record, values)
        kernel = self._kernel(record, entry, lanes, values)
        tile = lanes * kernel.chunk * record.schedule.tile_turns
        tiles = 1 if record.tiled is None else -(-max(evaluate(record.tiled, values), 0) // tile)
        teams = prod(max(evaluate(extent, values), 0) for extent in record.grid) * tiles
        if teams == 0:
            return
        shared = record.schedule.teams_per_group if lanes == SIMD_LANES else 1
        given = sum((name in arrays) << bit for bit, name in enumerate(record.given))
        scratch = [self._scratch(item, teams, lanes, values, kept) for item in record.scratch]
        bound = [*(arrays.get(name) for name in record.tensors), *scratch]
        launch = Launch(teams, tiles, lanes, tile, shared, given)
        bound += [np.frombuffer(part, np.uint8) for part in (params, bytes(launch))]
        outcome = self.shader.run(
            Dispatch(
                kernel.name, {n: item for n, item in enumerate(bound) if item is not None and item.size},
                grid=-(-teams // shared), threadgroup=lanes * shared, memory={0: 4 * EXCHANGE_WORDS},
                constants={n: values[name] for n, name in enumerate(record.constants)},
                blank=self._blank(record),
            ), self.order, self.reduction, seed=1,
        )  # fmt: skip
        self.findings.extend(outcome.findings)
        self.written.append(outcome.counts["device_bytes_written"])
        for n, item in enumerate(bound):
            if n in outcome.buffers and item is not None and item.flags.writeable:
                item[...] = outcome.buffers[n].reshape(item.shape)

    @property
    def shader(self) -> Shader:
        return self.library  # type: ignore[return-value]

    def _blank(self, record: LaunchRecord) -> set[int]:
        """Results and scratch of the first launch hold nothing yet; a later one finds what came before."""
        if record.number > 0:
            return set()
        tensors = self.kernel.tensors()
        filled = self.kernel.zero_filled
        results = {
            n
            for n, name in enumerate(record.tensors)
            if tensors[name].role == "result" and name not in filled
        }
        return results | {len(record.tensors) + n for n in range(len(record.scratch))}


@functools.cache
def compile_emulated(name: str) -> EmulatedKernel:
    """The shipped text of a spec's shader; `name` as in `every_spec`."""
    compiled = compile_spec(load_spec(name))
    text = emit(compiled.program, compiled.record)[f"metal/{compiled.record.name}.metal"]
    shader = load(text, f"{name}.metal", RUNTIME)
    return EmulatedKernel(compiled, shader, launch_records(compiled.program, compiled.record))  # type: ignore[arg-type]

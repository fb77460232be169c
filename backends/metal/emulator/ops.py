"""An op's shader on the emulator: every launch of its record, one after another, on arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backends.metal.emit import emit, launch_records
from backends.metal.emulator.dispatch import Choice, Dispatch, plan
from backends.metal.emulator.findings import Finding
from backends.metal.emulator.origins import spec_lines
from backends.metal.emulator.shader import Launch, Outcome, Shader, Traffic, load
from codegen.gpu.record import EXCHANGE_WORDS, LaunchRecord
from codegen.pipeline import Compiled, compile_spec
from codegen.record import Entry
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import Frame, bind_arguments
from kernel_ir.load import LoadedSpec
from kernel_ir.rounding import Array, encode, storage_dtype

_CTYPES: Mapping[str, Any] = {
    "int64_t": ctypes.c_int64, "float": ctypes.c_float, "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32, "uint8_t": ctypes.c_uint8,
}  # fmt: skip


_PLAIN = Choice()
_NOTHING = np.empty(0, np.uint8)  # what a tensor is that was not passed
_NOTHING.flags.writeable = False


@dataclass(frozen=True, slots=True)
class How:
    """The variants to take, in which order threads run and lanes are added up, and the rest as `Shader.run`
    has it."""

    choice: Choice = _PLAIN
    order: str = "forward"
    reduction: str = "pairwise"
    seed: int = 1
    is_flushing: bool = False
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One launch that was run, and what the emulator counted: in all, and by tensor or scratch buffer."""

    dispatch: Dispatch
    counts: Mapping[str, int]
    traffic: Mapping[str, Traffic]


@dataclass(frozen=True, slots=True)
class Run:
    """A call: results and updated arguments as storage arrays, what was found, and the launches."""

    outputs: dict[str, Array]
    findings: tuple[Finding, ...]
    steps: tuple[Step, ...]

    def total(self, name: str) -> int:
        """The sum of a count over all launches."""
        return sum(step.counts[name] for step in self.steps)


@dataclass(slots=True)
class _Call:
    """A call under way. `values`: sizes and scalars; `scratch`: what later launches find again."""

    frame: Frame
    entry: Entry
    arrays: dict[str, Array]
    params: bytes
    values: dict[str, Any]
    scratch: dict[str, Array]


class EmulatedOp:
    """A spec's shader, loaded; `run` launches it as host code would."""

    def __init__(self, compiled: Compiled) -> None:
        name = compiled.record.name
        text = emit(compiled.program, compiled.record)[f"metal/{name}.metal"]
        self.compiled = compiled
        self.record = compiled.record
        self.kernel = compiled.record.kernel
        self.launches = launch_records(compiled.program, compiled.record)
        self.shader: Shader = load(text, f"{name}.metal")
        self.spec_lines = spec_lines(compiled.program, compiled.record, text)
        self.zero_filled = compiled.kernel.zero_filled

    def run(self, arguments: Mapping[str, Any], entry: Entry, how: How) -> Run:
        """Run all launches on copies. Raises ValueError for arguments that the signature refuses."""
        call = self._prepare(arguments, entry)
        findings: list[Finding] = []
        steps: list[Step] = []
        for record in self.launches:
            dispatch = plan(record, entry.suffix, call.values, how.choice)
            if dispatch.teams > 0:
                outcome = self._launch(record, dispatch, call, how)
                findings.extend(map(self.with_origin, outcome.findings))
                names = (*record.tensors, *(item.name for item in record.scratch))
                traffic = {
                    names[n]: row
                    for n, row in outcome.traffic.items()
                    if n < len(names) and (names[n] in call.arrays or n >= len(record.tensors))
                }
                steps.append(Step(dispatch, outcome.counts, traffic))
        outputs = {n: call.arrays[n] for n, item in self.kernel.tensors().items() if _is_output(item, call)}
        return Run(outputs, tuple(findings), tuple(steps))

    def with_origin(self, finding: Finding) -> Finding:
        """A finding with the spec's line, where the shader's comes from one."""
        shader = f"{self.record.name}.metal:"
        lines = (line.removeprefix(shader) for line in finding.now.lines if line.startswith(shader))
        found = next((self.spec_lines[int(n)] for n in lines if int(n) in self.spec_lines), None)
        origin = "" if found is None else f"{self.record.spec_path}:{found}"
        return replace(finding, origin=origin)

    def _prepare(self, arguments: Mapping[str, Any], entry: Entry) -> _Call:
        frame = bind_arguments(self.kernel, arguments, {name: d.name for name, d in entry.dtypes})
        arrays: dict[str, Array] = {}
        for item in self.kernel.tensors().values():
            dtype = entry.resolve(item.dtype)
            if item.role == "result":
                arrays[item.name] = np.zeros(frame.shapes[item.name], storage_dtype(dtype))
            elif arguments.get(item.name) is not None:
                given = np.asarray(arguments[item.name])
                is_stored = given.dtype == storage_dtype(dtype)
                arrays[item.name] = (given if is_stored else encode(given, dtype)).copy()
        scalars = {name: value.item() for name, value in frame.scalars.items()}
        return _Call(
            frame, entry, arrays, self._params(arrays, frame.sizes, scalars), {**frame.sizes, **scalars}, {}
        )

    def _params(
        self, arrays: dict[str, Array], sizes: Mapping[str, int], scalars: Mapping[str, Any]
    ) -> bytes:
        """The parameter struct without its pointers."""
        fields = [field for field in self.record.fields if field.kind != "pointer"]
        rows = [(field.name, _CTYPES[field.ctype]) for field in fields]
        struct = type("Params", (ctypes.Structure,), {"_fields_": rows})
        values = {
            field.name: self._stride(arrays.get(field.tensor), field.tensor, field.axis)
            if field.kind == "stride"
            else {**sizes, **scalars}[field.name]
            for field in fields
        }
        return bytes(struct(**values))

    def _stride(self, array: Array | None, tensor: str, axis: int) -> int:
        """Elements between neighbours along an axis as the kernel counts axes: leading ones collapse."""
        if array is None or array.ndim == 0:
            return 0
        position = axis + array.ndim - len(self.kernel.tensors()[tensor].shape)
        return array.shape[-1] if position < 0 else array.strides[position] // array.itemsize

    def first_launch(self, arguments: Mapping[str, Any], entry: Entry, how: How) -> Launch:
        """What the first of the launches is started with."""
        call = self._prepare(arguments, entry)
        dispatch = plan(self.launches[0], entry.suffix, call.values, how.choice)
        return self._request(self.launches[0], dispatch, call)

    def _launch(self, record: LaunchRecord, dispatch: Dispatch, call: _Call, how: How) -> Outcome:
        launch = self._request(record, dispatch, call)
        outcome = self.shader.run(
            launch, how.order, how.reduction, how.seed, is_flushing=how.is_flushing, is_counted=how.is_counted
        )
        for n, item in launch.buffers.items():
            if item.flags.writeable:
                item[...] = outcome.buffers[n].reshape(item.shape)
        return outcome

    def _request(self, record: LaunchRecord, dispatch: Dispatch, call: _Call) -> Launch:
        given = sum((name in call.arrays) << bit for bit, name in enumerate(record.given))
        scratch = [self._scratch(record, n, dispatch, call) for n in range(len(record.scratch))]
        bound = [*(call.arrays.get(name) for name in record.tensors), *scratch]
        bound += [np.frombuffer(part, np.uint8) for part in (call.params, bytes(dispatch.struct(given)))]
        return Launch(
            dispatch.kernel.name,
            {n: _NOTHING if item is None else item for n, item in enumerate(bound)},
            grid=dispatch.grid,
            threadgroup=dispatch.threads,
            constants=dispatch.constants(record, call.values),
            memory={0: 4 * EXCHANGE_WORDS},
            blank=self._blank(record),
        )

    def _scratch(self, record: LaunchRecord, number: int, dispatch: Dispatch, call: _Call) -> Array:
        item = record.scratch[number]
        if not dispatch.touches(item):
            return _NOTHING
        if item.name in call.scratch:
            return call.scratch[item.name]
        made = np.zeros(dispatch.elements(item, call.values), storage_dtype(item.type))
        if item.owner == "program":
            call.scratch[item.name] = made
        return made

    def _blank(self, record: LaunchRecord) -> set[int]:
        """Results and scratch of the first launch hold nothing yet; a later one finds what came before."""
        if record.number > 0:
            return set()
        tensors = self.kernel.tensors()
        results = {
            n
            for n, name in enumerate(record.tensors)
            if tensors[name].role == "result" and name not in self.zero_filled
        }
        return results | {len(record.tensors) + n for n in range(len(record.scratch))}


def emulate_spec(loaded: LoadedSpec) -> EmulatedOp:
    """The shader that a spec gives, loaded. Raises SpecError, TargetError or ShaderError."""
    return EmulatedOp(compile_spec(loaded))


def _is_output(item: ir.TensorType, call: _Call) -> bool:
    return item.role != "input" and item.name in call.arrays

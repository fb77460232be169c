"""Compile a spec's shader as C++ and run it lane by lane, launched as its record says."""

from __future__ import annotations

import ctypes
import hashlib
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cpu_harness import CACHE, CpuKernel

from backends.metal.emit import RUNTIME, emit, launch_records
from backends.metal.emulator import dispatch
from backends.metal.source import inline_includes
from codegen.gpu.record import EXCHANGE_WORDS, LaunchRecord, ScratchRecord
from codegen.pipeline import compile_spec
from codegen.record import Entry
from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.load import LoadedSpec
from kernel_ir.rounding import encode, storage_dtype

STUB = Path(__file__).parent / "metal_stub"
# Registers of rows that end before a lane's share are never read, which GCC does not see.
IGNORED = ("-Wno-unknown-pragmas", "-Wno-attributes", "-Wno-maybe-uninitialized")
WARNINGS = ("-Wall", "-Wextra", "-Werror", *IGNORED)
FLAGS = ("-std=c++17", "-O1", "-fwrapv", "-ffp-contract=off", *WARNINGS, "-fPIC", "-shared")

# Attributes and storage classes that C++ does not have, or puts elsewhere.
_ATTRIBUTES = re.compile(r" ?\[\[(?:kernel|buffer|threadgroup|thread\w+)(?:\(\d+\))?\]\]")
_CONSTANTS = re.compile(r"constant int (\w+) \[\[function_constant\((\d+)\)\]\];")
_REGISTER = re.compile(r"#define SGL_KERNEL\(name, \.\.\.\).*\\\n.*\n")

assert EXCHANGE_WORDS == 512, "lanes.h gives a threadgroup 512 words"


@dataclass(frozen=True)
class Choice(dispatch.Choice):
    """How a kernel is to be run: which variants where they serve, and the order of lanes."""

    is_descending: bool = False


@dataclass(frozen=True)
class MetalKernel(CpuKernel):
    """A compiled shader, run as host code would."""

    records: tuple[LaunchRecord, ...]
    choice: Choice = Choice()

    def run(self, arguments: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, np.ndarray]:
        entry = self.entry(types)
        frame = bind_arguments(self.kernel, arguments, types)
        arrays = self._arrays(arguments, frame.shapes, entry)
        params = bytes(self._params(arrays, frame.sizes, arguments))
        pointers = sum(field.kind == "pointer" for field in self.compiled.record.fields)
        values = {**frame.sizes, **{name: value.item() for name, value in frame.scalars.items()}}
        kept: dict[str, np.ndarray] = {}
        for record in self.records:
            self._launch(record, entry, arrays, params[8 * pointers :], values, kept)
        return {n: arrays[n] for n, item in self.kernel.tensors().items() if item.role != "input"}

    def _arrays(
        self, arguments: Mapping[str, Any], shapes: Mapping[str, Any], entry: Entry
    ) -> dict[str, np.ndarray]:
        arrays = {}
        for item in self.kernel.tensors().values():
            dtype = entry.resolve(item.dtype)
            if item.role == "result":
                arrays[item.name] = np.zeros(shapes[item.name], storage_dtype(dtype))
            elif arguments.get(item.name) is not None:
                given = np.asarray(arguments[item.name])
                is_stored = given.dtype == storage_dtype(dtype)
                arrays[item.name] = (given if is_stored else encode(given, dtype)).copy()
        return arrays

    def _launch(
        self, record: LaunchRecord, entry: Entry, arrays: dict[str, np.ndarray], params: bytes,
        values: Mapping[str, int], kept: dict[str, np.ndarray],
    ) -> None:  # fmt: skip
        """One launch, as `codegen.gpu.record` says."""
        plan = dispatch.plan(record, entry.suffix, values, self.choice)
        if plan.teams == 0:
            return
        given = sum((name in arrays) << bit for bit, name in enumerate(record.given))
        launch = plan.struct(given)
        scratch = [self._scratch(item, plan, values, kept) for item in record.scratch]
        buffers = [*(arrays.get(name) for name in record.tensors), *scratch]
        places = (0 if item is None else item.ctypes.data for item in buffers)
        pointers = (ctypes.c_void_p * len(buffers))(*places)
        for name in record.constants:
            ctypes.c_int.in_dll(self.library, f"{record.name}_kernel_{name}").value = values[name]
        failed = self.library.run_kernel(
            plan.kernel.name.encode(), pointers, params, ctypes.byref(launch), plan.groups, plan.threads,
            int(self.choice.is_descending),
        )  # fmt: skip
        assert not failed, f"the shader has no kernel {plan.kernel.name}"

    def _scratch(
        self,
        item: ScratchRecord,
        plan: dispatch.Dispatch,
        values: Mapping[str, int],
        kept: dict[str, np.ndarray],
    ) -> np.ndarray:
        if item.name in kept:
            return kept[item.name]
        made = np.zeros(plan.elements(item, values), storage_dtype(item.type))
        if item.owner == "program":
            kept[item.name] = made
        return made


def as_cpp(shader: str) -> str:
    """A shader's text, headers included, as C++ that registers its kernels."""
    text = inline_includes(shader, RUNTIME)
    text = _REGISTER.sub('#include "lanes.h"\n', text)
    text = _CONSTANTS.sub(r'extern "C" int \1; int \1;', text)
    text = _ATTRIBUTES.sub("", text)
    return text.replace("constant constexpr", "constexpr").replace("constexpr constant", "constexpr")


_compiled: dict[str, MetalKernel] = {}


def compile_metal(loaded: LoadedSpec) -> MetalKernel:
    """The shader of a spec, compiled once with every warning an error."""
    name = loaded.spec.name
    if name not in _compiled:
        _compiled[name] = _compile(loaded)
    return _compiled[name]


def _compile(loaded: LoadedSpec) -> MetalKernel:
    compiled = compile_spec(loaded)
    record = compiled.record
    source = as_cpp(emit(compiled.program, record)[f"metal/{record.name}.metal"])
    library = _library(record.name, source)
    return MetalKernel(compiled, library, launch_records(compiled.program, record))


def _library(name: str, source: str) -> ctypes.CDLL:
    stub = "".join(path.read_text() for path in sorted(STUB.iterdir()))
    key = hashlib.sha256("\0".join([source, stub, *FLAGS]).encode()).hexdigest()[:16]
    library = CACHE / f"metal-{name}-{key}.so"
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        path = library.with_suffix(".cpp")
        path.write_text(source)
        staged = library.with_suffix(".tmp.so")
        subprocess.run(["g++", *FLAGS, f"-I{STUB}", str(path), "-o", str(staged)], check=True)
        staged.rename(library)
    return ctypes.CDLL(str(library))

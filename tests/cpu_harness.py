"""Compile a spec's CPU kernel and run it beside the interpreter, without any host code between."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.cpu.emit import emit
from backends.cpu.toolchain import KERNEL_FLAGS
from codegen.pipeline import Compiled, compile_spec
from codegen.record import Entry
from fuzz.compare import agree
from kernel_ir import nodes as ir
from kernel_ir.bind_arguments import bind_arguments
from kernel_ir.interpret import Reference, interpret_with_bounds
from kernel_ir.load import load_file, load_text
from kernel_ir.rounding import decode, encode, storage_dtype

RUNTIME = Path(__file__).parent.parent / "backends" / "cpu" / "runtime"
CACHE = Path(__file__).parent.parent / "build" / "test-kernels"
CTYPES = {
    "void*": ctypes.c_void_p, "int64_t": ctypes.c_int64, "float": ctypes.c_float,
    "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32, "uint8_t": ctypes.c_uint8,
}  # fmt: skip


@dataclass(frozen=True)
class CpuKernel:
    """A compiled kernel: `run` takes storage arrays and gives back results and mutated arguments."""

    compiled: Compiled
    library: ctypes.CDLL

    @property
    def kernel(self) -> ir.Kernel:
        return self.compiled.kernel

    def entry(self, types: Mapping[str, str]) -> Entry:
        wanted = {name: types[name] for name, _ in self.kernel.types}
        entries = self.compiled.record.entries
        return next(item for item in entries if {name: d.name for name, d in item.dtypes} == wanted)

    def run(self, arguments: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, np.ndarray]:
        """Run on copies of the mutated arguments; results start as zeros."""
        entry = self.entry(types)
        frame = bind_arguments(self.kernel, arguments, types)
        arrays: dict[str, np.ndarray] = {}
        for item in self.kernel.tensors().values():
            dtype = entry.resolve(item.dtype)
            if item.role == "result":
                arrays[item.name] = np.zeros(frame.shapes[item.name], storage_dtype(dtype))
            elif arguments.get(item.name) is not None:
                given = np.asarray(arguments[item.name])
                given = given if given.dtype == storage_dtype(dtype) else encode(given, dtype)
                arrays[item.name] = given.copy() if item.role == "mutated" else given
        params = self._params(arrays, frame.sizes, arguments)
        symbol = self.compiled.record.cpu_symbol(entry, "avx2")
        getattr(self.library, symbol)(ctypes.byref(params))
        return {n: arrays[n] for n, item in self.kernel.tensors().items() if item.role != "input"}

    def _params(
        self, arrays: dict[str, np.ndarray], sizes: Mapping[str, int], arguments: Mapping[str, Any]
    ) -> Any:
        fields = self.compiled.record.fields
        members = [(field.name, CTYPES[field.ctype]) for field in fields]
        struct = type("Params", (ctypes.Structure,), {"_fields_": members})
        defaults = {i.name: i.default for i in self.kernel.arguments if isinstance(i, ir.ScalarType)}
        values = {}
        for field in fields:
            match field.kind:
                case "pointer":
                    array = arrays.get(field.tensor)
                    values[field.name] = None if array is None else array.ctypes.data
                case "stride":
                    values[field.name] = self._stride(arrays.get(field.tensor), field.tensor, field.axis)
                case "size":
                    values[field.name] = sizes[field.name]
                case "scalar":
                    values[field.name] = arguments.get(field.name, defaults[field.name])
        return struct(**values)

    def _stride(self, array: np.ndarray | None, tensor: str, axis: int) -> int:
        if array is None:
            return 0
        item = self.kernel.tensors()[tensor]
        extra = array.ndim - len(item.shape)
        position = axis + extra
        if array.ndim == 0 or position < 0:
            return array.shape[-1] if array.ndim else 0
        return array.strides[position] // array.itemsize


@functools.cache
def compile_cpu(spec: str, name: str = "") -> CpuKernel:
    """The kernel of a spec given as text, or of a spec file by its path."""
    loaded = load_file(spec) if "\n" not in spec else load_text(spec, name or "spec.yaml")
    compiled = compile_spec(loaded)
    record = compiled.record
    members = "".join(f"    {field.ctype} {field.name};\n" for field in record.fields)
    header = f"#pragma once\n#include <stdint.h>\nstruct {record.params_struct} {{\n{members}}};\n"
    source = emit(compiled.program, record)[f"cpu/{record.name}.cpp"]
    return CpuKernel(compiled, _library(record.name, record.params_file, header, source))


def _library(name: str, header_name: str, header: str, source: str) -> ctypes.CDLL:
    runtime = "".join(path.read_text() for path in sorted(RUNTIME.glob("*.h")))
    key = hashlib.sha256("\0".join([header, source, runtime, *KERNEL_FLAGS]).encode()).hexdigest()[:16]
    folder = CACHE / f"{name}-{key}"
    library = folder / "kernel.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / header_name).write_text(header)
        (folder / "kernel.cpp").write_text(source)
        warnings = ("-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-Wno-tautological-compare")
        isa = ("-mavx2", "-mfma", "-mf16c", "-DSGL_ISA=avx2")
        includes = (f"-I{RUNTIME}", f"-I{folder}")
        flags = (*KERNEL_FLAGS, "-fPIC", "-shared", "-fopenmp", *warnings, *isa, *includes)
        command = ["g++", "-std=c++20", *flags]
        staged = folder / "kernel.tmp.so"
        subprocess.run([*command, str(folder / "kernel.cpp"), "-o", str(staged)], check=True)
        staged.rename(library)
    return ctypes.CDLL(str(library))


def assert_agrees(kernel: CpuKernel, arguments: Mapping[str, Any], types: Mapping[str, str]) -> None:
    """The compiled kernel against the interpreter, within the bound that float arithmetic allows."""
    got = kernel.run(arguments, types)
    for name, item in interpret_with_bounds(kernel.kernel, arguments, types).items():
        assert_close(name, decode(got[name], item.dtype), item)


def assert_close(name: str, got: Any, want: Reference) -> None:
    """NaN where it should be, and elsewhere what a store keeps of values within the bound."""
    low, high = want.limits()
    wrong = np.argwhere(~agree(got, want.values, low, high))
    first = tuple(map(int, wrong[0])) if len(wrong) else ()
    message = f"{len(wrong)} of {got.size} elements of {name}; the first, {first}, is"
    assert not len(wrong), f"{message} {got[first]}, expected {low[first]} to {high[first]}"

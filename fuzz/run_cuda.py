"""CUDA kernels of many programs in one library, compiled wherever nvcc is, and run where a GPU is."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from backends.cuda.emit import emit, launch_records, table_symbol
from backends.cuda.toolchain import INSTALL, KERNEL_FLAGS, find_cuda_compiler, find_device_architectures
from backends.metal.emulator.dispatch import Dispatch
from backends.tools import ProbeCache
from codegen.failures import Failure
from codegen.gpu.record import LaunchRecord
from codegen.pipeline import Compiled
from codegen.settings import read_settings
from fuzz.inputs import Call
from fuzz.memory import Memory, entry_of, lay_out, params_of
from fuzz.run_cpu import CompileError
from fuzz.run_metal import How, plan_of, values_of
from kernel_ir.rounding import storage_dtype

BACKENDS = Path(__file__).resolve().parent.parent / "backends"
PROBES = BACKENDS.parent / "build" / "fuzz" / "probes.json"  # which nvcc answered
INCLUDES = (BACKENDS / "cuda" / "runtime", BACKENDS / "gpu_runtime")
# As kernels ship, and with symbols that this process can look up. Less optimisation is no way to compile
# sooner: nvcc 13.0 then lets two arrays of a lane that are in use at once lie in the same local memory.
_CHANGED = {"-Xcompiler=-fPIC,-fvisibility=hidden": "-Xcompiler=-fPIC"}
_SILENT = ("--ptxas-options=-v",)
_STRICT = ("-Werror", "all-warnings")
_INSTANCE = re.compile(r"^    reinterpret_cast<const void\*>\(&.*\),\n", re.MULTILINE)
_HOST = """
extern "C" int fuzz_allocate(void** made, size_t bytes) { return cudaMalloc(made, bytes); }
extern "C" void fuzz_release(void* memory) { cudaFree(memory); }
extern "C" int fuzz_copy(void* to, const void* from, size_t bytes) {
    return cudaMemcpy(to, from, bytes, cudaMemcpyDefault);
}
extern "C" int fuzz_launch(const void* kernel, unsigned groups, unsigned lanes, unsigned teams, void** all) {
    const dim3 block(lanes, teams);
    const cudaError_t status = cudaLaunchKernel(kernel, dim3(groups), block, all, 0, nullptr);
    return status == cudaSuccess ? cudaDeviceSynchronize() : status;
}
extern "C" const char* fuzz_error(int status) { return cudaGetErrorString(static_cast<cudaError_t>(status)); }
"""


@dataclass(frozen=True, slots=True)
class CudaSource:
    """What one program adds to a library: its text, its launches, and how each call is run."""

    compiled: Compiled
    text: str
    launches: tuple[LaunchRecord, ...]
    hows: tuple[How, ...]


@cache
def require_cuda() -> tuple[str, ...]:
    """The words that start the compiler that `build.py build` takes. Raises Failure where there is none."""
    wanted = read_settings().cuda_compiler
    found = find_cuda_compiler(wanted, ProbeCache(PROBES))
    if found is None:
        looked = f"{' '.join(wanted)}, which CUDACXX names, is none" if wanted else "none was found"
        raise Failure(f"the CUDA compiler nvcc: {looked}; {INSTALL}")
    return found.command


@cache
def has_gpu() -> bool:
    return bool(find_device_architectures())


def cuda_source(compiled: Compiled, calls: Sequence[Call], hows: tuple[How, ...]) -> CudaSource:
    """The kernels' text as it ships, with the instantiations that the calls need; `hows` are theirs."""
    record = compiled.record
    launches = launch_records(compiled.program, record)
    wanted = {
        plan_of(launch, compiled, call, how).kernel.position
        for call, how in zip(calls, hows, strict=True)
        for launch in launches
    }
    members = "".join(f"    {field.ctype} {field.name};\n" for field in record.fields)
    text = emit(compiled.program, record)[f"cuda/{record.name}.cu"]
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#include"))
    positions = iter(range(len(_INSTANCE.findall(text))))
    text = _INSTANCE.sub(lambda found: found[0] if next(positions) in wanted else "    nullptr,\n", text)
    struct = f"struct {record.params_struct} {{\n{members}}};\n"
    return CudaSource(compiled, f"namespace of_{record.name} {{\n{struct}{text}}}\n", launches, hows)


def build_cuda(sources: Sequence[CudaSource], folder: Path, name: str) -> ctypes.CDLL:
    """One library of many programs. Raises CompileError."""
    path = folder / f"{name}.cu"
    path.write_text(
        '#include <stdint.h>\n#include "sgl_cuda.cuh"\n' + "".join(s.text for s in sources) + _HOST
    )
    library = path.with_suffix(".so")
    architecture = (find_device_architectures() or ("80",))[0]
    flags = [_CHANGED.get(flag, flag) for flag in KERNEL_FLAGS if flag not in _SILENT]
    flags += [*_STRICT, f"-arch=sm_{architecture}", "-shared", *(f"-I{folder}" for folder in INCLUDES)]
    command = [*require_cuda(), *flags, str(path), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CompileError(
            (done.stderr or done.stdout).strip() or f"nvcc failed with status {done.returncode}"
        )
    loaded = ctypes.CDLL(str(library))
    loaded.fuzz_error.restype = ctypes.c_char_p
    return loaded


def run_cuda(
    library: ctypes.CDLL, source: CudaSource, call: Call, number: int
) -> tuple[Memory, tuple[str, ...]] | None:
    """One call on the GPU; None where there is none.

    Once the driver has reported an error, the GPU runs nothing more for this process, which ends.
    """
    if not has_gpu():
        return None
    record = source.compiled.record
    memory = lay_out(source.compiled.kernel, entry_of(record, call.types), call, goes_back=False)
    device = _Device(library, source, memory)
    try:
        for launch in source.launches:
            dispatch = plan_of(launch, source.compiled, call, source.hows[number])
            if dispatch.teams > 0:
                device.launch(launch, dispatch)
        device.fetch()
    finally:
        device.release()
    return memory, ()


class _Device:
    """The memory of one call on the GPU, and the launches that work on it.

    What the driver reports ends the process: SystemExit says where it came from.
    """

    def __init__(self, library: ctypes.CDLL, source: CudaSource, memory: Memory) -> None:
        self.library = library
        self.source = source
        self.memory = memory
        self.scratch: dict[str, int] = {}
        self.allocated: list[int] = []
        self.tensors = {name: self._upload(item.memory) for name, item in memory.placed.items()}

    def _check(self, status: int, what: object) -> None:
        if status:
            raise SystemExit(f"{what}: {self.library.fuzz_error(status).decode()}")

    def _allocate(self, size: int) -> int:
        made = ctypes.c_void_p()
        status = self.library.fuzz_allocate(ctypes.byref(made), ctypes.c_size_t(max(size, 1)))
        self._check(status, f"cudaMalloc of {size} bytes")
        place = int(made.value or 0)
        self.allocated.append(place)
        return place

    def _upload(self, values: np.ndarray) -> int:
        place = self._allocate(values.nbytes)
        self._copy(place, values.ctypes.data, values.nbytes)
        return place

    def _copy(self, to: int, source: int, size: int) -> None:
        status = self.library.fuzz_copy(ctypes.c_void_p(to), ctypes.c_void_p(source), ctypes.c_size_t(size))
        self._check(status, f"cudaMemcpy of {size} bytes")

    def fetch(self) -> None:
        for name, item in self.memory.placed.items():
            self._copy(item.memory.ctypes.data, self.tensors[name], item.memory.nbytes)

    def release(self) -> None:
        for place in self.allocated:
            self.library.fuzz_release(ctypes.c_void_p(place))  # which repeats an earlier error

    def launch(self, launch: LaunchRecord, dispatch: Dispatch) -> None:
        """Launch one kernel and wait for it."""
        record, placed = self.source.compiled.record, self.memory.placed
        params = params_of(record, self.memory)
        for field in record.fields:
            if field.kind == "pointer" and field.tensor in placed:
                item = placed[field.tensor]
                setattr(params, field.name, self.tensors[field.tensor] + item.offset * item.memory.itemsize)
        given = sum((name in placed) << bit for bit, name in enumerate(launch.given))
        scratch = [ctypes.c_void_p(self._scratch(launch, n, dispatch)) for n in range(len(launch.scratch))]
        values = [params, dispatch.struct(given), *scratch]
        arguments = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        table = getattr(self.library, table_symbol(record))
        table.restype = ctypes.c_void_p
        kernel = ctypes.c_void_p(table(dispatch.kernel.position))
        teams = dispatch.teams_per_group
        status = self.library.fuzz_launch(kernel, dispatch.groups, dispatch.lanes, teams, arguments)
        self._check(status, dispatch.kernel)

    def _scratch(self, launch: LaunchRecord, number: int, dispatch: Dispatch) -> int:
        item = launch.scratch[number]
        if item.name not in self.scratch:
            count = dispatch.elements(item, values_of(self.source.compiled, self.memory.call))
            place = self._allocate(count * storage_dtype(item.type).itemsize)
            if item.owner != "program":
                return place
            self.scratch[item.name] = place
        return self.scratch[item.name]

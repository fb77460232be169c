"""CUDA kernels of many programs in one library, compiled wherever nvcc is, and run where a GPU is."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Mapping, Sequence
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
from fuzz.run_metal import How, dispatches, plan_of, values_of, ways_to_launch
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
namespace {
struct Arrival { unsigned char* to; const unsigned char* from; size_t bytes; };
struct Step { const void* kernel; void** arguments; uint32_t across, rows, lanes, teams; uint64_t is_early; };
// Lets what follows on the stream start, and only then brings what that reads, after a while.
__global__ void arrive(const Arrival* all, int count) {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
    __nanosleep(100000);
#endif
    for (int n = 0; n < count; n++) {
        const size_t step = size_t(gridDim.x) * blockDim.x;
        for (size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < all[n].bytes; i += step) {
            all[n].to[i] = all[n].from[i];
        }
    }
}
cudaStream_t stream() {
    static cudaStream_t made = nullptr;
    if (!made) cudaStreamCreate(&made);
    return made;
}
bool can_start_early() {
    int device = 0, major = 0;
    if (cudaGetDevice(&device) != cudaSuccess) return false;
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    return major >= 9;
}
cudaError_t start(const Step& step) {
    static const bool can = can_start_early();
    cudaLaunchAttribute early{};
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(step.across, step.rows);
    config.blockDim = dim3(step.lanes, step.teams);
    config.stream = stream();
    config.attrs = &early;
    config.numAttrs = step.is_early != 0 && can;
    return cudaLaunchKernelExC(&config, step.kernel, step.arguments);
}
}  // namespace
extern "C" int fuzz_allocate(void** made, size_t bytes) {
    const cudaError_t status = cudaMalloc(made, bytes);
    return status == cudaSuccess ? cudaMemset(*made, 0xff, bytes) : status;
}
extern "C" void fuzz_release(void* memory) { cudaFree(memory); }
extern "C" int fuzz_copy(void* to, const void* from, size_t bytes) {
    return cudaMemcpy(to, from, bytes, cudaMemcpyDefault);
}
extern "C" int fuzz_launch(const void* arrivals, int count, const void* steps, int launches) {
    arrive<<<4, 256, 0, stream()>>>(static_cast<const Arrival*>(arrivals), count);
    cudaError_t status = cudaGetLastError();
    for (int n = 0; n < launches && status == cudaSuccess; n++) {
        status = start(static_cast<const Step*>(steps)[n]);
    }
    return status == cudaSuccess ? cudaStreamSynchronize(stream()) : status;
}
extern "C" const char* fuzz_error(int status) { return cudaGetErrorString(static_cast<cudaError_t>(status)); }
"""
ROUNDS = 2  # of a call, one behind the other without a wait, with scratch that they share


class _Step(ctypes.Structure):
    """A launch, as the library has it."""

    _fields_ = (
        ("kernel", ctypes.c_void_p),
        ("arguments", ctypes.POINTER(ctypes.c_void_p)),
        *((name, ctypes.c_uint32) for name in ("across", "rows", "lanes", "teams")),
        ("is_early", ctypes.c_uint64),
    )


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


def cuda_ways(source: CudaSource, calls: Sequence[Call]) -> set[str]:
    """How the calls' launches are started, as `fuzz.coverage` names it."""
    return {
        way
        for launch, dispatch, how in dispatches(source, calls)
        for way in (*ways_to_launch(launch, dispatch), "early" if how.starts_early else "in turn")
    }


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
    """One call on the GPU, twice in a row as host code puts calls on a stream; None where there is no GPU.

    What the call reads is brought by a kernel ahead of it, which lets it start early. Once the driver has
    reported an error, the GPU runs nothing more for this process, which ends.
    """
    if not has_gpu():
        return None
    how, record = source.hows[number], source.compiled.record
    memory = lay_out(source.compiled.kernel, entry_of(record, call.types), call, goes_back=False)
    device = _Device(library, source, memory)
    try:
        plans = [(launch, plan_of(launch, source.compiled, call, how)) for launch in source.launches]
        plans = [(launch, dispatch) for launch, dispatch in plans if dispatch.teams > 0]
        device.run([
            device.step(launch, dispatch, tensors, how.starts_early)
            for tensors in device.rounds
            for launch, dispatch in plans
        ])  # fmt: skip
        differing = device.fetch()
    finally:
        device.release()
    return memory, (f"the call behind it gave other bits of {differing}",) if differing else ()


class _Device:
    """The memory of one call on the GPU, for each of its rounds, and the launches that work on it.

    What the driver reports ends the process: SystemExit says where it came from.
    """

    def __init__(self, library: ctypes.CDLL, source: CudaSource, memory: Memory) -> None:
        self.library = library
        self.source = source
        self.memory = memory
        self.scratch: dict[object, int] = {}
        self.allocated: list[int] = []
        self.kept: list[object] = []  # what launches point at
        placed = {name: item.memory for name, item in memory.placed.items()}
        self.sent = {name: self._upload(values) for name, values in placed.items()}
        self.rounds = tuple(
            {name: self._allocate(values.nbytes) for name, values in placed.items()} for _ in range(ROUNDS)
        )

    def _check(self, status: int, what: object) -> None:
        if status:
            raise SystemExit(f"{what}: {self.library.fuzz_error(status).decode()}")

    def _allocate(self, size: int) -> int:
        """Memory that holds no zeros."""
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

    def run(self, steps: Sequence[_Step]) -> None:
        """Bring every tensor of all rounds by a kernel that lets others start before it is through, start the
        launches without a wait, and wait for all of them.
        """
        sizes = {name: item.memory.nbytes for name, item in self.memory.placed.items()}
        rows = [(to[name], self.sent[name], size) for to in self.rounds for name, size in sizes.items()]
        place = ctypes.c_void_p(self._upload(np.array(rows, np.uint64)))
        table = (_Step * len(steps))(*steps)
        status = self.library.fuzz_launch(place, len(rows), table, len(steps))
        self._check(status, ", ".join(item.name for item in self.source.launches))

    def fetch(self) -> str:
        """Bring the first round's tensors; the name of one that the others have with other bits, if any."""
        differing = ""
        for tensors in reversed(self.rounds):
            for name, item in self.memory.placed.items():
                later = item.memory.tobytes()
                self._copy(item.memory.ctypes.data, tensors[name], item.memory.nbytes)
                if tensors is not self.rounds[-1] and later != item.memory.tobytes():
                    differing = name
        return differing

    def release(self) -> None:
        for place in self.allocated:
            self.library.fuzz_release(ctypes.c_void_p(place))  # which repeats an earlier error

    def step(
        self, launch: LaunchRecord, dispatch: Dispatch, tensors: Mapping[str, int], is_early: bool
    ) -> _Step:
        """One launch, and its memory."""
        record, placed = self.source.compiled.record, self.memory.placed
        params = params_of(record, self.memory)
        for field in record.fields:
            if field.kind == "pointer" and field.tensor in placed:
                item = placed[field.tensor]
                setattr(params, field.name, tensors[field.tensor] + item.offset * item.memory.itemsize)
        given = sum((name in placed) << bit for bit, name in enumerate(launch.given))
        scratch = [ctypes.c_void_p(self._scratch(launch, n, dispatch)) for n in range(len(launch.scratch))]
        values = [params, dispatch.struct(given), *scratch]
        arguments = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        table = getattr(self.library, table_symbol(record))
        table.restype = ctypes.c_void_p
        kernel = table(dispatch.kernel.position)
        self.kept.append(values)
        return _Step(kernel, arguments, *dispatch.grid, dispatch.lanes, dispatch.teams_per_group, is_early)

    def _scratch(self, launch: LaunchRecord, number: int, dispatch: Dispatch) -> int:
        """A buffer, the same in every round; nothing where the kernel does not touch it."""
        item = launch.scratch[number]
        if not dispatch.touches(item):
            return 0
        key = item.name if item.owner == "program" else (launch.number, number)
        if key not in self.scratch:
            count = dispatch.elements(item, values_of(self.source.compiled, self.memory.call))
            self.scratch[key] = self._allocate(count * storage_dtype(item.type).itemsize)
        return self.scratch[key]

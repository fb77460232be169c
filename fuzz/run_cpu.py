"""CPU kernels of many programs in one library, called as host code calls them."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backends.cpu.emit import emit
from backends.tools import find_program
from codegen.failures import Failure
from codegen.pipeline import Compiled
from codegen.settings import read_settings
from fuzz.inputs import Call
from fuzz.memory import Memory, entry_of, lay_out, params_of
from kernel_ir.wording import join

RUNTIME = Path(__file__).resolve().parent.parent / "backends" / "cpu" / "runtime"
ISA = "baseline"
COMPILERS = ("g++", "c++", "clang++")
# Functions stay functions, which compiles ten times as fast, and loops over the parts of a pack stay loops;
# what the programs mean does not depend on it.
FLAGS = (
    *("-std=c++20", "-O0", "-Dalways_inline=", "-DSGL_ROLLED", "-ffp-contract=off"),
    *("-fno-math-errno", "-fno-trapping-math", "-fno-exceptions"),
    *("-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
    *("-fwrapv", "-fPIC", "-shared", "-fopenmp", f"-DSGL_ISA={ISA}"),
    *("-DSGL_TILE=48", "-DSGL_WORK_PER_THREAD=500"),  # so that short loops have several of each
    *("-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-Wno-tautological-compare"),
)
THREADS = (2, 1, 3, 4)  # of one call after another, and so of a call and what goes with it
_ENTRY = re.compile(r"SGL_CPU_ENTRY\((\w+), \w+\) \{.*?\n\}\n", re.DOTALL)


class CompileError(Exception):
    """The compiler refused generated source; the message is its own."""


@dataclass(frozen=True, slots=True)
class Source:
    """What one program adds to a library."""

    compiled: Compiled
    text: str


def cpu_source(compiled: Compiled, calls: Sequence[Call]) -> Source:
    """The kernel's text as it ships, with the instantiations that the calls need; one if there are none."""
    record = compiled.record
    members = "".join(f"    {field.ctype} {field.name};\n" for field in record.fields)
    text = emit(compiled.program, record)[f"cpu/{record.name}.cpp"]
    text = text.replace(
        f'#include "{record.params_file}"\n', f"struct {record.params_struct} {{\n{members}}};\n"
    )
    entries = [entry_of(record, call.types) for call in calls] or [*record.entries[:1]]
    wanted = {f"{record.name}_{entry.suffix}" for entry in entries}
    text = _ENTRY.sub(lambda found: found[0] if found[1] in wanted else "", text)
    return Source(compiled, f"namespace of_{record.name} {{\n{_without_includes(text)}}}\n")


def _without_includes(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#include"))


@cache
def require_cpu() -> tuple[str, ...]:
    """The words that start the compiler: those of CXX, or the first that is there. Raises Failure."""
    wanted = read_settings().compiler
    names = wanted[:1] or COMPILERS
    found = next(filter(None, map(find_program, names)), None)
    if found is None:
        looked = f"{names[0]}, which CXX names" if wanted else join(names, "and")
        raise Failure(f"no C++ compiler was found (looked for {looked}); `build.py doctor` says more")
    return (found, *wanted[1:])


def cpu_ways(source: Source) -> set[str]:
    """How the kernel's loops run, as `fuzz.coverage` names it."""
    names = {"for_lanes": "packs", "for_each": "one by one"}
    return {way for name, way in names.items() if f"sgl::{name}(" in source.text}


def build_cpu(sources: Sequence[Source], folder: Path, name: str) -> ctypes.CDLL:
    """One library of many programs. Raises CompileError."""
    text = '#include <stdint.h>\n#include "runtime.h"\n' + "".join(source.text for source in sources)
    return compile_cpu(text, folder / name, RUNTIME)


def compile_cpu(text: str, path: Path, runtime: Path) -> ctypes.CDLL:
    """The library of a text, at a path without suffix. Raises CompileError."""
    source, library = path.with_suffix(".cpp"), path.with_suffix(".so")
    source.write_text(text)
    command = [*require_cpu(), *FLAGS, f"-I{runtime}", str(source), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CompileError(done.stderr.strip() or f"the compiler failed with status {done.returncode}")
    return ctypes.CDLL(str(library))


def run_cpu(library: ctypes.CDLL, compiled: Compiled, call: Call, number: int = 0) -> Memory:
    """One call, on memory of its own, and on as many threads as its number says."""
    entry = entry_of(compiled.record, call.types)
    library.omp_set_num_threads(THREADS[number % len(THREADS)])
    memory = lay_out(compiled.kernel, entry, call)
    getattr(library, compiled.record.cpu_symbol(entry, ISA))(ctypes.byref(params_of(compiled.record, memory)))
    return memory

"""Shaders and the runtime that executes them, compiled by the clang of the `ziglang` package and cached."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from backends.metal import ziglang
from backends.metal.emit import RUNTIME as SHIPPED_HEADERS
from backends.metal.emulator.check import Checker, errors_in, in_metals_terms
from backends.metal.emulator.rewrite import rewrite
from backends.metal.emulator.slots import BUFFER, POSITION, THREAD_INDEX
from backends.metal.emulator.tokens import ShaderError

HERE = Path(__file__).parent
SHIM = HERE / "shim"
RUNTIME = HERE / "runtime"
CACHE = HERE.parents[2] / "build" / "emulator"

_COMPILER = (sys.executable, "-m", "ziglang", "c++")
_FRONT_END = (sys.executable, "-m", "ziglang", "clang", "-cc1")  # without a driver, which links and caches
_LANGUAGE = ("-std=c++17", "-fPIC", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
# Not the text that the compiler was given, nor its columns: the shader has others.
_MESSAGE_FLAGS = ("-w", "-fno-caret-diagnostics", "-fno-show-column")
# The shader's own functions are not optimised, so that every access that it writes down is made; those of
# the shim are. Only the compiler proper is told of the sanitizers: the driver would link their runtimes, for
# which ours stands in.
_UNOPTIMISED = "#pragma clang optimize off\n"
# Of the address sanitizer, only the gaps between a thread's variables, and between the shader's tables: the
# runtime's own checks look at what is written down of them.
_ADDRESS_OPTIONS = (
    "instrument-reads=0", "instrument-writes=0", "instrument-atomics=0", "instrument-byval=0",
    "instrument-dynamic-allocas=0", "use-after-return=never", "use-after-scope=0", "initialization-order=0",
    "force-dynamic-shadow=1",
)  # fmt: skip
_SHADER_FLAGS = (
    *_LANGUAGE, "-gdwarf-4", "-gno-column-info", "-fdebug-compilation-dir=.",
    *_MESSAGE_FLAGS, "-ferror-limit=5",
    "-ffp-contract=off", "-fwrapv", "-fno-fast-math", "-mcpu=native-avx512bf16",
    "-fstack-clash-protection", "-fno-stack-protector",  # what leaves a variable is found as it is accessed
    "-fno-sanitize=undefined", "-mllvm", "-tsan-instrument-read-before-write=1",
    "-Xclang", "-fsanitize=thread,address",
    "-Xclang", "-fsanitize=array-bounds,integer-divide-by-zero,shift-exponent,float-cast-overflow",
    "-Xclang", "-ffloat16-excess-precision=none", "-Xclang", "-fbfloat16-excess-precision=none",
    *(word for option in _ADDRESS_OPTIONS for word in ("-mllvm", f"-asan-{option}")),
    "-Xclang", "-fsanitize-address-destructor=none",
    # Constructors are listed where the loader does not look: emu_construct runs them, every access checked.
    "-Xclang", "-fno-use-init-array", "-Xclang", "-fc++-static-destructors=none",
)  # fmt: skip
# How the shim is compiled: to run fast; or at once, which takes half the time, where little is to be run.
_SHIM_FLAGS = {False: ("-O2",), True: ("-O0", "-gline-tables-only")}
_CHECK_FLAGS = (*_MESSAGE_FLAGS, "-fsyntax-only", "-std=c++17", "-x", "c++", "-ferror-limit", "0")
_RUNTIME_FLAGS = (*_LANGUAGE, "-O2", "-fno-sanitize=all", "-Wall", "-Wextra", "-Werror")
_LINK_FLAGS = ("-shared", "-nostdlib++")


# A kernel in every shader, in which each thread reads what was never written, then writes to its neighbour.
CANARY, CANARY_THREADS = "the canary", 64
_CANARY = f"""
# 1 "canary"
namespace {{
void emu_canary(float* x, uint t) {{ x[t] = x[t] + 1.0f; x[(t + 1) % {CANARY_THREADS}] = 1.0f; }}
const emu::Slot emu_canary_slots[] = {{{{{BUFFER}, 0, 1}}, {{{POSITION}, {THREAD_INDEX}, 0}}}};
emu::Registered emu_canary_kernel("{CANARY}", &emu_canary, emu_canary_slots, {{}});
}}
"""


_TO_ESCAPE = re.compile(r'["\\]')
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"\n]+)[>\"]", re.MULTILINE)


# The modules that decide what a shader becomes.
_TEXT_STEPS = (
    "absent", "check", "comparisons", "compile", "indices", "overloads", "pointers", "reach", "rewrite",
    "slots", "tokens",
)  # fmt: skip


class EmulatorUnavailable(Exception):
    """This machine cannot run the emulator; the message says what it lacks."""


def require() -> None:
    """Raise EmulatorUnavailable where shaders cannot be compiled or run."""
    machine = f"{platform.system()} on {platform.machine()}"
    if machine != "Linux on x86_64":
        raise EmulatorUnavailable(f"it runs on Linux on x86_64, not {machine}")
    wanted, there = ziglang.locked_version(), ziglang.installed_version()
    if there != wanted:
        has = f"has {there}" if there else "has none"
        needs = f"it needs ziglang {wanted}, and {sys.executable} {has}"
        raise EmulatorUnavailable(f"{needs}; to mend it, run: {ziglang.install_command()}")


def compile_runtime() -> Path:
    """The library that holds the scheduler and the checks."""
    sources = sorted(RUNTIME.glob("*.cpp"))
    library = CACHE / f"runtime-{_key('', _RUNTIME_FLAGS, sorted(RUNTIME.iterdir()))}.so"
    if not library.exists():
        command = (*_RUNTIME_FLAGS, *_LINK_FLAGS, *map(str, sources))
        _publish(library, lambda made: _run(*command, "-o", str(made)))
    return library


def compile_shader(source: str, name: str, includes: tuple[Path, ...] = (), is_quick: bool = False) -> Path:
    """The library of a shader's text; `name` is its path in messages. Raises ShaderError.

    Included files are looked for in `includes`, then among those of shaders that ship. `is_quick`: compile
    fast rather than run fast; what is checked is the same.
    """
    flags = (*_SHADER_FLAGS, *_SHIM_FLAGS[is_quick])
    includes = (*includes, *SHIPPED_HEADERS)
    key = _key(f"{name}\n{source}", flags, _included(source, (SHIM, *includes)))
    library = CACHE / f"shader-{key}.so"
    if not library.exists():
        _publish(library, lambda made: _build(source, name, includes, flags, made))
    return library


def _build(source: str, name: str, includes: tuple[Path, ...], flags: tuple[str, ...], library: Path) -> None:
    plain, prepared = library.with_suffix(".metal"), library.with_suffix(".cpp")
    quoted = _TO_ESCAPE.sub(r"\\\g<0>", name.replace("\n", " "))
    plain.write_text(f'{_UNOPTIMISED}# 1 "{quoted}"\n{source}', encoding="utf-8")
    text = _preprocess(plain, includes)
    if f'"{SHIM}/' not in text:
        raise ShaderError(f"{name}:1: error: nothing of Metal's is included; add #include <metal_stdlib>")
    _check(plain, prepared, includes)
    prepared.write_text(rewrite(text, SHIM) + _CANARY, encoding="utf-8")
    _run(*flags, *_LINK_FLAGS, str(prepared), "-o", str(library))


def _preprocess(plain: Path, includes: tuple[Path, ...], *flags: str) -> str:
    folders = [f"-I{folder}" for folder in (SHIM, *includes)]
    return _run("-std=c++17", "-E", *_MESSAGE_FLAGS, *flags, *folders, "-x", "c++", str(plain))


def _check(plain: Path, prepared: Path, includes: tuple[Path, ...]) -> None:
    """Raises ShaderError where address spaces are mixed up, among other things."""
    checker = Checker(_preprocess(plain, includes, "-DEMU_CHECK"), SHIM)
    prepared.write_text(checker.run(), encoding="utf-8")
    said = _call(*_FRONT_END, *_CHECK_FLAGS, str(prepared)).stderr
    if errors := errors_in(said, checker.has_methods_of_spaces):
        raise ShaderError(errors)


def _publish(library: Path, build: Callable[[Path], object]) -> None:
    """Build in a folder of its own, then move into place, so that no reader sees half a file."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        staged = Path(folder) / library.name
        build(staged)
        staged.replace(library)


def _call(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _run(*arguments: str) -> str:
    done = _call(*_COMPILER, *arguments)
    if done.returncode != 0:
        said = in_metals_terms(done.stderr)
        raise ShaderError(said or f"the compiler failed with status {done.returncode}")
    return done.stdout


def _key(text: str, flags: tuple[str, ...], files: Iterable[Path]) -> str:
    """What the outcome depends on: the text, the flags, the compiler, the rewriter and the files."""
    digest = hashlib.sha256()
    own = (HERE / f"{name}.py" for name in _TEXT_STEPS)
    read = (path.read_bytes() for path in (*own, *files))
    written = (part.encode() for part in (ziglang.installed_version(), str(HERE), text, *flags))
    for part in (*written, *read):
        digest.update(f"{len(part)}:".encode() + part)
    return digest.hexdigest()[:24]


def _included(source: str, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """Every file that a text includes, and those that they include, as far as they are found."""
    found: dict[Path, None] = {}
    waiting = [(source, folders)]
    while waiting:
        text, places = waiting.pop()
        for name in _INCLUDE.findall(text):
            path = next((folder / name for folder in places if (folder / name).is_file()), None)
            if path is not None and path not in found:
                found[path] = None
                inner = path.read_text(encoding="utf-8", errors="replace")
                waiting.append((inner, (path.parent, *folders)))
    return tuple(found)

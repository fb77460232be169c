"""Finding Apple's Metal compiler, which is there only if it answers.

Xcode and its Command Line Tools install programs named `metal` that are no compilers, and since Xcode 26 the
compiler is a component that is downloaded by itself. xcrun does not always find it then, and finds it where
TOOLCHAINS names it. So the compiler is asked for its version, and then to make a library of a small shader.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.machine import Machine
from backends.metal.toolchain.cache import make_key
from backends.metal.toolchain.compile import compile_shader
from backends.metal.toolchain.compiler import (
    DOWNLOAD,
    MetalCompiler,
    MetalError,
    MetalTools,
    metal_environment,
)
from backends.metal.toolchain.flags import MetalFlags
from backends.metal.toolchain.stage import link_library
from backends.tools import Outcome, ProbeCache, find_program, fingerprint, try_command
from codegen.settings import Settings

XCODE = "xcode-select --install"
LICENCE = "sudo xcodebuild -license accept"
FIRST_LAUNCH = "sudo xcodebuild -runFirstLaunch"
FULL_XCODE = "install Xcode, then sudo xcode-select -s /Applications/Xcode.app/Contents/Developer"
NEWER_XCODE = "update Xcode to the newest that this macOS takes"
NATIVE = "use a Python for arm64: arch -arm64 python3"

# What Apple's tools say, and what mends it; the first that matches counts.
_MENDS = (
    (r"missing Metal Toolchain", DOWNLOAD),
    (r"licen[cs]e", LICENCE),
    (r"invalid active developer path|no developer tools", XCODE),
    (r"unable to find utility|not a developer tool", FULL_XCODE),
    (r"timed out", FIRST_LAUNCH),
    (r"invalid value|unknown argument|unsupported", NEWER_XCODE),
)
_INSTALLED = re.compile(r"^InstalledDir: (.+)$", re.MULTILINE)
# What the language version is chosen for, written as every compiler that has it takes it.
_TRIAL = """\
#include <metal_stdlib>
using namespace metal;
kernel void trial(device bfloat* x [[buffer(0)]], uint i [[thread_position_in_grid]]) {
    x[i] = static_cast<bfloat>(static_cast<float>(x[i]) + 1.0f);
}
"""


@dataclass(frozen=True, slots=True)
class MetalProbe:
    """What was found. `compiler` is None where no Metal compiler works; then `mend` says what to do."""

    compiler: MetalCompiler | None = None
    found: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """The Metal toolchain that Xcode downloads: its state in Xcode's words, and its name for TOOLCHAINS."""

    status: str = ""
    identifier: str = ""


def find_metal_compiler(machine: Machine, settings: Settings, cache: ProbeCache) -> MetalProbe:
    """The Metal compiler that `settings.toolchains` names, or that xcrun or Xcode's component has."""
    if machine.system != "darwin":
        return MetalProbe(found="not a macOS machine", mend="build on macOS; MLX runs the CPU kernels here")
    if not machine.has_metal:
        return MetalProbe(found=f"{machine.processor}: MLX's GPU kernels need Apple silicon", mend=NATIVE)
    xcrun = find_program("xcrun")
    if xcrun is None:
        return MetalProbe(found="no xcrun", mend=XCODE)
    failures = []
    for toolchains in _toolchains(machine, settings):
        outcome = _try(xcrun, toolchains, ("metal", "--version"), machine)
        if outcome.status == 0 and "metal" in outcome.text.lower():
            return MetalProbe(_describe(xcrun, toolchains, outcome, machine, cache), outcome.first_line)
        failures.append(outcome)
    return _explain(failures[0], settings)


def find_component(machine: Machine) -> Component:
    """What Xcode says of the component; empty where there is no Xcode, or one that has none."""
    xcodebuild = find_program("xcodebuild")
    if xcodebuild is None:
        return Component()
    command = (xcodebuild, "-showComponent", "MetalToolchain", "-json")
    text = try_command(command, machine.patience, environment=metal_environment("")).text
    rows = _first_object(text)
    return Component(str(rows.get("status", "")), str(rows.get("toolchainIdentifier", "")))


def try_flags(tools: MetalTools, flags: MetalFlags, cache: ProbeCache) -> str:
    """Why the compiler cannot make a library with `flags`; empty where it can. Only success is remembered."""

    def probe() -> dict[str, bool]:
        air = compile_shader("trial.metal", _TRIAL, flags.compiling, tools)
        link_library({"trial.air": air.content}, flags.linker, flags.linking, tools)
        return {"works": True}

    key = " ".join((tools.compiler.identity, *flags.compiling, flags.linker, *flags.linking))
    try:
        cache.recall("metal trial", key, probe)
    except (MetalError, OSError) as error:
        return " ".join(str(error).split())
    return ""


def explain_trial(problem: str, settings: Settings) -> str:
    """What mends that the trial did not work."""
    return "unset SGL_METAL_STD" if settings.metal_language else mend_for(problem, DOWNLOAD)


def mend_for(text: str, otherwise: str) -> str:
    """The command that mends what Apple's tools complain of in `text`."""
    return next((mend for pattern, mend in _MENDS if re.search(pattern, text, re.IGNORECASE)), otherwise)


def _first_object(text: str) -> dict[str, Any]:
    """The JSON object in `text`, ahead of which warnings may stand; empty where there is none."""
    decoder = json.JSONDecoder()
    for start in (match.start() for match in re.finditer("{", text)):
        with contextlib.suppress(ValueError):
            return dict(decoder.raw_decode(text, start)[0])
    return {}


def _toolchains(machine: Machine, settings: Settings) -> Iterator[str]:
    """Values of TOOLCHAINS to try. The user's own is the only one where there is one."""
    yield settings.toolchains
    if not settings.toolchains:
        identifier = find_component(machine).identifier
        if identifier:
            yield identifier


def _try(xcrun: str, toolchains: str, arguments: tuple[str, ...], machine: Machine) -> Outcome:
    command = (xcrun, "-sdk", "macosx", *arguments)
    return try_command(command, machine.patience, environment=metal_environment(toolchains))


def _explain(outcome: Outcome, settings: Settings) -> MetalProbe:
    found = outcome.first_line or "a compiler that prints nothing"
    if settings.toolchains:
        return MetalProbe(found=f"{found} (TOOLCHAINS={settings.toolchains})", mend="unset TOOLCHAINS")
    return MetalProbe(found=found, mend=mend_for(outcome.text, DOWNLOAD))


def _describe(
    xcrun: str, toolchains: str, version: Outcome, machine: Machine, cache: ProbeCache
) -> MetalCompiler:
    """The compiler with its identity.

    Where the component is mounted changes from one start of the machine to the next, so its programs count by
    content and their folder does not.
    """
    sdk = _try(xcrun, toolchains, ("--show-sdk-version",), machine).first_line
    said = _INSTALLED.sub("", version.text)
    hashes = [_hash(path, cache) for path in _programs(xcrun, toolchains, version, machine)]
    identity = make_key(b"compiler", said.encode(), sdk.encode(), *(item.encode() for item in hashes))
    return MetalCompiler(xcrun, toolchains, version.first_line, identity)


def _programs(xcrun: str, toolchains: str, version: Outcome, machine: Machine) -> Iterator[Path]:
    """The programs that xcrun starts, and those that the started one says it is from."""
    installed = _INSTALLED.search(version.text)
    for name in ("metal", "metallib"):
        found = _try(xcrun, toolchains, ("--find", name), machine)
        if found.status == 0 and found.first_line:
            yield Path(found.first_line)
        if installed:
            yield Path(installed[1], name)


def _hash(path: Path, cache: ProbeCache) -> str:
    """A hash of a program's content, taken once for each program; empty where there is none."""

    def probe() -> dict[str, str]:
        try:
            return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        except OSError:
            return {"sha256": ""}

    return str(cache.recall(f"hash of {path}", fingerprint(path), probe)["sha256"])

"""Everything that the environment can change, read in this one place.

`CXX`, `CUDACXX`, `MACOSX_DEPLOYMENT_TARGET` and `TOOLCHAINS` are what other build systems call the same.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from codegen.failures import Failure

DEFAULT_PACKAGE = "sgl_kernel"
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*\Z")
_ARCHITECTURE = re.compile(r"([1-9]\d*)\.?(\d)([af]?)\Z")
_OLDEST_ARCHITECTURE = 80
_METAL_LANGUAGE = re.compile(r"metal[1-9]\d*\.\d+\Z")
_SYSTEM_VERSION = re.compile(r"[1-9]\d*(\.\d+){0,2}\Z")


class SettingError(Failure):
    """An environment variable holds something that it cannot hold."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of one run. Commands are split into words; an empty tuple means "look for one".

    `cuda_architectures` are spelt as nvcc does: `80`, `90a`. `metal_language` is spelt as Metal's compiler
    does, `metal3.1`; it and `toolchains`, which xcrun is to use, are empty where nobody chose.
    """

    package: str = DEFAULT_PACKAGE
    compiler: tuple[str, ...] = ()
    cuda_compiler: tuple[str, ...] = ()
    launcher: tuple[str, ...] = ()
    deployment_target: str = "14.0"
    cuda_architectures: tuple[str, ...] = ()
    metal_language: str = ""
    toolchains: str = ""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that `environment` gives. Raises SettingError naming the variable that is wrong."""
    package = environment.get("SGL_PACKAGE_NAME") or DEFAULT_PACKAGE
    if not _IDENTIFIER.match(package):
        raise SettingError(f"SGL_PACKAGE_NAME={package!r} is not a lower-case Python name")
    system = _matching(environment, "MACOSX_DEPLOYMENT_TARGET", _SYSTEM_VERSION, "14.0")
    return Settings(
        package=package,
        compiler=_words(environment, "CXX"),
        cuda_compiler=_words(environment, "CUDACXX"),
        launcher=_words(environment, "SGL_COMPILER_LAUNCHER"),
        deployment_target=system or "14.0",
        cuda_architectures=_architectures(environment),
        metal_language=_matching(environment, "SGL_METAL_STD", _METAL_LANGUAGE, "metal3.1"),
        toolchains=environment.get("TOOLCHAINS", ""),
    )


def _matching(environment: Mapping[str, str], name: str, pattern: re.Pattern[str], example: str) -> str:
    """A variable's value, empty where it is not set. Raises SettingError where it is not like `example`."""
    given = environment.get(name, "")
    if given and not pattern.match(given):
        raise SettingError(f"{name}={given!r} is not a version such as {example}")
    return given


def _architectures(environment: Mapping[str, str]) -> tuple[str, ...]:
    """`SGL_CUDA_ARCHS`: names such as `80`, `9.0` or `90a`, between semicolons, commas or blanks."""
    given = re.split(r"[;,\s]+", environment.get("SGL_CUDA_ARCHS", "").strip("; ,\t\n"))
    return tuple(dict.fromkeys(_architecture(name) for name in given if name))


def _architecture(name: str) -> str:
    match = _ARCHITECTURE.match(name)
    if match is None or int(match[1] + match[2]) < _OLDEST_ARCHITECTURE:
        raise SettingError(f"SGL_CUDA_ARCHS names {name!r}, expected architectures from 80 on, as in '80;90'")
    return "".join(match.groups())


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(environment.get(name, "")))
    except ValueError as error:
        raise SettingError(f"{name} is not a command line: {error}") from error

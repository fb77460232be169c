"""Everything that the environment can change, read in this one place.

`CXX`, `CUDACXX` and `MACOSX_DEPLOYMENT_TARGET` are what other build systems call the same things.
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


class SettingError(Failure):
    """An environment variable holds something that it cannot hold."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of one run. Commands are split into words; an empty tuple means "look for one"."""

    package: str = DEFAULT_PACKAGE
    compiler: tuple[str, ...] = ()
    cuda_compiler: tuple[str, ...] = ()
    launcher: tuple[str, ...] = ()
    deployment_target: str = "14.0"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that `environment` gives. Raises SettingError naming the variable that is wrong."""
    package = environment.get("SGL_PACKAGE_NAME") or DEFAULT_PACKAGE
    if not _IDENTIFIER.match(package):
        raise SettingError(f"SGL_PACKAGE_NAME={package!r} is not a lower-case Python name")
    return Settings(
        package=package,
        compiler=_words(environment, "CXX"),
        cuda_compiler=_words(environment, "CUDACXX"),
        launcher=_words(environment, "SGL_COMPILER_LAUNCHER"),
        deployment_target=environment.get("MACOSX_DEPLOYMENT_TARGET") or "14.0",
    )


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(environment.get(name, "")))
    except ValueError as error:
        raise SettingError(f"{name} is not a command line: {error}") from error

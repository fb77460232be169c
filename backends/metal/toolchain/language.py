"""The version of Metal's language and the oldest macOS that shaders are compiled for.

Each version of the language came with a macOS, and older systems refuse a library in it. So the default is
the oldest version that has what the shaders use: `bfloat`, which metal3.1 brought with macOS 14. macOS 14 is
also the oldest system that MLX's own libraries are built for, so a lower deployment target could not be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from backends.tools import ToolError
from codegen.settings import Settings

DEFAULT_LANGUAGE = "metal3.1"
_OLDEST_LANGUAGE = (3, 1)
_CAME_WITH: dict[tuple[int, ...], tuple[int, ...]] = {(3, 1): (14, 0), (3, 2): (15, 0), (4, 0): (26, 0)}


@dataclass(frozen=True, slots=True)
class MetalTarget:
    """What shaders are compiled for: a language version (`metal3.1`) and a macOS version (`14.0`)."""

    language: str
    system: str

    @property
    def flags(self) -> tuple[str, ...]:
        return (f"-std={self.language}", self.system_flag)

    @property
    def system_flag(self) -> str:
        return f"-mmacosx-version-min={self.system}"


def choose_target(settings: Settings) -> MetalTarget:
    """The target that `settings` ask for. Raises ToolError where its language or system is too old.

    A language newer than any known here is left for the compiler to judge.
    """
    language = settings.metal_language or DEFAULT_LANGUAGE
    number = _numbers(language.removeprefix("metal"))
    if number < _OLDEST_LANGUAGE:
        wanted = f"{DEFAULT_LANGUAGE} or newer, which has bfloat"
        raise ToolError(wanted, f"SGL_METAL_STD={language}", "unset SGL_METAL_STD")
    oldest = _CAME_WITH.get(number, _CAME_WITH[_OLDEST_LANGUAGE])
    if _numbers(settings.deployment_target) < oldest:
        wanted = ".".join(map(str, oldest))
        raise ToolError(
            f"a deployment target of macOS {wanted} or newer, as MLX and {language} need",
            f"MACOSX_DEPLOYMENT_TARGET={settings.deployment_target}",
            f"export MACOSX_DEPLOYMENT_TARGET={wanted}",
        )
    return MetalTarget(language, settings.deployment_target)


def _numbers(version: str) -> tuple[int, ...]:
    """`14` is `(14, 0)`, so that it compares as equal to 14.0."""
    parts = tuple(map(int, version.split(".")))
    return parts if len(parts) > 1 else (*parts, 0)

"""The libraries that extensions are built against: nanobind, MLX, and the ABI that the two must share.

An MLX array crosses into an extension only where both carry the same nanobind internals version. A mismatch
does not fail to build or to import: every call raises TypeError. So it is read from the installed files here,
before anything is compiled. Nothing is imported: a broken install must not break the look at it.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.tools import ProbeCache, ToolError, fingerprint

# Since nanobind 3 a key reads `nanobind_<platform>_a1_v22`; before, `v21_system_<platform>`.
_KEY = re.compile(rb"nanobind_[a-z0-9_]+_a\d+_v(\d+)[a-z_]*|\bv(\d+)_(?:system|gcc|clang)_[a-z0-9_]+")
_INTERNALS = re.compile(r"define\s+NB_INTERNALS_VERSION\s+(\d+)")
_MLX_PARTS = re.compile(r"define\s+MLX_VERSION_(?:MAJOR|MINOR|PATCH)\s+(\d+)")
_NANOBIND_VERSION = re.compile(r"""__version__\s*=\s*["']([^"']+)""")


@dataclass(frozen=True, slots=True)
class Nanobind:
    """An installed nanobind: its folder, its version and its internals version (an integer as text)."""

    folder: Path
    version: str
    internals: str

    @property
    def include_flags(self) -> tuple[str, ...]:
        return (
            "-isystem",
            str(self.folder / "include"),
            "-isystem",
            str(self.folder / "ext/robin_map/include"),
        )

    @property
    def source(self) -> str:
        return str(self.folder / "src/nb_combined.cpp")


@dataclass(frozen=True, slots=True)
class Mlx:
    """An installed MLX: its folder (which holds `include` and `lib`), version and nanobind key."""

    folder: Path
    version: str
    key: str
    internals: str


def find_nanobind() -> Nanobind:
    """The nanobind that this Python sees. Raises ToolError where there is none."""
    folder = _package_folder("nanobind")
    if folder is None or not (folder / "src/nb_combined.cpp").is_file():
        raise ToolError("nanobind", "no such package in this Python", "pip install nanobind")
    return nanobind_in(folder)


def nanobind_in(folder: Path) -> Nanobind:
    """The nanobind whose package is `folder`."""
    return Nanobind(
        folder,
        _first(_NANOBIND_VERSION, folder / "__init__.py"),
        _first(_INTERNALS, folder / "src/nb_internals.h") or _first(_INTERNALS, folder / "src/nb_abi.h"),
    )


def find_mlx(cache: ProbeCache) -> Mlx | None:
    """The MLX that this Python sees, or None where none is installed with headers and library."""
    folder = _package_folder("mlx")
    if folder is None or not (folder / "include/mlx/version.h").is_file():
        return None
    modules = sorted(folder.glob("core*.so"))
    if not modules:
        return None
    version = ".".join(_MLX_PARTS.findall((folder / "include/mlx/version.h").read_text(errors="replace")))
    found = cache.recall("mlx key", fingerprint(modules[0]), lambda: read_key(modules[0]))
    return Mlx(folder, version, found["key"], found["internals"])


def require_same_abi(nanobind: Nanobind, mlx: Mlx) -> None:
    """Raises ToolError where arrays of `mlx` could not cross into extensions built with `nanobind`."""
    if mlx.internals != nanobind.internals:
        raise ToolError(
            f"a nanobind with internals version {mlx.internals or 'unknown'}, as MLX {mlx.version} has",
            f"nanobind {nanobind.version} with internals version {nanobind.internals}",
            "install the pair that requirements/project.txt names: rm -rf .venv && make venv",
        )


def read_key(module: Path) -> Mapping[str, Any]:
    """The nanobind key in an extension module's bytes, and its internals version; empty where not found."""
    match = _KEY.search(module.read_bytes())
    if match is None:
        return {"key": "", "internals": ""}
    return {"key": match.group().decode(), "internals": (match.group(1) or match.group(2)).decode()}


def _package_folder(name: str) -> Path | None:
    """Where a package is installed, without importing it; MLX's is a namespace package."""
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def _first(pattern: re.Pattern[str], path: Path) -> str:
    try:
        match = pattern.search(path.read_text(errors="replace"))
    except OSError:
        return ""
    return match.group(1) if match else ""

"""The shaders beside the extension: one Metal library, or sources that MLX compiles when they are first used.

The manifest that the build left says what they must be. What is damaged, changed or from another build is
told apart here, before Metal sees it.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from pathlib import Path
from typing import Any

from ._extension import BUILD, Problem

MANIFEST = "sgl_metal_kernels.json"
LIBRARY = "sgl_metal_kernels.metallib"
SOURCES = "shaders"
EDITION = 1
_MAGIC = b"MTLB"
_SIZE_AT = 16  # where a library says how long it is


def find_shaders(folder: Path, mlx: str, nanobind: str) -> Path | None:
    """The library or the folder of sources, as built for these versions of MLX and nanobind. None where the
    build left none, which only macOS needs. Raises Problem.
    """
    path = folder / MANIFEST
    if not path.exists():
        if sys.platform == "darwin":
            raise Problem(f"{MANIFEST} is missing", BUILD)
        return None
    manifest = _read(path)
    built = (manifest["mlx"], manifest["nanobind"])
    if built != (mlx, nanobind):
        raise Problem(f"{MANIFEST} is of a build for MLX {built[0]} and nanobind {built[1]}", BUILD)
    _check_system(str(manifest["deployment_target"]))
    for name, row in manifest["files"].items():
        _check_file(folder / name, name, row["bytes"], row["sha256"])
    return folder / (LIBRARY if LIBRARY in manifest["files"] else SOURCES)


def _read(path: Path) -> dict[str, Any]:
    """A manifest with every member that is needed here."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest["edition"] != EDITION:
            raise Problem(f"{path.name} is of edition {manifest['edition']}, not {EDITION}", BUILD)
        for member in ("mlx", "nanobind", "deployment_target"):
            manifest[member]
        if not all(row["bytes"] >= 0 and row["sha256"] for row in manifest["files"].values()):
            raise ValueError("a row of files is empty")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Problem(f"{path.name} is damaged", BUILD) from error
    return dict(manifest)


def _check_system(oldest: str) -> None:
    """Metal refuses a library that is for a newer macOS, in words that do not say so."""
    version = platform.mac_ver()[0]
    if version and _numbers(version) < _numbers(oldest):
        raise Problem(
            f"its shaders are for macOS {oldest} and newer, and this is {version}",
            f"MACOSX_DEPLOYMENT_TARGET={version} {BUILD}",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _check_file(path: Path, name: str, size: int, sha256: str) -> None:
    """A file that is as the manifest says."""
    if not path.exists():
        raise Problem(f"{name} is missing", BUILD)
    data = path.read_bytes()
    if len(data) == size and hashlib.sha256(data).hexdigest() == sha256:
        return
    if name == LIBRARY:
        _check_library(data)
    elif len(data) != size:
        raise Problem(f"{name} is damaged", BUILD)
    raise Problem(f"{name} is not the one that was built with this package", BUILD)


def _check_library(data: bytes) -> None:
    """Libraries begin with a magic word, and say how long they are."""
    if data[: len(_MAGIC)] != _MAGIC:
        raise Problem(f"{LIBRARY} is no Metal library", BUILD)
    if int.from_bytes(data[_SIZE_AT : _SIZE_AT + 8], "little") != len(data):
        raise Problem(f"{LIBRARY} is damaged", BUILD)
